"""Memory of a whole block on DBpedia's size: what its runs share, and what each run adds."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from bench import __version__, seeds
from bench.data.corpus import split_of
from bench.data.tokens import TokenTable
from bench.learners.base import Material
from bench.learners.encoders import Encoded
from bench.learners.fine_tune import FineTune, FineTuned
from bench.loop.rounds import run_strategy
from bench.loop.shared import SharedBlock
from bench.model.encoder import Encoder
from bench.model.hardware import Hardware
from bench.model.shapes import VOCABULARY, Shape, save_random
from bench.perf.memory import extra_peak
from bench.perf.report import Measure, PerfReport
from bench.perf.texts import ENDS, FIRST_WORD
from bench.records import Block, LoopSettings, ModelSettings, PoolFacts, Settings, Task
from bench.strategies.base import ALGORITHMS, WEIGHTINGS
from bench.strategies.strategy import needs_of
from bench.tasks import ImbalancedTask

ROWS, QUICK_ROWS, RATIO, TOKENS = 530_000, 20_000, 50, 8
"""The pool of a DBpedia task at the ratio of the paper's Table 3; texts are short, since memory is not theirs."""
SHAPE = Shape(layers=1, hidden=768, heads=12, inner=64)
"""As wide as BERT-base, for embeddings of its size, and as fast as can be."""
NAMES = ("badge", "alps", "dal", "core_set")


def measure(hardware: Hardware, *, quick: bool, tell: Callable[[str], None]) -> PerfReport:
    """Measure what a block holds at its worst, in copies of the embeddings of its pool.

    Args:
        hardware: device and precision.
        quick: a small pool: fixed costs then hide what is asked.
        tell: called with what is being measured.
    """
    load, n = os.getloadavg()[0], QUICK_ROWS if quick else ROWS
    weighting, found = WEIGHTINGS.get("invprop")(), []
    algorithms = [ALGORITHMS.get(name)() for name in NAMES]
    with tempfile.TemporaryDirectory() as folder:
        shared = _block(n, hardware, Path(folder))
        shared.first_needs = frozenset().union(*(needs_of(each, weighting) for each in algorithms))

        def begin() -> None:
            _ = shared.first, shared.surprisal

        pieces: dict[str, Callable[[], object]] = {"what its runs share": begin}
        for each in algorithms:
            pieces[f"a run of {each.name}"] = partial(run_strategy, shared, each, weighting, lambda *_: None)
        for name, piece in pieces.items():
            tell(name)
            extra = extra_peak(piece, hardware)
            found += [] if extra is None else [_measure(f"block of {n:,} rows: {name}", extra, n * SHAPE.hidden * 4)]
    return PerfReport(
        version=__version__,
        kind=f"block, {hardware.device.type}",
        device=f"{hardware.name}, {torch.get_num_threads()} threads, torch {torch.__version__}",
        texts={},
        load=(load, os.getloadavg()[0]),
        measures=tuple(found),
    )


def _measure(stage: str, extra: int, size: int) -> Measure:
    return Measure(
        stage=f"memory of a {stage}", value=extra / 1e6, unit="MB", better="lower",
        floor=f"the pool's embeddings once, {size / 1e6:,.0f} MB", ratio=extra / size,
    )  # fmt: skip


def _block(n: int, hardware: Hardware, folder: Path) -> SharedBlock:
    """Return a block over a made-up pool of n texts."""
    rng = seeds.generator("calibration", rows=n)
    settings = Settings(model=ModelSettings(name=str(save_random(SHAPE, folder))), loop=LoopSettings(rounds=2))
    encoder, rows = Encoder(settings.model, hardware), np.arange(n)
    ids = rng.integers(FIRST_WORD, VOCABULARY, (n, TOKENS), dtype=np.int32)
    ids[:, [0, -1]] = ENDS
    tokens = TokenTable(ids.ravel(), np.arange(n + 1) * TOKENS)
    positive, test = rng.permutation(n) < n // RATIO, rows[:1000]
    task = ImbalancedTask(
        task=Task(dataset="made up", positive="yes"),
        ratio=RATIO,
        rows=rows,
        test_rows=test,
        test_labels=positive[test].astype(np.int64),
        facts=PoolFacts(
            rows=n, positives=n // RATIO, dropped_positives=0, dropped_negatives=0,
            test_rows=len(test), test_positives=int(positive[test].sum()),
        ),
        _positive=positive,
    )  # fmt: skip
    nothing = split_of([], [])
    texts = Encoded(Material(nothing, nothing, rows, test, settings, folder / "cache"))
    texts.encoder, texts.tokens = encoder, {"train": tokens, "test": tokens}
    block = Block(task=task.task, ratio=RATIO, seed=0, start="warm")
    return SharedBlock(block, settings, task, FineTune(), FineTuned(texts), frozenset())
