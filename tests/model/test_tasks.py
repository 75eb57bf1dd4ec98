"""The imbalanced task: counts by enumeration, pools as prefixes of one permutation, start sets, oversampling."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench import seeds
from bench.data.corpus import Corpus, split_of
from bench.errors import DataError, InfeasibleTaskError, SpecError, UnknownNameError
from bench.records import Block, LoopSettings, PoolSettings, Task
from bench.tasks import PoolCounts, build_task, check_feasible, count_pool, oversample

TASK = Task(dataset="toy", positive="rare")
SMALL_LOOP = LoopSettings(start_positives=2, start_negatives=3, min_positives=1)
sizes = st.integers(1, 400)
ratios = st.integers(2, 60)


def corpus_of(positives: int, negatives: int, *, test=(1, 0, 0, 1)) -> Corpus:
    """Return a corpus in which ``rare`` is one of three classes, its rows scattered."""
    labels = np.array([2] * positives + [i % 2 for i in range(negatives)])
    labels = np.random.default_rng(positives * 1000 + negatives).permutation(labels)
    tests = [2 if label else i % 2 for i, label in enumerate(test)]
    train, held_out = split_of([f"text {i}" for i in range(len(labels))], labels), split_of(["t"] * len(tests), tests)
    return Corpus("toy", ("common", "usual", "rare"), train, held_out, "made for tests")


def build(corpus: Corpus, ratio: int, *, start="warm", loop=SMALL_LOOP, **pool: int):
    return build_task(corpus, TASK, ratio, start, PoolSettings(**pool), loop)


def block(**changes: object) -> Block:
    return Block(**{"task": TASK, "ratio": 10, "seed": 0, "start": "warm"} | changes)


def split_rows(corpus: Corpus, task) -> tuple[set[int], set[int]]:
    """Return the positives and the negatives of a pool, by the corpus' own labels."""
    is_positive = corpus.train.labels[task.rows] == 2
    return set(task.rows[is_positive].tolist()), set(task.rows[~is_positive].tolist())


# --- counts -----------------------------------------------------------------------------------------------------------


@given(sizes, sizes, ratios)
def test_counts_are_those_of_the_specification(positives, negatives, ratio):
    """By trying every number: the most positives that N negatives allow; if there are fewer, as many negatives fit."""
    wanted = max(n for n in range(negatives + 1) if n * (ratio - 1) <= negatives)
    counts = count_pool(positives, negatives, ratio, None)
    if positives >= wanted:
        assert (counts.positives, counts.negatives) == (wanted, negatives)
    else:
        assert (counts.positives, counts.negatives) == (positives, positives * (ratio - 1))
    assert counts.dropped_positives == positives - counts.positives >= 0
    assert counts.dropped_negatives == negatives - counts.negatives >= 0


@given(sizes, sizes, st.none() | st.integers(20, 500))
def test_the_natural_ratio_keeps_all_and_a_limit_the_same_share_of_both(positives, negatives, limit):
    counts, total = count_pool(positives, negatives, "natural", limit), positives + negatives
    kept = min(limit or total, total)
    assert kept - 1 <= counts.positives + counts.negatives <= kept
    assert abs(counts.positives - kept * positives / total) < 1
    assert abs(counts.negatives - kept * negatives / total) < 1
    assert (counts.dropped_positives, counts.dropped_negatives) == (
        positives - counts.positives,
        negatives - counts.negatives,
    )
    if kept == total:
        assert counts == PoolCounts(positives, negatives, 0, 0)


def test_positives_that_are_not_rarer_are_refused_at_the_natural_ratio_with_counts():
    said = "toy/rare at its natural ratio has 60 positives and 40 negatives, so they are not the rarer class"
    with pytest.raises(InfeasibleTaskError, match=said):
        build(corpus_of(60, 40), "natural")
    assert build(corpus_of(50, 50), "natural").facts.positives == 50
    with pytest.raises(InfeasibleTaskError, match="at ratio natural leaves 2 positives"):
        build(corpus_of(2, 40), "natural")


def test_the_natural_pool_holds_every_pool_of_a_numeric_ratio():
    corpus = corpus_of(30, 300)
    natural = build(corpus, "natural")
    assert (natural.facts.rows, natural.facts.dropped_positives, natural.facts.dropped_negatives) == (330, 0, 0)
    assert natural.prevalence == 30 / 330
    for ratio in (5, 20, 50):
        numeric = build(corpus, ratio)
        assert set(numeric.rows.tolist()) <= set(natural.rows.tolist())
        assert numeric.prevalence == 1 / ratio
    limited = build(corpus, "natural", limit=110)
    assert (limited.facts.positives, limited.facts.rows) == (10, 110)
    assert set(limited.rows.tolist()) <= set(natural.rows.tolist())


@given(sizes, sizes, ratios, st.integers(20, 500))
def test_a_limit_keeps_the_ratio_exactly_and_never_asks_for_more_than_there_is(positives, negatives, ratio, limit):
    whole = count_pool(positives, negatives, ratio, None)
    counts = count_pool(positives, negatives, ratio, limit)
    if whole.positives + whole.negatives <= limit:
        assert counts == whole
        return
    assert counts.positives * (ratio - 1) == counts.negatives
    assert counts.positives + counts.negatives <= limit < (counts.positives + 1) * ratio
    assert counts.positives <= whole.positives
    assert counts.negatives <= whole.negatives
    assert (counts.dropped_positives, counts.dropped_negatives) == (
        positives - counts.positives,
        negatives - counts.negatives,
    )


@given(sizes, sizes, ratios)
def test_positives_are_one_in_ratio_to_within_one_row(positives, negatives, ratio):
    counts = count_pool(positives, negatives, ratio, None)
    assert counts.positives * (ratio - 1) <= counts.negatives < (counts.positives + 1) * (ratio - 1)


@pytest.mark.parametrize(
    ("positives", "negatives", "ratio", "expected"),
    [
        (30_000, 90_000, 50, PoolCounts(1836, 90_000, 28_164, 0)),  # ag_news: floor(90000 / 49)
        (30_000, 90_000, 2, PoolCounts(30_000, 30_000, 0, 60_000)),  # ag_news at 2 keeps all positives
        (40_000, 520_000, 10, PoolCounts(40_000, 360_000, 0, 160_000)),  # dbpedia_14 at 10
        (29_780, 37_569, 1000, PoolCounts(37, 37_569, 29_743, 0)),  # sst2, positive class rare
    ],
)
def test_counts_of_the_papers_datasets(positives, negatives, ratio, expected):
    assert count_pool(positives, negatives, ratio, None) == expected


@pytest.mark.parametrize("ratio", [1, 0, -3])
def test_a_ratio_below_two_is_refused(ratio):
    with pytest.raises(SpecError, match=f"ratio {ratio} is not possible.* give 2 or more"):
        count_pool(10, 10, ratio, None)


# --- pools ------------------------------------------------------------------------------------------------------------


@given(st.integers(20, 80), st.integers(60, 300), st.integers(2, 12), st.integers(2, 12), st.booleans())
def test_pools_are_nested_across_ratios_and_limits(positives, negatives, ratio, other, limited):
    corpus = corpus_of(positives, negatives)
    limit = {"limit": 60} if limited else {}
    pools = [split_rows(corpus, build(corpus, r, **pool)) for r, pool in ((ratio, limit), (other, {}))]
    for one, two in zip(*pools, strict=True):  # positives with positives, negatives with negatives
        assert one <= two or two <= one


@given(st.integers(20, 80), st.integers(60, 300), st.integers(2, 12))
def test_a_pool_holds_the_counted_rows_once_each_and_records_what_it_dropped(positives, negatives, ratio):
    corpus = corpus_of(positives, negatives)
    task, counts = build(corpus, ratio), count_pool(positives, negatives, ratio, None)
    found = split_rows(corpus, task)
    assert tuple(map(len, found)) == (counts.positives, counts.negatives)
    assert task.rows.tolist() == sorted(set(task.rows.tolist()))
    facts = task.facts
    assert (facts.rows, facts.positives) == (len(task.rows), counts.positives)
    assert (facts.dropped_positives, facts.dropped_negatives) == (counts.dropped_positives, counts.dropped_negatives)
    assert (facts.test_rows, facts.test_positives) == (4, 2)


def test_a_pool_is_the_first_rows_of_the_permutation_of_dataset_and_class():
    corpus = corpus_of(40, 90)
    everything = np.flatnonzero(corpus.train.labels == 2)
    order = seeds.generator("positives", dataset="toy", positive="rare").permutation(everything)
    assert split_rows(corpus, build(corpus, 10))[0] == set(order[:10].tolist())
    renamed = build_task(corpus, TASK.model_copy(update={"dataset": "twin"}), 10, "warm", PoolSettings(), SMALL_LOOP)
    assert split_rows(corpus, renamed)[0] != set(order[:10].tolist())
    assert not np.array_equal(np.sort(order[:10]), everything[:10])  # permuted, not in the order of the file


def test_start_and_loop_settings_leave_the_pool_alone():
    corpus = corpus_of(40, 90)
    warm, cold = build(corpus, 10), build(corpus, 10, start="cold", loop=LoopSettings(rounds=2))
    assert np.array_equal(warm.rows, cold.rows)


def test_all_positives_are_kept_where_there_are_too_few():
    corpus = corpus_of(20, 300)
    positives, negatives = split_rows(corpus, build(corpus, 5))
    assert positives == set(np.flatnonzero(corpus.train.labels == 2).tolist())
    assert len(negatives) == 80
    assert build(corpus, 5).facts.dropped_negatives == 220


def test_a_limited_pool_is_smaller_at_the_same_ratio():
    task = build(corpus_of(40, 300), 10, limit=55)
    assert (task.facts.rows, task.facts.positives) == (50, 5)


def test_an_unknown_class_is_refused():
    misspelt = Task(dataset="toy", positive="rar")
    with pytest.raises(UnknownNameError, match="Did you mean 'rare'"):
        build_task(corpus_of(20, 90), misspelt, 10, "warm", PoolSettings(), SMALL_LOOP)


# --- feasibility ------------------------------------------------------------------------------------------------------


@given(st.integers(0, 9), st.integers(0, 9), st.sampled_from(["warm", "cold"]), st.integers(0, 6), st.integers(1, 5))
def test_a_task_is_refused_if_and_only_if_too_little_is_left(positives, negatives, start, start_rows, minimum):
    loop = LoopSettings(start_positives=start_rows, start_negatives=start_rows, min_positives=minimum)
    taken = start_rows if start == "warm" else 0
    counts = PoolCounts(positives, negatives, dropped_positives=0, dropped_negatives=0)
    if positives >= taken + minimum and negatives >= taken:
        check_feasible(counts, TASK, 10, start, loop)
    else:
        with pytest.raises(InfeasibleTaskError) as error:
            check_feasible(counts, TASK, 10, start, loop)
        assert "\n" not in str(error.value)


def test_the_refusal_names_the_counts():
    corpus = corpus_of(40, 90)  # 1/10 leaves 10 positives: just enough for 5 + 5
    assert build(corpus, 10, loop=LoopSettings()).facts.positives == 10
    with pytest.raises(InfeasibleTaskError, match=r"toy/rare at ratio 1/11 leaves 9 positives, but 5 .* and 5 to find"):
        build(corpus, 11, loop=LoopSettings())
    assert build(corpus, 11, start="cold", loop=LoopSettings()).facts.positives == 9
    with pytest.raises(InfeasibleTaskError, match="leaves 6 positives"):
        build(corpus, 10, loop=LoopSettings(), limit=60)


# --- start set --------------------------------------------------------------------------------------------------------


@given(st.integers(0, 50), st.integers(1, 9), st.integers(1, 9))
def test_a_start_set_is_distinct_rows_of_the_pool_with_the_labels_asked_for(seed, n_pos, n_neg):
    corpus = corpus_of(40, 180)
    task = build(corpus, 10)
    rows = task.start_set(block(seed=seed), LoopSettings(start_positives=n_pos, start_negatives=n_neg))
    assert len(set(rows.tolist())) == n_pos + n_neg
    assert set(rows.tolist()) <= set(task.rows.tolist())
    assert (corpus.train.labels[rows] == 2).tolist() == [True] * n_pos + [False] * n_neg
    assert task.oracle().reveal(rows).tolist() == [1] * n_pos + [0] * n_neg


def test_a_start_set_depends_on_the_blocks_seed():
    task = build(corpus_of(40, 180), 10)
    draws = [task.start_set(block(seed=seed), SMALL_LOOP).tolist() for seed in range(20)]
    assert draws == [task.start_set(block(seed=seed), SMALL_LOOP).tolist() for seed in range(20)]
    assert len(set(map(tuple, draws))) == 20
    seen = {row for rows in draws for row in rows}
    assert len(seen) > 40  # all over the pool: 20 draws of 5 among 200


def test_a_cold_start_labels_nothing():
    rows = build(corpus_of(40, 180), 10, start="cold").start_set(block(start="cold"), SMALL_LOOP)
    assert (rows.shape, rows.dtype) == ((0,), np.int64)


# --- oracle and test set ----------------------------------------------------------------------------------------------


def test_the_oracle_reveals_true_labels_in_the_order_asked_and_counts():
    corpus = corpus_of(40, 180)
    task = build(corpus, 10)
    oracle, order = task.oracle(), np.random.default_rng(0).permutation(task.rows)
    assert oracle.reveal(order[:30]).tolist() == (corpus.train.labels[order[:30]] == 2).astype(int).tolist()
    oracle.reveal(order[30:50])
    assert oracle.revealed == 50
    assert task.oracle().revealed == 0


def test_the_test_set_is_whole_and_relabelled():
    corpus = corpus_of(40, 90, test=[1, 0, 0, 1, 0] * 20)
    task = build(corpus, 10)
    assert task.test_rows.tolist() == list(range(100))
    assert task.test_labels.tolist() == [1, 0, 0, 1, 0] * 20


def test_a_test_limit_draws_rows_by_dataset_alone():
    corpus = corpus_of(40, 90, test=[1, 0, 0, 1, 0] * 20)
    limited, larger = build(corpus, 10, test_limit=30), build(corpus, 3, start="cold", test_limit=50)
    rows = limited.test_rows.tolist()
    assert rows == sorted(set(rows))
    assert len(rows) == limited.facts.test_rows == 30
    assert set(rows) < set(larger.test_rows.tolist())
    assert limited.test_labels.tolist() == [int(corpus.test.labels[row] == 2) for row in rows]
    assert rows != list(range(30))
    of_another_class = build_task(
        corpus, Task(dataset="toy", positive="usual"), 3, "warm", PoolSettings(test_limit=30), SMALL_LOOP
    )
    assert of_another_class.test_rows.tolist() == rows
    assert build(corpus, 10, test_limit=100).test_rows.tolist() == list(range(100))


@pytest.mark.parametrize(("test", "count"), [([0, 0, 0], 0), ([1, 1, 1], 3)])
def test_a_test_set_of_one_class_is_refused(test, count):
    with pytest.raises(DataError, match=f"holds {count} positives among 3 rows; both classes are needed") as error:
        build(corpus_of(40, 90, test=test), 10)
    assert "\n" not in str(error.value)


def test_labels_of_the_pool_follow_the_class_asked_for():
    corpus = corpus_of(60, 90)
    task = build_task(corpus, Task(dataset="toy", positive="common"), 3, "warm", PoolSettings(), SMALL_LOOP)
    assert task.oracle().reveal(task.rows).tolist() == (corpus.train.labels[task.rows] == 0).astype(int).tolist()
    other = replace(corpus, label_names=("rare", "usual", "common"))  # names, not numbers, decide
    twin = build_task(other, TASK, 3, "warm", PoolSettings(), SMALL_LOOP)
    assert twin.oracle().reveal(twin.rows).tolist() == (corpus.train.labels[twin.rows] == 0).astype(int).tolist()


# --- oversampling -----------------------------------------------------------------------------------------------------


labellings = st.lists(st.sampled_from([0, 0, 0, 0, 0, 1]), min_size=1, max_size=80).map(np.array)


@given(labellings, st.integers(0, 99))
def test_oversampling_by_its_definition(labels, seed):
    positives, negatives = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    assume(len(positives))
    rows = oversample(labels, np.random.default_rng(seed))
    times = Counter(rows.tolist())
    assert all(times[row] == 1 for row in negatives.tolist())
    used = [times[row] for row in positives.tolist()]
    if len(positives) / len(labels) < 0.25:
        assert sum(used) == max(len(positives), int(np.ceil(len(negatives) / 3)))
    else:
        assert used == [1] * len(positives)
    assert max(used) - min(used) <= 1  # each is used before any is repeated again
    assert min(used) >= 1
    assert rows[: len(labels)].tolist() == list(range(len(labels)))
    for end in range(len(labels), len(rows) + 1):  # at every prefix of the replicas, too
        so_far = Counter(rows[:end].tolist())
        counts = [so_far[row] for row in positives.tolist()]
        assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize(("n_pos", "n_neg", "expected"), [(1, 3, 1), (1, 4, 2), (5, 5, 5), (5, 55, 19), (20, 60, 20)])
def test_positives_after_oversampling(n_pos, n_neg, expected):
    labels = np.array([1] * n_pos + [0] * n_neg)
    rows = oversample(labels, np.random.default_rng(0))
    assert int(labels[rows].sum()) == expected
    assert len(rows) == expected + n_neg


@given(st.integers(0, 50))
def test_without_any_positive_the_rows_stay_as_they_are(n_neg):
    rows = oversample(np.zeros(n_neg, dtype=np.int64), np.random.default_rng(0))
    assert rows.tolist() == list(range(n_neg))


def test_the_stream_decides_which_positives_are_replicated():
    labels = np.array([1] * 10 + [0] * 45)  # five more are wanted

    def replicas(seed: int) -> set[int]:
        return set(oversample(labels, np.random.default_rng(seed))[55:].tolist())

    assert replicas(0) == replicas(0)
    assert set().union(*map(replicas, range(30))) == set(range(10))
    assert len(set(map(frozenset, map(replicas, range(30))))) > 10
