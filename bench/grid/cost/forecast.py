"""The time that a grid takes: counted work under the laws of a calibration, with a lower bound and a naive loop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.grid.cost.grid_cost import grid_cost, unshared_cost
from bench.grid.cost.rates import LinearLaw, Rates
from bench.grid.cost.work import FITTING, SCORING, Cost, Workload
from bench.grid.expansion.blocks import Grid
from bench.learners.base import LEARNERS

LAW_OF = {**dict.fromkeys(FITTING, "fit"), **dict.fromkeys(SCORING, "score")}
GROUP_OF = {"fit": "training", "score": "inference"}
"""Words for the laws that several stages obey; every other stage has a law, and a group, of its own."""
BACKWARD = 3
"""A training step's operations in those of a forward pass."""


@dataclass(frozen=True)
class Forecast:
    """Seconds of one worker.

    Attributes:
        stages: by stage, in the order of the work. unknown: stages that the calibration knows no law for.
        floor: if all operations on real tokens ran at the machine's rate of matrix products, and nothing else was done.
        naive: the same grid by the first loop that one would write, nothing shared.
        workers: over which the time is spread.
    """

    stages: dict[str, float]
    unknown: tuple[str, ...]
    floor: float
    naive: float
    workers: int

    @property
    def total(self) -> float:
        """Seconds of all workers together."""
        return sum(self.stages.values())

    @property
    def dominant(self) -> tuple[str, float]:
        """What takes most of the time - fits, passes over texts, or another stage - and its share."""
        groups: dict[str, float] = defaultdict(float)
        for stage, seconds in self.stages.items():
            groups[GROUP_OF.get(LAW_OF.get(stage, stage), stage)] += seconds
        name = max(groups, key=groups.__getitem__, default="nothing")
        return name, groups[name] / self.total if self.total else 0.0


def forecast(grid: Grid, rates: Rates, workers: int = 1) -> Forecast:
    """Return how long a grid is expected to take."""
    cost = grid_cost(grid)
    passes = cost.of(*SCORING, "surprisal").tokens + BACKWARD * cost.of(*FITTING).tokens
    started = Cost({"start": Workload(calls=min(workers, len(grid.jobs)))})
    naive = unshared_cost(grid)
    rates = rates.model_copy(update={"laws": {**rates.laws, **light_laws()}})
    return Forecast(
        stages=_seconds(started + cost, rates),
        unknown=tuple(stage for stage in cost.stages if LAW_OF.get(stage, stage) not in rates.laws),
        floor=passes * rates.flops_per_token / rates.flops_per_s,
        naive=sum(_naive_seconds(naive.stages.items(), rates)),
        workers=workers,
    )


def light_laws() -> dict[str, LinearLaw]:
    """Return the laws of learners whose classes state their speed."""
    laws: dict[str, LinearLaw] = {}
    for name, cls in LEARNERS.items().items():
        if cls.seconds_a_fit is not None and cls.rows_a_second is not None:
            laws |= {
                f"fit {name}": LinearLaw(call=cls.seconds_a_fit),
                f"score {name}": LinearLaw(row=1 / cls.rows_a_second),
            }
    return laws


def light(cost: Cost) -> Iterator[tuple[str, int, float]]:
    """Yield, for each learner whose class states its speed, its name, its fits, and the seconds of fits and passes."""
    laws = light_laws()
    for stage, work in cost.stages.items():
        kind, _, name = stage.partition(" ")
        if kind == "fit" and name:
            passes = f"score {name}"
            yield name, work.calls, laws[stage].call * work.calls + laws[passes].row * cost.of(passes).rows


def _seconds(cost: Cost, rates: Rates) -> dict[str, float]:
    laws = {stage: rates.laws.get(LAW_OF.get(stage, stage)) for stage in cost.stages}
    return {
        stage: law.seconds(work.calls, work.rows, work.tokens)
        for stage, work in cost.stages.items()
        if (law := laws[stage]) is not None
    }


def _naive_seconds(stages: Iterable[tuple[str, Workload]], rates: Rates) -> Iterable[float]:
    for stage, work in stages:
        kind = LAW_OF.get(stage, "score" if stage == "surprisal" else stage)
        law = rates.laws.get(f"naive {kind}") or rates.laws.get(kind)
        if law is not None:
            yield law.seconds(work.calls, work.rows, work.tokens)
