"""The evidence of a verdict as tables and a figure, in the models that every format renders."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

import pandas as pd

from analysis.figures import Figure
from analysis.gate.errors import DROP, FALL, MARGIN, SD, BoundTrial, PlanErrors
from analysis.gate.plan import Plan
from analysis.gate.simulation import Simulation
from analysis.gate.verdict import Estimate, PlaceResult, SuiteResult, Verdict
from analysis.gate.words import ON, decision_of, sides
from analysis.names import metric_title
from analysis.stats import ALPHA, Rate
from analysis.tables.model import Cell, Group, Row, Table
from analysis.text import NO_VALUE, p_text, signed
from bench.records import ratio_text

BOUNDS = ("difference", "lower bound", "upper bound")


def tables(verdict: Verdict) -> tuple[Table, ...]:
    """Return the evidence on the suite, by analysis if there are several, and by task; none before the first."""
    if not verdict.taken:
        return ()
    looks = (_looks(verdict),) if len(verdict.looks) > 1 else ()
    return (_suite(verdict), *looks, _places(verdict))


def _suite(verdict: Verdict) -> Table:
    plan = verdict.plan
    return Table(
        name="gate-suite",
        address="suite",
        title=f"{' minus '.join(sides(plan))}, {ON[plan.estimand]}",
        caption=f"Mean difference over {verdict.suite[0].unit}s (estimand {plan.estimand}{_stratified(plan)}) and the "
        f"interval that decides, of {verdict.suite[0].coverage:.1%} coverage over all analyses of the plan. p of the "
        f"one-sided tests, adjusted for them: of the claim, which is to hold in every metric (each at {plan.alpha:g}; "
        f"intersection-union), {_of_collapses(plan)}and that the candidate is worse by more than the margin, which any "
        f"metric may show (corrected for all of them, the collapses and the tasks). Plan {verdict.plan_hash}.",
        headers=("Metric", "Verdict"),
        groups=(
            Group("Candidate minus baseline", (*BOUNDS, "margin", "n")),
            Group("p", (plan.claim, *(["any collapses"] if plan.bounded else []), "worse")),
        ),
        rows=tuple(
            Row(
                (metric_title(it.metric), it.standing),
                (*_bounds(it), Cell(f"{it.margin:g}", it.margin), Cell(str(it.n), it.n), *_suite_p(plan, it)),
            )
            for it in verdict.suite
        ),
        mark=f"p at or below {plan.alpha:g}",
    )


def _stratified(plan: Plan) -> str:
    return ", each task's own variance, Satterthwaite" * plan.stratified


def _of_collapses(plan: Plan) -> str:
    return "of its bound whatever rate of collapses is not excluded (betting), " * plan.bounded


def _bounds(it: Estimate) -> tuple[Cell, ...]:
    ends = (Cell(NO_VALUE) if end is None else Cell(signed(end), end) for end in (it.low, it.high))
    return (Cell(signed(it.estimate), it.estimate), *ends)


def _suite_p(plan: Plan, it: SuiteResult) -> tuple[Cell, ...]:
    any_rate = (_p(it.p_collapse, bold=it.p_collapse is not None and it.p_collapse <= plan.alpha),) * plan.bounded
    claim = it.p_claim is not None and it.p_claim <= plan.alpha
    return _p(it.p_claim, bold=claim), *any_rate, _p(it.p_worse, bold=it.worse)


def _p(p: float | None, *, bold: bool = False) -> Cell:
    return Cell(NO_VALUE) if p is None else Cell(p_text(p), p, bold=bold)


def _looks(verdict: Verdict) -> Table:
    plan = verdict.plan
    how = {
        "obf": "Lan-DeMets spending of O'Brien-Fleming's shape over numbers of seeds. Stopping threshold: the p at or "
        f"below which the claim holds at that analysis. It stops for futility where the conditional power of either "
        f"verdict on the suite is below {plan.futility:g}; the thresholds do not count on that.",
        "evalue": "Anytime-valid: an e-process (normal mixture over standardised effects, one-sided) may be analysed "
        "as often as one likes, and seeds may be added. Stopping threshold: the p of the t-test at which it reaches "
        f"{1 / plan.alpha:g}.",
    }[plan.sequential]
    return Table(
        name="gate-looks",
        address="looks",
        title="Interim analyses of the plan",
        caption=f"{how} p of the claim, of that analysis alone; what decides is the analysis that ended the plan, and "
        "the intervals shown are its own.",
        headers=("Analysis", "Decision"),
        groups=(
            Group("Plan", ("seeds", "threshold p")),
            Group("p of the claim", tuple(map(metric_title, plan.metrics))),
        ),
        rows=tuple(
            Row(
                (str(number), decision_of(look)),
                (
                    Cell(str(look.seeds), float(look.seeds)),
                    Cell(p_text(look.nominal), look.nominal),
                    *(
                        _p(p := look.p_claim.get(metric), bold=p is not None and p <= look.nominal)
                        for metric in plan.metrics
                    ),
                ),
            )
            for number, look in enumerate(verdict.looks, 1)
        ),
        mark="at or below the threshold",
    )


def _places(verdict: Verdict) -> Table:
    plan = verdict.plan
    by_place: dict[str, list[PlaceResult]] = {}
    for it in verdict.places:
        by_place.setdefault(str(it.place), []).append(it)
    return Table(
        name="gate-tasks",
        address="tasks",
        title="Each task by itself",
        caption=f"Mean difference over {verdict.places[0].n} seeds and its interval, of "
        f"{verdict.places[0].coverage:.1%} "
        "coverage. Harm: p that the candidate is worse by more than a task's margin "
        f"({', '.join(f'{metric_title(it)} {plan.harm_of(it):g}' for it in plan.metrics)}; an acknowledged loss where "
        f"that is larger), adjusted for interim analyses and for all {len(verdict.places)} tests.",
        headers=("Task",),
        groups=tuple(Group(metric_title(metric), (*BOUNDS, "harm")) for metric in plan.metrics),
        rows=tuple(
            Row((place,), tuple(cell for it in own for cell in (*_bounds(it), _p(it.p_harm, bold=it.harmed))))
            for place, own in by_place.items()
        ),
        mark=f"p at or below {plan.alpha:g}",
    )


def forest(verdict: Verdict) -> Figure:
    """Return the forest plot of a verdict with at least one analysis."""
    plan = verdict.plan
    candidate, baseline = sides(plan)
    several = len(plan.places) > len({place.task for place in plan.places})
    rows = [
        {
            "dataset": it.place.task.dataset,
            "positive": it.place.task.positive + f" {ratio_text(it.place.ratio)} {it.place.start}" * several,
            "unit": "seed",
            **_drawn(it),
        }
        for it in verdict.places
    ]
    rows += [{"dataset": "", "positive": "", "unit": it.unit, **_drawn(it)} for it in verdict.suite]
    return Figure(
        name="gate-forest",
        drawing="forest",
        title="Difference by task",
        caption="Candidate minus baseline with its interval, as in the tables: of each task over seeds, and of "
        f"the whole {ON[plan.estimand]}. Dashed: the margin, a task's own or the suite's; beyond it to the left the "
        "candidate is worse by more than is allowed.",
        data={"tasks": pd.DataFrame(rows).assign(larger=candidate, smaller=baseline)},
    )


def _drawn(it: Estimate) -> dict[str, object]:
    low, high = (nan if end is None else end for end in (it.low, it.high))
    return {"metric": it.metric, "mean": it.estimate, "low": low, "high": high, "edge": -it.margin}


def margins(verdict: Verdict) -> Figure:
    """Return where each metric stands between its margins, of a verdict with at least one analysis."""
    plan = verdict.plan
    candidate, baseline = sides(plan)
    rows = [
        {
            "metric": it.metric,
            "margin": it.margin,
            "mean": it.estimate,
            "low": nan if it.low is None else it.low,
            "high": nan if it.high is None else it.high,
            "coverage": it.coverage,
            "standing": it.standing,
        }
        for it in verdict.suite
    ]
    return Figure(
        name="gate-margins",
        drawing="margins",
        title="Where the candidate stands",
        caption=f"{candidate} minus {baseline}, {ON[plan.estimand]}; between the dashed lines it is worse or better by "
        "less than the margin. The sentences below say the same of each metric.",
        data={"metrics": pd.DataFrame(rows)},
    )


def simulation_table(found: Simulation) -> Table:
    """Return the behaviour of a plan as a table."""
    plan = found.plan
    spreads = "; ".join(
        f"{metric_title(metric)}: " + ", ".join(f"{name} {value:.4g}" for name, value in vars(own).items() if value)
        for metric, own in found.spread.items()
    )
    return Table(
        name="gate-simulation",
        address="simulation",
        title=f"The plan tried on {found.simulations:,} simulated grids a row",
        caption=f"How often each verdict comes out, with 95 % intervals; claim {plan.claim}, analyses at "
        f"{', '.join(map(str, plan.looks))} seeds, harm and futility included. Bold: that verdict would be wrong; the "
        f"plan keeps it at or below {plan.alpha:g}. Tasks differ as the stored runs do, so that one may be harmed in "
        f"truth; in rows on one task they do not differ otherwise. Standard deviations: {spreads}.",
        headers=("If in truth",),
        groups=(
            Group("Claim established", ("share", "from", "to")),
            Group("Regression", ("share", "from", "to")),
            Group("Mean", ("seeds",)),
        ),
        rows=tuple(
            Row(
                (it.title,),
                (
                    *_rate(it.established, bold=it.error == "established"),
                    *_rate(it.regression, bold=it.error == "regression"),
                    Cell(f"{it.seeds:.1f}", it.seeds),
                ),
            )
            for it in found.scenarios
        ),
        mark="a wrong verdict",
    )


def _rate(rate: Rate, *, bold: bool) -> tuple[Cell, ...]:
    return (Cell(f"{rate.value:.3f}", rate.value, bold=bold), *(Cell(f"{end:.3f}", end) for end in rate.interval))


def _with_limits(rate: Rate, *, bold: bool) -> Cell:
    low, high = rate.interval
    return Cell(f"{rate.value:.3f} [{low:.3f}, {high:.3f}]", rate.value, bold=bold)


def errors_table(trials: Sequence[PlanErrors]) -> Table:
    """Return the error rates and the power of plans as a table."""
    return Table(
        name="gate-errors",
        address="errors",
        title=f"The gate's error rates and power, {trials[0].power.of:,} simulated grids each",
        caption=f"Non-inferiority in one metric with a margin of {MARGIN:g} (of a task twice that) at level 0.05; a "
        f"pair's difference has a standard deviation of {SD:g}. False pass: the claim is established where the mean "
        "lies at the margin. False regression: one is called where there is no difference. Power: the claim is "
        "established there. Limits: Clopper and Pearson. Bold: an error rate that is shown to be above 0.05, which "
        "one or two of so many cells may be by chance. Collapsing: 1 % "
        "of runs lose .3; of the candidate for the false pass, of both arms otherwise.",
        headers=("Differences", "Tasks", "Seeds", "Plan"),
        groups=(Group("Share of grids, with 95 % limits", ("false pass", "false regression", "power")),),
        rows=tuple(
            Row(
                (it.noise, str(it.tasks), str(it.seeds), it.plan),
                (
                    _with_limits(it.false_pass, bold=it.false_pass.interval[0] > ALPHA),
                    _with_limits(it.false_regression, bold=it.false_regression.interval[0] > ALPHA),
                    _with_limits(it.power, bold=False),
                ),
            )
            for it in trials
        ),
        mark="shown to be above 0.05",
    )


def bounds_table(trials: Sequence[BoundTrial]) -> Table:
    """Return how lower bounds of a mean fare where runs collapse, as a table."""
    return Table(
        name="gate-bounds",
        address="bounds",
        title=f"Lower bounds of the mean where runs collapse, {trials[0].power.of:,} simulated grids each",
        caption=f"14 tasks; a pair's difference has a standard deviation of {SD:g}, and a share of the candidate's "
        f"runs lose {DROP:g}. Missed: the bound at level 0.05 lies above the mean. Power: where nothing collapses or "
        f"differs, it excludes a loss of {MARGIN:g}. Two parts: typical difference minus {FALL:g} x the upper limit of "
        "the rate. Betting is the bound that claims with a margin take: of those that keep the level it has the most "
        "power.",
        headers=("Bound", "Seeds", "Collapses"),
        groups=(Group("Share of grids, with 95 % limits", ("missed", "power")),),
        rows=tuple(
            Row(
                (it.bound, str(it.seeds), f"{it.rate:.0%}"),
                (_with_limits(it.missed, bold=it.missed.interval[0] > ALPHA), _with_limits(it.power, bold=False)),
            )
            for it in trials
        ),
        mark="shown to be above 0.05",
    )
