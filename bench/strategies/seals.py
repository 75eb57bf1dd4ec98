"""SEALS: selection among the nearest neighbours of what is labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import IntArray
from bench.strategies.base import check_option
from bench.strategies.neighbours import nearest_rows
from bench.strategies.subpool import Subpool
from bench.strategies.view import PoolView


@dataclass(frozen=True)
class Seals(Subpool):
    """Lets a base algorithm select among the nearest neighbours of all labelled rows.

    Attributes:
        base: the algorithm that selects.
        neighbours: unlabelled rows that each labelled row brings in, k of the paper.
    """

    name: ClassVar[str] = "seals"
    title: ClassVar[str] = "SEALS"
    paper: ClassVar[str] = "Coleman et al. 2022 (similarity search for efficient active learning), Algorithm 1"
    version: ClassVar[str] = "2"
    open_points: ClassVar[str] = (
        "Cosine neighbours on the pre-trained encoder's mean-pooled text embeddings, found exactly. The paper keeps "
        "the neighbours found when a row was labelled; here they are found anew in each round among the rows still "
        "unlabelled: the same candidates, and the next nearest in place of those labelled since. They are fixed within "
        "a batch (the paper adds a pick's neighbours at once), since the base selects a batch. Neighbours ignore w, "
        "but rows of weight 0 are no candidates; the base gets the w of the whole pool. Fewer candidates than the "
        "batch are filled up with rows drawn by w. With nothing labelled the base sees the whole pool. The model still "
        "scores the whole pool, over which weightings count, so its time is not saved."
    )

    neighbours: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        check_option(self, "neighbours", self.neighbours >= 1, ">= 1")

    def candidates(self, view: PoolView) -> IntArray:
        """Return the rows that are among the nearest to any labelled row, ascending."""
        near, _ = nearest_rows(view.pretrained, view.labelled_pretrained, self.neighbours, view.priority)
        return np.unique(near)
