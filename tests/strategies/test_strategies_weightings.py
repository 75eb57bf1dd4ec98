"""Weightings against their definition."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import RunError, SpecError
from bench.strategies.invprop import InvProp
from bench.strategies.posprob import PosProb
from bench.strategies.uniform import Uniform
from bench.testing import toy_pool


def view_of(p):
    p = np.asarray(p, dtype=np.float64)
    return replace(toy_pool(n=len(p)), probabilities=p).view()


def bin_by_definition(p, bins):
    """The bin i with i/m <= p < (i+1)/m, the last closed; edges as float64, comparisons exact."""
    inside = [i for i in range(bins) if i / bins <= p < (i + 1) / bins]
    return inside[0] if inside else bins - 1


@given(
    st.lists(st.floats(0, 1) | st.integers(0, 20).map(lambda i: i / 20), min_size=1, max_size=40),
    st.sampled_from([1, 2, 3, 5, 7, 10, 15, 20]),
)
def test_invprop_is_one_over_the_rows_in_the_bin(p, bins):
    of_row = [bin_by_definition(value, bins) for value in p]
    assert InvProp(bins).weights(view_of(p)).tolist() == [1 / of_row.count(i) for i in of_row]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(1, 20))
def test_invprop_gives_every_occupied_bin_the_same_total(p, bins):
    w = InvProp(bins).weights(view_of(p))
    occupied = {bin_by_definition(value, bins) for value in p}
    assert w.sum() == pytest.approx(len(occupied))


def test_invprop_is_exact_at_the_edges():
    edges = [i / 10 for i in range(11)]  # 0.9 and 1.0 share the last bin
    assert InvProp().weights(view_of(edges)).tolist() == [1.0] * 9 + [0.5, 0.5]
    below = [np.nextafter(edge, 0) for edge in edges[1:10]]  # each joins the edge below
    assert InvProp().weights(view_of(edges[:9] + below)).tolist() == [0.5] * 18


def test_invprop_with_one_bin_is_uniform():
    assert set(InvProp(bins=1).weights(view_of([0, 0.3, 1])).tolist()) == {1 / 3}


def test_invprop_halves_exactly_where_float_multiplication_does_not():
    p = 0.29  # 0.29 * 100 is 28.999999999999996
    assert Fraction(p) >= Fraction(29 / 100)
    assert InvProp(bins=100).weights(view_of([p, 0.295, 0.285])).tolist() == [0.5, 0.5, 1.0]


@pytest.mark.parametrize("bins", [0, -3])
def test_invprop_refuses_fewer_than_one_bin(bins):
    with pytest.raises(SpecError, match=f"option 'bins' of invprop is {bins}; allowed: >= 1"):
        InvProp(bins)


def test_posprob_is_p_and_uniform_is_one():
    p = [0.0, 0.25, 1.0]
    assert PosProb().weights(view_of(p)).tolist() == p
    assert Uniform().weights(view_of(p)).tolist() == [1, 1, 1]


@pytest.mark.parametrize("bad", [np.nan, 1.5, -0.1])
def test_probabilities_outside_zero_and_one_are_refused(bad):
    with pytest.raises(RunError, match=r"probabilities must lie in \[0, 1\]"):
        InvProp().weights(view_of([0.5, bad]))
