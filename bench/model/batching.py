"""Rows of tokens -> padded batches, for training and for scoring."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch.utils.data import Sampler

from bench.arrays import IntArray
from bench.data.tokens import TokenTable
from bench.errors import RunError
from bench.model.hardware import Hardware

T = TypeVar("T")
UNSORTED_COLUMNS = 32  # of BERT-base's 768 at a time: what is held twice is a twentieth of a pool's embeddings
log = logging.getLogger("bench")
_lowered: dict[Hardware, int] = {}


def pad(
    tokens: TokenTable, rows: IntArray, pad_id: int, *, left: bool = False, length: int | None = None
) -> dict[str, torch.Tensor]:
    """Return ``input_ids`` (b, length), padded on one side, and ``attention_mask`` if there is any padding.

    ``length`` is that of the longest row, unless a greater one is given.
    """
    lengths = np.asarray(tokens.lengths[rows], dtype=np.int64)
    width = int(lengths.max()) if length is None else length
    columns = np.arange(width)[None, :] - ((width - lengths)[:, None] if left else 0)
    at = np.asarray(tokens.offsets[rows])[:, None] + columns
    if lengths.min() == width:
        return {"input_ids": torch.from_numpy(tokens.ids[at].astype(np.int64))}
    mask = (columns >= 0) & (columns < lengths[:, None])
    ids = np.where(mask, tokens.ids[np.where(mask, at, 0)], pad_id)
    return {
        "input_ids": torch.from_numpy(ids.astype(np.int64)),
        "attention_mask": torch.from_numpy(mask.astype(np.int64)),
    }


def lowered_budget(hardware: Hardware) -> int | None:
    """Return the token budget to which passes of this process were lowered for want of memory, or None."""
    return _lowered.get(hardware)


def in_smaller_batches(hardware: Hardware, a_pass: Callable[[Hardware], T]) -> T:
    """Make a pass over rows; if it runs out of memory, start again with half the token budget, down to a row a batch.

    Later passes of this process begin with the budget that was enough, instead of running out of memory again.

    Raises:
        RunError: if even that is too much.
    """
    budget = _lowered.get(hardware, hardware.token_budget)
    while True:
        try:
            result = a_pass(replace(hardware, token_budget=budget))
        except torch.OutOfMemoryError as error:
            budget //= 2
            if not budget:
                raise RunError(f"out of memory on {hardware.name} even row by row; lower model.max_length") from error
        else:
            if budget < hardware.token_budget:
                _lowered[hardware] = budget
            return result
        log.warning("out of memory on %s; trying again with %d tokens a batch", hardware.name, budget)


def length_order(lengths: IntArray) -> IntArray:
    """Return positions, longest first: a batch that does not fit into memory fails at once and not at the end."""
    return np.argsort(-lengths, kind="stable")


def unsort_(values: torch.Tensor, lengths: IntArray, send: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Put what was computed in the order of :func:`length_order` back into the order of the rows, in place.

    Once a pass, since writing each batch to where its rows stand takes a GPU dozens of kernels a batch; a few columns
    at a time, so that no second copy is held.

    Args:
        values: (n, d), in the order of the batches.
        lengths: (n,) tokens of each row.
        send: moves a tensor to the device of ``values``.

    Returns:
        ``values``, (n, d), in the order of ``lengths``.
    """
    order = length_order(lengths)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    at = send(torch.from_numpy(place))
    for columns in values.split(UNSORTED_COLUMNS, dim=1):
        columns.copy_(columns[at])
    return values


def length_batches(lengths: IntArray, budget: int, enough: int) -> Iterator[IntArray]:
    """Yield positions in batches of equal length where rows of a length are many, of similar length elsewhere.

    Equal lengths need neither padding nor an attention mask, and give few distinct shapes.

    Args:
        lengths: (n,) tokens of each row.
        budget: padded tokens that a batch may hold.
        enough: a batch that holds this many ends where the length changes; a smaller one takes shorter rows along.

    Yields:
        Positions, in the order of :func:`length_order`.
    """
    order = length_order(lengths)
    ordered = lengths[order]
    changes = np.append(np.flatnonzero(np.diff(ordered)) + 1, len(order))
    start = 0
    while start < len(order):
        longest = max(int(ordered[start]), 1)
        full = min(start + max(math.ceil(enough / longest), 1), len(order))
        stop = int(changes[np.searchsorted(changes, full)])
        stop = min(stop, start + max(budget // longest, 1))
        yield order[start:stop]
        start = stop


class EpochSampler(Sampler[list[int]]):
    """Batches of positions, each epoch in an order of its own, drawn from one named stream."""

    def __init__(self, size: int, batch_size: int, rng: np.random.Generator) -> None:
        self.size, self.batch_size, self._rng = size, batch_size, rng

    def __iter__(self) -> Iterator[list[int]]:
        order = self._rng.permutation(self.size)
        for start in range(0, self.size, self.batch_size):
            yield order[start : start + self.batch_size].tolist()

    def __len__(self) -> int:
        return math.ceil(self.size / self.batch_size)


@dataclass(frozen=True)
class Collate:
    """Turns positions of the training set into a padded batch with labels."""

    tokens: TokenTable
    rows: IntArray
    labels: IntArray
    pad_id: int
    pads_left: bool = False

    def __call__(self, positions: list[int]) -> dict[str, Any]:
        """Return a batch for the model's forward pass."""
        at = np.asarray(positions)
        batch = pad(self.tokens, self.rows[at], self.pad_id, left=self.pads_left)
        return {**batch, "labels": torch.from_numpy(self.labels[at])}
