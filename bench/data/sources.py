"""One door to all sources of texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.data.catalogue import CATALOGUE, described, known_names
from bench.data.corpus import Corpus
from bench.data.facts import DATASETS
from bench.data.hub import load_hub
from bench.data.loading import load_user
from bench.data.mirror import read_mirror
from bench.data.places import is_user_file, mirror_folder
from bench.data.pydocs import load_pydocs
from bench.data.user import UserFile, read_user_file
from bench.errors import DataError, UnknownNameError, shortened
from bench.paths import expanded


def load_corpus(name_or_path: str, *, data_dir: Path | None, cache_dir: Path, follow_links: bool = False) -> Corpus:
    """Return a dataset from the first source that has it.

    In this order: a user's YAML file, if a path ending in ``.yaml`` or ``.yml`` is given; a folder of that
    name in the local mirror; ``pydocs``, built on this machine; the Hugging Face Hub, by the facts of the paper's
    datasets or by a file of the catalogue.

    Args:
        name_or_path: a name of :data:`bench.data.facts.DATASETS`, of a folder in the mirror, or a path.
        data_dir: the local mirror; None stands for the environment variable ``IMBAL_BENCH_DATA``, if set.
        cache_dir: where whatever is fetched or built is kept.
        follow_links: whether symbolic links in a user's folder may lead out of it.

    Raises:
        UnknownNameError: if nothing has that name.
        DataError: if the mirror does not exist, or the dataset is out of reach, damaged or unfit.
    """
    if is_user_file(name_or_path):
        return load_user(expanded(name_or_path), cache_dir=cache_dir, follow_links=follow_links)
    folder = mirror_folder(name_or_path, data_dir)
    if folder is not None:
        return _from_mirror(name_or_path, folder)
    if name_or_path in CATALOGUE:
        return load_user(CATALOGUE[name_or_path], cache_dir=cache_dir, built_in=True)
    if name_or_path not in DATASETS:
        hint = "Give the path of a .yaml file for a dataset of your own, or --data-dir for a mirror that has it."
        raise UnknownNameError("dataset", name_or_path, known_names(data_dir), hint)
    facts = DATASETS[name_or_path]
    return load_pydocs(cache_dir) if facts.hub is None else load_hub(facts, cache_dir)


def default_positives(name_or_path: str, corpus: Corpus) -> tuple[str, ...]:
    """Return the classes to make rare if none is asked for: the paper's, the user's, or else each in turn."""
    if described := _described(name_or_path):
        positive = described.positive
        return corpus.label_names if positive is None else (positive,)
    facts = DATASETS.get(name_or_path)
    return (facts.paper_tasks if facts else ()) or corpus.label_names


def _described(name_or_path: str) -> UserFile | None:
    """Return what a user's YAML file, or one of the catalogue, says of a dataset; None if there is none."""
    if is_user_file(name_or_path):
        return read_user_file(expanded(name_or_path))
    return described(name_or_path) if name_or_path in CATALOGUE else None


def _from_mirror(name: str, folder: Path) -> Corpus:
    corpus = read_mirror(folder)
    if name in DATASETS and corpus.label_names != DATASETS[name].classes:
        raise DataError(
            f"{folder} has the classes {shortened(corpus.label_names)}, but {name} has "
            f"{shortened(DATASETS[name].classes)}; rename the folder if it is another dataset"
        )
    return replace(corpus, name=name)
