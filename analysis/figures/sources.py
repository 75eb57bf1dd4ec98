"""The numbers of a figure as one table, each line with the runs behind it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures.effects import ALL_ALGORITHMS
from analysis.figures.model import Figure
from analysis.names import LABELS
from bench.arrays import IntArray

SHORTEST = 8
"""Digits of a run's key that are given at least; ``runs.csv`` has the whole ones."""
_PLAIN = ("ratio", "start", "dataset", "positive", "algorithm_label", "weighting_label")
_PAIRS = (("larger", "smaller"), ("one", "other"))


def sourced(figure: Figure, runs: pd.DataFrame) -> pd.DataFrame:
    """Return all that a figure draws, a line a mark.

    Args:
        figure: whose numbers.
        runs: those it is of, with ``LABELS`` (rows of :attr:`analysis.panels.Panel.labelled`).

    Returns:
        The columns of the figure's frames, part (the frame's name) first, and last runs: the first digits of the keys
        of the runs behind a line, separated by blanks, as many as tell them apart.
    """
    named = runs.assign(strategy=runs[LABELS[0]] + "+" + runs[LABELS[1]], short=_shortened(runs["key"]))
    parts = [_with_runs(frame, named).assign(part=name) for name, frame in figure.data.items() if len(frame)]
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"part": [], "runs": []})
    return whole[["part", *(name for name in whole.columns if name not in {"part", "runs"}), "runs"]]


def _shortened(keys: pd.Series[str]) -> pd.Series[str]:
    length = SHORTEST
    while length < 32 and keys.str[:length].nunique() < keys.nunique():
        length += 1
    return keys.str[:length]


def _with_runs(frame: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    if "key" in frame.columns:
        return frame.assign(runs=frame["key"]).drop(columns="key")
    plain = [name for name in _PLAIN if name in frame.columns]
    pair = next((own for own in _PAIRS if own[0] in frame.columns), ())
    columns = [*plain, *pair]
    if not columns:
        return frame.assign(runs="")
    side = ("weighting_label" if pair[0] == "larger" else "strategy",) if pair else ()
    places, short = _Places(runs), runs["short"].to_numpy()
    found = []
    for line in frame[columns].to_dict("records"):
        fixed = {name: line[name] for name in plain if line[name] not in ("", ALL_ALGORITHMS)}
        sides = dict.fromkeys((line[name],) for name in pair) if pair else {(): None}
        own = [places.of((*fixed, *side), (*fixed.values(), *one)) for one in sides]
        found.append(" ".join(short[np.sort(np.concatenate(own))]))
    return frame.assign(runs=found)


class _Places:
    """The places of the runs that hold given values in some columns."""

    def __init__(self, runs: pd.DataFrame) -> None:
        self.runs = runs
        self._by: dict[tuple[str, ...], dict[tuple[Any, ...], list[int]]] = {(): {(): list(range(len(runs)))}}

    def of(self, columns: tuple[str, ...], values: tuple[Any, ...]) -> IntArray:
        """Return the places (n,) of the runs that have these values."""
        if columns not in self._by:
            own = self._by[columns] = defaultdict(list)
            for at, found in enumerate(zip(*(self.runs[name] for name in columns), strict=True)):
                own[found].append(at)
        return np.array(self._by[columns].get(values, []), dtype=np.int64)
