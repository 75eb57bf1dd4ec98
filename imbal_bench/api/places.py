"""Where data come from and caches go, if a call does not say: as for the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.grid.world import World

PathLike = str | os.PathLike[str]


def cache_at(cache_dir: PathLike | None) -> Path:
    """Return the cache: what is given, or ``IMBAL_BENCH_CACHE``, or ``data_cache``."""
    from bench.paths import expanded

    return expanded(cache_dir or os.environ.get("IMBAL_BENCH_CACHE") or "data_cache")


def world_at(data_dir: PathLike | None, cache_dir: PathLike | None, *, follow_links: bool = False) -> World:
    """Return where data come from (what is given, or ``IMBAL_BENCH_DATA``, or the Hub) and caches go."""
    from bench.grid.world import World

    mirror = data_dir or os.environ.get("IMBAL_BENCH_DATA")
    return World(Path(mirror) if mirror else None, cache_at(cache_dir), follow_links)
