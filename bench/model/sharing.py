"""Of how many rows something is computed that several pools can share."""

from __future__ import annotations


def rows_shared(wanted: int, split: int) -> int:
    """Return of how many rows of a split embeddings or surprisal are computed, where ``wanted`` rows matter.

    From a quarter of the split on they are computed of the whole split, which then serves all tasks, ratios and seeds.
    """
    return split if 4 * wanted >= split else wanted
