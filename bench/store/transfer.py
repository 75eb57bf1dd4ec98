"""Published stores to and from dataset repositories of the Hugging Face Hub.

The Hub's own client is asked, by its own settings: token, endpoint, cache and proxies are those of ``hf auth login``
and the environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.errors import StoreError
from bench.store.files import write_atomically
from bench.store.publish import refuse_occupied
from bench.store.published import MANIFEST, Manifest

LOGIN = "give a token by hf auth login or HF_TOKEN, and see that it may do so"


def push(folder: Path, repository: str, *, private: bool = False) -> str:
    """Put a published store into a dataset repository, which is made if there is none; return the commit.

    Args:
        folder: a published store.
        repository: such as ``someone/runs``.
        private: whether a new repository is.

    Raises:
        StoreError: if it is no published store, a file of it has changed since, or the Hub refuses.
    """
    manifest = Manifest.read(folder)
    for line in manifest.wrong(folder):
        raise StoreError(f"{line}; publish into a new folder to push what is there now")
    with _as_store_error(f"push to {repository}"):
        from huggingface_hub import HfApi

        api = HfApi(library_name="imbal-bench")
        api.create_repo(repository, repo_type="dataset", private=private, exist_ok=True)
        done = api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            repo_type="dataset",
            allow_patterns=[*manifest.files, MANIFEST],
            commit_message=f"{manifest.runs:,} runs",
        )
        return str(done.oid)


def pull(repository: str, folder: Path, revision: str = "main") -> tuple[str, Manifest]:
    """Get a published store from a dataset repository into a folder; return the commit and what was got.

    Nothing is written unless every file is what the manifest says. What is in the repository besides stays there.

    Args:
        repository: such as ``someone/runs``.
        folder: new or empty, or a published store on which nothing was run or analysed since.
        revision: a commit, or a branch or tag, which means the commit that it names now.

    Raises:
        StoreError: if the folder holds anything else, the Hub refuses, or a file is not what was published.
    """
    refuse_occupied(folder)
    if (folder / MANIFEST).is_file() and (changed := next(Manifest.read(folder).wrong(folder), "")):
        raise StoreError(f"{changed}; pull into another folder")
    with _as_store_error(f"pull {repository}@{revision}"):
        from huggingface_hub import HfApi

        api = HfApi(library_name="imbal-bench")
        commit = str(api.dataset_info(repository, revision=revision).sha)
        get = partial(api.snapshot_download, repository, repo_type="dataset", revision=commit)
        there = Path(get(allow_patterns=[MANIFEST]))
    manifest = Manifest.read(there)
    with _as_store_error(f"pull {repository}@{revision}"):
        there = Path(get(allow_patterns=[*manifest.files, MANIFEST]))
    files = {name: manifest.content(there, name) for name in manifest.files}
    for name, content in {**files, MANIFEST: manifest.encoded()}.items():
        write_atomically(folder / name, content)
    return commit, manifest


@contextmanager
def _as_store_error(action: str) -> Iterator[None]:
    """Turn whatever the Hub's client raises, which varies with its version, into one line."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - its errors come from several libraries
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        denied = any(word in reason for word in ("401", "403"))
        raise StoreError(f"cannot {action}: {reason}{f'; {LOGIN}' if denied else ''}") from None
