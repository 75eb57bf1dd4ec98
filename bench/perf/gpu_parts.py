"""The parts of `perf gpu` that measure what the suite does, against what a card can do at best."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from bench.errors import RunError
from bench.model.standard_state import standard_state
from bench.perf import selection, stages
from bench.perf.floors import memory_copy
from bench.perf.gpu_card import Card, SkippedError
from bench.perf.report import Measure
from bench.records import TrainSettings
from bench.strategies.base import ALGORITHMS

FITS, DRY_FITS = (16, 208), (8, 24)
"""Rows of a short and a long fit; their difference is steps alone."""
POOL, DRY_POOL = 500_000, 300
BACKWARD = 3
GOALS = {
    "score sst2: useful FLOPs": "ratio >= 0.6",
    "score ag_news: useful FLOPs": "ratio >= 0.6",
    "a step of a fit": "<= 6 ms",
    f"select badge {POOL:,}": "< 1 s",
    f"select alps {POOL:,}": "< 2 s",
    "peak memory of a process": "< 40 GB",
}
"""What the numbers should come to; reckoned, until a card says otherwise."""


def goal(measure: Measure) -> Measure:
    """Return a measure with the goal that was set for it."""
    return measure.model_copy(update={"goal": GOALS[measure.stage]}) if measure.stage in GOALS else measure


def ceilings(card: Card) -> Iterator[Measure]:
    """Measure what all floors rest on: matrix products and copies of memory."""
    size = 128 if card.options.dry_run else 8192
    square = card.linear(size, size, size)
    copy, moved = memory_copy(card.hardware)
    yield Measure(
        stage="matrix products of a layer", value=card.flops_per_s / 1e12, unit="TFLOP/s", better="higher",
        floor=f"{size} x {size} x {size} at {square / 1e12:.3g} TFLOP/s", ratio=card.flops_per_s / square,
    )  # fmt: skip
    bandwidth = moved / card.seconds(copy)
    yield Measure(
        stage="copy of memory", value=bandwidth / 1e9, unit="GB/s", better=None,
        floor="itself: the floor of what only reads", ratio=1.0,
    )  # fmt: skip


def score(card: Card) -> Iterator[Measure]:
    """Measure passes over texts of two lengths."""
    for name, tokens in card.texts.items():
        yield from map(goal, stages.scoring(card.bench, name, tokens))


def fit(card: Card) -> Iterator[Measure]:
    """Measure a step of a fit against its operations, and what surrounds the steps."""
    train, tokens, bench = TrainSettings(), card.texts["ag_news"], card.bench

    def fits(rows: int) -> None:
        at = np.arange(rows)
        bench.encoder.fit(tokens, at, (at % 4 == 0).astype(np.int64), train, **stages.FIT_PARTS)

    sizes = DRY_FITS if card.options.dry_run else FITS
    short, long = (card.seconds(partial(fits, rows)) for rows in sizes)
    steps = [train.epochs * -(-rows // train.batch_size) for rows in sizes]
    step = max((long - short) / (steps[1] - steps[0]), 1e-9)
    operations = BACKWARD * sum(map(card.shape.forward_flops, tokens.lengths[: sizes[1]].tolist())) / sizes[1]
    floor = operations * train.batch_size / card.flops_per_s
    yield goal(
        Measure(
            stage="a step of a fit", value=1e3 * step, unit="ms", ratio=step / floor, better="lower",
            floor=f"its operations alone, {1e3 * floor:.3g} ms",
        )
    )  # fmt: skip
    yield Measure(
        stage="a fit around its steps", value=1e3 * (short - steps[0] * step), unit="ms", better="lower",
        floor=f"a fit of {sizes[1]} rows, {1e3 * long:.3g} ms", ratio=max(short - steps[0] * step, 0.0) / long,
    )  # fmt: skip
    yield from stages.resetting(bench)


def surprisal(card: Card) -> Iterator[Measure]:
    """Measure surprisal against a pass of the encoder."""
    yield from stages.surprisal(card.bench, "ag_news", card.texts["ag_news"])


def select(card: Card) -> Iterator[Measure]:
    """Measure queries over a large pool in the state in which runs are, then the memory that all of this took."""
    pool = selection.Pool.drawn(DRY_POOL if card.options.dry_run else POOL, card.hardware.device)
    with standard_state():
        for name in selection.NAMES:
            algorithm = ALGORITHMS.get(name)()
            pool.select(algorithm)  # kernels are loaded when they are first used
            yield goal(selection.query_time(algorithm, pool, card.hardware))
    peak = card.hardware.peak_memory_mb() * 2**20
    yield goal(
        Measure(
            stage="peak memory of a process", value=peak / 1e9, unit="GB", ratio=peak / pool.h.nbytes, better="lower",
            floor=f"the pool's embeddings once, {pool.h.nbytes / 1e9:.3g} GB",
        )
    )  # fmt: skip


def tests(_card: Card) -> Iterator[Measure]:
    """Run the tests marked gpu, where there are tests and pytest; in a dry run they are skipped one by one."""
    folder = Path(__file__).parents[2] / "tests"
    files = [path for path in folder.rglob("test_*.py") if "mark.gpu" in path.read_text(encoding="utf-8")]
    if not files or find_spec("pytest") is None:
        raise SkippedError("there are no tests here, or no pytest")
    with tempfile.TemporaryDirectory() as made:
        results = Path(made) / "results.xml"
        command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "-p", "no:cacheprovider", f"--junitxml={results}"]
        subprocess.run([*command, *map(str, files)], cwd=folder.parent, capture_output=True, check=False)
        suite = ET.parse(results).getroot().find("testsuite")  # noqa: S314 - just written by pytest
    if suite is None:
        raise RunError("pytest said nothing of the tests marked gpu")
    ran, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
    bad = [case.attrib["name"] for case in suite.iter("testcase") if {"failure", "error"} & {one.tag for one in case}]
    passed = ran - skipped - len(bad)
    yield Measure(
        stage="tests marked gpu", value=passed, unit="passed", better="higher", ratio=passed / max(ran - skipped, 1),
        floor=f"{ran} tests, {skipped} of them skipped",
    )  # fmt: skip
    if bad:
        raise RunError(f"these failed: {', '.join(bad)}")
