"""Encoders of known shapes with random weights: as fast as the real ones, and to be had without a model hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

from bench import seeds
from bench.model.checkpoint import quiet

VOCABULARY = 30_522
SPECIAL = MappingProxyType({0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"})


@dataclass(frozen=True)
class Shape:
    """The size of a BERT.

    Attributes:
        layers: of the encoder. hidden: d. heads: of the attention. inner: width of the feed-forward part, f.
    """

    layers: int
    hidden: int
    heads: int
    inner: int

    def forward_flops(self, length: int) -> float:
        """Return the floating-point operations that p(x) of a text of so many tokens takes, all in matrix products.

        The classifier reads the first token: of the last layer, the other tokens need keys and values only.
        """
        d = self.hidden
        per_token, attention = self._layer_flops(length)
        last = length * 4 * d**2 + per_token - 4 * d**2 + attention
        return (self.layers - 1) * length * (per_token + attention) + last

    def encoding_flops(self, length: int) -> float:
        """Return those of the encoder alone, of all layers for all tokens, as a masked LM needs them."""
        return self.layers * length * sum(self._layer_flops(length))

    @property
    def logits_flops(self) -> float:
        """Those of a masked LM's head at one position: its dense layer, then the whole vocabulary."""
        return 2.0 * self.hidden * (self.hidden + VOCABULARY)

    def _layer_flops(self, length: int) -> tuple[float, float]:
        """Return the operations of a layer for one token: its weights', and the attention's to ``length`` tokens."""
        d, f = self.hidden, self.inner
        return 2 * (4 * d**2 + 2 * d * f), 4 * length * d


SHAPES = MappingProxyType({"minilm-l6": Shape(6, 384, 12, 1536), "bert-base": Shape(12, 768, 12, 3072)})
"""all-MiniLM-L6-v2 and bert-base-uncased."""


def save_random(shape: Shape, folder: Path) -> Path:
    """Save a masked LM of a shape and a tokenizer of its size, as ``save_pretrained`` does; return the folder."""
    quiet()
    words = [SPECIAL.get(number, f"w{number}") for number in range(VOCABULARY)]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=512).save_pretrained(folder)
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.inner,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.torch_seed("calibration", layers=shape.layers, hidden=shape.hidden))
        BertForMaskedLM(config).save_pretrained(folder)
    return folder
