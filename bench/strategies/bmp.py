"""BMP: blending minority-preferential queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.records import Record
from bench.strategies.base import Algorithm, Stateful, base_algorithm, check_option, select_within
from bench.strategies.select import top_k, weighted_sample
from bench.strategies.view import Need, PoolView

_ARMS = 2  # the base query and the minority-preferential query


class Gains(Record):
    """What the bandit knows once a batch is selected.

    Attributes:
        gains: estimated total reward of each arm, the last batch excluded: its labels are not known yet.
        batch: rows of the last batch by arm; those of the base query come first.
    """

    gains: tuple[float, float]
    batch: tuple[int, int]


@dataclass(frozen=True)
class Bmp(Stateful[Gains]):
    """Blends a base query with the same query among the rows predicted positive, on a random part of the pool.

    Attributes:
        base: the algorithm that queries.
        gamma: exploration of EXP3: the share of draws that goes to the arms evenly, and the rate of learning.
        subpool: rows of the random part.
    """

    name: ClassVar[str] = "bmp"
    title: ClassVar[str] = "BMP"
    paper: ClassVar[str] = "Kim & Yoo 2022, blending minority preferential (BMP); EXP3: Auer et al. 2002, figure 1"
    needs: ClassVar[frozenset[Need]] = frozenset({"probabilities"})
    state_type: ClassVar[type[Record]] = Gains
    open_points: ClassVar[str] = (
        "From the abstract: a bandit blends conventional queries with minority-preferential ones, which are the same "
        "queries among rows predicted positive, on a randomly sampled pool. Neither the text nor code could be had; "
        "implementation choices: the bandit is EXP3, an arm is drawn for each row of a batch, and the probabilities "
        "hold for a batch. The reward of a row is 1 less its class's share of the rows labelled before the batch (add "
        "one), so that the rarer class pays more and neither does in a balanced set; the paper rewards accuracy as "
        "well, for which a run has no labels to spare. Predicted positive means p(x) >= 0.5; if such rows are too few, "
        "the largest p(x) make up for them. Base rows are selected first. The paper has no weights: the part of the "
        "pool is drawn uniformly among rows of weight > 0, and the base query takes w in both arms."
    )

    base: str = "entropy"
    gamma: float = 0.1
    subpool: int = 1000

    def __post_init__(self) -> None:
        base_algorithm(self, "base")
        check_option(self, "gamma", 0 < self.gamma <= 1, "> 0 and <= 1")
        check_option(self, "subpool", self.subpool >= 1, ">= 1; a batch that is larger enlarges it")

    def uses(self) -> tuple[Algorithm, ...]:
        """Return the algorithm that queries."""
        return (base_algorithm(self, "base"),)

    def step(self, view: PoolView, state: Gains | None, w: FloatArray, k: int) -> tuple[IntArray, Gains]:
        """Return k rows, those of the base query first, and what is known of the arms."""
        gains = _learnt(state, view.labels, self.gamma) if state else (0.0, 0.0)
        preferential = int(np.count_nonzero(view.generator.random(k) < chances(gains, self.gamma)[1]))
        rows = _subpool(view, w, max(self.subpool, k))
        (base,) = self.uses()
        picks = select_within(base, view, w, rows, k - preferential) if preferential < k else rows[:0]
        left = rows[~np.isin(rows, picks)]
        if preferential:
            picks = np.concatenate([picks, _minority(base, view, w, left, preferential)])
        return picks, Gains(gains=gains, batch=(k - preferential, preferential))


def chances(gains: tuple[float, float], gamma: float) -> FloatArray:
    """Return the probability with which EXP3 draws each arm, (2,)."""
    from scipy.special import softmax

    return np.asarray((1 - gamma) * softmax(gamma * np.array(gains) / _ARMS) + gamma / _ARMS)


def rewards(labels: IntArray, before: IntArray) -> FloatArray:
    """Return the reward of each row of a batch, in (0, 1).

    Args:
        labels: (k,) of the batch.
        before: labels of the rows labelled before it.
    """
    share = (int(before.sum()) + 1) / (len(before) + 2)
    return np.where(labels == 1, 1 - share, share)


def _learnt(state: Gains, labels: IntArray, gamma: float) -> tuple[float, float]:
    """Return the gains with the rewards of the last batch, whose labels come last, over the chance of their arm."""
    before, batch = np.split(labels, [len(labels) - sum(state.batch)])
    of_arm = np.split(rewards(batch, before), [state.batch[0]])
    base, minority = chances(state.gains, gamma)
    return (
        state.gains[0] + float(of_arm[0].sum() / base),
        state.gains[1] + float(of_arm[1].sum() / minority),
    )


def _subpool(view: PoolView, w: FloatArray, size: int) -> IntArray:
    """Return that many rows, or all, drawn uniformly among those that have weight, then among the others."""
    # Draws of their own, dealt in the order of the priorities: the base goes by these, and must not find the low ones.
    draws = np.empty(view.size)
    draws[np.argsort(view.priority, kind="stable")] = view.generator.random(view.size)
    return weighted_sample((w > 0).astype(np.float64), min(size, view.size), draws)


def _minority(base: Algorithm, view: PoolView, w: FloatArray, rows: IntArray, k: int) -> IntArray:
    """Return k of these rows: by the base query those predicted positive, then by w * p(x)."""
    p = view.probabilities[rows]
    positive = rows[(p >= 0.5) & (w[rows] > 0)]
    picks = select_within(base, view, w, positive, min(k, len(positive))) if len(positive) else rows[:0]
    left = rows[~np.isin(rows, picks)]
    others = top_k(view.probabilities[left], w[left], k - len(picks), view.priority[left])
    return np.concatenate([picks, left[others]])
