"""All stages of one shape on one machine, as a report."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from bench import __version__
from bench.errors import UnknownNameError
from bench.model.hardware import Hardware
from bench.model.shapes import SHAPES, save_random
from bench.perf import stages
from bench.perf.report import PerfReport
from bench.perf.texts import LOG_NORMAL, sample

WORK = {"cpu": 1e12, "cuda": 4e14}
"""Floating-point operations of the scoring pass that is timed: enough texts to batch them as a pool."""
TURNS, QUICK = 4, 8
"""Turns of which the best counts; a quick report makes one, on an eighth of the rows."""


def measure(
    hardware: Hardware,
    shape_name: str | None,
    data_dir: Path | None,
    cache_dir: Path,
    *,
    quick: bool,
    tell: Callable[[str], None],
) -> PerfReport:
    """Measure every stage.

    Args:
        hardware: device and precision.
        shape_name: of the encoder; None for bert-base on a GPU and minilm-l6 on a CPU.
        data_dir: a mirror with sst2 and ag_news; None for texts of about their lengths.
        cache_dir: for tokens of the mirror.
        quick: fewer rows and turns: a rough answer.
        tell: called with what is being measured.

    Raises:
        UnknownNameError: if there is no such shape.
        DataError: if the mirror lacks a dataset.
    """
    shape_name = shape_name or ("minilm-l6" if hardware.device.type == "cpu" else "bert-base")
    if shape_name not in SHAPES:
        raise UnknownNameError("shape", shape_name, SHAPES)
    shape, load = SHAPES[shape_name], os.getloadavg()[0]
    tokens = int(WORK[hardware.device.type] / shape.forward_flops(1) / (QUICK if quick else 1))
    texts = {name: sample(name, tokens, data_dir, cache_dir) for name in LOG_NORMAL}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        bench = stages.Bench(hardware, shape, save_random(shape, Path(folder)), 1 if quick else TURNS, tokens)
        for stage in (stages.overhead, stages.resetting):
            tell(stage.__name__)
            found += stage(bench)
        for name, text in texts.items():
            for per_text in (stages.scoring, stages.embedding, stages.fitting, stages.surprisal):
                tell(f"{per_text.__name__} {name}")
                found += per_text(bench, name, text.tokens)
    return PerfReport(
        version=__version__,
        kind=f"{shape_name}, {hardware.device.type} {hardware.precision}",
        device=f"{hardware.name}, {torch.get_num_threads()} threads, torch {torch.__version__}",
        texts={name: text.origin for name, text in texts.items()},
        load=(load, os.getloadavg()[0]),
        measures=tuple(found),
    )
