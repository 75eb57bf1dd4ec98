"""How much work is timed, how, and the law that comes closest to the times."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from bench.grid.cost.rates import LinearLaw
from bench.model.hardware import Hardware


@dataclass(frozen=True)
class Sizes:
    """What is timed: (texts, rows) of fits and passes, and the rows of pools to select from and of surprisal."""

    fit: tuple[tuple[str, int], ...]
    score: tuple[tuple[str, int], ...]
    select: tuple[int, ...]
    surprisal: int


SIZES = {
    "cpu": Sizes(
        fit=(("sst2", 16), ("sst2", 64), ("ag_news", 64)),
        score=(("sst2", 32), ("sst2", 512), ("ag_news", 192)),
        select=(300, 1_200),
        surprisal=256,
    ),
    # A GPU is busy with large work only: small sizes would time its launches, and a forecast would multiply them.
    "cuda": Sizes(
        fit=(("sst2", 16), ("sst2", 208), ("ag_news", 208)),
        score=(("sst2", 512), ("sst2", 32_768), ("ag_news", 8_192)),
        select=(10_000, 100_000),
        surprisal=16_384,
    ),
}
"""By the kind of device."""


def seconds_of(work: Callable[[], object], hardware: Hardware, *, warm_up: bool = True) -> float:
    """Return the seconds that a piece of work takes, once more after a first time that pays for allocations."""
    took = 0.0
    for _ in range(1 + warm_up):
        hardware.synchronize()
        began = time.perf_counter()
        work()
        hardware.synchronize()
        took = time.perf_counter() - began
    return took


def law(sizes: list[tuple[float, float, float]], seconds: list[float]) -> LinearLaw:
    """Return the law that comes closest to times of work given as (calls, rows, tokens); no part of it is negative.

    By relative error, so that small work counts as much as large.
    """
    scale = 1 / np.asarray(seconds)
    call, row, token = nnls(np.asarray(sizes, dtype=float) * scale[:, None], np.ones(len(seconds)))[0]
    return LinearLaw(call=call, row=row, token=token)
