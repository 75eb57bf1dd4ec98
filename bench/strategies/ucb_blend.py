"""UCB blend: a bandit between a base algorithm and the likeliest positives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.records import Record
from bench.strategies.base import Algorithm, Stateful, base_algorithm, check_option
from bench.strategies.select import top_k
from bench.strategies.view import Need, PoolView

ArmCounts = tuple[int, int]  # of the base arm and of the positive arm


class Pulls(Record):
    """What the bandit knows once a batch is selected.

    Attributes:
        pulls: rows that each arm has selected, the last batch included.
        found: positives among them, the last batch excluded: its labels are not known yet.
        batch: rows of the last batch; those of the base arm come first.
    """

    pulls: ArmCounts
    found: ArmCounts
    batch: ArmCounts


@dataclass(frozen=True)
class UcbBlend(Stateful[Pulls]):
    """Shares a batch between a base algorithm and the likeliest positives by upper confidence bounds.

    Attributes:
        base: the algorithm that is the base arm.
        exploration: c of UCB1's bonus sqrt(c ln N / n).
    """

    name: ClassVar[str] = "ucb_blend"
    formerly: ClassVar[tuple[str, ...]] = ("mb_cb",)
    title: ClassVar[str] = "UCB blend"
    paper: ClassVar[str] = (
        "Auer, Cesa-Bianchi & Fischer 2002 (UCB1); the blend is this suite's own, after an idea of Lin, Mausam & Weld "
        "2018"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"probabilities"})
    state_type: ClassVar[type[Record]] = Pulls
    open_points: ClassVar[str] = (
        "Not the MB-CB of Lin, Mausam & Weld, under whose name it stood here before: in their code (thesis-skew) the "
        "arms are the generation of examples at a price and the labelling of a batch by uncertainty at a fixed ratio "
        "of classes, a pull is a batch, and the index bounds the cost of a positive from below. Without generation, "
        "which a pool benchmark does not have, nothing of that is left. Here the bandit is UCB1 with its published "
        "constant, a row is a pull, its reward 1 if it is a positive. Labels come after the batch: within it the "
        "numbers of pulls rise and the mean rewards stand still, so the first batch is split evenly. Rows that both "
        "arms want are the base arm's. The base arm takes w as it does alone, the positive arm goes by w * p(x)."
    )

    base: str = "entropy"
    exploration: float = 2.0

    def __post_init__(self) -> None:
        base_algorithm(self, "base")
        check_option(self, "exploration", 0 <= self.exploration < math.inf, ">= 0 and finite")

    def uses(self) -> tuple[Algorithm, ...]:
        """Return the base arm."""
        return (base_algorithm(self, "base"),)

    def step(self, view: PoolView, state: Pulls | None, w: FloatArray, k: int) -> tuple[IntArray, Pulls]:
        """Return k rows, the base arm's first, and what is known of the arms."""
        pulls: ArmCounts = state.pulls if state else (0, 0)
        found = _found(state, view.labels) if state else (0, 0)
        batch = share(pulls, found, k, self.exploration)
        (base,) = self.uses()
        picks = base.select(view, w, batch[0]) if batch[0] else np.empty(0, dtype=np.int64)
        left = np.delete(np.arange(view.size), picks)
        likeliest = left[top_k(view.probabilities[left], w[left], batch[1], view.priority[left])]
        after = Pulls(pulls=(pulls[0] + batch[0], pulls[1] + batch[1]), found=found, batch=batch)
        return np.concatenate([picks, likeliest]), after


def _found(state: Pulls, labels: IntArray) -> ArmCounts:
    """Return the positives that each arm has found, the last batch included, whose labels come last."""
    base, positive = np.split(labels[-sum(state.batch) :], [state.batch[0]])
    return state.found[0] + int(base.sum()), state.found[1] + int(positive.sum())


def share(pulls: ArmCounts, found: ArmCounts, k: int, exploration: float) -> ArmCounts:
    """Return how many of k pulls, one after the other, UCB1 gives to each arm while no reward comes in.

    Args:
        pulls: of each arm so far. An arm never pulled comes first; the base arm does in a tie.
        found: rewards of each arm so far, of the pulls made.
        k: pulls to be made.
        exploration: c; the index of an arm is found / pulls + sqrt(c ln N / n), where n and N, its pulls and those
            of both arms, count the pulls of this call too.
    """
    batch = [0, 0]

    def index(arm: int) -> float:
        n, total = pulls[arm] + batch[arm], sum(pulls) + sum(batch)
        return found[arm] / max(pulls[arm], 1) + math.sqrt(exploration * math.log(total) / n) if n else math.inf

    for _ in range(k):
        batch[int(index(1) > index(0))] += 1
    return batch[0], batch[1]
