"""``ib.dataset``: a dataset of texts and labels that lie in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbal_bench.api.places import PathLike, cache_at

if TYPE_CHECKING:
    import pandas as pd

TEST_FRACTION = 0.2


@dataclass(frozen=True)
class Dataset:
    """A dataset on disk, for ``tasks=[...]`` of :func:`imbal_bench.run`; ``task("class")`` is one of its tasks.

    Attributes:
        path: a user's YAML file (see the README), which workers read too, and the command line takes.
        name, classes: of the dataset. train, test: rows.
    """

    path: Path
    name: str
    classes: tuple[str, ...]
    train: int
    test: int

    def task(self, positive: str) -> str:
        """Return the task in which a class is rare.

        Raises:
            UnknownNameError: if there is no such class.
        """
        from bench.errors import UnknownNameError

        if positive not in self.classes:
            raise UnknownNameError(f"class of {self.name}", positive, self.classes)
        return f"{self.path}/{positive}"

    def __str__(self) -> str:
        return str(self.path)


def dataset(
    texts: Iterable[str] | pd.DataFrame,
    labels: Iterable[Any] | None = None,
    *,
    name: str,
    test: float | tuple[Iterable[str], Iterable[Any]] | pd.DataFrame = TEST_FRACTION,
    text: str = "text",
    label: str = "label",
    positive: str | None = None,
    features: Any = None,
    cache_dir: PathLike | None = None,
) -> Dataset:
    """Return a dataset of texts and labels, or of a DataFrame; it is kept in the cache, by its content.

    Args:
        texts: one a row; or a DataFrame with the columns ``text`` and ``label``.
        labels: class names, integers or truth values, one for each text; None if a DataFrame is given.
        name: what tables and the store call it.
        test: the share of each class's rows that become test rows, by a seeded draw; or the test rows themselves, as
            (texts, labels) or a DataFrame.
        text: column of the texts.
        label: column of the labels.
        positive: the class that is made rare if nothing else is asked for. Default: each in turn.
        features: (rows, dimensions) vectors of your own of the training texts, for strategies that need ``features``;
            or a function that returns them, given the list of texts.
        cache_dir: where it is kept. Default: ``data_cache``.

    Raises:
        DataError: if something is missing, no text, or of one class only, or the name is taken; nothing is kept then.
    """
    from bench.data.given import keep

    train = texts, labels
    rows = test if isinstance(test, float | int | tuple) else (test, None)
    path, corpus = keep(name, train, rows, (text, label), positive, cache_at(cache_dir), features)
    return Dataset(path, corpus.name, corpus.label_names, len(corpus.train), len(corpus.test))
