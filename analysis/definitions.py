"""The paper's Tables 2 to 12: for each one definition, from which :mod:`analysis.tables` makes the table.

Two of them can be read in more than one way. Tables 7 and 8, the full results, are here: 7 a row for each dataset,
ratio and algorithm, 8 a row for each ratio and algorithm, both with every weighting that was run. The interval of
Table 10 is that of a task's mean over seeds, averaged over the dataset's tasks: what it asks is how much depends on
the start set, not how much tasks differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from analysis.names import AXIS_TITLES, title_of
from bench.records import METRICS

Axis = Literal["ratio", "start", "dataset", "algorithm", "weighting", "bins"]
Summary = Literal["mean", "best", "half-width", "p"]
Values = Mapping[Axis, tuple[str | int, ...]]

TASK_AND_SEED = ("dataset", "positive", "seed")
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
        where: axis -> value; the reference is the run in the same row, or anywhere in the table, that has them.
        larger: whether p is small if the cell is larger, or if the reference is.
    """

    where: Mapping[Axis, str]
    larger: Literal["cell", "reference"]


@dataclass(frozen=True)
class TableDefinition:
    """One table of the paper: the runs it takes, how they are laid out, summarised and tested.

    Attributes:
        number: the paper's. title: one line. says: what a cell is; it opens the caption.
        rows: axes; a row is a combination of their values. columns: the axis of the columns under each metric.
        where: axis -> the values taken, in the order printed; an axis that is not named is open: all that was run.
        unless: runs that have all of these take no part (none if empty).
        summary: ``mean``: flat, over the runs of a cell. ``best``: for each task, column and metric the algorithm
            with the best mean over seeds, then the mean over tasks. ``half-width``: of the 95 % interval.
            ``p``: of the tests against ``reference``. Means are tested against every other column of their row.
        pair: what the two runs of a pair share, beside their row.
        preset: the shipped grid that runs it.
    """

    number: int
    title: str
    says: str
    rows: tuple[Axis, ...]
    columns: Axis = "weighting"
    where: Values = field(default_factory=dict)
    unless: Values = field(default_factory=dict)
    summary: Summary = "mean"
    reference: Reference | None = None
    pair: tuple[str, ...] = TASK_AND_SEED
    metrics: tuple[str, ...] = METRICS
    preset: str = "paper"

    @property
    def address(self) -> str:
        """How a user names it."""
        return f"T{self.number}"

    @property
    def turned(self) -> bool:
        """Whether tests ask if what a cell is held against is larger, and not the cell."""
        return self.reference is not None and self.reference.larger == "reference"

    @property
    def needs(self) -> str:
        """What has to be run for it."""
        needs = [
            f"{AXIS_TITLES[axis].lower()} {', '.join(title_of(value) for value in values if value)}"
            for axis, values in self.where.items()
            if axis != "bins" or self.columns == "bins"
        ]
        return f"{'; '.join(needs) or 'any run'} (preset {self.preset})"


def _main(weightings: tuple[str, ...], ratios: tuple[int, ...] = (50,)) -> Values:
    """The runs of the paper's own algorithms from a warm start, InvProp with 10 bins."""
    return {"ratio": ratios, "start": ("warm",), "algorithm": ALGORITHMS, "weighting": weightings, "bins": TEN_BINS}


_BY_RATIO = "Flat mean over algorithms, tasks and seeds"
_SWEEP: Values = {"dataset": ("ag_news",), "ratio": (100,), "start": ("warm",), "weighting": ("invprop",)}
_OTHER_BINS: Values = {**_SWEEP, "bins": tuple(number for number in BINS if number != "10")}

DEFINITIONS: Mapping[int, TableDefinition] = {
    definition.number: definition
    for definition in (
        TableDefinition(
            number=2,
            title="InvProp vs Uniform per dataset, best algorithm of each task",
            says="For each task, weighting and metric the algorithm with the best mean over seeds; mean over tasks",
            rows=("dataset",),
            where=_main(("invprop", "uniform")),
            summary="best",
        ),
        TableDefinition(
            number=3,
            title="InvProp vs Uniform per algorithm",
            says="Flat mean over tasks and seeds",
            rows=("algorithm",),
            where=_main(("invprop", "uniform")),
        ),
        TableDefinition(
            number=4,
            title="InvProp vs Uniform per imbalance ratio",
            says=_BY_RATIO,
            rows=("ratio",),
            where=_main(("invprop", "uniform"), MAIN_RATIOS),
            pair=(*TASK_AND_SEED, "algorithm"),
        ),
        TableDefinition(
            number=5,
            title="InvProp vs PosProb per imbalance ratio",
            says=_BY_RATIO,
            rows=("ratio",),
            where=_main(("invprop", "posprob"), MAIN_RATIOS),
            pair=(*TASK_AND_SEED, "algorithm"),
        ),
        TableDefinition(
            number=6,
            title="The weightings at extreme imbalance",
            says=_BY_RATIO,
            rows=("ratio",),
            where=_main(WEIGHTINGS, EXTREME_RATIOS),
            pair=(*TASK_AND_SEED, "algorithm"),
            preset="extreme",
        ),
        TableDefinition(
            number=7,
            title="Full results per dataset",
            says="Flat mean over the dataset's tasks and seeds",
            rows=("dataset", "ratio", "start", "algorithm"),
            unless=_OTHER_BINS,
        ),
        TableDefinition(
            number=8,
            title="Full results per algorithm",
            says="Flat mean over tasks and seeds",
            rows=("ratio", "start", "algorithm"),
            unless=_OTHER_BINS,
        ),
        TableDefinition(
            number=9,
            title="Random-Uniform against the others at extreme imbalance",
            says="p of the paired one-sided t-test that Random-Uniform has the larger ROC-AUC",
            rows=("algorithm",),
            where=_main(WEIGHTINGS, (1000,)),
            summary="p",
            reference=Reference({"algorithm": "random", "weighting": "uniform"}, larger="reference"),
            metrics=("auc",),
            preset="extreme",
        ),
        TableDefinition(
            number=10,
            title="Cold against warm start, BADGE",
            says="Half-width of the 95 % t-interval of a task's mean over seeds, averaged over the dataset's tasks, "
            "and cold divided by warm (above 1: a cold start is less certain)",
            rows=("dataset", "weighting"),
            columns="start",
            where={"ratio": (50,), "start": ("cold", "warm"), "algorithm": ("badge",), "bins": TEN_BINS},
            summary="half-width",
            preset="start",
        ),
        TableDefinition(
            number=11,
            title="InvProp by its number of bins",
            says="Flat mean over tasks and seeds",
            rows=("algorithm",),
            columns="bins",
            where={**_SWEEP, "bins": BINS},
            preset="bins",
        ),
        TableDefinition(
            number=12,
            title="InvProp's number of bins against 10",
            says="p of the paired one-sided t-test that InvProp with this number of bins is larger than with 10",
            rows=("algorithm",),
            columns="bins",
            where={**_SWEEP, "bins": BINS},
            summary="p",
            reference=Reference({"bins": "10"}, larger="cell"),
            preset="bins",
        ),
    )
}
"""Number -> definition, in the paper's order."""
