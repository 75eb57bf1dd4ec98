"""What the driver sends its workers, and what they report; both travel by pickle among the processes of one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.grid.expansion.blocks import BlockJob
from bench.grid.world import World
from bench.registry import PluginFile


@dataclass(frozen=True)
class WorkerContext:
    """What a worker needs to know besides its block.

    Attributes:
        store: path of the result store. device: auto, cpu or cuda. threads: of torch in this worker.
        plugins: files named by the user, as the driver read them.
        driver: process name of the driver. call: names this call of it.
        folder: where the driver was started, so that relative paths mean the same here.
        log_file: of the driver; workers add to it. run_timeout: seconds a run may take, or None.
        debug: whether what a run raises is raised, and not recorded.
        with_excerpts: whether records keep how some selected texts begin.
    """

    store: Path
    world: World
    device: str
    threads: int
    plugins: tuple[PluginFile, ...]
    driver: str
    call: str
    folder: Path
    log_file: Path
    run_timeout: float | None = None
    debug: bool = False
    with_excerpts: bool = False


@dataclass
class BlockReport:
    """What became of a block. Never an exception.

    Attributes:
        busy: another process has it. lost: its worker died; whatever that finished is stored.
        failures: a line for each run that failed. fatal: why no block can be run.
    """

    name: str
    busy: bool = False
    lost: bool = False
    failures: list[str] = field(default_factory=list)
    fatal: str = ""


RunBlock = Callable[[BlockJob], BlockReport]
RunBlocks = Callable[[RunBlock, Sequence[BlockJob]], Iterable[BlockReport]]
"""Has workers run blocks by a function; yields their reports as they come."""
