"""Metrics are added to old stores as a new run would have stored them, and wrong ones are found and mended."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cli_tools import in_process
from kill_tools import folders_after_kills

import bench.grid.stored.rescore
from bench.errors import UnknownNameError
from bench.grid.stored.audit import audit
from bench.grid.stored.rescore import rescore
from bench.grid.world import World
from bench.metrics.catalogue import round_metrics, run_metrics
from bench.records import METRICS
from bench.store import Store, labels
from bench.store.codec import encode_record
from bench.store.compact import compact
from bench.store.merge import merge
from bench.tasks import build_task

ALL = {*(one.name for one in round_metrics()), *(one.name for one in run_metrics())}


def contents(store: Store) -> dict[str, tuple[bytes, bytes]]:
    store = Store(store.path)
    return {key: (store.content(key), store.probabilities_content(key)) for key in sorted(store.keys())}


def without_new_metrics(finished: Path, folder: Path, runs: int | None = None) -> Store:
    """Return a copy of a store as it was made before there were more metrics than the paper's, and test labels."""
    store = Store(Path(shutil.copytree(finished, folder)))
    shutil.rmtree(store.path / labels.FOLDER)
    for number, record in enumerate(list(store.records())):
        if runs is not None and number >= runs:
            store.own_file(record.key).unlink()
            store.own_file(record.key).with_suffix(".npy").unlink()
            continue
        rounds = [one.model_copy(update={"metrics": kept(one.metrics)}) for one in record.rounds]
        old = record.model_copy(update={"rounds": tuple(rounds), "metrics": kept(record.metrics)})
        store.put(record.key, encode_record(old)[1], None)
    return store


def kept(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name in METRICS}


@pytest.fixture
def nowhere(tmp_path, monkeypatch) -> World:
    """A world without data."""
    (tmp_path / "empty").mkdir()
    return World(tmp_path / "empty", tmp_path / "cache")


def test_a_run_stores_all_metrics_and_a_task_its_test_labels_once(finished, toy_corpus, tiny_spec):
    store = Store(finished)
    for record in store.records():
        assert {*record.metrics, *record.rounds[0].metrics, *record.final.metrics} == ALL
    assert len(labels.files(store)) == 1
    block = record.spec.block
    task = build_task(toy_corpus, block.task, block.ratio, "warm", tiny_spec.pool, tiny_spec.loop)
    assert labels.read(store, record).tolist() == task.test_labels.tolist()


@pytest.mark.parametrize("packed", [False, True])
def test_an_old_store_becomes_what_it_would_be_today_byte_for_byte(finished, world, tmp_path, packed):
    """All but the paper's metrics are computed from probabilities as they are stored, so nothing is lost."""
    old = without_new_metrics(finished, tmp_path / "old")
    if packed:
        compact(old)
    before = contents(old)
    done = rescore(Store(old.path), world)
    assert (done.runs, done.changed, done.replaced, dict(done.left_out)) == (12, 12, [], {})
    assert set(done.added) == ALL - set(METRICS)
    after = contents(old)
    assert after == contents(Store(finished))
    assert before != after
    assert audit(Store(old.path), world).wrong == []
    again = rescore(Store(old.path), world)
    assert (again.changed, dict(again.added)) == (0, {})
    assert len(list((old.path / "packed").glob("*"))) == packed


def test_a_rescored_store_is_checked_and_rescored_without_its_data(finished, world, nowhere, tmp_path):
    old = without_new_metrics(finished, tmp_path / "old", runs=2)
    rescore(old, world, ["brier"])
    done = rescore(Store(old.path), nowhere)
    assert (done.changed, dict(done.left_out)) == (2, {})
    found = audit(Store(old.path), nowhere)
    assert found.wrong == []
    assert not any("metrics of" in line for line in found.unchecked)


def test_without_labels_one_line_says_so_and_metrics_of_runs_are_added(finished, nowhere, tmp_path):
    old = without_new_metrics(finished, tmp_path / "old", runs=3)
    done = rescore(old, nowhere)
    assert set(done.added) == {
        "recall_of_positives",
        "learning_curve_area_auc",
        "learning_curve_area_balanced_accuracy",
    }
    ((line, runs),) = done.left_out.items()
    assert line.startswith("no test labels of toy: ")
    assert line.endswith("; give --data-dir")
    assert runs == 3


def test_some_metrics_may_be_chosen_by_name_or_alias(finished, world, tmp_path):
    old = without_new_metrics(finished, tmp_path / "old", runs=1)
    done = rescore(old, world, ["ap", "recall_of_positives"])
    assert set(done.added) == {"average_precision_at_prevalence", "recall_of_positives"}
    for name in ("labels_saved", "accuracy"):
        with pytest.raises(UnknownNameError, match=f"'{name}'"):
            rescore(old, world, [name])


def tampered(store: Store, metric: str) -> str:
    """Change a stored metric of the first run, as someone might who knows how records carry hashes."""
    record = next(store.records())
    changes = {metric: 0.123}
    if metric in record.metrics:
        record = record.model_copy(update={"metrics": record.metrics | changes})
    else:
        last = record.final.model_copy(update={"metrics": record.final.metrics | changes})
        record = record.model_copy(update={"rounds": (*record.rounds[:-1], last)})
    store.put(record.key, encode_record(record)[1], None)
    return record.key


@pytest.mark.parametrize("metric", ["auc", "balanced_accuracy", "brier", "positives_ratio", "learning_curve_area_ece"])
def test_doctor_finds_a_stored_metric_that_is_wrong_and_rescore_mends_it(finished, world, tmp_path, metric):
    store = Store(Path(shutil.copytree(finished, tmp_path / "store")))
    for other in sorted(store.keys())[2:]:
        store.set_aside(other)
    key = tampered(store, metric)
    (line, *_) = audit(Store(store.path), world).wrong
    assert line.startswith(f"{key} ")
    assert f"{metric} " in line
    assert "is stored as 0.123, but its" in line
    done = rescore(Store(store.path), world)
    assert done.changed == 1
    assert any(f"{metric} was 0.123, is " in said for said in done.replaced)
    assert audit(Store(store.path), world).wrong == []
    if metric not in METRICS:
        assert contents(store)[key] == contents(Store(finished))[key]


def test_test_labels_that_are_damaged_or_of_other_rows_are_named(finished, world, tmp_path):
    store = Store(Path(shutil.copytree(finished, tmp_path / "store")))
    (path,) = labels.files(store)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert all("does not match the hash in its name" in line for line in audit(store, world).wrong)
    assert "does not match the hash" in next(iter(rescore(store, world).left_out))
    path.unlink()
    record = next(store.records())
    labels.keep(store, record, 1 - labels_of_data(record, world))
    assert "not as many rows and positives" in audit(store, world).wrong[0]


def labels_of_data(record, world):
    run = record.spec
    corpus = world.corpus(run.block.task.dataset)
    return build_task(corpus, run.block.task, run.block.ratio, "cold", run.settings.pool, run.settings.loop).test_labels


def test_merging_brings_test_labels_along(finished, tmp_path):
    into = Store(tmp_path / "into", create=True)
    merge(into, [Store(finished)])
    (own,), (theirs,) = labels.files(into), labels.files(Store(finished))
    assert own.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("packed", [False, True])
def test_a_rescoring_killed_at_any_line_goes_on_where_it_stopped(finished, world, tmp_path, monkeypatch, packed):
    monkeypatch.setattr("os.fsync", lambda _: None)
    old = without_new_metrics(finished, tmp_path / "old", runs=2)
    if packed:
        compact(old)
    whole = Store(Path(shutil.copytree(old.path, tmp_path / "whole")))
    rescore(whole, world, ["brier"])
    wanted, folder = contents(whole), str(Path(bench.__file__).parent / "store")
    for there, _ in folders_after_kills(old.path, lambda: rescore(Store(old.path), world, ["brier"]), folder):
        rescore(Store(there), world, ["brier"])
        assert contents(Store(there)) == wanted
        assert len(list((there / "packed").glob("*.parquet"))) == packed


def test_the_command_says_what_it_did(finished, toy_mirror, tmp_path, monkeypatch, capsys):
    run = in_process(monkeypatch, capsys)
    old = without_new_metrics(finished, tmp_path / "old", runs=2)
    where = ("--data-dir", toy_mirror, "--cache-dir", tmp_path / "c")
    code, out, _ = run("rescore", old.path, "--metrics", "brier, ece", *where)
    assert (code, out.strip()) == (0, "2 runs, 2 changed; values added: brier (6), ece (6); replaced: 0")
    tampered(old, "brier")
    code, out, _ = run("rescore", old.path, "--metrics", "brier", *where)
    assert "brier was 0.123, is " in out
    assert code == 0
    for given, said in (("briar", "unknown metric 'briar'. Did you mean 'brier'"), ("brier,,", "must name metrics")):
        code, _, err = run("rescore", old.path, "--metrics", given, *where)
        assert code == 2
        assert said in err
    code, _, err = run("rescore", tmp_path / "gone")
    assert "no result store at" in err


def test_one_file_adds_a_metric_to_lists_checks_and_stores(finished, toy_mirror, tmp_path, monkeypatch, capsys):
    """The price of a metric is one file: here a plug-in, in a checkout a module of bench/metrics."""
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\n"
        "from bench.metrics.base import RoundMetric\n\n\n"
        "class Accuracy(RoundMetric):\n"
        "    name, label, source = 'accuracy', 'Accuracy', 'made up'\n"
        "    summary, formula = 'share of test rows that are predicted right', '(TP + TN) / m'\n\n"
        "    def compute(self, scores):\n"
        "        return float(np.mean(scores.predicted() == scores.labels))\n\n"
        "    def chance(self, prevalence):\n"
        "        return max(prevalence, 1 - prevalence)\n"
    )
    from bench.metrics.base import REGISTRY

    run = in_process(monkeypatch, capsys)
    old = without_new_metrics(finished, tmp_path / "old", runs=1)
    try:
        code, out, err = run("check", "accuracy", "learning_curve_area_accuracy", "--plugin", file)
        assert (code, err) == (0, "")
        assert "2 checked, all laws hold" in out
        _, out, _ = run("list", "metrics", "--plugin", file)
        assert "accuracy" in out
        where = ("--data-dir", toy_mirror, "--cache-dir", tmp_path / "c", "--plugin", file)
        code, out, _ = run("rescore", old.path, "--metrics", "alc_accuracy,accuracy", *where)
        assert "accuracy (3), learning_curve_area_accuracy (1)" in out
        assert "accuracy" in next(Store(old.path).records()).final.metrics
    finally:
        REGISTRY.forget_plugins()
    fields = json.loads(next(old.path.glob("runs/*/*.json")).read_bytes())
    assert 0.5 <= fields["rounds"][-1]["metrics"]["accuracy"] <= 1


def test_a_rescored_result_is_the_same_result(finished, world, tmp_path):
    """Machines of which one has been rescored have no conflict."""
    old = without_new_metrics(finished, tmp_path / "old", runs=2)
    found = merge(Store(Path(shutil.copytree(finished, tmp_path / "into"))), [old])
    assert (found.conflicts, dict(found.agreements)) == ([], {"bit for bit": 2})
