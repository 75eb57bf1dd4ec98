"""The verdict on a plan as values: one outcome and the evidence under it, as they are written to JSON."""

from __future__ import annotations

from math import inf
from typing import Literal

from pydantic import Field

from analysis.gate.evidence import Obstacle
from analysis.gate.plan import Place, Plan
from analysis.gate.procedure import Decision
from bench.records import Record

VERSION: Literal[2] = 2
Outcome = Literal["established", "regression", "refuted", "inconclusive", "incomplete"]
EXIT_CODES: dict[Outcome, int] = {"established": 0, "regression": 1, "refuted": 3, "inconclusive": 3, "incomplete": 4}
IntervalVerdict = Literal["better", "equivalent", "worse within the margin", "worse", "undecided"]
"""What an interval says: better: all of it above 0; equivalent: all within the margins; worse within the margin: below
0 and above -margin; worse: below -margin; undecided: anything else."""


class Estimate(Record):
    """A mean difference candidate - baseline with the interval that decided.

    Attributes:
        n: units. estimate, low, high: in the metric's unit; None where there is nothing to estimate a bound from.
        coverage: with which the interval holds the true mean, over all interim analyses of the plan.
        low_level, high_level: one-sided level of each end, of this analysis alone.
    """

    metric: str
    margin: float
    n: int
    estimate: float
    low: float | None
    high: float | None
    coverage: float
    low_level: float
    high_level: float

    @property
    def standing(self) -> IntervalVerdict:
        """What the interval says of the candidate."""
        low = -inf if self.low is None else self.low
        high = inf if self.high is None else self.high
        if high < -self.margin or (self.margin == 0 and high < 0):
            return "worse"
        if low > 0:
            return "better"
        if -self.margin < low and high < self.margin:
            return "worse within the margin" if high < 0 else "equivalent"
        return "undecided"


class SuiteResult(Estimate):
    """A metric on the suite; p are one-sided and adjusted for interim analyses, ``p_worse`` for its family, too.

    Attributes:
        holds: whether the claim holds in this metric, at this analysis. worse: whether a regression is called.
        p_collapse: of the bound that holds whatever rate of collapses the data do not exclude (1 / e-value); None where
            the plan asks for none.
        shrunk: the estimate, corrected for the plan's having stopped early (median-unbiased); None: it did not.
    """

    unit: str
    p_claim: float | None
    p_worse: float | None
    p_collapse: float | None = None
    holds: bool
    worse: bool
    shrunk: float | None = None


class PlaceResult(Estimate):
    """A metric on one task over seeds.

    Attributes:
        p_harm: adjusted for interim analyses and for all tests of tasks.
        harmed: whether it is at or below alpha. suspected: whether p of this analysis alone, uncorrected, is.
        acknowledged: the loss that is acknowledged, which then is the margin; None: none is.
    """

    place: Place
    p_harm: float | None
    harmed: bool
    suspected: bool
    acknowledged: float | None = None

    @property
    def open(self) -> bool:
        """Whether harm is neither shown nor excluded."""
        return not self.harmed and (self.low is None or self.low <= -self.margin)


class CollapseResult(Record):
    """How many runs collapsed to chance, among the pairs of the last analysis; see :class:`analysis.stats.Collapses`.

    Attributes:
        candidate, baseline: pairs in which only that one did. both: in which both did.
        p_more: that the candidate does more often, adjusted as ``p_worse`` is. more: whether that is shown.
        limit: rate of pairs in which the candidate alone collapses that is just not excluded. level: of that limit.
    """

    pairs: int
    candidate: int
    baseline: int
    both: int
    p_more: float
    more: bool
    limit: float
    level: float


class DatasetsResult(Record):
    """In how many of the datasets a metric's claim holds, by partial conjunction (see :mod:`analysis.stats.families`).

    Attributes:
        names: of the datasets, smallest p first. p: of each for itself, over seeds.
        at_least: p of the claim in at least one of them, in at least two, and so on.
    """

    metric: str
    names: tuple[str, ...]
    p: tuple[float, ...]
    at_least: tuple[float, ...]


class LookResult(Record):
    """An analysis of the plan; what was not made has no decision and no p."""

    seeds: int
    nominal: float
    decision: Decision | None = None
    p_claim: dict[str, float | None] = Field(default_factory=dict)


class Needed(Record):
    """What a new plan on new runs should need for the claim, if the true differences are as estimated.

    Attributes:
        kind: of what. number: with which all metrics hold together in 80 % of repetitions. low, high: the same where
            the differences are one standard error more, or less, favourable; None: no number would do.
    """

    kind: Literal["seeds", "tasks"]
    number: int
    low: int
    high: int | None


class Verdict(Record):
    """What became of a plan.

    Attributes:
        findings: what is in the way of a verdict, or of a pass; empty where nothing is.
        looks: all analyses that the plan has, made or not.
        suite, places, collapses, datasets: at the last analysis made; empty where none was.
        again: the reason why runs that were analysed before are analysed again; there is no pass then.
        identical: whether all runs of both arms, of one strategy, have the same results.
        candidates: that were held against these runs of the baseline so far. plans: that compared these arms so far.
        needed: for an open claim.
        runs_saved, seconds_saved: runs of the plan that are not stored and need not be made.
        notes: further lines.
    """

    schema_version: Literal[2] = VERSION
    outcome: Outcome
    plan: Plan
    plan_hash: str
    findings: tuple[Obstacle, ...] = ()
    looks: tuple[LookResult, ...]
    suite: tuple[SuiteResult, ...] = ()
    places: tuple[PlaceResult, ...] = ()
    collapses: CollapseResult | None = None
    datasets: tuple[DatasetsResult, ...] = ()
    again: str = ""
    identical: bool = False
    candidates: int = 1
    plans: int = 1
    needed: Needed | None = None
    runs_saved: int = 0
    seconds_saved: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 established, 1 regression, 3 inconclusive or refuted, 4 incomplete."""
        return EXIT_CODES[self.outcome]

    @property
    def taken(self) -> int:
        """How many analyses were made."""
        return sum(look.decision is not None for look in self.looks)

    @property
    def runnable(self) -> bool:
        """Whether the next analysis lacks runs that can be made, and nothing else."""
        return self.outcome == "incomplete" and all(finding.fixable for finding in self.findings)
