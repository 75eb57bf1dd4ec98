"""What is claimed, fixed before anything is looked at."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, FiniteFloat, ValidationError, model_validator

from analysis.names import ratio_level
from analysis.stats import ALPHA, Estimand
from bench import seeds
from bench.arrays import IntArray
from bench.errors import SpecError
from bench.records import (
    FINE_TUNE,
    METRICS,
    Component,
    Ratio,
    Record,
    Settings,
    Start,
    Strategy,
    Task,
    ratio_text,
)

Claim = Literal["superior", "noninferior", "equivalent"]
HARM_FACTOR = 2.0
"""Default of a task's own margin, in margins of the suite: one task varies more than the mean of all."""
FUTILITY = 0.1
"""Default of the conditional power below which a look stops the plan."""

MarginSize = Annotated[FiniteFloat, Field(ge=0)]


class Place(Record):
    """A task as it was run."""

    task: Task
    ratio: Ratio
    start: Start

    def __str__(self) -> str:
        return f"{self.task} {ratio_text(self.ratio)} {self.start}"


def _in_order(places: tuple[Place, ...]) -> tuple[Place, ...]:
    return tuple(
        sorted(places, key=lambda it: (it.task.dataset, it.task.positive, ratio_level(it.ratio), it.start == "cold"))
    )


class Plan(Record):
    """A declared comparison; two plans are the same if their hashes are.

    All metrics of ``margins`` must hold for the claim to be established (an intersection-union test: each at the full
    level, and no correction is needed).

    Attributes:
        candidate, baseline: strategies with all options and the version of their code.
        baseline_store: where the baseline's runs are, as the user named it; empty: beside the candidate's.
        claim: ``superior`` (better by any amount), ``noninferior`` (not worse by the margin or more) or ``equivalent``
            (neither worse nor better by the margin or more; two one-sided tests, Schuirmann 1987).
        margins: metric -> margin in the metric's unit. A candidate that is worse by more than it is a regression.
        harm_margins: the same for a single task.
        estimand: what the suite's tests are on; see :data:`analysis.stats.ESTIMANDS`. A task's are over seeds.
        alpha: level of each one-sided decision, all looks together.
        looks: numbers of seeds at which the evidence is looked at, increasing; the last uses all ``seeds``.
        futility: conditional power of either verdict below which a look ends the plan as inconclusive; 0: never.
        seeds: in the order in which they are used. places: what each seed is run on.
            Places are kept sorted by dataset, class, ratio and start.
        settings: the scientific settings of all runs. learners: what is trained, and its judge if there is one.
    """

    candidate: Strategy
    baseline: Strategy
    baseline_store: str = ""
    claim: Claim = "noninferior"
    margins: Annotated[dict[str, MarginSize], Field(min_length=1)]
    harm_margins: dict[str, MarginSize] = Field(default_factory=dict)
    estimand: Estimand = "fixed-suite"
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = ALPHA
    looks: Annotated[tuple[int, ...], Field(min_length=1)]
    futility: Annotated[float, Field(ge=0, lt=0.5)] = FUTILITY
    seeds: tuple[int, ...]
    places: Annotated[tuple[Place, ...], Field(min_length=1), AfterValidator(_in_order)]
    settings: Settings
    learners: Annotated[tuple[Component, ...], Field(min_length=1, max_length=2)] = (FINE_TUNE,)

    @model_validator(mode="after")
    def _is_a_plan(self) -> Plan:
        if self.claim != "superior" and 0.0 in self.margins.values():
            raise ValueError(f"claim {self.claim} needs margins above 0, e.g. ba=.01,auc=.005")
        if set(self.harm_margins) - set(self.margins):
            raise ValueError("a task's margin is given for a metric that has no margin for the suite")
        if any(self.harm_of(metric) < margin for metric, margin in self.margins.items()):
            raise ValueError("a single task's margin must be at least the suite's")
        if self.looks != tuple(sorted(set(self.looks))) or self.looks[0] < 2:
            said = ",".join(map(str, self.looks))
            raise ValueError(f"a claim needs at least two seeds, and looks in increasing numbers of them, not {said}")
        if len(self.seeds) != self.looks[-1]:
            raise ValueError(f"the last look uses {self.looks[-1]} seeds, but there are {len(self.seeds)}")
        if self.estimand != "fixed-suite" and len({self._unit(place) for place in self.places}) < 2:
            raise ValueError(f"estimand {self.estimand} needs two tasks or datasets, and there is one; use fixed-suite")
        if self.candidate == self.baseline and not self.baseline_store:
            raise ValueError("candidate and baseline are the same; compare with other stored runs: --baseline X@STORE")
        return self

    def _unit(self, place: Place) -> str:
        return place.task.dataset if self.estimand == "new-datasets" else str(place.task)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that are tested, in the order of all tables."""
        others = sorted(set(self.margins) - set(METRICS))
        return (*(metric for metric in METRICS if metric in self.margins), *others)

    @property
    def task_numbers(self) -> tuple[IntArray, IntArray]:
        """The number of each place's task (places,), and of each task's dataset (tasks,)."""
        tasks = list(dict.fromkeys(place.task for place in self.places))
        datasets = list(dict.fromkeys(task.dataset for task in tasks))
        return (
            np.array([tasks.index(place.task) for place in self.places]),
            np.array([datasets.index(task.dataset) for task in tasks]),
        )

    def harm_of(self, metric: str) -> float:
        """Return the margin of a single task."""
        return self.harm_margins.get(metric, HARM_FACTOR * self.margins[metric])

    @property
    def hash(self) -> str:
        """The plan's name: a hash of all that is declared."""
        return seeds.digest(self._declared(set(Plan.model_fields)))

    @property
    def comparison(self) -> str:
        """A hash of what is compared, whatever is claimed of it."""
        return seeds.digest(
            self._declared({"candidate", "baseline", "baseline_store", "places", "settings", "learners"})
        )

    def _declared(self, fields: set[str]) -> dict[str, object]:
        """Return some fields as JSON; the learner only where it is not the default, so that older plans keep names."""
        usual = tuple(part.canonical() for part in self.learners) == (FINE_TUNE.canonical(),)
        return self.model_dump(mode="json", include=fields - {"learners"} if usual else fields)


def new_plan(**fields: object) -> Plan:
    """Return a plan, or say in one line what is wrong with it.

    Raises:
        SpecError: if it is no plan.
    """
    try:
        return Plan.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise SpecError(f"{where} is {first['input']!r}: {message}" if where else message) from None
