"""Logistic regression on words and pairs of words: no encoder, no torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bench import seeds
from bench.data.folders import cached_folder
from bench.environment import processor
from bench.errors import DataError
from bench.learners.base import Learner, MadeWith, Material, Model, Which
from bench.learners.linear import LinearModel, Source
from bench.options import check_option
from bench.strategies.view import Need

if TYPE_CHECKING:
    from bench.data.corpus import Split

VERSION = 1
"""Of what is cached."""
MIN_TEXTS = 2
"""Texts that a word or pair must occur in: one of a single text cannot tell anything of another."""


@dataclass(frozen=True)
class Tfidf(Learner):
    """Words and pairs of words, 1 + log(count) times inverse document frequency, rows of unit length.

    Vocabulary and document frequencies are those of the whole train split's texts; no label is read for them, so that
    nothing leaks.

    Attributes:
        C: inverse strength of the regularisation; the loss is summed over rows, so that it weakens as labels come.
            It matters little: at 1/50, after 250 labels of which 60 positive (means over 6 seeds), ROC-AUC lies in
            .649-.655 on sst2/negative and at .924 on ag_news/World for all C from 1 to 1000; balanced accuracy at 0.5
            is .500 at C = 1 and .501 and .521 at 100 (few words are shared, so that few rows come over 0.5).
        svd: dimensions of a truncated singular value decomposition (latent semantic analysis) that the regression
            works on instead, rows scaled to unit length again; they are h(x). 0: none, and then no embeddings.
    """

    name: ClassVar[str] = "tfidf"
    title: ClassVar[str] = "TF-IDF"
    summary: ClassVar[str] = "logistic regression on words and pairs of words; needs no encoder"
    paper: ClassVar[str] = "Salton and Buckley 1988; svd: Deerwester et al. 1990"
    offers: ClassVar[frozenset[Need]] = frozenset({"probabilities", "ensemble"})
    bootstraps: ClassVar[bool] = True
    seconds_a_fit: ClassVar[float | None] = 0.05
    rows_a_second: ClassVar[float | None] = 2e6

    C: float = 100.0
    svd: int = 0

    def __post_init__(self) -> None:
        check_option(self, "C", self.C > 0, "a number above 0")
        check_option(self, "svd", self.svd >= 0, "a number of dimensions, or 0 for none")

    def offered(self) -> frozenset[Need]:
        """With ``svd``, embeddings too."""
        return self.offers | {"embeddings"} if self.svd else self.offers

    def begin(self, material: Material) -> Model:
        """Return a model on the weights of these texts' words, which are computed if no process has done so yet."""
        train, test = (_source(material, which, self.svd) for which in ("train", "test"))
        return LinearModel(material, train, test, self.C, MadeWith(f"cpu {processor()}", "fp32"))


def _source(material: Material, which: Which, svd: int) -> Source:
    texts = [material.train.fingerprint, material.test.fingerprint]
    folder = material.cache_dir / "tfidf" / seeds.digest({"version": VERSION, "texts": texts, "least": MIN_TEXTS})
    rows = np.arange(len(material.train if which == "train" else material.test))
    matrix = cached_folder(folder, lambda it: _build(it, material), lambda it: _read(it, which))
    if not svd:
        return Source(f"{folder.name}-{which}", rows, matrix)
    reduced = folder.with_name(f"{folder.name}-svd-{svd}")
    values = cached_folder(reduced, lambda it: _reduce(it, folder, svd), lambda it: _dense(it, which))
    return Source(f"{reduced.name}-{which}", rows, values, unit=True)


def _build(folder: Path, material: Material) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=MIN_TEXTS, dtype=np.float32)
    try:
        _write(folder, "train", words.fit_transform(_texts(material.train)))
    except ValueError:
        raise DataError(f"no word of two letters or more occurs in {MIN_TEXTS} texts; tfidf needs such words") from None
    _write(folder, "test", words.transform(_texts(material.test)))


def _texts(split: Split) -> Iterator[str]:
    for batch in split.batches():
        yield from batch


def _write(folder: Path, which: Which, matrix: Any) -> None:
    np.save(folder / f"{which}-shape.npy", np.array(matrix.shape), allow_pickle=False)
    for part in ("data", "indices", "indptr"):
        np.save(folder / f"{which}-{part}.npy", getattr(matrix, part), allow_pickle=False)


def _read(folder: Path, which: Which) -> Any:
    from scipy.sparse import csr_matrix

    *parts, shape = (_array(folder / f"{which}-{part}.npy") for part in ("data", "indices", "indptr", "shape"))
    return csr_matrix(tuple(parts), shape=tuple(shape), copy=False)


def _reduce(folder: Path, words: Path, svd: int) -> None:
    from sklearn.decomposition import TruncatedSVD

    train, test = _read(words, "train"), _read(words, "test")
    if svd > min(train.shape):
        raise DataError(f"svd={svd} dimensions cannot be had of {train.shape[0]} texts and {train.shape[1]} words")
    seed = seeds.stream("svd", dimensions=svd) % 2**32
    decomposition = TruncatedSVD(svd, random_state=seed).fit(train)
    for which, matrix in (("train", train), ("test", test)):
        np.save(folder / f"{which}.npy", decomposition.transform(matrix).astype(np.float32), allow_pickle=False)


def _dense(folder: Path, which: Which) -> Any:
    return _array(folder / f"{which}.npy")


def _array(file: Path) -> Any:
    return np.load(file, mmap_mode="r", allow_pickle=False)
