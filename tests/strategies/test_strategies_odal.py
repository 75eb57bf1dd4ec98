"""ODAL on pools where the right answer is planted, one for each of its stages."""

from dataclasses import replace

import numpy as np
import pytest

from bench.errors import SpecError, UnknownNameError
from bench.strategies.base import ALGORITHMS
from bench.strategies.catalogue import component
from bench.strategies.core_set import CoreSet
from bench.strategies.margin import Margin
from bench.strategies.odal import Odal
from bench.strategies.strategy import needs_of
from bench.testing import (
    laws_for,
    laws_of_answers,
    laws_of_processes,
    laws_of_surroundings,
    laws_of_weights,
    toy_pool,
)

N, FAR = 60, 6


def planted(labelled=20, positives=0):
    """Rows 0 to 11 lie together, where all labelled rows are; the others, the large majority, lie elsewhere."""
    pool = toy_pool(n=N, d=8, labelled=labelled)
    shift = np.where(np.arange(N) < 12, 0.0, FAR).astype(np.float32)[:, None]
    labels = (np.arange(labelled) < positives).astype(np.int64)
    return replace(pool, pretrained=pool.pretrained + shift, labels=labels)


def select(algorithm, pool, k=8, w=None):
    return algorithm.select(pool.view(needs_of(algorithm)), np.ones(pool.size) if w is None else w, k)


def test_with_negatives_only_rows_unlike_them_are_picked_however_common_they_are():
    assert (select(Odal(), planted()) >= 12).all()


def test_with_nothing_labelled_the_outliers_of_the_pool_are_picked():
    assert (select(Odal(), planted(labelled=0)) < 12).all()


def test_weights_multiply_the_outlier_scores():
    w = np.where(np.arange(N) < 12, 1.0, 1e-3)
    assert (select(Odal(), planted(), w=w) < 12).all()


@pytest.mark.parametrize("positives", [1, 20])
@pytest.mark.parametrize(("then", "algorithm"), [("core_set", CoreSet()), ("margin", Margin())])
def test_from_the_first_positive_on_another_algorithm_chooses(positives, then, algorithm):
    pool = planted(positives=positives)
    assert select(Odal(then=then), pool).tolist() == select(algorithm, pool).tolist()
    assert select(Odal(then=then), planted()).tolist() != select(algorithm, planted()).tolist()


STAGES = [toy_pool(labelled=0), replace(toy_pool(), labels=np.zeros(8, dtype=np.int64))]


@pytest.mark.parametrize("pool", STAGES, ids=["nothing labelled", "negatives only"])
@pytest.mark.parametrize("law", laws_for(Odal()), ids=lambda law: law.__name__)
def test_laws_hold_before_the_first_positive_too(law, pool, monkeypatch):
    monkeypatch.setattr(laws_of_answers, "hard_pools", dict)  # its pools are those of other tests
    for module in (laws_of_answers, laws_of_processes, laws_of_surroundings, laws_of_weights):
        monkeypatch.setattr(module, "toy_pool", lambda seed=0, **_: replace(pool, seed=seed))
    law(Odal(then="random", trees=10))


def test_the_order_of_a_pool_larger_than_a_trees_sample_is_irrelevant():
    """The laws' pools are smaller: a tree then sees every row."""
    pool, order = toy_pool(n=600, labelled=0), np.roll(np.arange(600)[::-1], 7)
    assert order[select(Odal(trees=10), pool.rows(order))].tolist() == select(Odal(trees=10), pool).tolist()


def test_it_needs_and_is_a_version_of_what_it_hands_over_to():
    assert needs_of(Odal()) == {"pretrained", "embeddings"}
    assert needs_of(Odal(then="margin")) == {"pretrained", "probabilities"}
    assert component(ALGORITHMS, "odal").version == "2 (dal 4)"
    assert component(ALGORITHMS, "odal", {"then": "margin"}).version == "2 (margin 1)"


def test_bad_options_are_named():
    with pytest.raises(SpecError, match="option 'trees' of odal is 0; allowed: >= 1"):
        Odal(trees=0)
    with pytest.raises(SpecError, match="option 'then' of odal is 'odal'; allowed: an algorithm without a base"):
        component(ALGORITHMS, "odal", {"then": "odal"})
    with pytest.raises(UnknownNameError, match=r"'dall'\. Did you mean 'dal'"):
        component(ALGORITHMS, "odal", {"then": "dall"})


@pytest.mark.parametrize("labelled", [1, 2, 8])
def test_labelled_rows_of_which_no_detector_can_be_made_leave_the_outliers_of_the_pool(labelled):
    """Trees grown on two different rows score all rows alike; so do those grown on eight equal ones."""
    pool = replace(toy_pool(labelled=labelled), labels=np.zeros(labelled, dtype=np.int64))
    if labelled > 2:
        pool = replace(pool, labelled_pretrained=np.tile(pool.labelled_pretrained[:1], (labelled, 1)))
    scores = Odal()._outlier_scores(pool.view())
    bare = replace(pool, labels=pool.labels[:0], labelled_pretrained=pool.labelled_pretrained[:0])
    alone = Odal()._outlier_scores(bare.view())
    assert len(np.unique(scores)) > pool.size // 2
    np.testing.assert_array_equal(scores, alone)
