"""BERT's classifier reads the first token of the last layer, so that layer need not be computed for any other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


class FirstTokenLayer(nn.Module):
    """An encoder layer of BERT whose output is that of the first token alone, from all tokens' keys and values.

    By hand, because the layer's own forward pass ties the number of outputs to that of its inputs.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, hidden: torch.Tensor, attention_mask: torch.Tensor | None, *_: Any, **__: Any) -> torch.Tensor:
        """Return (b, 1, d) for hidden states (b, L, d); ``attention_mask`` is (b, 1, L, L) or None."""
        attention, first = self.layer.attention, hidden[:, :1]
        own = attention.self
        heads = (len(hidden), -1, own.num_attention_heads, own.attention_head_size)
        context = nn.functional.scaled_dot_product_attention(
            own.query(first).view(heads).transpose(1, 2),
            own.key(hidden).view(heads).transpose(1, 2),
            own.value(hidden).view(heads).transpose(1, 2),
            attn_mask=None if attention_mask is None else attention_mask[:, :, :1],
            dropout_p=own.dropout.p if self.training else 0.0,
        )
        attended = attention.output(context.transpose(1, 2).flatten(2), first)
        output: torch.Tensor = self.layer.output(self.layer.intermediate(attended), attended)
        return output


@contextmanager
def first_token_only(model: Any) -> Iterator[None]:
    """While this lasts, a BERT classifier's last layer works for the first token alone; others stay as they are.

    It spares ten twelfths of the last layer: 14 % of a model of 6 layers, 7 % of one of 12.
    """
    if model.config.model_type != "bert":
        yield
        return
    layers = model.bert.encoder.layer
    last = layers[-1]
    layers[-1] = FirstTokenLayer(last)
    try:
        yield
    finally:
        layers[-1] = last
