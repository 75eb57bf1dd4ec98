"""What a report consists of: for each condition its tables, what stands beside them, and figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from analysis.comparisons import Numbers
from analysis.condition import WHOLE_BLOCK, Condition, conditions
from analysis.definitions import TableDefinition, definitions
from analysis.figures import Figure, figures_of
from analysis.findings import FULL_RESULTS, doubts, findings
from analysis.results import Results
from analysis.tables.captions import extent
from analysis.tables.coverage import coverage, stage_times
from analysis.tables.distances import distances
from analysis.tables.effects import effects
from analysis.tables.labels_saved import labels_saved
from analysis.tables.model import Table
from analysis.tables.published import Agreement, Beside, beside, total
from analysis.tables.render import p_values, render
from bench.errors import UnknownNameError
from bench.metrics.labels_saved import LabelsSavedMetric
from bench.records import METRICS


@dataclass(frozen=True)
class TableSet:
    """A defined table, and what stands beside it; each is made when it is first used.

    Attributes:
        numbers: behind all of them. table: the table itself.
    """

    numbers: Numbers
    table: Table

    @cached_property
    def tests(self) -> Table | None:
        """The run-level tests behind its marks, where columns are tested against each other."""
        return p_values(self.numbers, self.table)

    @cached_property
    def effects(self) -> Table | None:
        """The seed-level evidence on each comparison, where there is any."""
        return effects(self.numbers, self.table)

    @cached_property
    def paper(self) -> Beside | None:
        """The paper's beside ours, where it is at hand."""
        return beside(self.numbers, self.table)


@dataclass(frozen=True)
class Section:
    """All that is shown of one condition; each part is made when it is first used.

    Attributes:
        condition: what it is of.
        definitions: address -> the tables that may be made. metrics: that they show.
    """

    condition: Condition
    definitions: Mapping[str, TableDefinition]
    metrics: tuple[str, ...]

    @property
    def suffix(self) -> str:
        """See :class:`Condition`."""
        return self.condition.suffix

    @property
    def title(self) -> str:
        """For headings."""
        return self.condition.title

    @property
    def settings(self) -> str:
        """Its scientific settings as indented JSON."""
        return self.condition.settings.model_dump_json(indent=2)

    @property
    def extent(self) -> str:
        """Whether its pools and test sets are whole."""
        return extent(self.condition.settings)

    @cached_property
    def _sets(self) -> dict[str, TableSet]:
        return {}

    def table_set(self, address: str) -> TableSet | None:
        """Return a defined table by its address; None where nothing was run that it could show."""
        if address not in self._sets:
            definition = self.definitions[address]
            shown = replace(definition, metrics=self._shown) if definition.metrics == METRICS else definition
            numbers = Numbers.of(shown, self.condition)
            table = render(numbers) if numbers else None
            if numbers is None or table is None:
                return None
            self._sets[address] = TableSet(numbers, table)
        return self._sets[address]

    @property
    def _shown(self) -> tuple[str, ...]:
        return tuple(metric for metric in self.metrics if metric != LabelsSavedMetric.name) or METRICS

    @cached_property
    def numbered(self) -> tuple[TableSet, ...]:
        """The defined tables that can be made, in order."""
        return tuple(made for address in self.definitions if (made := self.table_set(address)))

    @cached_property
    def not_run(self) -> dict[str, str]:
        """Address -> a line on what a table needs, for those that cannot be made."""
        made = {one.table.address for one in self.numbered}
        return {address: _not_run(one) for address, one in self.definitions.items() if address not in made}

    @cached_property
    def agreement(self) -> Agreement:
        """How far ours and the paper's tables agree, over all of which the paper's values are at hand."""
        return total(one.paper for one in self.numbered if one.paper)

    @cached_property
    def findings(self) -> tuple[str, ...]:
        """What the tables say, in up to five lines."""
        return findings({one.table.address: one.numbers for one in self.numbered}, self.agreement)

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """What is wrong with runs that finished."""
        return doubts(self.condition, self._shown)

    @property
    def _full(self) -> Numbers | None:
        made = self.table_set(FULL_RESULTS)
        return made.numbers if made else None

    @cached_property
    def absent(self) -> int:
        """Runs that the full results lack and nobody tried."""
        full = self._full
        return int((full.selection.missing & ~full.selection.failed).sum()) if full else 0

    @cached_property
    def coverage(self) -> Table:
        """What was run."""
        return coverage(self.condition, self._full.selection if self._full else None)

    @cached_property
    def times(self) -> Table:
        """Seconds per stage."""
        return stage_times(self.condition)

    @cached_property
    def distances(self) -> Table | None:
        """Informativeness, where runs recorded any."""
        return distances(self.condition)

    @cached_property
    def saved(self) -> Table | None:
        """Labels saved against random+uniform, where that was asked for and run."""
        return labels_saved(self.condition, self._shown) if LabelsSavedMetric.name in self.metrics else None

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """All figures but the paper's Figure 1."""
        return figures_of(self.condition, self._full, self._shown) if self._full else ()

    @cached_property
    def _example(self) -> pd.Series[Any]:
        """The run that shows weights best: InvProp's, drawn at random by them, at the paper's ratio."""
        runs = self.condition.runs
        wanted = {"weighting": "invprop", "algorithm": "random", "ratio": 50}
        far = pd.DataFrame({axis: runs[axis] != value for axis, value in wanted.items()})
        nearest = far.assign(key=runs["key"]).sort_values([*wanted, "key"])
        run: pd.Series[Any] = runs.loc[nearest.index[0]]
        return run

    @property
    def example(self) -> str:
        """Key of the run that Figure 1 shows."""
        return str(self._example["key"])

    @property
    def block(self) -> tuple[str, ...]:
        """Keys of all runs of its block, by strategy."""
        runs = self.condition.runs
        own = runs[runs[WHOLE_BLOCK].eq(self._example[WHOLE_BLOCK]).all(axis=1)]
        return tuple(own.sort_values(["algorithm", "weighting", "key"])["key"])

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables of the section."""
        found = [(one.table, one.tests, one.effects, one.paper and one.paper.table) for one in self.numbered]
        return (*(table for parts in found for table in parts if table), *self.overall)

    @property
    def overall(self) -> tuple[Table, ...]:
        """The tables that are not defined by rows and columns."""
        return tuple(table for make in _OVERALL.values() if (table := make(self)))

    def table(self, name: str) -> Table:
        """Return a table by its address, in any case (``T4``, ``t4-p``, ``table4-paper``, ``runs``).

        Raises:
            UnknownNameError: if there is none; the message says which there are, and what a defined one needs.
        """
        plain = name.lower().removeprefix("table").removeprefix("t")
        base, _, part = plain.partition("-")
        for address in self.definitions:
            if address.lower() in {name.lower(), f"t{base}"} and (made := self.table_set(address)):
                wanted = part if address.lower() != name.lower() else ""
                if wanted in _PARTS and (table := _PARTS[wanted](made)):
                    return table
        if name.lower() in _OVERALL and (table := _OVERALL[name.lower()](self)):
            return table
        reasons = [line for address, line in self.not_run.items() if address.lower() == f"t{base}"]
        raise UnknownNameError("table", name, [table.address for table in self.tables], "; ".join(reasons))


_PARTS: Mapping[str, Callable[[TableSet], Table | None]] = {
    "": lambda made: made.table,
    "p": lambda made: made.tests,
    "effects": lambda made: made.effects,
    "paper": lambda made: made.paper.table if made.paper else None,
}
_OVERALL: Mapping[str, Callable[[Section], Table | None]] = {
    "runs": lambda section: section.coverage,
    "time": lambda section: section.times,
    "informativeness": lambda section: section.distances,
    "labels-saved": lambda section: section.saved,
}


def sections(results: Results, metrics: Sequence[str] = METRICS) -> list[Section]:
    """Return a section for each condition that has a finished run.

    Args:
        results: of a store.
        metrics: that tables show where the paper's shows its three; each is a column of ``results.runs``, but for
            ``labels_saved``, which adds a table of that of the others.

    Raises:
        PluginError: if a table of a plug-in cannot be used.
    """
    every = definitions()
    return [Section(condition, every, tuple(metrics)) for condition in conditions(results) if len(condition.runs)]


def _not_run(definition: TableDefinition) -> str:
    name = f"Table {definition.number}" if definition.number else definition.address
    return f"{name} ({definition.title}) not run: needs {definition.needs}"
