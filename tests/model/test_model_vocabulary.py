"""A fit over the tokens that occur against one over the whole table: equal where it must be, and whole afterwards."""

import numpy as np
import pytest
import torch

from bench.data.tokens import TokenTable
from bench.model import fitting
from bench.model.batching import Collate
from bench.model.vocabulary import occurring_tokens
from bench.records import TrainSettings

PARTS = {"dataset": "toy", "positive": "sport", "ratio": 10, "seed": 0, "start": "warm", "round": 1}
SETTINGS = TrainSettings(epochs=2, batch_size=8, learning_rate=1e-3)
ROWS = np.array([3, 8, 1, 3, 20, 21, 22, 4, 9])


def table_of(encoder) -> torch.Tensor:
    return encoder.model.get_input_embeddings().weight


def fitted(encoder, tokens, labels, settings=SETTINGS) -> dict[str, torch.Tensor]:
    encoder.fit(tokens, ROWS, labels[0][ROWS], settings, **PARTS)
    return {name: value.detach().clone() for name, value in encoder.model.named_parameters()}


def collate(encoder, tokens, labels) -> Collate:
    return Collate(tokens, ROWS, labels[0][ROWS], encoder.pad_id)


def whole_table(monkeypatch) -> None:
    class Whole:
        def __init__(self, model, data):
            self.data = data

        def __enter__(self):
            return self.data

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(fitting, "occurring_tokens", Whole)


def test_a_fit_with_dropout_is_that_over_the_whole_table(encoder, train_tokens, is_sport, monkeypatch):
    """Up to the rounding of the clipped norm, which is a sum in another order."""
    compact = fitted(encoder, train_tokens, is_sport)
    whole_table(monkeypatch)
    whole = fitted(encoder, train_tokens, is_sport)
    assert compact.keys() == whole.keys()
    for name, value in whole.items():
        torch.testing.assert_close(compact[name], value, atol=1e-5, rtol=0, msg=name)


def test_only_tokens_that_occur_are_trained(encoder, train_tokens, is_sport):
    encoder.reset(**PARTS)
    before, parameter = table_of(encoder).detach().clone(), table_of(encoder)
    fitted(encoder, train_tokens, is_sport)
    occur = np.unique(np.concatenate(train_tokens.rows(ROWS)))
    changed = torch.nonzero((table_of(encoder) != before).any(1)).flatten().tolist()
    assert changed == [int(token) for token in occur if token != encoder.pad_id]
    assert table_of(encoder) is parameter


def test_weight_decay_reaches_every_token(encoder, train_tokens, is_sport):
    encoder.reset(**PARTS)
    before = table_of(encoder).detach().clone()
    fitted(encoder, train_tokens, is_sport, SETTINGS.model_copy(update={"weight_decay": 0.5}))
    others = np.setdiff1d(np.arange(len(before)), [*np.concatenate(train_tokens.rows(ROWS)), encoder.pad_id])
    assert (table_of(encoder)[others] != before[others]).any(1).all()


def test_the_same_texts_stand_under_the_new_numbers(encoder, train_tokens, is_sport):
    data, before = collate(encoder, train_tokens, is_sport), table_of(encoder).detach().clone()
    with occurring_tokens(encoder.model, data) as compact:
        small = table_of(encoder)
        assert len(small) < len(before)
        for theirs, ours in zip(train_tokens.rows(ROWS), compact.tokens.rows(compact.rows), strict=True):
            assert torch.equal(small[torch.from_numpy(ours)], before[torch.from_numpy(theirs.astype(np.int64))])
        assert torch.equal(small[: encoder.pad_id + 1], before[: encoder.pad_id + 1])
        assert np.array_equal(compact.labels, data.labels)


def test_padding_keeps_its_number_wherever_it_is(encoder, is_sport):
    tokens = TokenTable(np.array([90, 70, 80, 90], dtype=np.int32), np.array([0, 3, 4]))
    data = Collate(tokens, np.arange(2), np.arange(2), pad_id=60)
    with occurring_tokens(encoder.model, data) as compact:
        batch = compact([0, 1])
    assert batch["input_ids"].tolist() == [[63, 61, 62], [63, 60, 60]]


def test_the_whole_table_is_back_after_an_error(encoder, train_tokens, is_sport):
    parameter, shape = table_of(encoder), table_of(encoder).shape
    with pytest.raises(KeyError), occurring_tokens(encoder.model, collate(encoder, train_tokens, is_sport)):
        raise KeyError
    assert table_of(encoder) is parameter
    assert table_of(encoder).shape == shape


def test_a_table_that_is_shared_is_left_whole(encoder, train_tokens, is_sport):
    encoder.model.decoder = torch.nn.Linear(*reversed(table_of(encoder).shape), bias=False)
    encoder.model.decoder.weight = table_of(encoder)
    data, parameter = collate(encoder, train_tokens, is_sport), table_of(encoder)
    with occurring_tokens(encoder.model, data) as same:
        assert same is data
        assert table_of(encoder) is parameter
