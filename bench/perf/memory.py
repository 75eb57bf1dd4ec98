"""How much memory a piece of work needs on top of what is there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch

from bench.model.hardware import Hardware

_PROCESS = Path("/proc/self")


def extra_peak(work: Callable[[], object], hardware: Hardware) -> int | None:
    """Return the bytes that ``work`` holds at its worst, beyond what was held before; None where that is unknown.

    Of the GPU's allocator, or of this process's resident memory. The latter's peak can be reset on Linux only; memory
    that was freed before and not yet given back to the system can hide a part of it.
    """
    if hardware.device.type == "cuda":
        hardware.reset_peak()
        before = torch.cuda.memory_allocated()
        work()
        return torch.cuda.max_memory_allocated() - before
    with suppress(OSError):
        (_PROCESS / "clear_refs").write_text("5", encoding="ascii")  # sets the peak to what is held now; see proc(5)
        before = _resident("VmRSS")
        work()
        return max(_resident("VmHWM") - before, 0)
    return None


def _resident(field: str) -> int:
    """Return a size that the kernel keeps of this process, in bytes."""
    lines = (_PROCESS / "status").read_text(encoding="utf-8").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
