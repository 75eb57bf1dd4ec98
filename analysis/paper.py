"""The paper's printed tables, and ours beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from math import isnan, nan
from typing import Any

from analysis.model import NO_VALUE, Cell, Group, Row, Table, decimal, signed
from analysis.names import metric_title, title_of
from bench.records import METRICS

FIRST = "InvProp"
"""The weighting whose effect over each other one is compared."""
HALF_A_DIGIT = 5e-5
"""Effects smaller than this are printed as 0."""
COLUMNS = ("ours", "paper", "difference", "95 % CI", "inside", "agrees")
INSIDE, AGREES = COLUMNS.index("inside"), COLUMNS.index("agrees")


@dataclass(frozen=True)
class Agreement:
    """How often ours and the paper agree.

    Attributes:
        signs: for each effect (InvProp minus another weighting) that both show, whether its sign is the same;
            an effect that the paper prints as 0 shows none.
        marks: for each cell that both have, whether both are bold or both are not.
        inside: for each effect with an interval of ours, whether the paper's lies in it.
    """

    signs: tuple[bool, ...]
    marks: tuple[bool, ...]
    inside: tuple[bool, ...] = ()

    @property
    def line(self) -> str:
        """One line that says it."""
        signs, marks, inside = (f"{sum(votes)} of {len(votes)}" for votes in (self.signs, self.marks, self.inside))
        line = f"sign of the effect agrees with the paper in {signs} comparisons, marks in {marks} cells"
        return line + f"; the paper's effect lies in our interval in {inside}" * bool(self.inside)


@dataclass(frozen=True)
class Beside:
    """One of the paper's tables beside ours, and how often they agree."""

    table: Table
    agreement: Agreement


@cache
def _printed_tables() -> dict[str, Any]:
    tables: dict[str, Any] = json.loads(files("analysis").joinpath("paper_tables.json").read_text("utf-8"))["tables"]
    return tables


def printed(number: int) -> Any:  # the JSON of a printed table
    """Return what is printed of a table: ``arms``, and ``rows`` of means with their marks; None if not at hand."""
    return _printed_tables().get(str(number))


def total(parts: Iterable[Beside]) -> Agreement:
    """Return how often ours and the paper agree over several tables."""
    found = [part.agreement for part in parts]
    return Agreement(
        signs=tuple(vote for one in found for vote in one.signs),
        marks=tuple(vote for one in found for vote in one.marks),
        inside=tuple(vote for one in found for vote in one.inside),
    )


def beside(ours: Table, number: int) -> Beside | None:
    """Return our table beside the paper's; None if that is not at hand or shares no row with ours."""
    theirs = printed(number)
    own_rows = {row.labels: row for row in ours.rows if any(cell.n for cell in row.cells)}
    rows: list[Row] = []
    effects: list[tuple[Cell, ...]] = []
    arms: list[tuple[Cell, ...]] = []
    for line, metric in product(theirs["rows"] if theirs else (), METRICS):
        title = metric_title(metric)
        row = own_rows.get((title_of(line["row"]),))
        if row is None:
            continue
        cells, values = dict(zip(ours.columns, row.cells, strict=True)), line["metrics"][metric]
        own = {arm: cells.get((title, arm), Cell(NO_VALUE)) for arm in theirs["arms"]}
        for arm, cell in own.items():
            arms.append(_arm(cell, values[arm]))
            rows.append(Row((*row.labels, title, arm), arms[-1]))
        for other in own:
            if other != FIRST:
                effects.append(_effect(own, values, other))
                rows.append(Row((*row.labels, title, f"{FIRST} − {other}"), effects[-1]))
    if not rows:
        return None
    agreement = Agreement(
        signs=_votes(cells[AGREES] for cells in effects),
        marks=_votes(cells[AGREES] for cells in arms),
        inside=_votes(cells[INSIDE] for cells in effects),
    )
    return Beside(_table(ours, rows, agreement), agreement)


def _table(ours: Table, rows: list[Row], agreement: Agreement) -> Table:
    return Table(
        name=f"{ours.name}-paper",
        address=f"{ours.address}-paper",
        title=f"The paper beside ours: {ours.title}",
        caption=f"The {agreement.line}. The paper: bert-base-uncased, 14 tasks, 10 seeds, 4 algorithms. Ours: as the "
        "caption of our table says; another encoder, fewer tasks or a smaller pool make the two differ. Difference: "
        "ours minus the paper's, with the 95 % CI that our interval over seeds (sound mode) gives it; inside: whether "
        "the paper's value lies in our interval (its own uncertainty is not known). Agrees: in the row of a weighting "
        "whether both have the mark or both have not, in the row of an effect whether its sign is the same (a dash: "
        "one of the two shows none).",
        headers=(*ours.headers, "Metric", "Weighting"),
        groups=(Group("Ours and the paper's", COLUMNS),),
        rows=tuple(rows),
        mark="as in our table, and as in the paper's",
    )


def _arm(own: Cell, theirs: Any) -> tuple[Cell, ...]:
    """Return ours, theirs, the difference with its interval, and whether the marks agree."""
    difference = own.value - theirs["mean"]
    return (
        Cell(own.text, own.value, own.n, own.bold, own.note, runs=own.runs),
        Cell(decimal(theirs["mean"]), theirs["mean"], bold=theirs["bold"]),
        Cell(signed(difference), difference, runs=own.runs),
        *_interval(own.interval, theirs["mean"], own.runs),
        _vote(None if isnan(own.p) else own.bold == theirs["bold"], own.runs),
    )


def _effect(own: Mapping[str, Cell], theirs: Any, other: str) -> tuple[Cell, ...]:
    """Return our effect, theirs, how much larger ours is with its interval, and whether the signs agree."""
    ours, printed_one = own[FIRST].value - own[other].value, theirs[FIRST]["mean"] - theirs[other]["mean"]
    runs = (*own[FIRST].runs, *own[other].runs)
    evidence = next((test.sound for test in own[FIRST].against if test.other == other), None)
    interval = (evidence.low, evidence.high) if evidence else (nan, nan)
    signs = [None if isnan(effect) or abs(effect) < HALF_A_DIGIT else effect > 0 for effect in (ours, printed_one)]
    return (
        Cell(signed(ours), ours, runs=runs),
        Cell(signed(printed_one), printed_one),
        Cell(signed(ours - printed_one), ours - printed_one, runs=runs),
        *_interval(interval, printed_one, runs),
        _vote(None if None in signs else signs[0] == signs[1], runs),
    )


def _interval(own: tuple[float, float], theirs: float, runs: tuple[str, ...]) -> tuple[Cell, Cell]:
    """Return the interval of the difference, and whether theirs lies in ours."""
    low, high = own
    if isnan(low):
        return Cell(NO_VALUE), Cell(NO_VALUE)
    between = f"{signed(low - theirs)} to {signed(high - theirs)}"
    return Cell(between, high - low, runs=runs), _vote(low <= theirs <= high, runs)


def _vote(vote: bool | None, runs: tuple[str, ...]) -> Cell:
    return Cell(NO_VALUE) if vote is None else Cell("yes" if vote else "no", float(vote), runs=runs)


def _votes(cells: Iterable[Cell]) -> tuple[bool, ...]:
    return tuple(bool(cell.value) for cell in cells if not isnan(cell.value))
