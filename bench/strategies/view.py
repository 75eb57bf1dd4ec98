"""What a strategy is allowed to see of a round.

Hidden labels cannot be expressed here: a view carries model outputs for the unlabelled pool, the labelled
rows' outputs and labels, and randomness. An algorithm that declares ``oracle`` may buy labels of its batch one by
one; each counts against the batch. Row numbers are positions in the view; only the loop knows dataset ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from bench.arrays import FloatArray, IntArray
from bench.errors import RunError
from bench.strategies.checksum import checksum

if TYPE_CHECKING:
    import torch

Need = Literal[
    "probabilities",  # p(x): a pass of M_{t-1} over the pool
    "embeddings",  # h(x), which the same pass yields
    "ensemble",  # p(x) of each member of an ensemble: a fit and a pass for each further member
    "dropout",  # p(x) under each of several dropout masks: a pass for each
    "pretrained",  # text embeddings of the pre-trained encoder: one pass a block
    "surprisal",  # masked-LM surprisal: computed once per dataset
    "features",  # the user's own vectors of the texts, which the dataset brings
    "texts",  # the texts themselves
    "oracle",  # labels within the batch
]
NEEDS: tuple[Need, ...] = get_args(Need)
_PROBABILITIES = ("probabilities", "labelled_probabilities", "ensemble", "dropout")
OUTPUTS: frozenset[Need] = frozenset({"probabilities", "embeddings", "dropout", "ensemble"})
"""What takes a pass of M_{t-1} over the pool."""


@dataclass(frozen=True)
class PoolOutputs:
    """What models say of the pool and of the labelled rows; None where nobody asked for it.

    Attributes:
        probabilities: (n,) p(x) = M_{t-1}(x), probability of the positive class.
        labelled_probabilities: (m,) the same for the labelled rows.
        embeddings: (n, d) h(x), input of the last layer of M_{t-1}. labelled_embeddings: (m, d).
        ensemble: (c, n) probability of the positive class by each of c models fitted alike; the first is M_{t-1}.
        dropout: (c, n) the same by M_{t-1} under c dropout masks.
        pretrained: (n, e) text embeddings of the pre-trained encoder. labelled_pretrained: (m, e).
        surprisal: (n, L) surprisal embeddings of the pre-trained masked LM, rows of unit length.
        features: (n, f) the user's own vectors, float32. labelled_features: (m, f).
        texts: n texts. labelled_texts: m.
    """

    probabilities: FloatArray | None = None
    labelled_probabilities: FloatArray | None = None
    embeddings: torch.Tensor | None = None
    labelled_embeddings: torch.Tensor | None = None
    ensemble: FloatArray | None = None
    dropout: FloatArray | None = None
    pretrained: FloatArray | None = None
    labelled_pretrained: FloatArray | None = None
    surprisal: FloatArray | None = None
    features: FloatArray | None = None
    labelled_features: FloatArray | None = None
    texts: tuple[str, ...] | None = None
    labelled_texts: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in _PROBABILITIES:
            p = getattr(self, name)
            if p is not None and not ((p >= 0) & (p <= 1)).all():  # NaN fails both
                raise RunError(f"the model's probabilities must lie in [0, 1]; {name} go from {p.min()} to {p.max()}")

    @cached_property
    def checksum(self) -> int:
        """Of the embeddings as they are when it is first read; 0 if there are none."""
        return 0 if self.embeddings is None else checksum(self.embeddings)


class BatchOracle:
    """Labels within a batch: each row asked about is one of the batch's k rows."""

    def __init__(self, reveal: Callable[[int], int], budget: int) -> None:
        self._reveal, self._budget = reveal, budget
        self._asked: dict[int, int] = {}

    @property
    def asked(self) -> Mapping[int, int]:
        """Row -> label, in the order of asking."""
        return MappingProxyType(self._asked)

    def __call__(self, row: int) -> int:
        """Return the label of a row of the pool, 1 = positive; a row asked about again costs nothing.

        Raises:
            RunError: if the batch's labels are spent.
        """
        if row not in self._asked:
            if len(self._asked) >= self._budget:
                raise RunError(f"all {self._budget} labels of the batch are spent; an algorithm may ask for no more")
            self._asked[row] = self._reveal(row)
        return self._asked[row]


@dataclass(frozen=True)
class PoolView:
    """A frozen view of one round; only what is declared as needed can be read, and none of it written.

    In a run all arrays are read-only copies; a write into ``embeddings``, for which torch knows no such thing, is found
    out and fails the run.

    Attributes:
        size: n, rows in the unlabelled pool.
        round: t, counted from 1.
        labels: (m,) labels of the labelled rows in the order of labelling, 1 = positive; empty in the first round of
            a cold start.
        priority: (n,) a uniform draw in [0, 1) attached to each *row*, not to its position: ties and draws go
            by it, so that the order of rows is irrelevant and the strategies of a block use common random numbers.
        generator: for whatever else an algorithm draws.
        needs: what the strategy declared; anything else is refused.
        outputs: of the pool; read them through the properties below.
        state: what a stateful algorithm left after the round before, as stored; None in its first round.
        oracle: labels within the batch; asked through :meth:`ask`.
        shown: (n,) which rows of ``outputs`` the view shows; None for all.
        device: that computed the surprisal, in torch's words: where an algorithm may compute with it.
    """

    size: int
    round: int
    labels: IntArray
    priority: FloatArray
    generator: np.random.Generator
    needs: frozenset[Need]
    outputs: PoolOutputs = field(repr=False)
    state: dict[str, Any] | None = None
    oracle: BatchOracle | None = field(default=None, repr=False)
    shown: IntArray | None = field(default=None, repr=False)
    device: str = "cpu"

    def rows(self, numbers: IntArray) -> PoolView:
        """Return a view of these rows alone, in this order, with the same labelled rows, generator and oracle."""
        shown = numbers if self.shown is None else self.shown[numbers]
        priority = _like(self.priority, self.priority[numbers])
        return replace(self, size=len(numbers), priority=priority, shown=_like(self.priority, np.array(shown)))

    def ask(self, row: int) -> int:
        """Return the label of a row, 1 = positive, at the price of one of the batch's k labels.

        Raises:
            RunError: if the algorithm does not declare the need ``oracle``, or the labels are spent.
        """
        self._require("oracle")
        if self.oracle is None:
            raise RunError("labels within the batch were declared as needed but there is no oracle")
        return self.oracle(int(row if self.shown is None else self.shown[row]))

    @cached_property
    def probabilities(self) -> FloatArray:
        """p(x) = M_{t-1}(x), (n,), probability of the positive class in [0, 1]."""
        self._require_pass()
        return self._array("probabilities")

    @property
    def labelled_probabilities(self) -> FloatArray:
        """p(x) of the labelled rows, (m,), in the order of ``labels``; M_{t-1} was trained on them."""
        self._require_pass()
        return self._in_float64("labelled_probabilities")

    @cached_property
    def embeddings(self) -> torch.Tensor:
        """h(x), (n, d), the input of the last layer of M_{t-1}, on the model's device."""
        self._require("embeddings")
        return self._tensor("embeddings")

    @property
    def labelled_embeddings(self) -> torch.Tensor:
        """h(x) of the labelled rows, (m, d), in the order of ``labels``."""
        self._require("embeddings")
        value: torch.Tensor = self._computed("labelled_embeddings")
        return value

    @cached_property
    def ensemble(self) -> FloatArray:
        """p(x) by each member of an ensemble, (c, n); the members differ in head, batch order and dropout."""
        self._require("ensemble")
        return self._array("ensemble")

    @cached_property
    def dropout(self) -> FloatArray:
        """p(x) by M_{t-1} under each of c dropout masks, (c, n)."""
        self._require("dropout")
        return self._array("dropout")

    @cached_property
    def pretrained(self) -> FloatArray:
        """Text embeddings of the pre-trained encoder, (n, e): mean over a text's tokens, not scaled."""
        self._require("pretrained")
        return self._array("pretrained")

    @property
    def labelled_pretrained(self) -> FloatArray:
        """Text embeddings of the labelled rows by the pre-trained encoder, (m, e), in the order of ``labels``."""
        self._require("pretrained")
        value: FloatArray = self._computed("labelled_pretrained")
        return value

    @cached_property
    def surprisal(self) -> FloatArray:
        """Surprisal embedding of the pre-trained masked LM, (n, L), rows of unit length (ALPS)."""
        self._require("surprisal")
        return self._array("surprisal")

    @cached_property
    def features(self) -> FloatArray:
        """The user's own vectors of the texts, (n, f), as their dataset brings them."""
        self._require("features")
        return self._array("features")

    @property
    def labelled_features(self) -> FloatArray:
        """The user's own vectors of the labelled rows, (m, f), in the order of ``labels``."""
        self._require("features")
        value: FloatArray = self._computed("labelled_features")
        return value

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The texts, n of them."""
        self._require("texts")
        value: tuple[str, ...] = self._computed("texts")
        return value if self.shown is None else tuple(value[row] for row in self.shown)

    @property
    def labelled_texts(self) -> tuple[str, ...]:
        """The texts of the labelled rows, m of them, in the order of ``labels``."""
        self._require("texts")
        value: tuple[str, ...] = self._computed("labelled_texts")
        return value

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

    def _computed(self, name: str) -> Any:
        value = getattr(self.outputs, name)
        if value is None:
            raise RunError(f"{name} were declared as needed but not computed")
        return value

    def _array(self, name: str) -> FloatArray:
        """Return an output of the rows shown; rows are the last axis of what a committee says."""
        value = self._in_float64(name) if name in _PROBABILITIES else self._computed(name)
        if self.shown is None:
            return value
        return _like(value, np.take(value, self.shown, axis=int(name in {"ensemble", "dropout"})))

    def _in_float64(self, name: str) -> FloatArray:
        """Return probabilities as float64: in float32, 1 - 1e-16 is 1 and what keeps logarithms finite is lost."""
        value: FloatArray = self._computed(name)
        return value if value.dtype == np.float64 else _like(value, value.astype(np.float64))

    def _tensor(self, name: str) -> torch.Tensor:
        import torch

        value: torch.Tensor = self._computed(name)
        return value if self.shown is None else value[torch.tensor(self.shown, device=value.device)]


def _like(whole: npt.NDArray[Any], part: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a part of an array; if the whole is read-only, so is the part."""
    return part if whole.flags.writeable else read_only(part)


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array through which nothing can be written, and whose flag cannot be raised again; nothing is copied.

    A view of the array alone would not do: its flag, and its base's, could be set back.
    """
    return np.asarray(array.data.toreadonly())
