"""A verdict in words: one headline, and one line for each thing worth knowing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.gate.evidence import FindingKind
from analysis.gate.plan import Claim, Plan
from analysis.gate.procedure import Decision
from analysis.gate.typed import in_full
from analysis.gate.verdict import Estimate, LookResult, Outcome, PlaceResult, SuiteResult, Verdict
from analysis.names import metric_title
from analysis.stats import Estimand
from analysis.text import NO_VALUE, p_text, signed

WORDS: dict[Outcome, str] = {
    "established": "PASS",
    "regression": "REGRESSION",
    "inconclusive": "INCONCLUSIVE",
    "incomplete": "NO VERDICT",
}
CLAIM_WORDS: dict[Claim, str] = {
    "superior": "better than",
    "noninferior": "not inferior to",
    "equivalent": "equivalent to",
}
DECISION_WORDS: dict[Decision, str] = {
    "go on": "no decision",
    "established": "claim established",
    "regression": "regression",
    "futile": "futile",
}
KIND_WORDS: dict[FindingKind, str] = {
    "failed": "runs failed",
    "missing": "runs are missing",
    "data": "runs are on different data",
    "pairing": "runs are no pairs",
    "duplicate": "runs are stored twice",
    "nan": "runs yielded no number",
}
ON: dict[Estimand, str] = {
    "fixed-suite": "on these tasks",
    "new-tasks": "on new tasks",
    "new-datasets": "on new datasets",
}


def sides(plan: Plan) -> tuple[str, str]:
    """Return the names of candidate and baseline; options are spelt out where the short names are the same."""
    candidate, baseline = str(plan.candidate), str(plan.baseline)
    if candidate == baseline:
        candidate, baseline = in_full(plan.candidate), in_full(plan.baseline)
    return candidate, baseline + (f" @ {plan.baseline_store}" if plan.baseline_store else "")


def headline(verdict: Verdict) -> str:
    """Return the verdict in one line."""
    plan, word = verdict.plan, WORDS[verdict.outcome]
    candidate, baseline = sides(plan)
    claim = f"{candidate} is {CLAIM_WORDS[plan.claim]} {baseline}"
    if verdict.outcome == "established":
        return f"{word}: {claim} {ON[plan.estimand]} ({_metrics(verdict.suite)})"
    if verdict.outcome == "regression":
        worse = [it for it in verdict.suite if it.worse]
        harmed = [it for it in verdict.places if it.harmed]
        where = [f"{ON[plan.estimand]} ({_metrics(worse)})"] if worse else []
        where += [_alone({str(it.place) for it in harmed}, len(plan.places))] if harmed else []
        return f"{word}: {candidate} is worse than {baseline} {' and '.join(where)}"
    if verdict.outcome == "inconclusive" and all(it.established for it in verdict.suite):
        cases = sum(it.suspected for it in verdict.places)
        return (
            f"{word}: {claim} {ON[plan.estimand]}, but harm is suspected on single tasks ({cases}); {_needed(verdict)}"
        )
    if verdict.outcome == "inconclusive":
        return f"{word}: not shown that {claim} {ON[plan.estimand]}; {_needed(verdict)}"
    why = dict.fromkeys(KIND_WORDS[finding.kind] for finding in verdict.findings)
    return f"{word} on {candidate} against {baseline}: {', '.join(why)}"


def _alone(places: set[str], of: int) -> str:
    return f"on {next(iter(places))} alone" if len(places) == 1 else f"on {len(places)} of {of} single tasks"


def _metrics(suite: Sequence[SuiteResult]) -> str:
    return ", ".join(f"{metric_title(it.metric)} {signed(it.estimate)}" for it in suite)


def _needed(verdict: Verdict) -> str:
    if verdict.seeds_needed is not None:
        return f"about {verdict.seeds_needed} seeds should do if the differences are as estimated"
    if verdict.tasks_needed is not None:
        return f"more seeds will not do, about {verdict.tasks_needed} tasks should"
    return "no number of seeds will do if the differences are as estimated"


def lines(verdict: Verdict) -> list[str]:
    """Return the findings, the most important first; a finding that is in the way of a verdict is one of them."""
    found = [it.text for it in verdict.findings]
    worse = [_suite_line(verdict.plan, it) for it in verdict.suite if it.worse]
    others = [_suite_line(verdict.plan, it) for it in verdict.suite if not it.worse]
    return [*verdict.warnings, *found, *worse, *_harm(verdict), *others, *_rest(verdict), *verdict.notes]


def _suite_line(plan: Plan, it: SuiteResult) -> str:
    if it.worse:
        said = f"worse by more than {it.margin:g}, p {_p(it.p_worse)}"
    else:
        shown = "shown" if it.established else "not shown"
        said = f"{CLAIM_WORDS[plan.claim].split(' t')[0]}: {shown}, p {_p(it.p_claim)}"
    said += " over all looks" * (len(plan.looks) > 1)
    margin = "" if plan.claim == "superior" else f", margin {it.margin:g}"
    return f"{metric_title(it.metric)} {ON[plan.estimand]}: {interval(it)}{margin}, {it.n} {it.unit}s; {said}"


def _harm(verdict: Verdict) -> Iterator[str]:
    harmed = sorted((it for it in verdict.places if it.harmed), key=lambda it: it.p_harm or 0.0)
    for it in harmed:
        name = metric_title(it.metric)
        yield f"{it.place}, {name}: {interval(it)}; worse by more than a task's margin {it.margin:g}, p {_p(it.p_harm)}"
    for it in verdict.places:
        if it.suspected and not it.harmed:
            yield f"{it.place}, {metric_title(it.metric)}: {interval(it)}; harm suspected, p {_p(it.p_harm)} after Holm"


def _rest(verdict: Verdict) -> Iterator[str]:
    unsure = [it for it in verdict.places if it.open]
    if unsure and verdict.outcome != "regression":
        yield _unsure(unsure, len(verdict.places))
    yield from _sequence(verdict)


def _unsure(unsure: list[PlaceResult], of: int) -> str:
    lowest = min(unsure, key=lambda it: it.estimate)
    return (
        f"harm of a single task is not shown anywhere, but not excluded in {len(unsure)} of {of} cases either "
        f"(lowest: {lowest.place}, {metric_title(lowest.metric)} {signed(lowest.estimate)})"
    )


def _sequence(verdict: Verdict) -> Iterator[str]:
    plan, taken = verdict.plan, verdict.taken
    if not taken:
        return
    if len(plan.looks) > 1:
        look = verdict.looks[taken - 1]
        said = "futile: neither verdict can be expected" if look.decision == "futile" else decision_of(look)
        left = plan.looks[-1] - look.seeds
        rest = f"; {left} seeds not needed" if verdict.outcome != "incomplete" and left else ""
        yield f"look {taken} of {len(plan.looks)}, {look.seeds} seeds, boundary p {p_text(look.nominal)}: {said}{rest}"
    if verdict.runs_saved:
        yield f"saved: {verdict.runs_saved} runs, about {verdict.seconds_saved / 3600:.2g} hours of one worker"


def decision_of(look: LookResult) -> str:
    """Return what became of a look, in words."""
    return "not taken" if look.decision is None else DECISION_WORDS[look.decision]


def interval(it: Estimate) -> str:
    """Return an estimate with its bounds."""
    ends = ", ".join(NO_VALUE if end is None else signed(end) for end in (it.low, it.high))
    return f"{signed(it.estimate)} [{ends}]"


def _p(p: float | None) -> str:
    return "none (no spread)" if p is None else p_text(p)
