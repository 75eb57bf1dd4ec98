"""What was measured, as a value that is stored, shown and compared."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from bench.errors import DataError, RunError
from bench.records import Record
from bench.store.files import write_atomically

TOLERANCE = 0.4


class Measure(Record):
    """One stage against one bound.

    Attributes:
        value, unit: what was measured.
        floor: what it is held against, in words and numbers; measured in the same turns.
        ratio: of the two, without unit.
        better: which way the ratio improves; ``None`` if a comparison shall not look at it.
        goal: what it should come to, in words; empty where nothing was set.
    """

    stage: str
    value: float
    unit: str
    floor: str
    ratio: float
    better: Literal["higher", "lower"] | None
    goal: str = ""


class PerfReport(Record):
    """All measures of one shape on one machine. ``load`` is the machine's load average at begin and end."""

    schema_version: Literal[1] = 1
    version: str
    kind: str
    """Device kind, precision and shape: what a comparison needs to be equal."""
    device: str
    texts: dict[str, str]
    load: tuple[float, float]
    measures: tuple[Measure, ...]


def show(report: PerfReport, console: Console) -> None:
    """Print a report as a table."""
    load = " to ".join(f"{value:.1f}" for value in report.load)
    title = f"{report.kind} on {report.device}, load {load}"
    table = Table(title=title, title_justify="left", header_style="bold", show_edge=False, pad_edge=False)
    goals = any(measure.goal for measure in report.measures)
    for column in ("stage", "measured", "against", "ratio", *(["goal"] if goals else [])):
        table.add_column(column, justify="right" if column in {"measured", "ratio"} else "left", overflow="fold")
    for measure in report.measures:
        cells = measure.stage, f"{measure.value:,.4g} {measure.unit}", measure.floor, f"{measure.ratio:.3g}"
        table.add_row(*cells, *([measure.goal] if goals else []))
    console.print(table)
    for name, origin in report.texts.items():
        console.print(f"{name}: {origin}", style="dim", highlight=False)


def read(path: Path) -> PerfReport:
    """Return a stored report.

    Raises:
        DataError: if there is none that can be read.
    """
    try:
        return PerfReport.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read the baseline {path}: {error.strerror}; write one with --save {path}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path} is no baseline: {where}: {first['msg']}; write one with --save") from None


def write(report: PerfReport, path: Path) -> None:
    """Store a report, whole or not at all; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (report.model_dump_json(indent=1) + "\n").encode())


def compare(pairs: Iterable[tuple[PerfReport, PerfReport]]) -> None:
    """Hold ratios against those of baselines; times are never compared, since they belong to a machine and an hour.

    Args:
        pairs: a report and its baseline each.

    Raises:
        DataError: if a baseline is of another kind of device, precision or shape.
        RunError: if a ratio is worse by more than 40 %, or missing; the line names each.
    """
    worse: list[str] = []
    for report, baseline in pairs:
        if report.kind != baseline.kind:
            raise DataError(f"the baseline is of {baseline.kind}, this is {report.kind}; compare like with like")
        found = {measure.stage: measure.ratio for measure in report.measures}
        worse += [line for old in baseline.measures if old.better and (line := _worse(old, found.get(old.stage)))]
    if worse:
        raise RunError(f"slower than the baseline by more than {TOLERANCE:.0%}: {'; '.join(worse)}")


def _worse(old: Measure, ratio: float | None) -> str:
    if ratio is None:
        return f"{old.stage} was not measured"
    good_enough = (
        ratio >= old.ratio * (1 - TOLERANCE) if old.better == "higher" else ratio <= old.ratio / (1 - TOLERANCE)
    )
    return "" if good_enough else f"{old.stage} {ratio:.3g}, was {old.ratio:.3g}"
