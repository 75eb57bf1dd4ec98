"""What a view shows, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.errors import RunError
from bench.strategies.checksum import checksum
from bench.strategies.view import read_only
from bench.testing import toy_pool


@pytest.mark.parametrize("output", ["probabilities", "labelled_probabilities"])
@pytest.mark.parametrize("needs", [{"probabilities"}, {"embeddings"}])
def test_whoever_declares_a_pass_may_read_the_probabilities(output, needs):
    pool = toy_pool()
    assert getattr(pool.view(frozenset(needs)), output) is getattr(pool, output)


@pytest.mark.parametrize(
    ("output", "need"),
    [("probabilities", "probabilities"), ("labelled_probabilities", "probabilities"), ("embeddings", "embeddings"),
     ("labelled_embeddings", "embeddings"), ("surprisal", "surprisal"), ("ensemble", "ensemble"),
     ("dropout", "dropout"), ("pretrained", "pretrained"), ("labelled_pretrained", "pretrained"),
     ("features", "features"), ("labelled_features", "features"), ("texts", "texts"), ("labelled_texts", "texts")],
)  # fmt: skip
def test_what_is_not_declared_is_refused(output, need):
    with pytest.raises(RunError, match=f"asked for {need} but declares needs = .*; add '{need}'"):
        getattr(toy_pool().view(frozenset()), output)


@pytest.mark.parametrize("output", ["probabilities", "labelled_probabilities"])
@pytest.mark.parametrize("value", [-0.1, 1.5, np.nan])
def test_probabilities_outside_the_unit_interval_are_refused(output, value):
    values = getattr(toy_pool(), output).copy()
    values[3] = value
    with pytest.raises(RunError, match=r"probabilities must lie in \[0, 1\]"):
        _ = replace(toy_pool(), **{output: values}).view().probabilities


PER_ROW = [
    "probabilities",
    "embeddings",
    "ensemble",
    "dropout",
    "pretrained",
    "surprisal",
    "features",
    "texts",
    "priority",
]


@pytest.mark.parametrize("output", PER_ROW)
def test_a_view_of_some_rows_shows_what_the_pool_of_these_rows_would(output):
    numbers, further = np.array([5, 0, 17, 9]), np.array([2, 0])
    inside = toy_pool().view().rows(numbers)
    assert inside.size == 4
    assert np.array_equal(getattr(inside, output), getattr(toy_pool().rows(numbers).view(), output))
    assert np.array_equal(
        getattr(inside.rows(further), output), getattr(toy_pool().rows(numbers[further]).view(), output)
    )


@pytest.mark.parametrize("output", ["labels", "labelled_probabilities", "labelled_embeddings", "labelled_pretrained"])
def test_a_view_of_some_rows_shows_all_labelled_rows(output):
    pool = toy_pool()
    assert getattr(pool.view().rows(np.array([3])), output) is getattr(pool, output)


def test_labels_within_the_batch_are_those_of_the_row_and_are_counted_once():
    pool = toy_pool()
    view = pool.view(budget=3)
    inside = view.rows(np.array([8, 2, 20]))
    assert [inside.ask(1), view.ask(5), view.ask(2)] == pool.hidden[[2, 5, 2]].tolist()
    assert view.oracle.asked == {2: pool.hidden[2], 5: pool.hidden[5]}
    inside.ask(2)
    with pytest.raises(RunError, match="all 3 labels of the batch are spent"):
        view.ask(0)


def test_an_oracle_that_was_not_declared_is_refused():
    with pytest.raises(RunError, match="asked for oracle but declares needs"):
        toy_pool().view(frozenset({"probabilities"})).ask(0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.uint8])
@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (2049, 513)])
def test_a_checksum_sees_every_value_and_its_place(dtype, shape):
    values = (torch.arange(1, 1 + shape[0] * shape[1]) % 11).reshape(shape).to(dtype)
    before = checksum(values)
    assert checksum(values.clone()) == before
    for at in {0, values.numel() // 2, values.numel() - 1}:
        changed = values.clone()
        changed.view(-1)[at] += 1
        assert checksum(changed) != before
    if values.numel() > 1:
        assert checksum(values.flip(0)) != before
        assert checksum(values.flip(1)) != before
    assert checksum(values[:0]) == 0


def test_what_is_read_only_stays_so_whatever_flag_is_set():
    whole = np.arange(12.0).reshape(3, 4)
    for array in (whole, whole[:, ::2], whole[:0], whole.astype(np.int64)):
        locked = read_only(array)
        assert np.array_equal(locked, array)
        assert locked.dtype == array.dtype
        with pytest.raises(ValueError, match="WRITEABLE"):
            locked.flags.writeable = True
