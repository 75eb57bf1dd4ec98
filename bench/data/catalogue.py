"""Datasets with a rare class of their own, as YAML files in the package: each is written as a user's own would be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from bench.data.facts import DATASETS, DatasetFacts, Hub
from bench.data.places import mirrored_names
from bench.data.user import UserFile, read_user_file

CATALOGUE: Mapping[str, Path] = {path.stem: path for path in sorted((Path(__file__).parent / "known").glob("*.yaml"))}
"""Name -> file; the name in the file is the file's."""


@lru_cache(maxsize=64)
def described(name: str) -> UserFile:
    """Return what the catalogue says of a dataset."""
    return read_user_file(CATALOGUE[name], built_in=True)


def facts_of(name: str) -> DatasetFacts | None:
    """Return the facts of a dataset of the catalogue as they are kept of the paper's; None if it has none."""
    if name not in CATALOGUE:
        return None
    file = described(name)
    train, test = file.rows.get("train", {}), file.rows.get("test", {})
    hub = None
    if file.hub and file.revision and file.test:  # else nothing fetches it
        hub = Hub(file.hub, file.revision, file.text[0], file.label, file.train[0], file.test[0])
    return DatasetFacts(
        name=name,
        title=file.about or name,
        classes=tuple(train),
        paper_tasks=(),
        train_rows_per_class=tuple(train.values()),
        test_rows_per_class=tuple(test.get(one, 0) for one in train),
        mean_tokens=file.mean_tokens,
        licence=file.licence,
        citation=file.citation,
        rows_per_class_approximate=True,
        hub=hub,
    )


def known_facts(name: str) -> DatasetFacts | None:
    """Return what is known of a dataset before it is loaded; None of one that only a mirror has."""
    return DATASETS.get(name) or facts_of(name)


def known_names(data_dir: Path | None) -> tuple[str, ...]:
    """Return every name of a dataset: those of the paper, of the catalogue, and of folders of the mirror."""
    return tuple(dict.fromkeys((*DATASETS, *CATALOGUE, *mirrored_names(data_dir))))
