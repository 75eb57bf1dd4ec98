"""Tonight's runs against a baseline: plans that are fixed before anything is run, and their verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from analysis.frame import Results
from analysis.gate import Plan, headline, judge, lines, new_plan, parse_strategy, stored_strategy
from analysis.history.nights import Comparison, Point, Role
from bench.errors import UnknownNameError
from bench.records import Strategy
from bench.store.acknowledged import Acknowledgement


@dataclass(frozen=True)
class Frozen:
    """A baseline as the gate reads it: its name, its runs, and the regressions against it that are known."""

    name: str
    results: Results
    known: tuple[Acknowledgement, ...]


def plan_against(
    frozen: Frozen, candidate: Strategy, reference: str, *, seeds: tuple[int, ...], **fields: object
) -> Plan:
    """Return the plan to hold a strategy of tonight's grid against one of the baseline, at one look.

    Args:
        frozen: the baseline.
        candidate: the strategy, as the grid runs it.
        reference: that of the baseline, e.g. ``random+uniform``.
        seeds: of the grid.
        fields: further ones of the :class:`analysis.gate.Plan`.

    Raises:
        SpecError: if the baseline has no such strategy, or this is no plan.
    """
    baseline = stored_strategy(frozen.results, parse_strategy(reference))
    looks = (len(seeds),)
    return new_plan(
        candidate=candidate, baseline=baseline, baseline_store=frozen.name, seeds=seeds, looks=looks, **fields
    )


def named(strategies: Sequence[Strategy], name: str) -> Strategy:
    """Return the strategy of a grid that has a name such as ``random+uniform``; of several variants the first.

    Raises:
        UnknownNameError: if the grid has none.
    """
    there = {str(strategy): strategy for strategy in reversed(strategies)}
    if name not in there:
        raise UnknownNameError("strategy of tonight's grid", name, there)
    return there[name]


def held_against(frozen: Frozen, role: Role, plan: Plan, tonight: Results, today: date) -> Comparison:
    """Return what tonight's runs say of a plan; regressions that are acknowledged are named and fail nothing."""
    about = [one for one in frozen.known if one.candidate in {"", str(plan.candidate)}]
    excuses = [one for one in about if one.in_force(today)]
    notes = [f"acknowledged: {one}" for one in excuses]
    notes += [f"acknowledged no longer: {one}" for one in about if not one.in_force(today)]
    excused = {(one.task, one.metric) for one in excuses}
    verdict = judge(plan, tonight, frozen.results, tuple(notes), excused)
    return Comparison(
        role=role,
        candidate=str(plan.candidate),
        baseline=str(plan.baseline),
        outcome=verdict.outcome,
        headline=headline(verdict),
        lines=tuple(lines(verdict)),
        points=tuple(
            Point(metric=it.metric, estimate=it.estimate, low=it.low, high=it.high, n=it.n, unit=it.unit)
            for it in verdict.suite
        ),
    )
