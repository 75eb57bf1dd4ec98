"""The runs that one table may mix: one ratio, one start, one set of settings, one version of each dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from analysis.frame import BLOCK, CONDITION, IDENTITY, Results
from analysis.names import with_labels
from bench.records import Settings

LABELS = ["algorithm_label", "weighting_label"]


@dataclass(frozen=True)
class Condition:
    """Runs that belong together, with the labels their strategies are printed under.

    Attributes:
        name: for file names. title: for headings.
        runs, rounds, unfinished: as in :class:`Results`, of this condition only, plus ``LABELS``.
        notes: runs left out because they were made on another version of a dataset, one line each.
    """

    ratio: int
    start: str
    name: str
    title: str
    settings: Settings
    runs: pd.DataFrame
    rounds: pd.DataFrame
    unfinished: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def failed(self) -> pd.DataFrame:
        """The runs that failed."""
        return self.unfinished[self.unfinished["status"] == "failed"]

    @property
    def skipped(self) -> pd.DataFrame:
        """The runs of infeasible tasks."""
        return self.unfinished[self.unfinished["status"] == "skipped"]

    @cached_property
    def expected(self) -> pd.DataFrame:
        """The blocks that each strategy should have a run in: ``BLOCK`` columns.

        The store does not keep the grid that was asked for, so it is taken as every task with every seed that
        any strategy ran or failed in; a block that was only ever skipped is not expected of anyone.
        """
        tried = pd.concat([self.runs[BLOCK], self.failed[BLOCK]])
        tasks, seeds = tried[["dataset", "positive"]].drop_duplicates(), tried[["seed"]].drop_duplicates()
        blocks = tasks.merge(seeds, how="cross").sort_values(BLOCK, ignore_index=True)
        skipped = set(_tuples(self.skipped)) - set(_tuples(tried))
        return blocks[[block not in skipped for block in _tuples(blocks)]]

    def labels(self, kind: str) -> list[str]:
        """Return the labels of all algorithms or weightings that were tried, sorted (the paper's order)."""
        column = f"{kind}_label"
        return sorted({*self.runs[column], *self.failed[column]}, key=lambda label: (label.lower(), label))


def conditions(results: Results) -> list[Condition]:
    """Return the conditions that a store holds runs of, in the order of ratio and start (warm first)."""
    tried = pd.concat([results.runs[CONDITION], results.unfinished[CONDITION]]).drop_duplicates()
    keys = sorted(
        ((int(ratio), str(start), str(digest)) for ratio, start, digest in tried.itertuples(index=False, name=None)),
        key=lambda key: (key[0], key[1] != "warm", key[2]),
    )
    several = {key[:2] for key in keys if sum(other[:2] == key[:2] for other in keys) > 1}
    return [_condition(results, *key, spell_settings=key[:2] in several) for key in keys]


def _condition(results: Results, ratio: int, start: str, digest: str, *, spell_settings: bool) -> Condition:
    def mine(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[(frame["ratio"] == ratio) & (frame["start"] == start) & (frame["settings"] == digest)]

    runs, unfinished = mine(results.runs), mine(results.unfinished)
    kept, notes = _one_version(runs)
    runs, rounds, unfinished = (frame[_on_version(frame, kept)] for frame in (runs, mine(results.rounds), unfinished))
    known = pd.concat([runs[IDENTITY], unfinished[IDENTITY]]).drop_duplicates("key")
    labels = with_labels(known)[["key", *LABELS]]
    return Condition(
        ratio=ratio,
        start=start,
        name=f"ratio{ratio}-{start}" + (f"-{digest[:8]}" if spell_settings else ""),
        title=f"ratio 1/{ratio}, {start} start" + (f", settings {digest[:8]}" if spell_settings else ""),
        settings=results.settings[digest],
        runs=runs.merge(labels, on="key"),
        rounds=rounds.merge(labels, on="key"),
        unfinished=unfinished.merge(labels, on="key"),
        notes=notes,
    )


def _one_version(runs: pd.DataFrame) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return dataset -> the fingerprint most runs are on (the latest of equals), and lines on the others."""
    kept: dict[str, str] = {}
    notes = []
    for dataset, own in runs.groupby("dataset"):
        versions = own.groupby("fingerprint")["finished"].agg(["size", "max"])
        order = versions.sort_values(["size", "max"], ascending=False)
        best, *others = map(str, order.index)
        kept[str(dataset)] = best
        notes += [
            f"{versions['size'][other]} runs of {dataset} on data {other[:8]} are left out: "
            f"most runs of it are on data {best[:8]}"
            for other in others
        ]
    return kept, tuple(notes)


def _on_version(frame: pd.DataFrame, kept: Mapping[str, str]) -> pd.Series[bool]:
    wanted = frame["dataset"].map(lambda dataset: kept.get(dataset, ""))
    return (frame["fingerprint"] == wanted) | (wanted == "")


def _tuples(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    return list(frame[BLOCK].itertuples(index=False, name=None))
