"""On a GPU the same numbers as on a CPU, up to rounding."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.model.encoder import Encoder
from bench.model.fitting import FineTuning
from bench.model.hardware import choose_hardware
from bench.model.replay import ReplayedFineTuning
from bench.model.surprisal import SurprisalSource
from bench.records import ModelSettings, TrainSettings

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]
PARTS = {"dataset": "toy", "positive": "sport", "ratio": 10, "seed": 0, "start": "warm", "round": 1}
ROWS, EVERY_TEST_ROW = np.arange(40), np.arange(90)
SETTINGS = TrainSettings(learning_rate=1e-3)


@pytest.fixture
def pair(still_bert, hardware) -> tuple[Encoder, Encoder]:
    """The same encoder on the CPU and on the GPU, both in fp32 and without dropout."""
    settings = ModelSettings(name=str(still_bert))
    return Encoder(settings, hardware), Encoder(settings, choose_hardware("cuda", "fp32"))


def test_untrained_scores_agree(pair, test_tokens):
    for encoder in pair:
        encoder.reset(**PARTS)
    cpu, gpu = (encoder.score(test_tokens, EVERY_TEST_ROW, embeddings=True) for encoder in pair)
    np.testing.assert_allclose(gpu.probabilities, cpu.probabilities, atol=1e-4)
    torch.testing.assert_close(gpu.embeddings.cpu(), cpu.embeddings, atol=1e-3, rtol=0)
    assert gpu.embeddings.device.type == "cuda"


def test_a_bert_s_steps_are_captured(pair, train_tokens, is_sport, caplog):
    encoder = pair[1]
    encoder.fit(train_tokens, ROWS, is_sport[0][ROWS], SETTINGS, **PARTS)
    assert encoder._replayed.steps
    assert not encoder._replayed.refused, caplog.text


def test_fits_agree(pair, train_tokens, test_tokens, is_sport):
    """To 0.01 in p after ten steps: AdamW amplifies the rounding in which the devices differ."""
    for encoder in pair:
        encoder.fit(train_tokens, ROWS, is_sport[0][ROWS], SETTINGS, **PARTS)
    cpu, gpu = (encoder.score(test_tokens, EVERY_TEST_ROW).probabilities for encoder in pair)
    np.testing.assert_allclose(gpu, cpu, atol=0.01)


@pytest.mark.parametrize("kind", [FineTuning, ReplayedFineTuning])
def test_no_step_of_a_fit_waits_for_the_gpu(kind, tiny_bert, train_tokens, is_sport, monkeypatch):
    hardware = replace(choose_hardware("cuda"), replays=kind is ReplayedFineTuning)
    encoder, inside = Encoder(ModelSettings(name=str(tiny_bert)), hardware), []

    def step(module, batch, index, own=kind.training_step):
        torch.cuda.set_sync_debug_mode("error")
        try:
            inside.append(kind is ReplayedFineTuning or "attention_mask" in batch)
            return own(module, batch, index)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    encoder.fit(train_tokens, ROWS, is_sport[0][ROWS], SETTINGS, **PARTS)  # what is done once, such as loading kernels
    monkeypatch.setattr(kind, "training_step", step)
    encoder.fit(train_tokens, ROWS, is_sport[0][ROWS], SETTINGS, **PARTS)
    assert any(inside)


@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_a_fit_repeats_and_leaves_random_state_alone(tiny_bert, train_tokens, test_tokens, is_sport, precision):
    encoder = Encoder(ModelSettings(name=str(tiny_bert)), choose_hardware("cuda", precision))
    state = torch.cuda.get_rng_state()

    def outcome() -> np.ndarray:
        encoder.fit(train_tokens, ROWS, is_sport[0][ROWS], SETTINGS, **PARTS)
        return encoder.score(test_tokens, EVERY_TEST_ROW).probabilities

    first = outcome()
    assert torch.equal(torch.cuda.get_rng_state(), state)
    assert np.array_equal(outcome(), first)  # to the last bit: kernels must be repeatable


def test_a_fit_leaves_the_model_on_the_gpu(pair, train_tokens, is_sport):
    encoder = pair[1]
    encoder.fit(train_tokens, ROWS, is_sport[0][ROWS], SETTINGS, **PARTS)
    assert {parameter.device.type for parameter in encoder.model.parameters()} == {"cuda"}


def test_surprisal_agrees(pair, train_tokens, tmp_path):
    cpu, gpu = (
        SurprisalSource(e.settings, e.hardware, train_tokens, "toy", e.tokenizer, tmp_path / e.hardware.device.type)
        for e in pair
    )
    on_gpu, on_cpu = (source.embeddings(ROWS).of(np.arange(len(ROWS))) for source in (gpu, cpu))
    np.testing.assert_allclose(on_gpu, on_cpu, atol=1e-4)


def test_peak_memory_is_the_allocator_s():
    chosen = choose_hardware("cuda")
    chosen.reset_peak()
    before = chosen.peak_memory_mb()
    held = torch.ones(2**24, device="cuda")
    assert chosen.peak_memory_mb() >= before + 64
    del held
