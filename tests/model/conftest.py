"""What the model's tests share: the tiny BERT on a CPU in fp32, its tokens, and one-row-at-a-time references."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.data.tokens import TokenTable, tokenise
from bench.model.encoder import Encoder
from bench.model.hardware import Hardware
from bench.records import ModelSettings

CPU = torch.device("cpu")


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def hardware() -> Hardware:
    """A CPU in fp32 whose scoring batches are so small that the toy splits need many of them."""
    return Hardware(CPU, bf16=False, name="cpu", token_budget=300, enough_tokens=100)


@pytest.fixture(scope="session")
def still_bert(tiny_bert, tmp_path_factory) -> Path:
    """The tiny BERT without dropout, so that a fit is a function of its data and its first weights alone."""
    folder = tmp_path_factory.mktemp("models") / "still-bert"
    shutil.copytree(tiny_bert, folder)
    config = json.loads((folder / "config.json").read_text())
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config | still))
    return folder


@pytest.fixture
def encoder(tiny_bert, hardware) -> Encoder:
    return Encoder(ModelSettings(name=str(tiny_bert)), hardware)


@pytest.fixture
def still_encoder(still_bert, hardware) -> Encoder:
    return Encoder(ModelSettings(name=str(still_bert)), hardware)


@pytest.fixture(scope="session")
def toy_tokens(toy_corpus, tiny_bert, tmp_path_factory) -> tuple[TokenTable, TokenTable]:
    """Tokens of the toy corpus' train and test split."""
    from transformers import AutoTokenizer

    tokenizer, cache = AutoTokenizer.from_pretrained(tiny_bert), tmp_path_factory.mktemp("tokens")
    return tuple(tokenise(s, tokenizer, max_length=64, cache_dir=cache) for s in (toy_corpus.train, toy_corpus.test))


@pytest.fixture(scope="session")
def train_tokens(toy_tokens) -> TokenTable:
    return toy_tokens[0]


@pytest.fixture(scope="session")
def test_tokens(toy_tokens) -> TokenTable:
    return toy_tokens[1]


@pytest.fixture(scope="session")
def is_sport(toy_corpus):
    """Labels of the task toy/sport: (600,) for train, (90,) for test."""
    return tuple((split.labels == 0).astype(np.int64) for split in (toy_corpus.train, toy_corpus.test))
