"""A grid that fits the machine: smaller where it has no GPU or little memory, and never in silence."""

from __future__ import annotations

from collections.abc import Callable

from bench.config import GridSpec
from imbal_bench.nights.nights import Begun

SMALLER = {"nightly": "laptop"}
"""What is run instead of a preset that needs a GPU, on a machine without one."""
MEMORY_GB = 8.0
"""Free memory that full pools of BERT's embeddings and surprisal are at home in."""
SMALL_POOL = 3000


def fitted(spec: str, load: Callable[[str, list[str]], GridSpec], *, has_gpu: bool, free_gb: float) -> Begun:
    """Return what a machine can run of a specification, and a line for each concession.

    Only presets that are known to need a GPU have a smaller one; what a user wrote in a file is run as it is, but for
    pools of more than ``SMALL_POOL`` rows on a machine with little memory. A limit given beside the file has the last
    word.

    Args:
        spec: a preset or a file.
        load: reads it under overrides; the user's own, given beside it, come after these and win.
        has_gpu: whether there is one to run on.
        free_gb: memory that is free.
    """
    notes = []
    smaller = SMALLER.get(spec) if not has_gpu else None
    if smaller:
        notes.append(f"no GPU here: the preset {smaller} is run instead of {spec}")
    grid = load(smaller or spec, [])
    if free_gb < MEMORY_GB and (grid.pool.limit or SMALL_POOL + 1) > SMALL_POOL:
        whole, grid = grid, load(smaller or spec, [f"pool.limit={SMALL_POOL}"])
        if grid != whole:
            notes.append(
                f"{free_gb:.1f} GB of memory are free, less than {MEMORY_GB:g}: "
                f"pools are limited to {SMALL_POOL:,} rows"
            )
    return Begun(grid=grid, notes=tuple(notes))
