"""A fit and a pass yield the same whatever was set in the process before, and leave those settings as they were."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest
import sklearn
import torch

from bench.model.encoder import Encoder
from bench.model.hardware import use_threads
from bench.model.standard_state import standard_state
from bench.records import ModelSettings, TrainSettings

PARTS = {"dataset": "toy", "seed": 0}
SETTINGS = TrainSettings(epochs=1, batch_size=8, learning_rate=1e-3)
ROWS = np.arange(24)


def observed(encoder, tokens, labels):
    """Return what passes of a fitted and of the pre-trained encoder say."""
    encoder.fit(tokens, ROWS, labels[0][ROWS], SETTINGS, **PARTS)
    scores = encoder.score(tokens, ROWS, embeddings=True)
    votes = encoder.score(tokens, ROWS, dropout_seed=3).probabilities
    return (
        scores.probabilities.tobytes(),
        scores.embeddings.numpy().tobytes(),
        votes.tobytes(),
        encoder.embed(tokens, ROWS).tobytes(),
    )


@pytest.fixture(scope="module")
def calm(tiny_bert, hardware, train_tokens, is_sport):
    """What an encoder says that nothing has disturbed."""
    return observed(Encoder(ModelSettings(name=str(tiny_bert)), hardware), train_tokens, is_sport)


AMBIENT = {
    "dtype": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "device": (lambda: torch.set_default_device("meta"), torch.get_default_device),
    "seed": (lambda: torch.manual_seed(5), lambda: torch.get_rng_state().tolist()),
    "no gradients": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "deterministic": (lambda: torch.use_deterministic_algorithms(True), torch.are_deterministic_algorithms_enabled),
    "precision": (lambda: torch.set_float32_matmul_precision("medium"), torch.get_float32_matmul_precision),
    "autocast": (lambda: torch.set_autocast_enabled("cpu", True), lambda: torch.is_autocast_enabled("cpu")),
    "numpy raises": (lambda: np.seterr(all="raise"), np.geterr),
    "warnings raise": (lambda: warnings.simplefilter("error"), lambda: warnings.filters[0][0]),
    "environment": (
        lambda: os.environ.update(PL_TRAINER_LIMIT_TRAIN_BATCHES="1"),
        lambda: os.environ.get("PL_TRAINER_LIMIT_TRAIN_BATCHES"),
    ),
    "sklearn": (
        lambda: sklearn.set_config(transform_output="pandas"),
        lambda: sklearn.get_config()["transform_output"],
    ),
}


@pytest.mark.parametrize(("disturb", "read"), AMBIENT.values(), ids=AMBIENT)
def test_fits_and_passes_do_not_depend_on_what_was_set_before(disturb, read, encoder, train_tokens, is_sport, calm):
    with standard_state():  # puts everything back after the test
        disturb()
        before = read()
        assert observed(encoder, train_tokens, is_sport) == calm
        assert read() == before


def test_in_an_inference_mode_fits_work_too(encoder, train_tokens, is_sport, calm):
    with torch.inference_mode():
        assert observed(encoder, train_tokens, is_sport) == calm


def test_threads_are_set_in_all_libraries_and_put_back():
    from threadpoolctl import threadpool_info, threadpool_limits

    with threadpool_limits(None):
        use_threads(2)
        assert {library["num_threads"] for library in threadpool_info()} == {2}
        with standard_state():
            torch.set_num_threads(3)
        assert torch.get_num_threads() == 2
        use_threads(1)
