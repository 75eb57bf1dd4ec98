"""SEALS and AnchorAL: candidates against brute force, and the base's own picks among them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from bench.errors import SpecError, UnknownNameError
from bench.strategies import neighbours
from bench.strategies.anchoral import AnchorAL
from bench.strategies.badge import Badge
from bench.strategies.base import ALGORITHMS, Stateful
from bench.strategies.catalogue import version_of
from bench.strategies.neighbours import nearest_rows
from bench.strategies.seals import Seals
from bench.strategies.select import weighted_sample
from bench.strategies.strategy import needs_of
from bench.testing import laws_for, toy_pool

PARTS = {name: cls() for name, cls in ALGORITHMS.items().items()}
BASES = [
    name for name, part in PARTS.items() if not (part.uses() or isinstance(part, Stateful) or "oracle" in part.needs)
]
SMALL = [Seals(neighbours=2), AnchorAL(anchors=2, neighbours=3, subpool=10)]
UNDER_LAWS = [*SMALL, replace(SMALL[0], base="entropy"), replace(SMALL[1], base="random")]
"""A base that clusters under both; one that scores and one that draws are handed to by the same lines."""


def by_cosine(rows, centre, priority):
    """All rows, most similar first; of equal ones the one of smaller priority."""
    distances = cdist(rows.astype(float), centre[None].astype(float), "cosine")[:, 0].round(12)
    return np.lexsort((priority, distances)), distances


def seals_by_definition(pool, k):
    return sorted(
        {row for c in pool.labelled_pretrained for row in by_cosine(pool.pretrained, c, pool.priority)[0][:k]}
    )


def anchoral_by_definition(pool, anchors, k, size):
    """Each anchor brings in k rows; a row's score is its mean similarity to the anchors that brought it in."""
    similarities = {}
    for anchor in pool.labelled_pretrained[anchors]:
        order, distances = by_cosine(pool.pretrained, anchor, pool.priority)
        for row in order[:k]:
            similarities.setdefault(int(row), []).append(1 - distances[row])
    return sorted(similarities, key=lambda row: -np.mean(similarities[row]))[:size]


def picks_inside(base, pool, rows, w, k):
    """What the base selects of a pool that holds these rows and no others."""
    part = pool.rows(rows)
    return rows[PARTS[base].select(part.view(), w[rows] / w[rows].max(), k)].tolist()


@given(st.integers(0, 2**20), st.integers(1, 30), st.lists(st.integers(0, 11), min_size=1, max_size=24))
def test_nearest_rows_are_those_of_a_full_sort_with_ties_by_priority(seed, k, copies):
    pool = toy_pool(n=12, seed=seed)
    rows, priority = pool.pretrained[copies], np.random.default_rng(seed).permutation(len(copies)) / len(copies)
    near, distances = nearest_rows(rows, pool.labelled_pretrained, k, priority)
    for centre, found, how_far in zip(pool.labelled_pretrained, near, distances, strict=True):
        order, cosine = by_cosine(rows, centre, priority)
        assert found.tolist() == order[:k].tolist()
        np.testing.assert_allclose(how_far**2 / 2, cosine[found], atol=1e-6)


def test_memory_is_bounded_and_chunks_are_put_together_in_order(monkeypatch):
    sizes, measure = [], torch.cdist

    def recorded(*arguments, **options):
        sizes.append(measure(*arguments, **options).numel())
        return measure(*arguments, **options)

    monkeypatch.setattr(torch, "cdist", recorded)
    monkeypatch.setattr(neighbours, "_CENTRES", 3)
    pool = toy_pool(n=2500, labelled=8)
    near, _ = nearest_rows(pool.pretrained, pool.labelled_pretrained, 5, pool.priority)
    wanted = [by_cosine(pool.pretrained, c, pool.priority)[0][:5].tolist() for c in pool.labelled_pretrained]
    assert near.tolist() == wanted
    assert max(sizes) <= 1024 * 3
    assert sum(sizes) == 2500 * 8


@given(st.integers(0, 2**20), st.integers(1, 12), st.integers(1, 30))
def test_seals_candidates_are_the_neighbours_of_all_labelled_rows(seed, labelled, k):
    pool = toy_pool(labelled=labelled, seed=seed)
    assert Seals(neighbours=k).candidates(pool.view()).tolist() == seals_by_definition(pool, k)


def test_seals_candidates_hold_those_that_the_paper_accumulates():
    """Algorithm 1 keeps a labelled row's neighbours of the time when it was labelled, less those labelled since."""
    pool = toy_pool(n=60, labelled=60)
    everything, batches = pool.pretrained, np.random.default_rng(0).permutation(60).reshape(10, 6)
    kept = set()
    for t, batch in enumerate(batches[:8], 1):
        left = np.setdiff1d(np.arange(60), batches[:t])
        here = replace(pool.rows(left), labelled_pretrained=everything[batch])
        kept = (kept - set(batch.tolist())) | set(left[seals_by_definition(here, 3)].tolist())
        now = replace(pool.rows(left), labelled_pretrained=everything[batches[:t].ravel()])
        assert kept <= set(left[Seals(neighbours=3).candidates(now.view())].tolist())


@given(st.integers(0, 2**20), st.integers(1, 12), st.integers(1, 23))
def test_anchoral_candidates_are_the_rows_of_largest_mean_similarity(seed, k, size):
    pool = toy_pool(labelled=7, seed=seed)
    part = AnchorAL(anchors=4, neighbours=k, subpool=size)  # no class has more than 4 labelled rows
    wanted = anchoral_by_definition(pool, range(7), k, size)
    assert part.candidates(pool.view()).tolist() == wanted


def test_anchors_are_spread_over_the_clusters_of_each_class():
    angles = np.repeat([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [20, 20, 20, 1, 20, 20]) + np.arange(101) * 1e-5
    labels = np.repeat([0, 0, 0, 1, 1, 1], [20, 20, 20, 1, 20, 20])
    around = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    pool = replace(toy_pool(n=12), labels=labels, labelled_pretrained=around)
    for label, clusters in ((0, [0, 1, 2]), (1, [3, 4, 5])):
        drawn = AnchorAL(anchors=3)._anchors(pool.view(), around, label)
        assert np.sort(angles[drawn]).astype(int).tolist() == clusters
    assert AnchorAL(anchors=60)._anchors(pool.view(), around, 0).tolist() == list(range(60))


def test_anchors_are_drawn_anew_by_the_generator():
    pool = toy_pool(labelled=40)
    part = AnchorAL(anchors=2, neighbours=1, subpool=23)
    assert len({tuple(part.candidates(replace(pool, seed=seed).view()).tolist()) for seed in range(10)}) > 1


def test_of_equal_labelled_rows_none_is_an_anchor_twice():
    same = np.tile(np.eye(1, 6, dtype=np.float32), (40, 1))
    drawn = AnchorAL()._anchors(toy_pool(labelled=40).view(), same, 1)
    assert 1 <= len(drawn) == len(set(drawn.tolist())) < 10


@pytest.mark.parametrize("part", [Seals(neighbours=2), AnchorAL(anchors=3, neighbours=2, subpool=23)])
def test_the_length_of_embeddings_is_irrelevant(part):
    pool = toy_pool(labelled=30)
    longer = [(2.0 ** (np.arange(rows) % 7 - 3)).astype(np.float32)[:, None] for rows in (24, 30)]
    scaled = replace(
        pool,
        pretrained=pool.pretrained * longer[0],
        labelled_pretrained=pool.labelled_pretrained * longer[1],
    )
    assert part.candidates(scaled.view()).tolist() == part.candidates(pool.view()).tolist()


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("uniform", [True, False])
def test_the_base_selects_as_if_the_pool_held_the_candidates_only(base, uniform):
    pool = toy_pool(labelled=6)
    w = np.ones(24) if uniform else pool.weights
    for part, rows in (
        (Seals(base=base, neighbours=3), seals_by_definition(pool, 3)),
        (AnchorAL(base=base, anchors=3, neighbours=4, subpool=12), anchoral_by_definition(pool, range(6), 4, 12)),
    ):
        assert 5 < len(rows) < 24
        assert part.select(pool.view(), w, 5).tolist() == picks_inside(base, pool, np.array(rows), w, 5)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("labelled", [0, 8])
def test_where_all_rows_are_candidates_the_picks_are_the_bases_own(base, labelled):
    pool = toy_pool(labelled=labelled)
    own = PARTS[base].select(pool.view(), pool.weights, 6).tolist()
    small = SMALL if labelled == 0 else [Seals(neighbours=24), AnchorAL(neighbours=1, subpool=24)]
    for part in small:
        assert replace(part, base=base).select(pool.view(), pool.weights, 6).tolist() == own


@given(st.integers(0, 2**20), st.integers(1, 24), st.integers(0, 24), st.sampled_from(SMALL))
def test_too_few_candidates_are_filled_up_with_rows_drawn_by_weight(seed, k, zeros, part):
    pool = toy_pool(labelled=2, seed=seed)
    w = np.where(np.arange(24) < zeros, 0.0, pool.weights)
    weighted = np.flatnonzero(w)
    near = weighted[part.candidates(pool.rows(weighted).view())] if len(weighted) > k else weighted
    picks = part.select(pool.view(), w, k)
    if len(near) >= k:
        assert set(picks.tolist()) <= set(near.tolist())
    else:
        drawn = [row for row in weighted_sample(w, 24, pool.priority).tolist() if row not in near]
        assert set(picks.tolist()) == {*near.tolist(), *drawn[: k - len(near)]}


@pytest.mark.parametrize(
    ("part", "law"),
    [
        pytest.param(part, law, id=f"{part.name}-{part.base}-{law.__name__}")
        for part in UNDER_LAWS
        for law in laws_for(part)
    ],
)
def test_laws_hold_where_candidates_are_few(part, law):
    law(part)


def test_needs_and_version_are_those_of_the_base_too(monkeypatch):
    assert needs_of(Seals()) == {"pretrained", "probabilities", "embeddings"}
    assert needs_of(AnchorAL(base="random")) == {"pretrained"}
    assert version_of(Seals()) == f"{Seals.version} (badge {Badge.version})"
    monkeypatch.setattr(Badge, "version", "another")
    assert version_of(Seals()) == f"{Seals.version} (badge another)"


@pytest.mark.parametrize("wrapper", [Seals, AnchorAL])
def test_bases_and_options_are_checked(wrapper):
    with pytest.raises(UnknownNameError, match=r"unknown algorithm 'bagde'\. Did you mean 'badge'"):
        wrapper(base="bagde")
    with pytest.raises(SpecError, match=f"option 'base' of {wrapper.name} is 'seals'; allowed: an algorithm without"):
        wrapper(base="seals")
    for option in set(vars(wrapper())) - {"base"}:
        with pytest.raises(SpecError, match=f"option '{option}' of {wrapper.name} is 0; allowed: >= 1"):
            wrapper(**{option: 0})
