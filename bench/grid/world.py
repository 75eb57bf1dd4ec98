"""Where data and caches are, and what has been loaded from there in this process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bench.data.corpus import Corpus
from bench.data.folders import refuse_unwritable
from bench.data.loading import files_of
from bench.data.places import is_user_file
from bench.data.sources import load_corpus
from bench.errors import DataError
from bench.paths import expanded


@dataclass(frozen=True)
class World:
    """Folders, as a value that travels to workers.

    Attributes:
        data_dir: a local dataset mirror, or None for the Hub.
        cache_dir: content-addressed, may be deleted at any time.
        follow_links: whether links in a folder of a user's dataset may lead out of it.
    """

    data_dir: Path | None
    cache_dir: Path
    follow_links: bool = False

    def __post_init__(self) -> None:
        """Read both as paths are given."""
        object.__setattr__(self, "data_dir", self.data_dir and expanded(self.data_dir))
        object.__setattr__(self, "cache_dir", expanded(self.cache_dir))

    def refuse_unwritable(self) -> None:
        """Raise :class:`bench.errors.DataError` if nothing can be kept in the cache."""
        refuse_unwritable(self.cache_dir)

    def corpus(self, dataset: str) -> Corpus:
        """Return a dataset, loaded once per process; a user's anew if one of its files has changed."""
        return _corpus(dataset, self, _state(dataset, self))


def _state(dataset: str, world: World) -> tuple[tuple[str, int, int], ...]:
    """Return path, time of change and size of each file of a user's dataset; () of others, or if one is missing."""
    if not is_user_file(dataset):
        return ()
    try:
        files = [file.resolve() for file in files_of(expanded(dataset), follow_links=world.follow_links)]
        return tuple((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files)
    except (DataError, OSError):
        return ()  # loading says what is wrong


@lru_cache(maxsize=16)
def _corpus(dataset: str, world: World, _state: tuple[tuple[str, int, int], ...]) -> Corpus:
    """Load a dataset; its state is there to be part of the cache's key."""
    return load_corpus(dataset, data_dir=world.data_dir, cache_dir=world.cache_dir, follow_links=world.follow_links)
