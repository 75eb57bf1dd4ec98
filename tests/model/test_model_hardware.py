"""The choice of device and precision, on machines with and without a GPU or bf16."""

import pytest
import torch

from bench.errors import ModelError
from bench.model import hardware
from bench.model.hardware import choose_hardware, refuse_missing_gpus, uses_gpu


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("tpu", "unknown device 'tpu'; allowed: auto, cpu, cuda"),
        ("cuda", "torch sees no GPU; use --device cpu or auto"),
    ],
)
def test_a_device_that_is_not_there_is_refused(no_gpu, asked, message):
    with pytest.raises(ModelError, match=message) as error:
        choose_hardware(asked)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("asked", "has_bf16", "used"),
    [
        ("auto", True, "bf16"),
        ("auto", False, "fp32"),
        ("fp32", True, "fp32"),
        ("fp32", False, "fp32"),
        ("bf16", True, "bf16"),
    ],
)
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_precision_is_what_was_asked_for_or_bf16_where_there_is_any(no_gpu, monkeypatch, device, asked, has_bf16, used):
    monkeypatch.setattr(hardware, "_cpu_has_bf16", lambda: has_bf16)
    chosen = choose_hardware(device, asked)
    assert (chosen.device.type, chosen.precision) == ("cpu", used)


def test_bf16_that_the_hardware_has_not_is_refused(no_gpu, monkeypatch):
    monkeypatch.setattr(hardware, "_cpu_has_bf16", lambda: False)
    with pytest.raises(ModelError, match="has no bf16; use auto or fp32"):
        choose_hardware("cpu", "bf16")


@pytest.mark.parametrize("capabilities", [{}, {"avx512_bf16": False, "avx2": True}])
def test_a_cpu_without_fast_bf16_is_known_as_such(monkeypatch, capabilities):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert not hardware._cpu_has_bf16()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {**capabilities, "amx_bf16": True}, raising=False)
    assert hardware._cpu_has_bf16()


def test_an_older_torch_that_cannot_tell_means_fp32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not hardware._cpu_has_bf16()


def test_the_record_names_the_cpu_and_counts_memory(no_gpu):
    chosen = choose_hardware("auto", "fp32")
    assert chosen.name.startswith("cpu ")
    assert len(chosen.name) > len("cpu ")
    chosen.reset_peak()
    before = chosen.peak_memory_mb()
    held = torch.ones(2**24)  # 64 MiB
    assert chosen.peak_memory_mb() >= before > 10
    assert before < 100_000  # megabytes, not kilobytes
    del held


@pytest.mark.parametrize(
    ("seen", "named", "asked", "message"),
    [
        (0, None, ("0",), "--gpus names 0, but torch sees no such GPU here: it sees none; leave --gpus out"),
        (2, None, ("0", "7"), "--gpus names 7, but torch sees no such GPU here: it sees 0, 1"),
        (2, "5,3", ("0", "5"), "--gpus names 0, but torch sees no such GPU here: it sees 5, 3"),
        (1, None, ("0", "GPU-nobody"), "--gpus names GPU-nobody, but"),
        (1, None, ("00", "+0", "-1"), "--gpus names 00, +0, -1, but"),
        (2, None, ("0", "1"), ""),
        (2, "5, 3", ("3", "5"), ""),
        (1, "GPU-1a2b", ("GPU-1a2b",), ""),
    ],
)
def test_gpus_that_are_not_there_are_named_with_those_that_are(monkeypatch, seen, named, asked, message):
    monkeypatch.setattr("torch.cuda.device_count", lambda: seen)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    if not message:
        refuse_missing_gpus(asked)
        return
    with pytest.raises(ModelError) as error:
        refuse_missing_gpus(asked)
    assert message in str(error.value)


@pytest.mark.parametrize(("device", "seen", "gpu"), [("auto", 1, True), ("auto", 0, False), ("cpu", 1, False)])
def test_whether_a_gpu_is_used_is_known_without_making_cuda_ready(monkeypatch, device, seen, gpu):
    monkeypatch.setattr("torch.cuda.device_count", lambda: seen)
    monkeypatch.setattr("torch.cuda._lazy_init", lambda: pytest.fail("CUDA was made ready"))
    assert uses_gpu(device) is gpu
