"""The verdict on a plan as values: one outcome and the evidence under it, as they are written to JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from analysis.gate.evidence import Finding
from analysis.gate.plan import Place, Plan
from analysis.gate.procedure import Decision
from bench.records import Record

VERSION: Literal[1] = 1
Outcome = Literal["established", "regression", "inconclusive", "incomplete"]
EXIT_CODES: dict[Outcome, int] = {"established": 0, "regression": 1, "inconclusive": 3, "incomplete": 4}


class Estimate(Record):
    """A mean difference candidate - baseline with its one-sided bounds, each at the nominal level of the look.

    Attributes:
        n: units. estimate, low, high: in the metric's unit; None where there is nothing to estimate a bound from.
    """

    metric: str
    margin: float
    n: int
    estimate: float
    low: float | None
    high: float | None


class SuiteResult(Estimate):
    """A metric on the suite; p are one-sided and adjusted for looks, ``p_worse`` by Holm over metrics, too."""

    unit: str
    p_claim: float | None
    p_worse: float | None
    established: bool
    worse: bool


class PlaceResult(Estimate):
    """A metric on one task over seeds.

    Attributes:
        p_harm: adjusted for looks and by Holm over all tasks and metrics.
        harmed: whether it is at or below alpha. suspected: whether p of this look alone, uncorrected, is.
    """

    place: Place
    p_harm: float | None
    harmed: bool
    suspected: bool

    @property
    def open(self) -> bool:
        """Whether harm is neither shown nor excluded."""
        return not self.harmed and (self.low is None or self.low <= -self.margin)


class LookResult(Record):
    """A look of the plan; what was not taken has no decision and no p."""

    seeds: int
    nominal: float
    decision: Decision | None = None
    p_claim: dict[str, float | None] = Field(default_factory=dict)


class Verdict(Record):
    """What became of a plan.

    Attributes:
        findings: what is in the way of a verdict; empty unless the outcome is ``incomplete``.
        looks: all that the plan has, taken or not.
        suite, places: at the last look taken; empty where none was.
        seeds_needed, tasks_needed: with which an open claim should be established; None: no number, or no need.
        runs_saved, seconds_saved: runs of the plan that are not stored and need not be made.
        warnings: lines that must not be overlooked: another plan was looked at before. notes: further lines.
    """

    schema_version: Literal[1] = VERSION
    outcome: Outcome
    plan: Plan
    plan_hash: str
    findings: tuple[Finding, ...] = ()
    looks: tuple[LookResult, ...]
    suite: tuple[SuiteResult, ...] = ()
    places: tuple[PlaceResult, ...] = ()
    seeds_needed: int | None = None
    tasks_needed: int | None = None
    runs_saved: int = 0
    seconds_saved: float = 0.0
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 established, 1 regression, 3 inconclusive, 4 incomplete."""
        return EXIT_CODES[self.outcome]

    @property
    def taken(self) -> int:
        """How many looks were taken."""
        return sum(look.decision is not None for look in self.looks)

    @property
    def runnable(self) -> bool:
        """Whether the next look lacks runs that can be made, and nothing else."""
        return self.outcome == "incomplete" and all(finding.fixable for finding in self.findings)
