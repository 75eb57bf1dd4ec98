"""Batches against brute force: padding row by row, batches as a partition, epochs as permutations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from bench.data.tokens import TokenTable
from bench.model.batching import Collate, EpochSampler, pad, token_budget_batches

lengths_of_rows = st.lists(st.integers(1, 40), min_size=1, max_size=60)


def table_of(lengths: list[int]) -> TokenTable:
    """Return a table whose every token id differs from all others, and from padding."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return TokenTable(np.arange(1, offsets[-1] + 1, dtype=np.int32), offsets.astype(np.int64))


@given(lengths_of_rows, st.integers(1, 200))
def test_token_budget_batches_are_a_partition(lengths, budget):
    batches = list(token_budget_batches(np.array(lengths), budget))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))


@given(lengths_of_rows, st.integers(1, 200))
def test_token_budget_batches_are_as_large_as_the_budget_allows_and_no_larger(lengths, budget):
    batches = [[lengths[row] for row in batch] for batch in token_budget_batches(np.array(lengths), budget)]
    for batch in batches:
        assert max(batch) * len(batch) <= budget or len(batch) == 1
    for batch in batches[:-1]:
        assert max(batch) * (len(batch) + 1) > budget


@given(lengths_of_rows, st.integers(1, 200))
def test_token_budget_batches_hold_similar_lengths_longest_first(lengths, budget):
    batches = token_budget_batches(np.array(lengths), budget)
    assert [lengths[row] for batch in batches for row in batch] == sorted(lengths, reverse=True)


def test_no_rows_are_no_batches():
    assert list(token_budget_batches(np.empty(0, dtype=np.int64), 100)) == []


@given(st.data(), lengths_of_rows)
def test_pad_is_each_row_followed_by_padding(data, lengths):
    tokens = table_of(lengths)
    rows = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=12))
    batch = pad(tokens, np.array(rows), pad_id=-7)
    longest = max(lengths[row] for row in rows)
    for row, ids, mask in zip(rows, batch["input_ids"].tolist(), batch["attention_mask"].tolist(), strict=True):
        own, rest = tokens.rows([row])[0].tolist(), longest - lengths[row]
        assert ids == own + [-7] * rest
        assert mask == [1] * len(own) + [0] * rest


@given(st.integers(1, 50), st.integers(1, 20), st.integers(0, 9))
def test_an_epoch_covers_every_row_once(size, batch_size, seed):
    sampler = EpochSampler(size, batch_size, np.random.default_rng(seed))
    for _epoch in range(2):
        batches = list(sampler)
        assert sorted(row for batch in batches for row in batch) == list(range(size))
        assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
        assert len(sampler) == len(batches) == math.ceil(size / batch_size)


def test_epochs_differ_and_the_stream_alone_decides_their_order():
    def two_epochs(seed):
        sampler = EpochSampler(40, 8, np.random.default_rng(seed))
        return [list(sampler), list(sampler)]

    first, second = two_epochs(1)
    assert first != second
    assert two_epochs(1) == [first, second]
    assert two_epochs(2)[0] != first


@pytest.mark.parametrize("repeats", [1, 2])
def test_the_loader_keeps_rows_and_labels_together(repeats):
    tokens = table_of([3, 9, 4, 1, 7])
    rows = np.tile([4, 0, 3], repeats)  # not ascending; oversampling repeats rows
    collate = Collate(tokens, rows, labels=(rows > 2).astype(np.int64), pad_id=0)
    sampler = EpochSampler(len(rows), 2, np.random.default_rng(0))
    seen = []
    for batch in DataLoader(range(len(rows)), batch_sampler=sampler, collate_fn=collate):
        for ids, mask, label in zip(batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True):
            seen.append((ids[mask.bool()].tolist(), int(label)))
    assert sorted(seen) == sorted((tokens.rows([row])[0].tolist(), int(row > 2)) for row in rows)
