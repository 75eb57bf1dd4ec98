"""UCB blend and BMP: the bandits' arithmetic by hand, planted arms, and runs that go on from a stored state."""

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import RunError, SpecError, UnknownNameError
from bench.strategies.base import select_within
from bench.strategies.bmp import Bmp, chances, rewards
from bench.strategies.entropy import Entropy
from bench.strategies.strategy import choose, needs_of
from bench.strategies.ucb_blend import UcbBlend, share
from bench.testing import toy_pool

BANDITS = [UcbBlend(), UcbBlend(base="badge", exploration=0.1), Bmp(), Bmp(base="random", gamma=0.5, subpool=30)]


def planted(positives, p_of_positives, n=1200, seed=0):
    """A pool in which every so many-th row is positive, predicted 0.9 with the given probability, else 0.1."""
    pool, rng = toy_pool(n=n, seed=seed), np.random.default_rng(seed)
    hidden = (np.arange(n) % positives == 0).astype(np.int64)
    p = np.where(hidden == (rng.random(n) < p_of_positives), 0.9, 0.1)
    return replace(pool, hidden=hidden, probabilities=p, priority=rng.random(n))


def play(algorithm, pool, rounds, k=20):
    """Yield each round's pool and choice; states go from round to round as JSON."""
    for _ in range(rounds):
        choice = choose(algorithm, None, pool.view(needs_of(algorithm)), k)
        yield pool, choice
        pool = pool.after(choice.picks, json.loads(json.dumps(choice.state.model_dump(mode="json"))))


@pytest.mark.parametrize("algorithm", BANDITS, ids=lambda a: f"{a.name}-{a.base}")
def test_a_run_goes_on_from_the_stored_state_of_any_round(algorithm):
    whole = list(play(algorithm, planted(10, 0.8), 5))
    for start, (pool, _) in enumerate(whole):
        resumed = replace(algorithm)  # whatever an instance might have kept is gone
        for (_, now), (_, then) in zip(play(resumed, pool, 5 - start), whole[start:], strict=True):
            assert now.picks.tolist() == then.picks.tolist()
            assert now.state == then.state


@pytest.mark.parametrize("algorithm", BANDITS, ids=lambda a: f"{a.name}-{a.base}")
def test_the_state_decides_how_a_batch_is_shared(algorithm):
    *_, (pool, last) = play(algorithm, planted(10, 0.8), 5)
    forgetful = choose(algorithm, None, replace(pool, state=None).view(needs_of(algorithm)), 20)
    assert forgetful.state.batch != last.state.batch


def test_a_state_of_another_algorithm_is_refused():
    _, (pool, _) = play(Bmp(), planted(10, 0.8), 2)
    with pytest.raises(RunError, match=r"the stored state .* is not one of 'ucb_blend'"):
        choose(UcbBlend(), None, pool.view(needs_of(UcbBlend())), 20)


def test_ucb_by_hand():
    # N = 20: 0.4 + sqrt(2 ln 20 / 10) = 1.174 against 0.5 + 0.774 = 1.274, then 1.180 against 1.244, 1.186 against
    # 1.218, 1.192 against 1.194, and 1.197 against 1.174.
    assert [share((10, 10), (4, 5), k, 2.0) for k in (1, 4, 5)] == [(0, 1), (0, 4), (1, 4)]
    assert share((10, 10), (4, 5), 50, 0.0) == (0, 50)


def test_arms_never_pulled_come_first_and_the_first_batch_is_split_evenly():
    assert share((0, 0), (0, 0), 1, 2.0) == (1, 0)
    assert share((0, 9), (0, 9), 1, 2.0) == (1, 0)
    assert share((9, 0), (9, 0), 1, 2.0) == (0, 1)
    assert share((0, 0), (0, 0), 50, 2.0) == (25, 25)


@given(st.integers(1, 200), st.integers(1, 200), st.data())
def test_one_pull_goes_to_the_larger_index_of_the_textbook(n_0, n_1, data):
    found = (data.draw(st.integers(0, n_0)), data.draw(st.integers(0, n_1)))
    indices = [x / n + math.sqrt(2 * math.log(n_0 + n_1) / n) for x, n in zip(found, (n_0, n_1), strict=True)]
    assert share((n_0, n_1), found, 1, 2.0) == ((1, 0) if indices[0] >= indices[1] else (0, 1))


def test_the_batch_of_ucb_blend_is_the_bases_rows_then_the_likeliest_positives():
    pool = toy_pool(n=60)
    picks, state = UcbBlend().step(pool.view(UcbBlend.needs), None, pool.weights, 10)
    base = Entropy().select(pool.view(), pool.weights, 5).tolist()
    likeliest = [row for row in np.argsort(-pool.weights * pool.probabilities).tolist() if row not in base][:5]
    assert picks.tolist() == base + likeliest
    assert state.batch == state.pulls == (5, 5)


def test_ucb_blend_counts_what_each_arm_has_found():
    rounds = list(play(UcbBlend(), planted(5, 0.8), 6))
    pulls, found = np.zeros(2, int), np.zeros(2, int)
    for pool, choice in rounds:
        assert choice.state.found == tuple(found)
        base = choice.state.batch[0]
        found += [pool.hidden[choice.picks[:base]].sum(), pool.hidden[choice.picks[base:]].sum()]
        pulls += [base, len(choice.picks) - base]
        assert choice.state.pulls == tuple(pulls)
    assert found.min() > 0


@pytest.mark.parametrize(("p_of_positives", "better"), [(0.95, 1), (0.05, 0)])
def test_ucb_blend_turns_to_the_arm_that_finds_positives(p_of_positives, better):
    *_, (_, last) = play(UcbBlend(base="random"), planted(2, p_of_positives), 12)
    assert last.state.batch[better] >= 17  # of 20; the first batch was shared evenly


def test_exp3_by_hand():
    assert chances((0.0, 0.0), 0.1).tolist() == [0.5, 0.5]
    # gamma * gain / 2 = ln 3 weighs 3 against 1; half of the draws are even.
    np.testing.assert_allclose(chances((1.0, 1 + 4 * math.log(3)), 0.5), [0.375, 0.625])
    np.testing.assert_allclose(chances((0.0, 1e6), 0.1), [0.05, 0.95])


def test_the_rarer_class_is_rewarded_more():
    before = np.array([0, 0, 1, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(rewards(np.array([1, 0]), before), [0.8, 0.2])
    np.testing.assert_allclose(rewards(np.array([1, 0]), 1 - before), [0.2, 0.8])
    np.testing.assert_allclose(rewards(np.array([1, 0]), before[:0]), [0.5, 0.5])


def test_bmp_learns_as_exp3_does_row_by_row():
    gamma = 0.3
    rounds = list(play(Bmp(gamma=gamma), planted(5, 0.8), 4))
    for (pool, choice), (_, following) in pairwise(rounds):
        weight, chance = np.ones(2), chances(choice.state.gains, gamma)
        for place, row in enumerate(choice.picks):
            arm = int(place >= choice.state.batch[0])
            (reward,) = rewards(pool.hidden[[row]], pool.labels)
            weight[arm] *= math.exp(gamma * reward / chance[arm] / 2)
        before = np.exp(gamma * np.array(choice.state.gains) / 2)
        expected = (1 - gamma) * before * weight / (before * weight).sum() + gamma / 2
        np.testing.assert_allclose(chances(following.state.gains, gamma), expected)


@pytest.mark.parametrize(("p_of_positives", "better"), [(0.95, 1), (0.05, 0)])
def test_bmp_turns_to_the_arm_that_finds_the_rarer_class(p_of_positives, better):
    pool = planted(4, p_of_positives)
    # Far more negatives are labelled than the rounds could balance.
    many = np.zeros(400, np.int64)
    pool = replace(pool, labels=many, labelled_probabilities=many / 2)
    *_, (_, last) = play(Bmp(base="random"), pool, 12)
    assert chances(last.state.gains, 0.1)[better] > 0.8


def test_the_arms_of_bmp_are_drawn_by_their_chances():
    pool = toy_pool(n=2000)
    state = {"gains": (0.0, 1.0 + 4 * math.log(3)), "batch": (0, 0)}
    view = replace(pool, state=state).view(Bmp.needs)
    preferential = Bmp(gamma=0.5).advance(view, np.ones(2000), 1000)[1].batch[1]
    chance = chances((0.0, 1.0 + 4 * math.log(3)), 0.5)[1]
    assert abs(preferential - 1000 * chance) < 4 * math.sqrt(1000 * chance * (1 - chance))


def test_bmp_prefers_the_bases_choice_of_the_predicted_positives():
    pool = toy_pool(n=300)
    picks, state = Bmp().step(pool.view(Bmp.needs), None, pool.weights, 20)
    base, preferential = np.split(picks, [state.batch[0]])
    assert base.tolist() == Entropy().select(pool.view(), pool.weights, len(base)).tolist()
    positive = np.setdiff1d(np.flatnonzero(pool.probabilities >= 0.5), base)
    best = select_within(Entropy(), pool.view(), pool.weights, positive, len(preferential))
    assert preferential.tolist() == best.tolist()
    assert min(state.batch) > 0


def test_the_largest_p_make_up_for_predicted_positives_that_are_too_few():
    p = np.linspace(0.01, 0.4, 100)
    p[7] = 0.6
    pool = replace(toy_pool(n=100), probabilities=p)
    picks, state = Bmp(base="random").step(pool.view(Bmp.needs), None, np.ones(100), 20)
    base, preferential = np.split(picks, [state.batch[0]])
    left = np.setdiff1d(np.arange(100), base)
    assert preferential.tolist() == left[np.argsort(-p[left])][: len(preferential)].tolist()


def test_the_part_of_the_pool_is_drawn_whatever_the_priorities():
    """A base that goes by priority would otherwise find only small ones, and its draws would not follow w."""
    pool = toy_pool(n=200)
    parts = [
        Bmp(base="random", subpool=20).step(replace(pool, seed=seed).view(Bmp.needs), None, np.ones(200), 20)[0]
        for seed in range(60)
    ]
    mean = pool.priority[np.concatenate(parts)].mean()
    assert abs(mean - pool.priority.mean()) < 4 * pool.priority.std() / math.sqrt(1200)


def test_the_part_of_the_pool_is_drawn_among_rows_that_have_weight():
    pool, w = toy_pool(n=60), (np.arange(60) % 5 == 0).astype(float)
    picks, _ = Bmp(subpool=8).step(pool.view(Bmp.needs), None, w, 8)
    assert w[picks].all()


def test_a_batch_larger_than_the_part_of_the_pool_enlarges_it():
    pool = toy_pool()
    picks, state = Bmp(subpool=1).step(pool.view(Bmp.needs), None, np.ones(24), 10)
    assert len(set(picks.tolist())) == sum(state.batch) == 10


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UcbBlend(exploration=-1.0), "option 'exploration' of ucb_blend is -1.0; allowed: >= 0 and finite"),
        (lambda: Bmp(gamma=0.0), "option 'gamma' of bmp is 0.0; allowed: > 0 and <= 1"),
        (lambda: Bmp(subpool=0), "option 'subpool' of bmp is 0; allowed: >= 1"),
        (lambda: UcbBlend(base="bmp"), "option 'base' of ucb_blend is 'bmp'; allowed: an algorithm without a base"),
    ],
)
def test_options_are_checked(make, message):
    with pytest.raises(SpecError, match=message):
        make()


def test_the_base_must_be_known_and_decides_the_needs():
    with pytest.raises(UnknownNameError, match="entropie"):
        Bmp(base="entropie")
    assert needs_of(UcbBlend(base="badge")) == {"probabilities", "embeddings"}
