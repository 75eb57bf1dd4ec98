"""Checks that this machine has what a grid needs, before anything is stored."""

from __future__ import annotations

from collections.abc import Iterable

from bench.config.spec import GridSpec
from bench.grid.driver.execution import Execution
from bench.grid.expansion.suited import components_of
from bench.learners.catalogue import build
from bench.model.hardware import refuse_missing_gpus, refuse_unknown_device, uses_gpu
from bench.records import Strategy
from bench.strategies.catalogue import build_strategy
from bench.strategies.strategy import needs_of


def preflight(spec: GridSpec, execution: Execution, strategies: Iterable[Strategy] = ()) -> None:
    """Find out before anything is stored whether this machine has what a grid needs.

    Args:
        spec: the grid's specification.
        execution: how it is to be run.
        strategies: what is to be run of it, since some ask more of a model than others.

    Raises:
        DataError: if the cache cannot be written.
        ModelError: if the device or a GPU (unless blocks run on other machines) or the checkpoint cannot be had, or the
            checkpoint's architecture lacks what is needed.
    """
    refuse_unknown_device(execution.device)
    if not execution.workers.remote:
        execution.world.refuse_unwritable()
    learners = [build(part) for part in components_of(spec)]
    if any("encoder" in learner.reads for learner in learners):
        refuse_missing_gpus(execution.workers.gpus)
        if not execution.workers.remote:
            uses_gpu(execution.device, spec.model.precision)
    reads_surprisal = any("surprisal" in needs_of(*build_strategy(strategy)) for strategy in strategies)
    for learner in learners:
        surprisal = reads_surprisal and "surprisal" in learner.offered()
        learner.rehearse(spec.settings, execution.world.cache_dir, surprisal=surprisal)
