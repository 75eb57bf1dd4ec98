import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis import paired
from bench.errors import PairingError


def arm(values, name="a", seeds=None, **columns):
    seeds = range(len(values)) if seeds is None else seeds
    return pd.DataFrame(
        {
            "dataset": "d",
            "positive": "c",
            "seed": list(seeds),
            "key": [f"{name}{seed}" for seed in seeds],
            "pair_key": [f"pair{seed}" for seed in seeds],
            "auc": values,
            **columns,
        }
    )


def test_hand_computed_case():
    # differences .1 .2 .3: t = .2 / (.1 / sqrt 3) = sqrt 12; P(T_2 > t) = (1 - t / sqrt(2 + t^2)) / 2 = .0371
    result = paired(arm([0.5, 0.7, 0.9]), arm([0.4, 0.5, 0.6], "b"), "auc")
    assert (result.n, result.unpaired, result.note) == (3, 0, "")
    assert result.difference == pytest.approx(0.2)
    assert result.t == pytest.approx(2 * np.sqrt(3))
    assert result.p == pytest.approx((1 - np.sqrt(12 / 14)) / 2)


metrics = st.floats(0, 1).map(lambda x: round(x, 3))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(metrics, metrics), min_size=3, max_size=12), st.randoms(use_true_random=False))
def test_order_of_rows_is_irrelevant_and_sides_complement(pairs, random):
    left, right = (list(side) for side in zip(*pairs, strict=True))
    difference = np.subtract(left, right)
    order = list(range(len(pairs)))
    random.shuffle(order)
    result = paired(arm(left), arm(right, "b").iloc[order], "auc")
    if np.ptp(difference) <= 1e-12:
        assert np.isnan(result.p)
        assert result.note
        return
    assert result.p == pytest.approx(stats.ttest_1samp(difference, 0, alternative="greater").pvalue)
    assert paired(arm(right), arm(left, "b"), "auc").p == pytest.approx(1 - result.p)


@pytest.mark.parametrize(
    ("left", "right", "note"),
    [
        ([0.5, 0.7, 0.2], [0.5, 0.7, 0.2], "identical in all pairs"),
        ([0.32, 0.52], [0.30, 0.50], "the same difference in all pairs"),
        ([0.9], [0.1], "one pair"),
        ([0.9, np.nan, 0.3], [0.1, 0.5, 0.2], "1 of 3 pairs hold NaN"),
        ([], [], "no pairs"),
    ],
)
def test_where_there_is_no_test_p_is_nan_and_the_note_says_why(left, right, note):
    result = paired(arm(left), arm(right, "b"), "auc")
    assert np.isnan(result.p)
    assert np.isnan(result.t)
    assert result.note.startswith(note)
    assert result.n == len(left)


@pytest.mark.filterwarnings("ignore:Precision loss:RuntimeWarning")
def test_scipy_is_certain_of_two_equal_differences_which_is_why_we_are_not():
    assert stats.ttest_rel([0.32, 0.52], [0.30, 0.50], alternative="greater").pvalue < 1e-10


def test_runs_without_a_partner_are_counted_and_take_no_part():
    left, right = arm([0.5, 0.7, 0.9, 0.1]), arm([0.9, 0.4, 0.5, 0.6], "b", seeds=[9, 0, 1, 2])
    result = paired(left, right, "auc")
    assert (result.n, result.unpaired) == (3, 2)
    assert result.difference == pytest.approx(0.2)


def test_a_run_stored_twice_is_an_error_that_names_both():
    twice = pd.concat([arm([0.5, 0.6]), arm([0.7], "again")])
    with pytest.raises(PairingError, match="a0, again0"):
        paired(twice, arm([0.1, 0.2], "b"), "auc")
    with pytest.raises(PairingError, match="a0, again0"):
        paired(arm([0.1, 0.2], "b"), twice, "auc")


@pytest.mark.parametrize("keys", [["pair0", "other"], ["pair0", ""]])
def test_partners_made_under_different_conditions_are_an_error_that_names_them(keys):
    with pytest.raises(PairingError, match=r"1 of 2 matched runs .* a1 and b1"):
        paired(arm([0.5, 0.6]), arm([0.1, 0.3], "b", pair_key=keys), "auc")


def test_two_runs_without_a_pair_key_are_no_pair():
    left, right = (arm([0.5, 0.6], name, pair_key="") for name in "ab")
    with pytest.raises(PairingError, match="2 of 2"):
        paired(left, right, "auc")
