"""The one table model: every format renders it, and none decides anything.

What is printed in a cell, whether it is bold and whether it is a hole are fixed here, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan

from analysis.inference import ALPHA, BestOf, Effect
from analysis.paired import Paired

NO_VALUE = "–"
SOUND, DISAGREE, HOLE = "§", "≠", "†"
"""Signs after a number: marked in sound mode; bold and that mark disagree; a note says what is missing or odd."""


def decimal(value: float) -> str:
    """Return a metric to four digits, as the paper prints it."""
    return "NaN" if isnan(value) else f"{value:.4f}"


def signed(value: float) -> str:
    """Return a difference to four digits with its sign; a dash where there is none."""
    return NO_VALUE if isnan(value) else f"{value:+.4f}".replace("-", "−")


def p_text(p: float) -> str:
    """Return a p-value to four digits; a dash where there was no test."""
    if isnan(p):
        return NO_VALUE
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


@dataclass(frozen=True)
class Comparison:
    """One cell held against another.

    Attributes:
        other: what it is held against.
        paper: paper mode's test of this cell being larger (in a table of p-values, the test its caption names).
        sound: sound mode's evidence on the same; None where there are no pairs, or runs that must not be paired.
        p_holm: its p corrected for all tests of the table's metric; in a table of p-values, where both sides are
            of interest, the smaller of both sides' p. NaN where there was no test.
    """

    other: str
    paper: Paired
    sound: Effect | BestOf | None = None
    p_holm: float = nan


@dataclass(frozen=True)
class Cell:
    """One printed number.

    Attributes:
        text: what is printed. value: the unrounded number behind it; NaN where there is none.
        n: values that it summarises, where it is a summary.
        bold: marked in paper mode; the table says what the mark means.
        note: what is missing or odd here; a cell with a note is a visible hole.
        against: what it was tested against; one for each other column, or the one reference.
        runs: keys of the runs behind it.
        interval: the 95 % t-interval of the value in sound mode; NaN where there is none.
    """

    text: str
    value: float = nan
    n: int | None = None
    bold: bool = False
    note: str = ""
    against: tuple[Comparison, ...] = ()
    runs: tuple[str, ...] = ()
    interval: tuple[float, float] = (nan, nan)

    @property
    def p(self) -> float:
        """The largest p against another column, which decides the mark; NaN where any test is absent."""
        values = [comparison.paper.p for comparison in self.against]
        return nan if not values or any(map(isnan, values)) else max(values)

    @property
    def p_text(self) -> str:
        """The deciding p as printed."""
        return p_text(self.p)

    @property
    def sound_bold(self) -> bool | None:
        """Whether sound mode marks the cell; None where a test that could decide it was not made."""
        marks = [None if isnan(comparison.p_holm) else comparison.p_holm < ALPHA for comparison in self.against]
        if False in marks:
            return False
        return None if None in marks or not marks else True

    @property
    def disagrees(self) -> bool:
        """Whether paper mode and sound mode mark the cell differently; neither does where its tests were not made."""
        decided = self.bold or any(comparison.paper.p >= ALPHA for comparison in self.against)
        return decided and self.sound_bold is not None and self.sound_bold != self.bold

    @property
    def signs(self) -> str:
        """What is printed after the number, beside paper mode's mark."""
        return SOUND * bool(self.sound_bold) + DISAGREE * self.disagrees + HOLE * bool(self.note)


@dataclass(frozen=True)
class Group:
    """Neighbouring columns under one header."""

    title: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """Row headers and the cells of all groups, from left to right."""

    labels: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A table ready to be printed.

    Attributes:
        name: unique in a report; file name without suffix. address: how a user names it within its section.
        title: one line. caption: sentences that say what the numbers are.
        headers: titles of the row-header columns.
        notes: what is missing or odd, one line each; formats print all of them.
        mark: what bold means; empty if nothing is ever marked.
        sound_mark: what the mark of sound mode means: question, test, unit, n, correction; empty if there is none.
        with_p: whether the p that decides a cell's mark is worth printing beside it.
    """

    name: str
    address: str
    title: str
    caption: str
    headers: tuple[str, ...]
    groups: tuple[Group, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    mark: str = ""
    sound_mark: str = ""
    with_p: bool = False

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.labels) != len(self.headers) or len(row.cells) != len(self.columns):
                raise ValueError(
                    f"{self.name}: row {row.labels} has {len(row.labels)} labels and {len(row.cells)} cells "
                    f"for {len(self.headers)} headers and {len(self.columns)} columns"
                )

    @property
    def heading(self) -> str:
        """The title with the address, for formats that do not number tables themselves."""
        return f"{self.address}: {self.title}"

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, row by row."""
        return tuple(cell for row in self.rows for cell in row.cells)

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """(group title, column title) of each cell of a row."""
        return tuple((group.title, column) for group in self.groups for column in group.columns)
