"""What is compared must compute the same: the plain loops give the suite's results."""

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertForMaskedLM

from bench import seeds
from bench.model.batching import Collate
from bench.model.encoder import Encoder
from bench.model.first_token import first_token_only
from bench.model.shapes import Shape
from bench.perf import naive
from bench.perf.texts import made_up
from bench.records import ModelSettings, TrainSettings

PARTS = {"perf": 1}
ROWS = np.arange(40)


@pytest.fixture
def encoder(tiny_bert, hardware) -> Encoder:
    """The tiny BERT, whose large weights tell texts apart, without dropout."""
    encoder = Encoder(ModelSettings(name=str(tiny_bert)), hardware)
    for module in encoder.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    encoder.reset(**PARTS)
    return encoder


@pytest.fixture
def tokens(encoder):
    return made_up("sst2", 40, np.random.default_rng(0), encoder.tokenizer.vocab_size, (2, 3), encoder.max_length)


def test_the_padded_loop_scores_as_the_encoder_does(encoder, tokens):
    ours = encoder.score(tokens, ROWS).probabilities
    assert np.ptp(ours) > 0.05
    np.testing.assert_allclose(naive.score(encoder.model, tokens, ROWS, encoder.pad_id), ours, atol=1e-6)


def test_the_plain_loop_fits_as_the_encoder_does(encoder, tokens):
    labels, settings = (ROWS % 3 == 0).astype(np.int64), TrainSettings(epochs=2, learning_rate=1e-3)
    untrained = encoder.score(tokens, ROWS).probabilities
    encoder.fit(tokens, ROWS, labels, settings, **PARTS)
    ours = encoder.score(tokens, ROWS).probabilities
    encoder.reset(**PARTS)
    data = Collate(tokens, ROWS, labels, encoder.pad_id)
    naive.fit(encoder.model, data, settings, seeds.generator("batches", **PARTS))
    plain = encoder.score(tokens, ROWS).probabilities
    assert np.abs(ours - untrained).max() > 0.01
    np.testing.assert_allclose(plain, ours, atol=1e-4)


def operations(model, length):
    """Return the floating-point operations that torch counts in the forward pass of one text."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        model(input_ids=torch.full((1, length), 2_000))
    return counter.get_total_flops()


@pytest.mark.parametrize("length", [3, 17])
def test_operations_are_those_that_torch_counts(tiny_folder, hardware, tiny: Shape, length):
    model, d = Encoder(ModelSettings(name=str(tiny_folder)), hardware).model.eval(), tiny.hidden
    with first_token_only(model):
        head = 2 * d * d + 2 * d * 2  # pooler and last layer: not part of the encoder
        assert operations(model, length) - head == tiny.forward_flops(length)
    masked_lm = BertForMaskedLM.from_pretrained(tiny_folder).eval()
    assert operations(masked_lm, length) == tiny.encoding_flops(length) + length * tiny.logits_flops
