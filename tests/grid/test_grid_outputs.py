"""What the loop hands a strategy of a round's model and its committees: each row in its own place, and counted."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench.learners.base import Model, Scores
from bench.learners.fine_tune import FineTune
from bench.loop.needs import Passes, first_query_needs, needs_in, run_needs
from bench.loop.shared import SharedBlock
from bench.loop.state import Labelling, Stages
from bench.records import Block, LoopSettings, ModelSettings, RunSpec, Settings, Strategy, Task
from bench.strategies.base import ALGORITHMS, WEIGHTINGS
from bench.strategies.catalogue import component
from bench.strategies.view import OUTPUTS

ROWS = np.array([7, 11, 20, 31, 40, 55])  # of the dataset; the pool's positions are 0 to 5
STATE = Labelling(labelled=np.array([4, 1]), labels=np.array([1, 0]), unlabelled=np.array([0, 2, 3, 5]))
BLOCK = Block(task=Task(dataset="toy", positive="law"), ratio=10, seed=0, start="warm")
MODEL = ModelSettings(ensemble_members=3, dropout_passes=4)


class Numbers(Model):
    """Says of row i that p = i / 100 and h = (i, -i), a little more under dropout and by members fitted later."""

    def __init__(self):
        self.member, self.masks = 0, []

    epochs = 2

    def fit(self, rows, labels, streams):
        assert (rows.tolist(), labels.tolist()) == ([40, 11], [1, 0])
        self.member = streams.parts["member"]

    def dropout(self, rows, seed):
        assert self.member == 0, "dropout is asked of M_t, not of another member"
        self.masks.append(seed)
        return self.score("train", rows).probabilities

    def score(self, _which, rows, *, embeddings=False):
        h = torch.tensor(np.column_stack([rows, -rows]))
        return Scores(rows / 100 + self.member / 10 + len(self.masks) / 1000, h if embeddings else None)


def shared_block():
    task = SimpleNamespace(rows=ROWS, oracle=lambda: None)
    return SharedBlock(BLOCK, Settings(model=MODEL), task, FineTune(), Numbers(), frozenset())


@pytest.mark.parametrize("needs", [{"probabilities"}, {"embeddings"}])
def test_outputs_of_a_pass(needs):
    stages = Stages()
    outputs = shared_block().score_pool(STATE, frozenset(needs), 2, stages)
    assert outputs.probabilities.tolist() == [0.07, 0.20, 0.31, 0.55]
    assert outputs.labelled_probabilities.tolist() == [0.40, 0.11]
    assert outputs.ensemble is outputs.dropout is None
    assert stages.rows == {"score_pool": 6}
    if needs == {"embeddings"}:
        assert outputs.embeddings[:, 0].tolist() == [7, 20, 31, 55]
        assert outputs.labelled_embeddings[:, 1].tolist() == [-40, -11]
    else:
        assert outputs.embeddings is outputs.labelled_embeddings is None


def test_committees_of_a_model_see_the_unlabelled_rows_and_start_with_the_model_itself():
    shared, stages = shared_block(), Stages()
    outputs = shared.score_pool(STATE, frozenset({"ensemble", "dropout"}), 2, stages)
    p = np.array([0.07, 0.20, 0.31, 0.55])
    np.testing.assert_allclose(outputs.dropout, [p + number / 1000 for number in (1, 2, 3, 4)])
    np.testing.assert_allclose(outputs.ensemble, [p, p + 0.104, p + 0.204])
    assert len(set(shared.model.masks)) == 4
    assert stages.rows == {"score_pool": 6, "score_dropout": 16, "fit_members": 8, "score_members": 8}


def test_dropout_masks_are_another_every_round():
    blocks = [shared_block() for _ in range(2)]
    for number, shared in enumerate(blocks):
        shared.score_pool(STATE, frozenset({"dropout"}), number, Stages())
    assert not set(blocks[0].model.masks) & set(blocks[1].model.masks)


@pytest.mark.parametrize("needs", [{"surprisal"}, {"pretrained"}, {"oracle"}, set()])
def test_no_pass_is_made_where_none_is_needed(needs):
    stages = Stages()
    assert shared_block().score_pool(STATE, frozenset(needs), 2, stages).probabilities is None
    assert not stages.rows


SUBSETS = [set(needs) for n in range(len(OUTPUTS) + 1) for needs in itertools.combinations(sorted(OUTPUTS), n)]


@pytest.mark.parametrize("needs", SUBSETS, ids=lambda needs: "+".join(sorted(needs)) or "nothing")
def test_the_loop_computes_what_passes_count_for_a_plan(needs):
    """Two members beside M_t are fitted on two labelled rows for two epochs."""
    stages = Stages()
    shared_block().score_pool(STATE, frozenset(needs), 2, stages)
    counted = Passes.of(frozenset(needs), MODEL).work(len(STATE.unlabelled), len(STATE.labelled), fitted=4)
    assert {stage: rows for stage, (_, rows) in counted.items()} == stages.rows


def test_members_of_an_ensemble_are_not_fitted_on_nothing():
    counted = Passes.of(frozenset({"ensemble"}), MODEL).work(6, 0, fitted=0)
    assert counted == {"score_pool": (1, 6), "score_members": (2, 12)}


@pytest.mark.parametrize(
    ("start", "weighting", "first", "second"),
    [
        ("warm", "uniform", {"surprisal"}, {"surprisal"}),
        ("warm", "invprop", {"surprisal", "probabilities"}, {"surprisal", "probabilities"}),
        ("cold", "invprop", {"surprisal"}, {"surprisal", "probabilities"}),
    ],
)
def test_a_cold_start_reads_no_weights_in_round_one(start, weighting, first, second):
    alps = Strategy(algorithm=component(ALGORITHMS, "alps"), weighting=component(WEIGHTINGS, weighting))
    block = BLOCK.model_copy(update={"start": start})
    runs = [
        RunSpec(block=block, strategy=alps, settings=Settings(loop=LoopSettings(rounds=rounds))) for rounds in (1, 2)
    ]
    assert [needs_in(alps, number, start) for number in (1, 2)] == [first, second]
    assert first_query_needs(runs) == first
    assert [run_needs(run) for run in runs] == [first, second]
