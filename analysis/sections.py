"""What a report consists of: for each condition its tables, what stands beside them, and figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from analysis.comparisons import Numbers
from analysis.condition import WHOLE_BLOCK, Condition, conditions
from analysis.cube import Values, select
from analysis.definitions import TEN_BINS, TableDefinition, definitions
from analysis.figures import Figure, figures_of
from analysis.findings import FULL_RESULTS, Finding, doubts, findings
from analysis.leaderboard import Leaderboard, advice
from analysis.names import ratio_label
from analysis.pairwise import AllPairs
from analysis.panels import panels
from analysis.results import Results
from analysis.tables.captions import extent
from analysis.tables.coverage import coverage, stage_times
from analysis.tables.distances import distances
from analysis.tables.effects import effects
from analysis.tables.labels_saved import labels_saved
from analysis.tables.leaderboard import leaderboard as leaderboard_table
from analysis.tables.leaderboard import pairs as pairs_table
from analysis.tables.leaderboard import penalties as penalty_table
from analysis.tables.model import Table
from analysis.tables.published import DATASETS, Beside, PaperAgreement, beside, total
from analysis.tables.render import p_values, render
from bench.errors import SpecError, UnknownNameError
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
        """The paper's beside ours, where it is available."""
        return beside(self.numbers, self.table)


@dataclass(frozen=True)
class Standing:
    """The strategies of one ratio and start: who leads, by how much, and each against each.

    Attributes:
        board: their leaderboard.
    """

    board: Leaderboard

    @cached_property
    def pairs(self) -> AllPairs:
        """Every strategy against every other."""
        return AllPairs(self.board)

    @cached_property
    def table(self) -> Table:
        """The leaderboard, T0."""
        return leaderboard_table(self.board)

    @cached_property
    def beside(self) -> tuple[Table, ...]:
        """All pairs and the penalty matrix, where there are several strategies."""
        return tuple(table for table in (pairs_table(self.pairs), penalty_table(self.pairs)) if table)

    @property
    def corrected(self) -> Table | None:
        """The penalty matrix after Holm, which is made for those who ask for it by its address."""
        return penalty_table(self.pairs, corrected=True)

    @cached_property
    def advice(self) -> tuple[str, ...]:
        """What to take, and what taking it would have cost on data that did not choose it."""
        return advice(self.board)


@dataclass(frozen=True)
class Section:
    """All that is shown of one condition; each part is made when it is first used.

    Attributes:
        condition: what it is of.
        definitions: address -> the tables that may be made. metrics: that they show.
        of_paper: whether it is held against the paper, whose tables it then has.
    """

    condition: Condition
    definitions: Mapping[str, TableDefinition]
    metrics: tuple[str, ...]
    of_paper: bool = True

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
        return tuple(made for address in self._listed if (made := self.table_set(address)))

    @property
    def _listed(self) -> list[str]:
        """Addresses of the tables that are shown without being asked for: of own data none of the paper's."""
        return [address for address, one in self.definitions.items() if self.of_paper or one.number is None]

    @cached_property
    def standings(self) -> tuple[Standing, ...]:
        """The leaderboards, one for each ratio and start."""
        unless = self._full.definition.unless if self._full else None
        return tuple(Standing(Leaderboard.of(panel, self._shown)) for panel in panels(self.condition, unless))

    @cached_property
    def not_run(self) -> dict[str, str]:
        """Address -> a line on what a table needs, for those that cannot be made."""
        made = {one.table.address for one in self.numbered}
        lacking = {address: self.definitions[address] for address in self._listed if address not in made}
        return {address: _not_run(one) for address, one in lacking.items() if self._planned(one)}

    def _planned(self, definition: TableDefinition) -> bool:
        """Return whether any run is of what a table is about: of its ratios, starts, or numbers of bins.

        A store does not say which preset was run; of one whose first run is stored, it is seen.
        """
        where = {axis: definition.where[axis] for axis in ("ratio", "start") if axis in definition.where}
        if definition.columns in definition.where and definition.columns in ("start", "bins"):
            return select(self.condition.cube, definition.rows, definition.columns, _one_of(definition)) is not None
        runs = self.condition.runs
        return all(runs[axis].isin(values).any() for axis, values in where.items())

    @cached_property
    def agreement(self) -> PaperAgreement:
        """How far ours and the paper's tables agree, over all of which the paper's values are available."""
        return total(one.paper for one in self.numbered if one.paper)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
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
        if not self._full:
            return ()
        return figures_of(self.condition, self._full, [one.pairs for one in self.standings], self._shown)

    def runs_of(self, figure: Figure) -> pd.DataFrame:
        """Return the runs that a figure is of, with the labels of algorithm and weighting."""
        own = {one.board.panel.name: one.board.panel.labelled for one in self.standings}
        return own[figure.panel] if figure.panel else pd.concat(list(own.values()))

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
        ranked = (table for one in self.standings for table in (one.table, *one.beside))
        return (*ranked, *(table for parts in found for table in parts if table), *self.overall)

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
        # Last, since ranking takes longest.
        ranked = [table for one in self.standings for table in (one.table, *one.beside)]
        named = [table for table in ranked if name.lower() in {table.address.lower(), table.name.lower()}]
        if not named:
            named = [table for one in self.standings if (table := one.corrected) and table.address == name.lower()]
        alike = [table for table in ranked if table.address.lower().partition("-")[0] == name.lower()]
        if named or len(alike) == 1:
            return (named or alike)[0]
        if alike:
            raise UnknownNameError("table", name, [table.address for table in alike], "there is one for each ratio")
        lacking = [one for address, one in self.definitions.items() if address.lower() == f"t{base}"]
        reasons = [_not_run(one) for one in lacking if not self.table_set(one.address)]
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


def sections(results: Results, metrics: Sequence[str] = METRICS, *, against_paper: bool = False) -> list[Section]:
    """Return a section for each condition that has a finished run.

    Args:
        results: of a store.
        against_paper: whether runs of other datasets than the paper's are laid out as its tables, too.
        metrics: that tables show where the paper's shows its three; each is a column of ``results.runs``, but for
            ``labels_saved``, which adds a table of that of the others.

    Raises:
        PluginError: if a table of a plug-in cannot be used.
    """
    every = definitions()
    return [
        Section(condition, every, tuple(metrics), against_paper or _is_of_paper(condition))
        for condition in conditions(results)
        if len(condition.runs)
    ]


def standings_at(
    found: Sequence[Section], ratio: int | str | None = None, start: str | None = None
) -> dict[str, list[Standing]]:
    """Return title of a section -> those of its leaderboards that are of a ratio and start.

    Args:
        found: the sections.
        ratio: such as 50, 1/50 or natural; None: each.
        start: warm or cold; None: each.

    Raises:
        SpecError: if nothing was run there; the message says what was.
    """
    named = None if ratio is None else str(ratio).removeprefix("1/")
    every = {section.title: list(section.standings) for section in found}
    chosen = {
        title: [
            one
            for one in own
            if named in {None, ratio_label(one.board.panel.ratio)} and start in {None, one.board.panel.start}
        ]
        for title, own in every.items()
    }
    if any(every.values()) and not any(chosen.values()):
        known = ", ".join(dict.fromkeys(one.board.panel.title for own in every.values() for one in own))
        raise SpecError(f"nothing was run at ratio {named or 'any'}, {start or 'any'} start; there is: {known}")
    return chosen


def _is_of_paper(condition: Condition) -> bool:
    return bool(condition.runs["dataset"].isin(DATASETS).any())


def _one_of(definition: TableDefinition) -> Values:
    """Return what a table takes, but that its columns are not the first listed, which other tables show too."""
    rest = definition.where[definition.columns]
    common = {"start": ("warm",), "bins": TEN_BINS}[definition.columns]
    return {**definition.where, definition.columns: tuple(value for value in rest if value not in common)}


def _not_run(definition: TableDefinition) -> str:
    name = f"Table {definition.number}" if definition.number else definition.address
    return f"{name} ({definition.title}) not run: needs {definition.needs}"
