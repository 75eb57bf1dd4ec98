"""What is claimed, fixed before anything is looked at."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, FiniteFloat, ValidationError, model_validator

from analysis.facts import strategy_digest
from analysis.names import bounds_of, ratio_level
from analysis.stats import ALPHA, Estimand, SequentialKind
from bench import seeds
from bench.arrays import IntArray
from bench.errors import SpecError
from bench.metrics.catalogue import every, named
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
from bench.words import scalar

Claim = Literal["superior", "noninferior", "equivalent"]
HARM_FACTOR = 2.0
"""Default of a task's own margin, in margins of the suite: one task varies more than the mean of all."""
FUTILITY = 0.1
"""Default of the conditional power below which an interim analysis stops the plan."""
ANY_RATE = 1.0
"""Tolerance of collapses under which they are reported and limit no claim."""
FEWEST = {"new-tasks": 6, "new-datasets": 6}
"""Fewest units that a claim on new ones may rest on: below, the t-test over them errs far more often than it says."""
CLUSTERED = 6
"""Datasets below which tasks of the same dataset, taken as independent, make ``new-tasks`` err more often."""

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
        collapses: rate of pairs in which the candidate's run alone collapses to chance that a claim with a margin may
            leave possible; its mean is then taken of whatever collapses there were. 0: none is granted, and the bound
            of the mean must hold whatever rate the data do not exclude. 1: collapses are reported, and limit no claim.
        estimand: what the suite's tests are on; see :data:`analysis.stats.ESTIMANDS`. A task's are over seeds.
        stratified: whether ``fixed-suite`` takes each task's own variance (see :func:`analysis.stats.stratified`)
            instead of that of the suite's mean over seeds.
        last_rounds: rounds at the end of each run that a metric is averaged over.
        alpha: level of each one-sided decision, all interim analyses together.
        sequential: how the error is kept over them (see :mod:`analysis.stats.sequential`).
        looks: numbers of seeds at which the evidence is analysed, increasing; the last uses all ``seeds``.
        futility: conditional power of either verdict below which an interim analysis ends the plan as inconclusive; 0:
            never.
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
    collapses: Annotated[float, Field(ge=0, le=1)] = 0.0
    estimand: Estimand = "fixed-suite"
    stratified: bool = False
    last_rounds: Annotated[int, Field(ge=1)] = 1
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = ALPHA
    sequential: SequentialKind = "obf"
    looks: Annotated[tuple[int, ...], Field(min_length=1)]
    futility: Annotated[float, Field(ge=0, lt=0.5)] = FUTILITY
    seeds: tuple[int, ...]
    places: Annotated[tuple[Place, ...], Field(min_length=1), AfterValidator(_in_order)]
    settings: Settings
    learners: Annotated[tuple[Component, ...], Field(min_length=1, max_length=2)] = (FINE_TUNE,)

    @model_validator(mode="after")
    def _is_a_plan(self) -> Plan:
        for why in (self._wrong_margins(), self._wrong_seeds(), self._wrong_tests()):
            if why:
                raise ValueError(why)
        if self.candidate == self.baseline and not self.baseline_store:
            raise ValueError("candidate and baseline are the same; compare with other stored runs: --baseline X@STORE")
        return self

    def _wrong_margins(self) -> str:
        if self.claim != "superior" and 0.0 in self.margins.values():
            return f"claim {self.claim} needs margins above 0, e.g. ba=.01,auc=.005"
        for metric, margin in (*self.margins.items(), *self.harm_margins.items()):
            low, high = bounds_of(metric)
            if margin >= high - low:
                return f"a margin of {margin:g} in {metric} excludes nothing: its values range from {low:g} to {high:g}"
        if set(self.harm_margins) - set(self.margins):
            return "a task's margin is given for a metric that has no margin for the suite"
        if any(self.harm_of(metric) < margin for metric, margin in self.margins.items()):
            return "a single task's margin must be at least the suite's"
        return ""

    def _wrong_seeds(self) -> str:
        if self.looks != tuple(sorted(set(self.looks))) or self.looks[0] < 2:
            said = ",".join(map(str, self.looks))
            return f"a claim needs at least two seeds, and interim analyses at increasing numbers of them, not {said}"
        if len(self.seeds) != self.looks[-1]:
            return f"the last analysis uses {self.looks[-1]} seeds, but there are {len(self.seeds)}"
        return ""

    def _wrong_tests(self) -> str:
        if self.estimand != "fixed-suite":
            units, fewest = len({self._unit(place) for place in self.places}), FEWEST[self.estimand]
            if units < fewest:
                return (
                    f"estimand {self.estimand} needs at least {fewest} {self.estimand.removeprefix('new-')}, and there "
                    f"are {units}: so few say little of new ones. Take fixed-suite, whose verdict also says in how "
                    "many datasets the candidate is better or not worse (partial conjunction)"
                )
            if self.sequential == "evalue" or self.stratified:
                return "--sequential evalue and --stratified are of fixed-suite, where units are seeds"
        if self.sequential == "evalue" and self.stratified:
            return "an e-value is over seeds; leave --stratified out"
        if self.last_rounds > self.settings.loop.rounds:
            return f"runs have {self.settings.loop.rounds} rounds, not {self.last_rounds} to average over"
        if self.last_rounds > 1:
            of_runs = [it for it in self.margins if it in every() and every()[it].kind != "round"]
            if of_runs:
                return f"{', '.join(of_runs)} has no value in each round to average over; leave --last-rounds out"
        return ""

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

    @property
    def bounded(self) -> bool:
        """Whether a margin's claim must hold whatever rate of collapses the data do not exclude."""
        return self.claim != "superior" and self.collapses == 0.0 and self.estimand == "fixed-suite"

    @property
    def same_names(self) -> bool:
        """Whether both arms are one strategy, of whatever version of its code."""
        named_parts = [
            [(part.name, part.options) for part in (it.algorithm, it.weighting)]
            for it in (self.candidate, self.baseline)
        ]
        return named_parts[0] == named_parts[1]

    def harm_of(self, metric: str) -> float:
        """Return the margin of a single task."""
        return self.harm_margins.get(metric, HARM_FACTOR * self.margins[metric])

    @property
    def hash(self) -> str:
        """The plan's name: a hash of all that is declared; the number of seeds of an anytime-valid one may grow."""
        growing = {"looks", "seeds"} if self.sequential == "evalue" else set[str]()
        return seeds.digest(self.model_dump(mode="json", include=set(Plan.model_fields) - growing))

    @property
    def arms(self) -> tuple[str, str]:
        """What tells candidate and baseline from others: strategy with its own settings and version, and learner."""
        parts = [part.canonical() for part in self.learners]
        one, other = (
            seeds.digest([strategy_digest(strategy, self.settings), parts])
            for strategy in (self.candidate, self.baseline)
        )
        return one, other


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
    """Read ``ba=.01,auc=.005``: names of metrics of rounds or runs, or aliases of them.

    Raises:
        SpecError: if it does not read so.
    """
    margins: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        known, value = named(name.strip()), scalar(number.strip())
        metric = known.name
        if known.kind == "group":
            raise SpecError(f"{metric} is of groups of runs, and has no margin; give a metric of rounds or runs")
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise SpecError(f"margin {part!r} must read metric=number, e.g. ba=.01")
        if metric in margins:
            raise SpecError(f"margins {text!r} name {metric} twice; give one for each metric")
        margins[metric] = float(value)
    return margins


def parse_looks(text: str | None, seeds_there: int) -> tuple[SequentialKind, tuple[int, ...]]:
    """Read ``obf:4,7,10`` (numbers of seeds), ``evalue`` (every seed from the third on) or ``evalue:5,10,20``.

    None is one analysis of all seeds.

    Raises:
        SpecError: if it does not read so, or asks for more seeds than there are.
    """
    if text is None:
        return "obf", (seeds_there,)
    kind, _, numbers = text.partition(":")
    try:
        looks = tuple(int(number) for number in numbers.split(",")) if numbers else ()
    except ValueError:
        looks = ()
    if kind == "evalue" and text == "evalue":
        looks = tuple(range(min(3, seeds_there), seeds_there + 1))
    if kind not in ("obf", "evalue") or not looks:
        raise SpecError(
            f"sequential plan {text!r} must read obf: and the seeds at each analysis, e.g. obf:4,7,10, or evalue"
        )
    if max(looks) > seeds_there:
        raise SpecError(f"the plan {text} analyses {max(looks)} seeds, but the grid has {seeds_there}; give more seeds")
    return ("evalue" if kind == "evalue" else "obf"), looks
