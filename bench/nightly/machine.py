"""A grid that fits the machine: smaller where it has no GPU or little memory, and never in silence."""

from __future__ import annotations

from dataclasses import dataclass

SMALLER = {"nightly": "laptop"}
"""What is run instead of a preset that needs a GPU, on a machine without one."""
MEMORY_GB = 8.0
"""Free memory that full pools of BERT's embeddings and surprisal are at home in."""
SMALL_POOL = 3000


@dataclass(frozen=True)
class Fitted:
    """What this machine is to run: a preset or file, further overrides, and a line for each concession."""

    spec: str
    overrides: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def fitted(spec: str, *, has_gpu: bool, free_gb: float) -> Fitted:
    """Return what a machine can run of a specification.

    Only presets that are known to need a GPU have a smaller one; what a user wrote in a file is run as it is, but for
    the pools on a machine with little memory.
    """
    notes, overrides = [], []
    smaller = SMALLER.get(spec) if not has_gpu else None
    if smaller:
        notes.append(f"no GPU here: the preset {smaller} is run instead of {spec}")
    if free_gb < MEMORY_GB:
        overrides.append(f"pool.limit={SMALL_POOL}")
        notes.append(
            f"{free_gb:.1f} GB of memory are free, less than {MEMORY_GB:g}: pools are limited to {SMALL_POOL:,} rows"
        )
    return Fitted(smaller or spec, tuple(overrides), tuple(notes))
