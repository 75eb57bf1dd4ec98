"""The one table model: every format renders it, and none decides anything.

What is printed in a cell, whether it is bold and whether it is a hole are fixed here, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan
from typing import NamedTuple

from analysis.stats import ALPHA

SEED_LEVEL, DISAGREE, HOLE = "§", "≠", "†"
"""Signs after a number: marked by the seed-level test; bold and that mark disagree; a note says what is odd."""


class CellTest(NamedTuple):
    """A cell held against another: the run-level test, and the seed-level evidence on the same.

    Attributes:
        against: what it is held against. pairs, unpaired, difference, t, p, note: of the run-level test of this cell
            being larger (in a table of p-values, the test its caption names).
        units, estimate, low, high, p_seed, p_holm, left_out, seed_note: of the seed-level test, p_holm after Holm's
            correction for all tests of the table's metric. All are as :func:`analysis.comparisons.compare` gives them.
    """

    against: str
    pairs: int
    unpaired: int
    difference: float
    t: float
    p: float
    note: str
    units: int
    estimate: float
    low: float
    high: float
    p_seed: float
    p_holm: float
    left_out: tuple[str, ...]
    seed_note: str

    @property
    def has_seed_level(self) -> bool:
        """Whether there is any seed-level evidence, or a reason why there is none."""
        return bool(self.units or self.left_out or self.seed_note)


@dataclass(frozen=True)
class Cell:
    """One printed number.

    Attributes:
        text: what is printed. value: the unrounded number behind it; NaN where there is none.
        n: values that it summarises, where it is a summary.
        bold: marked by the run-level test; the table says what the mark means.
        seed_bold: whether the seed-level test marks it; None where a test that could decide it was not made.
        note: what is missing or odd here; a cell with a note is a visible hole.
        tests: what it was tested against; one for each other column, or the one reference.
        runs: keys of the runs behind it.
        interval: the 95 % t-interval of the value over seeds; NaN where there is none.
    """

    text: str
    value: float = nan
    n: int | None = None
    bold: bool = False
    seed_bold: bool | None = None
    note: str = ""
    tests: tuple[CellTest, ...] = ()
    runs: tuple[str, ...] = ()
    interval: tuple[float, float] = (nan, nan)

    @property
    def p(self) -> float:
        """The largest p against another column, which decides the mark; NaN where any test is absent."""
        values = [test.p for test in self.tests]
        return nan if not values or any(map(isnan, values)) else max(values)

    @property
    def disagrees(self) -> bool:
        """Whether both tests mark the cell differently; neither does where its tests were not made."""
        decided = self.bold or any(test.p >= ALPHA for test in self.tests)
        return decided and self.seed_bold is not None and self.seed_bold != self.bold

    @property
    def signs(self) -> str:
        """What is printed after the number, beside the run-level test's mark."""
        return SEED_LEVEL * bool(self.seed_bold) + DISAGREE * self.disagrees + HOLE * bool(self.note)


@dataclass(frozen=True)
class Group:
    """Neighbouring columns under one header."""

    title: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """Row headers and the cells of all groups, from left to right.

    ``planned``: whether anybody ran, or tried to run, anything of it; formats leave out rows that nobody did.
    """

    labels: tuple[str, ...]
    cells: tuple[Cell, ...]
    planned: bool = True


@dataclass(frozen=True)
class Table:
    """A table ready to be printed.

    Attributes:
        name: unique in a report; file name without suffix. address: how a user names it within its section.
        title: one line. caption: sentences that say what the numbers are.
        headers: titles of the row-header columns.
        notes: what is missing or odd, one line each; formats print all of them.
        mark: what bold means; empty if nothing is ever marked.
        seed_mark: what the seed-level test's mark means: question, unit, n, correction; empty if there is none.
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
    seed_mark: str = ""
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
    def shown(self) -> tuple[Row, ...]:
        """The rows that formats print."""
        return tuple(row for row in self.rows if row.planned)

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """(group title, column title) of each cell of a row."""
        return tuple((group.title, column) for group in self.groups for column in group.columns)
