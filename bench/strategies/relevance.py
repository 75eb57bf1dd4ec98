"""Relevance sampling: the rows most likely to be positive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.arrays import FloatArray
from bench.strategies.base import ScoreBased
from bench.strategies.view import Need, PoolView


@dataclass(frozen=True)
class Relevance(ScoreBased):
    """Takes the rows of the largest p(x): the default of technology-assisted review (continuous active learning)."""

    name: ClassVar[str] = "relevance"
    title: ClassVar[str] = "Relevance"
    paper: ClassVar[str] = (
        "Lewis & Gale 1994 (relevance sampling); Cormack & Grossman 2014 (continuous active learning); weights: "
        "Fairstein et al. 2024, Algorithm 2"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"probabilities"})
    open_points: ClassVar[str] = (
        "s = p, so that posprob weights square it and change no pick. Under invprop the rows of the rarest bins come "
        "first, whatever their p. With a single class labelled p still ranks rows, by what the model makes of that."
    )

    def scores(self, view: PoolView) -> FloatArray:
        """Return p(x), (n,)."""
        return view.probabilities
