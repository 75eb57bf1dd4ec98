"""What broken parts have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.strategies.base import Algorithm, Weighting
from bench.strategies.view import Need

PROBABILITIES: frozenset[Need] = frozenset({"probabilities"})


@dataclass(frozen=True)
class BrokenAlgorithm(Algorithm):
    """The facts of an algorithm."""

    name: ClassVar[str] = "broken"
    title: ClassVar[str] = "Broken"
    paper: ClassVar[str] = ""
    needs: ClassVar[frozenset[Need]] = PROBABILITIES


@dataclass(frozen=True)
class BrokenWeighting(Weighting):
    """The facts of a weighting."""

    name: ClassVar[str] = "broken"
    title: ClassVar[str] = "Broken"
    paper: ClassVar[str] = ""
