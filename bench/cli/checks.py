"""Hold strategies, stores and the machine against what is asked of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

from bench.cli.console import console_here
from bench.cli.options import (
    DEFAULT_CACHE,
    CacheOption,
    DataOption,
    DeviceOption,
    PluginOption,
    ThreadsOption,
    add_plugins,
    world_at,
)

DEFAULT_STORE = Path("results/quickstart")


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Algorithms, weightings, learners (tfidf:svd=8) and metrics. Default: all."),
    ] = None,
    plugin: PluginOption = None,
) -> None:
    """Hold algorithms, weightings, learners and metrics against the laws of bench.testing. Exit code 1: one is broken.

    Examples:

    imbal-bench check

    imbal-bench check mine --plugin mine.py

    imbal-bench check probe tfidf:svd=8
    """
    from bench.display import show_verdicts
    from bench.testing.everything import failures, kind_of, parts_named, verdicts_on

    add_plugins(plugin)
    console = console_here()
    parts = parts_named(names or ())
    broken = []
    for part in parts:
        found = verdicts_on(part)
        show_verdicts(f"{part.name} ({kind_of(part)})", found, console)
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


def doctor(
    store: Annotated[
        Path | None, typer.Option("--store", help="Result store. Default: results/quickstart, if it is there.")
    ] = None,
    data_dir: DataOption = None,
    cache_dir: CacheOption = DEFAULT_CACHE,
) -> None:
    """Check the environment, and every run of a store against itself and its data. Exit code 1: a run is wrong."""
    from bench.display import show_audit, show_doctor
    from bench.grid.stored.audit import audit
    from bench.store import Store

    world, console = world_at(data_dir, cache_dir), console_here()
    place = store or DEFAULT_STORE
    show_doctor(world, place, console)
    if store or (place / "store.json").exists():
        found = audit(Store(place), world)
        show_audit(place, found, console)
        if found.wrong:
            raise typer.Exit(1)


def perf(
    what: Annotated[
        Literal["model", "selection", "clustering", "block", "store", "report", "all", "gpu"],
        typer.Argument(
            help="Passes and fits of the model; queries over pools of up to 500,000 rows; a large block's memory; "
            "a result store of 20,000 runs; the report of 12,820 runs; or all of these. clustering: inertia of k-means "
            "on the paper's datasets. gpu: what a card does, in eight minutes."
        ),
    ] = "model",
    shape: Annotated[str | None, typer.Option(help="minilm-l6 (default on a CPU) or bert-base (on a GPU).")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rows, one turn: a rough answer.")] = False,
    compare: Annotated[
        Path | None, typer.Option(help="Stored report: exit with 1 if a ratio is much worse. Of `all`, a folder.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Write the report as JSON. Of `all`, one each in a folder.")] = None,
    data_dir: DataOption = None,
    cache_dir: CacheOption = DEFAULT_CACHE,
    threads: ThreadsOption = None,
    device: DeviceOption = "auto",
    parts: Annotated[str | None, typer.Option(help="gpu: these parts alone, e.g. score,select.")] = None,
    limit: Annotated[float, typer.Option(min=1, help="gpu: seconds in all; what is left then is not measured.")] = 470,
    out: Annotated[Path, typer.Option(help="gpu: folder for results.jsonl, written line by line.")] = Path("perf-gpu"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="gpu: try the parts on the CPU in tiny sizes; the numbers mean nothing.")
    ] = False,
) -> None:
    """Measure the suite against what this machine can do at best.

    Examples:

    imbal-bench perf --save here.json

    imbal-bench perf selection --threads 2

    imbal-bench perf all --save here

    imbal-bench perf --compare here.json

    imbal-bench perf gpu --limit 300
    """
    from bench.errors import SpecError

    unread = {"--parts": parts, "--dry-run": dry_run} if what != "gpu" else {
        "--shape": shape, "--quick": quick, "--compare": compare, "--threads": threads,
    }  # fmt: skip
    if ignored := [name for name, value in unread.items() if value]:
        raise SpecError(f"perf {what} does not read {', '.join(ignored)}; leave it out")
    if what == "gpu":
        _perf_gpu((parts or "").split(",") if parts else [], limit, out, save, dry_run=dry_run)
        return
    from bench.model.hardware import choose_hardware, use_threads
    from bench.perf import block, clustering, report, reporting, scan, selection, suite

    def place(given: Path, kind: str) -> Path:
        return given / f"{kind}.json" if what == "all" else given

    console = console_here()

    def tell(what: str) -> None:
        status.update(Text(what))

    if threads:
        use_threads(threads)
    hardware = choose_hardware(device)
    with console.status("") as status:
        measures: dict[str, Callable[[], report.Report]] = {
            "model": lambda: suite.measure(hardware, shape, data_dir, cache_dir, quick=quick, tell=tell),
            "selection": lambda: selection.measure(hardware, quick=quick, tell=tell),
            "clustering": lambda: clustering.measure(hardware, data_dir, cache_dir, quick=quick, tell=tell),
            "block": lambda: block.measure(hardware, quick=quick, tell=tell),
            "store": lambda: scan.measure(hardware, quick=quick, tell=tell),
            "report": lambda: reporting.measure(quick=quick, tell=tell),
        }
        # `all` needs no texts.
        kinds = [kind for kind in measures if kind != "clustering"] if what == "all" else [what]
        baselines = {kind: report.read(place(compare, kind)) for kind in kinds} if compare else {}
        found = {}
        for kind in kinds:
            found[kind] = measures[kind]()
            if save:
                report.write(found[kind], place(save, kind))
            report.show(found[kind], console)
    report.compare([(found[kind], baseline) for kind, baseline in baselines.items()])
    if compare:
        console.print(f"no ratio is much worse than in {compare}", highlight=False)


def _perf_gpu(parts: list[str], limit: float, out: Path, save: Path | None, *, dry_run: bool) -> None:
    """Measure a card part by part, show what was found, and say what could not be measured."""
    import tempfile

    from bench.grid.cost import gpu_forecast
    from bench.model.hardware import visible_gpus
    from bench.perf import gpu, report
    from bench.perf.gpu_card import Options

    if not dry_run:
        gpu.refuse_without_gpu(len(visible_gpus()))
    console = console_here()
    with console.status("") as status, tempfile.TemporaryDirectory() as folder:
        options = Options(dry_run, Path(folder), out, patience=10.0 if dry_run else 1.0)
        tell = lambda part: status.update(Text(part))  # noqa: E731
        measured, found = gpu.measure(options, parts, limit, tell, gpu_forecast.PART)
    report.show(measured, console)
    for part, why in found.skipped.items():
        console.print(Text(f"{part} was not measured: {why}", "dim"))
    for part, why in found.failed.items():
        console.print(Text(f"{part} failed: {why}", "red"))
    if save:
        report.write(measured, save)
    if found.failed:
        raise typer.Exit(1)
