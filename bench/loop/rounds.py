"""The loop itself, for one strategy in a block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.arrays import Float32Array
from bench.loop.query import query_batch
from bench.loop.shared import SharedBlock
from bench.loop.state import Stages
from bench.records import Round
from bench.strategies.base import Algorithm, Weighting

ReportStage = Callable[[int, str], None]
"""Called with the number of the round and what is done now."""


@dataclass(frozen=True)
class RunResult:
    """What a run yields.

    Attributes:
        test_probabilities: (rounds + 1, m); with a judge (rounds + 3, m), the last two the judge's at M_0 and after the
            last round.
    """

    rounds: tuple[Round, ...]
    test_probabilities: Float32Array


def run_strategy(shared: SharedBlock, algorithm: Algorithm, weighting: Weighting, report: ReportStage) -> RunResult:
    """Run Algorithm 1 for one strategy in a block; ``report`` is called with round and stage."""
    state, loop = shared.first.state, shared.settings.loop
    history, probabilities = [shared.first.record], [shared.first.test_probabilities]
    for number in range(1, loop.rounds + 1):
        stages = Stages()
        shared.model.reset_peak()
        report(number, "query")
        query = query_batch(shared, algorithm, weighting, state, history[-1], stages)
        state = state.with_labels(query.picked, query.labels)
        report(number, f"fit on {len(state.labelled)} rows")
        shared.fit(state, number, stages)
        metrics, on_test = shared.evaluate(stages)
        of_judge, judged = shared.judged(state, number, stages)
        history.append(shared.round_record(number, state, stages, metrics | of_judge, query))
        probabilities.append(on_test)
    probabilities += [p for p in (shared.first.judged, judged) if p is not None]
    return RunResult(tuple(history), np.stack(probabilities))
