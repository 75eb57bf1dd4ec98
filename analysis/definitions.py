"""Tables as data: the paper's Tables 2 to 12, and whatever plug-ins add.

A table is one :class:`TableDefinition`, from which :mod:`analysis.comparisons` makes its numbers and
:mod:`analysis.tables` what is printed. To add one, define it in a Python file of your own and hand that over with
``--plugin``, or name it in an entry point of the group ``imbal_bench.tables``.

Two of the paper's can be read in more than one way. Tables 7 and 8, the full results, are here: 7 a row for each
dataset, ratio and algorithm, 8 a row for each ratio and algorithm, both with every weighting that was run. The interval
of Table 10 is that of a task's mean over seeds, averaged over the dataset's tasks: what it asks is how much depends on
the start set, not how much tasks differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from types import ModuleType
from typing import Literal, get_args

from analysis.cube import RowAxis, Values, part_of
from analysis.names import AXIS_TITLES, title_of
from analysis.summaries import BestAlgorithm, CellSummary, HalfWidth, Mean
from bench.errors import PluginError, SpecError
from bench.foreign import foreign_code
from bench.records import METRICS

GROUP = "imbal_bench.tables"
"""Of entry points."""
ALGORITHMS = ("alps", "badge", "dal", "random")
WEIGHTINGS = ("invprop", "posprob", "uniform")
MAIN_RATIOS = (2, 10, 20, 50, 100)
EXTREME_RATIOS = (200, 1000)
BINS = ("2", "5", "10", "15", "20")
TEN_BINS = ("10", "")  # "" is of runs that have no such option


@dataclass(frozen=True)
class Reference:
    """What each cell of a table of p-values is tested against, by a paired one-sided t-test.

    Attributes:
        where: axis -> value; the reference is the cell in the same row, or anywhere in the table, that has them.
        larger: whether p is small if the cell is larger, or if the reference is.
    """

    where: Mapping[RowAxis, str]
    larger: Literal["cell", "reference"]


@dataclass(frozen=True)
class TableDefinition:
    """One table: the runs it takes, how they are laid out, summarised and tested.

    Attributes:
        address: how a user names it, such as ``T4``. title: one line. says: what a cell is; it opens the caption.
        rows: axes; a row is a combination of their values. columns: the axis of the columns under each metric.
        where: axis -> the values taken, in the order printed; an axis that is not named is open: all that was run.
        unless: runs that have all of these take no part (none if empty).
        summary: what a cell shows of its runs. Cells are tested against every other column of their row.
        reference: what cells are tested against instead; they then show the p of that test.
        metrics: shown, unless a report is asked for others; fixed if given here.
        number: the paper's number, if it is one of its tables. preset: the shipped grid that runs it.
    """

    address: str
    title: str
    says: str
    rows: tuple[RowAxis, ...]
    columns: RowAxis = "weighting"
    where: Values = field(default_factory=dict)
    unless: Values = field(default_factory=dict)
    summary: CellSummary = field(default_factory=Mean)
    reference: Reference | None = None
    metrics: tuple[str, ...] = METRICS
    number: int | None = None
    preset: str = ""

    def __post_init__(self) -> None:
        laid = [part_of(axis) for axis in (*self.rows, self.columns)]
        known = get_args(RowAxis)
        wrong = [axis for axis in (*self.rows, self.columns, *self.where, *self.unless) if axis not in known]
        if wrong:
            raise SpecError(f"table {self.address}: {wrong[0]!r} is no axis; there are: {', '.join(known)}")
        if self.columns == "dataset" or not self.rows or len(set(laid)) < len(laid):
            raise SpecError(
                f"table {self.address}: rows {', '.join(self.rows) or 'none'} and columns {self.columns} must be "
                "different axes, at least one of rows, and datasets can be rows only"
            )
        if not self.address or not self.metrics:
            raise SpecError("a table needs an address, such as gain, and at least one metric")

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"table{self.number}" if self.number else self.address.lower().replace(" ", "-")

    @property
    def turned(self) -> bool:
        """Whether tests ask if what a cell is held against is larger, and not the cell."""
        return self.reference is not None and self.reference.larger == "reference"

    @property
    def shared(self) -> tuple[str, ...]:
        """What the two runs of a pair share beside task and seed."""
        apart = self.reference.where if self.reference else ()
        pooled = "algorithm" not in (*self.rows, self.columns) and not isinstance(self.summary, BestAlgorithm)
        axes = {*(axis for axis in self.rows if axis not in apart), *(["algorithm"] if pooled else [])}
        return tuple(axis for axis in ("algorithm", "ratio", "start") if axis in axes)

    @property
    def needs(self) -> str:
        """What has to be run for it."""
        needs = [
            f"{AXIS_TITLES[axis].lower()} {', '.join(title_of(value) for value in values if value)}"
            for axis, values in self.where.items()
            if axis != "bins" or self.columns == "bins"
        ]
        return ("; ".join(needs) or "any run") + f" (preset {self.preset})" * bool(self.preset)


def _main(weightings: tuple[str, ...], ratios: tuple[int, ...] = (50,)) -> Values:
    """The runs of the paper's own algorithms from a warm start, InvProp with 10 bins."""
    return {"ratio": ratios, "start": ("warm",), "algorithm": ALGORITHMS, "weighting": weightings, "bins": TEN_BINS}


_BY_RATIO = "Unweighted mean over algorithms, tasks and seeds"
_SWEEP: Values = {"dataset": ("ag_news",), "ratio": (100,), "start": ("warm",), "weighting": ("invprop",)}
_OTHER_BINS: Values = {**_SWEEP, "bins": tuple(number for number in BINS if number != "10")}

PAPER: tuple[TableDefinition, ...] = (
    TableDefinition(
        address="T2",
        number=2,
        preset="paper",
        title="InvProp vs Uniform per dataset, best algorithm of each task",
        says="For each task, weighting and metric the algorithm with the best mean over seeds; mean over tasks",
        rows=("dataset",),
        where=_main(("invprop", "uniform")),
        summary=BestAlgorithm(),
    ),
    TableDefinition(
        address="T3",
        number=3,
        preset="paper",
        title="InvProp vs Uniform per algorithm",
        says="Unweighted mean over tasks and seeds",
        rows=("algorithm",),
        where=_main(("invprop", "uniform")),
    ),
    TableDefinition(
        address="T4",
        number=4,
        preset="paper",
        title="InvProp vs Uniform per imbalance ratio",
        says=_BY_RATIO,
        rows=("ratio",),
        where=_main(("invprop", "uniform"), MAIN_RATIOS),
    ),
    TableDefinition(
        address="T5",
        number=5,
        preset="paper",
        title="InvProp vs PosProb per imbalance ratio",
        says=_BY_RATIO,
        rows=("ratio",),
        where=_main(("invprop", "posprob"), MAIN_RATIOS),
    ),
    TableDefinition(
        address="T6",
        number=6,
        title="The weightings at extreme imbalance",
        says=_BY_RATIO,
        rows=("ratio",),
        where=_main(WEIGHTINGS, EXTREME_RATIOS),
        preset="extreme",
    ),
    TableDefinition(
        address="T7",
        number=7,
        preset="paper",
        title="Full results per dataset",
        says="Unweighted mean over the dataset's tasks and seeds",
        rows=("dataset", "ratio", "start", "algorithm"),
        unless=_OTHER_BINS,
    ),
    TableDefinition(
        address="T8",
        number=8,
        preset="paper",
        title="Full results per algorithm",
        says="Unweighted mean over tasks and seeds",
        rows=("ratio", "start", "algorithm"),
        unless=_OTHER_BINS,
    ),
    TableDefinition(
        address="T9",
        number=9,
        title="Random-Uniform against the others at extreme imbalance",
        says="p of the paired one-sided t-test that Random-Uniform has the larger ROC-AUC",
        rows=("algorithm",),
        where=_main(WEIGHTINGS, (1000,)),
        reference=Reference({"algorithm": "random", "weighting": "uniform"}, larger="reference"),
        metrics=("auc",),
        preset="extreme",
    ),
    TableDefinition(
        address="T10",
        number=10,
        title="Cold against warm start, BADGE",
        says="Half-width of the 95 % t-interval of a task's mean over seeds, averaged over the dataset's tasks, "
        "and cold divided by warm (above 1: a cold start is less certain)",
        rows=("dataset", "weighting"),
        columns="start",
        where={"ratio": (50,), "start": ("cold", "warm"), "algorithm": ("badge",), "bins": TEN_BINS},
        summary=HalfWidth(),
        preset="start",
    ),
    TableDefinition(
        address="T11",
        number=11,
        title="InvProp by its number of bins",
        says="Unweighted mean over tasks and seeds",
        rows=("algorithm",),
        columns="bins",
        where={**_SWEEP, "bins": BINS},
        preset="bins",
    ),
    TableDefinition(
        address="T12",
        number=12,
        title="InvProp's number of bins against 10",
        says="p of the paired one-sided t-test that InvProp with this number of bins is larger than with 10",
        rows=("algorithm",),
        columns="bins",
        where={**_SWEEP, "bins": BINS},
        reference=Reference({"bins": "10"}, larger="cell"),
        preset="bins",
    ),
)
"""The paper's tables, in its order."""

_plugged: dict[str, tuple[str, TableDefinition]] = {}
"""Address -> the file that defines it, and the table."""


def definitions() -> dict[str, TableDefinition]:
    """Return all tables by address: the paper's, those of entry points, and those of plug-in files.

    Raises:
        PluginError: if an entry point cannot be loaded, is no table, or takes an address that is in use.
    """
    found = {definition.address: definition for definition in PAPER}
    for entry in entry_points(group=GROUP):
        where = f"entry point {entry.name} = {entry.value}"
        try:
            with foreign_code(where):
                definition = entry.load()
        except ImportError as error:
            raise PluginError(f"{where} failed to load: {error}") from error
        if not isinstance(definition, TableDefinition):
            raise PluginError(f"{where} is no TableDefinition")
        _add(found, definition)
    for _, definition in _plugged.values():
        _add(found, definition)
    return found


def add_tables(module: ModuleType, file: str) -> tuple[str, ...]:
    """Add the tables that a module defines at its top level; return their addresses.

    Args:
        module: as it was loaded.
        file: from where; tables of another state of it give way.

    Raises:
        PluginError: if an address is in use.
    """
    mine = {id(value): value for value in vars(module).values() if isinstance(value, TableDefinition)}
    for address in [address for address, (source, _) in _plugged.items() if source == file]:
        del _plugged[address]
    known = definitions()
    for definition in mine.values():
        _add(known, definition)
    _plugged.update({definition.address: (file, definition) for definition in mine.values()})
    return tuple(definition.address for definition in mine.values())


def _add(known: dict[str, TableDefinition], definition: TableDefinition) -> None:
    if definition.address.lower() in {address.lower() for address in known}:
        raise PluginError(f"two tables are called {definition.address!r}; give one another address")
    known[definition.address] = definition
