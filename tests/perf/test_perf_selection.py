"""Selection at scale: what is measured, not how fast it is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.model.shapes import Shape
from bench.perf import block, selection
from bench.perf.floors import network_products, steps_of
from bench.perf.memory import extra_peak
from bench.perf.selection import NAMES, Pool
from bench.strategies.base import ALGORITHMS
from bench.strategies.dal import Dal


def test_every_algorithm_is_timed_at_every_size_and_its_memory_at_the_largest(monkeypatch, hardware):
    monkeypatch.setattr(selection, "SIZES", (200, 400))
    monkeypatch.setattr(selection, "QUICK_SIZES", (300,))
    monkeypatch.setattr(selection, "PROBE", (8, 20))
    told = []
    found = selection.measure(hardware, quick=False, tell=told.append)
    *stages, dal, badge = [measure.stage for measure in found.measures if "memory" not in measure.stage]
    assert [*stages, "probe"] == [*(f"select {name} {n}" for n in (200, 400) for name in NAMES), "probe"] == told
    assert (dal, badge) == tuple(f"select {name} 300 of width 8, 20 labelled" for name in ("dal", "badge"))
    memory = [measure for measure in found.measures if "memory" in measure.stage]
    assert {measure.stage for measure in memory} <= {f"select {name} 400: memory" for name in NAMES}
    assert all(measure.ratio >= 1 for measure in memory)


def test_a_query_is_the_algorithms_own_and_takes_a_batch(monkeypatch):
    pool, seen = Pool.drawn(300, torch.device("cpu")), []
    for name in NAMES:
        algorithm = ALGORITHMS.get(name)()
        monkeypatch.setattr(
            type(algorithm), "select", lambda self, view, w, k: seen.append((self.name, view.size, len(w), k))
        )
        pool.select(algorithm)
    assert seen == [(name, 300, 300, 50) for name in NAMES]


@pytest.mark.slow
def test_the_products_of_dal_are_those_of_its_network(monkeypatch, hardware):
    """Counted by torch itself, in a query that scores every row."""
    from torch.utils.flop_counter import FlopCounterMode

    pool = replace(Pool.drawn(2048, torch.device("cpu"), 24, 30), w=np.ones(2048))
    algorithm = Dal(sub_batches=2, epochs=3, batch_size=10)
    with FlopCounterMode(display=False) as counted:
        pool.select(algorithm)
    steps = steps_of(lambda: pool.select(algorithm))
    multiply, operations = network_products(algorithm.training, 2048, 24, steps, hardware)
    with FlopCounterMode(display=False) as of_products:
        multiply()
    assert of_products.get_total_flops() == operations
    assert operations == pytest.approx(counted.get_total_flops(), rel=0.05)


def test_memory_beyond_what_was_held_is_seen(hardware):
    held = np.ones(2**23)

    def work():
        return (held + 1).sum()

    extra = extra_peak(work, hardware)
    if extra is None:
        pytest.skip("this system does not let a process reset its peak")
    assert extra == pytest.approx(held.nbytes, rel=0.1)
    assert extra_peak(held.sum, hardware) < held.nbytes / 10


@pytest.mark.slow
def test_a_blocks_memory_is_measured_for_what_is_shared_and_for_each_run(monkeypatch, hardware, tmp_path):
    monkeypatch.setattr(block, "QUICK_ROWS", 1200)
    monkeypatch.setattr(block, "SHAPE", Shape(layers=1, hidden=32, heads=2, inner=8))
    monkeypatch.setattr(block, "NAMES", ("badge", "alps"))
    runs, run = [], block.run_strategy
    monkeypatch.setattr(block, "run_strategy", lambda *a: runs.append(run(*a)))
    told = []
    found = block.measure(hardware, quick=True, tell=told.append)
    assert told == ["what its runs share", "a run of badge", "a run of alps"]
    assert {measure.stage.partition(": ")[2] for measure in found.measures} <= set(told)
    assert [len(result.rounds) for result in runs] == [3, 3]
