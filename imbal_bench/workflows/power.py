"""What a comparison can show, what it takes to show more, and how often the suite's own tests err."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import Store, read_results, stats, write_atomically
from analysis.planning import pilot as pilot_of
from analysis.stats import Pilot, Requirement, Validation

if TYPE_CHECKING:
    from analysis import Table
    from bench.grid.cost.run_price import Price
    from bench.grid.world import World
    from bench.records import ModelSettings

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Powered:
    """What stored runs can show of a margin.

    Attributes:
        pilot: the comparison, its shape and spread. metric, margin: of what. needs: one for each question.
        price: seconds of one worker for a run.
    """

    pilot: Pilot
    metric: str
    margin: float
    needs: tuple[Requirement, ...]
    price: Price

    def json(self) -> bytes:
        """Return the numbers as a file."""
        content = {
            "schema_version": SCHEMA_VERSION,
            "comparison": self.pilot.title,
            "metric": self.metric,
            "margin": self.margin,
            "shape": asdict(self.pilot.shape),
            "standard_deviations": asdict(self.pilot.components),
            "seconds_per_run": self.price.seconds,
            "price_from": self.price.origin,
            "questions": [asdict(need) for need in self.needs],
            "notes": self.pilot.notes,
        }
        return dumps(content, indent=1, allow_nan=False).encode() + b"\n"


def power(
    store: Path,
    world: World,
    *,
    arms: Sequence[str] = ("invprop", "uniform"),
    metric: str = "auc",
    condition: str | None = None,
    margin: float = 0.01,
    calibration: Path | None = None,
    json: Path | None = None,
) -> Powered:
    """Return what stored runs vary with, what they can show, and what a margin takes in seeds, tasks and time.

    Args:
        store: with the runs.
        world: where data and calibrations are.
        arms: the two weightings that are compared.
        metric: of what.
        condition: such as ``ratio50-warm``, where the store holds several.
        margin: what is to be shown.
        calibration: to price runs with; None: this machine's, if it has one.
        json: a file to write the numbers to.

    Raises:
        StoreError, SpecError: if there are no such runs.
    """
    from bench.grid.cost.run_price import price_of

    source = Store(store)
    pilot = pilot_of(read_results(source), list(arms), metric, condition)
    needs = stats.needs(pilot, margin)
    records = [source.read(key) for key in pilot.runs]
    kept = calibration or _kept_here(world.cache_dir, records[0].spec.settings.model)
    found = Powered(pilot, metric, margin, needs, price_of(records, world, kept))
    if json:
        write_atomically(json, found.json())
    return found


def _kept_here(cache_dir: Path, model: ModelSettings) -> Path | None:
    """Return this machine's calibration of a model, if it was ever made."""
    if not (cache_dir / "rates").is_dir():  # what follows loads torch, which is slow
        return None
    from bench.grid.cost.rates import find
    from bench.grid.executors.choice import Workers
    from bench.model.hardware import device_name

    return find(cache_dir, model, device_name(), Workers("joblib", 1).threads_each)


@dataclass(frozen=True)
class Validated:
    """How often tests err and find on simulated grids of a pilot's shape."""

    pilot: Pilot
    found: Validation


def validate(
    store: Path | None = None,
    *,
    arms: Sequence[str] = ("invprop", "uniform"),
    metric: str = "auc",
    condition: str | None = None,
    tasks: str | None = None,
    seeds: int | None = None,
    algorithms: int | None = None,
    spread: Sequence[str] = (),
    effect: float | None = None,
    simulations: int = 4000,
) -> Validated:
    """Try the suite's own tests on simulated grids.

    Args:
        store: to take shape and spread from; None: the paper's shape.
        arms: as for :func:`power`, like the two that follow.
        metric: of what.
        condition: where.
        tasks: numbers of each dataset instead of the pilot's (see :func:`analysis.stats.rearranged`).
        seeds: instead of the pilot's.
        algorithms: instead of the pilot's.
        spread: standard deviations instead of the pilot's, such as ``task=0.02``.
        effect: to plant; None: one found in 80 % of grids.
        simulations: grids for each question.

    Raises:
        StoreError, SpecError: if there are no such runs, or something cannot be simulated.
    """
    pilot = stats.PAPER_PILOT
    if store is not None:
        pilot = pilot_of(read_results(Store(store)), list(arms), metric, condition)
    pilot = stats.rearranged(pilot, tasks=tasks, seeds=seeds, algorithms=algorithms, spread=spread)
    found = stats.validate(pilot.components, pilot.shape, effect=effect, simulations=simulations)
    return Validated(pilot, found)


def validate_gate(simulations: int, markdown: Path | None = None) -> tuple[Table, Table]:
    """Return how often the gate errs and finds, and how the bounds that it may take fare, as tables.

    Args:
        simulations: grids drawn for each cell.
        markdown: a file to write them to.

    Raises:
        StoreError: if the file cannot be written.
    """
    from analysis.gate import bound_trials, bounds_table, error_rates, errors_table
    from reports import to_markdown

    tables = bounds_table(tuple(bound_trials(simulations))), errors_table(tuple(error_rates(simulations)))
    if markdown:
        write_atomically(markdown, "\n".join(map(to_markdown, tables)).encode())
    return tables
