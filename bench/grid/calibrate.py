"""Time a model on this machine for a few seconds, where no stored run tells how fast it is."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from bench import seeds
from bench.config.spec import GridSpec
from bench.data.tokens import TokenTable
from bench.grid.rates import Rates, save
from bench.model.encoder import Encoder
from bench.model.hardware import Hardware, use_threads

LENGTH, FIT_ROWS, SCORE_ROWS = 32, 64, 512


def calibrate(spec: GridSpec, hardware: Hardware, threads: int, cache_dir: Path) -> Rates:
    """Fit and score random tokens with a specification's model; keep and return the rates.

    Raises:
        ModelError: if the model cannot be loaded.
    """
    use_threads(threads)
    encoder = Encoder(spec.model, hardware)
    rng = seeds.generator("calibration")
    ids = rng.integers(0, encoder.tokenizer.vocab_size, size=SCORE_ROWS * LENGTH).astype(np.int32)
    tokens = TokenTable(ids, np.arange(0, len(ids) + 1, LENGTH))
    rows = np.arange(FIT_ROWS)
    train = spec.train.model_copy(update={"epochs": 1})
    seconds = {}
    for _warm_up in range(2):  # the first pass pays for allocations and kernels
        began = time.perf_counter()
        encoder.fit(tokens, rows, rows % 2, train, calibration=0)
        seconds["fit"] = time.perf_counter() - began
        began = time.perf_counter()
        encoder.score(tokens, np.arange(SCORE_ROWS), embeddings=True)
        seconds["score"] = time.perf_counter() - began
    rates = Rates(
        FIT_ROWS * LENGTH / seconds["fit"],
        SCORE_ROWS * LENGTH / seconds["score"],
        f"a calibration of {spec.model.name} on {hardware.name}, {threads} threads a worker",
    )
    save(rates, cache_dir, spec.model.name, hardware.name, threads)
    return rates
