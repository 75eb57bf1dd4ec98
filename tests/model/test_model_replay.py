"""Steps of one shape do what steps of many shapes do; on a GPU they are captured, here done one by one."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.data.tokens import TokenTable
from bench.errors import RunError
from bench.model.batching import Collate
from bench.model.encoder import Encoder
from bench.model.replay import FILLER, ReplayedSteps, of_one_shape
from bench.records import ModelSettings, TrainSettings

PARTS = {"dataset": "toy", "positive": "sport", "ratio": 10, "seed": 0, "start": "warm", "round": 1}
ROWS, TEST_ROWS = np.arange(43), np.arange(90)  # the last batch of 8 is not full


def weights(encoder: Encoder) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in encoder.model.state_dict().items()}


@pytest.fixture
def replayed(still_bert, hardware) -> Encoder:
    return Encoder(ModelSettings(name=str(still_bert)), replace(hardware, replays=True))


@pytest.mark.parametrize("settings", [
    TrainSettings(learning_rate=1e-3),
    TrainSettings(learning_rate=1e-3, weight_decay=0.1, gradient_clip=0.0, epochs=1),
])  # fmt: skip
def test_a_fit_in_replayed_steps_is_the_fit(still_encoder, replayed, train_tokens, test_tokens, is_sport, settings):
    """Padding, rows that fill up, a whole table of embeddings and a rate in memory change no more than rounding."""

    def fitted(encoder: Encoder) -> np.ndarray:
        encoder.fit(train_tokens, ROWS, is_sport[0][ROWS], settings, **PARTS)
        return encoder.score(test_tokens, TEST_ROWS).probabilities

    replayed.reset(**PARTS)
    untrained = replayed.score(test_tokens, TEST_ROWS).probabilities
    found, expected = fitted(replayed), fitted(still_encoder)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.abs(expected - untrained).max() > 0.01  # much more than the tolerance


def test_a_fit_starts_anew_and_leaves_nothing_behind(replayed, train_tokens, is_sport):
    def fit(rows: np.ndarray) -> dict[str, torch.Tensor]:
        replayed.fit(train_tokens, rows, is_sport[0][rows], TrainSettings(learning_rate=1e-3), **PARTS)
        return weights(replayed)

    first = fit(ROWS)
    fit(ROWS[:9])
    torch.testing.assert_close(fit(ROWS), first, atol=0, rtol=0)


def test_a_loss_that_is_not_finite_ends_the_fit(replayed, train_tokens, is_sport):
    replayed._pretrained["bert.embeddings.LayerNorm.weight"].fill_(float("nan"))
    with pytest.raises(RunError, match="loss is not finite"):
        replayed.fit(train_tokens, ROWS, is_sport[0][ROWS], TrainSettings(), **PARTS)


def test_a_model_that_cannot_be_captured_is_trained_all_the_same(
    replayed, still_encoder, train_tokens, is_sport, monkeypatch, caplog
):
    tries = []

    def refuse(steps, inputs):
        tries.append(inputs)
        raise RuntimeError("operation not permitted when stream is capturing\nand more")

    monkeypatch.setattr(ReplayedSteps, "_captured", refuse)
    with caplog.at_level(logging.WARNING, logger="bench"):
        for _ in range(2):
            replayed.fit(train_tokens, ROWS, is_sport[0][ROWS], TrainSettings(), **PARTS)
    still_encoder.fit(train_tokens, ROWS, is_sport[0][ROWS], TrainSettings(), **PARTS)
    torch.testing.assert_close(weights(replayed), weights(still_encoder), atol=0, rtol=0)
    assert len(tries) == 1
    (line,) = caplog.messages
    assert line.startswith("a step of bert cannot be replayed (operation not permitted when stream is capturing)")


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=20),
    rows=st.integers(1, 5),
    left=st.booleans(),
    more=st.integers(0, 6),
)
def test_batches_of_one_shape_hold_every_row_once(lengths, rows, left, more):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = TokenTable(np.arange(1, offsets[-1] + 1, dtype=np.int32), offsets)
    at = np.arange(len(lengths))
    collate = Collate(tokens, at, at % 2, pad_id=0, pads_left=left)
    batches = [at[start : start + rows].tolist() for start in range(0, len(at), rows)]
    made = of_one_shape(collate, batches, rows, max(lengths) + more)
    real = made["labels"] != FILLER
    assert made["labels"][real].tolist() == (at % 2).tolist()
    kept = [
        ids[mask.bool()].tolist()
        for ids, mask in zip(made["input_ids"][real], made["attention_mask"][real], strict=True)
    ]
    assert kept == [row.tolist() for row in tokens.rows(at)]
    assert bool((made["attention_mask"].sum(-1) > 0).all())  # a row that attends to nothing would be NaN
    if more:
        end = made["attention_mask"][..., 0 if left else -1]
        assert not end.any()
