"""How much is computed at once, so that several runs can use it; what a plan counts without loading any model."""

from __future__ import annotations


def rows_computed(wanted: int, split: int) -> int:
    """Return of how many rows of a split surprisal is computed, where a pool of ``wanted`` rows needs it.

    From half of the split on it is computed of the whole split, which then serves all of its large pools.
    """
    return split if 2 * wanted >= split else wanted


def rows_embedded(wanted: int, split: int) -> int:
    """Return of how many rows of a split a frozen encoder's embeddings are computed, where ``wanted`` rows matter.

    From a quarter of the split on they are computed of the whole split, which then serves all tasks and ratios.
    """
    return split if 4 * wanted >= split else wanted
