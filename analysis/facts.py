"""What a report takes from one record: a small part of it, in values that JSON spells exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analysis.names import ratio_level
from bench.control import environment
from bench.paths import without_folders
from bench.records import (
    DEFAULTS,
    FINE_TUNE,
    METRIC_VERSION,
    METRICS,
    Component,
    Provenance,
    Round,
    RunRecord,
    Settings,
    Strategy,
    learners_as_typed,
)
from bench.seeds import digest

Facts = dict[str, Any]
"""status, reason; ``identity``: a value for each column of :data:`analysis.frame.IDENTITY` but those of the strategy's
parts; ``settings`` and ``strategy``: the JSON that the identity's digests stand for; ``own``: the settings that only
this strategy reads; and of a finished run ``outcome`` (a row of ``Results.runs``), ``rounds``, and ``control`` and
``environment`` (see :mod:`bench.control`)."""
MADE_WITH = ["model", "device", "precision", "lm_head", "data_source", "git_commit", "finished"]


def facts_of(record: RunRecord) -> Facts:
    """Return what a report takes from a record."""
    done = record.status == "ok"
    return {
        "status": record.status,
        "reason": record.reason,
        "identity": _identity(record),
        "settings": record.spec.shared.model_dump_json(),
        "strategy": record.spec.strategy.model_dump_json(),
        "own": record.spec.settings.own(record.spec.strategy.needs),
        "outcome": _outcome(record) if done else {},
        "rounds": _round_rows(record.rounds) if done else [],
        "control": record.control,
        "environment": environment(record.provenance) if record.provenance else {},
    }


def _identity(record: RunRecord) -> dict[str, object]:
    block = record.spec.block
    return {
        "key": record.key,
        "ratio": ratio_level(block.ratio),
        "start": block.start,
        "settings": settings_digest(record.spec.settings, block.learners, record.metric_version),
        "learner": learners_as_typed(block.learners),
        "dataset": block.task.dataset,
        "positive": block.task.positive,
        "seed": block.seed,
        "strategy": strategy_digest(record.spec.strategy, record.spec.settings),
        "fingerprint": record.fingerprint,
    }


def settings_digest(
    settings: Settings, learners: Sequence[Component] = (FINE_TUNE,), metric_version: int = METRIC_VERSION
) -> str:
    """Return what ``settings`` of a frame holds: runs that differ in it have nothing to do with each other.

    Only settings that every strategy reads count; those that some read belong to the strategy. The learner and its
    judge count too, so that no table pools the runs of several.
    """
    read = settings.read_with({need for part in learners for need in part.needs})
    parts = [part.canonical() for part in learners]
    trained = {} if parts == [FINE_TUNE.canonical()] else {"learners": parts}
    return digest({"settings": read.canonical(), "metrics": metric_version, **trained}, 12)


def encoder_of(settings: Settings, learners: Sequence[Component]) -> str:
    """Return the name of the encoder that learners read, or ``none``."""
    reads = any("encoder" in part.needs for part in learners)
    return without_folders(settings.model.name) if reads else "none"


def strategy_digest(strategy: Strategy, settings: Settings) -> str:
    """Return what ``strategy`` of a frame holds: algorithm and weighting with options, versions and own settings.

    Like a run's key it leaves out what is at its default, so that runs from before an option was added are of the
    same strategy as those made since.
    """
    default = DEFAULTS.own(strategy.needs)
    own = {name: value for name, value in settings.own(strategy.needs).items() if value != default[name]}
    return digest([strategy.algorithm.canonical(), strategy.weighting.canonical(), own], 12)


def _outcome(record: RunRecord) -> dict[str, object]:
    made, pool, found = record.provenance, record.pool, record.informativeness
    return {
        "pair_key": record.pair_key,
        **dict.fromkeys(METRICS, float("nan")),
        **record.outcome,
        "seconds": record.seconds,
        "pool_rows": pool and pool.rows,
        "pool_positives": pool and pool.positives,
        "test_rows": pool and pool.test_rows,
        "pairwise_distance": _last(found.pairwise if found else ()),
        "start_distance": _last(found.to_start if found else ()),
        "model": encoder_of(record.spec.settings, record.spec.block.learners),
        **{name: _made(made, name) for name in MADE_WITH if name != "model"},
    }


def _last(values: tuple[float | None, ...]) -> float:
    """Return the value after the last round; NaN where there is none."""
    last = values[-1] if values else None
    return float("nan") if last is None else last


def _made(made: Provenance | None, name: str) -> str:
    value = None if made is None else getattr(made, name)
    if value is None:
        return "not recorded"
    dirty = name == "git_commit" and made is not None and made.git_dirty
    return f"{value} with local changes" if dirty else without_folders(str(value))


def _round_rows(rounds: tuple[Round, ...]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    positives = 0
    for one in rounds:
        positives += one.selected_positives
        rows.append(
            {
                "round": one.round,
                "labelled": one.labelled,
                "labelled_positives": one.labelled_positives,
                "selected": one.labelled - rounds[0].labelled,  # published runs have the count, not the rows
                "selected_positives": positives,
                **one.metrics,
                **{f"seconds_{stage}": seconds for stage, seconds in one.seconds.items()},
            }
        )
    return rows
