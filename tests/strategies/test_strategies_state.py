"""Algorithms that keep a state, hand rows to others, or buy labels: the seams every such strategy stands on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from bench.errors import RunError, UnknownNameError
from bench.records import Record
from bench.strategies.badge import Badge
from bench.strategies.base import Algorithm, Stateful, base_algorithm, select_within
from bench.strategies.catalogue import version_of
from bench.strategies.random_sampling import RandomSampling
from bench.strategies.strategy import choose, needs_of, select_checked
from bench.testing import toy_pool


class Seen(Record):
    rounds: int
    last: int


@dataclass(frozen=True)
class Counts(Stateful[Seen]):
    name: ClassVar[str] = "counts"
    state_type: ClassVar[type[Record]] = Seen

    def step(self, view, state, w, k):
        rounds = state.rounds + 1 if state else 1
        return np.arange(k), Seen(rounds=rounds, last=k)


@dataclass(frozen=True)
class Wraps(Algorithm):
    name: ClassVar[str] = "wraps"
    base: str = "badge"

    def uses(self):
        return (base_algorithm(self, "base"),)

    def select(self, view, w, k):
        return select_within(self.uses()[0], view, w, np.arange(view.size)[::2], k)


def test_a_state_goes_from_round_to_round_as_plain_values():
    view, w = toy_pool().view(), np.ones(24)
    first = select_checked(Counts(), view, w, 3)
    stored = first.state.model_dump(mode="json")
    second = select_checked(Counts(), replace(view, state=stored), w, 5)
    assert second.state == Seen(rounds=2, last=5)
    assert select_checked(RandomSampling(), view, w, 3).state is None


def test_a_foreign_state_is_refused():
    view = replace(toy_pool().view(), state={"arms": 2})
    with pytest.raises(RunError, match=r"stored state .*arms.* is not one of 'counts'"):
        choose(Counts(), None, view, 3)


def test_whoever_hands_rows_to_another_needs_what_the_other_needs_and_has_its_version():
    assert needs_of(Wraps()) == Badge.needs
    assert version_of(Wraps()) == f"1 (badge {Badge.version})"
    assert version_of(Wraps(base="random")) == "1 (random 1)"


def test_an_unknown_base_is_refused():
    with pytest.raises(UnknownNameError, match=r"badgr.*badge"):
        base_algorithm(Wraps(base="badgr"), "base")


def test_choosing_within_some_rows_is_choosing_in_the_pool_of_these_rows():
    pool = toy_pool()
    rows = np.arange(24)[::2]
    inside = Badge().select(pool.rows(rows).view(), pool.weights[rows], 4)
    assert Wraps().select(pool.view(), pool.weights, 4).tolist() == rows[inside].tolist()


def test_weights_within_some_rows_are_scaled_anew():
    pool = toy_pool()
    w = np.where(np.arange(24) % 2 == 0, 1e-300 * pool.weights, 1.0)
    assert Wraps().select(pool.view(), w, 4).tolist() == Wraps().select(pool.view(), pool.weights, 4).tolist()


@dataclass(frozen=True)
class Buys(Algorithm):
    name: ClassVar[str] = "buys"
    needs = frozenset({"oracle"})
    returns: int = 0

    def select(self, view, w, k):
        for row in range(k):
            view.ask(row)
        return np.arange(k) + self.returns


def test_every_row_whose_label_was_bought_is_part_of_the_batch():
    assert choose(Buys(), None, toy_pool().view(), 4).picks.tolist() == [0, 1, 2, 3]
    with pytest.raises(RunError, match=r"'buys' bought the labels of rows \[0\] but did not return them"):
        choose(Buys(returns=1), None, toy_pool().view(), 4)
