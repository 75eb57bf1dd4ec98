"""A finished run as it is stored: its result, and what it may be paired with."""

from __future__ import annotations

from bench.control import control_of
from bench.loop.rounds import RunResult
from bench.loop.shared import SharedBlock
from bench.metrics.base import RunCourse
from bench.metrics.catalogue import run_values
from bench.records import Informativeness, Provenance, RunRecord, RunSpec


def make_record(
    run: RunSpec,
    fingerprint: str,
    shared: SharedBlock,
    result: RunResult,
    found: Informativeness | None,
    made: Provenance,
    seconds: float,
) -> RunRecord:
    """Return a finished run as it is stored."""
    record = RunRecord(
        key=run.key(fingerprint),
        spec=run,
        status="ok",
        fingerprint=fingerprint,
        pool=shared.task.facts,
        start_rows=tuple(shared.task.rows[shared.first.state.labelled].tolist()),
        rounds=result.rounds,
        metrics=run_values(RunCourse.of(result.rounds, shared.task.facts)),
        informativeness=found,
        seconds=round(seconds, 3),
        provenance=made,
        control=control_of(result.test_probabilities),
    )
    return record.model_copy(update={"pair_key": record.pairing()})
