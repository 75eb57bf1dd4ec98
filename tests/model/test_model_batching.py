"""Batches against brute force: padding row by row, batches as a partition, epochs as permutations."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from bench.data.tokens import TokenTable
from bench.model.batching import Collate, EpochSampler, length_batches, pad, unsort_

lengths_of_rows = st.lists(st.integers(1, 40), min_size=1, max_size=60)


def table_of(lengths: list[int]) -> TokenTable:
    """Return a table whose every token id differs from all others, and from padding."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return TokenTable(np.arange(1, offsets[-1] + 1, dtype=np.int32), offsets.astype(np.int64))


def batches_of(lengths: list[int], budget: int, enough: int) -> list[list[int]]:
    return [[lengths[row] for row in batch] for batch in length_batches(np.array(lengths), budget, enough)]


@given(lengths_of_rows, st.integers(1, 200), st.integers(0, 100))
def test_length_batches_are_a_partition(lengths, budget, enough):
    batches = list(length_batches(np.array(lengths), budget, enough))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert [lengths[row] for batch in batches for row in batch] == sorted(lengths, reverse=True)  # longest first


@given(lengths_of_rows, st.integers(1, 200), st.integers(0, 100))
def test_length_batches_keep_the_budget(lengths, budget, enough):
    for batch in batches_of(lengths, budget, enough):
        assert max(batch) * len(batch) <= budget or len(batch) == 1


@given(lengths_of_rows, st.integers(1, 200), st.integers(0, 100))
def test_a_batch_mixes_lengths_only_until_it_holds_enough(lengths, budget, enough):
    """Before its last length joined it, a batch of several lengths held too little; and it cuts no length short."""
    batches = batches_of(lengths, budget, enough)
    for batch, after in zip(batches, [*batches[1:], [0]], strict=True):
        own = [length for length in batch if length > batch[-1]]
        assert not own or len(own) * batch[0] < enough
        full = (len(batch) + 1) * batch[0] > budget
        assert full or (batch[-1] != after[0] and (len(batch) * batch[0] >= enough or after == [0]))


def test_rows_of_one_length_are_batched_without_any_padding():
    assert batches_of([9] * 7 + [4] * 30 + [3], budget=40, enough=20) == [
        [9] * 4,
        [9] * 3,
        [4] * 10,
        [4] * 10,
        [4] * 10,
        [3],
    ]


@given(lengths_of_rows, st.integers(1, 200), st.integers(0, 100), st.sampled_from([1, 2, 3, 128, 129, 300]))
def test_what_is_computed_batch_by_batch_is_put_back_to_its_rows(lengths, budget, enough, columns):
    rows = torch.arange(len(lengths) * columns, dtype=torch.float32).view(len(lengths), columns)
    values = torch.cat([rows[at] for at in length_batches(np.array(lengths), budget, enough)])
    held = values.data_ptr()
    assert torch.equal(unsort_(values, np.array(lengths), lambda x: x), rows)
    assert values.data_ptr() == held  # in place


def test_no_rows_are_no_batches():
    assert list(length_batches(np.empty(0, dtype=np.int64), 100, 10)) == []


@given(st.data(), lengths_of_rows, st.booleans())
def test_pad_is_each_row_with_padding_on_one_side(data, lengths, left):
    tokens = table_of(lengths)
    rows = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=12))
    batch = pad(tokens, np.array(rows), pad_id=-7, left=left)
    longest = max(lengths[row] for row in rows)
    assert ("attention_mask" in batch) == (len({lengths[row] for row in rows}) > 1)
    masks = batch.get("attention_mask", torch.ones_like(batch["input_ids"]))
    for row, ids, mask in zip(rows, batch["input_ids"].tolist(), masks.tolist(), strict=True):
        own, rest = tokens.rows([row])[0].tolist(), longest - lengths[row]
        assert ids == ([-7] * rest + own if left else own + [-7] * rest)
        assert mask == ([0] * rest + [1] * len(own) if left else [1] * len(own) + [0] * rest)


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
        masks = batch.get("attention_mask", torch.ones_like(batch["input_ids"]))
        for ids, mask, label in zip(batch["input_ids"], masks, batch["labels"], strict=True):
            seen.append((ids[mask.bool()].tolist(), int(label)))
    assert sorted(seen) == sorted((tokens.rows([row])[0].tolist(), int(row > 2)) for row in rows)
