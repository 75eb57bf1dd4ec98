"""Rows read by descending probability: how much is read, and how much is found."""

from __future__ import annotations

import numpy as np

from bench.metrics.base import Floats, TestScores


def reading_curve(scores: TestScores) -> tuple[Floats, Floats]:
    """Return the shares of rows read and of positives found, (g + 1,) each, after each of g groups of equal p, from 0.

    Rows are weighted to the task's prevalence. Between two points both grow in proportion: rows of equal probability
    are read in random order.
    """
    _, group = np.unique(-scores.probabilities, return_inverse=True)
    weights = scores.weights
    read = np.cumsum(np.bincount(group, weights))
    found = np.cumsum(np.bincount(group, weights * scores.labels))
    return np.concatenate([[0.0], read / read[-1]]), np.concatenate([[0.0], found / found[-1]])


def recall_after(scores: TestScores, effort: float) -> float:
    """Return the share of positives found once a share of the rows is read."""
    read, found = reading_curve(scores)
    return float(np.clip(np.interp(effort, read, found), 0.0, 1.0))


def effort_to_reach(scores: TestScores, recall: float) -> float:
    """Return the least share of rows to be read until a share of the positives is found, in (0, 1]."""
    read, found = reading_curve(scores)
    at = int(np.argmax(found >= recall - 1e-12))
    step = found[at] - found[at - 1]
    part = min((recall - found[at - 1]) / step, 1.0) if step > 0 else 1.0
    return float(read[at - 1] + part * (read[at] - read[at - 1]))
