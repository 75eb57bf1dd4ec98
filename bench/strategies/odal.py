"""ODAL: outlier-based discriminative active learning, for starts without a positive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.base import Algorithm, base_algorithm, check_option
from bench.strategies.select import top_k
from bench.strategies.view import Need, PoolView

_FEWEST = 3  # different rows: trees grown on two have one split, and all leaves at its depth


@dataclass(frozen=True)
class Odal(Algorithm):
    """Takes the rows least like the labelled ones by an outlier detector; once a positive is labelled, hands over.

    Attributes:
        then: the algorithm that chooses from the first labelled positive on.
        trees: of the Isolation Forest.
    """

    name: ClassVar[str] = "odal"
    title: ClassVar[str] = "ODAL"
    paper: ClassVar[str] = (
        "Barata et al. 2021 (outlier-based discriminative active learning as warm-up of a three-stage policy); "
        "detector: Liu, Ting & Zhou 2008; weights: Fairstein et al. 2024, Algorithm 2"
    )
    version: ClassVar[str] = "2"
    needs: ClassVar[frozenset[Need]] = frozenset({"pretrained"})
    open_points: ClassVar[str] = (
        "Stage 1, nothing labelled, or no three different rows, of which an Isolation Forest makes one constant score: "
        "outliers of the pool itself. Stage 2, negatives only: the detector is fitted on the labelled rows and scores "
        "the pool. Stage 3, from the first positive on: `then`, DAL by default; for an "
        "uncertainty policy as last stage, as in the paper, say then=margin. A warm start holds positives, so that "
        "all of it is stage 3. The detector is an Isolation Forest with scikit-learn's defaults, fitted once a batch; "
        "the top k of w * outlier score are taken. The paper has fixed input features: here text embeddings of the "
        "pre-trained encoder, not h, because a model fitted on negatives only has learnt nothing."
    )

    then: str = "dal"
    trees: int = 100

    def __post_init__(self) -> None:
        check_option(self, "trees", self.trees >= 1, ">= 1")

    def uses(self) -> tuple[Algorithm, ...]:
        """Return the algorithm of stage 3."""
        return (base_algorithm(self, "then"),)

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return k rows: the top of w * outlier score, or what the algorithm of stage 3 selects."""
        if view.labels.any():
            return base_algorithm(self, "then").select(view, w, k)
        return top_k(self._outlier_scores(view), w, k, view.priority)

    def _outlier_scores(self, view: PoolView) -> FloatArray:
        """Return how easily a random tree isolates each row, (n,), in (0, 1], higher = less like the reference rows."""
        from sklearn.ensemble import IsolationForest

        # In the order of the priorities, because a forest's subsamples depend on the order of its rows.
        in_order = view.pretrained[np.argsort(view.priority, kind="stable")]
        labelled = view.labelled_pretrained
        reference = labelled if len(np.unique(labelled, axis=0)) >= _FEWEST else in_order
        forest = IsolationForest(n_estimators=self.trees, random_state=int(view.generator.integers(2**31)))
        return -np.asarray(forest.fit(reference).score_samples(view.pretrained))
