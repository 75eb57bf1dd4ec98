"""The command line. Other packages are imported inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from bench import __version__
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.config import GridSpec
    from bench.grid.execute import Execution, Summary
    from bench.grid.world import World

app = typer.Typer(
    name="imbal-bench",
    help="""Benchmark active learning on imbalanced text.

    [bold]Examples[/bold]

    imbal-bench run quickstart        12 strategies on embedded text, minutes

    imbal-bench plan paper            what the paper's grid costs

    imbal-bench run paper --jobs 8    run it; stop, start again at any time

    imbal-bench run my.yaml --set loop.rounds=3    your grid, one field changed

    imbal-bench report --store results/paper       tables and figures of it""",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(
    help="Datasets: write them where other machines and programs can read them.", no_args_is_help=True
)
app.add_typer(data_app, name="data")

SpecArgument = Annotated[str, typer.Argument(help="A preset (see `imbal-bench list presets`) or a YAML file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override any field: --set loop.rounds=3 --set 'ratios=[10, 50]'. Repeatable."),
]
TasksOption = Annotated[str | None, typer.Option("--tasks", help="E.g. sst2,ag_news/Sports (as --set tasks=[...]).")]
RatiosOption = Annotated[str | None, typer.Option("--ratios", help="E.g. 10,50.")]
SeedsOption = Annotated[str | None, typer.Option("--seeds", help="A number of seeds, or a list such as 3,4.")]
AlgorithmsOption = Annotated[str | None, typer.Option("--algorithms", help="E.g. random,badge.")]
WeightingsOption = Annotated[str | None, typer.Option("--weightings", help="E.g. uniform,invprop.")]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", help="Hub id, local folder, or 'offline' (all-MiniLM-L6-v2 from a package)."),
]
StoreOption = Annotated[Path | None, typer.Option("--store", help="Result store. Default: results/<name of the grid>.")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data-dir", envvar="IMBAL_BENCH_DATA", help="Local dataset mirror instead of the Hub."),
]
CacheOption = Annotated[
    Path, typer.Option("--cache-dir", envvar="IMBAL_BENCH_CACHE", help="Cache; may be deleted at any time.")
]
JobsOption = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Worker processes; cores are divided among them.")]
ExecutorOption = Annotated[
    Literal["inline", "joblib", "dask"] | None,
    typer.Option("--executor", help="What runs blocks. Default: what the other options imply."),
]
GpusOption = Annotated[str | None, typer.Option("--gpus", help="Share out these GPUs: all, or 0,1,2.")]
PerGpuOption = Annotated[int, typer.Option("--per-gpu", min=1, help="Worker processes on each GPU.")]
SchedulerOption = Annotated[
    str | None, typer.Option("--scheduler", help="Use the workers of a Dask scheduler: tcp://host:8786.")
]
SlurmOption = Annotated[Path | None, typer.Option("--slurm", help="Use Slurm jobs as described in a YAML file.")]
ShardOption = Annotated[
    str | None, typer.Option("--shard", help="Run share i of n of the blocks, e.g. 1/8; shares may use one store.")
]
TimeoutOption = Annotated[
    float | None,
    typer.Option("--run-timeout", min=0.001, help="Seconds after which a run has hung and fails."),
]
ThreadsOption = Annotated[
    int | None, typer.Option("--threads", min=1, help="Threads of each worker. Default: cores / jobs.")
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
PluginOption = Annotated[
    list[str] | None, typer.Option("--plugin", help="Python file with strategies or weightings. Repeatable.")
]
DEFAULT_CACHE = Path("data_cache")
DEFAULT_JOBS = 1


def _version(wanted: bool) -> None:
    if wanted:
        print(f"imbal-bench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version_flag: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Declare options that stand before the command."""


def _load(
    spec: str,
    overrides: list[str] | None,
    tasks: str | None,
    ratios: str | None,
    seeds: str | None,
    algorithms: str | None,
    weightings: str | None,
    model: str | None,
) -> GridSpec:
    """Load a specification; the short options are overrides too, written as lists."""
    from bench.config import load_spec

    lists = {"tasks": tasks, "ratios": ratios, "algorithms": algorithms, "weightings": weightings}
    short = [f"{field}=[{value}]" for field, value in lists.items() if value is not None]
    if seeds is not None:
        short.append(f"seeds=[{seeds}]" if "," in seeds else f"seeds={seeds}")
    if model is not None:
        short.append(f"model.name={model}")
    return load_spec(spec, [*(overrides or ()), *short])


def _world(data_dir: Path | None, cache_dir: Path) -> World:
    from bench.grid.world import World

    return World(data_dir, cache_dir)


def _add_plugins(paths: list[str] | None) -> tuple[str, ...]:
    from bench.strategies.catalogue import add_plugin

    for path in paths or ():
        add_plugin(path)
    return tuple(str(Path(path).resolve()) for path in paths or ())


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 160, soft_wrap=not sys.stdout.isatty())


@app.command()
def run(
    spec: SpecArgument,
    overrides: SetOption = None,
    tasks: TasksOption = None,
    ratios: RatiosOption = None,
    seeds: SeedsOption = None,
    algorithms: AlgorithmsOption = None,
    weightings: WeightingsOption = None,
    model: ModelOption = None,
    store: StoreOption = None,
    data_dir: DataOption = None,
    cache_dir: CacheOption = DEFAULT_CACHE,
    jobs: JobsOption = DEFAULT_JOBS,
    threads: ThreadsOption = None,
    device: DeviceOption = "auto",
    executor: ExecutorOption = None,
    gpus: GpusOption = None,
    per_gpu: PerGpuOption = 1,
    scheduler: SchedulerOption = None,
    slurm: SlurmOption = None,
    shard: ShardOption = None,
    run_timeout: TimeoutOption = None,
    plugin: PluginOption = None,
    report: Annotated[bool, typer.Option(help="Write the report when all runs have ended.")] = True,
) -> None:
    """Run what is missing of a grid, then report.

    Stop it with Ctrl-C at any time; the same command goes on where it stopped. Exit code 1: some runs failed.

    Examples:

    imbal-bench run quickstart --jobs 2

    imbal-bench run paper --tasks sst2 --ratios 50 --data-dir mirror

    imbal-bench run paper --gpus all --per-gpu 2
    """
    from bench.config.slurm import load_slurm
    from bench.display import pool_warnings
    from bench.grid.execute import Execution, execute, preflight
    from bench.grid.expand import expand
    from bench.grid.workers import choose_workers

    console = _console()
    plugins = _add_plugins(plugin)
    workers = choose_workers(
        executor, jobs=jobs, gpus=gpus, per_gpu=per_gpu, scheduler=scheduler,
        slurm=load_slurm(slurm) if slurm else None, apart=run_timeout is not None,
    )  # fmt: skip
    grid_spec = _load(spec, overrides, tasks, ratios, seeds, algorithms, weightings, model)
    world = _world(data_dir, cache_dir)
    grid = expand(grid_spec, world)
    if shard is not None:
        grid = grid.shard(*_shard(shard))
    for line in pool_warnings(grid):
        console.print(line, style="yellow")
    folder = store or Path("results") / grid_spec.name
    execution = Execution(folder, world, workers, device, plugins, threads, run_timeout)
    preflight(grid_spec, execution)
    summary = execute(grid, execution, console)
    if report and shard is None:  # of a shard alone it would show little, and shards would write it at the same time
        _report(execution.store, execution.store / "report", console)
    _conclude(summary, execution, console)


def _shard(text: str) -> tuple[int, int]:
    """Read ``i/n``."""
    from bench.errors import SpecError

    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal()):
        raise SpecError(f"--shard {text!r} must read i/n, such as 1/8 for the first of eight shares")
    return int(number), int(count)


def _conclude(summary: Summary, execution: Execution, console: Console) -> None:
    console.print(
        f"{summary.stored_before + summary.done} of {summary.total} runs stored in {execution.store} "
        f"({summary.done} now, {summary.skipped} infeasible ones skipped); log: {summary.log_file}",
        highlight=False,
    )
    if summary.missing:
        for line in summary.failures[:5]:
            console.print(f"failed: {line}", style="red", markup=False, highlight=False)
        console.print(f"{summary.missing} runs failed; the same command tries them again", style="red")
        raise typer.Exit(1)


@app.command()
def plan(
    spec: SpecArgument,
    overrides: SetOption = None,
    tasks: TasksOption = None,
    ratios: RatiosOption = None,
    seeds: SeedsOption = None,
    algorithms: AlgorithmsOption = None,
    weightings: WeightingsOption = None,
    model: ModelOption = None,
    data_dir: DataOption = None,
    cache_dir: CacheOption = DEFAULT_CACHE,
    jobs: JobsOption = DEFAULT_JOBS,
    threads: ThreadsOption = None,
    device: DeviceOption = "auto",
    plugin: PluginOption = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Calibrate: time the model on this machine first.")
    ] = False,
    calibration: Annotated[
        Path | None,
        typer.Option(help="Calibration made elsewhere by --measure, e.g. on the GPU the grid shall run on."),
    ] = None,
) -> None:
    """Show what a grid amounts to: blocks, runs, model fits, rows to score, expected time by stage.

    Counts come from the data where it is at hand, from known facts of the datasets otherwise. A calibration takes about
    half a minute and is kept.

    Examples:

    imbal-bench plan paper --ratios 50

    imbal-bench plan paper --measure
    """
    from bench.display import show_plan
    from bench.errors import SpecError
    from bench.grid.calibrate import calibrate
    from bench.grid.expand import expand
    from bench.grid.rates import rates_file, read, save
    from bench.grid.workers import Workers
    from bench.model.hardware import choose_hardware

    if measure and calibration:
        raise SpecError("give --measure to calibrate here or --calibration to use a file, not both")
    _add_plugins(plugin)
    grid_spec = _load(spec, overrides, tasks, ratios, seeds, algorithms, weightings, model)
    world, console = _world(data_dir, cache_dir), _console()
    grid = expand(grid_spec, world, counted=False)
    hardware = choose_hardware(device, grid_spec.model.precision)
    each = threads or Workers("joblib", jobs).threads_each
    kept = calibration or rates_file(cache_dir, grid_spec.model.name, hardware.name, each)
    if measure:
        save(calibrate(grid_spec, hardware, each), kept)
        console.print(f"calibration kept in {kept}", highlight=False)
    rates = read(kept, grid_spec.model.name) if calibration or kept.exists() else None
    show_plan(grid, rates, jobs, console)


@app.command()
def status(
    store: Annotated[Path, typer.Option("--store", help="Result store.")] = Path("results/quickstart"),
) -> None:
    """Show what a store holds, what failed, and what its workers are doing now."""
    from bench.display import show_status
    from bench.store import Store

    show_status(Store(store), _console())


@app.command(name="list")
def list_(
    what: Annotated[
        Literal["all", "datasets", "tasks", "algorithms", "weightings", "presets"], typer.Argument()
    ] = "all",
    data_dir: DataOption = None,
    plugin: PluginOption = None,
) -> None:
    """List datasets, tasks, algorithms, weightings and presets, with their facts."""
    from bench import display
    from bench.strategies.base import ALGORITHMS, WEIGHTINGS
    from bench.strategies.catalogue import facts

    _add_plugins(plugin)
    console = _console()
    sections: dict[str, Callable[[], None]] = {
        "datasets": lambda: display.show_datasets(data_dir, console),
        "tasks": lambda: display.show_tasks(console),
        "algorithms": lambda: display.show_parts("Algorithms", facts(ALGORITHMS), console),
        "weightings": lambda: display.show_parts("Weightings", facts(WEIGHTINGS), console),
        "presets": lambda: display.show_presets(console),
    }
    for name, show in sections.items():
        if what in {"all", name}:
            show()
            console.print()


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Algorithms and weightings. Default: all.")] = None,
    plugin: PluginOption = None,
) -> None:
    """Hold algorithms and weightings against the laws of bench.testing. Exit code 1: a law is broken.

    Examples:

    imbal-bench check

    imbal-bench check mine --plugin mine.py
    """
    from bench.display import show_verdicts
    from bench.strategies.catalogue import failures, parts_named
    from bench.testing import verdicts

    _add_plugins(plugin)
    console = _console()
    parts = parts_named(names or ())
    broken = []
    for part in parts:
        found = verdicts(part)
        show_verdicts(part, found, console)
        if any(verdict.outcome == "broken" for verdict in found):
            broken.append(part.name)
    # A part asked for by name has loaded; "all" must not leave out in silence what has not.
    unloaded = [] if names else failures()
    for line in unloaded:
        console.print(line, style="red", markup=False, highlight=False)
    laws = f"laws broken by: {', '.join(broken)}" if broken else "all laws hold"
    console.print(f"{len(parts)} checked, {laws}", highlight=False, markup=False)
    if broken or unloaded:
        raise typer.Exit(1)


@app.command()
def report(
    store: Annotated[Path, typer.Option("--store", help="Result store.")] = Path("results/quickstart"),
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write. Default: report/ in the store.")] = None,
    table: Annotated[
        list[str] | None, typer.Option("--table", help="Table to print, such as T4 or T4-p. Repeatable. Default: T8.")
    ] = None,
    paper: Annotated[
        Path | None, typer.Option("--paper", help="Folder for an article: LaTeX, PDF figures, BibTeX, hashes.")
    ] = None,
) -> None:
    """Print the tables of a store, and write all of them as HTML page, LaTeX, CSV, Markdown; figures; and the runs."""
    _report(store, out or store / "report", _console(), table or [], paper)


@app.command()
def explain(
    address: Annotated[
        list[str], typer.Argument(help="A table and what singles out a cell; a store's folder may stand first.")
    ],
    store: Annotated[Path, typer.Option("--store", help="Result store.")] = Path("results/quickstart"),
    settings: Annotated[str, typer.Option(help="First digits of the settings, if the store holds several.")] = "",
) -> None:
    """List the runs, seeds and files behind a number of a table.

    Examples:

    imbal-bench explain T4 50 auc InvProp --store results/paper

    imbal-bench explain results/paper T8 50 badge posprob auc
    """
    from reports import terminal_explanation

    if Path(address[0]).is_dir():
        store, address = Path(address[0]), address[1:]
    _console().print(terminal_explanation(store, address, settings))


def _report(store: Path, out: Path, console: Console, tables: Sequence[str] = (), paper: Path | None = None) -> None:
    from reports import terminal_table, write_report

    console.print(terminal_table(store, tables))
    files = write_report(store, out, paper)
    console.print(f"report: {files.html.resolve()}", highlight=False, soft_wrap=True)
    if paper:
        console.print(f"for an article: {(paper / 'main.tex').resolve()}", highlight=False, soft_wrap=True)


@app.command()
def validate(
    store: Annotated[
        Path | None, typer.Argument(help="Result store to take shape and spread from. Default: the paper's shape.")
    ] = None,
    arms: Annotated[str, typer.Option(help="The two weightings whose differences are taken.")] = "invprop,uniform",
    metric: Annotated[str, typer.Option(help="balanced_accuracy, auc or positives_ratio.")] = "auc",
    condition: Annotated[str | None, typer.Option(help="E.g. ratio50-warm, where the store holds several.")] = None,
    tasks: Annotated[str | None, typer.Option(help="Tasks of each dataset instead, e.g. 4,3,5,2.")] = None,
    seeds: Annotated[int | None, typer.Option(help="Number of seeds instead.")] = None,
    algorithms: Annotated[int | None, typer.Option(help="Number of algorithms that a test pools instead.")] = None,
    sd: Annotated[
        list[str] | None,
        typer.Option(help="Standard deviation instead, of dataset, task, seed, block or residual: task=0.02."),
    ] = None,
    effect: Annotated[float | None, typer.Option(help="Effect to plant. Default: one found in 80 % of grids.")] = None,
    simulations: Annotated[int, typer.Option(help="Grids drawn for each question.")] = 4000,
) -> None:
    """Try the suite's own tests: false positives and power of paper and sound mode, on simulated grids.

    Examples:

    imbal-bench validate

    imbal-bench validate results/paper --condition ratio50-warm --metric positives_ratio

    imbal-bench validate --tasks 4,3,5,2 --seeds 5 --sd task=0.01 --effect 0.005
    """
    from analysis import Store, inference, read_results
    from bench.display import show_validation

    plan = inference.PAPER_PILOT
    if store is not None:
        plan = inference.pilot(read_results(Store(store)), arms.split(","), metric, condition)
    plan = inference.rearranged(plan, tasks=tasks, seeds=seeds, algorithms=algorithms, spread=sd or ())
    found = inference.validate(plan.components, plan.shape, effect=effect, simulations=simulations)
    show_validation(plan, found, inference.MODEL, _console())


@app.command()
def doctor(
    store: Annotated[Path, typer.Option("--store", help="Result store.")] = Path("results/quickstart"),
    data_dir: DataOption = None,
    cache_dir: CacheOption = DEFAULT_CACHE,
) -> None:
    """Check the environment, and every run of a store against itself and its data. Exit code 1: a run is wrong."""
    from bench.display import show_audit, show_doctor
    from bench.grid.audit import audit
    from bench.store import Store

    world, console = _world(data_dir, cache_dir), _console()
    show_doctor(world, store, console)
    if (store / "store.json").exists():
        found = audit(Store(store), world)
        show_audit(store, found, console)
        if found.wrong:
            raise typer.Exit(1)


@app.command()
def perf(
    shape: Annotated[str | None, typer.Option(help="minilm-l6 (default on a CPU) or bert-base (on a GPU).")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rows, one turn: a rough answer.")] = False,
    compare: Annotated[Path | None, typer.Option(help="Stored report: exit with 1 if a ratio is much worse.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write the report as JSON.")] = None,
    data_dir: DataOption = None,
    cache_dir: CacheOption = DEFAULT_CACHE,
    threads: ThreadsOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Measure scoring, fits, surprisal and resets against what this machine can do at best.

    Examples:

    imbal-bench perf --save here.json

    imbal-bench perf --compare here.json
    """
    from bench.model.hardware import choose_hardware, use_threads
    from bench.perf import report
    from bench.perf.suite import measure

    console = _console()
    baseline = report.read(compare) if compare else None
    if threads:
        use_threads(threads)
    with console.status("") as status:
        found = measure(choose_hardware(device), shape, data_dir, cache_dir, quick=quick, tell=status.update)
    report.show(found, console)
    if save:
        save.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if baseline:
        report.compare(found, baseline)
        console.print(f"no ratio is much worse than in {compare}", highlight=False)


@data_app.command()
def export(
    dataset: Annotated[str, typer.Argument(help="Dataset, or task such as sst2/negative with --ratio.")],
    out: Annotated[Path, typer.Argument(help="Mirror folder; the dataset gets a folder of its own in it.")],
    ratio: Annotated[
        int | None, typer.Option(help="Write the binary, imbalanced pool of a task at this ratio.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Rows of the pool at most (pool.limit).")] = None,
    data_dir: DataOption = None,
    cache_dir: CacheOption = DEFAULT_CACHE,
) -> None:
    """Write a dataset, or the constructed pool of a task, as a mirror (Parquet and info.json).

    Examples:

    imbal-bench data export sst2 mirror

    imbal-bench data export sst2/negative pools --ratio 50
    """
    from bench.data.export import export_mirror, export_pool
    from bench.errors import SpecError
    from bench.grid.expand import parse_task
    from bench.records import LoopSettings, PoolSettings, Task
    from bench.tasks import build_task

    source, positive = parse_task(dataset)
    corpus = _world(data_dir, cache_dir).corpus(source)
    if ratio is None:
        if positive is not None:
            raise SpecError(f"{dataset!r} names a class; give --ratio to write its pool, or {source!r} for all of it")
        folder = out / corpus.name
        export_mirror(corpus, folder)
    else:
        if positive is None:
            raise SpecError(f"--ratio needs a task; give {source}/CLASS with one of: {', '.join(corpus.label_names)}")
        task = Task(dataset=corpus.name, positive=positive)
        built = build_task(corpus, task, ratio, "warm", PoolSettings(limit=limit), LoopSettings())
        safe = positive.replace("/", "-")
        folder = out / f"{corpus.name}-{safe}-{ratio}"
        export_pool(corpus, built.rows, positive, ratio, folder)
    _console().print(f"written: {folder}", highlight=False)


def main() -> None:
    """Run the command line; an error the suite raises on purpose becomes one line and its exit code."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        app()
    except BenchError as error:
        print(f"imbal-bench: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except Exception as error:
        if os.environ.get("IMBAL_BENCH_DEBUG"):
            raise
        text = " ".join(f"{type(error).__name__}: {error}".split())
        print(
            f"imbal-bench: unexpected error, please report it: {text} (IMBAL_BENCH_DEBUG=1 shows where)",
            file=sys.stderr,
        )
        raise SystemExit(70) from None


if __name__ == "__main__":
    main()
