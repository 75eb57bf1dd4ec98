"""The contracts that algorithms and weightings must meet, as library code for authors inside and outside.

In a plug-in's own tests, one class makes a test of each law::

    from bench.testing import AlgorithmContract

    class TestMine(AlgorithmContract):
        algorithm = Mine(option=3)

or, without tests, on the command line: ``imbal-bench check mine --plugin mine.py``.

A law is a function that takes an algorithm or a weighting and raises an AssertionError with a sentence that says
what was broken. A law that cannot hold is waived on the class, with the reason:
``waived = {"row_order_is_irrelevant": "..."}``; its test is skipped and shows the reason.
"""

from bench.testing.contracts import AlgorithmContract, WeightingContract
from bench.testing.laws import ALGORITHM_LAWS, WEIGHTING_LAWS, laws_for
from bench.testing.laws_of_answers import Law
from bench.testing.toys import ToyPool, hard_pools, toy_pool
from bench.testing.verdicts import LawVerdict, verdicts

__all__ = [
    "ALGORITHM_LAWS",
    "WEIGHTING_LAWS",
    "AlgorithmContract",
    "Law",
    "LawVerdict",
    "ToyPool",
    "WeightingContract",
    "hard_pools",
    "laws_for",
    "toy_pool",
    "verdicts",
]
