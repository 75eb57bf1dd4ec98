"""What the NVIDIA driver's library (NVML) says of the GPUs of this machine; no CUDA context is created for it.

By hand: torch reads no more than their number from NVML, and the bindings (nvidia-ml-py) would be a dependency for a
few calls.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LIBRARY = "libnvidia-ml.so.1"
AMD_DEVICE = Path("/dev/kfd")
BF16_SINCE = 8
"""Major number of the compute capability (Ampere) from which on bf16 is computed and not emulated."""
_SUCCESS, _NAME_BYTES = 0, 96


@dataclass(frozen=True)
class Gpu:
    """A GPU's ``name``, and whether it computes in ``bf16``."""

    name: str
    bf16: bool


def may_be_here() -> bool:
    """Return whether torch could find a GPU: there is a driver's library (NVIDIA), or its device (AMD)."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return AMD_DEVICE.exists()
    return True


def alike() -> Gpu | None:
    """Return what all GPUs of this machine are.

    Returns:
        None where that leaves a doubt and CUDA must be asked: there is no such library, GPUs differ (CUDA numbers them
        in an order of its own), or they are partitioned (MIG), which changes their names.
    """
    try:
        library = ctypes.CDLL(LIBRARY)
        if library.nvmlInit_v2() != _SUCCESS:
            return None
        try:
            found = {_read(library, index) for index in range(_count(library))}
        finally:
            library.nvmlShutdown()
    except (OSError, AttributeError):  # no library, or one without these functions
        return None
    return found.pop() if len(found) == 1 else None


def _count(library: ctypes.CDLL) -> int:
    count = ctypes.c_uint(0)
    return count.value if library.nvmlDeviceGetCount_v2(ctypes.byref(count)) == _SUCCESS else 0


def _read(library: ctypes.CDLL, index: int) -> Gpu | None:
    """Return what a GPU is, or None if the library does not say or the GPU is partitioned."""
    handle, name = ctypes.c_void_p(), ctypes.create_string_buffer(_NAME_BYTES)
    major, minor, partitioned, pending = ctypes.c_int(), ctypes.c_int(), ctypes.c_uint(0), ctypes.c_uint(0)
    calls: tuple[Callable[[], int], ...] = (
        lambda: library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(handle)),
        lambda: library.nvmlDeviceGetName(handle, name, ctypes.c_uint(_NAME_BYTES)),
        lambda: library.nvmlDeviceGetCudaComputeCapability(handle, ctypes.byref(major), ctypes.byref(minor)),
    )
    if any(call() != _SUCCESS for call in calls):
        return None
    # It fails, and says nothing, on a GPU that cannot be partitioned.
    library.nvmlDeviceGetMigMode(handle, ctypes.byref(partitioned), ctypes.byref(pending))
    return None if partitioned.value else Gpu(name.value.decode(errors="replace"), major.value >= BF16_SINCE)
