"""Grids with several learners, and a judge: what they share, what they may not, and what they load."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import cli_environment
from grid_tools import override

from analysis import read_results, sections
from bench.errors import InfeasibleTaskError, SpecError, UnknownNameError
from bench.grid.cost.grid_cost import grid_cost
from bench.grid.expansion.expand import expand
from bench.grid.stored.audit import audit
from bench.grid.stored.recompute import prevalence_of
from bench.grid.stored.rescore import rescore
from bench.metrics.catalogue import round_values
from bench.records import FINE_TUNE, Settings
from bench.store import Store, labels
from bench.store.codec import encode_record
from imbal_bench.workflows.regress import suite_of

SELECT = {"algorithms": ("random", "entropy", "badge"), "weightings": ("uniform", "invprop")}


@pytest.fixture(scope="module")
def several(tiny_spec):
    return override(tiny_spec, learners=("tfidf", "tfidf:svd=8", "probe"), **SELECT)


@pytest.fixture(scope="module")
def judged(tiny_spec):
    """TF-IDF selects, and a probe judges, in cold and warm starts."""
    few = {"algorithms": ("random",), "weightings": ("uniform",), "starts": ("warm", "cold")}
    return override(tiny_spec, learners=("tfidf",), judge="probe", **few)


@pytest.fixture(scope="module")
def store(several, judged, run_grid, tmp_path_factory) -> Store:
    """A store with both grids."""
    place = tmp_path_factory.mktemp("learners") / "store"
    for spec in (several, judged):
        assert run_grid(spec, place).failures == []
    return Store(place)


@pytest.fixture(scope="module")
def records(store):
    """Every record by learner, judge, start and strategy."""
    found = {}
    for record in map(store.read, store.keys()):
        block = record.spec.block
        found[block.learner.as_typed, bool(block.judge), block.start, str(record.spec.strategy)] = record
    return found


def test_every_learner_runs_every_strategy_that_it_has_outputs_for(several, world, records):
    grid = expand(several, world)
    assert grid.unsuited == ("badge needs embeddings, which learner tfidf does not offer",)
    ran = {(learner, strategy) for learner, is_judged, _, strategy in records if not is_judged}
    every = {(one, f"{a}+{w}") for one in several.learners for a in SELECT["algorithms"] for w in SELECT["weightings"]}
    assert every - ran == {("tfidf", "badge+uniform"), ("tfidf", "badge+invprop")}
    assert len(grid.strategies) == 6
    assert grid.runs == 16


def test_learners_share_start_sets_and_random_selections_but_no_pair_key(records, several):
    shared = [records[learner, False, "warm", "random+uniform"] for learner in several.learners]
    assert len({record.start_rows for record in shared}) == 1
    assert len({record.rounds[1].selected for record in shared}) == 1  # no model is looked at
    assert len({record.pair_key for record in shared}) == 3
    for learner in several.learners:
        assert len({record.pair_key for key, record in records.items() if key[:2] == (learner, False)}) == 1


def test_a_record_says_what_its_learner_read(records):
    tfidf, probe = (records[name, False, "warm", "random+uniform"] for name in ("tfidf", "probe"))
    assert (tfidf.spec.settings.model, tfidf.spec.settings.train) == (Settings().model, Settings().train)
    assert probe.spec.settings.model.content
    assert probe.spec.settings.train == Settings().train
    assert (tfidf.provenance.model_source, tfidf.informativeness) == ("none", None)
    assert probe.provenance.model_source != "none"
    assert probe.informativeness is not None


def test_metrics_of_a_judge_can_be_added_and_wrong_ones_are_found(store, world, tmp_path):
    """From its probabilities, which are stored; they are those of the learner itself, had it selected these rows."""
    copy = Store(Path(shutil.copytree(store.path, tmp_path / "copy")))
    (judged,) = [it for it in copy.records() if it.spec.block.judge and it.spec.block.start == "warm"]
    of_test = copy.test_probabilities(judged)
    assert len(of_test) == len(judged.rounds) + 2
    (own,) = [
        it for it in copy.records()
        if it.spec.block.learner.name == "probe" and str(it.spec.strategy) == "random+uniform"
    ]  # fmt: skip
    np.testing.assert_array_equal(of_test[-2], copy.test_probabilities(own)[0])
    wrong = judged.rounds[-1].model_copy(update={"metrics": judged.final.metrics | {"judge.auc": 0.123}})
    copy.put(judged.key, encode_record(judged.model_copy(update={"rounds": (*judged.rounds[:-1], wrong)}))[1], None)
    (line,) = audit(copy, world).wrong
    assert "judge.auc of round" in line
    done = rescore(copy, world, ["auc", "brier"])
    assert done.added == {"judge.brier": 2 * 2}  # a warm and a cold start, at M_0 and at the end
    (said,) = done.replaced
    assert "judge.auc was 0.123" in said
    assert audit(copy, world).wrong == []
    mended = copy.read(judged.key)
    assert [name for name in mended.rounds[1].metrics if name.startswith("judge.")] == []
    assert mended.final.metrics["judge.auc"] == judged.final.metrics["judge.auc"]
    p, share = of_test[-1].astype(np.float64), prevalence_of(mended)
    assert mended.final.metrics["judge.brier"] == round_values(labels.read(copy, mended), p, share, ["brier"])["brier"]


def test_a_judge_says_what_it_would_say_had_the_rows_been_selected_with_it(records):
    """At M_0 that is known: the start set is the same whatever the learner."""
    own = records["probe", False, "warm", "random+uniform"].rounds
    judged = records["tfidf", True, "warm", "random+uniform"].rounds
    assert [sorted(name for name in one.metrics if name.startswith("judge.")) for one in judged] == [
        ["judge.auc", "judge.balanced_accuracy"], [], ["judge.auc", "judge.balanced_accuracy"],
    ]  # fmt: skip
    for at in (0, -1):  # random+uniform selects the same rows with both
        assert judged[at].metrics["judge.auc"] == own[at].metrics["auc"]
        assert judged[at].metrics["auc"] != own[at].metrics["auc"]
    cold = records["tfidf", True, "cold", "random+uniform"].rounds
    assert 0 <= cold[0].metrics["judge.auc"] <= 1
    unjudged = records["tfidf", False, "warm", "random+uniform"]
    assert unjudged.rounds[-1].metrics["auc"] == judged[-1].metrics["auc"]
    assert unjudged.key != records["tfidf", True, "warm", "random+uniform"].key


def test_stored_runs_pass_the_audit_and_are_not_run_again(store, world, several, run_grid):
    assert audit(store, world).wrong == []
    assert run_grid(several, store.path).done == 0


def test_no_table_pools_learners(store):
    results = read_results(store)
    assert set(results.runs["learner"]) == {"tfidf", "tfidf:svd=8", "probe", "tfidf judged by probe"}
    found = sections(results)
    assert len(found) == 4
    assert len({section.suffix for section in found}) == 4
    assert all(any(name in section.title for name in ("tfidf", "probe")) for section in found)
    captions = [table.caption for section in found for table in section.tables if "Encoder" in table.caption]
    assert captions == []  # which would say that it was fine-tuned


def test_only_what_is_read_names_a_run(several, world):
    longer = override(several, train={"epochs": 7})
    other = override(several, model={**several.model.model_dump(), "max_length": 16, "content": ""})
    keys, trained, cut = (
        {job.block.learner.as_typed: job.keys for job in expand(it, world).jobs} for it in (several, longer, other)
    )
    assert keys == trained
    assert keys["tfidf"] == cut["tfidf"]
    assert not set(keys["probe"]) & set(cut["probe"])


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"learners": ("prob",)}, UnknownNameError, "unknown learner 'prob'"),
        ({"learners": ("tfidf", "tfidf:svd=0")}, SpecError, "names 'tfidf' twice"),
        ({"learners": ("probe", "tfidf"), "judge": "tfidf:svd=0"}, SpecError, "is also one of the learners"),
        ({"learners": ("tfidf",), "algorithms": ("badge",)}, InfeasibleTaskError, "badge needs embeddings, which"),
    ],
)
def test_what_cannot_be_run_is_refused_in_a_line(tiny_spec, world, fields, error, says):
    with pytest.raises(error, match=says):
        expand(override(tiny_spec, **fields), world).refuse_if_empty()


def test_a_verdict_is_on_one_learner_and_needs_what_it_offers(tiny_spec, world):
    with pytest.raises(SpecError, match="compared under one"):
        suite_of(expand(override(tiny_spec, learners=("probe", "tfidf")), world))
    grid = expand(override(tiny_spec, learners=("tfidf",), algorithms=("random",)), world)
    assert [part.name for part in suite_of(grid)["learners"]] == ["tfidf"]
    assert suite_of(expand(tiny_spec, world))["learners"] == (FINE_TUNE,)
    badge = expand(override(tiny_spec, algorithms=("badge",)), world).strategies
    with pytest.raises(SpecError, match="badge needs embeddings"):
        grid.running(badge, [0])


def test_a_plan_counts_no_fine_tuning_for_learners_without(tiny_spec, world):
    spec = override(tiny_spec, learners=("probe", "tfidf"), algorithms=("random",), weightings=("uniform",))
    cost = grid_cost(expand(spec, world))
    assert (cost.fits, cost.of("fit").calls) == (0, 0)
    assert {name: work.calls for name, work in cost.stages.items() if name.startswith("fit ")} == {
        "fit probe": 3, "fit tfidf": 3,
    }  # fmt: skip
    assert cost.of("embed").rows == 120 + 90  # the pool alone, and the test split
    judged = grid_cost(expand(override(spec, judge="fine-tune"), world))
    assert judged.fits == 2 * 2


PROGRAM = """
import io, json, sys
from pathlib import Path
from rich.console import Console
from bench.config import load_spec
from bench.grid.driver.execute import execute
from bench.grid.driver.execution import Execution
from bench.grid.driver.preflight import preflight
from bench.grid.expansion.expand import expand
from bench.grid.world import World

world = World(Path(sys.argv[1]), Path(sys.argv[2]))
spec = load_spec(sys.argv[3], [f"learners={sys.argv[4]}", "algorithms=entropy", "seeds=[7]"])
grid, run = expand(spec, world), Execution(Path(sys.argv[5]), world, threads=1)
preflight(grid.spec, run, grid.strategies)
summary = execute(grid, run, Console(file=io.StringIO()))
print(json.dumps([summary.done, summary.failures, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


OF_MODELS = {"transformers", "tokenizers", "pytorch_lightning", "datasets"}


@pytest.mark.parametrize(
    ("learner", "absent"),
    [("tfidf", {"torch", *OF_MODELS}), pytest.param("probe", OF_MODELS, marks=pytest.mark.slow)],
)
def test_what_a_run_loads(several, store, world, toy_mirror, tmp_path, learner, absent):
    """A tfidf run no torch; a probe run on embedded texts no library of models."""
    from grid_tools import write_spec

    spec = write_spec(several, tmp_path / "spec.yaml")
    command = [sys.executable, "-c", PROGRAM, toy_mirror, world.cache_dir, spec, learner, tmp_path / "store"]
    ended = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=True, env=cli_environment(toy_mirror, tmp_path)
    )
    done, failures, loaded = json.loads(ended.stdout)
    assert (done, failures) == (2, [])
    assert not absent & set(loaded)
