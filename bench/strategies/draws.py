"""Drawing rows in proportion to a mass that may lie on a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    import torch

BLOCK = 4096


def draw_rows(mass: torch.Tensor, u: FloatArray, *, blocks: bool | None = None) -> IntArray:
    """Draw rows with P proportional to ``mass``, with replacement, by the inverse of its distribution function.

    Args:
        mass: (n,) float64 >= 0, not all 0, in the order in which it is accumulated; a row of mass 0 is never drawn.
        u: (m,) uniform numbers in [0, 1), one a draw.
        blocks: draw a block of rows, then a row of it, so that a few thousand numbers leave the device, and none is
            accumulated there, which torch refuses a GPU under determinism. None: on a GPU alone; elsewhere one
            accumulation is cheaper.

    Returns:
        (m,) positions in ``mass``.
    """
    import torch

    if blocks is None:
        blocks = mass.device.type != "cpu"
    if not blocks:
        return _inverse(mass.numpy(), u)[0]
    table = torch.nn.functional.pad(mass, (0, -len(mass) % BLOCK)).view(-1, BLOCK)
    block, rest = _inverse(table.sum(1).cpu().numpy(), u)
    inside = table[torch.from_numpy(block).to(mass.device)].cpu().numpy()
    places = [_inverse(*pair)[0] for pair in zip(inside, rest[:, None], strict=True)]
    return np.asarray(block * BLOCK + np.concatenate(places), dtype=np.int64)


def _inverse(mass: FloatArray, u: FloatArray) -> tuple[IntArray, npt.NDArray[np.float64]]:
    """Return where the distribution function reaches ``u`` (m,), and how far into that place's mass, in [0, 1)."""
    cumulative = np.cumsum(mass)
    wanted = u * cumulative[-1]
    place = np.searchsorted(cumulative, wanted, side="right")
    if (place == len(mass)).any():  # u was rounded up to all there is
        place = np.minimum(place, np.flatnonzero(mass)[-1])
    before = np.where(place > 0, cumulative[place - 1], 0.0)
    return place, np.clip((wanted - before) / mass[place], 0, np.nextafter(1, 0))
