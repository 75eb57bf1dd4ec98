"""A fit on a few hundred texts meets a few thousand of a model's 30,000 tokens; only those need to be stepped over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from bench.data.tokens import TokenTable
from bench.model.batching import Collate


@contextmanager
def occurring_tokens(model: Any, data: Collate) -> Iterator[Collate]:
    """While this lasts, the model's table of input embeddings holds the tokens that occur in ``data`` and no others.

    Under AdamW without weight decay that is exact: a token that never occurs has gradients, moments and so updates of
    zero, and adds nothing to the norm that is clipped. It spares the optimizer half of the weights of a small encoder.
    A table that another part of the model shares is left whole.

    Args:
        model: a Hugging Face model; its own table, with the rows that were trained, is back in the end.
        data: of a fit.

    Yields:
        The same rows under the table's new numbers. Padding and all tokens before it keep theirs, because some models
        tell padding by its number.
    """
    embedding = model.get_input_embeddings()
    whole = embedding.weight
    if sum(p is whole for _, p in model.named_parameters(remove_duplicate=False)) > 1:
        yield data
        return
    rows = data.tokens.rows(data.rows)
    ids = np.concatenate(rows)
    used = np.union1d(ids, np.arange(data.pad_id + 1))
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    tokens = TokenTable(np.searchsorted(used, ids).astype(np.int32), offsets)
    at = torch.from_numpy(used).to(whole.device)
    embedding.weight = torch.nn.Parameter(whole.detach()[at])
    try:
        yield replace(data, tokens=tokens, rows=np.arange(len(rows)))
    finally:
        with torch.no_grad():
            whole[at] = embedding.weight
        embedding.weight = whole
