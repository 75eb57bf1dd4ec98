"""What a fit asks of a GPU, found out on a CPU that pretends to have one; the numbers are for test_model_gpu.py."""

import subprocess
import sys
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    RobertaConfig,
)

from bench.model import hardware as hardware_module
from bench.model.attention import with_mask_in_full
from bench.model.fitting import StaysOnDevice
from bench.model.hardware import choose_hardware
from bench.model.nvml import Gpu
from bench.model.standard_state import standard_state
from bench.records import TrainSettings

PARTS = {"dataset": "toy", "seed": 0}
SETTINGS = TrainSettings(epochs=1, batch_size=8, learning_rate=1e-3)
ROWS = np.arange(24)


@pytest.fixture
def asked(monkeypatch) -> Counter:
    """Pretend that there is a GPU, on which the model and its batches already are; count what it is asked for."""
    calls: Counter = Counter()

    def count(owner, name, *, returns=None):
        monkeypatch.setattr(owner, name, lambda *given, **_: calls.update([(name, *given)]) or returns)

    count(torch.cuda, "set_device")
    count(torch.cuda, "empty_cache")
    count(torch.cuda, "synchronize")
    count(torch.cuda, "get_device_capability", returns=(9, 0))
    count(torch.cuda, "get_device_name", returns="NVIDIA H100")
    for name, value in {"is_available": True, "is_initialized": True, "device_count": 1, "current_device": 0}.items():
        monkeypatch.setattr(torch.cuda, name, lambda value=value: value)
    monkeypatch.setattr(torch.cuda, "default_generators", [torch.Generator()])
    monkeypatch.setattr(torch.random, "fork_rng", lambda *_: nullcontext())
    monkeypatch.setattr(hardware_module, "_gpu", lambda: Gpu("NVIDIA H100", bf16=False))
    # Once the GPU is chosen, what Lightning computes on it is computed here.
    chosen = ("set_device", torch.device("cuda", 0))
    here = property(lambda self: torch.device("cpu") if calls[chosen] else self._root_device)
    monkeypatch.setattr(StaysOnDevice, "root_device", here)
    monkeypatch.setattr(StaysOnDevice, "model_to_device", lambda _: None)
    monkeypatch.setattr(StaysOnDevice, "batch_to_device", lambda _self, batch, *_, **__: batch)
    return calls


@pytest.fixture
def fit(encoder, train_tokens, is_sport, asked):
    """A function that fits the encoder on the GPU that there seems to be."""
    encoder.hardware = replace(choose_hardware("cuda"), replays=False)  # CUDA graphs cannot be pretended

    def on_gpu() -> None:
        encoder.fit(train_tokens, ROWS, is_sport[0][ROWS], SETTINGS, **PARTS)

    return on_gpu


def test_a_fit_names_its_gpu_by_index_and_keeps_the_allocator_s_memory(fit, asked, monkeypatch):
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    seen: list[str | None] = []
    step = StaysOnDevice.training_step
    monkeypatch.setattr(
        StaysOnDevice,
        "training_step",
        lambda self, *given: seen.append(hardware_module.os.environ.get("CUDA_DEVICE_ORDER")) or step(self, *given),
    )
    fit()
    assert asked["set_device", torch.device("cuda", 0)] == 1
    assert not [call for call in asked if call[0] in {"empty_cache", "synchronize"}]
    assert seen == [None] * 3  # GPUs keep their numbers


def test_kernels_of_a_fit_repeat_strictly_and_fill_no_memory(fit, encoder, monkeypatch):
    """Lightning and the standard state say the same: strictly, since a warning leaves attention's backward free."""
    seen = []
    forward = encoder.model.forward

    def watched(**batch):
        seen.append(
            (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
                torch.utils.deterministic.fill_uninitialized_memory,
                torch.backends.cuda.cudnn_sdp_enabled(),
            )
        )
        return forward(**batch)

    monkeypatch.setattr(encoder.model, "forward", watched)
    before = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    fit()
    assert set(seen) == {(True, False, False, False)}
    assert (
        torch.are_deterministic_algorithms_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
    ) == before
    with standard_state():
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()


def test_on_a_cpu_kernels_need_not_be_told_to_repeat(encoder, train_tokens, is_sport, monkeypatch):
    seen = []
    step = StaysOnDevice.training_step
    monkeypatch.setattr(
        StaysOnDevice,
        "training_step",
        lambda self, *given: seen.append(torch.are_deterministic_algorithms_enabled()) or step(self, *given),
    )
    encoder.fit(train_tokens, ROWS, is_sport[0][ROWS], SETTINGS, **PARTS)
    assert seen == [False] * 3


@pytest.mark.parametrize("first", ["bench", pytest.param("torch", marks=pytest.mark.slow)])
def test_cublas_is_told_before_the_first_product_of_a_process(first):
    """It reads its variable from the system at its first product, so a change of ``os.environ`` must reach that.

    Whatever computes is in ``bench``, which tells it when it is imported.
    """
    code = (
        f"import {first}, bench, ctypes\n"
        "getenv = ctypes.CDLL(None).getenv\n"
        "getenv.restype = ctypes.c_char_p\n"
        "print(getenv(b'CUBLAS_WORKSPACE_CONFIG').decode())"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={"CUBLAS_WORKSPACE_CONFIG": ":16:8"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == ":4096:8"


# --- masks ------------------------------------------------------------------------------------------------------------

SIZES = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
CONFIGS = {
    "bert": BertConfig(**SIZES),
    "roberta": RobertaConfig(**SIZES),
    "electra": ElectraConfig(**SIZES, embedding_size=32),
    "distilbert": DistilBertConfig(vocab_size=50, dim=32, n_layers=2, n_heads=2, hidden_dim=64),
}


def padded_batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    mask = (torch.arange(9) < torch.tensor([9, 5, 2, 7])[:, None]).long()
    ids = torch.where(mask == 1, torch.randint(5, 50, (4, 9), generator=generator), 1)
    return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([0, 1, 1, 0])}


@pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_a_mask_in_full_is_the_one_that_transformers_makes(config, bf16):
    """Loss and gradients to the last bit, and nobody asks the device whether the mask is all ones."""
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation="sdpa").train()

    def outcome(batch) -> list[torch.Tensor]:
        torch.manual_seed(1)  # dropout
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = model(**batch).loss
        loss.backward()
        return [loss.detach(), *(p.grad.clone() for p in model.parameters() if p.grad is not None)]

    batch = padded_batch()
    full = with_mask_in_full(model, batch)
    assert full["attention_mask"].shape == (4, 1, 9, 9)
    assert all(torch.equal(a, b) for a, b in zip(outcome(full), outcome(batch), strict=True))


@pytest.fixture
def waits(monkeypatch) -> list[str]:
    """Whenever a tensor's value is read by Python, for which a GPU would have to be waited for."""
    found = []
    for name in ("item", "__bool__", "tolist", "__int__", "__float__"):
        original = getattr(torch.Tensor, name)
        monkeypatch.setattr(
            torch.Tensor, name, lambda self, name=name, original=original: found.append(name) or original(self)
        )
    return found


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_no_step_waits_for_the_device(config, waits):
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation="sdpa").train()
    waits.clear()
    model(**padded_batch())
    assert waits, "transformers asks no longer: with_mask_in_full can go"
    waits.clear()
    model(**with_mask_in_full(model, padded_batch())).loss.backward()
    assert waits == []


@pytest.mark.parametrize(("attention", "change"), [("eager", {}), ("sdpa", {"is_decoder": True})])
def test_models_that_attend_otherwise_make_their_mask_themselves(attention, change):
    config = BertConfig(**SIZES, **change)
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation=attention)
    batch = padded_batch()
    assert with_mask_in_full(model, batch) is batch


def test_models_whose_layers_attend_differently_make_their_masks_themselves():
    """ModernBERT's layers look at neighbours only, but for every third: one mask would undo that in silence."""
    config = ModernBertConfig(**SIZES, pad_token_id=1, bos_token_id=0, eos_token_id=2, cls_token_id=0, sep_token_id=2)
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation="sdpa")
    batch = padded_batch()
    assert with_mask_in_full(model, batch) is batch


def test_a_batch_without_padding_needs_no_mask(encoder):
    batch = {"input_ids": torch.ones(2, 3, dtype=torch.long)}
    assert with_mask_in_full(encoder.model, batch) is batch
