"""M_0 as a negative control: the runs of a block share it, so where it differs, the surroundings did.

Start set, head and batch order of M_0 follow from the block alone. Two runs of a block whose M_0 gives other
probabilities were therefore made on another device, in another precision, by other versions, or under something that
nobody recorded. Their difference is no longer the strategies' alone, and they are not compared as a pair.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.records import Provenance, RunRecord

ROWS = 32
"""Test rows whose probabilities a record carries."""
DECIMALS = 6
ROUNDING = {"fp32": 1e-4, "bf16": 5e-3}
"""Precision -> by how much a probability may differ between processors or numbers of threads."""
_NOT_OF_THE_ENVIRONMENT = {"finished", "data_source", "model_source", "lm_head", "versions"}


def control_of(test_probabilities: npt.NDArray[np.float32]) -> tuple[float, ...]:
    """Return M_0's probabilities of up to :data:`ROWS` test rows, evenly spaced.

    Args:
        test_probabilities: (rounds + 1, m) of a run; the first row is M_0's.
    """
    first = test_probabilities[0]
    at = np.unique(np.linspace(0, len(first) - 1, ROWS).round().astype(np.int64))
    return tuple(first[at].astype(float).round(DECIMALS).tolist())


@dataclass(frozen=True)
class Control:
    """M_0's predictions, and the environment in which they were made.

    Attributes:
        values: M_0's probabilities, as :func:`control_of` returns them; empty where they were not recorded.
        environment: fact -> value of what the run was made with.
    """

    values: tuple[float, ...]
    environment: Mapping[str, str]


def of_record(record: RunRecord) -> Control:
    """Return the control of a finished run."""
    return Control(record.control, environment(record.provenance) if record.provenance else {})


def why_unlike(one: Control, other: Control) -> str:
    """Return why two runs of a block must not be compared as a pair; empty if M_0 is the same but for rounding.

    M_0 must agree as closely as the finer of the two precisions allows. Where it was not recorded, which is so in
    baselines of an earlier version only, nothing is known: empty too.
    """
    if not one.values or not other.values:
        return ""
    difference, allowed = _distance(one.values, other.values), min(map(_rounding, (one, other)))
    if difference <= allowed:
        return ""
    facts = "; ".join(_differing(one.environment, other.environment))
    return f"M_0, which they share, gives probabilities {difference:.2g} apart (rounding allows {allowed:.2g}): " + (
        facts or "nothing that is recorded differs, so look at environment variables and drivers"
    )


def _rounding(control: Control) -> float:
    return ROUNDING.get(control.environment.get("precision", ""), min(ROUNDING.values()))


def _distance(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return the largest difference; infinite where the two are of other rows or hold NaN."""
    if len(one) != len(other):
        return math.inf
    largest = max(abs(a - b) for a, b in zip(one, other, strict=True))
    return math.inf if math.isnan(largest) else largest


def environment(made: Provenance) -> dict[str, str]:
    """Return fact -> value of what a run was made with, as far as it may move a result."""
    facts: dict[str, Any] = {**made.model_dump(exclude=_NOT_OF_THE_ENVIRONMENT), **made.versions}
    return {name: str(value) for name, value in facts.items()}


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Return a phrase for each fact in which two environments differ."""
    names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    return [f"{name} {one.get(name, 'not recorded')} and {other.get(name, 'not recorded')}" for name in names]
