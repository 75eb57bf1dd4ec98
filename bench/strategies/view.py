"""What a strategy is allowed to see of a round.

Hidden labels cannot be expressed here: a view carries model outputs for the unlabelled pool, the labelled
rows' outputs and labels, and randomness. Row numbers are positions in the view; only the loop knows dataset
ids.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from bench.errors import RunError

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.int64]
Need = Literal["probabilities", "embeddings", "surprisal"]


@dataclass(frozen=True)
class PoolOutputs:
    """What M_{t-1} says of the pool and of the labelled rows.

    Attributes:
        probabilities: (n,) p(x), probability of the positive class.
        labelled_probabilities: (m,) the same for the labelled rows.
        embeddings: (n, d) input of the classifier's last layer, or None if nobody asked for it.
        labelled_embeddings: (m, d) those of the labelled rows, or None.
    """

    probabilities: FloatArray
    labelled_probabilities: FloatArray
    embeddings: torch.Tensor | None = None
    labelled_embeddings: torch.Tensor | None = None


@dataclass(frozen=True)
class PoolView:
    """A frozen view of one round; outputs are computed on first use and only if declared as needed.

    Attributes:
        size: n, rows in the unlabelled pool.
        round: t, counted from 1.
        labels: (m,) labels of the labelled rows, 1 = positive; empty in the first round of a cold start.
        priority: (n,) a uniform draw in [0, 1) attached to each *row*, not to its position: ties and draws go
            by it, so that the order of rows is irrelevant and the strategies of a block share their luck.
        generator: for whatever else an algorithm draws.
        needs: what the strategy declared; anything else is refused.
    """

    size: int
    round: int
    labels: IntArray
    priority: FloatArray
    generator: np.random.Generator
    needs: frozenset[Need]
    compute_outputs: Callable[[], PoolOutputs] = field(repr=False)
    compute_surprisal: Callable[[], FloatArray] = field(repr=False)

    @cached_property
    def _outputs(self) -> PoolOutputs:
        outputs = self.compute_outputs()
        p = np.concatenate([outputs.probabilities, outputs.labelled_probabilities])
        if not ((p >= 0) & (p <= 1)).all():  # NaN fails both
            raise RunError(f"the model's probabilities must lie in [0, 1]; got {p.min()} to {p.max()}")
        return outputs

    def _require(self, need: Need) -> None:
        if need not in self.needs:
            raise RunError(
                f"the strategy asked for {need} but declares needs = {sorted(self.needs)}; "
                f"add {need!r} to its class attribute `needs`"
            )

    def _require_pass(self) -> None:
        # The pass that makes embeddings makes probabilities too.
        if "embeddings" not in self.needs:
            self._require("probabilities")

    @property
    def probabilities(self) -> FloatArray:
        """p(x) = M_{t-1}(x), (n,), probability of the positive class in [0, 1]."""
        self._require_pass()
        return self._outputs.probabilities

    @property
    def labelled_probabilities(self) -> FloatArray:
        """p(x) of the labelled rows, (m,), in the order of ``labels``; M_{t-1} was trained on them."""
        self._require_pass()
        return self._outputs.labelled_probabilities

    @property
    def embeddings(self) -> torch.Tensor:
        """h(x), (n, d), the input of the last layer of M_{t-1}, on the model's device."""
        self._require("embeddings")
        value = self._outputs.embeddings
        if value is None:
            raise RunError("embeddings were declared as needed but not computed")
        return value

    @property
    def labelled_embeddings(self) -> torch.Tensor:
        """h(x) of the labelled rows, (m, d), in the order of ``labels``."""
        self._require("embeddings")
        value = self._outputs.labelled_embeddings
        if value is None:
            raise RunError("embeddings were declared as needed but not computed")
        return value

    @property
    def surprisal(self) -> FloatArray:
        """Surprisal embedding of the pre-trained masked LM, (n, L), rows of unit length (ALPS)."""
        self._require("surprisal")
        return self._surprisal

    @cached_property
    def _surprisal(self) -> FloatArray:
        return self.compute_surprisal()
