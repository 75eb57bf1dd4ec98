"""What a card does with this suite, part by part, in minutes: `perf gpu`.

Each part runs in a process that the next ones share, because loading takes long; where one fails, hangs or takes the
process with it, that is a line, and a new process does the rest. What is found is written down at once.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench import __version__
from bench.errors import ModelError, UnknownNameError
from bench.perf import gpu_candidates, gpu_parts
from bench.perf.gpu_card import Card, GpuPart, Options, SkippedError
from bench.perf.report import Measure, PerfReport

PARTS: dict[str, GpuPart] = {
    "ceilings": GpuPart(gpu_parts.ceilings, 40),
    "score": GpuPart(gpu_parts.score, 90),
    "fit": GpuPart(gpu_parts.fit, 60),
    "select": GpuPart(gpu_parts.select, 90),
    "surprisal": GpuPart(gpu_parts.surprisal, 40),
    "tests": GpuPart(gpu_parts.tests, 120),
    "together": GpuPart(gpu_candidates.together, 120),
    "cudnn": GpuPart(gpu_candidates.cudnn, 40),
    "budgets": GpuPart(gpu_candidates.budgets, 40),
    "attention": GpuPart(gpu_candidates.attention, 30, gpu_only=True),
    "fp8": GpuPart(gpu_candidates.fp8, 30, gpu_only=True),
    "graph": GpuPart(gpu_candidates.graph, 60, gpu_only=True),
    "compile": GpuPart(gpu_candidates.compiled, 100, gpu_only=True),
}
"""In the order of what is most worth knowing, since time may run out. From `together` on: candidates, which nothing in
the suite uses yet, and what they would bring."""
START = "spawn"
"""How processes are started: CUDA cannot be forked."""
LOADING_S = 120.0
"""Most seconds that a new process may take until its first part begins."""
LEAST_S = 8.0
"""With fewer seconds left than this, no part is begun."""
LOST = ("CUDA error", "device-side assert", "AcceleratorError")
"""Words of errors after which nothing works in a process any more."""


@dataclass
class Findings:
    """What was found, and what went wrong, written to ``file`` line by line as it comes."""

    file: Path
    began: float = field(default_factory=time.monotonic)
    facts: dict[str, Any] = field(default_factory=dict)
    measures: list[Measure] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def note(self, part: str, kind: str, content: Any) -> None:
        """Keep what a part says: ``facts``, a ``measure``, that it ``failed`` or was ``skipped``, or is ``done``."""
        if kind == "facts":
            self.facts = content
        elif kind == "measure":
            self.measures.append(Measure.model_validate(content))
        elif kind in {"failed", "skipped"}:
            getattr(self, kind)[part] = content
        line = {"at_s": round(time.monotonic() - self.began, 1), "part": part, kind: content}
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def parts_named(names: Iterable[str], known: dict[str, GpuPart]) -> list[str]:
    """Return these parts, or all, in the order in which they run.

    Raises:
        UnknownNameError: if there is no such part.
    """
    wanted = list(names)
    for name in wanted:
        if name not in known:
            raise UnknownNameError("part", name, known)
    return [name for name in known if not wanted or name in wanted]


def measure(
    options: Options,
    names: Iterable[str],
    limit: float,
    tell: Callable[[str], None],
    more: dict[str, GpuPart] | None = None,
) -> tuple[PerfReport, Findings]:
    """Measure parts, one after the other, until all are done or ``limit`` seconds are over.

    Args:
        options: device and sizes; to its folder ``out`` goes ``results.jsonl``, begun anew.
        names: of parts; none: all.
        limit: seconds in all.
        tell: called with what is being measured.
        more: parts beside those of this package, whose work can be pickled.

    Raises:
        UnknownNameError: if there is no such part. OSError: if ``out`` cannot be written.
    """
    known = PARTS | (more or {})
    remaining, load = parts_named(names, known), os.getloadavg()[0]
    options.out.mkdir(parents=True, exist_ok=True)
    found = Findings(options.out / "results.jsonl")
    found.file.write_text("", encoding="utf-8")
    while remaining and found.began + limit - time.monotonic() > LEAST_S:
        remaining = _one_process(options, {name: known[name] for name in remaining}, found.began + limit, found, tell)
    for name in remaining:
        found.note(name, "skipped", f"the {limit:.0f} s were over")
    report = PerfReport(
        version=__version__,
        kind="gpu" + (", dry run" if options.dry_run else ""),
        device=", ".join(f"{value}" for value in found.facts.values()) or "unknown",
        texts={"goals": "reckoned from operations, launches and bandwidth; the documentation has what an H200 came to"},
        load=(load, os.getloadavg()[0]),
        measures=tuple(found.measures),
    )
    return report, found


def _one_process(
    options: Options, parts: dict[str, GpuPart], end: float, found: Findings, tell: Callable[[str], None]
) -> list[str]:
    """Let a new process work on parts; return those that it did not come to."""
    context: Any = multiprocessing.get_context(START)
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(there, options, parts))
    process.start()
    there.close()
    left, current, deadline = list(parts), next(iter(parts)), time.monotonic() + LOADING_S * options.patience
    try:
        while left:
            allowed = min(deadline, end) - time.monotonic()
            if not here.poll(max(allowed, 0)):
                why = f"it took longer than {parts[current].seconds:g} s" if deadline < end else "the time was over"
                found.note(current, "failed", why)
                return [name for name in left if name != current]
            part, kind, content = here.recv()
            if kind == "begin":
                tell(part)
                current, deadline = part, time.monotonic() + parts[part].seconds * options.patience
                if end - time.monotonic() < LEAST_S:
                    return left
                continue
            found.note(part, kind, content)
            if kind in {"done", "failed", "skipped"}:
                left.remove(part)
    except EOFError:
        process.join(LEAST_S)
        found.note(current, "failed", f"its process ended ({process.exitcode})")
        return [name for name in left if name != current]
    finally:
        process.join(0 if left else LEAST_S)  # one that is done ends by itself, and cleans up
        process.kill()
        process.join()
        here.close()
    return left


def _work(connection: Connection, options: Options, parts: dict[str, GpuPart]) -> None:
    """Do the parts in this process and say what they find."""
    card = Card.made(options)
    connection.send(("machine", "facts", card.facts))
    for name, part in parts.items():
        connection.send((name, "begin", None))
        if part.gpu_only and options.dry_run:
            connection.send((name, "skipped", "it needs a GPU"))
            continue
        try:
            for found in part.work(card):
                connection.send((name, "measure", found.model_dump()))
            connection.send((name, "done", None))
        except SkippedError as error:
            connection.send((name, "skipped", str(error)))
        except Exception as error:  # noqa: BLE001 - a part's failure is a line, and the others go on
            why = f"{type(error).__name__}: {error}".splitlines()[0][:500]
            connection.send((name, "failed", why))
            if any(word in why for word in LOST):
                os._exit(9)
    connection.close()


def refuse_without_gpu(count: int) -> None:
    """Raise :class:`ModelError` if there is no GPU."""
    if count == 0:
        raise ModelError("perf gpu needs a GPU, and torch sees none here; --dry-run tries every part on the CPU, tiny")
