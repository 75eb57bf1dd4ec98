"""The runs of a condition at one ratio and start, whose means may stand beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from analysis.condition import Condition, conditions, without
from analysis.frame import BLOCK, IDENTITY, Results
from analysis.names import LABELS, ratio_slug, ratio_words, with_labels


@dataclass(frozen=True)
class Part:
    """Runs of one ratio and start.

    Attributes:
        name: for file names. title: for headings.
        runs, failed: as in :class:`Condition`, with ``LABELS``.
        infeasible: the ``BLOCK`` columns of blocks that were only ever skipped.
        notes: as in :class:`Condition`.
    """

    name: str
    title: str
    runs: pd.DataFrame
    failed: pd.DataFrame
    infeasible: pd.DataFrame
    notes: tuple[str, ...]

    def labels(self, kind: str) -> list[str]:
        """Return the labels of all algorithms or weightings that were tried, sorted (the paper's order)."""
        column = f"{kind}_label"
        return sorted({*self.runs[column], *self.failed[column]}, key=lambda label: (label.lower(), label))

    @cached_property
    def expected(self) -> pd.DataFrame:
        """The blocks that each strategy should have a run in: every task with every seed that any was tried in."""
        tried = pd.concat([self.runs[BLOCK], self.failed[BLOCK]])
        tasks, seeds = tried[["dataset", "positive"]].drop_duplicates(), tried[["seed"]].drop_duplicates()
        blocks = tasks.merge(seeds, how="cross").sort_values(BLOCK, ignore_index=True)
        return without(blocks, self.infeasible, BLOCK)


def parts(results: Results) -> list[Part]:
    """Return the parts of a store that have finished runs: by condition, ratio and start (warm first)."""
    found = []
    for condition in conditions(results):
        kinds = condition.runs[["ratio", "start"]].drop_duplicates().itertuples(index=False, name=None)
        ordered = sorted(kinds, key=lambda at: (at[0], at[1] == "cold"))
        found += [_part(condition, int(ratio), str(start)) for ratio, start in ordered]
    return found


def _part(condition: Condition, ratio: int, start: str) -> Part:
    frames = (condition.runs, condition.failed, condition.infeasible)
    runs, failed, infeasible = (frame[(frame["ratio"] == ratio) & (frame["start"] == start)] for frame in frames)
    known = with_labels(pd.concat([runs[IDENTITY], failed[IDENTITY]]).drop_duplicates("key"))[["key", *LABELS]]
    return Part(
        name=f"{ratio_slug(ratio)}-{start}{condition.suffix}",
        title=f"{ratio_words(ratio)}, {start} start",
        runs=runs.merge(known, on="key"),
        failed=failed.merge(known, on="key"),
        infeasible=infeasible,
        notes=condition.notes,
    )
