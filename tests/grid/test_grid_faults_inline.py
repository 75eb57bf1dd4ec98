"""Faults that need no second process: a failing write, a jumping clock, damaged files, numbers that overflow."""

from __future__ import annotations

import errno
import io
import itertools
import json
import os
import shutil
import time

import pytest
import torch
from grid_tools import assert_as_in, assert_same_results, override
from rich.console import Console

from bench.errors import StoreError
from bench.grid.driver.execute import execute
from bench.grid.driver.execution import Execution
from bench.grid.expansion.expand import expand
from bench.grid.world import World
from bench.store import Store


def test_a_store_that_turns_read_only_ends_the_grid_in_one_line(
    light_spec, run_grid, light_finished, tmp_path, monkeypatch
):
    store, replace = tmp_path / "store", os.replace

    def refuse_after_some(source, target):
        if len(list(store.glob("runs/*/*.json"))) >= 4:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return replace(source, target)

    monkeypatch.setattr(os, "replace", refuse_after_some)
    with pytest.raises(StoreError) as caught:
        run_grid(light_spec, store)
    assert "Read-only file system; free some space or choose a writable folder" in str(caught.value)
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    summary = run_grid(light_spec, store)
    assert (summary.stored_before, summary.done, summary.set_aside) == (4, 8, [])
    assert_same_results(store, light_finished)


def edited(**fields):
    return lambda content: json.dumps({**json.loads(content), **fields}).encode()


@pytest.mark.parametrize(
    "change",
    [lambda content: content[:700], lambda content: b'{"weather": "fine"}', edited(schema_version=99), edited(key="x")],
    ids=["truncated", "foreign", "future", "misnamed"],
)
def test_a_file_that_is_no_result_is_replaced_by_one(change, light_spec, run_grid, light_finished, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(light_finished, store)
    path = Store(store).file_of(min(Store(store).keys()))
    path.write_bytes(change(path.read_bytes()))
    summary = run_grid(light_spec, store)
    assert (summary.stored_before, summary.done, len(summary.set_aside)) == (11, 1, 1)
    assert_same_results(light_finished, store)


def test_a_clock_that_jumps_changes_nothing(light_spec, run_grid, light_finished, tmp_path, monkeypatch):
    day, real, ticks = 86_400, time.time, itertools.count()
    monkeypatch.setattr(time, "time", lambda: real() + (-1) ** next(ticks) * 30 * day)
    summary = run_grid(light_spec, tmp_path / "store")
    assert (summary.done, summary.missing) == (12, 0)
    assert 0 < summary.seconds < day
    assert next(ticks) > 20
    assert_same_results(tmp_path / "store", light_finished)


def test_cache_files_cut_short_are_built_again(tiny_spec, toy_mirror, tmp_path):
    world = World(toy_mirror, tmp_path / "cache")
    spec = override(tiny_spec, algorithms=["alps"], weightings=["uniform"], loop={"rounds": 1, "batch": 6})

    def run(store):
        execute(expand(spec, world), Execution(store, world, threads=1), Console(file=io.StringIO()))

    run(tmp_path / "first")
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert {path.parent.parent.name for path in files} >= {"tokens", "surprisal"}
    for path in files:
        path.write_bytes(path.read_bytes()[:-40])
    run(tmp_path / "second")
    assert_same_results(tmp_path / "first", tmp_path / "second")


def test_a_loss_that_is_not_finite_is_a_failure_with_advice(tiny_spec, run_grid, tmp_path):
    train = {"learning_rate": 1e30, "gradient_clip": 0}
    spec = override(tiny_spec, algorithms=["random"], weightings=["uniform", "invprop"], train=train)
    summary = run_grid(spec, tmp_path / "store")
    assert (summary.done, len(summary.failures)) == (0, 2)
    assert {record.status for record in Store(tmp_path / "store").records("failed")} == {"failed"}
    assert all("not finite; " in line and "\n" not in line for line in summary.failures)


def test_a_fit_that_runs_out_of_memory_fails_alone(tiny_spec, run_grid, finished, tmp_path, monkeypatch):
    """The third fit after M_0's lacks memory; runs before and after it do not notice."""
    from bench.model import encoder

    real, calls = encoder.fit_classifier, itertools.count()

    def fit(model, *rest, **options):
        if next(calls) == 3:
            monkeypatch.setattr(model, "forward", lambda **_: exhaust())
            try:
                return real(model, *rest, **options)
            finally:
                monkeypatch.undo()
                monkeypatch.setattr(encoder, "fit_classifier", real)
        return real(model, *rest, **options)

    def exhaust():
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(encoder, "fit_classifier", fit)
    three = override(tiny_spec, algorithms=["random"])
    summary = run_grid(three, tmp_path / "store")
    assert (summary.done, summary.missing) == (2, 1)
    assert "while fine-tuning; lower train.batch_size" in summary.failures[0]
    again = run_grid(three, tmp_path / "store")
    assert (again.stored_before, again.done) == (2, 1)
    assert_as_in(tmp_path / "store", finished)
