"""The rows of a round on a line, in the order of p(x), with the labels that are known; shared by GALAXY and DIRECT."""

from __future__ import annotations

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.select import weighted_sample
from bench.strategies.view import PoolView

UNKNOWN = -1


class Line:
    """All labelled rows and the unlabelled rows that have weight, lowest p(x) first. A place is a position on it.

    Attributes:
        labels: (N,) 1, 0, or UNKNOWN until bought.
        w, priority: (N,) of the unlabelled rows.
        turn: (N,) of the unlabelled rows: the order in which a draw with probability proportional to w takes them.
            A draw from any stretch of the line is the row whose turn is first.
        bought: row numbers of the view, in the order in which their labels were bought.
    """

    def __init__(self, view: PoolView, w: FloatArray) -> None:
        """Sort the rows; among rows of equal p(x) chance decides."""
        rows, old = np.flatnonzero(w), len(view.labels)
        p = np.concatenate([view.labelled_probabilities, view.probabilities[rows]])
        draws = np.concatenate([view.generator.random(old), view.priority[rows]])
        turns = np.empty(view.size, dtype=np.int64)
        turns[weighted_sample(w, view.size, view.priority)] = np.arange(view.size)
        order = np.lexsort((draws, p))
        none = np.full(old, UNKNOWN)
        self._view = view
        self._rows = np.concatenate([none, rows])[order]
        self.labels = np.concatenate([view.labels, np.full(len(rows), UNKNOWN)])[order]
        self.w = np.concatenate([none, w[rows]])[order]
        self.priority = draws[order]
        self.turn = np.concatenate([none, turns[rows]])[order]
        self.bought: list[int] = []

    def unknown(self, start: int = 0, stop: int | None = None) -> IntArray:
        """Return the places in [start, stop) whose labels are not known, lowest first."""
        return start + np.flatnonzero(self.labels[start:stop] == UNKNOWN)

    def drawn(self, places: IntArray) -> int:
        """Return one of these unlabelled places, drawn with probability proportional to its weight."""
        return int(places[np.argmin(self.turn[places])])

    def buy(self, place: int) -> None:
        """Buy the label of an unlabelled place, at the price of one of the batch's labels."""
        row = int(self._rows[place])
        self.labels[place] = self._view.ask(row)
        self.bought.append(row)

    def rows(self, places: IntArray) -> list[int]:
        """Return the row numbers of unlabelled places."""
        rows: list[int] = self._rows[places].tolist()
        return rows
