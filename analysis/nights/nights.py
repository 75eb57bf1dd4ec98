"""Nights: what each said of the strategies against a baseline, kept as lines of JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from analysis.gate.verdict import Outcome
from bench.errors import CorruptRecordError, StoreError
from bench.records import Record
from bench.store.files import write_atomically

Role = Literal["gate", "canary"]


class Point(Record):
    """One night's estimate of candidate - baseline in one metric.

    Attributes:
        low, high: its bounds, each one-sided at 0.05; None where all differences are the same number.
        n, unit: what the estimate is the mean of. margin: of the claim; None in nights from before it was kept.
    """

    metric: str
    estimate: float
    low: float | None
    high: float | None
    n: int
    unit: str
    margin: float | None = None


class NightComparison(Record):
    """One strategy of a night against one of the baseline.

    Attributes:
        role: the canary is one strategy against its own stored runs: whatever moves it moves all others, too.
        candidate, baseline: with all their options. outcome, headline, lines: as the gate says.
        identical, runs: of the canary: runs that agree with the baseline's bit for bit, and how many there are.
    """

    role: Role
    candidate: str
    baseline: str
    outcome: Outcome
    headline: str
    lines: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()
    identical: int | None = None
    runs: int | None = None

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
        machine: fact -> value, of what the runs were made with. moved: fact -> value then and now, of what the
            baseline's runs were made with otherwise. notes: lines on how the night went.
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
    machine: dict[str, str]
    moved: dict[str, str]
    comparisons: tuple[NightComparison, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, role: Role) -> list[NightComparison]:
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
