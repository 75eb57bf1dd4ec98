"""Who does best: ranks, differences and penalties against what one would compute by hand."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from analysis import sections
from analysis.comparisons import compare
from analysis.leaderboard import regret_of
from analysis.pairwise import AllPairs
from analysis.stats import holm
from analysis.stats.interval import t_of_present
from analysis.stats.signed_rank import bayesian_signed_rank
from analysis.summaries import Mean
from bench.metrics.labels_saved import LabelsSavedMetric
from bench.records import METRICS

TASKS = (("ag_news", "Sports"), ("ag_news", "World"), ("sst2", "positive"))


def results_of(factory, identities, rng=None):
    """Runs whose AUC is the algorithm's, the weighting's and noise; curves rise by round to it."""
    rng = rng or np.random.default_rng(1)
    better = identities["algorithm"].map({"random": 0.0, "badge": 0.05, "cal": 0.052}).to_numpy()
    better = better + identities["weighting"].map({"uniform": 0.0, "invprop": 0.03}).to_numpy()
    noise = rng.normal(0, 0.01, (len(identities), 3))
    found = factory.results(identities, values=0.6 + better[:, None] + noise)
    last = found.rounds["key"].map(found.runs.set_index("key")["auc"])
    auc = last - 0.05 * (2 - found.rounds["round"])
    return type(found)(**{**found.__dict__, "rounds": found.rounds.assign(auc=auc)})


@pytest.fixture(scope="module")
def standing(factory):
    grid = factory.grid(tasks=TASKS, seeds=range(5), algorithms=("random", "badge", "cal"))
    (section,) = sections(results_of(factory, grid))
    (one,) = section.standings
    return one


@pytest.fixture(scope="module")
def board(standing):
    return standing.board


def test_ranks_are_those_of_the_means(board):
    own = board.panel.labelled.groupby(["algorithm_label", "weighting_label"])["auc"].mean()
    expected = [f"{algorithm}+{weighting}" for algorithm, weighting in own.sort_values(ascending=False).index]
    assert [board.names[at] for at in board.order] == expected
    assert board.table["rank"].iloc[board.order].tolist() == [1, 2, 3, 4, 5, 6]


def test_mean_ranks_are_those_within_each_task_and_seed(board):
    runs = board.panel.labelled
    name = runs["algorithm_label"] + "+" + runs["weighting_label"]
    ranks = runs.assign(name=name, rank=runs.groupby(["dataset", "positive", "seed"])["auc"].rank(ascending=False))
    by_seed = ranks.pivot_table(index="name", columns="seed", values="rank")
    for it in board.table.itertuples():
        own = by_seed.loc[it.strategy].to_numpy()
        assert it.mean_rank == pytest.approx(own.mean())
        low, high = stats.t.interval(0.95, len(own) - 1, own.mean(), stats.sem(own))
        assert (it.rank_low, it.rank_high) == pytest.approx((low, high), nan_ok=True)


def test_differences_to_random_are_those_of_the_comparison_frames(board):
    reference = board.places[board.baseline]
    pairs = [(place, reference) for place in board.places if place != reference]
    expected = compare(board.panel.selection, Mean(), METRICS, pairs, two_sided=True)
    pd.testing.assert_frame_equal(board.against_baseline.drop(columns="strategy"), expected)


def test_all_pairs_are_those_of_the_comparison_frames(board):
    found = AllPairs(board)
    places = [(board.places[one], board.places[other]) for one, other in found.pairs]
    expected = compare(board.panel.selection, Mean(), ("auc",), places, two_sided=True)
    for ours, theirs in (("difference", "estimate"), ("low", "low"), ("high", "high"), ("p_holm", "p_holm")):
        np.testing.assert_allclose(found.table[ours], expected[theirs].astype(float), rtol=0, atol=1e-12)
    assert (found.table[["win", "tie", "loss"]].sum(axis=1) == 15).all()


def test_labels_saved_are_those_of_the_metric(board):
    panel, names = board.panel, board.names
    curves = {}
    for (algorithm, weighting), own in panel.rounds.groupby(["algorithm_label", "weighting_label"]):
        curves[f"{algorithm}+{weighting}"] = own.pivot_table(index="seed", columns="round", values="auc").to_numpy()
    for at, name in enumerate(names):
        found = LabelsSavedMetric.compute([10, 60, 110], curves["Random+Uniform"], curves[name])
        assert board.table["needed"].iloc[at] == pytest.approx(found.needed)
        assert board.table["saved"].iloc[at] == pytest.approx(found.saved)


def by_hand(board, checkpoints, *, corrected):
    """BADGE's penalty matrix by loops and scipy."""
    panel, count = board.panel, len(board.places)
    rounds = panel.rounds.assign(name=panel.rounds["algorithm_label"] + "+" + panel.rounds["weighting_label"])
    found = np.zeros((count, count))
    for _, task in rounds.groupby(["dataset", "positive"]):
        for number in checkpoints:
            own = task[task["round"] == number].pivot_table(index="seed", columns="name", values="auc")
            pairs = list(combinations(range(count), 2))
            tests = [stats.ttest_rel(own[board.names[one]], own[board.names[other]]) for one, other in pairs]
            p = holm([test.pvalue for test in tests]) if corrected else [test.pvalue for test in tests]
            for (one, other), test, value in zip(pairs, tests, p, strict=True):
                if value < 0.05:
                    winner, loser = (one, other) if test.statistic > 0 else (other, one)
                    found[winner, loser] += 1 / len(checkpoints)
    return found


@pytest.mark.parametrize("corrected", [False, True])
def test_penalties_are_those_of_a_loop_over_tasks_and_checkpoints(board, corrected):
    found = AllPairs(board)
    assert found.checkpoints == [1, 2]
    expected = by_hand(board, found.checkpoints, corrected=corrected)
    assert expected.sum() > 3  # there is something to find
    np.testing.assert_allclose(found.penalties(corrected=corrected), expected, atol=1e-12)
    assert found.chance == pytest.approx(3 * 0.025)


def test_runs_that_must_not_be_paired_are_no_pairs(factory):
    grid = factory.grid(tasks=TASKS[:1], seeds=range(3))
    results = factory.results(grid)
    odd = (results.runs["seed"] == 1) & (results.runs["algorithm"] == "badge")
    runs = results.runs.assign(pair_key=results.runs["pair_key"].where(~odd, "other"))
    ((one,),) = [section.standings for section in sections(type(results)(**{**results.__dict__, "runs": runs}))]
    table = AllPairs(one.board).table
    mixed = [one.board.names[a].split("+")[0] != one.board.names[b].split("+")[0] for a, b in one.pairs.pairs]
    assert table["n"].tolist() == [2 if differ else 3 for differ in mixed]


@given(
    arrays(float, st.integers(2, 8), elements=st.floats(-0.05, 0.05).map(lambda value: round(value, 3))),
    st.sampled_from([0.0, 0.01]),
)
def test_the_posterior_is_that_of_the_definition(differences, rope):
    """Sums over all pairs of the pseudo-observation 0 and the differences, draw by draw (Benavoli et al. 2017)."""
    weights = np.random.RandomState(3).dirichlet([0.5, *np.ones(len(differences))], 30)
    values, counts = [0.0, *differences], np.zeros(3)
    for w in weights:
        mass = np.zeros(3)
        for i, j in product(range(len(values)), repeat=2):
            total = values[i] + values[j]
            if abs(total) == 2 * rope:  # on the border: half to either side of it
                mass[[1, 1 + int(np.sign(total))] if rope else [0, 2]] += w[i] * w[j] / 2
            else:
                mass[1 + int(np.sign(total)) * (abs(total) > 2 * rope)] += w[i] * w[j]
        counts[mass.argmax()] += 1
    found = bayesian_signed_rank(differences, rope, weights)
    assert (found.below, found.within, found.above) == tuple(counts / 30)


@pytest.mark.parametrize(
    ("differences", "printed"),
    [
        ([0.012, -0.004, 0.03, 0.021, 0.008], (0.0, 0.28, 0.72)),
        ([0.0, 0.01, -0.02, 0.004, -0.006, 0.011, 0.02], (0.0, 0.96, 0.04)),
        ([-0.03, 0.002, 0.002, -0.015], (0.5, 0.5, 0.0)),
    ],
)
def test_the_posterior_is_what_baycomp_printed(differences, printed):
    """``baycomp`` 1.0.3: ``SignedRankTest.sample(zeros, differences, rope=.01, nsamples=50, random_state=3)``.

    Its values are written down, since its wheel installs a package ``tests`` that hides ours.
    """
    weights = np.random.RandomState(3).dirichlet([0.5, *np.ones(len(differences))], 50)
    found = bayesian_signed_rank(np.array(differences), 0.01, weights)
    assert (found.below, found.within, found.above) == printed


@given(arrays(float, (3, 5), elements=st.one_of(st.just(np.nan), st.floats(-1, 1).map(lambda value: round(value, 2)))))
def test_t_of_what_is_present_is_scipys(values):
    n, t, p = t_of_present(values)
    for own, count, statistic, tail in zip(values, n, t, p, strict=True):
        held = own[~np.isnan(own)]
        assert count == len(held)
        if len(held) < 2 or np.ptp(held) == 0:
            assert np.isnan(tail)
        else:
            expected = stats.ttest_1samp(held, 0.0, alternative="greater")
            assert (statistic, tail) == pytest.approx((expected.statistic, expected.pvalue), abs=1e-9)


def test_regret_is_what_the_choice_on_the_others_loses(board):
    found = regret_of(board)
    runs = board.panel.labelled
    runs = runs.assign(name=runs["algorithm_label"] + "+" + runs["weighting_label"])
    by_task = runs.pivot_table(index=["dataset", "positive"], columns="name", values="auc")
    for dataset, (name, regret) in found.each.items():
        of_it = by_task.index.get_level_values(0) == dataset
        here, others = by_task[of_it].mean(), by_task[~of_it].mean()
        assert others.idxmax() == name
        assert regret == pytest.approx(here.max() - here[name])
        assert found.baseline[dataset] == pytest.approx(here.max() - here["Random+Uniform"])
    assert found.worst >= found.mean >= 0


def test_the_sentence_is_short_and_says_who_leads_and_how_surely(standing):
    assert standing.board.lead.startswith(f"At ratio 1/50, {standing.board.names[standing.board.order[0]]} ranks first")
    assert len(standing.board.lead.split()) <= 25
    alike = sum(not p < 0.05 for p in standing.board.apart.values())
    assert f"{alike} of 5 others" in standing.board.lead
    assert standing.advice[0].startswith("Recommended: ")


@pytest.mark.parametrize(
    ("algorithms", "weightings", "seeds", "said"),
    [
        (("badge",), ("uniform",), 3, "BADGE+Uniform is the only strategy"),
        (("badge", "random"), ("uniform",), 1, "too few seeds to distinguish it from the other"),
    ],
)
def test_a_sentence_where_there_is_little_to_compare(factory, algorithms, weightings, seeds, said):
    grid = factory.grid(algorithms=algorithms, weightings=weightings, seeds=range(seeds))
    ((one,),) = [section.standings for section in sections(factory.results(grid))]
    assert said in one.board.lead
    assert one.table.rows


def test_a_strategy_without_a_task_is_listed_and_not_ranked(factory):
    grid = factory.grid(tasks=TASKS, seeds=range(2))
    kept = grid[(grid["algorithm"] != "badge") | (grid["positive"] != "World")].reset_index(drop=True)
    ((one,),) = [section.standings for section in sections(factory.results(kept))]
    last = one.table.rows[-2:]
    assert {row.labels[0] for row in last} == {"BADGE+Uniform", "BADGE+InvProp"}
    assert all(row.cells[0].note == "not ranked: it has no run of some task" for row in last)


def test_each_ratio_and_start_has_a_leaderboard_of_its_own(factory):
    grid = pd.concat([factory.grid(ratios=(10, 50), seeds=range(2)), factory.grid(starts=("cold",), seeds=range(2))])
    (section,) = sections(factory.results(grid.reset_index(drop=True)))
    addresses = [one.table.address for one in section.standings]
    assert addresses == ["T0-ratio10-warm", "T0-ratio50-warm", "T0-ratio50-cold"]
    assert section.table("t0-ratio10-warm") is section.standings[0].table


def test_the_penalty_matrix_after_holm_is_made_for_those_who_name_it(factory):
    (section,) = sections(factory.results(factory.grid(tasks=TASKS, seeds=range(3))))
    address = "penalties-holm-ratio50-warm"
    assert address not in {table.address for table in section.tables}
    expected = section.standings[0].pairs.penalties(corrected=True)
    order = section.standings[0].board.order
    for row, at in zip(section.table(address).rows, order, strict=False):
        shown = [cell.value for cell in row.cells if cell.text]
        assert shown == [expected[at, other] for other in order if other != at]


def test_own_data_are_not_held_against_the_paper_unless_asked(factory):
    results = factory.results(factory.grid(tasks=(("mine", "rare"),), seeds=range(2)))
    (section,) = sections(results)
    assert (section.numbered, section.not_run) == ((), {})
    assert not any(table.name.startswith("table") for table in section.tables)
    assert section.table("T8").rows  # it is there if it is named
    (held,) = sections(results, against_paper=True)
    assert "T8" in {one.table.address for one in held.numbered}


def test_rows_that_nobody_ran_are_left_out_with_one_line(factory):
    (section,) = sections(factory.results(factory.grid(seeds=range(2))))
    table = section.table("T4")
    assert [row.labels for row in table.shown] == [("50",)]
    (line,) = [note for note in table.notes if note.startswith("not run")]
    assert line == "not run, so left out: ratio 2; 10; 20; 100"
    assert not any("missing" in note for note in table.notes)
    assert "Table 6" not in " ".join(section.not_run.values())  # nobody planned extreme ratios
