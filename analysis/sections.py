"""What a report consists of: for each condition the paper's tables, what stands beside them, and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from analysis.captions import extent
from analysis.condition import WHOLE_BLOCK, Condition, conditions
from analysis.coverage import coverage, stage_times
from analysis.definitions import DEFINITIONS, TableDefinition
from analysis.distances import distances
from analysis.effects import effects
from analysis.figures import Figure, figures_of
from analysis.figures.effects import p_values as tested
from analysis.findings import FULL_RESULTS, doubts, findings
from analysis.frame import Results
from analysis.labels_saved import labels_saved
from analysis.layout import Layout
from analysis.model import Table
from analysis.paper import Agreement, Beside, beside, total
from analysis.selection import select
from analysis.tables import p_values, tabulate
from bench.errors import UnknownNameError
from bench.metrics.labels_saved import LabelsSavedMetric
from bench.records import METRICS


@dataclass(frozen=True)
class Numbered:
    """One of the paper's tables, and what stands beside it, where there is any.

    Attributes:
        table: ours. tests: paper mode's tests behind its marks. effects: sound mode's evidence on each comparison.
        paper: the paper's beside ours.
    """

    table: Table
    tests: Table | None
    effects: Table | None
    paper: Beside | None


@dataclass(frozen=True)
class Section:
    """All that is shown of one condition.

    Attributes:
        suffix: see :class:`Condition`. title: for headings. settings: its scientific settings as indented JSON.
        extent: whether its pools and test sets are whole.
        numbered: the paper's tables that can be made, in order.
        not_run: number -> a line on what a table needs, for the others.
        agreement: over all tables of which the paper's values are at hand.
        findings: what the tables say, in up to five lines. doubts: what is wrong with runs that finished.
        absent: runs that the full results lack and nobody tried.
        coverage: what was run. times: seconds per stage. distances: informativeness, where runs recorded any.
        saved: labels saved against random+uniform, where that was asked for and run.
        figures: all figures but the paper's Figure 1. example: key of the run that Figure 1 shows.
        block: keys of all runs of its block, by strategy.
    """

    suffix: str
    title: str
    settings: str
    extent: str
    numbered: tuple[Numbered, ...]
    not_run: dict[int, str]
    agreement: Agreement
    findings: tuple[str, ...]
    doubts: tuple[str, ...]
    absent: int
    coverage: Table
    times: Table
    distances: Table | None
    saved: Table | None
    figures: tuple[Figure, ...]
    example: str
    block: tuple[str, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables of the section."""
        found = [(one.table, one.tests, one.effects, one.paper and one.paper.table) for one in self.numbered]
        return (*(table for parts in found for table in parts if table), *self.overall)

    @property
    def overall(self) -> tuple[Table, ...]:
        """The tables that are none of the paper's."""
        return (self.coverage, self.times, *(table for table in (self.distances, self.saved) if table))

    def table(self, name: str) -> Table:
        """Return a table by its address, in any case (``T4``, ``t4-p``, ``table4-paper``, ``runs``).

        Raises:
            UnknownNameError: if there is none; the message says which there are, and what a numbered one needs.
        """
        plain = name.lower().removeprefix("table").removeprefix("t")
        for table in self.tables:
            if table.address.lower() in (name.lower(), f"t{plain}"):
                return table
        reasons = [line for number, line in self.not_run.items() if plain.partition("-")[0] == str(number)]
        raise UnknownNameError("table", name, [table.address for table in self.tables], "; ".join(reasons))


def sections(results: Results, metrics: Sequence[str] = METRICS) -> list[Section]:
    """Return a section for each condition that has a finished run.

    Args:
        results: of a store.
        metrics: that tables show where the paper's shows its three; each is a column of ``results.runs``, but for
            ``labels_saved``, which adds a table of that of the others.

    Raises:
        PairingError: if two runs claim one place of a table.
    """
    return [_section(condition, tuple(metrics)) for condition in conditions(results) if len(condition.runs)]


def _section(condition: Condition, metrics: tuple[str, ...]) -> Section:
    shown = tuple(metric for metric in metrics if metric != LabelsSavedMetric.name) or METRICS
    definitions = {
        number: replace(one, metrics=shown) if one.metrics == METRICS else one for number, one in DEFINITIONS.items()
    }
    layouts = {number: select(definition, condition) for number, definition in definitions.items()}
    numbered = {number: made for number, layout in layouts.items() if layout and (made := _numbered(layout))}
    full, example = layouts[FULL_RESULTS], _example(condition)
    agreement = total(one.paper for one in numbered.values() if one.paper)
    return Section(
        suffix=condition.suffix,
        title=condition.title,
        settings=condition.settings.model_dump_json(indent=2),
        extent=extent(condition.settings),
        numbered=tuple(numbered.values()),
        not_run={number: _not_run(DEFINITIONS[number]) for number in layouts if number not in numbered},
        agreement=agreement,
        findings=findings({number: one.table for number, one in numbered.items()}, agreement),
        doubts=doubts(condition, shown),
        absent=int((~full.absent["failed"]).sum()) if full else 0,
        coverage=coverage(condition, full),
        times=stage_times(condition),
        distances=distances(condition),
        saved=labels_saved(condition, shown) if LabelsSavedMetric.name in metrics else None,
        figures=_figures(condition, full, numbered),
        example=str(example["key"]),
        block=_block_of(example, condition),
    )


def _figures(condition: Condition, full: Layout | None, numbered: Mapping[int, Numbered]) -> tuple[Figure, ...]:
    """Return the figures of the runs in the full results, which leave the sweep of bins out."""
    if full is None:
        return ()
    runs, rounds = (frame[frame["key"].isin(full.runs["key"])] for frame in (condition.runs, condition.rounds))
    tests = tested(full, numbered[FULL_RESULTS].table)
    return figures_of(runs, rounds, tests, condition.suffix, full.definition.metrics)


def _example(condition: Condition) -> pd.Series[Any]:
    """Return the run that shows weights best: InvProp's, drawn at random by them, at the paper's ratio."""
    wanted = {"weighting": "invprop", "algorithm": "random", "ratio": 50}
    far = pd.DataFrame({axis: condition.runs[axis] != value for axis, value in wanted.items()})
    nearest = far.assign(key=condition.runs["key"]).sort_values([*wanted, "key"])
    run: pd.Series[Any] = condition.runs.loc[nearest.index[0]]
    return run


def _block_of(run: pd.Series[Any], condition: Condition) -> tuple[str, ...]:
    own = condition.runs[condition.runs[WHOLE_BLOCK].eq(run[WHOLE_BLOCK]).all(axis=1)]
    return tuple(own.sort_values(["algorithm", "weighting", "key"])["key"])


def _numbered(layout: Layout) -> Numbered | None:
    table = tabulate(layout)
    if table is None:
        return None
    return Numbered(table, p_values(table), effects(layout, table), beside(table, layout.definition.number))


def _not_run(definition: TableDefinition) -> str:
    return f"Table {definition.number} ({definition.title}) not run: needs {definition.needs}"
