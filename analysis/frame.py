"""A store as tidy frames: one row a run, and one row a run and round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd

from bench.errors import CorruptRecordError
from bench.records import METRIC_VERSION, METRICS, Component, Provenance, Round, RunRecord, Settings, Status
from bench.seeds import canonical, digest
from bench.store import Baseline, Store

ALL_STATUSES: tuple[Status, ...] = ("ok", "failed", "skipped")
BLOCK = ["dataset", "positive", "seed"]
"""What a pair of runs shares at one ratio and start."""
IDENTITY = [
    "key",
    *("ratio", "start", "settings"),
    *BLOCK,
    *("algorithm", "algorithm_options", "algorithm_version"),
    *("weighting", "weighting_options", "weighting_version"),
    "fingerprint",
]
MADE_WITH = ["model", "device", "precision", "lm_head", "data_source", "git_commit", "finished"]
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
    records, unreadable = _readable(store)
    finished = {record.key for record in records if record.status == "ok"}
    runs: list[dict[str, object]] = []
    rounds: list[dict[str, object]] = []
    unfinished: list[dict[str, object]] = []
    settings: dict[str, Settings] = {}
    for record in records:
        identity = _identity(record)
        settings[str(identity["settings"])] = record.spec.settings
        if record.status != "ok":
            if record.key not in finished:
                unfinished.append({**identity, "status": record.status, "reason": record.reason})
            continue
        runs.append({**identity, **_outcome(record)})
        rounds.extend(identity | row for row in _round_rows(record.rounds))
    outcome = ["pair_key", *METRICS, "seconds", *POOL, *INFORMATIVENESS, *MADE_WITH]
    progress = ["round", "labelled", "labelled_positives", "selected", "selected_positives", *METRICS[:2]]
    return Results(
        runs=_frame(runs, [*IDENTITY, *outcome]),
        rounds=_frame(rounds, [*IDENTITY, *progress]),
        unfinished=_frame(unfinished, [*IDENTITY, "status", "reason"]),
        unreadable=tuple(unreadable),
        settings=settings,
    )


def _readable(store: Store | Baseline) -> tuple[list[RunRecord], list[str]]:
    records: list[RunRecord] = []
    unreadable = [] if isinstance(store, Baseline) else store.unreadable_packs()  # a baseline is checked as a whole
    for status in ALL_STATUSES:
        for key in sorted(store.keys(status)):
            try:
                record = store.read(key, status)
            except CorruptRecordError as error:
                unreadable.append(str(error))
                continue
            if status == "ok" and not record.rounds:
                unreadable.append(f"{store.file_of(key)} is stored as finished but holds no rounds")
                continue
            records.append(record)
    return records, unreadable


def _identity(record: RunRecord) -> dict[str, object]:
    block, strategy = record.spec.block, record.spec.strategy
    return {
        "key": record.key,
        "ratio": block.ratio,
        "start": block.start,
        "settings": settings_digest(record.spec.settings, record.metric_version),
        "dataset": block.task.dataset,
        "positive": block.task.positive,
        "seed": block.seed,
        **_component("algorithm", strategy.algorithm),
        **_component("weighting", strategy.weighting),
        "fingerprint": record.fingerprint,
    }


def settings_digest(settings: Settings, metric_version: int = METRIC_VERSION) -> str:
    """Return what ``settings`` of a frame holds: runs that differ in it have nothing to do with each other."""
    return digest({"settings": settings.model_dump(mode="json"), "metrics": metric_version}, 12)


def _component(kind: str, component: Component) -> dict[str, object]:
    return {
        kind: component.name,
        f"{kind}_options": canonical(component.options),
        f"{kind}_version": component.version,
    }


def _outcome(record: RunRecord) -> dict[str, object]:
    final, made, pool = record.final, record.provenance, record.pool
    ratio, found = record.positives_ratio, record.informativeness
    return {
        "pair_key": record.pair_key,
        "balanced_accuracy": final.balanced_accuracy,
        "auc": final.auc,
        "positives_ratio": float("nan") if ratio is None else ratio,
        "seconds": record.seconds,
        "pool_rows": pool and pool.rows,
        "pool_positives": pool and pool.positives,
        "test_rows": pool and pool.test_rows,
        "pairwise_distance": _last(found.pairwise if found else ()),
        "start_distance": _last(found.to_start if found else ()),
        "model": record.spec.settings.model.name,
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
    return f"{value} with local changes" if dirty else str(value)


def _round_rows(rounds: tuple[Round, ...]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    selected = positives = 0
    for one in rounds:
        selected += len(one.selected)
        positives += one.selected_positives
        rows.append(
            {
                "round": one.round,
                "labelled": one.labelled,
                "labelled_positives": one.labelled_positives,
                "selected": selected,
                "selected_positives": positives,
                "balanced_accuracy": one.balanced_accuracy,
                "auc": one.auc,
                **{f"seconds_{stage}": seconds for stage, seconds in one.seconds.items()},
            }
        )
    return rows


def _frame(rows: list[dict[str, object]], columns: list[str]) -> pd.DataFrame:
    """Return rows as a frame that has at least these columns, of the same types also when there are no rows."""
    frame = pd.DataFrame(cast("Any", rows))
    extra = [name for name in frame.columns if name not in columns]
    types = {name: "int64" if name in ("ratio", "seed") else "str" for name in IDENTITY}
    return frame.reindex(columns=[*columns, *extra]).astype(types)
