"""What an architecture is and offers, read from its configuration and a rehearsal, before the first run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
)

from bench.data.tokens import TokenTable
from bench.errors import BenchError, ModelError
from bench.model import checkpoint as checkpoints
from bench.model.encoder import Encoder
from bench.model.hardware import Hardware
from bench.model.surprisal import SurprisalSource
from bench.records import ModelSettings

BOTH_WAYS = {"xlnet"}
"""Listed with the causal language models, and yet attending to both sides of a token."""
LONGEST_REHEARSED = 512
"""Tokens; longer texts would take gigabytes with an attention that keeps all of its weights."""
PADDING_MAY_CHANGE = 1e-3
"""A probability, in fp32: rounding changes 1e-6, a padding that is read as text 1e-2 and more."""


def refuse_unfit(settings: ModelSettings, *, surprisal: bool, cache_dir: Path) -> None:
    """Make sure that a checkpoint can be what the suite makes of it: a classifier, and a masked LM for ALPS.

    Args:
        settings: of the model.
        surprisal: whether a strategy reads the masked LM's surprisal.
        cache_dir: where hashes of the model's files are remembered; nothing else is written.

    Raises:
        ModelError: if it cannot be had, or what its architecture lacks.
    """
    checkpoint = checkpoints.resolve(settings.name, settings.revision)
    tokenizer = checkpoints.load_tokenizer(checkpoint)
    config = checkpoints.load_config(checkpoint)
    lacking = _lacking(config) or (_lacking_for_surprisal(config, tokenizer) if surprisal else "")
    if lacking:
        raise ModelError(f"model {settings.name!r} ({config.model_type}) {lacking}")
    try:
        _rehearse(settings, surprisal=surprisal, cache_dir=cache_dir)
    except BenchError:
        raise
    except Exception as error:  # whatever an architecture that nobody has tried makes of two texts
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ModelError(
            f"model {settings.name!r} ({config.model_type}) cannot be run here: {reason}; use an encoder such as BERT"
        ) from error


def _lacking(config: Any) -> str:
    """Return what an architecture lacks to be a classifier here, or nothing."""
    if getattr(config, "is_encoder_decoder", False):
        return "is an encoder-decoder, and the suite needs an encoder; use one such as BERT, RoBERTa or DeBERTa"
    causal = type(config) in MODEL_FOR_CAUSAL_LM_MAPPING and type(config) not in MODEL_FOR_MASKED_LM_MAPPING
    if getattr(config, "is_decoder", False) or (causal and config.model_type not in BOTH_WAYS):
        return "is a decoder, and the suite needs an encoder; use one such as BERT, RoBERTa or DeBERTa"
    if type(config) not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        return "has no classifier in transformers; use an encoder such as BERT, RoBERTa or DeBERTa"
    return ""


def _lacking_for_surprisal(config: Any, tokenizer: Any) -> str:
    leave = "leave alps, and whatever else reads surprisal, out of the grid, or use another model"
    if type(config) not in MODEL_FOR_MASKED_LM_MAPPING:
        return f"has no masked language model, which surprisal needs; {leave}"
    if tokenizer.mask_token_id is None:
        return f"has no mask token, which surprisal needs; {leave}"
    return ""


@torch.no_grad()
def _rehearse(settings: ModelSettings, *, surprisal: bool, cache_dir: Path) -> None:
    """Score a short and a long text on the CPU, alone and together, and compute their surprisal.

    Raises:
        ModelError: if what the model says of a text depends on its padding, or is no number.
    """
    hardware = Hardware(torch.device("cpu"), bf16=False, name="cpu", token_budget=2**20, enough_tokens=2**20)
    encoder = Encoder(settings, hardware, cache_dir)
    encoder.reset(rehearsal=1)
    tokens = _two_texts(encoder.tokenizer, min(settings.max_length, encoder.max_length, LONGEST_REHEARSED))
    together, both = encoder.score(tokens, np.arange(2), embeddings=True), range(2)
    alone = [encoder.score(tokens, np.array([row])).probabilities[0] for row in both]
    if together.embeddings is None or together.embeddings.ndim != 2:
        raise ModelError(f"model {settings.name!r} does not classify by one vector a text; use an encoder such as BERT")
    if np.abs(together.probabilities - alone).max() > PADDING_MAY_CHANGE:
        raise ModelError(f"what model {settings.name!r} says of a text depends on its padding; use another")
    encoder.embed(tokens, np.arange(2))
    if surprisal:
        masked_lm, _ = checkpoints.load_masked_lm(encoder.checkpoint)
        source = SurprisalSource(settings, hardware, tokens, "rehearsal", encoder.tokenizer, cache_dir)
        source.compute(source.reader(masked_lm), np.arange(2))


def _two_texts(tokenizer: Any, longest: int) -> TokenTable:
    """Return a text of a word and one of as many tokens as are taken."""
    options = {"truncation": True, "max_length": longest}
    rows = [tokenizer(text, **options)["input_ids"] for text in ("word", "other words " * longest)]
    return TokenTable(np.concatenate(rows).astype(np.int32), np.cumsum([0, *map(len, rows)]))
