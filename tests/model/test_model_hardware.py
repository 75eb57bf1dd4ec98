"""The choice of device and precision, on machines with and without a GPU or bf16."""

import pytest
import torch

from bench.errors import ModelError
from bench.model import hardware, nvml
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


class Driver:
    """The functions of NVML that are asked; a GPU is (name, major capability, whether it is partitioned)."""

    def __init__(self, *gpus: tuple[str, int, bool | None]) -> None:
        self.gpus, self.open = gpus, 0

    def nvmlInit_v2(self) -> int:
        self.open += 1
        return 0

    def nvmlShutdown(self) -> int:
        self.open -= 1
        return 0

    def nvmlDeviceGetCount_v2(self, count) -> int:
        count._obj.value = len(self.gpus)
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index, handle) -> int:
        handle._obj.value = index.value + 1  # a pointer
        return 0

    def nvmlDeviceGetName(self, handle, name, size) -> int:
        name.value = self.gpus[handle.value - 1][0].encode()[: size.value]
        return 0

    def nvmlDeviceGetCudaComputeCapability(self, handle, major, minor) -> int:
        major._obj.value, minor._obj.value = self.gpus[handle.value - 1][1], 0
        return 0

    def nvmlDeviceGetMigMode(self, handle, current, pending) -> int:
        partitioned = self.gpus[handle.value - 1][2]
        if partitioned is None:
            return 3  # NVML_ERROR_NOT_SUPPORTED
        current._obj.value = pending._obj.value = int(partitioned)
        return 0


V100, A100, H100 = ("NVIDIA V100", 7, None), ("NVIDIA A100", 8, False), ("NVIDIA H100", 9, False)
MIG = ("NVIDIA H100", 9, True)


@pytest.mark.parametrize(
    ("gpus", "found"),
    [
        ([H100], nvml.Gpu("NVIDIA H100", bf16=True)),
        ([A100, A100], nvml.Gpu("NVIDIA A100", bf16=True)),
        ([V100], nvml.Gpu("NVIDIA V100", bf16=False)),
        ([A100, H100], None),  # which one is in use, CUDA alone can tell
        ([MIG], None),
        ([H100, MIG], None),
        ([], None),
    ],
)
def test_the_driver_is_asked_what_the_gpus_are(monkeypatch, gpus, found):
    driver = Driver(*gpus)
    monkeypatch.setattr(nvml.ctypes, "CDLL", lambda name: driver if name == nvml.LIBRARY else pytest.fail(name))
    assert nvml.alike() == found
    assert driver.open == 0


@pytest.mark.parametrize(
    "function", ["nvmlInit_v2", "nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetName"]
)
def test_a_driver_that_does_not_answer_leaves_it_to_cuda(monkeypatch, function):
    driver = Driver(H100)
    monkeypatch.setattr(nvml.ctypes, "CDLL", lambda _: driver)
    monkeypatch.setattr(driver, function, lambda *_: 999)
    assert nvml.alike() is None


def test_without_the_driver_s_library_it_is_left_to_cuda(monkeypatch):
    monkeypatch.setattr(nvml, "LIBRARY", "libno-such-library.so.1")
    assert nvml.alike() is None
    monkeypatch.setattr(nvml.ctypes, "CDLL", lambda _: object())  # a library without these functions
    assert nvml.alike() is None


@pytest.fixture
def one_gpu(monkeypatch):
    """A machine with a GPU of which the driver knows; whoever asks CUDA more than whether there is one, fails."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.cuda, "_lazy_init", lambda: pytest.fail("a CUDA context was created"))
    monkeypatch.setattr(hardware, "alike", lambda: nvml.Gpu("NVIDIA H100", bf16=True))


def test_a_gpu_has_its_index_and_is_chosen_without_a_cuda_context(one_gpu):
    chosen = choose_hardware("cuda")
    assert (chosen.device, chosen.gpus) == (torch.device("cuda", 0), [0])
    assert (chosen.name, chosen.precision) == ("NVIDIA H100", "bf16")
    assert choose_hardware("auto", "fp32").precision == "fp32"


def test_bf16_that_the_gpu_has_not_is_refused_without_a_cuda_context(one_gpu, monkeypatch):
    monkeypatch.setattr(hardware, "alike", lambda: nvml.Gpu("NVIDIA V100", bf16=False))
    with pytest.raises(ModelError, match="has no bf16; use auto or fp32"):
        choose_hardware("cuda", "bf16")
    assert choose_hardware("cuda").precision == "fp32"


def test_bf16_that_the_gpu_has_not_is_refused_before_the_first_run(one_gpu, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert uses_gpu("auto", "bf16")
    monkeypatch.setattr(hardware, "alike", lambda: nvml.Gpu("NVIDIA V100", bf16=False))
    with pytest.raises(ModelError, match="has no bf16; use auto or fp32"):
        uses_gpu("auto", "bf16")
    monkeypatch.setattr(hardware, "alike", lambda: None)
    assert uses_gpu("auto", "bf16")  # the first worker finds out


@pytest.mark.parametrize(("ready", "driver_knows"), [(True, True), (False, False)])
def test_cuda_itself_is_asked_where_it_is_in_use_or_the_driver_is_in_doubt(one_gpu, monkeypatch, ready, driver_knows):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: ready)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a partition")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation)
    if not driver_knows:
        monkeypatch.setattr(hardware, "alike", lambda: None)
    chosen = choose_hardware("cuda")
    assert (chosen.name, chosen.precision) == ("a partition", "fp32")
    assert chosen.gpus == [3 if ready else 0]


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
        pytest.param(1, None, ("0", "GPU-nobody"), "--gpus names GPU-nobody, but", marks=pytest.mark.slow),  # asks CUDA
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
