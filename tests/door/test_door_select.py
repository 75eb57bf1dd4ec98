"""``ib.select``: what the loop would select, for anyone's loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bench.loop.rounds
import imbal_bench as ib
from bench import seeds
from bench.errors import SpecError
from bench.strategies.arrays import next_batch, pool_of
from bench.strategies.base import ALGORITHMS, Algorithm, Stateful
from bench.strategies.strategy import needs_of
from bench.tasks import block_parts

RNG = np.random.default_rng(0)
P, H = RNG.random(300), RNG.normal(size=(300, 8)).astype(np.float32)
LABELLED, LABELS = np.array([7, 3, 299, 42]), np.array([1, 0, 0, 1])


def test_the_rows_are_those_that_the_loop_selects(tiny, monkeypatch):
    """Every query of a real run, done again from its arrays and the streams of its round."""
    asked = []
    original = bench.loop.rounds.query_batch

    def spying(shared, algorithm, weighting, state, last, stages):
        outputs = (
            shared.first.outputs
            if last.round == 0
            else shared.score_pool(state, shared.first_needs, last.round, stages)
        )
        query = original(shared, algorithm, weighting, state, last, stages)
        asked.append((shared, algorithm, weighting, state, last.round + 1, outputs, query.picked))
        return query

    monkeypatch.setattr(bench.loop.rounds, "query_batch", spying)
    names = ["random+uniform", "random+invprop", "margin+posprob", "badge+invprop", "cal+uniform", "core_set+invprop"]
    tiny(strategies=names, seeds=1, learner="tfidf:svd=4")
    assert len(asked) == 2 * len(names)
    for shared, algorithm, weighting, state, number, outputs, picked in asked:
        size = len(shared.task.rows)
        p, h = np.empty(size), np.empty((size, 4), dtype=np.float32)
        for rows, scores, vectors in (
            (state.unlabelled, outputs.probabilities, outputs.embeddings),
            (state.labelled, outputs.labelled_probabilities, outputs.labelled_embeddings),
        ):
            p[rows], h[rows] = scores, vectors.numpy()
        pool = pool_of({"probabilities": p, "embeddings": h}, state.labelled, state.labels)
        parts = {**block_parts(shared.block), "round": number}
        rows = next_batch(
            algorithm, weighting, pool, 6, number=number,
            draws=seeds.generator("priority", **parts).random(size), generator=seeds.generator("select", **parts),
        )  # fmt: skip
        np.testing.assert_array_equal(rows, picked, err_msg=algorithm.name)


GIVEN = {"probabilities", "embeddings"}
WITHOUT_MORE = sorted(
    name
    for name, cls in ALGORITHMS.items().items()
    if needs_of(cls()) <= GIVEN and not issubclass(cls, Stateful) and name != "dal"  # which trains a network each time
)


@given(
    name=st.sampled_from(WITHOUT_MORE),
    weighting=st.sampled_from(["uniform", "posprob", "invprop"]),
    k=st.integers(1, 12),
    seed=st.integers(0, 3),
    data=st.data(),
)
def test_rows_are_distinct_unlabelled_repeatable_and_k(name, weighting, k, seed, data):
    labelled = data.draw(st.lists(st.integers(0, 59), unique=True, min_size=2, max_size=20))
    labels = np.arange(len(labelled)) % 2
    given_ = {"labelled": labelled, "labels": labels, "k": k, "seed": seed}
    rows = ib.select(f"{name}+{weighting}", P[:60], H[:60], **given_)
    assert len(set(rows.tolist())) == len(rows) == k
    assert not set(rows.tolist()) & set(labelled)
    np.testing.assert_array_equal(rows, ib.select(f"{name}+{weighting}", P[:60], H[:60], **given_))


def test_seeds_and_rounds_draw_apart_and_labelled_may_be_truth_values():
    same = [ib.select("random+uniform", P, k=20, seed=s, round=r).tolist() for s, r in ((0, 1), (1, 1), (0, 2))]
    assert len({tuple(rows) for rows in same}) == 3
    mask = np.isin(np.arange(300), LABELLED)
    order = np.argsort(LABELLED)
    by_mask = ib.select("margin+invprop", P, labelled=mask, labels=LABELS[order], k=9)
    np.testing.assert_array_equal(by_mask, ib.select("margin+invprop", P, labelled=LABELLED, labels=LABELS, k=9))


def test_random_draws_by_weight_and_margin_the_most_uncertain():
    picks = ib.select("margin+uniform", P, k=10)
    assert set(picks) == set(np.argsort(np.abs(P - 0.5), kind="stable")[:10])
    often = np.zeros(3)
    for seed in range(600):
        often[ib.select("random+posprob", [0.1, 0.3, 0.6], k=1, seed=seed)[0]] += 1
    np.testing.assert_allclose(often / 600, [0.1, 0.3, 0.6], atol=0.07)


def test_the_rest_is_selected_where_fewer_are_left():
    rows = ib.select("badge+invprop", P[:5], H[:5], labelled=[0], labels=[1], k=50)
    assert set(rows.tolist()) == {1, 2, 3, 4}
    with pytest.raises(SpecError, match="all 2 rows are labelled"):
        ib.select("random+uniform", [0.1, 0.2], labelled=[0, 1], labels=[0, 1])


class Last(Algorithm):
    """The last rows, whatever they are."""

    name, title, paper = "last_rows", "Last", "none"

    def select(self, view, w, k):
        return np.arange(view.size)[-k:]


def test_a_strategy_may_be_an_object_and_inputs_stay_what_they_are():
    p, h = P.copy(), H.copy()
    assert ib.select((Last, "invprop"), p, labelled=LABELLED, labels=LABELS, k=2).tolist() == [297, 298]
    assert ib.select(Last(), p, k=2).tolist() == [298, 299]
    ib.select("badge+invprop", p, h, k=5)
    np.testing.assert_array_equal(p, P)
    np.testing.assert_array_equal(h, H)


NAN, BEYOND = P.copy(), P.copy()
NAN[5], BEYOND[7] = np.nan, 1.5


@pytest.mark.parametrize(
    ("strategy", "arrays", "more", "says"),
    [
        (
            "badge+invprop",
            (P,),
            {},
            "badge\\+invprop needs embeddings, which is not given; give embeddings=\\(rows, dim",
        ),
        ("alps+uniform", (P, H), {}, "needs surprisal"),
        ("bald+uniform", (P,), {}, "needs dropout|needs ensemble"),
        ("hal+uniform", (P,), {}, "run it in a grid|needs"),
        ("random+uniform", (NAN,), {}, "probabilities must be in \\[0, 1\\]; 1 are not, the first is nan at \\(5,\\)"),
        ("random+uniform", (BEYOND,), {}, "the first is 1.5 at \\(7,\\)"),
        ("random+uniform", (np.stack([1 - P, P], axis=1),), {}, "predict_proba\\(x\\)\\[:, 1\\]"),
        ("random+uniform", ([],), {}, "shape \\(0,\\)"),
        ("random+uniform", (["a"],), {}, "must be numbers"),
        ("badge+uniform", (P, H[:10]), {}, "embeddings are of 10 rows, but probabilities of 300"),
        ("badge+uniform", (P, H[:, 0]), {}, "shape \\(300,\\); give \\(rows, dimensions\\)"),
        ("badge+uniform", (P, H * np.inf), {}, "embeddings must be finite"),
        ("random+uniform", (P,), {"labelled": [300], "labels": [1]}, "names row 300, but the pool has rows 0 to 299"),
        ("random+uniform", (P,), {"labelled": [-1], "labels": [1]}, "names row -1"),
        ("random+uniform", (P,), {"labelled": [1, 1], "labels": [1, 0]}, "a row twice"),
        ("random+uniform", (P,), {"labelled": [1.5], "labels": [1]}, "give row numbers"),
        ("random+uniform", (P,), {"labelled": [1, 2]}, "labels are of shape \\(0,\\) for 2 labelled rows"),
        ("random+uniform", (P,), {"labelled": [1, 2], "labels": [1, 2]}, "labels must be 0 or 1"),
        ("random+uniform", (P,), {"k": 0}, "k is 0; give an integer from 1"),
        ("random+uniform", (P,), {"seed": 1.5}, "seed is 1.5"),
        ("randm+uniform", (P,), {}, "Did you mean 'random'"),
    ],
)
def test_wrong_arrays_are_one_line(strategy, arrays, more, says):
    with pytest.raises(SpecError, match=says) as caught:
        ib.select(strategy, *arrays, **more)
    assert "\n" not in str(caught.value)
