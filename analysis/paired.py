"""The paired one-sided t-test over matched runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.errors import MergeError
from scipy import stats

from analysis.frame import BLOCK
from bench.errors import PairingError

Values = npt.NDArray[np.float64]
Names = npt.NDArray[np.object_]

SPREAD = 1e-12
"""Differences of metrics in [0, 1] closer together than this are the same number but for rounding."""


@dataclass(frozen=True)
class Paired:
    """Evidence that arm a is larger than arm b.

    Attributes:
        n: pairs. unpaired: runs of either arm without a partner; they take no part, and are to be reported.
        difference: mean of a - b over the pairs, in the metric's unit.
        t, p: the paired t-statistic and its one-sided p (small = a is larger); NaN where there is no test.
        note: why there is no test; empty if there is one.
    """

    n: int
    unpaired: int
    difference: float
    t: float
    p: float
    note: str = ""


def paired(a: pd.DataFrame, b: pd.DataFrame, metric: str, on: list[str] | None = None) -> Paired:
    """Test whether arm a has the larger mean than arm b over runs matched by key.

    The p is that of ``scipy.stats.ttest_rel(..., alternative="greater")``, except that there is no test (NaN)
    where all differences are the same number: with no spread t is undefined, while scipy returns p of 1e-31
    for two equal differences by rounding luck. A NaN among the values makes p NaN; it is never omitted.

    Args:
        a: runs with the columns ``on``, ``pair_key``, ``key`` and the metric, in any order.
        b: the runs to compare them with.
        metric: the column to compare; higher is better.
        on: the columns that match a pair; default: task and seed.

    Raises:
        PairingError: if a run occurs twice in an arm, or partners were made under different conditions.
    """
    joined = matched(a, b, metric, on or BLOCK)
    both = joined[joined["_merge"] == "both"]
    left, right = both[f"{metric}_a"].to_numpy(float), both[f"{metric}_b"].to_numpy(float)
    return paired_values(left, right, len(joined) - len(both))


def paired_values(left: Values, right: Values, unpaired: int = 0) -> Paired:
    """Test as :func:`paired` does two arrays whose values are matched already, (n,) each."""
    n, difference = len(left), left - right
    mean = float(difference.mean()) if n else nan
    why = why_no_test(difference)
    if why:
        return Paired(n, unpaired, mean, nan, nan, why)
    t, p = stats.ttest_rel(left, right, alternative="greater")
    return Paired(n, unpaired, mean, float(t), float(p))


def why_no_test(difference: Values, unit: str = "pair") -> str:
    """Return why there is no t-test of these differences, one a unit (n,); empty if there is one."""
    if len(difference) < 2:
        return f"one {unit}, no test" if len(difference) else f"no {unit}s"
    if np.isnan(difference).any():
        return f"{int(np.isnan(difference).sum())} of {len(difference)} {unit}s hold NaN, no test"
    if np.ptp(difference) <= SPREAD:
        same = np.abs(difference).max() <= SPREAD
        return f"identical in all {unit}s, no test" if same else f"the same difference in all {unit}s, no test"
    return ""


def matched(a: pd.DataFrame, b: pd.DataFrame, metric: str, on: list[str]) -> pd.DataFrame:
    """Return the runs of both arms side by side, a row for each value of ``on`` that either has.

    Returns:
        The columns ``on``, and ``<metric>``, ``key`` and ``pair_key`` with the suffixes ``_a`` and ``_b`` (NaN
        where that arm has no run); ``_merge`` says ``both``, ``left_only`` or ``right_only``.

    Raises:
        PairingError: if a run occurs twice in an arm, or partners were made under different conditions.
    """
    joined = side_by_side(a, b, [metric], on)
    both = joined[joined["_merge"] == "both"]
    check_alike(*(both[column].to_numpy() for column in ("key_a", "key_b", "pair_key_a", "pair_key_b")))
    return joined


def side_by_side(a: pd.DataFrame, b: pd.DataFrame, metrics: Sequence[str], on: Sequence[str]) -> pd.DataFrame:
    """Return the runs of both arms as :func:`matched` does, of several metrics, whatever their pair keys.

    Raises:
        PairingError: if a run occurs twice in an arm.
    """
    columns, keys = [*on, "key", "pair_key", *metrics], list(on)
    try:
        return a[columns].merge(
            b[columns], on=keys, how="outer", suffixes=("_a", "_b"), validate="one_to_one", indicator=True
        )
    except MergeError:
        twice = pd.concat([arm.loc[arm.duplicated(keys, keep=False), "key"] for arm in (a, b)])
        raise PairingError(
            f"runs stored twice for one {', '.join(on)}: {', '.join(sorted(set(twice)))}; "
            "remove one of each from the store"
        ) from None


def strangers(runs: pd.DataFrame, on: Sequence[str]) -> pd.DataFrame:
    """Return the values of ``on`` within which runs do not share one pair key, or have none, a row each."""
    keys = runs.groupby(list(on))["pair_key"].agg(["nunique", "min"])
    return keys[(keys["nunique"] > 1) | (keys["min"] == "")].reset_index()[list(on)]


def check_alike(a: Names, b: Names, pair_keys_a: Names, pair_keys_b: Names) -> None:
    """Check that matched runs were made under the same conditions; keys and pair keys of the runs, (n,) each.

    Raises:
        PairingError: if the pair keys of any two differ, or are empty.
    """
    differ = np.flatnonzero((pair_keys_a != pair_keys_b) | (pair_keys_a == ""))
    if len(differ):
        first = differ[0]
        raise PairingError(
            f"{len(differ)} of {len(a)} matched runs do not share a pair key, so they are no pairs "
            f"(first: {a[first]} and {b[first]}); run both arms again with one version of data and model"
        )
