"""Selection at scale: seconds and memory of a query over large pools, against reading what it looks at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from bench import __version__, seeds
from bench.arrays import FloatArray, IntArray
from bench.model.hardware import Hardware
from bench.perf.clock import seconds, time_in_turns
from bench.perf.floors import network_products, steps_of
from bench.perf.memory import extra_peak
from bench.perf.report import Measure, PerfReport
from bench.strategies.badge import Badge
from bench.strategies.base import ALGORITHMS, Algorithm
from bench.strategies.dal import Dal
from bench.strategies.view import PoolOutputs, PoolView

SIZES, QUICK_SIZES = (10_000, 100_000, 500_000), (10_000, 30_000)
NAMES = ("random", "badge", "dal", "alps", "core_set")
TURNS = 3
WIDTH, TOKENS, BATCH, LABELLED = 768, 128, 50, 110
"""h of a BERT-base, surprisal of 128 tokens, the paper's batch, and what is labelled in the middle of its run."""
PROBE = 384, 260
"""Width of the offline encoder's embeddings, and what is labelled at the end of the paper's run."""


@dataclass(frozen=True)
class Pool:
    """What a query looks at: noise, since time and memory do not depend on what the numbers say."""

    h: torch.Tensor
    outputs: PoolOutputs
    labels: IntArray
    priority: FloatArray
    w: FloatArray

    @classmethod
    def drawn(cls, n: int, device: torch.device, width: int = WIDTH, labelled: int = LABELLED) -> Pool:
        """Return a pool of n rows whose embeddings lie on ``device``."""
        rng = seeds.generator("calibration", rows=n)
        h, of_labelled = (
            torch.from_numpy(rng.standard_normal((rows, width), dtype=np.float32)).to(device) for rows in (n, labelled)
        )
        surprisal = rng.random((n, TOKENS), dtype=np.float32)
        surprisal /= np.linalg.norm(surprisal, axis=1, keepdims=True)
        outputs = PoolOutputs(rng.random(n), rng.random(labelled), h, of_labelled, surprisal=surprisal)
        return cls(h, outputs, np.arange(labelled, dtype=np.int64) % 2, rng.random(n), rng.random(n))

    def select(self, algorithm: Algorithm) -> None:
        """Answer one query."""
        view = PoolView(
            size=len(self.w), round=1, labels=self.labels, priority=self.priority, needs=algorithm.needs,
            generator=seeds.generator("calibration", rows=len(self.w)), outputs=self.outputs,
            device=str(self.h.device),
        )  # fmt: skip
        algorithm.select(view, self.w, BATCH)

    def reading(self, algorithm: Algorithm) -> Callable[[], None]:
        """Return a piece of work: to look k times at the largest thing the algorithm needs, on the device."""
        needed = (getattr(self.outputs, need) for need in ("embeddings", "surprisal") if need in algorithm.needs)
        seen = next(needed, self.w)
        if self.h.device.type != "cpu":
            seen = torch.as_tensor(seen, device=self.h.device)

        def read() -> None:
            for _ in range(BATCH):
                seen.sum()

        return read


def measure(hardware: Hardware, *, quick: bool, tell: Callable[[str], None]) -> PerfReport:
    """Measure one query of each algorithm on pools of growing size.

    Args:
        hardware: device and precision.
        quick: small pools only: a rough answer.
        tell: called with what is being measured.
    """
    load, found = os.getloadavg()[0], []
    sizes = QUICK_SIZES if quick else SIZES
    for n in sizes:
        pool = Pool.drawn(n, hardware.device)
        for name in NAMES:
            tell(f"select {name} {n:,}")
            algorithm = ALGORITHMS.get(name)()
            found.append(query_time(algorithm, pool, hardware))
            if n == sizes[-1]:  # beside small arrays, memory that the process keeps for later hides what is needed
                found += _memory(algorithm, pool, hardware)
    tell("probe")
    found += of_a_probe(hardware, QUICK_SIZES[-1])
    return PerfReport(
        version=__version__,
        kind=f"selection, {hardware.device.type}",
        device=f"{hardware.name}, {torch.get_num_threads()} threads, torch {torch.__version__}",
        texts={},
        load=(load, os.getloadavg()[0]),
        measures=tuple(found),
    )


def query_time(algorithm: Algorithm, pool: Pool, hardware: Hardware) -> Measure:
    """Measure the time of one query against reading what it looks at."""
    read = pool.reading(algorithm)
    reading = min(seconds(read, hardware) for _ in range(TURNS))
    took = seconds(lambda: pool.select(algorithm), hardware)
    return Measure(
        stage=f"select {algorithm.name} {len(pool.w):,}", value=took, unit="s", ratio=took / reading, better="lower",
        floor=f"reading what it looks at {BATCH} times in {reading:.3g} s",
    )  # fmt: skip


def of_a_probe(hardware: Hardware, n: int) -> list[Measure]:
    """Measure queries on embeddings as a probe on the offline encoder has them, at the end of the paper's run.

    DAL against the matrix products of its network, weights being equal, so that no row is spared; BADGE against
    reading the embeddings once.
    """
    pool = Pool.drawn(n, hardware.device, *PROBE)
    pool = replace(pool, w=np.ones(n))
    dal, badge = Dal(), Badge()
    steps = steps_of(lambda: pool.select(dal))
    products, operations = network_products(dal.training, n, PROBE[0], steps, hardware)
    work: dict[str, Callable[[], object]] = {"dal": lambda: pool.select(dal), "products": products}
    work |= {"badge": lambda: pool.select(badge), "reading": pool.h.sum}
    took = time_in_turns(work, hardware, TURNS)
    stage = f"{n:,} of width {PROBE[0]}, {PROBE[1]} labelled"
    return [
        Measure(
            stage=f"select dal {stage}", value=took["dal"], unit="s", better="lower", goal="at most 3 s",
            ratio=took["dal"] / took["products"],
            floor=f"{steps} steps, its {operations / 1e9:.0f} GFLOP of products in {took['products']:.3g} s",
        ),
        Measure(
            stage=f"select badge {stage}", value=took["badge"], unit="s", better="lower",
            ratio=took["badge"] / took["reading"], floor=f"reading the embeddings once in {took['reading']:.3g} s",
        ),
    ]  # fmt: skip


def _memory(algorithm: Algorithm, pool: Pool, hardware: Hardware) -> Iterator[Measure]:
    """Yield how much a query holds beside the pool, where the system tells."""
    extra = extra_peak(lambda: pool.select(algorithm), hardware)
    if extra is not None:
        size = pool.h.nbytes
        yield Measure(
            stage=f"select {algorithm.name} {len(pool.w):,}: memory", value=extra / 1e6, unit="MB", better="lower",
            floor=f"copies of the embeddings, {size / 1e6:,.0f} MB, with themselves", ratio=1 + extra / size,
        )  # fmt: skip
