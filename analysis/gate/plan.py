"""What is claimed, fixed before anything is looked at."""

from __future__ import annotations

import json
from typing import Annotated, Literal, get_args

import numpy as np
from pydantic import AfterValidator, Field, FiniteFloat, ValidationError, model_validator

from analysis.inference import ALPHA, Estimand
from analysis.inference.design import IntArray
from bench import seeds
from bench.errors import SpecError, UnknownNameError
from bench.records import METRICS, Option, Record, Settings, Start, Strategy, Task

Claim = Literal["superior", "noninferior", "equivalent"]
CLAIMS: tuple[Claim, ...] = get_args(Claim)
SHORT = {"ba": "balanced_accuracy", "auc": "auc", "pr": "positives_ratio"}
"""Short names of metrics on the command line."""
HARM_FACTOR = 2.0
"""Default of a task's own margin, in margins of the suite: one task varies more than the mean of all."""
FUTILITY = 0.1
"""Default of the conditional power below which a look stops the plan."""

Margin = Annotated[FiniteFloat, Field(ge=0)]


class Place(Record):
    """A task as it was run."""

    task: Task
    ratio: int
    start: Start

    def __str__(self) -> str:
        return f"{self.task} 1/{self.ratio} {self.start}"


def _in_order(places: tuple[Place, ...]) -> tuple[Place, ...]:
    return tuple(sorted(places, key=lambda it: (it.task.dataset, it.task.positive, it.ratio, it.start == "cold")))


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
        estimand: what the suite's tests are on; see :data:`analysis.inference.ESTIMANDS`. A task's are over seeds.
        alpha: level of each one-sided decision, all looks together.
        looks: numbers of seeds at which the evidence is looked at, increasing; the last uses all ``seeds``.
        futility: conditional power of either verdict below which a look ends the plan as inconclusive; 0: never.
        seeds: in the order in which they are used. places: what each seed is run on.
            Places are kept sorted by dataset, class, ratio and start.
        settings: the scientific settings of all runs.
    """

    candidate: Strategy
    baseline: Strategy
    baseline_store: str = ""
    claim: Claim = "noninferior"
    margins: Annotated[dict[str, Margin], Field(min_length=1)]
    harm_margins: dict[str, Margin] = Field(default_factory=dict)
    estimand: Estimand = "fixed-suite"
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = ALPHA
    looks: Annotated[tuple[int, ...], Field(min_length=1)]
    futility: Annotated[float, Field(ge=0, lt=0.5)] = FUTILITY
    seeds: tuple[int, ...]
    places: Annotated[tuple[Place, ...], Field(min_length=1), AfterValidator(_in_order)]
    settings: Settings

    @model_validator(mode="after")
    def _is_a_plan(self) -> Plan:
        if self.claim != "superior" and 0.0 in self.margins.values():
            raise ValueError(f"claim {self.claim} needs margins above 0, e.g. ba=.01,auc=.005")
        if set(self.harm_margins) - set(self.margins):
            raise ValueError("a task's margin is given for a metric that has no margin for the suite")
        if any(self.harm_of(metric) < margin for metric, margin in self.margins.items()):
            raise ValueError("a single task's margin must be at least the suite's")
        if self.looks != tuple(sorted(set(self.looks))) or self.looks[0] < 2:
            raise ValueError(f"looks {','.join(map(str, self.looks))} must be increasing numbers of seeds from 2 on")
        if len(self.seeds) != self.looks[-1]:
            raise ValueError(f"the last look uses {self.looks[-1]} seeds, but there are {len(self.seeds)}")
        if self.estimand != "fixed-suite" and len({self._unit(place) for place in self.places}) < 2:
            raise ValueError(f"estimand {self.estimand} needs two tasks or datasets; there is one")
        if self.candidate == self.baseline and not self.baseline_store:
            raise ValueError("candidate and baseline are the same; compare with other stored runs: --baseline X@STORE")
        return self

    def _unit(self, place: Place) -> str:
        return place.task.dataset if self.estimand == "new-datasets" else str(place.task)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that are tested, in the order of all tables."""
        return tuple(metric for metric in METRICS if metric in self.margins)

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
        return seeds.digest(self.model_dump(mode="json"))

    @property
    def comparison(self) -> str:
        """A hash of what is compared, whatever is claimed of it."""
        fields = {"candidate", "baseline", "baseline_store", "places", "settings"}
        return seeds.digest(self.model_dump(mode="json", include=fields))


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


def parse_margins(text: str) -> dict[str, float]:
    """Read ``ba=.01,auc=.005``: short or long names of metrics.

    Raises:
        SpecError: if it does not read so.
    """
    margins: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        metric = SHORT.get(name.strip(), name.strip())
        if metric not in METRICS:
            raise UnknownNameError("metric", name, (*SHORT, *METRICS))
        try:
            margins[metric] = float(value)
        except ValueError:
            raise SpecError(f"margin {part!r} must read metric=number, e.g. ba=.01") from None
    return margins


def parse_looks(text: str | None, seeds_there: int) -> tuple[int, ...]:
    """Read ``obf:4,7,10`` (numbers of seeds); None is one look at all seeds.

    Raises:
        SpecError: if it does not read so, or asks for more seeds than there are.
    """
    if text is None:
        return (seeds_there,)
    kind, _, numbers = text.partition(":")
    try:
        looks = tuple(int(number) for number in numbers.split(","))
    except ValueError:
        looks = ()
    if kind != "obf" or not looks:
        raise SpecError(f"sequential plan {text!r} must read obf: and the seeds at each look, e.g. obf:4,7,10")
    if max(looks) > seeds_there:
        raise SpecError(f"the plan {text} looks at {max(looks)} seeds, but the grid has {seeds_there}; give more seeds")
    return looks


class Asked(Record):
    """A strategy as a user names it: ``badge+invprop:bins=5``; options not named are left open."""

    algorithm: str
    algorithm_options: dict[str, Option] = Field(default_factory=dict)
    weighting: str
    weighting_options: dict[str, Option] = Field(default_factory=dict)

    def __str__(self) -> str:
        parts = (self.algorithm, self.algorithm_options), (self.weighting, self.weighting_options)
        return "+".join(name + _spelt(options) for name, options in parts)


def parse_strategy(text: str) -> Asked:
    """Read ``random+invprop`` or ``badge+invprop:bins=5``; options stand after a colon, joined by commas.

    Raises:
        SpecError: if it does not read so.
    """
    algorithm, plus, weighting = text.partition("+")
    if not (algorithm and plus and weighting):
        raise SpecError(f"strategy {text!r} must read algorithm+weighting, e.g. random+invprop or dal+invprop:bins=5")
    parts: dict[str, object] = {}
    for kind, part in (("algorithm", algorithm), ("weighting", weighting)):
        name, _, options = part.partition(":")
        parts[kind] = name
        parts[f"{kind}_options"] = dict(map(_option, filter(None, options.split(","))))
    return Asked.model_validate(parts)


def spelt(strategy: Strategy) -> str:
    """Return a strategy with all its options, as :func:`parse_strategy` reads it."""
    return "+".join(part.name + _spelt(part.options) for part in (strategy.algorithm, strategy.weighting))


def _spelt(options: dict[str, Option]) -> str:
    words = (f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in options.items())
    return ":" + ",".join(words) if options else ""


def _option(text: str) -> tuple[str, Option]:
    name, equals, value = text.partition("=")
    if not equals:
        raise SpecError(f"option {text!r} of a strategy must read name=value, e.g. bins=5")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
