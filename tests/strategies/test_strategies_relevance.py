"""Relevance sampling: the likeliest positives."""

from dataclasses import replace

import numpy as np
import pytest

from bench.strategies.relevance import Relevance
from bench.testing import toy_pool


def test_the_likeliest_rows_come_first_and_equal_ones_by_priority():
    pool = toy_pool()
    p = np.round(pool.probabilities, 1)
    expected = sorted(range(pool.size), key=lambda row: (-p[row], pool.priority[row]))
    picks = Relevance().select(replace(pool, probabilities=p).view(Relevance.needs), np.ones(pool.size), pool.size)
    assert picks.tolist() == expected


@pytest.mark.parametrize("power", [0, 1, 2])
def test_weights_that_rise_with_p_change_no_pick(power):
    pool = toy_pool()
    picks = Relevance().select(pool.view(Relevance.needs), pool.probabilities**power, 6)
    assert picks.tolist() == np.argsort(-pool.probabilities)[:6].tolist()
