"""GALAXY against S2 on an explicit graph, bisection against its bound, and weights by hand."""

import math
from collections import deque
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import RunError
from bench.strategies.galaxy import Galaxy
from bench.strategies.select import weighted_sample
from bench.testing import toy_pool


def line(hidden, labelled=((0.0, 0), (1.0, 1))):
    """A pool whose rows lie evenly between 0 and 1, and labelled rows at (p, label)."""
    n = len(hidden)
    pool = toy_pool(n=n, labelled=len(labelled))
    at, labels = zip(*labelled, strict=True) if labelled else ((), ())
    return replace(
        pool,
        probabilities=(np.arange(n) + 1) / (n + 1),
        hidden=np.array(hidden, dtype=np.int64),
        labelled_probabilities=np.array(at, dtype=float),
        labels=np.array(labels, dtype=np.int64),
    )


def middles_of_shortest_paths(known):
    """The rows in the middle of the shortest paths between labels that differ; known: label or None, in line order.

    Edges join rows at most r places apart, but no two rows of different labels; r is the least that joins the
    classes.
    """
    places = range(len(known))
    for r in places[1:]:

        def steps_from(label, r=r):
            queue = deque((place, 0) for place in places if known[place] == label)
            steps = {}
            while queue:
                place, distance = queue.popleft()
                if place not in steps:
                    steps[place] = distance
                    # Paths end where they meet a label, so that they run through unlabelled rows only.
                    if known[place] in {label, None}:
                        near = [other for other in places if 0 < abs(other - place) <= r]
                        pairs = [other for other in near if {known[place], known[other]} != {0, 1}]
                        queue.extend((other, distance + 1) for other in pairs)
            return steps

        to_positive, to_negative = steps_from(1), steps_from(0)
        through = {
            place: (to_positive[place], to_negative[place])
            for place in places
            if known[place] is None and place in to_positive and place in to_negative
        }
        if through:
            length = min(map(sum, through.values()))
            return {place for place, (a, b) in through.items() if a + b == length and abs(a - b) <= 1}
    return {place for place in places if known[place] is None}


@given(st.lists(st.integers(0, 1), min_size=2, max_size=12), st.data())
def test_each_row_is_the_middle_of_a_shortest_shortest_path(hidden, data):
    n = len(hidden)
    some = data.draw(st.lists(st.tuples(st.integers(0, n), st.integers(0, 1)), max_size=4, unique_by=lambda x: x[0]))
    # A labelled row i lies just below row i of the pool.
    pool = line(hidden, tuple(((i + 0.5) / (n + 1), label) for i, label in some))
    picks = Galaxy().select(pool.view(Galaxy.needs), np.ones(n), n)
    place = np.argsort(np.argsort(np.concatenate([pool.labelled_probabilities, pool.probabilities])))
    known = [None] * (n + len(some))
    for i, (_, label) in enumerate(some):
        known[place[i]] = label
    for row in picks:
        at = place[len(some) + row]
        assert at in middles_of_shortest_paths(known)
        known[at] = hidden[row]


@given(st.integers(1, 70), st.data())
def test_bisection_finds_the_cut_within_its_bound(n, data):
    cut = data.draw(st.integers(0, n))  # rows from here on are positive
    pool = line(np.arange(n) >= cut)
    labels = min(n, math.ceil(math.log2(n + 1)))
    view = pool.view(Galaxy.needs, budget=labels)
    Galaxy().select(view, np.ones(n), labels)
    assert {cut - 1, cut} & set(range(n)) <= set(view.oracle.asked)


@given(st.integers(1, 40), st.lists(st.floats(0.01, 1), min_size=40, max_size=40), st.data())
def test_any_weights_narrow_the_path_until_the_cut_is_found(n, weights, data):
    cut = data.draw(st.integers(0, n))
    low, high = -1, n
    for row in Galaxy().select(line(np.arange(n) >= cut).view(Galaxy.needs), np.array(weights[:n]), n):
        if high - low == 1:
            break
        assert low < row < high
        low, high = (low, row) if row >= cut else (row, high)
    assert (low, high) == (cut - 1, cut)


def test_rows_around_the_cut_come_next_nearest_first():
    pool = line(np.arange(63) >= 40)
    picks = Galaxy().select(pool.view(Galaxy.needs), np.ones(63), 20)
    assert {39, 40} <= set(picks[:6])
    bisected = set(picks[:6].tolist())
    left, right = [39 - i for i in range(1, 12)], [40 + i for i in range(1, 12)]
    around = [row for pair in zip(left, right, strict=True) for row in pair if row not in bisected][:14]
    assert set(picks[6:].tolist()) == set(around)


def test_a_path_that_opens_again_is_bisected_before_further_rows_around_cuts():
    # Row 7 is next to the cut; it is positive, which opens a path of 7 rows.
    pool = line([0, 0, 0, 0, 1, 1, 1, 1], labelled=((0.0, 0), (0.9, 0), (0.95, 1)))
    picks = Galaxy().select(pool.view(Galaxy.needs), np.ones(8), 4).tolist()
    assert picks == [7, 3, 5, 4]


def test_a_path_is_cut_at_its_weighted_median():
    hidden = np.arange(5) >= 4
    assert Galaxy().select(line(hidden).view(Galaxy.needs), np.ones(5), 1).tolist() == [2]
    assert Galaxy().select(line(hidden[1:]).view(Galaxy.needs), np.ones(4), 1).tolist() == [1]
    assert Galaxy().select(line(hidden).view(Galaxy.needs), np.array([1, 0.1, 0.1, 0.1, 0.2]), 1).tolist() == [0]
    assert Galaxy().select(line(hidden).view(Galaxy.needs), np.array([0.1, 0.1, 0.1, 0.2, 1]), 1).tolist() == [4]


def test_rows_around_a_cut_go_by_weight_over_order():
    # Connected from order 2 on, 3 on, 4 on: 1/2 * 0.5 against 1/3 * 1 and 1/4 * 1.
    pool = line([0, 0, 0], labelled=((0.9, 0), (0.95, 1)))
    assert Galaxy().select(pool.view(Galaxy.needs), np.array([1, 1, 0.5]), 1).tolist() == [1]
    assert Galaxy().select(pool.view(Galaxy.needs), np.array([1, 1, 0.7]), 1).tolist() == [2]


def test_the_shortest_of_several_paths_is_bisected():
    pool = line([0] * 9, labelled=((0.0, 0), (0.65, 1), (0.95, 0)))  # 6 rows, and 3 rows
    assert Galaxy().select(pool.view(Galaxy.needs), np.ones(9), 1).tolist() == [7]


@pytest.mark.parametrize("labelled", [(), ((0.3, 0), (0.6, 0)), ((0.3, 1),)], ids=["none", "negatives", "positive"])
def test_while_a_class_has_no_label_rows_are_drawn_by_weight(labelled):
    hidden = np.full(24, labelled[0][1] if labelled else 0)
    pool = line(hidden, labelled)
    picks = Galaxy().select(pool.view(Galaxy.needs), pool.weights, 24)
    assert picks.tolist() == weighted_sample(pool.weights, 24, pool.priority).tolist()


@given(st.integers(0, 2**20), st.integers(1, 24))
def test_every_label_bought_is_one_of_the_batch(seed, k):
    view = toy_pool(seed=seed).view(Galaxy.needs, budget=k)
    assert Galaxy().select(view, np.ones(24), k).tolist() == list(view.oracle.asked)


def test_rows_of_weight_zero_are_no_part_of_the_graph():
    pool = line(np.arange(9) >= 5)
    w = np.array([1, 0, 0, 0, 1, 1, 1, 0, 0.0])
    view = pool.view(Galaxy.needs)
    picks = Galaxy().select(view, w, 6).tolist()
    assert picks[:2] == [4, 5]  # of the path 0 4 5 6
    assert set(view.oracle.asked) == {0, 4, 5, 6}
    assert picks[4:] == [row for row in np.argsort(pool.priority) if w[row] == 0][:2]
    pool = line([0] * 9, labelled=((0.0, 0), (0.65, 1), (0.95, 0)))  # 6 rows, of which 1 has weight, and 3 rows
    assert Galaxy().select(pool.view(Galaxy.needs), np.array([0, 0, 0, 1, 0, 0, 1, 1, 1.0]), 1).tolist() == [3]


def test_without_an_oracle_it_says_so():
    view = replace(line([0, 1]).view(Galaxy.needs), oracle=None)
    with pytest.raises(RunError, match="labels within the batch were declared as needed but there is no oracle"):
        Galaxy().select(view, np.ones(2), 1)
