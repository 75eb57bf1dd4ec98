"""Matched differences by joins of frames: an oracle for the cube, which pairs runs as arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis import stats
from analysis.stats import Design

BLOCK = ["dataset", "positive", "seed"]
AXES = [*BLOCK, "algorithm"]


def differences(a, b, metric, *, pooled=None, expected=None):
    """Return the matched differences of two arms, a row for each pair, including those with one run missing.

    Args:
        a, b: runs with the columns ``BLOCK`` and the metric. metric: its name.
        pooled: the column that tells the runs of one task and seed apart. expected: blocks that should hold a pair.
    """
    on = [*BLOCK, pooled] if pooled else BLOCK
    pairs = a[[*on, metric]].merge(b[[*on, metric]], on=on, how="outer", suffixes=("_a", "_b"), validate="one_to_one")
    if expected is not None:
        wanted = expected[BLOCK].drop_duplicates()
        wanted = wanted.merge(pairs[[pooled]].drop_duplicates(), how="cross") if pooled else wanted
        pairs = pairs.merge(wanted, on=on, how="outer")
    left, right = pairs[f"{metric}_a"].astype(float), pairs[f"{metric}_b"].astype(float)
    rows = pairs[on].assign(
        difference=left - right,
        low=left.fillna(0.0) - right.fillna(1.0),
        high=left.fillna(1.0) - right.fillna(0.0),
    )
    return rows.rename(columns={pooled: "algorithm"}) if pooled else rows


def design(frame) -> Design:
    """Return the design of matched differences; of a missing one it is known at least that it lies in [-1, 1]."""
    frame = frame.assign(algorithm=frame.get("algorithm", ""))
    frame = frame.assign(
        **{end: frame.get(end, frame["difference"].fillna(at)) for end, at in (("low", -1), ("high", 1))}
    )
    tasks = sorted(set(zip(frame["dataset"], frame["positive"], strict=True)))
    seeds, algorithms = sorted(set(frame["seed"])), sorted(set(frame["algorithm"]))
    whole = pd.MultiIndex.from_tuples(
        [(*task, seed, algorithm) for task in tasks for seed in seeds for algorithm in algorithms], names=AXES
    )
    rows = frame.set_index(AXES)[["difference", "low", "high"]].reindex(whole)
    rows = rows.fillna({"low": -1.0, "high": 1.0})
    values = np.moveaxis(rows.to_numpy(float).reshape(len(tasks), len(seeds), len(algorithms), 3), -1, 0)
    return Design(tuple(tasks), tuple(seeds), tuple(algorithms), *values)


def effect(frame, *args, **more):
    return stats.effect(design(frame), *args, **more)


def leave_one_out(frame, *args, **more):
    return stats.leave_one_out(design(frame), *args, **more)


def bounds(frame, *args):
    return stats.bounds(design(frame), *args)


def components(frame):
    return stats.components(design(frame))


def shape_of(frame):
    return stats.shape_of(design(frame))
