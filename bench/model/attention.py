"""Attention over short texts in bfloat16 on a CPU, for passes only."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from bench.model.hardware import Hardware

NAME = "short_texts"
SMALLEST_SUM = 1e-30
"""Of the exponentials of a query's scores: far above the smallest normal number of bfloat16, 1e-38."""


def short_texts(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Return softmax(scaling Q K') V as two matrix products, (b, L, heads, d), and no weights.

    By hand, since torch's own kernel for the CPU takes exponentials one by one at the end of every row, and a row of
    scores is as short as its text: a fifth of a pass, at a fiftieth of its operations. Here all scores of a head are
    one block, shifted by *its* largest, and the exponentials of the block are taken at once. A query all of whose
    scores lie far below those of the other queries would lose its digits; then, and wherever more is asked for than
    an encoder needs in a pass (dropout, a causal or additive mask, shared keys), torch's kernel does the batch.

    Args:
        module: the layer.
        query: (b, heads, L, d).
        key: as ``query``, or what else transformers allows.
        value: as ``key``.
        attention_mask: (b, 1, L, L) bool, True where a query sees a key.
        dropout: share of the weights that are dropped.
        scaling: of the scores; 1/sqrt(d) if None.
        **options: what else transformers hands to an attention function.
    """

    def by_torch() -> tuple[torch.Tensor, None]:
        result: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options
        )
        return result

    asked_for_more = dropout or getattr(module, "is_causal", True) or any(v is not None for v in options.values())
    plain_mask = attention_mask is None or attention_mask.dtype is torch.bool
    if asked_for_more or not plain_mask or not query.shape == key.shape == value.shape:
        return by_torch()
    b, heads, length, d = query.shape
    q, k, v = (x.reshape(b * heads, length, d) for x in (query, key, value))
    scores = torch.baddbmm(
        q.new_empty(b * heads, length, length), q, k.transpose(1, 2), beta=0, alpha=scaling or d**-0.5
    )
    if attention_mask is not None:
        scores.view(b, heads, length, length).masked_fill_(~attention_mask, -torch.inf)
    weights = scores.sub_(scores.flatten(1).amax(1)[:, None, None]).exp_()
    sums = weights.sum(2, keepdim=True)
    if sums.min() < SMALLEST_SUM:
        return by_torch()
    return torch.bmm(weights, v).div_(sums).view(b, heads, length, d).transpose(1, 2), None


AttentionInterface.register(NAME, short_texts)
AttentionMaskInterface.register(NAME, sdpa_mask)


TAKES_MASK_IN_FULL = frozenset({"bert", "camembert", "distilbert", "electra", "roberta", "xlm-roberta"})
"""Kinds of models all of whose layers attend alike; where some attend to nearby tokens only, one mask does not fit."""


def with_mask_in_full(model: Any, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return a batch whose attention mask (b, L) is (b, 1, L, L) bool, if torch's own attention may take it.

    Transformers makes the same mask of it, but first asks the device whether the mask is all ones, and a GPU must have
    done all it was told to before it can answer: once a step of a fit. Batches without padding bring no mask at all.
    """
    mask, config = batch.get("attention_mask"), getattr(model, "config", None)
    if mask is None or config is None or config.model_type not in TAKES_MASK_IN_FULL:
        return batch
    if config._attn_implementation != "sdpa" or getattr(config, "is_decoder", False):  # noqa: SLF001 - said nowhere else
        return batch
    rows, length = mask.shape
    return {**batch, "attention_mask": mask.bool()[:, None, None, :].expand(rows, 1, length, length)}


def to_bf16(model: PreTrainedModel, hardware: Hardware) -> PreTrainedModel:
    """Cast a model to bfloat16 for passes, in place, and give it the attention that is fastest there; return it.

    An architecture that torch's own attention cannot serve keeps its own.
    """
    if hardware.device.type == "cpu" and model.config._attn_implementation == "sdpa":  # noqa: SLF001 - said nowhere else
        model.set_attn_implementation(NAME)
    return model.bfloat16()
