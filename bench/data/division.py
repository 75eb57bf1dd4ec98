"""A seeded division of rows into train and test rows that keeps equal texts on one side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bench import seeds
from bench.data.corpus import Split


def same_texts(texts: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return (n,) group numbers: rows have one if their texts are equal but for spaces at the ends."""
    if not len(texts):
        return np.empty(0, dtype=np.int64)
    encoded = pc.dictionary_encode(pc.utf8_trim_whitespace(texts)).unify_dictionaries().combine_chunks()
    return np.asarray(encoded.indices, dtype=np.int64)


def divide(split: Split, fraction: float, name: str, strata: npt.NDArray[np.int64]) -> tuple[Split, Split]:
    """Return (train, test): a seeded draw of ``fraction`` of each stratum's rows, at least one, is test.

    Rows of equal texts, of whatever strata, go to one side. A group of them that is larger than what a stratum still
    lacks is passed over; so a stratum whose rows are all alike has none in the test set.

    Args:
        split: what is divided.
        fraction: between 0 and 1.
        name: of the dataset, after which the draw is seeded.
        strata: (n,) numbers; as a rule the classes.
    """
    generator = seeds.generator("split", dataset=name)
    groups = same_texts(split.texts)
    sizes = np.bincount(groups)
    if (sizes == 1).all():
        return _by_rows(split, fraction, generator, strata)
    in_test = np.zeros(len(sizes), dtype=bool)
    for number in np.unique(strata):
        rows = generator.permutation(np.flatnonzero(strata == number))
        own = np.bincount(groups[rows], minlength=len(sizes))
        lacking = max(1, round(fraction * len(rows))) - int(own[in_test].sum())
        for group in groups[rows]:
            if lacking <= 0:
                break
            if not in_test[group] and own[group] <= lacking:
                in_test[group] = True
                lacking -= own[group]
    is_test = in_test[groups]
    return split.where(~is_test), split.where(is_test)


def _by_rows(
    split: Split, fraction: float, generator: np.random.Generator, strata: npt.NDArray[np.int64]
) -> tuple[Split, Split]:
    is_test = np.zeros(len(split), dtype=bool)
    for number in np.unique(strata):
        rows = generator.permutation(np.flatnonzero(strata == number))
        is_test[rows[: max(1, round(fraction * len(rows)))]] = True
    return split.where(~is_test), split.where(is_test)
