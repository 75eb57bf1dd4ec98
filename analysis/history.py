"""Nights: what each said of the strategies against a baseline, kept as lines of JSON, and where they drift."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from pathlib import Path
from statistics import median
from typing import Literal

import pandas as pd
from pydantic import ValidationError

from bench.errors import CorruptRecordError, StoreError
from bench.records import Record
from bench.store.store import write_atomically

Role = Literal["gate", "canary"]
Outcome = Literal["established", "regression", "inconclusive", "incomplete"]
LEAST_BEFORE = 3
"""Earlier nights that a median is taken of."""
WINDOW, ENOUGH = 3, 2
"""A series drifts where so many of the last so many nights lie outside on one side."""
SERIES = ["role", "name", "metric", "night", "estimate", "low", "high", "reference", "state"]
RULE = (
    "A night lies outside where its interval excludes the reference: zero where a strategy is held against its own "
    "stored runs, else the median of the earlier nights that did not drift (at least three). Two of three nights in a "
    "row outside on the same side are drift (a run rule after the Western Electric handbook, 1956, with a night's own "
    "interval for its control limits). A series starts afresh with another baseline or other settings."
)


class Point(Record):
    """One night's estimate of candidate - baseline in one metric.

    Attributes:
        low, high: its bounds, each one-sided at 0.05; None where all differences are the same number.
        n, unit: what the estimate is the mean of.
    """

    metric: str
    estimate: float
    low: float | None
    high: float | None
    n: int
    unit: str


class Comparison(Record):
    """One strategy of a night against one of the baseline.

    Attributes:
        role: the canary is one strategy against its own stored runs: whatever moves it moves all others, too.
        outcome, headline, lines: as the gate says.
        identical, runs: runs of the baseline that this night's agree with bit for bit, and how many there are.
    """

    role: Role
    candidate: str
    baseline: str
    outcome: Outcome
    headline: str
    lines: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()
    identical: int = 0
    runs: int = 0

    @property
    def name(self) -> str:
        """What is compared, in words; one name where a strategy is held against its own stored runs."""
        return self.candidate if self.candidate == self.baseline else f"{self.candidate} against {self.baseline}"


class Night(Record):
    """A night that came to its end.

    Attributes:
        night: its name, the day it began. finished: when it ended. seconds: of all its runs together.
        grid, settings: name of what was run, and the digest of its scientific settings.
        baseline, baseline_sha256: what it was held against; empty where there was none.
        exit_code: of the gate. runs, failed: of the grid.
        machine: fact -> value, of what the runs were made with. notes: lines on how the night went.
    """

    schema_version: Literal[1] = 1
    night: str
    finished: str
    seconds: float
    grid: str
    settings: str
    baseline: str = ""
    baseline_sha256: str = ""
    exit_code: int
    runs: int
    failed: int
    machine: dict[str, str] = {}
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, role: Role) -> list[Comparison]:
        """Return the comparisons of one role."""
        return [one for one in self.comparisons if one.role == role]


def read_history(path: Path) -> tuple[Night, ...]:
    """Return all nights of a history file in their order; none where there is no file.

    Raises:
        CorruptRecordError: if a line is no night, or a night is there twice; the line is named.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    nights: dict[str, Night] = {}
    for number, line in enumerate(lines, 1):
        try:
            night = Night.model_validate_json(line)
        except ValidationError as error:
            raise CorruptRecordError(f"{path}, line {number} is no night: {error.errors()[0]['msg']}") from None
        if nights.setdefault(night.night, night) is not night:
            raise CorruptRecordError(f"{path}, line {number}: {night.night} is there twice; remove one")
    return tuple(nights.values())


def append(path: Path, night: Night) -> tuple[Night, ...]:
    """Add a night to a history file and return all nights; one that is there already is left as it is.

    The file is replaced as a whole, so that a reader never sees half a line.
    """
    nights = read_history(path)
    if night.night in {one.night for one in nights}:
        return nights
    before = path.read_bytes() if nights else b""
    write_atomically(path, before + night.model_dump_json().encode() + b"\n")
    return (*nights, night)


def series(nights: Sequence[Night]) -> pd.DataFrame:
    """Return every estimate of every night, a row each, with its state.

    Returns:
        ``SERIES``: role, name (of the comparison), metric, night, estimate, low, high (the estimate itself where a
        night has no bounds), reference (NaN while there is none), and state: "", "outside" or "drift", as
        :data:`RULE` says.
    """
    columns = ["role", "name", "metric", "night", "estimate", "low", "high", "of_itself", "regime"]
    rows = [
        (one.role, one.name, point.metric, night.night, *_interval(point), one.candidate == one.baseline,
         f"{night.baseline_sha256} {night.settings}")
        for night in nights
        for one in night.comparisons
        for point in one.points
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=pd.Index(columns))
    frame = frame.assign(reference=nan, state="")
    for _, own in frame.groupby(["role", "name", "metric", "regime"], sort=False):
        references, states = _judged(own)
        frame.loc[own.index, "reference"], frame.loc[own.index, "state"] = references, states
    return frame[SERIES]


def _interval(point: Point) -> tuple[float, float, float]:
    low = point.estimate if point.low is None else point.low
    high = point.estimate if point.high is None else point.high
    return point.estimate, low, high


def _judged(own: pd.DataFrame) -> tuple[list[float], list[str]]:
    """Return references and states of one series, in the order of its nights."""
    of_itself = bool(own["of_itself"].iloc[0])
    sides: list[int] = []
    states: list[str] = []
    references: list[float] = []
    steady: list[float] = []
    for estimate, low, high in own[["estimate", "low", "high"]].itertuples(index=False, name=None):
        known = of_itself or len(steady) >= LEAST_BEFORE
        reference = (0.0 if of_itself else median(steady)) if known else nan
        side = int(low > reference) - int(high < reference)
        sides.append(side)
        drifts = side != 0 and sides[-WINDOW:].count(side) >= ENOUGH
        states.append("drift" if drifts else "outside" if side else "")
        references.append(reference)
        steady += [] if drifts else [estimate]
    return references, states


def drifting(found: pd.DataFrame) -> list[str]:
    """Return a line for each series that drifts in its last night, and since when."""
    lines = []
    for (role, name, metric), own in found.groupby(["role", "name", "metric"], sort=False):
        if own["state"].iloc[-1] != "drift":
            continue
        steady = own[own["state"] == ""]
        since = own.loc[own.index > steady.index[-1], "night"].iloc[0] if len(steady) else own["night"].iloc[0]
        reference = own["reference"].iloc[-1]
        lines.append(
            f"{role} {name}: {metric} drifts since {since} ({own['estimate'].iloc[-1]:+.4f}, reference {reference:+.4f})"
        )
    return lines
