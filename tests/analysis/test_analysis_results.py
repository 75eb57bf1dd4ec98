import itertools
import subprocess
import sys

import numpy as np
import pandas as pd

from analysis import overview, read_results
from analysis.condition import conditions
from analysis.names import with_labels
from bench.records import Component, ModelSettings, RunSpec, Settings
from bench.store import Store


def test_one_row_a_run_and_one_a_round(tmp_path, factory):
    store = factory.fill(tmp_path / "s", seeds=range(2))
    results = read_results(store)
    assert len(results.runs) == results.runs["key"].nunique() == 2 * 2 * 2 * 2
    assert len(results.rounds) == 3 * len(results.runs)
    for row in results.runs.itertuples():
        record = store.read(row.key)
        assert row.auc == record.final.metrics["auc"]
        assert row.balanced_accuracy == record.final.metrics["balanced_accuracy"]
        assert row.positives_ratio == record.metrics["positives_ratio"]
        assert (row.dataset, row.seed) == (record.spec.block.task.dataset, record.spec.block.seed)
        mine = results.rounds[results.rounds["key"] == row.key]
        assert mine["selected"].tolist() == [0, 50, 100]
        assert (mine["selected_positives"] == mine["labelled_positives"] - 5).all()
        assert mine["seconds_fit"].sum() == 6.0


def test_a_failure_counts_until_the_run_is_finished(tmp_path, factory):
    store = Store(tmp_path / "s", create=True)
    failed = factory.a_run(status="failed", reason="out of memory")
    store.write(failed)
    assert read_results(store).unfinished[["status", "reason"]].to_numpy().tolist() == [["failed", "out of memory"]]
    store.write(factory.a_run())
    store.write(failed)  # another worker's late failure of the same run
    results = read_results(store)
    assert (len(results.runs), len(results.unfinished)) == (1, 0)


def test_a_corrupt_record_is_a_line_and_not_a_crash(tmp_path, factory):
    store = factory.fill(tmp_path / "s", seeds=range(1))
    broken = sorted(store.keys())[:2]
    store.file_of(broken[0]).write_text('{"truncated')
    hollow = store.read(broken[1]).model_copy(update={"rounds": ()})
    store.write(hollow)
    results = read_results(store)
    assert set(results.runs["key"]) == store.keys() - set(broken)
    assert len(results.unreadable) == 2
    assert all(any(key in line for line in results.unreadable) for key in broken)


def test_an_empty_store_has_empty_frames_with_their_columns(tmp_path):
    results = read_results(Store(tmp_path / "s", create=True))
    assert {"key", "auc", "seconds"} <= set(results.runs.columns)
    seen = overview(results)
    assert (seen.finished, seen.failed, seen.skipped, seen.tasks, seen.problems) == (0, 0, 0, (), ())


def test_overview_groups_problems_by_reason(tmp_path, factory):
    store = factory.fill(tmp_path / "s", seeds=range(2))
    for seed in range(3):
        store.write(factory.a_run(ratio=200, seed=seed, status="skipped", reason="3 positives"))
    store.write(factory.a_run(seed=7, status="failed", reason="NaN loss"))
    seen = overview(read_results(store))
    assert [(p.status, p.reason, p.count) for p in seen.problems] == [
        ("skipped", "3 positives", 3),
        ("failed", "NaN loss", 1),
    ]
    assert (seen.finished, seen.failed, seen.skipped, seen.seeds) == (16, 1, 3, (0, 1))
    assert seen.made_with["git_commit"] == ("abc1234 with local changes",)


def test_a_missing_positives_ratio_is_nan_and_provenance_may_be_absent(tmp_path, factory):
    store = Store(tmp_path / "s", create=True)
    store.write(factory.a_run(made=None).model_copy(update={"metrics": {}}))
    runs = read_results(store).runs
    assert np.isnan(runs["positives_ratio"].iloc[0])
    assert runs["device"].tolist() == ["not recorded"]
    assert isinstance(runs, pd.DataFrame)


def test_neither_analysis_nor_reports_imports_torch():
    heavy = "{'torch', 'pytorch_lightning', 'transformers'}"
    code = f"import analysis, reports, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_runs_of_a_block_whose_first_model_differs_have_pair_keys_of_their_own(tmp_path, factory):
    store = factory.fill(tmp_path / "store", tasks=(("sst2", "positive"),), seeds=range(3), control=(0.2, 0.8))
    odd = factory.MADE.model_copy(update={"device": "another"})
    record = next(one for one in store.records() if one.spec.block.seed == 1)
    store.write(record.model_copy(update={"control": (0.2, 0.9), "provenance": odd}))
    results = read_results(store)
    assert set(results.unlike) == {record.key}
    assert "device cpu and another" in results.unlike[record.key]
    by_block = results.runs.groupby("seed")["pair_key"].nunique()
    assert by_block.to_dict() == {0: 1, 1: 2, 2: 1}
    (condition,) = conditions(results)
    assert any(note.startswith("1 run not compared with others of the same blocks: M_0") for note in condition.notes)


def test_runs_of_before_and_after_an_option_was_added_are_of_one_strategy(tmp_path, factory):
    store = factory.fill(tmp_path / "store", tasks=(("sst2", "positive"),), seeds=range(2), weightings=("invprop",))
    for record in list(store.records()):
        options = {"bins": 10} | ({"smooth": False} if record.spec.block.seed else {})
        part = Component(name="invprop", options=options, at_default=tuple(options))
        strategy = record.spec.strategy.model_copy(update={"weighting": part})
        spec = record.spec.model_copy(update={"strategy": strategy})
        store.set_aside(record.key)
        store.write(record.model_copy(update={"spec": spec, "key": spec.key(record.fingerprint)}))
    runs = with_labels(read_results(store).runs)
    assert runs.groupby("algorithm")["strategy"].nunique().to_dict() == {"badge": 1, "random": 1}
    assert set(runs["weighting_label"]) == {"InvProp"}
    assert set(runs["weighting_options"]) == {'{"bins":10,"smooth":false}'}


def test_a_setting_that_only_some_strategies_read_makes_variants_of_these_alone(tmp_path, factory):
    store = Store(tmp_path / "store", create=True)
    for passes, seed in itertools.product((10, 20), range(2)):
        for name, needs in (("bald", ("dropout",)), ("random", ())):
            record = factory.a_run(name, seed=seed, settings=Settings(model=ModelSettings(dropout_passes=passes)))
            part = Component(name=name, needs=needs)
            spec = RunSpec(
                block=record.spec.block,
                strategy=record.spec.strategy.model_copy(update={"algorithm": part}),
                settings=Settings(model=ModelSettings(dropout_passes=passes)),
            )
            store.write(record.model_copy(update={"spec": spec, "key": spec.key(record.fingerprint)}))
    results = read_results(store)
    assert len(conditions(results)) == 1
    labels = with_labels(results.runs).groupby("algorithm_label").size().to_dict()
    assert labels == {"BALD (dropout_passes=10)": 2, "BALD (dropout_passes=20)": 2, "Random": 2}
