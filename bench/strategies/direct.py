"""DIRECT: active learning around the threshold that separates the classes best."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.base import Algorithm, check_option
from bench.strategies.line import UNKNOWN, Line
from bench.strategies.select import fill_up, top_k
from bench.strategies.view import Need, PoolView


@dataclass(frozen=True)
class Direct(Algorithm):
    """Spends half a batch on finding the threshold on p(x) of least error, the other half on the rows around it.

    Attributes:
        parallel: labels bought at a time while the threshold is searched, B1 of the authors' code.
    """

    name: ClassVar[str] = "direct"
    title: ClassVar[str] = "DIRECT"
    paper: ClassVar[str] = "Nuggehalli, Zhang, Jain & Nowak 2025, version space reduction and labelling around it"
    needs: ClassVar[frozenset[Need]] = frozenset({"probabilities", "oracle"})
    open_points: ClassVar[str] = (
        "Follows the authors' code: labels that narrow the version space are drawn at random within it, and of two "
        "equally wrong ends a random one goes, so that even a clean cut is lost at times. The ends of the interval "
        "differ from those in LabelBench by a row each: its lowest threshold lies before the last labelled row that is "
        "below all of the other class, here behind it, and it draws the row just above the highest threshold as well. "
        "Two classes share one line instead of a line and its mirror image. The code takes the first of several best "
        "thresholds, which lies next to a labelled row; here it is the middle one. Labels are bought singly, not by "
        "parallel annotators; an odd row goes to the side of the positives, and a side that runs out leaves its rows "
        "to the other. The paper has no weights: the version space is sampled with probability proportional to w, "
        "each side of the threshold goes by w / distance in rows, and rows of weight 0 are no part of the line."
    )

    parallel: int = 1

    def __post_init__(self) -> None:
        check_option(self, "parallel", self.parallel >= 1, ">= 1")

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return k rows: those that narrowed the threshold down, then those around it."""
        line = Line(view, w)
        reduce_version_space(line, k // 2, self.parallel, view.generator)
        around = line.rows(_around(line, best_threshold(line.labels)))
        return fill_up([*line.bought, *around[: k - len(line.bought)]], k, view.priority)


def errors(labels: IntArray) -> IntArray:
    """Return the labelled rows that each threshold gets wrong, (N + 1,).

    Threshold j calls the places below j negative and those from j on positive.
    """
    positives_below = np.concatenate([[0], np.cumsum(labels == 1)])
    negatives_below = np.concatenate([[0], np.cumsum(labels == 0)])
    return np.asarray(positives_below + negatives_below[-1] - negatives_below)


def best_threshold(labels: IntArray) -> int:
    """Return the threshold of least error; of several the middle one."""
    wrong = errors(labels)
    best = np.flatnonzero(wrong == wrong.min())
    return int(best[(len(best) - 1) // 2])


def version_space(labels: IntArray) -> tuple[int, int]:
    """Return the lowest and the highest threshold that may be best.

    Below are the negatives that come before any labelled positive, above the positives that come after any negative.
    """
    negative, positive = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
    first_positive = positive[0] if len(positive) else len(labels)
    last_negative = negative[-1] if len(negative) else -1
    low, high = negative[negative < first_positive], positive[positive > last_negative]
    return int(low[-1]) + 1 if len(low) else 0, int(high[0]) if len(high) else len(labels)


def reduce_version_space(line: Line, budget: int, parallel: int, generator: np.random.Generator) -> None:
    """Buy labels in the version space, and leave out its worse end, until the budget is spent or nothing is unknown.

    Args:
        line: on which labels are bought.
        budget: labels to be bought, at most.
        parallel: labels bought before the version space is narrowed.
        generator: decides which end goes if both are equally wrong.
    """
    low, high = version_space(line.labels)
    while budget and len(line.unknown(low, high)):
        steps = budget // parallel
        for _ in range(min(parallel, budget, len(line.unknown(low, high)))):
            line.buy(line.drawn(line.unknown(low, high)))
            budget -= 1
        if steps > 1:
            diameter = len(line.unknown(low, high))
            # Narrowed by this factor in each of the steps left, the space would come down to one row.
            low, high = _narrowed(line, low, high, math.ceil(diameter ** (1 - 1 / steps)), generator)


def _narrowed(line: Line, low: int, high: int, diameter: int, generator: np.random.Generator) -> tuple[int, int]:
    """Return the space after thresholds at its worse end were left out, until no more rows are unknown than wanted."""
    wrong, unknown = errors(line.labels), line.labels == UNKNOWN
    surplus = int(unknown[low:high].sum()) - diameter
    while surplus > 0:
        low_goes = wrong[low] > wrong[high] if wrong[low] != wrong[high] else generator.random() < 0.5
        low, high = (low + 1, high) if low_goes else (low, high - 1)
        surplus -= int(unknown[low - 1] if low_goes else unknown[high])
    return low, high


def _around(line: Line, threshold: int) -> IntArray:
    """Return all unlabelled places, from both sides of a threshold in turn, by w / distance."""
    sides = []
    for places in (line.unknown(threshold), line.unknown(0, threshold)):
        distance = np.abs(places + 0.5 - threshold) + 0.5
        order = top_k(1 / distance, line.w[places], len(places), line.priority[places])
        sides.append(places[order].tolist())
    pairs = chain.from_iterable(zip_longest(*sides))
    return np.array([place for place in pairs if place is not None], dtype=np.int64)
