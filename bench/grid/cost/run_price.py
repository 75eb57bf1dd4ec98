"""What one more run costs, estimated from runs like it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.config.spec import GridSpec
from bench.errors import BenchError
from bench.grid.cost.forecast import forecast
from bench.grid.cost.rates import Rates, read
from bench.grid.expansion.blocks import BlockJob, Grid
from bench.grid.expansion.sizes import sizes_of
from bench.grid.world import World
from bench.records import RunRecord, RunSpec, Strategy
from bench.strategies.base import ALGORITHMS, WEIGHTINGS
from bench.strategies.catalogue import component


@dataclass(frozen=True)
class Price:
    """Seconds of one worker for a run, and where that number comes from, in words."""

    seconds: float
    origin: str


def price_of(records: Sequence[RunRecord], world: World, calibration: Path | None) -> Price:
    """Return the price of a run such as these, their share in what a block shares included where it is forecast.

    Args:
        records: finished runs of one setting, at least one.
        world: where data is; known facts of a dataset will do.
        calibration: the machine's speed (see :mod:`bench.grid.cost.rates`); None: what the stored runs took on average.
    """
    mean = sum(record.seconds for record in records) / len(records)
    devices = sorted({record.provenance.device for record in records if record.provenance})
    on = f" on {', '.join(devices)}" if devices else ""
    stored = f"the mean of {len(records)} stored runs{on}, without what their blocks share"
    if calibration is None:
        return Price(mean, f"{stored}; no calibration: `plan --measure` makes one")
    runs = [record.spec for record in records]
    try:
        return _forecast(runs, read(calibration, runs[0].settings.model), world)
    except BenchError as error:
        return Price(mean, f"{stored}; no forecast: {error}")


def _forecast(runs: Sequence[RunSpec], rates: Rates, world: World) -> Price:
    blocks: dict[str, list[RunSpec]] = defaultdict(list)
    for run in map(_by_code_of_today, runs):
        blocks[run.block.model_dump_json()].append(run)  # a learner's options make a block unfit for a key
    sizes = {name: sizes_of(name, world, counted=False)[1] for name in {run.block.task.dataset for run in runs}}
    jobs = tuple(
        BlockJob(own[0].block, tuple(own), own[0].block.task.dataset, sizes[own[0].block.task.dataset].fingerprint)
        for own in blocks.values()
    )
    spec = GridSpec(**dict(runs[0].settings), tasks=tuple(sorted({str(run.block.task) for run in runs})))
    expected = forecast(Grid(spec, sizes, jobs, ()), rates)
    left_out = f"; not included: {', '.join(expected.unknown)}" if expected.unknown else ""
    return Price(expected.total / len(runs), f"{rates.origin}{left_out}")


def _by_code_of_today(run: RunSpec) -> RunSpec:
    """Return a run as it would be made now, whatever version of its strategy's code made it."""
    strategy = Strategy(
        algorithm=component(ALGORITHMS, run.strategy.algorithm.name, run.strategy.algorithm.options),
        weighting=component(WEIGHTINGS, run.strategy.weighting.name, run.strategy.weighting.options),
    )
    return run.model_copy(update={"strategy": strategy})
