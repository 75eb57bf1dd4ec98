"""Which device and precision a worker uses, chosen once and recorded with every run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.environment import process_peak_mb, processor
from bench.errors import ModelError, RunError
from bench.model.nvml import Gpu, alike, may_be_here
from bench.records import Precision

if TYPE_CHECKING:  # torch is loaded by what computes, or where there may be a GPU
    import torch

DEVICES = ("auto", "cpu", "cuda")
NO_GPU = "device 'cuda' was asked for, but torch sees no GPU; use --device cpu or auto"
NO_BF16 = "precision 'bf16' was asked for, but this hardware has no bf16; use auto or fp32"


@dataclass(frozen=True)
class Hardware:
    """A device and the arithmetic used on it.

    Attributes:
        device: ``cpu``, or ``cuda`` with its index.
        bf16: whether fits run under bfloat16 autocast, and passes in bfloat16.
        name: the device in words, for the record.
        token_budget: padded tokens a scoring batch may hold. enough_tokens: those that keep the device busy; a scoring
            batch that holds them takes in no shorter rows.
        replays: whether the steps of a fit have one shape, which a GPU replays as a CUDA graph.
    """

    device: torch.device
    bf16: bool
    name: str
    token_budget: int
    enough_tokens: int
    replays: bool = False

    @property
    def precision(self) -> str:
        """``bf16`` (a fit's weights stay in fp32) or ``fp32``."""
        return "bf16" if self.bf16 else "fp32"

    @property
    def gpus(self) -> list[int]:
        """Number of the GPU in use, as torch wants it for its random states; empty on a CPU."""
        return [] if self.device.index is None else [self.device.index]

    def send(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return a tensor of the CPU on the device; a GPU does not wait for it before it goes on computing."""
        if self.device.type == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor

    def synchronize(self) -> None:
        """Wait until the device has done all it was told to; a CPU always has."""
        if self.device.type == "cuda":
            import torch

            torch.cuda.synchronize()

    def peak_memory_mb(self) -> float:
        """Return the peak since :meth:`reset_peak`: of the GPU's allocator, or of the process on a CPU."""
        if self.device.type == "cuda":
            import torch

            return torch.cuda.max_memory_allocated() / 2**20
        return process_peak_mb()

    def reset_peak(self) -> None:
        """Start a new peak (a process's own peak on a CPU cannot be reset and keeps growing)."""
        if self.device.type == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats()


def out_of_memory(hardware: Hardware) -> RunError:
    """Return the error of a fit that needs more memory than there is."""
    return RunError(f"out of memory on {hardware.name} while fine-tuning; lower train.batch_size or model.max_length")


def use_threads(count: int, *, load_torch: bool = True) -> None:
    """Let this process compute with so many threads, in torch as well as in BLAS and OpenMP.

    So the number does not depend on ``OMP_NUM_THREADS`` and its like, which Dask, for one, sets for its workers.

    Args:
        count: of threads.
        load_torch: whether torch will be needed; if not, and it is not there yet, whoever loads it finds the number.
    """
    from threadpoolctl import threadpool_limits

    if load_torch or "torch" in sys.modules:
        import torch

        torch.set_num_threads(count)
    else:
        os.environ["OMP_NUM_THREADS"] = str(count)
    threadpool_limits(count)


def visible_gpus() -> tuple[str, ...]:
    """Return the names by which CUDA_VISIBLE_DEVICES shows this process's GPUs to a child; nothing if torch sees none.

    It is the driver of the cards that is asked, not CUDA: this process keeps no memory of a GPU for it.
    """
    import torch

    count = torch.cuda.device_count()
    named = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return tuple(named[:count]) if named else tuple(map(str, range(count)))


def refuse_missing_gpus(names: Iterable[str]) -> None:
    """Make sure that there is a GPU of each of these names.

    Raises:
        ModelError: if there is not; it names what there is.
    """
    there = visible_gpus()
    missing = [name for name in names if name not in there and not (there and _is_known_to_cuda(name))]
    if missing:
        seen = f"it sees {', '.join(there)}" if there else "it sees none; leave --gpus out to run on the CPU"
        raise ModelError(f"--gpus names {', '.join(missing)}, but torch sees no such GPU here: {seen}")


def _is_known_to_cuda(name: str) -> bool:
    """Return whether a GPU goes by a name such as ``GPU-1a2b`` or ``MIG-...``, of which CUDA takes beginnings too."""
    if not name.startswith(("GPU-", "MIG-")):
        return False
    code = "import torch; raise SystemExit(torch.cuda.device_count() != 1)"
    child = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "CUDA_VISIBLE_DEVICES": name}, capture_output=True, check=False
    )
    return child.returncode == 0


def refuse_unknown_device(device: str) -> None:
    """Raise :class:`ModelError` unless a device is one of the words that there are."""
    if device not in DEVICES:
        raise ModelError(f"unknown device {device!r}; allowed: {', '.join(DEVICES)}")


def uses_gpu(device: str, precision: Precision = "auto") -> bool:
    """Return whether ``auto``, ``cpu`` or ``cuda`` means a GPU here, without making CUDA ready in this process.

    Raises:
        ModelError: if it is another word, or a GPU or bf16 is asked for and this machine is known to have none.
    """
    import torch

    refuse_unknown_device(device)
    gpu = device != "cpu" and torch.cuda.device_count() > 0
    if device == "cuda" and not gpu:
        raise ModelError(NO_GPU)
    known = alike() if gpu else None
    if precision == "bf16" and not (known.bf16 if known else gpu or _cpu_has_bf16()):
        raise ModelError(NO_BF16)
    return gpu


def device_name(device: str = "auto") -> str:
    """Return the name of the device that :func:`choose_hardware` chooses; on a machine without a GPU at no cost.

    Raises:
        ModelError: if a GPU is asked for and this machine has none.
    """
    refuse_unknown_device(device)
    if device == "cpu" or (device == "auto" and not may_be_here()):
        return f"cpu {processor()}"
    return choose_hardware(device).name


def choose_hardware(device: str = "auto", precision: Precision = "auto") -> Hardware:
    """Choose a device and a precision: the GPU where there is one, bf16 where the hardware has it.

    Raises:
        ModelError: if a GPU or bf16 is asked for and this machine has none.
    """
    import torch

    refuse_unknown_device(device)
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError(NO_GPU)
    use_gpu = device != "cpu" and torch.cuda.is_available()
    gpu = _gpu() if use_gpu else None
    has_bf16 = gpu.bf16 if gpu else _cpu_has_bf16()
    if precision == "bf16" and not has_bf16:
        raise ModelError(NO_BF16)
    bf16 = has_bf16 and precision != "fp32"
    if gpu:
        # With its index: Lightning hands the device to torch.cuda.set_device, which refuses one without.
        device_in_use = torch.device("cuda", torch.cuda.current_device() if torch.cuda.is_initialized() else 0)
        return Hardware(device_in_use, bf16, gpu.name, 262_144, enough_tokens=131_072, replays=True)
    return Hardware(torch.device("cpu"), bf16, f"cpu {processor()}", 2_048, enough_tokens=512)


def _gpu() -> Gpu:
    """Return what the GPU in use is, without a CUDA context where the driver library can tell.

    A context takes seconds and hundreds of megabytes of the GPU, and most processes that ask, such as the one that
    hands out blocks or plans a grid, never compute on it.
    """
    import torch

    known = None if torch.cuda.is_initialized() else alike()
    return known or Gpu(torch.cuda.get_device_name(), torch.cuda.is_bf16_supported(including_emulation=False))


def _cpu_has_bf16() -> bool:
    """bf16 that multiplies faster than fp32: AVX512-BF16 or AMX on x86, or the bf16 extension on Arm."""
    import torch

    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # torch >= 2.12
    return any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16", "arm_bf16"))
