"""Fine-tuning against a plain PyTorch loop, against itself, and against a task that it must learn."""

import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from bench import seeds
from bench.errors import RunError
from bench.model import batching
from bench.records import TrainSettings

PARTS = {"dataset": "toy", "positive": "sport", "ratio": 10, "seed": 0, "start": "warm", "round": 1}
SETTINGS = TrainSettings(epochs=2, batch_size=8, learning_rate=1e-3)
ROWS = np.concatenate([np.arange(37), np.arange(0, 12, 3)])  # the last batch is short, and positives repeat
EVERY_TEST_ROW = np.arange(90)


def fitted(encoder, tokens, labels, settings=SETTINGS, **parts):
    """Return the weights after a fit on ROWS."""
    encoder.fit(tokens, ROWS, labels[0][ROWS], settings, **PARTS | parts)
    return {name: value.detach().clone() for name, value in encoder.model.named_parameters()}


def plain_loop(encoder, texts, labels, *, decay=True, clip=1.0, weight_decay=0.0, reshuffle=True):
    """Fine-tune by hand: AdamW, linear decay to 0 per step, clipping by norm, batches from the named stream."""
    encoder.reset(**PARTS)
    model = encoder.model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.0, weight_decay=weight_decay, foreach=False)
    rng = seeds.generator("batches", **PARTS)
    orders = [rng.permutation(len(ROWS)) for _ in range(2)]
    batches = [order[i : i + 8] for order in orders for i in range(0, len(ROWS), 8)]
    if not reshuffle:
        batches = batches[: len(batches) // 2] * 2
    for step, at in enumerate(batches):
        optimizer.param_groups[0]["lr"] = 1e-3 * (1 - step / len(batches) if decay else 1)
        rows = ROWS[at]
        batch = encoder.tokenizer([texts[row] for row in rows], padding=True, return_tensors="pt")
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        loss = -logits.log_softmax(1)[range(len(rows)), labels[0][rows]].mean()
        optimizer.zero_grad()
        loss.backward()
        if clip:
            norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
            for p in model.parameters():
                p.grad *= min(1.0, clip / norm)
        optimizer.step()
    return model


def probabilities(encoder, tokens):
    return encoder.score(tokens, EVERY_TEST_ROW).probabilities


def test_a_fit_is_the_plain_loop(still_encoder, train_tokens, test_tokens, is_sport, toy_corpus):
    """Tolerance 1e-4 in p after 12 steps: AdamW divides by tiny gradients and so amplifies rounding."""
    fitted(still_encoder, train_tokens, is_sport)
    ours = probabilities(still_encoder, test_tokens)
    plain_loop(still_encoder, toy_corpus.train.texts.to_pylist(), is_sport)
    np.testing.assert_allclose(ours, probabilities(still_encoder, test_tokens), atol=1e-4)


@pytest.mark.parametrize("change", [{"decay": False}, {"clip": None}, {"reshuffle": False}, {"weight_decay": 0.5}])
def test_each_part_of_the_plain_loop_matters(still_encoder, train_tokens, test_tokens, is_sport, toy_corpus, change):
    """What shows that the comparison above would notice a missing decay, clip or order."""
    fitted(still_encoder, train_tokens, is_sport)
    ours = probabilities(still_encoder, test_tokens)
    plain_loop(still_encoder, toy_corpus.train.texts.to_pylist(), is_sport, **change)
    assert np.abs(ours - probabilities(still_encoder, test_tokens)).max() > 1e-3


@pytest.mark.parametrize(
    ("given", "change"), [({"weight_decay": 0.5}, {"weight_decay": 0.5}), ({"gradient_clip": 0.0}, {"clip": None})]
)
def test_weight_decay_and_clip_are_settings(
    still_encoder, train_tokens, test_tokens, is_sport, toy_corpus, given, change
):
    fitted(still_encoder, train_tokens, is_sport, SETTINGS.model_copy(update=given))
    ours = probabilities(still_encoder, test_tokens)
    plain_loop(still_encoder, toy_corpus.train.texts.to_pylist(), is_sport, **change)
    np.testing.assert_allclose(ours, probabilities(still_encoder, test_tokens), atol=1e-4)


def test_a_fit_repeats_bit_for_bit_with_dropout_on(encoder, train_tokens, is_sport):
    first = fitted(encoder, train_tokens, is_sport)
    assert encoder.model.config.hidden_dropout_prob > 0
    again = fitted(encoder, train_tokens, is_sport)
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_dropout_is_on_during_a_fit(encoder, still_encoder, train_tokens, is_sport):
    with_dropout, without = (fitted(e, train_tokens, is_sport) for e in (encoder, still_encoder))
    assert any(not torch.equal(with_dropout[name], without[name]) for name in with_dropout)


def test_a_fit_learns_the_toy_task(encoder, train_tokens, test_tokens, is_sport):
    rows = np.arange(250)
    encoder.reset(**PARTS)
    untrained = roc_auc_score(is_sport[1], probabilities(encoder, test_tokens))
    settings = TrainSettings(epochs=4, learning_rate=3e-3)
    encoder.fit(train_tokens, rows, is_sport[0][rows], settings, **PARTS)
    assert roc_auc_score(is_sport[1], probabilities(encoder, test_tokens)) > max(0.9, untrained)


def test_a_loss_that_is_not_finite_is_one_clear_line(encoder, train_tokens, is_sport):
    with pytest.raises(RunError, match=r"loss is not finite; lower train\.learning_rate") as error:
        fitted(encoder, train_tokens, is_sport, TrainSettings(learning_rate=1e30))
    assert "\n" not in str(error.value)


def test_a_fit_after_a_failed_one_is_as_if_nothing_had_been(encoder, train_tokens, is_sport):
    first = fitted(encoder, train_tokens, is_sport)
    with pytest.raises(RunError):
        fitted(encoder, train_tokens, is_sport, TrainSettings(learning_rate=1e30))
    again = fitted(encoder, train_tokens, is_sport)
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_a_fit_writes_no_file_and_prints_nothing(encoder, train_tokens, is_sport, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    fitted(encoder, train_tokens, is_sport)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_one_row_is_enough_to_fit(encoder, train_tokens, test_tokens):
    encoder.fit(train_tokens, np.array([5]), np.array([1]), SETTINGS, **PARTS)
    assert np.isfinite(probabilities(encoder, test_tokens)).all()


def arrives_within(a_fit, number, monkeypatch):
    """Make a fit during which a signal arrives."""
    pad = batching.pad

    def padded(*args, **options):
        signal.raise_signal(number)
        return pad(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(batching, "pad", padded)
        a_fit()


def stop_by_exception(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_within_a_fit_does_what_it_does_elsewhere(encoder, train_tokens, is_sport, monkeypatch, number):
    """Its handler's exception ends the fit, and the handler is still there; Lightning alone would exit."""
    before = signal.signal(number, stop_by_exception)
    try:
        with pytest.raises(KeyboardInterrupt):
            arrives_within(lambda: fitted(encoder, train_tokens, is_sport), number, monkeypatch)
        assert signal.getsignal(number) is stop_by_exception
    finally:
        signal.signal(number, before)


TERMINATED = """
import signal
from types import SimpleNamespace

import numpy as np
import torch

from bench import seeds
from bench.data.tokens import TokenTable
from bench.model.batching import Collate
from bench.model.fitting import fit_classifier
from bench.model.hardware import choose_hardware
from bench.records import TrainSettings


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(2, 2)

    def get_input_embeddings(self):
        return self.table

    def forward(self, input_ids, **_):
        signal.raise_signal(signal.SIGTERM)
        return SimpleNamespace(loss=self.table(input_ids).sum())


data = Collate(TokenTable(np.ones(16, dtype=np.int32), np.arange(17)), np.arange(16), np.arange(16) % 2, 0)
fit_classifier(Model(), data, TrainSettings(), choose_hardware("cpu"), seeds.generator("batches", x=0), dropout_seed=0)
"""


@pytest.mark.slow
def test_a_process_that_is_terminated_within_a_fit_is_seen_to_be():
    """Lightning alone would end it with exit code 0, as if its work were done."""
    ended = subprocess.run([sys.executable, "-c", TERMINATED], check=False, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGTERM, ended.stderr
