"""A verdict in words: one headline, a sentence for each metric, and one line for each thing worth knowing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from analysis.gate.evidence import ObstacleKind
from analysis.gate.plan import CLUSTERED, Claim, Plan
from analysis.gate.procedure import Decision
from analysis.gate.verdict import (
    CollapseResult,
    DatasetsResult,
    Estimate,
    LookResult,
    Outcome,
    PlaceResult,
    SuiteResult,
    Verdict,
)
from analysis.names import metric_title
from analysis.stats import Estimand
from analysis.text import NO_VALUE, p_text, signed
from analysis.typed import in_full

WORDS: dict[Outcome, str] = {
    "established": "PASS",
    "regression": "REGRESSION",
    "refuted": "NOT EQUIVALENT",
    "inconclusive": "INCONCLUSIVE",
    "incomplete": "NO VERDICT",
}
DECISION_WORDS: dict[Decision | Literal[""], str] = {
    "": "decision not noted",
    "go on": "no decision",
    "established": "claim established",
    "regression": "regression",
    "refuted": "shown not to be equivalent",
    "futile": "stopped for futility",
}
KIND_WORDS: dict[ObstacleKind, str] = {
    "failed": "runs failed",
    "missing": "runs are missing",
    "data": "runs are on different data",
    "pairing": "runs are no pairs",
    "duplicate": "runs are stored twice",
    "nan": "runs yielded no number",
    "range": "runs have values that cannot be",
    "identical": "nothing is compared",
    "unused": "stored pairs are left out",
    "analysed": "these runs were analysed under another plan",
    "exchanged": "runs were exchanged after an analysis",
}
ON: dict[Estimand, str] = {
    "fixed-suite": "on these tasks",
    "new-tasks": "on new tasks",
    "new-datasets": "on new datasets",
}
AGAIN = "--again"


def sides(plan: Plan) -> tuple[str, str]:
    """Return the names of candidate and baseline; options are written out where the short names are the same."""
    candidate, baseline = str(plan.candidate), str(plan.baseline)
    if candidate == baseline:
        candidate, baseline = in_full(plan.candidate), in_full(plan.baseline)
    return candidate, baseline + (f" @ {plan.baseline_store}" if plan.baseline_store else "")


def claim_words(claim: Claim, margins: str) -> str:
    """Return what is claimed of a candidate, up to the name of the baseline."""
    if claim == "superior":
        return "better than"
    return f"{'worse' if claim == 'noninferior' else 'worse or better'} by less than {margins} than"


def headline(verdict: Verdict) -> str:
    """Return the verdict in one line."""
    return _headline(verdict) + _counted(verdict)


def _headline(verdict: Verdict) -> str:
    plan, word = verdict.plan, WORDS[verdict.outcome]
    candidate, baseline = sides(plan)
    claim = f"{candidate} is {claim_words(plan.claim, _margins(plan))} {baseline}"
    if verdict.outcome == "established":
        same = ", and identical to it in every run" * verdict.identical
        return f"{word}: {claim}{same} {ON[plan.estimand]} ({_metrics(verdict.suite)})"
    if verdict.outcome == "regression":
        return f"{word}: {candidate} {' and '.join(_regressions(verdict, baseline))}"
    if verdict.outcome == "refuted":
        beyond = ", ".join(
            f"{metric_title(it.metric)} {signed(it.estimate)}" for it in verdict.suite if (it.low or 0.0) > it.margin
        )
        return f"{word}: {candidate} is better than {baseline} by more than the margin {ON[plan.estimand]} ({beyond})"
    if verdict.outcome == "inconclusive":
        return f"{word}: {_open(verdict, claim)}"
    why = dict.fromkeys(KIND_WORDS[finding.kind] for finding in verdict.findings)
    return f"{word} on {candidate} against {baseline}: {', '.join(why) or 'the next analysis is not made yet'}"


def _regressions(verdict: Verdict, baseline: str) -> Iterator[str]:
    plan = verdict.plan
    worse = [it for it in verdict.suite if it.worse]
    if worse:
        yield f"is worse than {baseline} by more than the margin {ON[plan.estimand]} ({_metrics(worse)})"
    harmed = {str(it.place) for it in verdict.places if it.harmed}
    if harmed:
        where = (
            f"on {min(harmed)} alone" if len(harmed) == 1 else f"on {len(harmed)} of {len(plan.places)} single tasks"
        )
        yield f"is worse than {baseline} by more than a task's margin {where}"
    if verdict.collapses and verdict.collapses.more:
        found = verdict.collapses
        count = f"{found.candidate} against {found.baseline} of {found.pairs} pairs"
        yield f"collapses more often than {baseline} ({count})"


def _open(verdict: Verdict, claim: str) -> str:
    plan = verdict.plan
    if verdict.again:
        return f"no pass is given on runs that were analysed or left out before ({AGAIN}: {verdict.again})"
    on = f"{claim} {ON[plan.estimand]}"
    if all(it.holds for it in verdict.suite):
        cases = sum(it.suspected for it in verdict.places)
        return f"{on}, but harm is suspected on single tasks ({cases}); {_needed(verdict)}"
    return f"not shown that {on}{_held_back(verdict)}; {_needed(verdict)}"


def _held_back(verdict: Verdict) -> str:
    """Return that only collapses, which the data do not exclude, are in the way; empty if they are not."""
    plan, found = verdict.plan, verdict.collapses
    if found is None or plan.claim == "superior" or not all((it.p_claim or 0.0) <= plan.alpha for it in verdict.suite):
        return ""
    if plan.collapses:
        return f": collapses of the candidate alone in up to {found.limit:.1%} of pairs are not excluded"
    return f" whatever rate of collapses {found.pairs} pairs do not exclude (up to {found.limit:.1%})"


def _counted(verdict: Verdict) -> str:
    """Return how many tries this is one of, where it is not the only one."""
    tries = []
    if verdict.candidates > 1:
        tries.append(
            f"one of {verdict.candidates} candidates held against these runs of the baseline, each at "
            f"{verdict.plan.alpha:g}"
        )
    if verdict.plans > 1:
        tries.append(f"plan {verdict.plans} on this comparison")
    return f" [{'; '.join(tries)}]" if tries else ""


def _margins(plan: Plan) -> str:
    sizes = {plan.margins[metric] for metric in plan.metrics}
    if len(sizes) == 1:
        return f"{sizes.pop():g}"
    return ", ".join(f"{plan.margins[metric]:g} ({metric_title(metric)})" for metric in plan.metrics)


def _metrics(suite: Sequence[SuiteResult]) -> str:
    return ", ".join(f"{metric_title(it.metric)} {signed(it.estimate)}" for it in suite)


def _needed(verdict: Verdict) -> str:
    """Return what could be done next; seeds are added to a plan only if it may be looked at at any time."""
    plan, found = verdict.plan, verdict.needed
    if found is None:
        return "more seeds would not change this: the estimate is on the wrong side of the margin"
    high = "or any number" if found.high is None else f"to {found.high}"
    number = f"about {found.number} {found.kind} ({found.low} {high})"
    if plan.sequential == "evalue" and found.kind == "seeds":
        return f"seeds may be added: {number} in all should do if the differences are as estimated"
    return f"a new plan on {number} that were not analysed yet should do, if the differences are as estimated"


def sentence(plan: Plan, it: SuiteResult) -> str:
    """Return what one metric says, with level, margin, unit and the interval's coverage."""
    name, by = metric_title(it.metric), f"{it.margin:g}"
    said = {
        "better": "the candidate is better",
        "equivalent": f"the candidate is equivalent: worse or better by less than {by}",
        "worse within the margin": f"the candidate is worse, by less than {by}",
        "worse": f"the candidate is worse{f' by more than {by}' if it.margin else ''}",
        "undecided": "undecided",
    }[it.standing]
    if it.standing == "undecided" and it.holds and plan.claim == "noninferior":
        said = f"worse by less than {by}; whether it is better is undecided"
    margin = f", margin {by}" if it.margin else ""
    return (
        f"{name} {ON[plan.estimand]}: {said}; {interval(it)}{margin}, {it.n} {it.unit}s, level {plan.alpha:g}; "
        f"{_p_words(plan, it)}"
    )


def _p_words(plan: Plan, it: SuiteResult) -> str:
    over = " over all interim analyses" * (len(plan.looks) > 1)
    if it.worse:
        return f"p of worse by more than the margin {_p(it.p_worse)}{over}"
    said = f"p of the claim {_p(it.p_claim)}{over}"
    if it.p_collapse is not None:
        said += f", {_p(it.p_collapse)} whatever the rate of collapses"
    return said


def lines(verdict: Verdict) -> list[str]:
    """Return the findings, the most important first; a finding that is in the way of a verdict is one of them."""
    found = [it.text for it in verdict.findings]
    if found and not verdict.again and any(it.kind in ("unused", "analysed", "exchanged") for it in verdict.findings):
        found.append(f'a verdict, but no pass, is given with {AGAIN} "the reason"; it is kept on record')
    again = [f"analysed again ({AGAIN}): {verdict.again}"] if verdict.again else []
    worse = [sentence(verdict.plan, it) for it in verdict.suite if it.worse]
    others = [sentence(verdict.plan, it) + _by_itself(verdict, it) for it in verdict.suite if not it.worse]
    collapses = list(_collapses(verdict))
    first = collapses if verdict.collapses and verdict.collapses.more else []
    last = [] if first else collapses
    rest = [*_harm(verdict), *others, *verdict.notes, *_caveats(verdict), *last, *_datasets(verdict), *_rest(verdict)]
    return [*again, *found, *first, *worse, *rest]


def _by_itself(verdict: Verdict, it: SuiteResult) -> str:
    """Return that a metric that holds does not establish anything where others do not."""
    alone = it.holds and verdict.outcome in ("inconclusive", "incomplete") and len(verdict.suite) > 1
    return "; holds by itself, which establishes nothing while another metric does not" * alone


def _collapses(verdict: Verdict) -> Iterator[str]:
    if verdict.collapses:
        yield collapse_line(verdict.plan, verdict.collapses)


def collapse_line(plan: Plan, it: CollapseResult) -> str:
    """Return how many runs collapsed, and what rate that does not exclude."""
    if it.candidate or it.baseline or it.both:
        both = f", both in {it.both}" * bool(it.both)
        seen = f"only the candidate in {it.candidate}, only the baseline in {it.baseline}{both} of {it.pairs} pairs"
        test = f"; more often: exact p {_p(it.p_more)} after correction" * bool(it.candidate)
    else:
        seen, test = f"none in {it.pairs} pairs", ""
    granted = ""
    if plan.claim != "superior" and plan.estimand == "fixed-suite":
        granted = {
            0.0: "; the bound of the mean holds whatever their rate",
            1.0: "; they are reported, and limit no claim",
        }.get(plan.collapses, f"; the claim grants up to {plan.collapses:.3g}")
    return (
        f"collapses to chance: {seen}{test}; rates of the candidate alone up to {it.limit:.1%} are not excluded "
        f"(one-sided {1 - it.level:.4g}){granted}"
    )


def _harm(verdict: Verdict) -> Iterator[str]:
    harmed = sorted((it for it in verdict.places if it.harmed), key=lambda it: it.p_harm or 0.0)
    for it in harmed:
        yield (
            f"{it.place}, {metric_title(it.metric)}: {interval(it)}; worse by more than {_edge(it)}, p {_p(it.p_harm)} "
            "after correction"
        )
    for it in verdict.places:
        if it.suspected and not it.harmed:
            yield (
                f"{it.place}, {metric_title(it.metric)}: {interval(it)}; suspected to be worse by more than "
                f"{_edge(it)}, p {_p(it.p_harm)} after correction"
            )
    for it in verdict.places:
        if it.acknowledged is not None:
            yield (
                f"{it.place}, {metric_title(it.metric)}: {signed(it.estimate)}; a loss of up to {it.margin:g} is not "
                "tested: acknowledged"
            )


def _edge(it: PlaceResult) -> str:
    return (
        f"{'the acknowledged loss' if it.acknowledged is not None else 'a task' + chr(39) + 's margin'} {it.margin:g}"
    )


def _caveats(verdict: Verdict) -> Iterator[str]:
    """Yield what a reader must know of the numbers: too few datasets, an early stop, identical runs."""
    plan = verdict.plan
    datasets = len({place.task.dataset for place in plan.places})
    if plan.estimand == "new-tasks" and datasets < CLUSTERED:
        yield (
            f"tasks of one dataset are not independent: with tasks of {datasets} datasets this test errs more often "
            f"than {plan.alpha:g} (of 14 tasks in 4 datasets .22 instead of .05), and its interval covers less; see "
            "below in how many datasets the claim holds"
        )
    early = verdict.taken and verdict.looks[verdict.taken - 1].seeds < plan.looks[-1]
    if early and plan.sequential == "obf" and verdict.outcome in ("established", "regression", "refuted"):
        corrected = ", ".join(
            f"{metric_title(it.metric)} {signed(it.shrunk)}" for it in verdict.suite if it.shrunk is not None
        )
        more = f"; median-unbiased: {corrected}" if corrected else ""
        yield f"stopped early, so that estimates lie too far from the margin on average{more}"
    if verdict.identical:
        yield "identical: every run of the candidate has the results of the baseline's; there is nothing to test"


def _datasets(verdict: Verdict) -> Iterator[str]:
    for it in verdict.datasets:
        yield datasets_line(verdict.plan, it)


def datasets_line(plan: Plan, it: DatasetsResult) -> str:
    """Return in at least how many datasets the claim holds, at the plan's level, and the p of one more."""
    said = {"superior": "better", "noninferior": "worse by less than the margin", "equivalent": "equivalent"}[
        plan.claim
    ]
    sure = sum(p <= plan.alpha for p in it.at_least)
    of = len(it.names)
    shown = (
        f"{said} in at least {sure} of {of} datasets, p {_p(it.at_least[sure - 1])}"
        if sure
        else (f"not shown to be {said} in any of {of} datasets, p {_p(it.at_least[0])}")
    )
    more = f"; in {sure + 1} or more: p {_p(it.at_least[sure])}" if 0 < sure < of else ""
    return f"{metric_title(it.metric)}: {shown}{more} (partial conjunction)"


def _rest(verdict: Verdict) -> Iterator[str]:
    unsure = [it for it in verdict.places if it.open]
    if unsure and verdict.outcome != "regression":
        yield _unsure(unsure, len(verdict.places))
    yield from _sequence(verdict)


def _unsure(unsure: list[PlaceResult], of: int) -> str:
    lowest = min(unsure, key=lambda it: it.estimate)
    return (
        f"no task is shown to be harmed; in {len(unsure)} of {of} cases the data cannot rule it out "
        f"(lowest: {lowest.place}, {metric_title(lowest.metric)} {signed(lowest.estimate)})"
    )


def _sequence(verdict: Verdict) -> Iterator[str]:
    plan, taken = verdict.plan, verdict.taken
    if not taken:
        return
    if len(plan.looks) > 1:
        look = verdict.looks[taken - 1]
        left = plan.looks[-1] - look.seeds
        rest = f"; stopped {left} seeds early" if verdict.outcome != "incomplete" and left else ""
        yield (
            f"analysis {taken} of {len(plan.looks)}, {look.seeds} seeds, stopping threshold p {p_text(look.nominal)}: "
            f"{decision_of(look)}{rest}"
        )
    if verdict.runs_saved:
        yield f"saved: {verdict.runs_saved} runs, about {verdict.seconds_saved / 3600:.2g} hours of one worker"


def decision_of(look: LookResult) -> str:
    """Return what became of an analysis, in words."""
    return "not made" if look.decision is None else DECISION_WORDS[look.decision]


def interval(it: Estimate) -> str:
    """Return an estimate with its interval and the coverage of that."""
    ends = ", ".join(NO_VALUE if end is None else signed(end) for end in (it.low, it.high))
    return f"{signed(it.estimate)} [{ends}; {it.coverage:.1%} interval]"


def _p(p: float | None) -> str:
    return NO_VALUE if p is None else p_text(p)
