"""HAL: hybrid active learning, a coin for each row between exploiting and exploring."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.base import Algorithm, check_option
from bench.strategies.margin import Margin
from bench.strategies.neighbours import distances_in_chunks
from bench.strategies.select import fill_up, top_k, weighted_sample
from bench.strategies.view import Need, PoolView

if TYPE_CHECKING:
    import torch

_CHUNK = 1024  # rows turned to float64 at a time


@dataclass(frozen=True)
class Hal(Algorithm):
    """Takes each row of the batch by margin with probability ``exploit``, and by an explorer otherwise.

    Attributes:
        exploit: probability that a row is taken by margin; 1 is margin, 0 the explorer alone.
        explorer: ``gaussian``, the row of least kernel density to the labelled and taken rows; or ``random``.
        bandwidth: delta of the Gaussian kernel, in units of the mean squared distance between two rows of the pool.
    """

    name: ClassVar[str] = "hal"
    title: ClassVar[str] = "HAL"
    paper: ClassVar[str] = (
        "Kazerouni et al. 2020 (hybrid active learning with random and with Gaussian exploration); weights: Fairstein "
        "et al. 2024, Algorithm 2"
    )
    version: ClassVar[str] = "2"
    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})
    open_points: ClassVar[str] = (
        "The paper takes one row at a time; here rows taken earlier in the batch count as labelled for the density. w "
        "enters all three ways: the margin's row is argmax w * s, the random explorer draws in proportion to w, the "
        "Gaussian one takes argmax w / density, which is the paper's least density under uniform weights. With nothing "
        "labelled its first row goes by w and priority. Distances are Euclidean on h; delta is relative to their mean "
        "square, since h has no scale of its own. exploit = 0.5 and bandwidth = 1 are defaults of this suite, not "
        "tuned values of the paper."
    )

    exploit: float = 0.5
    explorer: str = "gaussian"
    bandwidth: float = 1.0

    def __post_init__(self) -> None:
        check_option(self, "exploit", 0 <= self.exploit <= 1, "0 to 1")
        check_option(self, "explorer", self.explorer in {"gaussian", "random"}, "gaussian, random")
        check_option(self, "bandwidth", 0 < self.bandwidth < math.inf, "> 0 and finite")

    def uses(self) -> tuple[Algorithm, ...]:
        """Return margin, which exploits."""
        return (Margin(),)

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return k rows in the order they were taken; with the Gaussian explorer k + m distances a row."""
        left = np.array(w, dtype=np.float64)
        uncertainty = Margin().scores(view)
        density = _Density(view, self.bandwidth) if self.explorer == "gaussian" else None
        picks: list[int] = []
        for exploit in view.generator.random(k)[: np.count_nonzero(w)] < self.exploit:
            if exploit:
                best = top_k(uncertainty, left, 1, view.priority)
            elif density is not None:
                best = top_k(density.inverse(left), left, 1, view.priority)
            else:
                best = weighted_sample(left, 1, view.priority)
            picks.append(int(best[0]))
            left[best] = 0
            if density is not None:
                density.add(view.embeddings[picks[-1:]])
        return fill_up(picks, k, view.priority)


class _Density:
    """Sum over centres c of exp(-||x - c||^2 / delta) for all rows x, (n,), kept as a logarithm against underflow."""

    def __init__(self, view: PoolView, bandwidth: float) -> None:
        self._h = view.embeddings
        # Where all rows are equal any delta serves.
        self._delta = bandwidth * _mean_squared_distance(self._h) or 1.0
        self._log = np.full(view.size, -np.inf)
        self.add(view.labelled_embeddings)

    def add(self, centres: torch.Tensor) -> None:
        """Let further rows, (c, d), count as centres."""
        import torch

        chunks = distances_in_chunks(self._h, centres)
        kernels = [torch.logsumexp(-distances.double().square() / self._delta, dim=1) for distances in chunks]
        self._log = np.logaddexp(self._log, torch.cat(kernels).cpu().numpy())

    def inverse(self, left: FloatArray) -> FloatArray:
        """Return 1 / density, (n,), scaled so that the largest of the rows with weight left is 1."""
        least = self._log[left > 0].min()
        return np.exp(np.minimum(least - self._log, 0)) if np.isfinite(least) else np.ones(len(left))


def _mean_squared_distance(h: torch.Tensor) -> float:
    """Return the mean of ||x - y||^2 over two rows drawn from h, (n, d): twice the sum of the features' variances."""
    import torch

    mean = torch.stack([rows.double().sum(dim=0) for rows in h.split(_CHUNK)]).sum(dim=0) / len(h)
    return 2 * sum(float((rows.double() - mean).square().sum()) for rows in h.split(_CHUNK)) / len(h)
