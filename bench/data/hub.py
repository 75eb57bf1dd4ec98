"""Datasets of the Hugging Face Hub, pinned to a commit, or of a folder laid out as that repository is."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bench.data.corpus import Corpus, Split
from bench.data.facts import DatasetFacts, Hub
from bench.data.reading import first_line, require_columns
from bench.data.tables import (
    as_strings,
    checked_numbers,
    checked_texts,
    numbers_by_name,
    refuse_single_class,
)
from bench.errors import DataError

_PROBE_SECONDS = 2.0
_COMMIT = re.compile(r"[0-9a-f]{40}")


def load_hub(facts: DatasetFacts, cache_dir: Path, repository: Path | None = None) -> Corpus:
    """Return a dataset of the Hub; its texts are memory-mapped.

    Args:
        facts: what to load; ``facts.hub`` must be set.
        cache_dir: where the Arrow files are kept; the downloads lie in the Hub's own cache.
        repository: a local copy of the repository, read instead of downloading.

    Raises:
        DataError: if the Hub cannot be reached or the files are not as they should be.
    """
    hub = facts.hub
    if hub is None:
        raise DataError(f"{facts.name} is not a dataset of the Hub")
    folder = repository or downloaded(hub) or _download(facts.name, hub)
    tables = _read_tables(hub, folder, cache_dir)
    train, test = (_split(hub, facts.classes, table, f"{folder} ({name})") for name, table in tables.items())
    source = f"hub {hub.id}@{hub.revision[:7]}" if repository is None else f"folder {repository}"
    return Corpus(facts.name, facts.classes, train, test, source)


def downloaded(hub: Hub) -> Path | None:
    """Return the folder of a repository that lies in the Hub's cache, or None; quick, without network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(local_files_only=True, **_what(hub)))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError):
        return None
    return folder if all(any(folder.glob(pattern)) for pattern in (hub.train, hub.test)) else None


def fetched(repo_id: str, revision: str, patterns: Sequence[str]) -> Path:
    """Return the folder of files of a dataset's repository in the Hub's cache, downloaded if need be.

    Args:
        repo_id: such as ``google/civil_comments``.
        revision: a commit.
        patterns: of the files that are wanted.

    Raises:
        DataError: if they are neither there nor to be had.
    """
    hub = Hub(repo_id, revision, "", "", patterns[0], patterns[-1])
    folder = downloaded(hub) or _download(repo_id, hub, patterns)
    if lacking := [pattern for pattern in patterns if not any(folder.glob(pattern))]:
        raise DataError(f"{repo_id}@{revision[:7]} has no file {lacking[0]}; see its files on the Hub")
    return folder


def repository_folder(repo_id: str, revision: str, ignore: Sequence[str]) -> Path:
    """Return the folder of a model's repository in the Hub's cache, named by its commit; fetched if need be.

    A branch or tag is looked up on the Hub, so that it means what it means today; where the Hub is out of reach, what
    was fetched last is taken.

    Args:
        repo_id: such as ``google-bert/bert-base-uncased``.
        revision: a branch, a tag or a commit.
        ignore: patterns of files that are not wanted.

    Raises:
        DataError: if it is neither there nor to be had.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    what: dict[str, Any] = {"repo_id": repo_id, "revision": revision, "ignore_patterns": list(ignore)}
    here: Path | None = None
    try:
        here = Path(snapshot_download(local_files_only=True, **what))
    except HFValidationError:
        raise DataError(f"{repo_id!r} is neither a folder nor the id of a repository") from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError):
        pass  # not there, or not all of it
    if here and _COMMIT.fullmatch(revision) and any(here.glob("*.safetensors")) and any(here.glob("config.json")):
        return here
    reason = "the Hugging Face Hub does not answer"
    if reachable():
        try:
            return Path(snapshot_download(**what))
        except Exception as error:  # noqa: BLE001 - the client's errors vary with its version
            reason = first_line(error)
    if here is None:
        raise DataError(reason)
    return here


def reachable() -> bool:
    """Return whether the Hub answers within two seconds; False if ``HF_HUB_OFFLINE`` is set.

    The Hub's own client retries for half a minute before it gives up; and a name server that does not answer
    is not bound by a client's timeout, hence the thread.
    """
    from huggingface_hub import constants, get_session

    if constants.HF_HUB_OFFLINE:
        return False
    answers: list[bool] = []

    def ask() -> None:
        try:
            get_session().head(constants.ENDPOINT, timeout=_PROBE_SECONDS)
        except Exception:  # noqa: BLE001 - requests, httpx, httpx2: the client's errors vary with its version
            return
        answers.append(True)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_PROBE_SECONDS)
    return bool(answers)


def _what(hub: Hub, patterns: Sequence[str] = ()) -> dict[str, Any]:
    wanted = list(patterns or (hub.train, hub.test))
    return {"repo_id": hub.id, "repo_type": "dataset", "revision": hub.revision, "allow_patterns": wanted}


def _download(name: str, hub: Hub, patterns: Sequence[str] = ()) -> Path:
    from huggingface_hub import snapshot_download

    reason = "it does not answer"
    if reachable():
        try:
            return Path(snapshot_download(**_what(hub, patterns)))
        except Exception as error:  # noqa: BLE001 - the client's errors vary with its version
            reason = first_line(error)
    raise DataError(
        f"cannot fetch {name} ({hub.id}) from the Hugging Face Hub: {reason}. Give a local mirror with "
        f"--data-dir or IMBAL_BENCH_DATA, or use the dataset pydocs, which needs no network"
    )


def _read_tables(hub: Hub, folder: Path, cache_dir: Path) -> dict[str, pa.Table]:
    import datasets

    files: dict[str, list[str]] = {}
    for split, pattern in (("train", hub.train), ("test", hub.test)):
        files[split] = [str(path) for path in sorted(folder.glob(pattern))]
        if not files[split]:
            raise DataError(f"{folder} has no file {pattern}; it should be laid out as {hub.id} on the Hub is")
    arrow = cache_dir / "hub"
    builder = "json" if hub.train.endswith(".jsonl") else "parquet"
    try:
        loaded = datasets.load_dataset(builder, data_files=files, cache_dir=str(arrow))
    except (datasets.exceptions.DatasetsError, pa.ArrowException, OSError, ValueError) as error:
        reason = first_line(error.__cause__ or error)
        raise DataError(f"{folder} cannot be read: {reason}; remove {arrow} and fetch it anew") from error
    return {split: loaded[split].data.table for split in files}


def _split(hub: Hub, classes: tuple[str, ...], table: pa.Table, where: str) -> Split:
    require_columns(table.column_names, (hub.text, hub.label), where)
    texts, labels = checked_texts(table, hub.text, where), table[hub.label]
    if pa.types.is_integer(labels.type):
        numbers = checked_numbers(labels, hub.label, len(classes), where)
    else:  # class names, in any case
        labels = pc.utf8_upper(as_strings(labels, hub.label, where))
        numbers = numbers_by_name(labels, [name.upper() for name in classes], hub.label, where)
    split = Split(texts, numbers)
    refuse_single_class(split, classes, where)
    return split
