"""Tonight's runs against a baseline: plans that are fixed before anything is run, and their verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from analysis.changes import changes
from analysis.gate import ANY_RATE, Claim, Plan, Verdict, clean_night, headline, judge, lines, new_plan
from analysis.nights.nights import NightComparison, Point, Role
from analysis.results import Results, read_results
from analysis.typed import in_full, parse_strategy, stored_strategy
from bench.errors import SpecError, UnknownNameError
from bench.records import Strategy
from bench.store import Baseline, Store
from bench.store.acknowledged import accepted_losses


@dataclass(frozen=True)
class NightlyQuestion:
    """What is to be judged every night.

    Attributes:
        candidates: names of strategies; none: all of the grid that the baseline has.
        against: a strategy of the baseline; empty: each candidate's own stored runs.
        canary: the strategy whose own stored runs tell how the machine does. claim: of each candidate.
    """

    candidates: tuple[str, ...]
    against: str
    canary: str
    claim: Claim


@dataclass(frozen=True)
class NightBaseline:
    """A baseline, as a night is held against it."""

    baseline: Baseline

    @cached_property
    def results(self) -> Results:
        """Its runs."""
        return read_results(self.baseline)

    def has(self, strategy: Strategy) -> bool:
        """Return whether it holds runs of a strategy with these options, of whatever version of the code."""
        known = map(self.results.strategies.__getitem__, self.results.runs["strategy"].unique())
        return any(_named_alike(strategy, one) for one in known)

    def plan(self, candidate: Strategy, against: str, *, seeds: tuple[int, ...], **fields: object) -> Plan:
        """Return the plan to hold a strategy of tonight's grid against one of the baseline, in one analysis.

        With few seeds a night, ``fixed-suite`` takes each task's own variance; collapses are counted and tested, and
        limit no claim, for which so few runs would never do.

        Args:
            candidate: as the grid runs it.
            against: the baseline's, e.g. ``random+uniform``; empty: the candidate's own stored runs.
            seeds: of the grid.
            fields: further ones of the :class:`analysis.gate.Plan`.

        Raises:
            SpecError: if the baseline has no such strategy, or this is no plan.
        """
        stored = stored_strategy(self.results, parse_strategy(against or in_full(candidate)))
        few = {"collapses": ANY_RATE, "stratified": fields.get("estimand", "fixed-suite") == "fixed-suite"}
        name, looks = self.baseline.header.name, (len(seeds),)
        return new_plan(
            candidate=candidate, baseline=stored, baseline_store=name, seeds=seeds, looks=looks, **few, **fields
        )

    def plans(
        self, strategies: Sequence[Strategy], asked: NightlyQuestion, *, seeds: tuple[int, ...], **fields: object
    ) -> tuple[list[tuple[Role, Plan]], list[str]]:
        """Return what a night is held to, and a line for whatever is not.

        Args:
            strategies: of tonight's grid.
            asked: what a user wants to be judged.
            seeds: of the grid.
            fields: as in :meth:`plan`.

        Raises:
            SpecError: if a strategy is not there, something is no plan, or nothing is left to judge.
        """
        known = [strategy for strategy in strategies if self.has(strategy)]
        judged = [named(strategies, name) for name in asked.candidates] or known
        if not judged:
            there = ", ".join(map(str, strategies))
            raise SpecError(
                f"the baseline {self.baseline.header.name} has runs of none of tonight's strategies: {there}"
            )
        watched = [strategy for strategy in known if str(strategy) == asked.canary][:1]
        plans: list[tuple[Role, Plan]] = [
            ("gate", self.plan(it, asked.against, seeds=seeds, claim=asked.claim, **fields)) for it in judged
        ]
        plans += [("canary", self.plan(it, "", seeds=seeds, claim="equivalent", **fields)) for it in watched]
        unknown = [] if asked.candidates else [it for it in strategies if it not in known]
        notes = [f"not judged, since the baseline has no runs of it: {it}" for it in unknown]
        if not watched:
            notes.append(f"no canary: {asked.canary} is not both in tonight's grid and in the baseline")
        return plans, notes

    def refuse_another_grid(self, plans: Sequence[tuple[Role, Plan]], data_here: Mapping[str, str]) -> None:
        """Find out before a night is run whether it can have a verdict.

        Args:
            plans: as :meth:`plans` returns them.
            data_here: dataset -> fingerprint of the data that it will be run on, as far as known.

        Raises:
            SpecError: if nothing that is run could be held against the baseline: other settings, data or tasks.
        """
        known = self.results
        nothing = replace(known, runs=known.runs[:0], rounds=known.rounds[:0], unfinished=known.unfinished[:0])
        verdicts = [judge(plan, nothing, known, data_here=data_here) for role, plan in plans if role == "gate"]
        if not any(verdict.runnable for verdict in verdicts):
            why = next(finding.text for finding in verdicts[0].findings if not finding.fixable)
            raise SpecError(
                f"nothing of tonight could be held against the baseline {self.baseline.header.name}: {why}; "
                "run the grid that it is of, or make a new one with `baseline save`"
            )

    def judge(self, plan: Plan, tonight: Results, today: date) -> Verdict:
        """Return what tonight's runs say; regressions that are acknowledged are named, and fail nothing."""
        notes, accepted = accepted_losses(self.baseline, {str(plan.candidate), in_full(plan.candidate)}, today)
        return judge(plan, tonight, self.results, notes=notes, accepted=accepted, made_anew=True)

    def outlook(self, plans: Sequence[tuple[Role, Plan]]) -> str:
        """Return how likely a night is to pass with nothing wrong, and how many seeds make that 95 %; empty if unknown.

        Tonight's runs are taken to differ from the stored ones of the same seeds as runs of other seeds would, which is
        the most that they can; where runs repeat bit for bit, a night with nothing wrong always passes.
        """
        judged = [plan for role, plan in plans if role == "gate"]
        found = clean_night(judged, self.results) if judged else None
        if found is None:
            return ""
        enough = f"{found.enough} seeds make it 95 %" if found.enough else "no number of seeds up to 100 makes it 95 %"
        count = f"{len(judged)} strategies pass" if len(judged) > 1 else "the strategy passes"
        return (
            f"chance of a clean night with nothing wrong: {found.chance:.2f} that {count} with "
            f"{len(judged[0].seeds)} seeds, if runs vary between nights as between seeds (a run's SD "
            f"{', '.join(f'{metric} {sd:.3f}' for metric, sd in found.spread.items())}); {enough}"
        )

    def moved(self, store: Store, strategy: str) -> tuple[int, int, dict[str, str]]:
        """Return how a strategy's runs compare bit by bit: identical ones, all that both hold, and other environments.

        Args:
            store: tonight's.
            strategy: e.g. ``random+uniform``; empty: all.

        Returns:
            Two counts, and fact -> its values then and now, where runs were made with something else.
        """
        found = changes(self.baseline, store, strategy)
        facts = {fact: f"{'; '.join(a)} -> {'; '.join(b)}" for fact, (a, b) in found.environment.items()}
        return found.identical, found.identical + found.drifted, facts


def _named_alike(one: Strategy, other: Strategy) -> bool:
    pairs = ((one.algorithm, other.algorithm), (one.weighting, other.weighting))
    return all((a.name, a.changed) == (b.name, b.changed) for a, b in pairs)


def named(strategies: Sequence[Strategy], name: str) -> Strategy:
    """Return the strategy of a grid that has a name such as ``random+uniform``, or one with all its options.

    Raises:
        SpecError: if the grid has none, or several variants.
    """
    found = [strategy for strategy in strategies if name in {str(strategy), in_full(strategy)}]
    if not found:
        raise UnknownNameError("strategy of tonight's grid", name, {str(strategy) for strategy in strategies})
    if len(found) > 1:
        variants = ", ".join(map(in_full, found))
        raise SpecError(f"tonight's grid has {len(found)} variants of {name}; name one of {variants}")
    return found[0]


def compared(role: Role, verdict: Verdict, identical: int | None = None, runs: int | None = None) -> NightComparison:
    """Return a verdict as the history keeps it."""
    return NightComparison(
        role=role,
        candidate=in_full(verdict.plan.candidate),
        baseline=in_full(verdict.plan.baseline),
        outcome=verdict.outcome,
        headline=headline(verdict),
        lines=tuple(lines(verdict)),
        points=tuple(
            Point(
                metric=it.metric,
                estimate=it.estimate,
                low=it.low,
                high=it.high,
                n=it.n,
                unit=it.unit,
                margin=it.margin,
            )
            for it in verdict.suite
        ),
        identical=identical,
        runs=runs,
    )
