"""What the paper's grids would take on a card that was just measured: a part of `perf gpu`."""

from __future__ import annotations

from collections.abc import Iterator

from bench.config import load_spec
from bench.config.spec import GridSpec
from bench.grid.cost.calibrate import calibrate
from bench.grid.cost.forecast import Forecast, forecast
from bench.grid.cost.rates import Rates, save
from bench.grid.expansion.expand import expand
from bench.grid.world import World
from bench.perf.gpu_card import Card, GpuPart
from bench.perf.report import Measure

PRESETS = ("paper", "extreme")
GOAL = "<= 48 h of an H200, 3 processes a GPU"


def grids(card: Card) -> Iterator[Measure]:
    """Calibrate the card, and measure the paper's grids by forecast: in all, then each stage's share.

    The calibration is left with the results, as ``rates.json``, for ``plan --calibration``.
    """
    model: dict[str, object] = {"name": str(card.bench.folder)}
    if card.options.dry_run:
        model |= {"max_length": 32, "lm_head_steps": 1}
    specs = [_with_model(load_spec(name), model) for name in PRESETS]
    rates = calibrate(specs[0], card.hardware, card.threads)
    save(_for_the_paper_s_model(rates), card.options.out / "rates.json")
    world = World(None, card.options.folder)
    found = [forecast(grid, rates) for grid in (expand(spec, world, counted=False) for spec in specs)]
    yield from _measures(found)


def _with_model(spec: GridSpec, changes: dict[str, object]) -> GridSpec:
    return spec.model_copy(update={"model": spec.model.model_copy(update=changes)})


def _for_the_paper_s_model(rates: Rates) -> Rates:
    """Return rates under the name of the model whose shape was measured: random weights take as long."""
    name = load_spec(PRESETS[0]).model.name
    origin = rates.origin.replace(rates.model, f"random weights of the shape of {name}")
    return rates.model_copy(update={"model": name, "content": "", "origin": origin})


def _measures(found: list[Forecast]) -> Iterator[Measure]:
    total, floor = (sum(getattr(one, name) for one in found) / 3600 for name in ("total", "floor"))
    name = " + ".join(PRESETS)
    yield Measure(
        stage=f"{name}, one process", value=total, unit="h", better="lower", ratio=total / floor, goal=GOAL,
        floor=f"operations on real tokens at the card's rate, {floor:.3g} h",
    )  # fmt: skip
    stages = {stage: sum(one.stages.get(stage, 0.0) for one in found) / 3600 for one in found for stage in one.stages}
    for stage, hours in sorted(stages.items(), key=lambda pair: -pair[1]):
        yield Measure(
            stage=f"{name}: {stage}", value=hours, unit="h", better=None, floor="the whole", ratio=hours / total
        )


PART = {"forecast": GpuPart(grids, 90)}
