"""Every algorithm and weighting on disk meets the laws, none escapes them, and every law can fail."""

import ast
import os
from dataclasses import fields
from pathlib import Path

import pytest

import bench.strategies
from bench.strategies.base import ALGORITHMS, WEIGHTINGS
from bench.strategies.random_sampling import RandomSampling
from bench.strategies.view import PoolOutputs, PoolView
from bench.testing import ALGORITHM_LAWS, WEIGHTING_LAWS, laws_for, toy_pool, verdicts
from bench.testing.answers import answer
from bench.testing.laws import (
    a_resumed_run_goes_on_alike,
    global_state_is_left_alone,
    inputs_are_left_alone,
    nothing_is_remembered,
)
from bench.testing.specimens import SPECIMENS
from bench.testing.specimens_of_processes import KeepsAside, Remembers
from bench.testing.specimens_of_surroundings import SeedsGlobally, SetsGlobally, WritesOutput, WritesWeights
from bench.testing.surroundings import global_state, global_state_of

QUICK: dict[str, dict[str, object]] = {"dal": {"epochs": 1, "sub_batches": 2}, "odal": {"then": "margin", "trees": 10}}
"""Options that make a slow algorithm quick; what it is held against stays the same."""
PARTS = [cls(**QUICK.get(name, {})) for registry in (ALGORITHMS, WEIGHTINGS) for name, cls in registry.items().items()]


class Dies(WritesWeights):
    """Ends the process it is in, whatever is raised or caught there."""

    def select(self, view, w, k):
        os._exit(3)


@pytest.mark.parametrize(
    ("part", "law"),
    [pytest.param(part, law, id=f"{part.name}-{law.__name__}") for part in PARTS for law in laws_for(part)],
)
def test_law(part, law):
    law(part)


@pytest.mark.slow  # that its law rejects it is tested with the classes for outside authors
@pytest.mark.parametrize(
    ("law", "specimen"),
    [pytest.param(law, part, id=f"{law.__name__}-{type(part).__name__}-{number}")
     for number, (law, part) in enumerate(SPECIMENS)],
)  # fmt: skip
def test_a_law_rejects_its_specimen_and_no_other_law_does(law, specimen):
    broken = [verdict for verdict in verdicts(specimen) if verdict.outcome == "broken"]
    assert [verdict.law for verdict in broken] == [law.__name__], broken
    assert broken[0].why.startswith("broken ")


OF_ROWS = ["probabilities", "embeddings", "ensemble", "dropout", "pretrained", "surprisal", "priority"]
OF_LABELLED = ["labels", "labelled_probabilities", "labelled_embeddings", "labelled_pretrained"]


@pytest.mark.parametrize(
    ("output", "inside"),
    [*((output, False) for output in (*OF_ROWS, *OF_LABELLED)),
     *((output, True) for output in (*OF_ROWS, *OF_LABELLED, "shown") if output != "embeddings")],
)  # fmt: skip
def test_a_write_into_any_array_is_seen_whichever_view_shows_it(output, inside):
    with pytest.raises(AssertionError, match=r"changed its input|can only be read"):
        inputs_are_left_alone(WritesOutput(output, inside))


@pytest.mark.parametrize(
    ("law", "specimen"),
    [(global_state_is_left_alone, SeedsGlobally()), (global_state_is_left_alone, SetsGlobally("numpy")),
     (nothing_is_remembered, Remembers()), (a_resumed_run_goes_on_alike, KeepsAside())],
)  # fmt: skip
def test_what_a_part_leaves_behind_does_not_hide_its_fault_the_next_time(law, specimen):
    for _ in range(2):
        with pytest.raises(AssertionError):
            law(specimen)


def test_a_part_that_no_other_process_can_make_is_told_so():
    class Local(WritesWeights):
        """Defined in a function."""

    with pytest.raises(AssertionError, match="fails in a new process: it cannot be carried"):
        nothing_is_remembered(Local())


def test_a_part_that_ends_its_process_is_told_so():
    with pytest.raises(AssertionError, match="fails in a new process: the process that was asked died"):
        nothing_is_remembered(Dies())
    nothing_is_remembered(RandomSampling())  # and the next question is answered


def test_all_global_state_is_put_back():
    before = global_state()
    for what in ("environment", "folder", "warnings", "numpy", "precision", "threads"):
        with global_state_of(seed=0):
            SetsGlobally(what).select(toy_pool().view(), toy_pool().weights, 3)
            assert global_state() != before
        assert global_state() == before


def test_what_a_part_writes_into_a_pool_does_not_reach_the_next_question():
    pool = toy_pool()
    assert answer(WritesWeights(), pool).tolist() == answer(WritesWeights(), pool).tolist()


def test_every_law_has_a_specimen():
    assert {law for law, _ in SPECIMENS} == {*ALGORITHM_LAWS, *WEIGHTING_LAWS}


def test_no_class_on_disk_escapes_the_laws():
    named = set()
    for file in Path(bench.strategies.__path__[0]).glob("*.py"):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and any(
                isinstance(line, ast.AnnAssign) and line.value and ast.unparse(line.target) == "name"
                for line in node.body
            ):
                named.add(node.name)
    assert named == {type(part).__name__ for part in PARTS}
    assert len(named) >= 7


def test_waivers_name_a_law_and_a_reason():
    for part in PARTS:
        laws = {law.__name__ for law in (*ALGORITHM_LAWS, *WEIGHTING_LAWS)}
        assert set(part.waived) <= laws
        assert all(part.waived.values())


def test_every_part_states_its_facts():
    for part in PARTS:
        assert part.title, part.name
        assert part.paper, part.name


def test_hidden_labels_cannot_be_expressed():
    """An oracle that sells labels one by one is all there is, and a view has it only if it was declared."""
    assert {field.name for field in fields(PoolView)} == {
        "size", "round", "labels", "priority", "generator", "needs", "outputs", "state", "oracle", "shown", "device"
    }  # fmt: skip
    assert {field.name for field in fields(PoolOutputs)} == {
        "probabilities", "labelled_probabilities", "embeddings", "labelled_embeddings", "ensemble", "dropout",
        "pretrained", "labelled_pretrained", "surprisal", "features", "labelled_features", "texts", "labelled_texts",
    }  # fmt: skip
    assert toy_pool().view(frozenset({"probabilities"})).oracle is None
