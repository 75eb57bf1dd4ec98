"""Every architecture that the suite takes is scored, fitted and asked as transformers' own forward pass has it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_checkpoints import ENCODERS, OTHERS, POSITIONS, save_checkpoint, texts_as_tokens

from bench.errors import ModelError
from bench.model import fitting
from bench.model.architecture import refuse_unfit
from bench.model.checkpoint import load_classifier, load_masked_lm, resolve
from bench.model.encoder import Encoder
from bench.model.surprisal import SurprisalSource
from bench.records import ModelSettings, TrainSettings

ROWS = np.arange(20)
LONGEST = 18
EAGER = {"mpnet", "longformer", "deberta", "deberta-v2", "xlnet"}
FAMILIES = {"bert", "roberta", "deberta-v2", "xlnet"}
"""One of each kind of attention and of positions; their relatives are tried where there is time for it."""


def each(names):
    """Return architectures as parameters of a test."""
    return [name if name in FAMILIES else pytest.param(name, marks=pytest.mark.slow) for name in names]


MASKED = sorted(ENCODERS.keys() - {"xlnet"})


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Return the folder of an architecture's checkpoint, made once."""
    root, made = tmp_path_factory.mktemp("architectures"), {}

    def of(name: str) -> Path:
        if name not in made:
            made[name] = save_checkpoint(root / name.replace(" ", "-"), name)
        return made[name]

    return of


@pytest.fixture
def loaded(checkpoints, hardware):
    """Return an architecture's encoder, as M_0, and some texts of all lengths."""

    def of(name: str, **how: object) -> tuple[Encoder, object]:
        folder = checkpoints(name)
        encoder = Encoder(ModelSettings(name=str(folder)), replace(hardware, **how))
        encoder.reset(seed=0)
        return encoder, texts_as_tokens(folder, len(ROWS), LONGEST)

    return of


def plain(model, tokens) -> np.ndarray:
    """Return p(x) by transformers' forward pass, a text at a time."""
    model.eval()
    with torch.no_grad():
        logits = [model(input_ids=torch.tensor(row[None].astype(np.int64))).logits[0] for row in tokens.rows(ROWS)]
    return torch.softmax(torch.stack(logits).double(), dim=1)[:, 1].numpy()


@pytest.mark.parametrize("name", each(ENCODERS))
def test_scores_are_those_of_a_plain_forward_pass(loaded, name):
    """Batches of mixed lengths, of which the tiny token budget makes many; for BERT, the last layer's first token."""
    encoder, tokens = loaded(name)
    expected = plain(encoder.model, tokens)
    assert np.ptp(expected) > 0.01
    scores = encoder.score(tokens, ROWS, embeddings=True)
    np.testing.assert_allclose(scores.probabilities, expected, atol=1e-5)
    last = encoder.model.get_submodule(encoder._last_layer)
    again = torch.softmax(last(scores.embeddings).double(), dim=1)[:, 1].detach().numpy()
    np.testing.assert_allclose(again, expected, atol=1e-5)  # h(x) is what p(x) is made of
    assert encoder.attention == ("eager" if name in EAGER else "sdpa")


@pytest.mark.parametrize("name", each(ENCODERS))
def test_a_fit_that_steps_over_few_tokens_is_a_fit_that_steps_over_all(loaded, name, monkeypatch):
    encoder, tokens = loaded(name)
    few, labels, train = ROWS[:6], ROWS[:6] % 2, TrainSettings(epochs=1, batch_size=3, learning_rate=1e-3)
    before = encoder.score(tokens, ROWS).probabilities
    encoder.fit(tokens, few, labels, train, seed=1)
    found = encoder.score(tokens, ROWS).probabilities
    np.testing.assert_allclose(found, plain(encoder.model, tokens), atol=1e-5)
    monkeypatch.setattr(fitting, "occurring_tokens", lambda _model, data: nullcontext(data))
    encoder.fit(tokens, few, labels, train, seed=1)
    np.testing.assert_allclose(found, encoder.score(tokens, ROWS).probabilities, atol=1e-4)
    assert np.abs(found - before).max() > 1e-3


@pytest.mark.parametrize("name", each(ENCODERS))
def test_passes_in_bf16_are_those_in_fp32_but_for_rounding(loaded, name):
    encoder, tokens = loaded(name, bf16=True)
    np.testing.assert_allclose(encoder.score(tokens, ROWS).probabilities, plain(encoder.model, tokens), atol=0.08)


@pytest.mark.parametrize("name", each(ENCODERS))
def test_text_embeddings_are_the_mean_over_a_text_s_tokens(loaded, name):
    encoder, tokens = loaded(name)
    found, body = encoder.embed(tokens, ROWS), getattr(encoder.model, encoder.model.base_model_prefix).eval()
    with torch.no_grad():
        for row, embedding in zip(tokens.rows(ROWS), found, strict=True):
            hidden = body(input_ids=torch.tensor(row[None].astype(np.int64))).last_hidden_state
            np.testing.assert_allclose(embedding, hidden[0].mean(0).numpy(), atol=1e-5)


@pytest.mark.parametrize("name", each(MASKED))
def test_surprisal_is_the_loss_of_a_plain_masked_lm(checkpoints, hardware, name, tmp_path):
    folder = checkpoints(name)
    tokens, settings = texts_as_tokens(folder, len(ROWS), LONGEST), ModelSettings(name=str(folder), max_length=LONGEST)
    encoder = Encoder(settings, hardware)
    source = SurprisalSource(settings, hardware, tokens, "print", encoder.tokenizer, tmp_path)
    found = source.compute(source.reader(load_masked_lm(encoder.checkpoint)[0]), ROWS)
    plain_lm, masking = load_masked_lm(encoder.checkpoint)[0].eval(), None
    masking = source.reader(load_masked_lm(encoder.checkpoint)[0]).masking
    ((_, draws),) = masking.chunks(tokens, ROWS)
    for row, ids in enumerate(tokens.rows(ROWS)):
        true = torch.tensor(ids[None].astype(np.int64))
        chosen, masked = masking.apply(true, None, draws.of(ROWS[[row]], len(ids)))
        with torch.no_grad():
            losses = torch.nn.functional.cross_entropy(plain_lm(input_ids=masked).logits[0], true[0], reduction="none")
        expected = torch.where(chosen[0], losses, 0.0)
        expected = torch.nn.functional.normalize(expected, dim=0).numpy()
        np.testing.assert_allclose(found[row, : len(ids)], expected, atol=1e-4)


@pytest.mark.parametrize("name", each(ENCODERS))
def test_the_longest_text_that_a_model_says_it_takes_is_taken(checkpoints, hardware, name):
    """RoBERTa and its relatives number positions from the padding token's number + 1 on."""
    folder = checkpoints(name)
    encoder = Encoder(ModelSettings(name=str(folder)), hardware)
    lost = 2 if name in {"roberta", "xlm-roberta", "mpnet", "longformer"} else 0
    assert encoder.max_length == (64 if name == "xlnet" else POSITIONS - lost)
    encoder.reset(seed=0)
    tokens = texts_as_tokens(folder, 2, encoder.max_length)
    assert tokens.lengths.max() == encoder.max_length
    assert np.isfinite(encoder.score(tokens, np.arange(2)).probabilities).all()


@pytest.mark.parametrize("name", each(ENCODERS))
def test_what_can_be_run_is_let_pass(checkpoints, name, tmp_path):
    settings = ModelSettings(name=str(checkpoints(name)))
    refuse_unfit(settings, surprisal=name in MASKED, cache_dir=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {"hashes.json"}  # which remembers files, and no result


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpt2", "(gpt2) is a decoder, and the suite needs an encoder; use one such as BERT"),
        ("llama", "(llama) is a decoder"),
        ("bert as a decoder", "(bert) is a decoder"),
        ("t5", "(t5) is an encoder-decoder"),
        ("bart", "(bart) is an encoder-decoder"),
        ("convbert", "says of a text depends on its padding"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(checkpoints, name, message, tmp_path):
    assert name in OTHERS
    with pytest.raises(ModelError) as error:
        refuse_unfit(ModelSettings(name=str(checkpoints(name))), surprisal=False, cache_dir=tmp_path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_surprisal_of_a_model_that_is_no_masked_lm_is_refused(checkpoints, tmp_path):
    with pytest.raises(ModelError, match=r"\(xlnet\) has no masked language model, .* leave alps"):
        refuse_unfit(ModelSettings(name=str(checkpoints("xlnet"))), surprisal=True, cache_dir=tmp_path)
    maskless = ModelSettings(name=str(save_checkpoint(tmp_path / "maskless", "bert", mask=False)))
    refuse_unfit(maskless, surprisal=False, cache_dir=tmp_path)
    with pytest.raises(ModelError, match=r"\(bert\) has no mask token, which surprisal needs; leave alps"):
        refuse_unfit(maskless, surprisal=True, cache_dir=tmp_path)


def test_weights_are_loaded_with_an_attention_that_the_architecture_has(checkpoints):
    for name, attention in (("bert", "sdpa"), ("deberta-v2", "eager")):
        for load in (load_classifier, load_masked_lm):
            assert load(resolve(str(checkpoints(name))))[0].config._attn_implementation == attention
