"""Writing datasets in the mirror layout, so that other machines and other programs can read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bench.data.corpus import Corpus, Split
from bench.data.folders import new_folder
from bench.data.mirror import write_mirror
from bench.errors import DataError


def export_mirror(corpus: Corpus, folder: Path) -> None:
    """Write a whole corpus as a mirror; the folder above it is then a ``--data-dir`` that has this dataset.

    Args:
        corpus: what to write.
        folder: must not exist yet; it appears whole or not at all.

    Raises:
        DataError: if the folder exists or cannot be written.
    """
    if corpus.label_sets:
        raise DataError(
            f"rows of {corpus.name} have several labels, and a mirror keeps one of each; write the pool of a task "
            f"instead: {corpus.name}/CLASS with --ratio natural"
        )
    new_folder(folder, lambda temporary: write_mirror(corpus, temporary, {"source": corpus.source}))


def export_pool(corpus: Corpus, rows: npt.NDArray[np.int64], positive: str, ratio: int | str, folder: Path) -> None:
    """Write a binary, imbalanced pool as a mirror of two classes: ``rest`` (0) and ``positive`` (1).

    Args:
        corpus: the dataset the pool was drawn from.
        rows: (n,) row numbers of the train split, in the pool's order.
        positive: the class that is rare.
        ratio: positives are 1/ratio of the pool, or ``natural``; recorded, not enforced.
        folder: must not exist yet; it appears whole or not at all. The test split is relabelled and whole.

    Raises:
        UnknownNameError: if the corpus has no such class.
        DataError: if the folder exists or cannot be written.
    """
    train = Split(corpus.train.texts.take(pa.array(rows)), corpus.is_of(corpus.train, positive)[rows].astype(np.int64))
    test = replace(corpus.test, labels=corpus.is_of(corpus.test, positive).astype(np.int64))
    rest = "rest" if positive != "rest" else "other"
    pool = Corpus(folder.name, (rest, positive), train, test, corpus.source)
    facts = {
        "source": corpus.source,
        "source_fingerprint": corpus.fingerprint,
        "dataset": corpus.name,
        "positive": positive,
        "ratio": ratio,
    }
    new_folder(folder, lambda temporary: write_mirror(pool, temporary, facts))
