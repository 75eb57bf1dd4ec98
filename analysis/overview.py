"""What a store holds, in counts and lines."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts import MADE_WITH
from analysis.names import ratio_short
from analysis.results import Results


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
        tasks: ``dataset/class``, sorted. ratios, starts, strategies (algorithm, weighting), seeds: of
            finished runs, sorted.
        problems: failures and skips by reason, most frequent first.
        made_with: fact -> its values, most frequent first.
    """

    finished: int
    failed: int
    skipped: int
    unreadable: tuple[str, ...]
    tasks: tuple[str, ...]
    ratios: tuple[str, ...]
    starts: tuple[str, ...]
    strategies: tuple[tuple[str, str], ...]
    seeds: tuple[int, ...]
    problems: tuple[Problem, ...]
    made_with: dict[str, tuple[str, ...]]


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
        ratios=tuple(map(ratio_short, sorted(map(int, set(runs["ratio"]))))),
        starts=tuple(sorted(set(runs["start"]), reverse=True)),
        strategies=tuple(sorted(set(zip(runs["algorithm"], runs["weighting"], strict=True)))),
        seeds=tuple(sorted(map(int, set(runs["seed"])))),
        problems=_problems(unfinished),
        made_with=facts | {"last run": (str(runs["finished"].max()),) if len(runs) else ()},
    )


def _values(column: pd.Series[str]) -> tuple[str, ...]:
    return tuple(map(str, column.value_counts(sort=True).index))


def _problems(unfinished: pd.DataFrame) -> tuple[Problem, ...]:
    found = [
        Problem(str(status), str(reason), len(own), name_of(own.iloc[0]))
        for (status, reason), own in unfinished.groupby(["status", "reason"])
    ]
    return tuple(sorted(found, key=lambda problem: (-problem.count, problem.status, problem.reason)))


def name_of(run: pd.Series[str]) -> str:
    """Return how lines that count runs name one of them."""
    return f"{block_of(run)} {run['algorithm']}+{run['weighting']}"


def block_of(run: pd.Series[str]) -> str:
    """Return how such lines name a block."""
    return f"{run['dataset']}/{run['positive']} {ratio_short(int(run['ratio']))} seed {run['seed']} {run['start']}"
