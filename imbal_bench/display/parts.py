"""What there is to run: datasets, tasks, algorithms, weightings, learners, metrics and presets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from bench.errors import shortened
from imbal_bench.display.tables import table_of

if TYPE_CHECKING:  # each function imports what it shows, so that a command loads what it needs and no more
    from bench.components import ComponentFacts as Facts
    from bench.testing import LawVerdict
    from bench.testing.agreement import Agreements


OUTCOME_STYLES = {"holds": "green", "broken": "bold red", "waived": "yellow"}


def show_datasets(data_dir: Path | None, console: Console) -> None:
    """List the datasets with their facts and where each would be taken from."""
    from bench.data.availability import availability
    from bench.data.sources import known_facts

    table = table_of("Datasets", "name", "classes (tasks of the paper marked *)", "train", "test", "licence", "here")
    for state in availability(data_dir, probe=False):
        facts = known_facts(state.dataset)
        if facts is None:
            table.add_row(state.dataset, "see list tasks", "", "", "", f"{state.state}: {state.detail}")
            continue
        classes = shortened(f"{name}*" if name in facts.paper_tasks else name for name in facts.classes)
        classes = classes or facts.title
        about = "~" if facts.rows_per_class_approximate else ""
        rows = [
            f"{about}{sum(n):,}" if n else "see left" for n in (facts.train_rows_per_class, facts.test_rows_per_class)
        ]
        table.add_row(facts.name, classes, *rows, facts.licence, f"{state.state}: {state.detail}")
    console.print(table)


def show_tasks(data_dir: Path | None, console: Console) -> None:
    """List the tasks as specifications name them; of a dataset in the mirror, with the counts that it has there."""
    from bench.data.availability import task_counts

    table = table_of("Tasks", "task", "train positives", "test positives", "counted in")
    for it in task_counts(data_dir):
        table.add_row(f"{it.dataset}/{it.positive}", f"{it.train:,}", f"{it.test:,}", it.origin)
    console.print(table)


def _show(title: str, parts: Sequence[Facts], console: Console) -> None:
    table = table_of(title, "name", "needs", "options", "paper", "settled here")
    for facts in parts:
        options = ", ".join(f"{k}={v}" for k, v in facts.options.items()) or "–"
        table.add_row(
            facts.name,
            ", ".join(facts.needs) or "nothing",
            options,
            facts.paper,
            facts.open_points,
        )
    console.print(table)


def show_algorithms(console: Console) -> None:
    """List the algorithms with their facts."""
    from bench.strategies.base import ALGORITHMS
    from bench.strategies.catalogue import facts

    _show("Algorithms", facts(ALGORITHMS), console)


def show_weightings(console: Console) -> None:
    """List the weightings with their facts."""
    from bench.strategies.base import WEIGHTINGS
    from bench.strategies.catalogue import facts

    _show("Weightings", facts(WEIGHTINGS), console)


def show_learners(console: Console) -> None:
    """List learners with their facts."""
    from bench.learners.catalogue import facts

    table = table_of("Learners", "name", "what is trained", "offers", "options", "paper")
    for it in facts():
        options = ", ".join(f"{k}={v}" for k, v in it.options.items()) or "–"
        table.add_row(it.name, it.summary, ", ".join(it.offers), options, it.paper)
    console.print(table)


def show_metrics(console: Console) -> None:
    """List the metrics with their facts; the areas under learning curves, one for each metric of rounds, in one row."""
    from bench.metrics.base import REGISTRY
    from bench.metrics.catalogue import every
    from bench.metrics.learning_curve import AreaUnderLearningCurve

    table = table_of("Metrics", "name", "of a", "range", "better", "chance at 1/50", "what", "formula", "source")
    for metric in every().values():
        if not isinstance(metric, AreaUnderLearningCurve):
            names = f"{metric.name} ({', '.join(metric.aliases)})" if metric.aliases else metric.name
            chance = "–" if math.isnan(metric.chance(0.02)) else f"{metric.chance(0.02):.3g}"
            table.add_row(
                names, metric.kind, f"{metric.low:g} to {metric.high:g}",
                "higher" if metric.higher_is_better else "lower", chance, metric.summary, metric.formula, metric.source,
            )  # fmt: skip
    curve = AreaUnderLearningCurve
    table.add_row(
        f"{curve.prefix}METRIC ({curve.short}METRIC)", "run", "the metric's", "the metric's", "the metric's",
        "mean of a metric of rounds over the labels bought", curve.formula, curve.source,
    )  # fmt: skip
    console.print(table)
    for line in REGISTRY.failures:
        console.print(line, style="red", markup=False, highlight=False)


def show_presets(console: Console) -> None:
    """List the presets."""
    from bench.config import load_spec, preset_names

    table = table_of("Presets", "name", "tasks", "ratios", "seeds", "model", "about")
    for name in preset_names():
        spec = load_spec(name)
        ratios = ", ".join(map(str, spec.ratios))
        table.add_row(name, ", ".join(spec.tasks), ratios, str(len(spec.seeds)), spec.model.name, spec.about)
    console.print(table)


def show_agreements(found: Agreements, console: Console) -> None:
    """Show how far each pair agrees, beside what an implementation has in common with itself."""
    table = table_of(
        "Agreement on the same pools", "implementations", "share of the batch in common", "correlation of frequencies"
    )
    for it in found.pairs:
        table.add_row(f"{it.first} | {it.second}", f"{it.shared:.3f}", f"{it.frequencies:.3f}")
    for name, it in found.alone.items():
        table.add_row(Text(f"{name} | itself, other seeds", "dim"), f"{it.shared:.3f}", f"{it.frequencies:.3f}")
    table.add_row(Text("by chance", "dim"), f"{found.chance:.3f}", "0.000")
    console.print(table)


def show_verdicts(title: str, found: Sequence[LawVerdict], console: Console) -> None:
    """Show what became of each law that a part stands under."""
    table = table_of(title, "law", "verdict", "why")
    said: dict[str, str] = {}
    for verdict in found:
        first = said.setdefault(verdict.why, verdict.law)
        why = verdict.why if first == verdict.law or verdict.outcome != "broken" else f"as {first}"
        table.add_row(verdict.law, Text(verdict.outcome, OUTCOME_STYLES[verdict.outcome]), Text(why))
    console.print(table, "")
