"""What a machine can do at best: multiply matrices of an encoder's sizes, and copy memory."""

from __future__ import annotations

from collections.abc import Callable

import torch

from bench import seeds
from bench.model.hardware import Hardware

COPIED_BYTES = 2**28


def products(d: int, f: int, hardware: Hardware) -> tuple[Callable[[], None], float]:
    """Return the matrix products of an encoder's layer on a full scoring batch, and their floating-point operations.

    Six products with weights, in the precision of the passes, and nothing else: no attention, no norm, no padding. No
    pass over texts can be faster.

    Args:
        d: width of the hidden states.
        f: of the feed-forward part.
        hardware: device, precision, and the tokens of a full batch.
    """
    rows, dtype = hardware.token_budget, torch.bfloat16 if hardware.bf16 else torch.float32
    # Noise, since a GPU multiplies constants faster than numbers.
    rng = torch.Generator().manual_seed(seeds.torch_seed("calibration", width=d))

    def noise(*size: int) -> torch.Tensor:
        return torch.randn(*size, generator=rng).to(hardware.device, dtype)

    narrow, wide, square, up, down = noise(rows, d), noise(rows, f), noise(d, d), noise(f, d), noise(d, f)
    bias = noise(d), noise(f)

    def multiply() -> None:
        with torch.no_grad():
            for _ in range(4):
                torch.nn.functional.linear(narrow, square, bias[0])
            torch.nn.functional.linear(narrow, up, bias[1])
            torch.nn.functional.linear(wide, down, bias[0])

    return multiply, 2.0 * rows * (4 * d * d + 2 * d * f)


def memory_copy(hardware: Hardware) -> tuple[Callable[[], None], float]:
    """Return a copy of memory far larger than any cache, and the bytes it reads and writes."""
    source, target = (torch.zeros(COPIED_BYTES // 4, device=hardware.device) for _ in range(2))

    def copy() -> None:
        target.copy_(source)

    return copy, 2.0 * COPIED_BYTES
