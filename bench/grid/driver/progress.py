"""Progress of a grid, for people: a live display on a terminal, log lines now and then without one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bench.grid.worker.course import Course, write_course
from bench.grid.worker.heartbeat import Beat, beats
from bench.store import Store

log = logging.getLogger("bench")
PLAIN_EVERY_S = 30.0
POLL_S = 1.0
RECORD_EVERY = 10
"""Polls from one record of the course to the next."""


class Monitor:
    """Counts runs and estimates what is left, from the store and the workers' heartbeats.

    The estimate weighs runs by their planned cost, so that a cheap strategy that ends first does not flatter it.
    """

    def __init__(self, store: Store, costs: dict[str, float], already: set[str], grid: str = "") -> None:
        """Start the clock.

        Args:
            grid: its name.
            store: where runs appear.
            costs: run key -> planned cost, in any unit.
            already: keys that were stored before.
        """
        self.store, self.costs, self.already, self.grid = store, costs, already, grid
        self.began = time.monotonic()

    def record(self, left_s: float | None) -> None:
        """Let ``status`` know how far the grid has come."""
        write_course(self.store, Course(grid=self.grid, keys=tuple(self.costs), left_s=left_s, time=time.time()))

    def done(self) -> set[str]:
        """Return the keys of this grid that are stored by now."""
        return self.store.keys() & self.costs.keys()

    def left_s(self, done: set[str], now: list[Beat]) -> float | None:
        """Return the expected seconds left, or None before there is anything to go by."""
        fresh = sum(self.costs[key] for key in done - self.already)
        fresh += sum(beat.fraction * self.costs.get(beat.key, 0.0) for beat in now)
        total = sum(cost for key, cost in self.costs.items() if key not in self.already)
        if fresh <= 0:
            return None
        return (time.monotonic() - self.began) * max(total - fresh, 0.0) / fresh

    def render(self) -> Group:
        """Return the live display."""
        done, now = self.done(), beats(self.store)
        head = Table.grid(padding=(0, 1))
        head.add_row(
            f"runs {len(done)}/{len(self.costs)}",
            ProgressBar(total=max(len(self.costs), 1), completed=len(done), width=30),
            f"elapsed {clock(time.monotonic() - self.began)}",
            f"left about {clock(self.left_s(done, now))}",
        )
        return Group(head, *(Text(f"  {beat.what}  {beat.stage}", style="dim") for beat in now))

    def line(self) -> str:
        """Return the display as one line, for a log."""
        done, now = self.done(), beats(self.store)
        doing = "; ".join(f"{beat.what} {beat.stage}" for beat in now)
        return f"runs {len(done)}/{len(self.costs)}  left about {clock(self.left_s(done, now))}  {doing}"

    def log_new(self, known: set[str]) -> set[str]:
        """Log a line for each run stored since ``known``; return what is known now."""
        done = self.done()
        for key in sorted(done - known):
            record = self.store.read(key)
            log.info(
                "done    %s  positives %.3f  BA %.3f  AUC %.3f  %.0f s",
                record.spec, *(record.outcome[name] for name in ("positives_ratio", "balanced_accuracy", "auc")),
                record.seconds,
            )  # fmt: skip
        return done


def clock(seconds: float | None) -> str:
    """Return a duration as h:mm:ss, or a dash when it is not known yet."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def shown(monitor: Monitor, console: Console) -> Iterator[None]:
    """Show a monitor while the body runs: live on a terminal, else a line now and then; finished runs are logged."""
    stop = threading.Event()

    def watch() -> None:
        known, quiet_s = set(monitor.already), 0.0
        polls = 0
        while not stop.wait(POLL_S):
            if polls % RECORD_EVERY == 0:
                monitor.record(monitor.left_s(monitor.done(), beats(monitor.store)))
            polls += 1
            known, quiet_s = monitor.log_new(known), quiet_s + POLL_S
            if quiet_s >= PLAIN_EVERY_S and not console.is_terminal:
                log.info("%s", monitor.line())
                quiet_s = 0.0
        monitor.log_new(known)
        monitor.record(None)

    thread = threading.Thread(target=watch, daemon=True)
    live = Live(get_renderable=monitor.render, console=console, refresh_per_second=2, transient=True)
    thread.start()
    try:
        with live if console.is_terminal else nullcontext():
            yield
    finally:
        stop.set()
        thread.join()
