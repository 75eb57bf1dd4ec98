"""Paired differences, and their means with intervals over the unit that was sampled.

The same rules as sound mode (:mod:`analysis.inference`), for all panels of a figure in one pass: a seed that lacks
any pair is left out and counted, since the mean over fewer tasks is another quantity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from analysis.frame import BLOCK, TASK
from analysis.inference import LEVEL
from analysis.paired import SPREAD, side_by_side

PLACE = ["ratio", "start", *BLOCK, "algorithm_label"]
"""What the two runs of a pair share."""
Unit = Literal["seed", "task"]
Comparison = tuple[str, str]
_ORDER = {"InvProp": 0, "PosProb": 1, "Uniform": 3}


def weightings(labels: Iterable[str]) -> list[str]:
    """Return the distinct labels of weightings: InvProp, PosProb, others by letter, Uniform."""
    return sorted(set(labels), key=lambda label: (_ORDER.get(label.partition(" (")[0], 2), label.lower(), label))


def against_last(labels: Iterable[str]) -> list[Comparison]:
    """Return each weighting against the last of them, Uniform where it was run."""
    *others, last = weightings(labels) or [""]
    return [(label, last) for label in others]


def first_against(labels: Iterable[str]) -> list[Comparison]:
    """Return the first weighting, InvProp where it was run, against each other."""
    first, *others = weightings(labels) or [""]
    return [(first, label) for label in others]


def differences(
    frame: pd.DataFrame, comparisons: Iterable[Comparison], metrics: Sequence[str], on: Sequence[str] = PLACE
) -> pd.DataFrame:
    """Return matched differences, a row for each comparison, metric and pair that there is or half is.

    Args:
        frame: runs with ``LABELS``, pair_key, key, the columns ``on`` and the metrics; higher is better.
        comparisons: pairs of weightings; the second is subtracted from the first.
        metrics: columns of the frame.
        on: what the two runs of a pair share.

    Returns:
        ``on``, larger and smaller (the weightings), metric, and value: the difference, NaN where one run is missing,
        a metric is NaN, or the two were made under different conditions (their pair keys differ).

    Raises:
        PairingError: if a run occurs twice.
    """
    parts = []
    for larger, smaller in comparisons:
        one, other = (frame[frame["weighting_label"] == label] for label in (larger, smaller))
        both = side_by_side(one, other, metrics, on)
        alike = (both["pair_key_a"] == both["pair_key_b"]) & (both["pair_key_a"] != "")
        for metric in metrics:
            value = (both[f"{metric}_a"].astype(float) - both[f"{metric}_b"].astype(float)).where(alike)
            parts.append(both[list(on)].assign(larger=larger, smaller=smaller, metric=metric, value=value))
    if parts:
        return pd.concat(parts, ignore_index=True)
    nothing = pd.DataFrame(columns=pd.Index([*on, "larger", "smaller", "metric", "value"]))
    return nothing.astype({"value": float})


def intervals(values: pd.DataFrame, by: Sequence[str], unit: Unit = "seed") -> pd.DataFrame:
    """Return the mean of each group with its 95 % t-interval over units.

    Args:
        values: a row for each run or pair: ``PLACE``, value (NaN = missing), and the columns ``by``.
        by: what tells the groups apart.
        unit: ``seed``: its value is the mean over the group's tasks and algorithms, and it is left out if any of
            them is missing. ``task``: the mean over the seeds it has.

    Returns:
        A row for each group: ``by``, n (units), left_out (units with something missing), mean, low and high, which
        are NaN where there are fewer than two units, or all have the same value.
    """
    by, algorithm = list(by), [] if "algorithm_label" in by else ["algorithm_label"]
    task = [name for name in TASK if name not in by]
    cells = _means_of_all(values, by, [*task, "seed"], algorithm)
    units = _means_of_all(cells, by, ["seed"], task) if unit == "seed" else _means_of_present(cells, by, task)
    groups, value = units.groupby(by), units.groupby(by)["value"]
    n, mean = value.count(), value.mean()
    spread = value.std().where((n > 1) & (value.max() - value.min() > SPREAD))
    half = stats.t.ppf((1 + LEVEL) / 2, (n - 1).where(n > 1)) * spread / np.sqrt(n)
    table = {
        "n": n,
        "left_out": groups["missing"].sum(),
        "mean": mean,
        "low": mean - half,
        "high": mean + half,
    }
    return pd.DataFrame(table).reset_index()


def _means_of_all(values: pd.DataFrame, by: list[str], unit: list[str], over: list[str]) -> pd.DataFrame:
    """Return the mean of each unit over what its group holds in ``over``; NaN if the unit lacks any of that."""
    keys = [*by, *(name for name in unit if name not in by)]
    if not over:
        return values.assign(missing=values["value"].isna())
    wanted = values[[*by, *over]].drop_duplicates().groupby(by).size().rename("wanted")
    means = values.groupby(keys)["value"].agg(["mean", "count"]).join(wanted, on=by)
    missing = means["count"] < means["wanted"]
    return pd.DataFrame({"value": means["mean"].where(~missing), "missing": missing}).reset_index()


def _means_of_present(cells: pd.DataFrame, by: list[str], unit: list[str]) -> pd.DataFrame:
    means = cells.groupby([*by, *unit])["value"].mean().reset_index()
    return means.assign(missing=means["value"].isna())
