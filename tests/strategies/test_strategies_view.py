"""What a view shows, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from bench.errors import RunError
from bench.testing import toy_pool


@pytest.mark.parametrize("output", ["probabilities", "labelled_probabilities"])
@pytest.mark.parametrize("needs", [{"probabilities"}, {"embeddings"}])
def test_whoever_declares_a_pass_may_read_the_probabilities(output, needs):
    pool = toy_pool()
    assert getattr(pool.view(frozenset(needs)), output) is getattr(pool, output)


@pytest.mark.parametrize(
    ("output", "need"),
    [("probabilities", "probabilities"), ("labelled_probabilities", "probabilities"), ("embeddings", "embeddings"),
     ("labelled_embeddings", "embeddings"), ("surprisal", "surprisal")],
)  # fmt: skip
def test_what_is_not_declared_is_refused(output, need):
    with pytest.raises(RunError, match=f"asked for {need} but declares needs = .*; add '{need}'"):
        getattr(toy_pool().view(frozenset()), output)


@pytest.mark.parametrize("output", ["probabilities", "labelled_probabilities"])
@pytest.mark.parametrize("value", [-0.1, 1.5, np.nan])
def test_probabilities_outside_the_unit_interval_are_refused(output, value):
    values = getattr(toy_pool(), output).copy()
    values[3] = value
    with pytest.raises(RunError, match=r"probabilities must lie in \[0, 1\]"):
        _ = replace(toy_pool(), **{output: values}).view().probabilities
