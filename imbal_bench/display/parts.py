"""What there is to run: datasets, tasks, algorithms, weightings, learners, metrics and presets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from imbal_bench.display.tables import table_of

if TYPE_CHECKING:  # each function imports what it shows, so that a command loads what it needs and no more
    from bench.components import ComponentFacts as Facts
    from bench.testing import LawVerdict
    from bench.testing.agreement import Agreements


OUTCOME_STYLES = {"holds": "green", "broken": "bold red", "waived": "yellow"}


SHORT: dict[str, tuple[str, ...]] = {
    "datasets": ("name", "tasks", "train", "test", "here"),
    "tasks": ("name", "train positives", "test positives", "counted in"),
    "algorithms": ("name", "needs", "paper"),
    "weightings": ("name", "needs", "paper"),
    "learners": ("name", "what is trained", "paper"),
    "metrics": ("name", "of a", "better", "what"),
    "presets": ("name", "ratios", "seeds", "about"),
}
"""Kind -> the facts that a list shows; one named shows all of its facts."""
MOST_LETTERS = 60
"""Of a fact in a list."""


def listed(kind: str, name: str = "", data_dir: Path | None = None) -> list[dict[str, str]]:
    """Return the facts of all of a kind, or of the one that is named.

    Args:
        kind: a key of ``SHORT``.
        name: of one; empty: all.
        data_dir: local dataset mirror, if there is one.

    Raises:
        UnknownNameError: if there is none of that name.
    """
    from bench.errors import UnknownNameError

    makers: dict[str, Callable[[], Iterable[dict[str, str]]]] = {
        "datasets": lambda: _datasets(data_dir),
        "tasks": lambda: _tasks(data_dir),
        "algorithms": lambda: _components("algorithms"),
        "weightings": lambda: _components("weightings"),
        "learners": _learners,
        "metrics": _metrics,
        "presets": _presets,
    }
    found = list(makers[kind]())
    chosen = [one for one in found if name in {"", one["name"], *one.get("aliases", "").split(", ")}]
    if not chosen:
        raise UnknownNameError(kind.removesuffix("s"), name, [one["name"] for one in found])
    return chosen


def show_list(kind: str, found: Sequence[dict[str, str]], console: Console) -> None:
    """List the facts that tell things of a kind apart, a line each; no word is broken."""
    from rich.table import Table

    table = Table(title=kind.capitalize(), title_justify="left", header_style="bold", show_edge=False, pad_edge=False)
    for number, column in enumerate(SHORT[kind]):
        table.add_column(column, no_wrap=not number, overflow="ellipsis" if number else "fold")
    for one in found:
        table.add_row(*(Text(_first(one[column])) for column in SHORT[kind]))
    console.print(table)
    for line in _failures() if kind in {"algorithms", "weightings", "metrics"} else ():
        console.print(line, style="red", markup=False, highlight=False)


def show_one(one: dict[str, str], console: Console) -> None:
    """Show all facts of one thing."""
    for fact, value in one.items():
        if value:
            console.print(Text(f"{fact}: ", style="bold") + Text(value))


def _first(text: str) -> str:
    """Return what a list has room for of a fact: its first part, cut between words."""
    part = text.partition(";")[0]
    return part if len(part) <= MOST_LETTERS else f"{part[:MOST_LETTERS].rpartition(' ')[0]} ..."


def _failures() -> list[str]:
    from bench.metrics.base import REGISTRY
    from bench.strategies.catalogue import failures

    return list(dict.fromkeys([*failures(), *REGISTRY.failures]))


def _datasets(data_dir: Path | None) -> Iterator[dict[str, str]]:
    from bench.data.availability import availability
    from bench.data.catalogue import known_facts

    for state in availability(data_dir, probe=False):
        facts = known_facts(state.dataset)
        if facts is None:
            seen = dict.fromkeys(SHORT["datasets"], "") | {"name": state.dataset, "tasks": "see list tasks"}
            yield {**seen, "here": state.state, "where": state.detail}
            continue
        about = "~" if facts.rows_per_class_approximate else ""
        train, test = (
            f"{about}{sum(rows):,}" if rows else "" for rows in (facts.train_rows_per_class, facts.test_rows_per_class)
        )
        yield {
            "name": facts.name,
            "tasks": f"{len(facts.paper_tasks or facts.classes)} of {len(facts.classes)} classes"
            if facts.classes
            else facts.title,
            "train": train,
            "test": test,
            "here": state.state,
            "where": state.detail,
            "classes": ", ".join(facts.classes),
            "tasks of the paper": ", ".join(facts.paper_tasks),
            "licence": facts.licence,
        }


def _tasks(data_dir: Path | None) -> Iterator[dict[str, str]]:
    """Yield the tasks as specifications name them; of a dataset in the mirror, with the counts that it has there."""
    from bench.data.availability import task_counts

    for it in task_counts(data_dir):
        yield {
            "name": f"{it.dataset}/{it.positive}",
            "train positives": f"{it.train:,}",
            "test positives": f"{it.test:,}",
            "counted in": it.origin,
        }


def _components(kind: str) -> Iterator[dict[str, str]]:
    from bench.strategies.base import ALGORITHMS, WEIGHTINGS
    from bench.strategies.catalogue import facts

    parts: Sequence[Facts] = facts(ALGORITHMS) if kind == "algorithms" else facts(WEIGHTINGS)
    for it in parts:
        yield {
            "name": it.name,
            "needs": ", ".join(it.needs) or "nothing",
            "paper": it.paper,
            "options": _options(it.options),
            "implementation choices": it.open_points,
        }


def _options(options: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items())


def _learners() -> Iterator[dict[str, str]]:
    from bench.learners.catalogue import facts

    for it in facts():
        yield {
            "name": it.name,
            "what is trained": it.summary,
            "paper": it.paper,
            "offers": ", ".join(it.offers),
            "options": _options(it.options),
        }


def _metrics() -> Iterator[dict[str, str]]:
    """Yield metrics; the areas under learning curves, one for each metric of rounds, are one."""
    from bench.metrics.catalogue import every
    from bench.metrics.learning_curve import AreaUnderLearningCurve

    for metric in every().values():
        if not isinstance(metric, AreaUnderLearningCurve):
            chance = metric.chance(0.02)
            yield {
                "name": metric.name,
                "of a": metric.kind,
                "better": "higher" if metric.higher_is_better else "lower",
                "what": metric.summary,
                "aliases": ", ".join(metric.aliases),
                "range": f"{metric.low:g} to {metric.high:g}",
                "chance at 1/50": "" if math.isnan(chance) else f"{chance:.3g}",
                "formula": metric.formula,
                "source": metric.source,
            }
    curve = AreaUnderLearningCurve
    yield {
        "name": f"{curve.prefix}METRIC",
        "of a": "run",
        "better": "as the metric",
        "what": "mean of a metric of rounds over the labels bought",
        "aliases": f"{curve.short}METRIC",
        "formula": curve.formula,
        "source": curve.source,
    }


def _presets() -> Iterator[dict[str, str]]:
    from bench.config import load_spec, preset_names

    for name in preset_names():
        spec = load_spec(name)
        yield {
            "name": name,
            "ratios": ", ".join(map(str, spec.ratios)),
            "seeds": str(len(spec.seeds)),
            "about": spec.about,
            "tasks": ", ".join(spec.tasks),
            "model": spec.model.name,
        }


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
