"""The paper's published tables, and ours beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from math import isnan, nan
from typing import Any

from analysis.comparisons import Numbers, lines
from analysis.names import metric_title, title_of
from analysis.tables.model import Cell, Group, Row, Table
from analysis.text import NO_VALUE, decimal, signed
from bench.records import METRICS

DATASETS = ("ag_news", "dbpedia_14", "pubmed_20k_rct", "sst2")
"""The paper's."""
FIRST = "InvProp"
"""The weighting whose effect over each other one is compared."""
HALF_A_DIGIT = 5e-5
"""Effects smaller than this are printed as 0."""
COLUMNS = ("ours", "paper", "difference", "95 % CI", "inside", "agrees")
INSIDE, AGREES = COLUMNS.index("inside"), COLUMNS.index("agrees")


@dataclass(frozen=True)
class PaperAgreement:
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
        line = f"sign of the effect agrees with the paper in {signs} comparisons, significance in {marks} cells"
        lies = f"; the paper's effect lies in our interval in {inside} (a perfect replication would give about 86 %)"
        return line + lies * bool(self.inside)


@dataclass(frozen=True)
class Beside:
    """One of the paper's tables beside ours, and how often they agree."""

    table: Table
    agreement: PaperAgreement


@cache
def _printed_tables() -> dict[str, Any]:
    tables: dict[str, Any] = json.loads(files("analysis.tables").joinpath("published.json").read_text("utf-8"))[
        "tables"
    ]
    return tables


def printed(number: int | None) -> Any:  # the JSON of a printed table
    """Return what is printed of a table: ``arms``, and ``rows`` of means with their marks; None if not available."""
    return _printed_tables().get(str(number))


def total(parts: Iterable[Beside]) -> PaperAgreement:
    """Return how often ours and the paper agree over several tables."""
    found = [part.agreement for part in parts]
    return PaperAgreement(
        signs=tuple(vote for one in found for vote in one.signs),
        marks=tuple(vote for one in found for vote in one.marks),
        inside=tuple(vote for one in found for vote in one.inside),
    )


def beside(numbers: Numbers, ours: Table) -> Beside | None:
    """Return our table beside the paper's; None if that is not available or shares no row with ours."""
    theirs, selection = printed(numbers.definition.number), numbers.selection
    held = [bool(own.any()) for own in selection.held]
    row_of = {labels[0]: row for row, labels in enumerate(selection.row_labels) if len(labels) == 1 and held[row]}
    rows: list[Row] = []
    effects: list[tuple[Cell, ...]] = []
    arms: list[tuple[Cell, ...]] = []
    for line, metric in product(theirs["rows"] if theirs else (), METRICS):
        row = row_of.get(title_of(line["row"]))
        if row is None or metric not in numbers.definition.metrics:
            continue
        printed_here, labels = line["metrics"][metric], ours.rows[row].labels
        for arm in theirs["arms"]:
            arms.append(_arm(_cell_of(ours, row, metric_title(metric), arm), printed_here[arm]))
            rows.append(Row((*labels, metric_title(metric), arm), arms[-1]))
        for other in theirs["arms"]:
            if other != FIRST:
                effects.append(_effect(numbers, (row, metric), printed_here, other))
                rows.append(Row((*labels, metric_title(metric), f"{FIRST} − {other}"), effects[-1]))
    if not rows:
        return None
    agreement = PaperAgreement(
        signs=_votes(cells[AGREES] for cells in effects),
        marks=_votes(cells[AGREES] for cells in arms),
        inside=_votes(cells[INSIDE] for cells in effects),
    )
    return Beside(_table(ours, rows, agreement), agreement)


def _cell_of(ours: Table, row: int, metric: str, arm: str) -> Cell:
    """Return our cell of an arm; an empty one where we have none."""
    return dict(zip(ours.columns, ours.rows[row].cells, strict=True)).get((metric, arm), Cell(NO_VALUE))


def _table(ours: Table, rows: list[Row], agreement: PaperAgreement) -> Table:
    return Table(
        name=f"{ours.name}-paper",
        address=f"{ours.address}-paper",
        title=f"The paper beside ours: {ours.title}",
        caption=f"The {agreement.line}. The paper: bert-base-uncased, 14 tasks, 10 seeds, 4 algorithms. Ours: as the "
        "caption of our table says; another encoder, fewer tasks or a smaller pool make the two differ. Difference: "
        "ours minus the paper's, with the 95 % CI that our interval over seeds gives it; inside: whether "
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
        Cell(own.text, own.value, own.n, own.bold, note=own.note, runs=own.runs),
        Cell(decimal(theirs["mean"]), theirs["mean"], bold=theirs["bold"]),
        Cell(signed(difference), difference, runs=own.runs),
        *_interval(own.interval, theirs["mean"], own.runs),
        _vote(None if isnan(own.p) else own.bold == theirs["bold"], own.runs),
    )


def _effect(numbers: Numbers, at: tuple[int, str], theirs: Any, other: str) -> tuple[Cell, ...]:
    """Return our effect, theirs, how much larger ours is with its interval, and whether the signs agree."""
    (row, metric), columns = at, numbers.selection.column_labels
    pair = [columns.index(arm) if arm in columns else -1 for arm in (FIRST, other)]
    here, every = (
        lines(frame[(frame["row"] == row) & (frame["metric"] == metric)])
        for frame in (numbers.cells, numbers.comparisons)
    )
    own = {it.column: it for it in here}
    values = [own[column].value if column in own else nan for column in pair]
    runs = tuple(key for column in pair if column in own for key in own[column].keys)
    tests = [(it.low, it.high) for it in every if [it.column, it.other] == pair]
    low, high = tests[0] if tests else (nan, nan)
    ours, printed_one = values[0] - values[1], theirs[FIRST]["mean"] - theirs[other]["mean"]
    signs = [None if isnan(effect) or abs(effect) < HALF_A_DIGIT else effect > 0 for effect in (ours, printed_one)]
    return (
        Cell(signed(ours), ours, runs=runs),
        Cell(signed(printed_one), printed_one),
        Cell(signed(ours - printed_one), ours - printed_one, runs=runs),
        *_interval((low, high), printed_one, runs),
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
