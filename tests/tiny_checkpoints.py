"""Tiny checkpoints of random weights, one of each architecture, with a tokenizer of sixty words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as hf
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from bench.data.tokens import TokenTable

WORDS = [f"w{number}" for number in range(60)]
POSITIONS = 24
SIZE: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.3,  # so large that no two texts are alike
}
SEQ2SEQ: dict[str, Any] = {"d_model": 32, "decoder_start_token_id": 1}


@dataclass(frozen=True)
class Specials:
    """Special tokens, in the order of their numbers: padding may not be the first of them."""

    tokens: tuple[str, ...]
    unk: str
    pad: str | None = None
    cls: str | None = None
    sep: str | None = None
    mask: str | None = None


BERT = Specials(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"), "[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]")
ROBERTA = Specials(("<s>", "<pad>", "</s>", "<unk>", "<mask>"), "<unk>", "<pad>", "<s>", "</s>", "<mask>")
GPT2 = Specials(("<|endoftext|>",), "<|endoftext|>")
LLAMA = Specials(("<unk>", "<s>", "</s>", "<pad>"), "<unk>", "<pad>")


def _bart() -> hf.PreTrainedConfig:
    layers = {f"{side}_{name}": 2 for side in ("encoder", "decoder") for name in ("layers", "attention_heads")}
    return hf.BartConfig(pad_token_id=1, encoder_ffn_dim=48, decoder_ffn_dim=48, **SEQ2SEQ, **layers)


ENCODERS: dict[str, tuple[Specials, Callable[[], hf.PreTrainedConfig]]] = {
    "bert": (BERT, lambda: hf.BertConfig(**SIZE)),
    "distilbert": (
        BERT,
        lambda: hf.DistilBertConfig(
            dim=32, n_layers=2, n_heads=4, hidden_dim=48, max_position_embeddings=POSITIONS, initializer_range=0.3
        ),
    ),
    "electra": (BERT, lambda: hf.ElectraConfig(embedding_size=16, **SIZE)),
    "albert": (BERT, lambda: hf.AlbertConfig(embedding_size=16, pad_token_id=0, **SIZE)),
    "modernbert": (
        BERT,
        lambda: hf.ModernBertConfig(
            pad_token_id=0, cls_token_id=2, sep_token_id=3, bos_token_id=2, eos_token_id=3, local_attention=8, **SIZE
        ),
    ),
    "roberta": (ROBERTA, lambda: hf.RobertaConfig(pad_token_id=1, **SIZE)),
    "xlm-roberta": (ROBERTA, lambda: hf.XLMRobertaConfig(pad_token_id=1, **SIZE)),
    "mpnet": (ROBERTA, lambda: hf.MPNetConfig(pad_token_id=1, **SIZE)),
    "longformer": (ROBERTA, lambda: hf.LongformerConfig(pad_token_id=1, attention_window=[4, 4], **SIZE)),
    "deberta": (BERT, lambda: hf.DebertaConfig(relative_attention=True, pos_att_type=["c2p", "p2c"], **SIZE)),
    "deberta-v2": (
        BERT,
        lambda: hf.DebertaV2Config(
            relative_attention=True, pos_att_type=["c2p", "p2c"], position_biased_input=False, **SIZE
        ),
    ),
    "xlnet": (
        BERT,
        lambda: hf.XLNetConfig(d_model=32, n_layer=2, n_head=4, d_inner=48, pad_token_id=0, initializer_range=0.3),
    ),
}
"""What can be run; all but XLNet are masked LMs."""
OTHERS: dict[str, tuple[Specials, Callable[[], hf.PreTrainedConfig]]] = {
    "gpt2": (GPT2, lambda: hf.GPT2Config(n_embd=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0)),
    "llama": (LLAMA, lambda: hf.LlamaConfig(pad_token_id=3, num_key_value_heads=2, **SIZE)),
    "t5": (
        ROBERTA,
        lambda: hf.T5Config(num_layers=2, num_heads=4, d_kv=8, d_ff=48, pad_token_id=1, eos_token_id=2, **SEQ2SEQ),
    ),
    "bart": (ROBERTA, _bart),
    "bert as a decoder": (BERT, lambda: hf.BertConfig(is_decoder=True, **SIZE)),
    "convbert": (BERT, lambda: hf.ConvBertConfig(embedding_size=16, head_ratio=2, **SIZE)),
}
"""What cannot."""


def save_checkpoint(folder: Path, name: str, *, longest: int = 64, mask: bool = True) -> Path:
    """Save a checkpoint of an architecture, as ``save_pretrained`` does, and return its folder.

    Args:
        folder: made if need be.
        name: of the architecture.
        longest: what the tokenizer says of the longest text.
        mask: whether the tokenizer has a mask token.
    """
    specials, config_of = (ENCODERS | OTHERS)[name]
    vocabulary = {token: number for number, token in enumerate([*specials.tokens, *WORDS])}
    folder.mkdir(parents=True, exist_ok=True)
    _tokenizer(specials, vocabulary, longest, mask=mask).save_pretrained(folder)
    config = config_of()
    config.vocab_size = len(vocabulary)
    kinds = (hf.AutoModelForMaskedLM, hf.AutoModelForSeq2SeqLM, hf.AutoModelForCausalLM)
    kind = next(one for one in kinds if type(config) in one._model_mapping)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        kind.from_config(config).save_pretrained(folder)
    return folder


def _tokenizer(specials: Specials, vocabulary: dict[str, int], longest: int, *, mask: bool) -> Any:
    words = Tokenizer(models.WordLevel(vocabulary, unk_token=specials.unk))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    named = {"unk_token": specials.unk, "pad_token": specials.pad}
    if specials.cls:
        ends = [(token, vocabulary[token]) for token in (specials.cls, specials.sep)]
        words.post_processor = processors.TemplateProcessing(
            single=f"{specials.cls} $A {specials.sep}", special_tokens=ends
        )
        named |= {"cls_token": specials.cls, "sep_token": specials.sep}
    if mask:
        named["mask_token"] = specials.mask
    given = {name: token for name, token in named.items() if token}
    return hf.PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=longest, **given)


def texts_as_tokens(folder: Path, size: int, longest: int, seed: int = 0) -> TokenTable:
    """Return texts of 1 to so many words, special tokens included, as their tokenizer cuts them."""
    rng, tokenizer = np.random.default_rng(seed), hf.AutoTokenizer.from_pretrained(folder)
    lengths = np.linspace(1, longest - 2, size).astype(int)
    rows = [tokenizer(" ".join(rng.choice(WORDS, length)))["input_ids"] for length in rng.permutation(lengths)]
    return TokenTable(np.concatenate(rows).astype(np.int32), np.cumsum([0, *map(len, rows)]))
