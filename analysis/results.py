"""A store as tidy frames: one row a run, and one row a run and round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pandas as pd

from analysis.environments import tell_apart
from analysis.facts import MADE_WITH, Facts
from analysis.index import read_facts
from bench.control import Control
from bench.records import METRICS, Settings, Strategy
from bench.seeds import canonical
from bench.store import Baseline, Store

TASK = ["dataset", "positive"]
BLOCK = [*TASK, "seed"]
"""What a pair of runs shares at one ratio and start."""
IDENTITY = [
    "key",
    *("ratio", "start", "settings", "learner", "strategy"),
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
            seconds, ``POOL``, ``INFORMATIVENESS`` and ``MADE_WITH``. Options are JSON text; ``settings`` and
            ``strategy`` are digests. Runs of a block whose M_0 differs have other values of pair_key.
        rounds: one row per finished run and round: ``IDENTITY``, round, labelled, labelled_positives,
            selected and selected_positives (both cumulative, start set excluded), balanced_accuracy, auc, and
            ``seconds_<stage>`` for each stage that was timed.
        unfinished: one row per failed or skipped run: ``IDENTITY``, status, reason.
        unreadable: one line for each file that could not be read; its run is in none of the frames.
        settings: digest -> the scientific settings it stands for, those that every strategy reads.
        strategies: digest -> the strategy it stands for, with all options that any of its runs names.
        controls: key -> what M_0 said and what the run was made with.
        unlike: key -> why a run is not compared with others of its block, where M_0 tells them apart.
    """

    runs: pd.DataFrame
    rounds: pd.DataFrame
    unfinished: pd.DataFrame
    unreadable: tuple[str, ...]
    settings: Mapping[str, Settings]
    strategies: Mapping[str, Strategy] = field(default_factory=dict)
    controls: Mapping[str, Control] = field(default_factory=dict)
    unlike: Mapping[str, str] = field(default_factory=dict)


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
    parts, strategies = _parts(every)
    controls = {
        facts["identity"]["key"]: Control(tuple(facts["control"]), facts["environment"])
        for facts in every
        if facts["control"]
    }
    for facts in every:
        identity = facts["identity"] | parts[facts["identity"]["strategy"]]
        settings[identity["settings"]] = facts["settings"]
        if facts["status"] == "ok":
            runs.append(identity | facts["outcome"])
            rounds.extend(identity | row for row in facts["rounds"])
        elif identity["key"] not in finished:
            unfinished.append({**identity, "status": facts["status"], "reason": facts["reason"]})
    unlike = tell_apart(runs, controls)
    outcome = ["pair_key", *METRICS, "seconds", *POOL, *INFORMATIVENESS, *MADE_WITH]
    progress = ["round", "labelled", "labelled_positives", "selected", "selected_positives", *METRICS[:2]]
    return Results(
        runs=_frame(runs, [*IDENTITY, *outcome]),
        rounds=_frame(rounds, [*IDENTITY, *progress]),
        unfinished=_frame(unfinished, [*IDENTITY, "status", "reason"]),
        unreadable=tuple(unreadable),
        settings={name: Settings.model_validate_json(text) for name, text in settings.items()},
        strategies=strategies,
        controls=controls,
        unlike=unlike,
    )


def _parts(every: list[Facts]) -> tuple[dict[str, dict[str, str]], dict[str, Strategy]]:
    """Return, for each strategy by its digest, the columns of its parts, and the strategy.

    Runs of one strategy may name different options, since a part may have gained some between them: what the latest
    form of it names counts for all.
    """
    texts: dict[str, dict[str, Facts]] = {}
    for facts in every:
        texts.setdefault(facts["identity"]["strategy"], {}).setdefault(facts["strategy"], facts)
    columns: dict[str, dict[str, str]] = {}
    strategies: dict[str, Strategy] = {}
    for name, forms in texts.items():
        known = [(Strategy.model_validate_json(text), facts["own"]) for text, facts in forms.items()]
        strategy, own = max(known, key=lambda it: len(it[0].algorithm.options) + len(it[0].weighting.options))
        strategies[name] = strategy
        columns[name] = {
            "algorithm": strategy.algorithm.name,
            "algorithm_options": canonical({**own, **strategy.algorithm.options}),
            "algorithm_version": strategy.algorithm.version,
            "weighting": strategy.weighting.name,
            "weighting_options": canonical(strategy.weighting.options),
            "weighting_version": strategy.weighting.version,
        }
    return columns, strategies


def _frame(rows: list[dict[str, object]], columns: list[str]) -> pd.DataFrame:
    """Return rows as a frame that has at least these columns, of the same types also when there are no rows.

    Further columns are in alphabetical order, whichever run has them first.
    """
    frame = pd.DataFrame(cast("Any", rows))
    extra = sorted(name for name in frame.columns if name not in columns)
    types = {name: "int64" if name in ("ratio", "seed") else "str" for name in IDENTITY}
    return frame.reindex(columns=[*columns, *extra]).astype(types)
