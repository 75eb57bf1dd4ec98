"""What a model is: the content of its files, wherever they lie and whatever they are called.

Weights, configuration and tokenizer decide what a model says. Their hash is part of a run's key, of its ``pair_key``
and of the keys of caches; a folder's path, a hub id or a branch is none of these, since other files may lie there
tomorrow.
"""

from __future__ import annotations

from pathlib import Path

from bench import seeds
from bench.data.hashes import FileHashes
from bench.errors import ModelError
from bench.model.checkpoint import Checkpoint, folder_of, never_read, resolve
from bench.records import ModelSettings


def content_of(checkpoint: Checkpoint, hashes: FileHashes | None = None) -> str:
    """Return 32 hex digits that name the content of a checkpoint's files.

    Args:
        checkpoint: at a folder, or on the Hub, from where its files are fetched if they are not there yet.
        hashes: what is known of files, so that they need not be read again.

    Raises:
        ModelError: if the files cannot be had.
    """
    folder, known = folder_of(checkpoint), hashes or FileHashes()
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not never_read(path.name))
        return seeds.digest({path.name: known.sha256(path) for path in files})
    except OSError as error:
        raise ModelError(f"cannot read model {checkpoint.name!r} in {folder}: {error.strerror or error}") from None


def pinned(settings: ModelSettings, cache_dir: Path | None = None) -> ModelSettings:
    """Return model settings that say which content is meant, and by which commit a hub id is to be loaded.

    Done once, when a grid is expanded; all workers then load just that.

    Raises:
        ModelError: if the model cannot be had, or is not the one that the specification names by its content.
    """
    checkpoint, hashes = resolve(settings.name, settings.revision), FileHashes(cache_dir)
    found = content_of(checkpoint, hashes)
    hashes.save()
    if settings.content not in {"", found}:
        raise ModelError(
            f"the content of model {settings.name!r} is {found}, but model.content asks for {settings.content}; "
            "give the model that is meant, or leave model.content out"
        )
    return settings.model_copy(update={"content": found, "revision": commit_of(checkpoint)})


def pinned_if_local(settings: ModelSettings, cache_dir: Path | None = None) -> ModelSettings:
    """Return :func:`pinned` settings of a model that lies on this machine; others as they are, and nobody is asked."""
    try:
        local = not resolve(settings.name, settings.revision).on_hub
        return pinned(settings, cache_dir) if local else settings
    except ModelError:
        return settings


def commit_of(checkpoint: Checkpoint) -> str | None:
    """Return the commit that a hub id's revision stands for; None for a folder."""
    return folder_of(checkpoint).name if checkpoint.on_hub else None


def require(settings: ModelSettings, checkpoint: Checkpoint, cache_dir: Path | None = None) -> str:
    """Return the content of what has just been loaded from a checkpoint.

    Raises:
        ModelError: if it is not the content that the settings name: the files changed since the grid was expanded.
    """
    hashes = FileHashes(cache_dir)
    found = content_of(checkpoint, hashes)
    hashes.save()
    if settings.content not in {"", found}:
        raise ModelError(
            f"the files of model {settings.name!r} changed since the grid was expanded "
            f"({settings.content[:8]} then, {found[:8]} now); start it again"
        )
    return found
