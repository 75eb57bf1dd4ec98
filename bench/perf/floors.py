"""What a machine can do at best: multiply matrices of an encoder's sizes, and copy memory."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from unittest.mock import patch

import torch

from bench import seeds
from bench.model.hardware import Hardware
from bench.strategies.dal import HIDDEN, SCORED_ROWS, Training
from bench.strategies.discriminator import Discriminator

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


def steps_of(query: Callable[[], object]) -> int:
    """Return how many steps of training DAL's networks make in a query, which depends on what they learn."""
    made = []
    step = Discriminator.step

    def counted(network: Discriminator, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        made.append(len(X))
        return step(network, X, y)

    with patch.object(Discriminator, "step", counted):
        query()
    return len(made)


def network_products(
    training: Training, n: int, width: int, steps: int, hardware: Hardware
) -> tuple[Callable[[], None], float]:
    """Return the matrix products of a DAL query, and their floating-point operations.

    Of one that scores all rows.

    Args:
        training: of DAL's network.
        n: rows unlabelled.
        width: of h.
        steps: that its networks make; see :func:`steps_of`.
        hardware: device.
    """
    rng, device = torch.Generator().manual_seed(seeds.torch_seed("calibration", width=width)), hardware.device
    layers = [
        torch.randn(outputs, inputs, generator=rng).to(device)
        for inputs, outputs in pairwise([width, HIDDEN, HIDDEN, HIDDEN, 2])
    ]
    inputs = [torch.randn(SCORED_ROWS, layer.shape[1], generator=rng).to(device) for layer in layers]
    chunks, few = training.sub_batches * n // SCORED_ROWS, training.batch_size

    def multiply() -> None:
        for _ in range(chunks):
            for layer, rows in zip(layers, inputs, strict=True):
                torch.mm(rows, layer.T)
        for _ in range(steps):
            for at, (layer, rows) in enumerate(zip(layers, inputs, strict=True)):
                gradient = torch.mm(rows[:few], layer.T)
                torch.mm(gradient.T, rows[:few])
                if at:
                    torch.mm(gradient, layer)

    weights = sum(layer.numel() for layer in layers)
    backward = 2 * weights - layers[0].numel()
    return multiply, 2.0 * (chunks * SCORED_ROWS * weights + steps * few * (weights + backward))


def memory_copy(hardware: Hardware) -> tuple[Callable[[], None], float]:
    """Return a copy of memory far larger than any cache, and the bytes it reads and writes."""
    source, target = (torch.zeros(COPIED_BYTES // 4, device=hardware.device) for _ in range(2))

    def copy() -> None:
        target.copy_(source)

    return copy, 2.0 * COPIED_BYTES
