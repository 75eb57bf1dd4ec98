"""The contracts that algorithms and weightings must meet, as library code for authors inside and outside.

In a plug-in's own tests::

    import pytest
    from bench.testing import laws_for

    @pytest.mark.parametrize("law", laws_for(MyAlgorithm()), ids=lambda law: law.__name__)
    def test_my_algorithm(law):
        law(MyAlgorithm())

Each law raises an AssertionError with a sentence that says what was broken. A law that cannot hold is waived
on the class, with the reason: ``waived = {"row_order_is_irrelevant": "..."}``.
"""

from bench.testing.laws import ALGORITHM_LAWS, WEIGHTING_LAWS, Law, laws_for
from bench.testing.toys import ToyPool, hard_pools, toy_pool

__all__ = ["ALGORITHM_LAWS", "WEIGHTING_LAWS", "Law", "ToyPool", "hard_pools", "laws_for", "toy_pool"]
