"""The pace of a grid: the bare loop that it is held against computes what the runs computed."""

import numpy as np
import pytest

from bench.grid import pace
from bench.grid.messages import BlockReport
from bench.grid.worker.run_block import BlockWorker
from bench.model.shapes import Shape
from bench.store import Store


@pytest.fixture
def _small(monkeypatch):
    monkeypatch.setattr(pace, "SHAPE", Shape(layers=1, hidden=16, heads=2, inner=32))
    monkeypatch.setattr(pace, "QUICK_POOL", 600)
    monkeypatch.setattr(pace, "TEST", 60)
    monkeypatch.setattr(pace, "ALGORITHMS", ("random", "badge"))
    monkeypatch.setattr(pace, "WEIGHTINGS", ("invprop",))
    monkeypatch.setattr(pace, "CHEAP_TURNS", 1)


@pytest.mark.usefixtures("_small")
def test_the_bare_loop_ends_where_the_run_ended(tmp_path):
    job, context = pace._block(pace.QUICK_POOL, tmp_path)
    store = Store(context.store, create=True)
    worker = BlockWorker(job, context, store, BlockReport("a block"))
    shared = worker.share(job.runs)
    for run in job.runs:
        worker.run(run, shared)
        record = store.read(run.key(job.fingerprint))
        bare = pace.BareLoop(shared, record).run()
        assert np.allclose(bare, store.test_probabilities(record)[-1], rtol=0, atol=1e-6), run.strategy
    worker.heart.stop()


@pytest.mark.usefixtures("_small")
def test_every_strategy_has_a_pace_and_what_is_added_a_goal(hardware):
    told = []
    found = pace.measure(hardware, quick=True, tell=told.append)
    strategies = [f"{algorithm}+{weighting}" for algorithm in pace.ALGORITHMS for weighting in pace.WEIGHTINGS]
    stages = [one.stage for one in found.measures]
    assert stages[: len(strategies)] == [f"{name}: runs a minute" for name in strategies]
    assert told == ["making a block", *strategies]
    assert all(one.value > 0 for one in found.measures[: len(strategies)])
    assert [one.goal for one in found.measures if "added to a run" in one.stage] == ["at most 20 ms"] * 2
