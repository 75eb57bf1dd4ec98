"""The loops that one would write first: what the suite's own are compared with, in time and in results."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bench.arrays import IntArray
from bench.data.tokens import TokenTable
from bench.model.batching import Collate, EpochSampler
from bench.records import TrainSettings

PADDED_LENGTH, BATCH_ROWS = 128, 32


@torch.no_grad()
def score(model: Any, tokens: TokenTable, rows: IntArray, pad_id: int) -> npt.NDArray[np.float64]:
    """Return p(x) by a loop in fp32 over batches of 32 rows in their order, every row padded to 128 tokens."""
    device = next(model.parameters()).device
    longest = min(PADDED_LENGTH, model.config.max_position_embeddings)
    model.eval()
    found = []
    for start in range(0, len(rows), BATCH_ROWS):
        texts = tokens.rows(rows[start : start + BATCH_ROWS])
        ids = torch.full((len(texts), longest), pad_id)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = torch.from_numpy(text.astype(np.int64))
        logits = model(input_ids=ids.to(device), attention_mask=(ids != pad_id).long().to(device)).logits
        found.append(torch.softmax(logits.double(), dim=1)[:, 1].cpu().numpy())
    return np.concatenate(found)


def fit(model: Any, data: Collate, settings: TrainSettings, order: np.random.Generator) -> None:
    """Fine-tune in place by a loop in fp32 with torch's own AdamW: linear decay, clipping, batches as the suite's."""
    device = next(model.parameters()).device
    model.train()
    sampler = EpochSampler(len(data.rows), settings.batch_size, order)
    steps = settings.epochs * len(sampler)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    for _epoch in range(settings.epochs):
        for positions in sampler:
            batch = {name: value.to(device) for name, value in data(positions).items()}
            optimizer.zero_grad()
            model(**batch).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.gradient_clip)
            optimizer.step()
            schedule.step()
