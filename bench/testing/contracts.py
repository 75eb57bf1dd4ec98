"""Classes for pytest that outside authors subclass: one test for each law."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar
from unittest import SkipTest

from bench.strategies.base import Algorithm, Weighting
from bench.testing.answers import Part
from bench.testing.laws import ALGORITHM_LAWS, WEIGHTING_LAWS, waiver
from bench.testing.laws_of_answers import Law

Contract = TypeVar("Contract", bound="type[AlgorithmContract | WeightingContract]")


def _one_test_for_each_of(laws: tuple[Law, ...]) -> Callable[[Contract], Contract]:
    """Give a class a method ``test_<law>`` for each law, so that a new law is under test everywhere at once."""

    def add(cls: Contract) -> Contract:
        for law in laws:
            setattr(cls, f"test_{law.__name__}", _test_of(law))
        return cls

    return add


def _test_of(law: Law) -> Callable[[AlgorithmContract | WeightingContract], None]:
    def test(self: AlgorithmContract | WeightingContract) -> None:
        part: Part = self.algorithm if isinstance(self, AlgorithmContract) else self.weighting
        reason = waiver(law, part)
        if reason:
            raise SkipTest(f"waived: {reason}")  # pytest, which is no dependency of the package, knows it
        law(part)

    test.__doc__ = law.__doc__
    return test


@_one_test_for_each_of(ALGORITHM_LAWS)
class AlgorithmContract:
    """The laws of algorithms as tests, for pytest to collect from a subclass that names one.

    ::

        class TestMine(AlgorithmContract):
            algorithm = Mine(option=3)

    A law that the algorithm waives is skipped, with its reason.

    Attributes:
        algorithm: what is tested.
    """

    algorithm: ClassVar[Algorithm]


@_one_test_for_each_of(WEIGHTING_LAWS)
class WeightingContract:
    """The laws of weightings as tests; see :class:`AlgorithmContract`.

    Attributes:
        weighting: what is tested.
    """

    weighting: ClassVar[Weighting]
