"""The evidence of a verdict as tables and a figure, in the models that every format renders."""

from __future__ import annotations

from math import nan

import pandas as pd

from analysis.figures import Figure
from analysis.gate.plan import Plan
from analysis.gate.simulation import Simulation
from analysis.gate.verdict import Estimate, PlaceResult, SuiteResult, Verdict
from analysis.gate.words import CLAIM_WORDS, ON, decision_of, sides
from analysis.names import metric_title
from analysis.stats import Rate
from analysis.tables.model import Cell, Group, Row, Table
from analysis.text import NO_VALUE, p_text, signed
from bench.records import ratio_text

BOUNDS = ("difference", "lower bound", "upper bound")


def tables(verdict: Verdict) -> tuple[Table, ...]:
    """Return the evidence on the suite, by look if there are several, and by task; none before the first look."""
    if not verdict.taken:
        return ()
    looks = (_looks(verdict),) if len(verdict.looks) > 1 else ()
    return (_suite(verdict), *looks, _places(verdict))


def _suite(verdict: Verdict) -> Table:
    plan = verdict.plan
    corrected = " and, for worse, by Holm over metrics" if len(plan.metrics) > 1 else ""
    return Table(
        name="gate-suite",
        address="suite",
        title=f"{' minus '.join(sides(plan))}, {ON[plan.estimand]}",
        caption=f"Mean difference over {verdict.suite[0].unit}s (estimand {plan.estimand}), and bounds that are each "
        "one-sided at the look's boundary. p of the one-sided t-tests over the same units, adjusted for the looks of "
        f"the plan{corrected}: that the candidate is {_claim(plan)}, which is to hold in every metric "
        f"(intersection-union), and that it is worse by more than the margin. Plan {verdict.plan_hash}.",
        headers=("Metric",),
        groups=(Group("Candidate minus baseline", (*BOUNDS, "margin", "n")), Group("p", (plan.claim, "worse"))),
        rows=tuple(
            Row(
                (metric_title(it.metric),),
                (*_bounds(it), Cell(f"{it.margin:g}", it.margin), Cell(str(it.n), it.n), *_suite_p(it)),
            )
            for it in verdict.suite
        ),
        mark=f"p at or below {plan.alpha:g}",
    )


def _claim(plan: Plan) -> str:
    by = "" if plan.claim == "superior" else " within the margin"
    return CLAIM_WORDS[plan.claim].rpartition(" ")[0] + by


def _bounds(it: Estimate) -> tuple[Cell, ...]:
    ends = (Cell(NO_VALUE) if end is None else Cell(signed(end), end) for end in (it.low, it.high))
    return (Cell(signed(it.estimate), it.estimate), *ends)


def _suite_p(it: SuiteResult) -> tuple[Cell, Cell]:
    return _p(it.p_claim, bold=it.established), _p(it.p_worse, bold=it.worse)


def _p(p: float | None, *, bold: bool = False) -> Cell:
    return Cell(NO_VALUE) if p is None else Cell(p_text(p), p, bold=bold)


def _looks(verdict: Verdict) -> Table:
    plan = verdict.plan
    return Table(
        name="gate-looks",
        address="looks",
        title="Looks of the plan",
        caption="Lan-DeMets spending of O'Brien-Fleming's shape over numbers of seeds. Boundary: the p at or below "
        "which a test at that look alone crosses; p of the claim at that look alone. Futility (not binding): a look "
        f"stops where the conditional power of either verdict on the suite is below {plan.futility:g}.",
        headers=("Look", "Decision"),
        groups=(
            Group("Plan", ("seeds", "boundary p")),
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
        mark="at or below the boundary",
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
        caption=f"Mean difference over {verdict.places[0].n} seeds, and bounds that are each one-sided at the look's "
        "boundary. Harm: p that the candidate is worse by more than a task's margin "
        f"({', '.join(f'{metric_title(it)} {plan.harm_of(it):g}' for it in plan.metrics)}), adjusted for looks and by "
        f"Holm over all {len(verdict.places)} tests.",
        headers=("Task",),
        groups=tuple(Group(metric_title(metric), (*BOUNDS, "harm")) for metric in plan.metrics),
        rows=tuple(
            Row((place,), tuple(cell for it in own for cell in (*_bounds(it), _p(it.p_harm, bold=it.harmed))))
            for place, own in by_place.items()
        ),
        mark=f"p at or below {plan.alpha:g}",
    )


def forest(verdict: Verdict) -> Figure:
    """Return the forest plot of a verdict with at least one look."""
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
        caption="Candidate minus baseline with its one-sided bounds, as in the tables: of each task over seeds, and of "
        f"the whole {ON[plan.estimand]}. Dashed: the margin, a task's own or the suite's; beyond it to the left the "
        "candidate is worse by more than is allowed.",
        data={"tasks": pd.DataFrame(rows).assign(larger=candidate, smaller=baseline)},
    )


def _drawn(it: Estimate) -> dict[str, object]:
    low, high = (nan if end is None else end for end in (it.low, it.high))
    return {"metric": it.metric, "mean": it.estimate, "low": low, "high": high, "edge": -it.margin}


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
        caption=f"How often each verdict comes out, with 95 % intervals; claim {plan.claim}, looks at "
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
