"""What a grid amounts to, and what it would cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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

    def values(self, jobs: int) -> dict[str, Any]:
        """Return the same for programs: counts, skipped runs with reasons, and seconds by stage where rates are known.

        Args:
            jobs: worker processes, among which the time is shared.
        """
        from bench.grid.cost.forecast import forecast
        from bench.grid.cost.grid_cost import grid_cost

        cost, spec = grid_cost(self.grid), self.grid.spec
        found = None if self.rates is None else forecast(self.grid, self.rates, jobs)
        return {
            "grid": spec.name,
            "runs": self.grid.runs,
            "blocks": len(self.grid.jobs),
            "tasks": sorted({str(job.block.task) for job in self.grid.jobs}),
            "ratios": list(spec.ratios),
            "seeds": list(spec.seeds),
            "strategies": list(map(str, self.grid.strategies)),
            "fits": cost.fits,
            "rows_to_fit": cost.fit_rows,
            "rows_to_score": cost.score_rows,
            "skipped": sum(len(one.job.runs) for one in self.grid.skipped),
            "skipped_because": sorted({one.reason for one in self.grid.skipped}),
            "expected": None if found is None else asdict(found),
            "warnings": list(self.warnings),
        }


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
    """Return what a grid amounts to; the data need not be available where their numbers are known.

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
