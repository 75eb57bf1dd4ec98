"""``ib.compare``: the numbers are those of a t-test by hand, and what cannot be compared is said."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from door_tools import TINY
from scipy import stats

import imbal_bench as ib
from bench.errors import PairingError, SpecError, UnknownNameError
from bench.store import Store

A, B = "margin+invprop", "random+uniform"


@pytest.fixture(scope="module")
def made(toy_mirror, tmp_path_factory):
    """Runs of two tasks and four seeds; only read."""
    folder = tmp_path_factory.mktemp("made")
    tasks, where = ["toy/law", "toy/food"], {"data_dir": toy_mirror, "cache_dir": folder / "cache"}
    return ib.run(**{**TINY, "tasks": tasks}, strategies=[A, B], seeds=4, store=folder / "s", **where)


@pytest.fixture
def runs(made, tmp_path):
    """The same, in a store of this test's own."""
    shutil.copytree(made.store, tmp_path / "s")
    return ib.Runs(tmp_path / "s", made.grid)


def differences(runs, metric):
    """Return a - b, tasks x seeds."""
    frame = runs.frame().query("metric == @metric")
    wide = frame.pivot_table("value", ["positive", "seed"], "strategy")
    return (wide[A] - wide[B]).unstack("seed").to_numpy()


def test_the_test_is_a_t_test_of_the_seeds_means_over_the_tasks(runs):
    for metric in ("auc", "positives_ratio", "brier"):
        found = ib.compare(runs, A, B, metric=metric)
        units = differences(runs, metric).mean(axis=0)
        test = stats.ttest_1samp(units, 0.0)
        low, high = test.confidence_interval(0.95)
        np.testing.assert_allclose(
            [found.estimate, found.low, found.high, found.p], [units.mean(), low, high, test.pvalue], rtol=1e-9
        )
        assert (found.n, found.unit, found.pairs, found.missing, found.tasks) == (4, "seed", 8, 0, 2)


def test_of_new_tasks_the_units_are_tasks_and_sides_are_turned_with_the_arms(runs):
    found = ib.compare(runs, A, B, metric="auc", estimand="new-tasks")
    units = differences(runs, "auc").mean(axis=1)
    assert found.p == pytest.approx(stats.ttest_1samp(units, 0.0).pvalue)
    turned = ib.compare(runs, B, A, metric="auc", estimand="new-tasks")
    assert (turned.estimate, turned.low, turned.p) == pytest.approx((-found.estimate, -found.high, found.p))


def test_it_prints_as_one_plain_sentence_for_each_metric(runs):
    found = ib.compare(runs, A, B)
    assert list(found) == ["balanced_accuracy", "auc", "positives_ratio"]
    assert str(found).splitlines() == [str(one) for one in found.values()]
    for one in found.values():
        text = str(one)
        assert repr(one) == text
        assert text.endswith("two-sided t-test over 4 seeds; no run is missing.")
        assert "on these 2 tasks (1/10, warm start, tfidf)" in text
        assert text.startswith("No significant difference in" if one.p >= 0.05 else f"{A} has a ")
    assert len(found.frame()) == 3
    assert "<table" in found._repr_html_()


def test_what_is_missing_is_counted_and_its_seed_left_out(runs):
    key = next(key for key, run in runs.specs.items() if run.block.seed == 3 and str(run.strategy) == A)
    Store(runs.store).file_of(key).unlink()
    found = ib.compare(runs, A, B, metric="auc")
    assert (found.n, found.pairs, found.missing) == (3, 8, 1)
    assert "1 of 8 pairs missing; left out: seed 3" in str(found)
    assert found.p == pytest.approx(stats.ttest_1samp(differences(runs, "auc")[:, :3].mean(axis=0), 0.0).pvalue)


@pytest.mark.parametrize("pair_key", ["of another start set", ""])
def test_runs_made_under_different_conditions_are_no_pair(runs, pair_key):
    key = next(key for key, run in runs.specs.items() if run.strategy.as_typed == A)
    path = Store(runs.store).file_of(key)
    record = {name: value for name, value in json.loads(path.read_text()).items() if name != "sha256"}
    path.write_text(json.dumps({**record, "pair_key": pair_key}))
    with pytest.raises(PairingError, match=f"1 of 8 matched runs do not share a pair key.*{key}"):
        ib.compare(runs, A, B, metric="auc")


def test_one_seed_is_no_test_and_that_is_said(tiny):
    found = ib.compare(tiny(strategies=[A, B], seeds=1), A, B, metric="auc")
    assert np.isnan([found.p, found.low]).all()
    assert "one seed, no test" in str(found)


def test_variants_ratios_and_learners_are_never_pooled(tiny):
    runs = tiny(strategies=[A, B, f"{A}:bins=5"], ratios=[10, 20], seeds=2, pool_limit=400)
    with pytest.raises(SpecError, match="of several ratios, which are never pooled; say which: ratio=10 or ratio=20"):
        ib.compare(runs, A, B)
    assert ib.compare(runs, f"{A}:bins=5", B, metric="auc", ratio=20).a == f"{A}:bins=5"
    assert ib.compare(runs, A, f"{A}:bins=5", metric="auc", ratio=20).a == A
    several = tiny(strategies=[B, f"{A}:bins=5", f"{A}:bins=2"], seeds=1, learner=["tfidf", "tfidf:C=1"])
    with pytest.raises(SpecError, match="2 variants of margin\\+invprop"):
        ib.compare(several, A, B)
    with pytest.raises(SpecError, match="several learners"):
        ib.compare(several, f"{A}:bins=5", B)
    assert "tfidf:C=1" in str(ib.compare(several, f"{A}:bins=5", B, metric="auc", learner="tfidf:C=1"))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "says"),
    [
        (("marginn+invprop", B), {}, UnknownNameError, "Did you mean 'margin\\+invprop'"),
        ((A, "badge+uniform"), {}, UnknownNameError, "Known: margin\\+invprop, random\\+uniform"),
        ((A, B), {"metric": "aucc"}, UnknownNameError, "Did you mean 'auc'"),
        ((A, B), {"ratio": 50}, SpecError, "no runs of ratio 50; there are: 10"),
        ((A, B), {"metric": "auc", "estimand": "fixed"}, SpecError, "unknown estimand 'fixed'"),
    ],
)
def test_wrong_questions_are_one_line(runs, arguments, options, error, says):
    with pytest.raises(error, match=says) as caught:
        ib.compare(runs, *arguments, **options)
    assert "\n" not in str(caught.value)
