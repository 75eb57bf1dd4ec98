"""What a report consists of: an overview of the store, and a section for each condition."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.condition import Condition, conditions
from analysis.coverage import coverage, stage_times
from analysis.curves import curves
from analysis.frame import MADE_WITH, Results
from analysis.model import Table
from analysis.paper import beside_table3, printed
from analysis.tables import p_values, table3


@dataclass(frozen=True)
class Section:
    """All that is shown of one condition.

    Attributes:
        name: for file names. title: for headings. settings: its scientific settings as indented JSON.
        table3: the main table. tests: the p-values and pairs behind its marks.
        paper: the paper's Table 3 beside ours, where the paper has that condition.
        coverage: what was run. times: seconds per stage. curves: see :func:`analysis.curves.curves`.
    """

    name: str
    title: str
    settings: str
    table3: Table
    tests: Table
    paper: Table | None
    coverage: Table
    times: Table
    curves: pd.DataFrame

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables of the section."""
        found = (self.table3, self.tests, self.paper, self.coverage, self.times)
        return tuple(table for table in found if table is not None)


@dataclass(frozen=True)
class Problem:
    """Runs that did not finish for one reason: how they ended, why, how many, and one of them."""

    status: str
    reason: str
    count: int
    example: str


@dataclass(frozen=True)
class Overview:
    """What a store holds, in counts and lines.

    Attributes:
        finished, failed, skipped: runs. unreadable: a line per file.
        tasks: ``dataset/class``, sorted. seeds: sorted.
        problems: failures and skips by reason, most frequent first.
        made_with: fact -> its values, most frequent first.
    """

    finished: int
    failed: int
    skipped: int
    unreadable: tuple[str, ...]
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    problems: tuple[Problem, ...]
    made_with: dict[str, tuple[str, ...]]


def sections(results: Results) -> list[Section]:
    """Return a section for each (ratio, start, settings) that has a finished run."""
    return [_section(condition) for condition in conditions(results) if len(condition.runs)]


def _section(condition: Condition) -> Section:
    table = table3(condition)
    in_paper = condition.ratio == printed(3)["ratio"] and condition.start == "warm"
    return Section(
        name=condition.name,
        title=condition.title,
        settings=condition.settings.model_dump_json(indent=2),
        table3=table,
        tests=p_values(table),
        paper=beside_table3(table) if in_paper else None,
        coverage=coverage(condition),
        times=stage_times(condition),
        curves=curves(condition),
    )


def overview(results: Results) -> Overview:
    """Return the counts of a store, and whatever did not finish with its reason."""
    runs, unfinished = results.runs, results.unfinished
    ended = unfinished["status"].value_counts()
    facts = {name: _values(runs[name]) for name in MADE_WITH if name != "finished"}
    return Overview(
        finished=len(runs),
        failed=int(ended.get("failed", 0)),
        skipped=int(ended.get("skipped", 0)),
        unreadable=results.unreadable,
        tasks=tuple(sorted({f"{name}/{rare}" for name, rare in zip(runs["dataset"], runs["positive"], strict=True)})),
        seeds=tuple(sorted(map(int, set(runs["seed"])))),
        problems=_problems(unfinished),
        made_with=facts | {"last run": (str(runs["finished"].max()),) if len(runs) else ()},
    )


def _values(column: pd.Series[str]) -> tuple[str, ...]:
    return tuple(map(str, column.value_counts(sort=True).index))


def _problems(unfinished: pd.DataFrame) -> tuple[Problem, ...]:
    found = [
        Problem(str(status), str(reason), len(own), _name(own.iloc[0]))
        for (status, reason), own in unfinished.groupby(["status", "reason"])
    ]
    return tuple(sorted(found, key=lambda problem: (-problem.count, problem.status, problem.reason)))


def _name(run: pd.Series[str]) -> str:
    return (
        f"{run['dataset']}/{run['positive']} 1/{run['ratio']} seed {run['seed']} {run['start']} "
        f"{run['algorithm']}+{run['weighting']}"
    )
