"""Algorithms and weightings: the two things a strategy is made of.

An algorithm takes weights ``w`` and never asks where they came from; a weighting turns predicted
probabilities into weights and never asks what they are used for. Options are the fields of the (frozen)
dataclass.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import numpy as np
from pydantic import ValidationError

from bench import options
from bench.arrays import FloatArray, IntArray
from bench.errors import RunError
from bench.records import Record
from bench.registry import Registry
from bench.strategies.select import top_k
from bench.strategies.view import Need, PoolView

S = TypeVar("S", bound=Record)


@dataclass(frozen=True)
class Weighting(ABC):
    """w(x) from p(x). Subclasses are frozen dataclasses whose fields are their options.

    Class attributes:
        name: what users type. title: what tables print. paper: where it is defined.
        version: raise it when a change of the code changes results.
        needs: ``probabilities`` or nothing; a weighting that needs nothing costs no pass over the pool.
        open_points: what the paper leaves open and the choice made here.
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
        needs: which outputs the algorithm itself reads; whatever is not declared is neither computed nor readable.
        open_points: what the paper leaves open and the choice made here.
        waived: law of ``bench.testing`` -> the reason why it does not hold.
        weighted: whether it takes weights at all; one that does not is run under uniform ones alone.
        formerly: names that the same code had before; ``store migrate`` gives its old runs today's.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    paper: ClassVar[str]
    version: ClassVar[str] = "1"
    weighted: ClassVar[bool] = True
    formerly: ClassVar[tuple[str, ...]] = ()
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

    def uses(self) -> tuple[Algorithm, ...]:
        """Return the algorithms that this one hands rows to; it needs what they need and changes when they do."""
        return ()


@dataclass(frozen=True)
class ScoreBased(Algorithm):
    """Algorithm 2 of the paper: the top k of w * s, with s >= 0 and higher = chosen first."""

    @abstractmethod
    def scores(self, view: PoolView) -> FloatArray:
        """Return s, (n,), >= 0."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the k rows with the largest w * s; ties go by ``view.priority``."""
        return top_k(self.scores(view), w, k, view.priority)


@dataclass(frozen=True)
class Stateful(Algorithm, Generic[S]):
    """An algorithm that learns from round to round, such as a bandit.

    It keeps nothing in itself: what it knows is a state, a frozen record of plain values, which the loop stores with
    the round and hands back in the next one. A stored run can therefore be continued from any of its rounds.

    Class attributes:
        state_type: the record's type; S.
    """

    state_type: ClassVar[type[Record]]

    @abstractmethod
    def step(self, view: PoolView, state: S | None, w: FloatArray, k: int) -> tuple[IntArray, S]:
        """Return k distinct row numbers, as :meth:`Algorithm.select` does, and the state for the next round.

        Args:
            view: what may be seen; its ``labels`` end with those of the batch that the last step selected.
            state: what the last step returned; None in the first round.
            w: (n,) weights, as for :meth:`Algorithm.select`.
            k: 1 <= k <= n.
        """

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the rows of :meth:`step`."""
        return self.advance(view, w, k)[0]

    def advance(self, view: PoolView, w: FloatArray, k: int) -> tuple[IntArray, S]:
        """Make a step from the view's stored state.

        Raises:
            RunError: if that state is not one of this algorithm's.
        """
        try:
            state = None if view.state is None else self.state_type.model_validate(view.state)
        except ValidationError as error:
            fault = error.errors()[0]
            raise RunError(
                f"the stored state {view.state} is not one of {self.name!r}: "
                f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].lower()}"
            ) from error
        return self.step(view, state, w, k)  # type: ignore[arg-type]  # S is what state_type says


def base_algorithm(part: Algorithm, option: str) -> Algorithm:
    """Return the algorithm, with default options, that an option of a wrapper or bandit names.

    Raises:
        UnknownNameError: if there is none of that name.
        SpecError: if it uses other algorithms itself, keeps a state, or buys labels within the batch.
    """
    base = ALGORITHMS.get(getattr(part, option))()
    plain = not (base.uses() or isinstance(base, Stateful) or "oracle" in base.needs)
    check_option(part, option, plain, "an algorithm without a base, a state or an oracle of its own")
    return base


def select_within(algorithm: Algorithm, view: PoolView, w: FloatArray, rows: IntArray, k: int) -> IntArray:
    """Let an algorithm choose among some rows of a view only.

    Args:
        algorithm: who chooses.
        view: the whole view.
        w: (n,) its weights; those of the rows are scaled anew.
        rows: (r,) distinct row numbers of the view.
        k: 1 <= k <= r.

    Returns:
        (k,) row numbers of the whole view, in the order of selection.
    """
    inside, some = w[rows], view.rows(rows)
    largest = inside.max()
    return rows[algorithm.select(some, inside / largest if largest > 0 else np.ones(len(rows)), k)]


check_option = options.check_option

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
