"""Algorithms and weightings: the two things a strategy is made of.

An algorithm takes weights ``w`` and never asks where they came from; a weighting turns predicted
probabilities into weights and never asks what they are used for. Options are the fields of the (frozen)
dataclass.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from bench.errors import SpecError
from bench.registry import Registry
from bench.strategies.select import top_k
from bench.strategies.view import FloatArray, IntArray, Need, PoolView


@dataclass(frozen=True)
class Weighting(ABC):
    """w(x) from p(x). Subclasses are frozen dataclasses whose fields are their options.

    Class attributes:
        name: what users type. title: what tables print. paper: where it is defined.
        version: raise it when a change of the code changes results.
        needs: ``probabilities`` or nothing; a weighting that needs nothing costs no pass over the pool.
        open_points: what the paper leaves open and how it is settled here.
        waived: law of ``bench.testing`` -> the reason why it does not hold.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    paper: ClassVar[str]
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[Need]] = frozenset({"probabilities"})
    open_points: ClassVar[str] = ""
    waived: ClassVar[dict[str, str]] = {}

    @abstractmethod
    def weights(self, view: PoolView) -> FloatArray:
        """Return w, (n,), finite and >= 0; only its proportions matter."""


@dataclass(frozen=True)
class Algorithm(ABC):
    """Chooses k rows of a view under weights. Subclasses are frozen dataclasses; their fields are options.

    Class attributes:
        name, title, paper, version: as for :class:`Weighting`.
        needs: which outputs the algorithm reads; whatever is not declared is neither computed nor readable.
        open_points: what the paper leaves open and how it is settled here.
        waived: law of ``bench.testing`` -> the reason why it does not hold.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    paper: ClassVar[str]
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[Need]] = frozenset()
    open_points: ClassVar[str] = ""
    waived: ClassVar[dict[str, str]] = {}

    @abstractmethod
    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return k distinct row numbers of the view, (k,), in the order of selection.

        Args:
            view: what may be seen.
            w: (n,) weights, finite, >= 0, largest 1; rows of weight 0 come last.
            k: 1 <= k <= n.
        """


@dataclass(frozen=True)
class ScoreBased(Algorithm):
    """Algorithm 2 of the paper: the top k of w * s, with s >= 0 and higher = chosen first."""

    @abstractmethod
    def scores(self, view: PoolView) -> FloatArray:
        """Return s, (n,), >= 0."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the k rows with the largest w * s; ties go by ``view.priority``."""
        return top_k(self.scores(view), w, k, view.priority)


def check_option(part: Algorithm | Weighting, option: str, ok: bool, allowed: str) -> None:
    """Raise :class:`SpecError` with the option's value and what is allowed, unless it is ``ok``."""
    if not ok:
        raise SpecError(f"option {option!r} of {part.name} is {getattr(part, option)!r}; allowed: {allowed}")


# ABC and dataclass together leave the bases abstract, so a registry never lists them.
ALGORITHMS: Registry[Algorithm] = Registry(
    "algorithm",
    Algorithm,  # type: ignore[type-abstract]
    "bench.strategies",
    "imbal_bench.strategies",
)
WEIGHTINGS: Registry[Weighting] = Registry(
    "weighting",
    Weighting,  # type: ignore[type-abstract]
    "bench.strategies",
    "imbal_bench.weightings",
)
