"""A masked LM asked for its loss at chosen, masked positions only, and which positions those are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from transformers.modeling_outputs import BaseModelOutput

from bench import seeds
from bench.arrays import IntArray
from bench.data.tokens import TokenTable

CHOSEN_FRACTION = 0.15
CHUNK = 65_536
LOSS_ROWS = 64  # rows of logits in fp32 at a time: with a vocabulary of 30,000, about what a cache holds


@dataclass(frozen=True)
class Masking:
    """Which positions of which rows are chosen, and what stands there instead.

    Draws belong to a (dataset, row, position): they do not depend on which rows are asked for.
    """

    seed: int
    fingerprint: str
    special_ids: tuple[int, ...]
    mask_id: int
    vocabulary: int
    masked_input: bool

    def chunks(self, tokens: TokenTable, rows: IntArray) -> Iterator[tuple[IntArray, Draws]]:
        """Yield, for each chunk of the split that holds any of the rows, their positions among ``rows``, and draws."""
        for number in np.unique(rows // CHUNK).tolist():
            inside = np.flatnonzero(rows // CHUNK == number)
            yield inside, Draws(self.chunk(tokens, number), tokens.offsets, int(tokens.offsets[number * CHUNK]))

    def chunk(self, tokens: TokenTable, number: int) -> npt.NDArray[np.float32]:
        """Return (3, tokens) uniform draws - choose, kind, token - for the rows of one chunk of the split."""
        first = number * CHUNK
        last = min(first + CHUNK, len(tokens.lengths))
        rng = seeds.generator("mask", data=self.fingerprint, seed=self.seed, chunk=number)
        size = int(tokens.offsets[last]) - int(tokens.offsets[first])
        return rng.random((3, size), dtype=np.float32)

    def apply(
        self, ids: torch.Tensor, attention: torch.Tensor | None, draws: npt.NDArray[np.float32]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (chosen (r, L) bool, input ids with the chosen tokens masked).

        Args:
            ids: (r, L).
            attention: (r, L), 0 at padding; None if there is none.
            draws: (3, r, L).
        """
        choose, kind, token = torch.from_numpy(draws)
        special = torch.isin(ids, torch.tensor(self.special_ids))
        if attention is not None:
            special |= attention == 0
        counts = (~special).sum(1)
        share = (CHOSEN_FRACTION * counts.double()).round().long()  # in fp32, 0.15 * 190 would round up
        wanted = torch.where(counts > 0, share.clamp(min=1), 0)
        order = torch.argsort(torch.where(special, torch.inf, choose), dim=1, stable=True)
        rank = torch.empty_like(order).scatter_(1, order, torch.arange(ids.shape[1]).expand_as(order))
        chosen = rank < wanted[:, None]
        if not self.masked_input:
            return chosen, ids
        replaced = torch.where(kind < 0.8, self.mask_id, torch.where(kind < 0.9, (token * self.vocabulary).long(), ids))
        return chosen, torch.where(chosen, replaced, ids)


@dataclass(frozen=True)
class Draws:
    """The uniform draws of a chunk of a split: (3, tokens) ``flat``, the first of them for the token at ``base``."""

    flat: npt.NDArray[np.float32]
    offsets: IntArray
    base: int

    def of(self, rows: IntArray, length: int) -> npt.NDArray[np.float32]:
        """Return the draws for rows of the chunk padded to a length, (3, r, length); at padding they mean nothing."""
        where = np.asarray(self.offsets[rows])[:, None] - self.base + np.arange(length)[None, :]
        return self.flat[:, np.minimum(where, self.flat.shape[1] - 1)]


class ChosenPositions(nn.Module):
    """Stands in for a masked LM's encoder: runs it frozen, and hands on hidden states of the chosen positions only.

    The LM head then computes logits for (1, number chosen) positions instead of (rows, length).
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.chosen = torch.empty(0)

    @torch.no_grad()
    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None, **_: Any) -> Any:
        """Return the encoder's output with hidden states (1, number chosen, d), row-major, of the chosen positions."""
        self.encoder.eval()
        output = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        output.last_hidden_state = output.last_hidden_state[self.chosen][None]
        return output


class SurprisalModel(nn.Module):
    """A masked LM that knows the loss at chosen positions only."""

    def __init__(self, masked_lm: Any, masking: Masking, send: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.masking, self.send = masking, send
        self.lm = masked_lm
        self.at = ChosenPositions(getattr(masked_lm, masked_lm.base_model_prefix))
        setattr(masked_lm, masked_lm.base_model_prefix, self.at)

    def surprisal(
        self, batch: dict[str, torch.Tensor], draws: npt.NDArray[np.float32]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (chosen (r, L) bool, cross-entropy at the chosen positions in row-major order)."""
        ids, attention = batch["input_ids"], batch.get("attention_mask")
        chosen, masked = self.masking.apply(ids, attention, draws)
        self.at.chosen = self.send(chosen)
        logits = self.lm(
            input_ids=self.send(masked), attention_mask=None if attention is None else self.send(attention)
        )
        pieces = zip(logits.logits[0].split(LOSS_ROWS), self.send(ids[chosen]).split(LOSS_ROWS), strict=True)
        return chosen, torch.cat([nn.functional.cross_entropy(z.float(), y, reduction="none") for z, y in pieces])

    def forward(self, rows: dict[str, torch.Tensor], draws: npt.NDArray[np.float32]) -> BaseModelOutput:
        """Return an output whose ``loss`` is the mean surprisal, for training a head."""
        _, losses = self.surprisal({k: v.cpu() for k, v in rows.items()}, draws)
        output = BaseModelOutput()
        output.loss = losses.mean()
        return output
