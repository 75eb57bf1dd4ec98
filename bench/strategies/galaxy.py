"""GALAXY: graph-based active learning at the extreme."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.base import Algorithm
from bench.strategies.line import UNKNOWN, Line
from bench.strategies.select import fill_up, top_k
from bench.strategies.view import Need, PoolView


@dataclass(frozen=True)
class Galaxy(Algorithm):
    """Bisects between labelled rows of different classes on the line of p(x), then labels around the cuts it found."""

    name: ClassVar[str] = "galaxy"
    title: ClassVar[str] = "GALAXY"
    paper: ClassVar[str] = "Zhang, Katz-Samuels & Nowak 2022, Algorithms 1-3; S2: Dasarathy, Nowak & Zhu 2015"
    needs: ClassVar[frozenset[Need]] = frozenset({"probabilities", "oracle"})
    open_points: ClassVar[str] = (
        "Two classes make one linear graph. A path's length is counted in rows; of equally short paths the one whose "
        "middle has the smaller priority is bisected. Once no path is left, raising the order of connection reaches "
        "the unlabelled row next to a cut, so that row is taken, whichever way round the cut's classes lie (the "
        "authors' later code, in LabelBench, looks at one way only); a path that its label opens comes first, as in "
        "that code. While a class has no label rows are drawn at random. The paper has no weights: a path is cut at "
        "its weighted median, rows around cuts go by w / order of connection, random rows are drawn with probability "
        "proportional to w, and rows of weight 0 are no part of the graph."
    )

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return k rows in the order in which their labels were bought."""
        line = Line(view, w)
        for _ in range(min(k, int(np.count_nonzero(w)))):
            line.buy(_next_place(line))
        return fill_up(line.bought, k, view.priority)


def _next_place(line: Line) -> int:
    """Return the unlabelled place to be labelled next."""
    known = np.flatnonzero(line.labels != UNKNOWN)
    differs = np.flatnonzero(np.diff(line.labels[known]))
    if len(differs) == 0:
        return line.drawn(line.unknown())
    left, right = known[differs], known[differs + 1]
    between = right - left - 1  # unlabelled rows on the path
    if not between.any():
        return _nearest_to_a_cut(line, left)
    shortest = np.flatnonzero(between == between[between > 0].min())
    middles = [_middle(line, left[i] + 1, right[i]) for i in shortest]
    return min(middles, key=lambda place: line.priority[place])


def _middle(line: Line, start: int, stop: int) -> int:
    """Return the weighted median of the unlabelled places in [start, stop): the lower middle of equal weights."""
    below = np.cumsum(line.w[start:stop])
    return int(start + np.searchsorted(below, below[-1] / 2))


def _nearest_to_a_cut(line: Line, left: IntArray) -> int:
    """Return the unlabelled place with the largest w / order of connection.

    Args:
        line: without an unlabelled row between labelled ones of different classes.
        left: ascending places, each of a labelled row whose neighbour on the right has the other label.
    """
    places = line.unknown()
    cuts = np.concatenate([[-np.inf], left + 0.5, [np.inf]])
    following = np.searchsorted(cuts, places)
    # A row is connected to both ends of a cut by edges that reach over the farther one.
    order = np.minimum(places - cuts[following - 1], cuts[following] - places) + 0.5
    return int(places[top_k(1 / order, line.w[places], 1, line.priority[places])[0]])
