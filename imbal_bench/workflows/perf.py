"""Measure the suite against what this machine can do at best."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

from bench.grid import pace
from bench.grid.cost import gpu_forecast
from bench.grid.world import World
from bench.model.hardware import choose_hardware, use_threads, visible_gpus
from bench.perf import block, clustering, gpu, report, reporting, scan, selection, suite
from bench.perf.gpu import Findings
from bench.perf.gpu_card import Options
from bench.perf.report import PerfReport

Kind = Literal["model", "selection", "clustering", "block", "grid", "store", "report"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Tell = Callable[[str], None]


def measure(
    what: Kind | Literal["all"],
    world: World,
    tell: Tell,
    *,
    shape: str | None = None,
    quick: bool = False,
    threads: int | None = None,
    device: str = "auto",
    save: Path | None = None,
    compare: Path | None = None,
) -> Iterator[PerfReport]:
    """Yield reports as they are made; after the last one, compare them with stored ones.

    Args:
        what: what is measured.
        world: where data and caches are.
        tell: called with what is being done.
        shape: of the model.
        quick: a rough answer.
        threads: of this process.
        device: auto, cpu or cuda.
        save: where reports are written, of ``all`` a folder.
        compare: stored ones, in the same way.

    Raises:
        RunError: if a ratio is much worse than a stored one.
    """

    def place(given: Path, kind: str) -> Path:
        return given / f"{kind}.json" if what == "all" else given

    # `all` needs no texts.
    kinds = tuple(kind for kind in KINDS if kind != "clustering") if what == "all" else (what,)
    stored = {kind: report.read(place(compare, kind)) for kind in kinds} if compare else {}
    if threads:
        use_threads(threads)
    hardware, found = choose_hardware(device), {}
    measures: dict[Kind, Callable[[], PerfReport]] = {
        "model": lambda: suite.measure(hardware, shape, world.data_dir, world.cache_dir, quick=quick, tell=tell),
        "selection": lambda: selection.measure(hardware, quick=quick, tell=tell),
        "clustering": lambda: clustering.measure(hardware, world.data_dir, world.cache_dir, quick=quick, tell=tell),
        "block": lambda: block.measure(hardware, quick=quick, tell=tell),
        "grid": lambda: pace.measure(hardware, quick=quick, tell=tell),
        "store": lambda: scan.measure(hardware, quick=quick, tell=tell),
        "report": lambda: reporting.measure(quick=quick, tell=tell),
    }
    for kind in kinds:
        found[kind] = measures[kind]()
        if save:
            report.write(found[kind], place(save, kind))
        yield found[kind]
    report.compare([(found[kind], before) for kind, before in stored.items()])


def measure_gpu(
    parts: Sequence[str], limit: float, out: Path, tell: Tell, *, save: Path | None = None, dry_run: bool = False
) -> tuple[PerfReport, Findings]:
    """Measure a card part by part; return the report, and what was found of each part.

    Args:
        parts: which; none: all.
        limit: seconds in all.
        out: folder for results, written line by line.
        tell: called with the part that is being measured.
        save: where the report is written.
        dry_run: try the parts on the CPU in tiny sizes.

    Raises:
        ModelError: if there is no card.
    """
    if not dry_run:
        gpu.refuse_without_gpu(len(visible_gpus()))
    with tempfile.TemporaryDirectory() as folder:
        options = Options(dry_run, Path(folder), out, patience=10.0 if dry_run else 1.0)
        measured, found = gpu.measure(options, list(parts), limit, tell, gpu_forecast.PART)
    if save:
        report.write(measured, save)
    return measured, found
