"""Metrics against scikit-learn, closed forms and brute force; and the laws over inputs that nobody chose."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from bench.errors import RunError, UnknownNameError
from bench.metrics.base import RoundMetric, RunCourse, TestScores
from bench.metrics.catalogue import agrees, every, named, round_metrics, round_values, run_metrics, run_values
from bench.metrics.labels_saved import LabelsSavedMetric, reached
from bench.records import METRICS
from bench.testing.metrics import toy_scores

PLAIN = {
    "balanced_accuracy": lambda y, p: oracle.balanced_accuracy_score(y, p >= 0.5),
    "auc": oracle.roc_auc_score,
    "precision": lambda y, p: oracle.precision_score(y, p >= 0.5, zero_division=0.0),
    "recall": lambda y, p: oracle.recall_score(y, p >= 0.5),
    "f1": lambda y, p: oracle.f1_score(y, p >= 0.5, zero_division=0.0),
    "brier": oracle.brier_score_loss,
}


@st.composite
def test_scores(draw) -> TestScores:
    """Scores of two to forty rows, with ties and values at the edges of bins and thresholds, of both classes."""
    labels = np.array(draw(st.lists(st.integers(0, 1), min_size=2, max_size=40)))
    assume(0 < labels.sum() < len(labels))
    edges = st.sampled_from([0.0, 0.5, 1.0, 1 / 3, 0.2, np.nextafter(0.5, 0)])
    p = draw(st.lists(edges | st.floats(0, 1), min_size=len(labels), max_size=len(labels)))
    stored = np.array(p, dtype=np.float32).astype(float)
    return TestScores(labels, stored, draw(st.floats(0.001, 0.5)))


test_scores.__test__ = False


def ece_by_hand(y, p, bins=15):
    total = 0.0
    for lower in range(bins):
        inside = [i for i in range(len(y)) if lower <= p[i] * bins < lower + 1 or (lower == bins - 1 and p[i] == 1)]
        if inside:
            gap = np.mean([y[i] for i in inside]) - np.mean([p[i] for i in inside])
            total += len(inside) / len(y) * abs(gap)
    return total


def replicated(scores: TestScores, denominator: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and probabilities of a test set in which 1/denominator of the rows are positives, for real."""
    positives, negatives = (scores.probabilities[scores.labels == label] for label in (1, 0))
    times = (denominator - 1) * len(positives)
    y = np.repeat([1, 0], [len(positives) * len(negatives), len(negatives) * times])
    return y, np.concatenate([np.repeat(positives, len(negatives)), np.repeat(negatives, times)])


@given(test_scores())
def test_metrics_of_a_round_are_scikit_learns(scores):
    for name, wanted in PLAIN.items():
        assert named(name).compute(scores) == pytest.approx(wanted(scores.labels, scores.probabilities), abs=1e-12)
    assert named("ece").compute(scores) == pytest.approx(ece_by_hand(scores.labels, scores.probabilities), abs=1e-9)


@given(test_scores(), st.sampled_from([2, 3, 10, 50]))
def test_at_prevalence_is_what_a_test_set_with_as_many_negatives_would_give(scores, denominator):
    y, p = replicated(scores, denominator)
    assume(len(y) < 20_000)
    scores = TestScores(scores.labels, scores.probabilities, 1 / denominator)
    wanted = oracle.average_precision_score(y, p)
    assert named("average_precision").compute(scores) == pytest.approx(wanted, abs=1e-9)
    best = max(oracle.f1_score(y, p >= threshold) for threshold in np.unique(p))
    assert named("best_f1").compute(scores) == pytest.approx(best, abs=1e-9)


def test_precision_at_prevalence_follows_from_both_rates():
    """SPEC: precision = TPR pi / (TPR pi + FPR (1 - pi))."""
    scores = toy_scores(positives=30, prevalence=0.02)
    fpr, tpr, _ = oracle.roc_curve(scores.labels, scores.probabilities, drop_intermediate=False)
    pi = scores.prevalence
    precision = tpr[1:] * pi / (tpr[1:] * pi + fpr[1:] * (1 - pi))
    assert named("ap").compute(scores) == pytest.approx(float(np.sum(np.diff(tpr) * precision)))


def test_at_another_prevalence_the_value_is_another():
    values = [named("ap").compute(toy_scores(positives=30, prevalence=share)) for share in (0.5, 0.02)]
    assert values[0] > 3 * values[1]


@given(test_scores(), st.integers(0, 2**32 - 1))
def test_values_are_in_range_blind_to_order_and_best_for_the_truth(scores, seed):
    order = np.random.default_rng(seed).permutation(len(scores.labels))
    moved = TestScores(scores.labels[order], scores.probabilities[order], scores.prevalence)
    perfect = TestScores(scores.labels, scores.labels.astype(float), scores.prevalence)
    for metric in round_metrics():
        value = metric.compute(scores)
        assert metric.low <= value <= metric.high
        assert metric.compute(moved) == pytest.approx(value, abs=1e-9)
        best = metric.compute(perfect)
        assert best == pytest.approx(metric.best, abs=1e-9) or "perfect_scores_are_best" in metric.waived
        assert (best >= value - 1e-9) if metric.higher_is_better else (best <= value + 1e-9)


@given(test_scores(), st.floats(0.01, 0.99))
def test_constant_probabilities_get_chance_levels(scores, constant):
    """Ranking metrics whatever the constant; the others for that of the prevalence, as the laws hold."""
    known_nothing = TestScores(scores.labels, np.full(len(scores.labels), constant), scores.prevalence)
    for name, share in (("auc", 0.5), ("balanced_accuracy", 0.5), ("ap", scores.prevalence)):
        assert named(name).compute(known_nothing) == pytest.approx(named(name).chance(share))
    assert named("best_f1").compute(known_nothing) == pytest.approx(named("best_f1").chance(scores.prevalence))


def test_todays_three_keep_their_values_bit_for_bit():
    """They were computed from unrounded probabilities before metrics were files, and still are."""
    rng = np.random.default_rng(3)
    y, p = rng.permutation(np.arange(500) < 60).astype(int), rng.random(500)
    assert np.any(p != p.astype(np.float32))
    found = round_values(y, p, 0.02, METRICS)
    assert found == {
        "auc": float(oracle.roc_auc_score(y, p)),
        "balanced_accuracy": float(PLAIN["balanced_accuracy"](y, p)),
    }
    course = RunCourse((10, 60, 110), (5, 7, 12), 5000, 100)
    assert run_values(course, METRICS) == {"positives_ratio": 7 / 100}


def test_other_metrics_are_the_same_from_what_is_stored():
    rng = np.random.default_rng(4)
    y, p = rng.permutation(np.arange(300) < 40).astype(int), rng.random(300)
    fresh, stored = (round_values(y, q, 0.02) for q in (p, p.astype(np.float32)))
    assert {name: value for name, value in fresh.items() if not named(name).unrounded} == {
        name: value for name, value in stored.items() if not named(name).unrounded
    }


def test_a_stored_auc_is_believed_as_far_as_rounding_explains_it():
    y = np.array([1, 0, 1, 0])
    p = np.array([0.5 + 2e-9, 0.5 + 1e-9, 0.9, 0.1])
    stored = round_values(y, p, 0.5, ["auc", "balanced_accuracy"])
    scores = TestScores(y, p.astype(np.float32).astype(float), 0.5)
    assert named("auc").compute(scores) != stored["auc"]  # float32 ties the two rows
    for name, value in stored.items():
        assert agrees(named(name), value, scores)
        assert not agrees(named(name), value - 0.4, scores)
    brier = round_values(y, p, 0.5, ["brier"])["brier"]
    assert agrees(named("brier"), brier, scores)
    assert not agrees(named("brier"), brier + 1e-6, scores)


# --- of runs ----------------------------------------------------------------------------------------------------------


@given(st.data())
def test_the_area_under_a_learning_curve_is_its_mean_height(data):
    gaps = data.draw(st.lists(st.integers(1, 90), min_size=1, max_size=9))
    labelled = tuple(np.cumsum([10, *gaps]).tolist())
    values = tuple(data.draw(st.lists(st.floats(0, 1), min_size=len(labelled), max_size=len(labelled))))
    course = RunCourse(labelled, (5,) * len(labelled), 9999, 99, {"auc": values})
    found = named("alc_auc").compute(course)
    pieces = sum(gap * (a + b) / 2 for gap, a, b in zip(gaps, values[:-1], values[1:], strict=True))
    assert found == pytest.approx(pieces / (labelled[-1] - labelled[0]), abs=1e-12)
    assert min(values) <= found <= max(values)
    dense = np.interp(np.linspace(labelled[0], labelled[-1], 20001), labelled, values)
    assert found == pytest.approx(float(dense.mean()), abs=2e-3)


def test_every_metric_of_rounds_has_the_area_under_its_curve_with_its_facts():
    for metric in round_metrics():
        area = named(f"learning_curve_area_{metric.name}")
        assert (area.low, area.high, area.higher_is_better) == (metric.low, metric.high, metric.higher_is_better)
        assert "area under the learning curve" in area.label.lower()
        assert area.chance(0.1) == pytest.approx(metric.chance(0.1), nan_ok=True)


def test_recall_of_positives_leaves_the_start_set_out_on_both_sides():
    course = RunCourse((10, 60, 110), (5, 7, 12), 5000, 100)
    assert named("recall_of_positives").compute(course) == 7 / 95
    assert math.isnan(named("recall_of_positives").compute(RunCourse((10, 60), (5, 5), 5000, 5)))


# --- of groups of runs ------------------------------------------------------------------------------------------------


def reached_by_hand(labels, curve, target):
    """Walk in steps of a thousandth of a label."""
    best = [max(curve[: i + 1]) for i in range(len(curve))]
    for at in np.arange(labels[0], labels[-1] + 1e-9, 1e-3):
        if np.interp(at, labels, best) >= target - 1e-12:
            return at
    return math.inf


@given(
    st.lists(st.sampled_from([0.1, 0.3, 0.4, 0.45, 0.6, 0.9]), min_size=4, max_size=4),
    st.sampled_from([0.2, 0.4, 0.61, 1]),
)
def test_labels_to_reach_a_value_are_read_off_the_monotone_curve(curve, target):
    labels = (10, 12, 15, 17)
    assert reached(labels, np.array(curve), target) == pytest.approx(reached_by_hand(labels, curve, target), abs=2e-3)


def test_labels_saved_of_a_strategy_that_is_a_round_ahead():
    labels, curve = (10, 60, 110, 160), np.array([0.5, 0.6, 0.7, 0.8])
    ahead = np.array([0.6, 0.7, 0.75, 0.75])
    found = LabelsSavedMetric.compute(labels, np.tile(curve, (4, 1)), np.tile(ahead, (4, 1)))
    assert (found.needed, found.saved, found.low, found.high, found.censored) == (135.0, -25.0, -25.0, -25.0, 0.0)
    flipped = LabelsSavedMetric.compute(
        labels, np.tile(1 - curve, (4, 1)), np.tile(1 - ahead, (4, 1)), higher_is_better=False
    )
    assert flipped.saved == pytest.approx(-25.0)


def test_a_value_that_the_baseline_never_reaches_is_censored():
    labels, curve = (10, 60, 110), np.array([[0.5, 0.6, 0.7], [0.5, 0.6, 0.8]])
    found = LabelsSavedMetric.compute(labels, curve, curve + 0.2)
    assert (found.needed, found.censored, found.high) == (math.inf, 1.0, math.inf)
    partly = LabelsSavedMetric.compute(labels, curve, curve[:, [0, 1, 1]] + np.array([[0.05], [0.15]]))
    assert partly.needed < math.inf
    again = LabelsSavedMetric.compute(labels, curve, curve[:, [0, 1, 1]] + np.array([[0.05], [0.15]]))
    assert partly == again  # the resamples' stream has a name
    assert LabelsSavedMetric.compute(labels, curve, curve).saved <= 0


# --- reading in order -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "wss", "recall"),
    [
        ((0.9, 0.8, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1), 0.95 - 0.19, 0.5),  # both positives first
        ((0.1, 0.1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2), 0.95 - 0.99, 0.0),  # both last, in random order
        ((0.5,) * 10, 0.0, 0.1),  # no order at all: what a random one saves
    ],
)
def test_screening_metrics_are_of_the_order_of_reading(p, wss, recall):
    labels = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    found = round_values(labels, np.array(p), 0.2, ["wss_95", "recall_at_effort_10"])
    assert found["wss_95"] == pytest.approx(wss)
    assert found["recall_at_effort_10"] == pytest.approx(recall)


def test_screening_metrics_are_of_a_pool_as_imbalanced_as_the_task_is():
    """A tenth as many positives among the unread rows: both are found in a tenth of the reading."""
    labels, p = np.array([1, 1, *[0] * 8]), np.array([0.9, 0.8, *[0.1] * 8])
    assert round_values(labels, p, 0.02, ["wss_95"])["wss_95"] == pytest.approx(0.95 * (1 - 0.02))


# --- names ------------------------------------------------------------------------------------------------------------


def test_names_and_aliases_are_unique_and_the_papers_three_are_there():
    metrics = every()
    words = [word for one in metrics.values() for word in (one.name, *one.aliases)]
    assert len(words) == len(set(words))
    assert set(METRICS) <= set(metrics)
    assert named("ba").name == "balanced_accuracy"
    with pytest.raises(UnknownNameError, match=r"unknown metric 'aux'. Did you mean 'auc'"):
        named("aux")
    assert {one.name for one in run_metrics()} > {"positives_ratio", "recall_of_positives"}


def test_a_metric_that_fails_or_leaves_its_range_is_named(monkeypatch):
    for compute, said in (
        (lambda self, scores: 1 / 0, "raises ZeroDivisionError"),
        (lambda self, scores: math.nan, "gives nan"),
    ):
        monkeypatch.setattr(type(named("f1")), "compute", compute)
        with pytest.raises(RunError, match=f"metric 'f1_at_half' {said}"):
            round_values(np.array([0, 1]), np.array([0.1, 0.2]), 0.1, ["f1_at_half"])


def test_facts_are_those_of_the_class():
    assert all(isinstance(one, RoundMetric) for one in round_metrics())
    assert [one.name for one in round_metrics() if not one.higher_is_better] == ["brier", "ece"]
    assert [one.name for one in round_metrics() if one.at_prevalence] == [
        "average_precision_at_prevalence",
        "best_f1_at_prevalence",
        "recall_at_effort_10",
        "wss_95",
    ]
