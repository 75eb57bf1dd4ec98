"""What differs between a baseline and a store."""

import pytest

from analysis import Store, changes, read_results
from analysis.index import ALL_STATUSES
from bench.store.baseline import save


@pytest.fixture
def baseline(factory, tmp_path):
    return save(factory.fill(tmp_path / "first", seeds=range(2)), tmp_path / "baselines", "first")


def test_a_baseline_gives_the_same_frames_as_its_store(baseline, tmp_path):
    frozen, live = read_results(baseline), read_results(Store(tmp_path / "first"))
    for name in ("runs", "rounds", "unfinished"):
        assert getattr(frozen, name).equals(getattr(live, name))
    assert (frozen.settings, frozen.unreadable) == (live.settings, ())
    assert [len(baseline.keys(status)) for status in ALL_STATUSES] == [16, 0, 0]


def test_the_store_it_was_saved_from_has_not_changed(baseline, tmp_path):
    found = changes(baseline, Store(tmp_path / "first"))
    assert (found.runs, found.identical, found.drifted) == (16, 16, 0)
    assert (found.changed, found.missing, found.environment) == ((), {}, {})


def test_changed_values_are_listed_by_size_with_what_they_were_made_with(factory, baseline, tmp_path):
    store = factory.fill(tmp_path / "second", seeds=range(2))
    made = factory.MADE.model_copy(update={"versions": {"torch": "9.9"}, "finished": "2030-01-01"})
    old = store.read(min(store.keys()))
    before = old.final.metrics
    after = {"auc": before["auc"] + 0.25, "balanced_accuracy": before["balanced_accuracy"] - 0.125}
    last = old.final.model_copy(update={"metrics": after})
    store.write(old.model_copy(update={"rounds": (*old.rounds[:-1], last), "provenance": made}))
    found = changes(baseline, store)
    assert (found.identical, found.drifted) == (15, 1)
    assert [(one.run, one.metric) for one in found.changed] == [
        (str(old.spec), "auc"),
        (str(old.spec), "balanced_accuracy"),
    ]
    assert [one.after - one.before for one in found.changed] == pytest.approx([0.25, -0.125])
    assert found.environment == {"torch": ((), ("9.9",))}


def test_picks_that_differ_are_no_identical_run_though_the_metrics_agree(factory, baseline, tmp_path):
    store = factory.fill(tmp_path / "second", seeds=range(2))
    old = store.read(min(store.keys()))
    last = old.final.model_copy(update={"selected": tuple(reversed(old.final.selected))})
    store.write(old.model_copy(update={"rounds": (*old.rounds[:-1], last)}))
    found = changes(baseline, store)
    assert (found.identical, found.drifted, found.changed) == (15, 1, ())


def test_what_is_missing_is_told_apart(factory, baseline, tmp_path):
    store = factory.fill(tmp_path / "second", seeds=[0], algorithms=["random"], weightings=["uniform"])
    store.write(factory.a_run("badge", seed=0, fingerprint="e" * 32))
    other = factory.SETTINGS.model_copy(update={"loop": factory.LoopSettings(rounds=3)})
    store.write(factory.a_run("badge", seed=1, settings=other))
    store.write(factory.a_run("badge", "invprop", options={"bins": 3}))
    assert changes(baseline, store).missing == {
        "not in the store": 11,
        "made on other data (eeeeeeee instead of ffffffff)": 1,
        "made with another version or other options of the strategy": 1,
        "made with other settings": 1,
    }
