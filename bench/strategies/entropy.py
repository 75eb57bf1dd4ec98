"""Entropy: uncertainty by the entropy of the predicted distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.arrays import FloatArray
from bench.strategies.base import ScoreBased
from bench.strategies.view import Need, PoolView


@dataclass(frozen=True)
class Entropy(ScoreBased):
    """Takes the rows whose predicted distribution has the largest entropy."""

    name: ClassVar[str] = "entropy"
    title: ClassVar[str] = "Entropy"
    paper: ClassVar[str] = "Shannon 1948; Settles 2009, section 3.1"
    needs: ClassVar[frozenset[Need]] = frozenset({"probabilities"})
    open_points: ClassVar[str] = (
        "In nats. With two classes and uniform weights it ranks rows as least_confidence and margin do; under other "
        "weights it does not, since w * s depends on more than the order of s. Within about 1e-6 of p = 0.5 the "
        "entropy is flat and rows count as ties."
    )

    def scores(self, view: PoolView) -> FloatArray:
        """Return -p log p - (1 - p) log(1 - p), (n,)."""
        from scipy.special import entr

        p = view.probabilities
        return entr(p) + entr(1 - p)
