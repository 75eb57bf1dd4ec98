"""A store as tidy frames: one row a run, and one row a run and round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd

from analysis.facts import MADE_WITH
from analysis.index import read_facts
from bench.records import METRICS, Settings
from bench.store import Baseline, Store

TASK = ["dataset", "positive"]
BLOCK = [*TASK, "seed"]
"""What a pair of runs shares at one ratio and start."""
IDENTITY = [
    "key",
    *("ratio", "start", "settings"),
    *BLOCK,
    *("algorithm", "algorithm_options", "algorithm_version"),
    *("weighting", "weighting_options", "weighting_version"),
    "fingerprint",
]
POOL = ["pool_rows", "pool_positives", "test_rows"]
INFORMATIVENESS = ["pairwise_distance", "start_distance"]
"""Mean cosine distances of the selected positives (see :class:`bench.records.Informativeness`)."""


@dataclass(frozen=True)
class Results:
    """What a store holds.

    Attributes:
        runs: one row per finished run: ``IDENTITY``, pair_key, the three ``METRICS`` after the last round,
            seconds, ``POOL``, ``INFORMATIVENESS`` and ``MADE_WITH``. Options are JSON text; ``settings`` is a digest.
        rounds: one row per finished run and round: ``IDENTITY``, round, labelled, labelled_positives,
            selected and selected_positives (both cumulative, start set excluded), balanced_accuracy, auc, and
            ``seconds_<stage>`` for each stage that was timed.
        unfinished: one row per failed or skipped run: ``IDENTITY``, status, reason.
        unreadable: one line for each file that could not be read; its run is in none of the frames.
        settings: digest -> the scientific settings it stands for.
    """

    runs: pd.DataFrame
    rounds: pd.DataFrame
    unfinished: pd.DataFrame
    unreadable: tuple[str, ...]
    settings: Mapping[str, Settings]


def read_results(store: Store | Baseline) -> Results:
    """Return all records of a store or a baseline as frames; a file that cannot be read is reported, never fatal.

    A failure counts only while the run has not been finished since.
    """
    every, unreadable = read_facts(store)
    finished = {facts["identity"]["key"] for facts in every if facts["status"] == "ok"}
    runs: list[dict[str, object]] = []
    rounds: list[dict[str, object]] = []
    unfinished: list[dict[str, object]] = []
    settings: dict[str, str] = {}
    for facts in every:
        identity = facts["identity"]
        settings[identity["settings"]] = facts["settings"]
        if facts["status"] == "ok":
            runs.append(identity | facts["outcome"])
            rounds.extend(identity | row for row in facts["rounds"])
        elif identity["key"] not in finished:
            unfinished.append({**identity, "status": facts["status"], "reason": facts["reason"]})
    outcome = ["pair_key", *METRICS, "seconds", *POOL, *INFORMATIVENESS, *MADE_WITH]
    progress = ["round", "labelled", "labelled_positives", "selected", "selected_positives", *METRICS[:2]]
    return Results(
        runs=_frame(runs, [*IDENTITY, *outcome]),
        rounds=_frame(rounds, [*IDENTITY, *progress]),
        unfinished=_frame(unfinished, [*IDENTITY, "status", "reason"]),
        unreadable=tuple(unreadable),
        settings={name: Settings.model_validate_json(text) for name, text in settings.items()},
    )


def _frame(rows: list[dict[str, object]], columns: list[str]) -> pd.DataFrame:
    """Return rows as a frame that has at least these columns, of the same types also when there are no rows."""
    frame = pd.DataFrame(cast("Any", rows))
    extra = [name for name in frame.columns if name not in columns]
    types = {name: "int64" if name in ("ratio", "seed") else "str" for name in IDENTITY}
    return frame.reindex(columns=[*columns, *extra]).astype(types)
