"""AnchorAL: selection among the rows most similar to a few labelled rows of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.base import check_option
from bench.strategies.neighbours import nearest_rows
from bench.strategies.subpool import Subpool
from bench.strategies.view import PoolView


@dataclass(frozen=True)
class AnchorAL(Subpool):
    """Lets a base algorithm select among the rows most similar to anchors, labelled rows drawn anew in each round.

    Attributes:
        base: the algorithm that selects.
        anchors: labelled rows drawn of each class, A of the paper.
        neighbours: unlabelled rows that each anchor brings in, K of the paper.
        subpool: most candidates, M of the paper; a pool of no more rows is handed to the base whole.
    """

    name: ClassVar[str] = "anchoral"
    title: ClassVar[str] = "AnchorAL"
    paper: ClassVar[str] = "Lesci & Vlachos 2024 (AnchorAL)"
    version: ClassVar[str] = "2"
    open_points: ClassVar[str] = (
        "Cosine similarity of the pre-trained encoder's mean-pooled text embeddings (theirs: MPNet), searched exactly. "
        "As in the authors' code, anchors are drawn by scikit-learn's k-means++ (all rows of a class that has no more "
        "than `anchors`), and a row's score is its mean similarity to those anchors only that brought it in. `subpool` "
        "is all that 20 anchors bring in at 50 each, and a pool of no more rows than that is handed over whole (their "
        "files: 10000, which 20 anchors never bring in, so that theirs starts at larger pools). Candidates ignore w, "
        "but rows of weight 0 are none; the base gets the w of the whole pool. Fewer candidates than the batch are "
        "filled up with rows drawn by w. With nothing labelled the base sees the whole pool (theirs: a random batch). "
        "The model still scores the whole pool, over which weightings count, so its time is not saved."
    )

    anchors: int = 10
    neighbours: int = 50
    subpool: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        for option in ("anchors", "neighbours", "subpool"):
            check_option(self, option, getattr(self, option) >= 1, ">= 1")

    def candidates(self, view: PoolView) -> IntArray:
        """Return the rows of the largest mean similarity to the anchors that brought them in, best first."""
        if view.size <= self.subpool:
            return np.arange(view.size)
        labelled = view.labelled_pretrained
        anchors = np.concatenate([self._anchors(view, labelled, label) for label in np.unique(view.labels)])
        near, distances = nearest_rows(view.pretrained, labelled[anchors], self.neighbours, view.priority)
        rows, place, counts = np.unique(near, return_inverse=True, return_counts=True)
        # |a - b|^2 = 2 - 2 cos(a, b): the smallest mean square is the largest mean similarity.
        mean = np.bincount(place.ravel(), weights=np.square(distances).ravel()) / counts
        return rows[np.lexsort((view.priority[rows], mean))][: self.subpool]

    def _anchors(self, view: PoolView, labelled: FloatArray, label: int) -> IntArray:
        """Return the numbers of the labelled rows of a class that are its anchors."""
        from sklearn.cluster import kmeans_plusplus
        from sklearn.preprocessing import normalize
        from threadpoolctl import threadpool_limits

        members = np.flatnonzero(view.labels == label)
        if len(members) <= self.anchors:
            return members
        seed = int(view.generator.integers(2**31))
        with threadpool_limits(1):  # the same bits whatever the number of cores
            _, drawn = kmeans_plusplus(normalize(labelled[members]), self.anchors, random_state=seed)
        distinct: IntArray = np.unique(drawn)  # of equal rows, the same may be drawn again
        return members[distinct]
