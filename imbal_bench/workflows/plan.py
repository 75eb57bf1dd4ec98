"""What a grid amounts to, and what it would cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.config import GridSpec
from bench.errors import SpecError
from bench.grid.cost.rates import Rates, find, rates_file, read, save
from bench.grid.executors.choice import Workers
from bench.grid.expansion.blocks import Grid
from bench.grid.expansion.expand import expand
from bench.grid.world import World
from bench.model.content import pinned_if_local
from bench.model.hardware import choose_hardware, device_name
from imbal_bench.workflows.data_check import data_warnings
from imbal_bench.workflows.grids import pool_warnings


@dataclass(frozen=True)
class Planned:
    """A grid with its price.

    Attributes:
        grid: what would be run. rates: this machine's speed, if it is known.
        kept: where a new calibration was written. warnings: what will say little.
    """

    grid: Grid
    rates: Rates | None
    kept: Path | None
    warnings: tuple[str, ...]


def plan(
    spec: GridSpec,
    world: World,
    *,
    jobs: int = 1,
    threads: int | None = None,
    device: str = "auto",
    measure: bool = False,
    calibration: Path | None = None,
) -> Planned:
    """Return what a grid amounts to; the data need not be at hand where their numbers are known.

    Args:
        spec: what is asked for.
        world: where data is.
        jobs: worker processes.
        threads: of each.
        device: auto, cpu or cuda.
        measure: time the model on this machine first, and keep what was measured.
        calibration: a file of such a measurement; None: this machine's, if there is one.

    Raises:
        SpecError: if the specification is wrong, or both ``measure`` and ``calibration`` are given.
    """
    if measure and calibration:
        raise SpecError("give --measure to calibrate here or --calibration to use a file, not both")
    grid = expand(spec, world, counted=False)
    each = threads or Workers("joblib", jobs).threads_each
    rates, path = None, None
    if measure:
        from bench.grid.cost.calibrate import calibrate

        rates = calibrate(spec, choose_hardware(device, spec.model.precision), each, world.cache_dir)
        path = rates_file(world.cache_dir, rates)
        save(rates, path)
    elif kept := calibration or find(world.cache_dir, spec.model, device_name(device), each):
        rates = read(kept, pinned_if_local(spec.model, world.cache_dir))
    return Planned(grid, rates, path, (*data_warnings(grid, world), *pool_warnings(grid)))
