"""What a finished grid must look like, held against the data it was run on."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from grid_tools import assert_same_results, override
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from bench.grid.cost.count import run_cost, shared_cost
from bench.grid.cost.grid_cost import grid_cost
from bench.store import Store
from bench.tasks import build_task


@pytest.fixture(scope="module")
def records(finished):
    return list(Store(finished).records())


def test_every_strategy_of_the_paper_has_run(records):
    pairs = {(r.spec.strategy.algorithm.name, r.spec.strategy.weighting.name) for r in records}
    assert pairs == {(a, w) for a in ("random", "badge", "alps", "dal") for w in ("uniform", "posprob", "invprop")}


def test_selections_are_distinct_rows_of_the_pool_outside_the_start_set(records, toy_corpus):
    for record in records:
        spec = record.spec
        task = build_task(toy_corpus, spec.block.task, spec.block.ratio, "warm", spec.settings.pool, spec.settings.loop)
        picked = [row for entry in record.rounds for row in entry.selected]
        assert len(picked) == len(set(picked)) == spec.settings.loop.rounds * spec.settings.loop.batch
        assert set(picked) <= set(task.rows.tolist()) - set(record.start_rows)


def test_positives_are_counted_as_the_data_has_them(records, toy_corpus):
    positive = toy_corpus.train.labels == toy_corpus.label_number("law")
    for record in records:
        assert positive[list(record.start_rows)].tolist() == [True] * 5 + [False] * 5
        labelled, found = list(record.start_rows), 0
        for entry in record.rounds:
            labelled += entry.selected
            found += entry.selected_positives
            assert entry.selected_positives == positive[list(entry.selected)].sum()
            assert (entry.labelled, entry.labelled_positives) == (len(labelled), positive[labelled].sum())
        assert record.metrics["positives_ratio"] == found / 12


def test_metrics_can_be_computed_again_from_the_stored_probabilities(records, finished, toy_corpus):
    truth = toy_corpus.test.labels == toy_corpus.label_number("law")
    for record in records:
        stored = Store(finished).test_probabilities(record)
        assert stored.shape == (3, len(truth))
        for entry, p in zip(record.rounds, stored, strict=True):
            assert entry.metrics["auc"] == pytest.approx(roc_auc_score(truth, p), abs=1e-6)
            assert entry.metrics["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, p >= 0.5))


def test_a_block_shares_its_start(records):
    assert len({r.pair_key for r in records}) == 1
    assert len({r.start_rows for r in records}) == 1
    assert len({(r.rounds[0].metrics["auc"], r.rounds[0].metrics["balanced_accuracy"]) for r in records}) == 1


def test_weights_belong_to_the_weighting(records):
    for record in records:
        for entry in record.rounds[1:]:
            name = record.spec.strategy.weighting.name
            if name == "uniform":
                assert set(entry.selected_w) == {1.0}
            if name == "posprob":
                ratio = np.array(entry.selected_w) / np.array(entry.selected_p)
                assert ratio == pytest.approx(np.full(6, ratio[0]))


def test_no_pass_over_the_pool_where_none_is_needed(records):
    for record in records:
        free = (
            record.spec.strategy.algorithm.name in {"random", "alps"}
            and record.spec.strategy.weighting.name == "uniform"
        )
        for entry in record.rounds[1:]:
            assert (entry.selected_p is None) == free
            assert ("score_pool" in entry.rows) == (not free and entry.round > 1)


def test_plan_predicts_fits_and_scored_rows_exactly(tiny_grid, records):
    def scored(entries):
        return sum(entry.rows.get(stage, 0) for entry in entries for stage in ("score_pool", "score_test"))

    (job,), size = tiny_grid.jobs, tiny_grid.sizes["toy"]
    by_key = {record.key: record for record in records}
    for run in job.runs:
        entries = by_key[run.key(job.fingerprint)].rounds
        cost = run_cost(run, job, size)
        assert cost.score_rows == scored(entries[1:])
        assert cost.fits == len(entries) - 1
        assert cost.fit_rows >= sum(entry.rows["fit"] for entry in entries[1:])
    shared = shared_cost(job, size)
    assert shared.score_rows == scored(records[0].rounds[:1])
    assert (shared.fits, shared.fit_rows) == (1, records[0].rounds[0].rows["fit"])
    assert grid_cost(tiny_grid).fits == 1 + 12 * 2


def test_provenance_says_how_it_was_made(records, tiny_bert):
    for record in records:
        made = record.provenance
        assert made.model_source == str(tiny_bert)
        assert made.versions["torch"]
        assert made.lm_head == ("checkpoint" if record.spec.strategy.algorithm.name == "alps" else "unused")
        assert made.precision in {"bf16", "fp32"}


def test_cold_start_labels_nothing_first_and_weighs_nothing_in_round_one(light_spec, run_grid, tmp_path):
    spec = override(light_spec, starts=["cold"], algorithms=["random", "margin"])
    assert not run_grid(spec, tmp_path / "s").failures
    records = list(Store(tmp_path / "s").records())
    assert len(records) == 6
    for record in records:
        assert record.start_rows == ()
        assert (record.rounds[0].labelled, record.rounds[1].labelled) == (0, 6)
        assert set(record.rounds[1].selected_w) == {1.0}
    for algorithm in ("random", "margin"):
        same = [r.rounds[1].selected for r in records if r.spec.strategy.algorithm.name == algorithm]
        assert same[0] == same[1] == same[2]  # round 1 is the same whatever the weighting


def test_a_pool_smaller_than_the_budget_is_labelled_whole(light_spec, run_grid, tmp_path):
    loop = {"rounds": 3, "batch": 60}
    spec = override(light_spec, algorithms=["margin"], weightings=["invprop"], loop=loop)
    assert not run_grid(spec, tmp_path / "s").failures
    (record,) = Store(tmp_path / "s").records()
    assert [len(entry.selected) for entry in record.rounds] == [0, 60, 50, 0]
    assert record.rounds[-1].labelled_positives == 12
    assert record.metrics["positives_ratio"] == 7 / 110


def test_a_checkpoint_without_a_lm_head_gets_one_trained_and_says_so(
    tiny_spec, tiny_bert_without_head, run_grid, tmp_path
):
    model = {"name": str(tiny_bert_without_head), "max_length": 32, "lm_head_steps": 5}
    loop = {"rounds": 1, "batch": 6}
    spec = override(tiny_spec, algorithms=["alps"], weightings=["uniform"], model=model, loop=loop)
    assert not run_grid(spec, tmp_path / "s").failures
    (record,) = Store(tmp_path / "s").records()
    assert record.provenance.lm_head == "trained"


def test_results_do_not_depend_on_what_ran_before(tiny_spec, run_grid, finished, tmp_path):
    """A run taken out of a finished store comes back the same, though it is now alone in its block."""
    store = tmp_path / "store"
    shutil.copytree(finished, store)
    removed = sorted(Store(store).keys())[::4]
    for key in removed:
        Store(store).file_of(key).unlink()
    summary = run_grid(tiny_spec, store)
    assert (summary.stored_before, summary.done) == (12 - len(removed), len(removed))
    assert_same_results(finished, store)


def test_bins_of_invprop_are_runs_of_their_own(light_spec, run_grid, tmp_path):
    options = {"invprop": {"bins": [2, 20]}}
    spec = override(light_spec, algorithms=["random"], weightings=["invprop"], options=options)
    run_grid(spec, tmp_path / "s")
    bins = {r.spec.strategy.weighting.options["bins"] for r in Store(tmp_path / "s").records()}
    assert bins == {2, 20}
