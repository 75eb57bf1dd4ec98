"""Where results live: one atomic file per run, and baselines that are frozen for good."""

from bench.store.baseline import Baseline
from bench.store.store import Store

__all__ = ["Baseline", "Store"]
