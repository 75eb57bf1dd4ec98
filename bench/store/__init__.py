"""Where results live: one atomic file per run."""

from bench.store.store import Store

__all__ = ["Store"]
