"""Runs blocks in this process, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.grid.messages import RunBlocks


@contextmanager
def run_here() -> Iterator[RunBlocks]:
    """Yield a function that runs blocks and yields their reports."""
    yield map
