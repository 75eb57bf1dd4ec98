"""What the loop hands a strategy of a pass: the pool's outputs and the labelled rows', each in its own order."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench.loop import Labelling, SharedBlock, Stages
from bench.model.encoder import Scores

ROWS = np.array([7, 11, 20, 31, 40, 55])  # of the dataset; the pool's positions are 0 to 5
STATE = Labelling(labelled=np.array([4, 1]), labels=np.array([1, 0]), unlabelled=np.array([0, 2, 3, 5]))


class Encoder:
    """Says of row i that p = i / 100 and h = (i, -i)."""

    def score(self, _tokens, rows, *, embeddings=False):
        h = torch.tensor(np.column_stack([rows, -rows]))
        return Scores(rows / 100, h if embeddings else None)


def shared_block():
    task = SimpleNamespace(rows=ROWS, oracle=lambda: None)
    return SharedBlock(None, None, task, Encoder(), None, None, None, frozenset())


@pytest.mark.parametrize("needs", [{"probabilities"}, {"embeddings"}])
def test_outputs_of_a_pass(needs):
    stages = Stages()
    outputs = shared_block().score_pool(STATE, frozenset(needs), stages)
    assert outputs.probabilities.tolist() == [0.07, 0.20, 0.31, 0.55]
    assert outputs.labelled_probabilities.tolist() == [0.40, 0.11]
    assert stages.rows == {"score_pool": 6}
    if needs == {"embeddings"}:
        assert outputs.embeddings[:, 0].tolist() == [7, 20, 31, 55]
        assert outputs.labelled_embeddings[:, 1].tolist() == [-40, -11]
    else:
        assert outputs.embeddings is outputs.labelled_embeddings is None


def test_no_pass_is_made_for_surprisal_alone():
    assert shared_block().score_pool(STATE, frozenset({"surprisal"}), Stages()) is None
