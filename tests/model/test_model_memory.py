"""A pass that runs out of memory is made in smaller batches; a real shortage is simulated, since this is a CPU."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench.errors import RunError
from bench.grid.worker.provenance import provenance
from bench.learners.embeddings import made_by
from bench.model import batching
from bench.model.batching import lowered_budget
from bench.records import Component, Strategy

ROWS = np.arange(90)


@pytest.fixture(autouse=True)
def _nothing_lowered(monkeypatch):
    """What one test finds out about memory is not for the others of this process."""
    monkeypatch.setattr(batching, "_lowered", {})


@pytest.fixture
def fits(encoder, monkeypatch):
    """A function that makes every forward pass of more than so many tokens run out of memory; returns what fitted."""
    sizes: list[int] = []
    body = encoder.model.bert.forward

    def limit(tokens: int) -> list[int]:
        def forward(input_ids, *more, **others):
            if input_ids.numel() > tokens:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
            sizes.append(input_ids.numel())
            return body(input_ids, *more, **others)

        monkeypatch.setattr(encoder.model.bert, "forward", forward)
        return sizes

    return limit


def test_a_pass_is_made_again_in_smaller_batches_and_says_the_same(encoder, test_tokens, fits):
    whole, hardware = encoder.score(test_tokens, ROWS, embeddings=True), encoder.hardware
    sizes = fits(100)
    halved = encoder.score(test_tokens, ROWS, embeddings=True)
    np.testing.assert_allclose(halved.probabilities, whole.probabilities, atol=1e-6)
    torch.testing.assert_close(halved.embeddings, whole.embeddings, atol=1e-5, rtol=0)
    assert max(sizes) <= 100
    assert encoder.hardware == hardware  # what it is called and keyed by


def test_later_passes_begin_with_the_budget_that_was_enough(encoder, test_tokens, fits, caplog):
    encoder.score(test_tokens, ROWS)
    assert lowered_budget(encoder.hardware) is None
    fits(100)
    halved = encoder.score(test_tokens, ROWS, embeddings=True)
    assert lowered_budget(encoder.hardware) == encoder.hardware.token_budget // 4 == 75
    assert len(caplog.messages) == 2
    again = encoder.score(test_tokens, ROWS, embeddings=True)
    encoder.embed(test_tokens, ROWS)
    assert len(caplog.messages) == 2  # no pass runs out of memory any more
    assert torch.equal(again.embeddings, halved.embeddings)
    fits(60)
    encoder.score(test_tokens, ROWS)
    assert lowered_budget(encoder.hardware) == 37


def test_a_record_names_the_budget_only_if_memory_ran_out(encoder, test_tokens, fits):
    def recorded():
        made_with = made_by(encoder.hardware, encoder.checkpoint.source, encoder.attention)
        return provenance(run, SimpleNamespace(model=SimpleNamespace(made_with=made_with)), "toy", threads=1)

    strategy = Strategy(algorithm=Component(name="random"), weighting=Component(name="uniform"))
    run = SimpleNamespace(strategy=strategy)
    assert recorded().token_budget is None
    fits(100)
    encoder.score(test_tokens, ROWS)
    assert recorded().token_budget == 75


def test_text_embeddings_are_made_in_smaller_batches_too(encoder, test_tokens, fits):
    whole = encoder.embed(test_tokens, ROWS)
    fits(100)
    np.testing.assert_allclose(encoder.embed(test_tokens, ROWS), whole, atol=1e-5)


def test_dropout_masks_of_a_repeated_pass_are_drawn_anew(encoder, test_tokens, fits):
    fits(100)
    once, twice = (encoder.score(test_tokens, ROWS, dropout_seed=3).probabilities for _ in range(2))
    assert np.array_equal(once, twice)


def test_what_does_not_fit_row_by_row_is_given_up_in_one_line(encoder, test_tokens, fits):
    hardware, sizes = encoder.hardware, fits(0)
    with pytest.raises(RunError, match=r"out of memory on cpu even row by row; lower model\.max_length") as error:
        encoder.score(test_tokens, ROWS)
    assert "\n" not in str(error.value)
    assert sizes == []
    assert encoder.hardware == hardware


def test_other_failures_are_not_tried_again(encoder, test_tokens, monkeypatch):
    calls = []

    def forward(*_, **__):
        calls.append(1)
        raise RunError("another")

    monkeypatch.setattr(encoder.model.bert, "forward", forward)
    with pytest.raises(RunError, match="another"):
        encoder.score(test_tokens, ROWS)
    assert len(calls) == 1
