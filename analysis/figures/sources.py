"""The numbers of a figure as one table, each line with the runs behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures.effects import ALL_ALGORITHMS
from analysis.figures.model import Figure
from analysis.names import LABELS

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
    known: dict[tuple[Any, ...], str] = {}
    found = []
    for line in frame[columns].itertuples(index=False, name=None):
        if line not in known:
            known[line] = _behind(dict(zip(columns, line, strict=True)), pair, runs)
        found.append(known[line])
    return frame.assign(runs=found)


def _behind(line: Mapping[str, Any], pair: tuple[str, ...], runs: pd.DataFrame) -> str:
    kept = np.ones(len(runs), dtype=bool)
    for name, value in line.items():
        if name not in pair and value not in ("", ALL_ALGORITHMS):
            kept &= (runs[name] == value).to_numpy()
    if pair:
        column = "weighting_label" if pair[0] == "larger" else "strategy"
        kept &= runs[column].isin([line[name] for name in pair]).to_numpy()
    return " ".join(runs["short"].to_numpy()[kept])
