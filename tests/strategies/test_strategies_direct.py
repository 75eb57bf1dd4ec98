"""DIRECT against brute force: thresholds, the version space, and what is labelled around the threshold."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import SpecError
from bench.strategies.direct import Direct, best_threshold, errors, reduce_version_space, version_space
from bench.strategies.line import UNKNOWN, Line
from bench.strategies.select import weighted_sample
from bench.testing import toy_pool

labels_on_a_line = st.lists(st.sampled_from([0, 1, UNKNOWN]), max_size=14).map(lambda x: np.array(x, dtype=np.int64))


def brute_force_errors(labels):
    """What the classifier 'positive from place j on' gets wrong, for every j."""
    n = len(labels)
    return [sum(labels[i] == (0 if i >= j else 1) for i in range(n)) for j in range(n + 1)]


def line(hidden, labelled=((0.0, 0), (1.0, 1)), seed=0):
    """A pool whose rows lie evenly between 0 and 1, and labelled rows at (p, label)."""
    n, (at, labels) = len(hidden), zip(*labelled, strict=True)
    return replace(
        toy_pool(n=n, labelled=len(labelled), seed=seed),
        probabilities=(np.arange(n) + 1) / (n + 1),
        hidden=np.array(hidden, dtype=np.int64),
        labelled_probabilities=np.array(at, dtype=float),
        labels=np.array(labels, dtype=np.int64),
    )


@given(labels_on_a_line)
def test_the_threshold_is_the_middle_one_of_least_error(labels):
    wrong = brute_force_errors(labels)
    assert errors(labels).tolist() == wrong
    best = [j for j, count in enumerate(wrong) if count == min(wrong)]
    assert best_threshold(labels) == best[(len(best) - 1) // 2]


@given(labels_on_a_line)
def test_the_version_space_lies_between_what_is_surely_negative_and_surely_positive(labels):
    low, high = version_space(labels)
    assert 0 <= low <= high <= len(labels)
    assert not (labels[:low] == 1).any()
    assert not (labels[high:] == 0).any()
    # Wider at the low end, it would hold a labelled negative with no positive below; likewise at the high end.
    assert low == 0 or labels[low - 1] == 0
    assert high == len(labels) or labels[high] == 1
    between = labels[low:high][labels[low:high] != UNKNOWN]
    assert len(between) == 0 or (between[0] == 1 and between[-1] == 0)
    wrong = errors(labels)
    assert wrong.min() == wrong[low : high + 1].min()


@given(st.integers(1, 60), st.integers(0, 2**20), st.sampled_from([1, 3]), st.data())
def test_a_cut_is_found_if_half_the_batch_is_enough(n, seed, parallel, data):
    """With as many labels as rows the space is narrowed by at most a little at a time: no threshold is lost."""
    cut = data.draw(st.integers(0, n))
    pool = line(np.arange(n) >= cut, seed=seed)
    one = Line(pool.view(Direct.needs), np.ones(n))
    reduce_version_space(one, n, parallel, np.random.default_rng(seed))
    assert errors(one.labels)[best_threshold(one.labels)] == 0
    assert len(one.bought) == len(set(one.bought)) <= n


@pytest.mark.parametrize("parallel", [1, 5])
def test_rare_positives_are_mostly_separated_and_labelled_as_often_as_negatives(parallel):
    """The authors' rule for ties may lose the cut; where it does not, half of the rows around it are positives."""
    found, positives = [], []
    for seed in range(40):
        pool = line(np.arange(1000) >= 980, seed=seed)
        picks = Direct(parallel=parallel).select(pool.view(Direct.needs), np.ones(1000), 40)
        found.append({979, 980} <= set(picks.tolist()))
        positives.append(pool.hidden[picks].sum())
    assert np.mean(found) >= 0.7
    assert np.mean(positives) >= 10  # of 40; 0.8 at random
    assert max(positives) <= 20


@pytest.mark.parametrize("seed", range(5))
def test_the_threshold_withstands_label_noise(seed):
    rng = np.random.default_rng(seed)
    noisy = (np.arange(1000) >= 900) ^ (rng.random(1000) < 0.1)
    one = Line(line(noisy, seed=seed).view(Direct.needs), np.ones(1000))
    reduce_version_space(one, 100, 1, rng)
    assert abs(best_threshold(one.labels) - 1 - 900) < 60  # a labelled negative lies below


def test_the_rows_around_the_threshold_come_from_both_sides_in_turn():
    # Nothing is left to search: the labelled rows lie on either side of the cut.
    pool = line(np.arange(10) >= 7, labelled=((0.7, 0), (0.71, 1)))
    assert Direct().select(pool.view(Direct.needs), np.ones(10), 8).tolist() == [7, 6, 8, 5, 9, 4, 3, 2]


def test_each_side_goes_by_weight_over_distance():
    pool = line(np.arange(6) >= 3, labelled=((0.5, 0), (0.501, 1)))
    # Above, behind the labelled row, 2, 3 and 4 rows from the threshold: 1/2 * 0.6 against 1/3 and 1/4 * 1.
    w = np.array([1, 1, 1, 0.6, 1, 1])
    assert Direct().select(pool.view(Direct.needs), w, 6).tolist() == [4, 2, 3, 1, 5, 0]


def test_at_most_half_of_the_batch_is_bought_for_the_search():
    pool = toy_pool(n=200)
    for k in (1, 2, 7, 50):
        view = pool.view(Direct.needs, budget=k)
        picks = Direct().select(view, np.ones(200), k).tolist()
        bought = list(view.oracle.asked)
        assert bought == picks[: len(bought)]
        assert min(1, k // 2) <= len(bought) <= k // 2


def test_the_version_space_is_sampled_by_weight():
    pool = toy_pool(n=60, labelled=0)
    drawn = weighted_sample(pool.weights, 60, pool.priority)
    for parallel in (1, 4):
        picks = Direct(parallel=parallel).select(pool.view(Direct.needs), pool.weights, 10)
        assert picks[:parallel].tolist() == drawn[:parallel].tolist()


def test_the_space_narrows_from_its_worse_end():
    """Four labelled rows tell that the cut is low; once the space has shrunk, no further row is drawn from above."""
    hidden = np.arange(100) >= 10
    for seed in range(5):
        picks = Direct().select(line(hidden, seed=seed).view(Direct.needs), np.ones(100), 60)[:30]
        assert (np.sort(picks[-10:]) < 40).all()


def test_options_are_checked():
    with pytest.raises(SpecError, match="option 'parallel' of direct is 0; allowed: >= 1"):
        Direct(parallel=0)
