"""The numbers behind figures: against scipy, by hand, and against the tables."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis import read_results, sections
from analysis.condition import conditions
from analysis.figures import nearest_texts, score_figure
from analysis.figures.curves import difference_curves, mean_curves, positives_found
from analysis.figures.effects import ALL_ALGORITHMS, by_ratio, by_task, wins
from analysis.figures.selected import score_distribution
from analysis.names import with_labels
from analysis.panels import against_last, first_against, over_units, panels, weightings
from analysis.selected_positives import informativeness
from analysis.stages import stage_seconds
from bench.records import METRICS, SCORE_BINS, Example, Informativeness
from bench.store import Store

TASKS = (("ag_news", "Sports"), ("ag_news", "World"), ("sst2", "positive"))


@pytest.fixture(scope="module")
def results(tmp_path_factory, factory):
    """Two ratios, three tasks, four seeds, two algorithms, three weightings."""
    path = tmp_path_factory.mktemp("figures") / "s"
    for ratio in (10, 50):
        factory.fill(path, tasks=TASKS, weightings=("uniform", "posprob", "invprop"), ratio=ratio)
    return read_results(Store(path))


@pytest.fixture(scope="module")
def figures(results):
    return sections(results)[0].figures


@pytest.fixture(scope="module")
def at_50(results):
    """(runs, rounds) of ratio 50, labelled."""
    return tuple(with_labels(frame[frame["ratio"] == 50]) for frame in (results.runs, results.rounds))


def arm(runs, **values):
    return runs[np.logical_and.reduce([runs[name] == value for name, value in values.items()])]


def gap(runs, metric, larger="InvProp", smaller="Uniform", **where):
    """Return matched differences as a frame of task, seed and algorithm, by pandas' own alignment of indexes."""
    index = ["dataset", "positive", "seed", "algorithm_label"]
    one, other = (arm(runs, weighting_label=label, **where).set_index(index)[metric] for label in (larger, smaller))
    return (one - other).rename("value").reset_index()


def interval_of(values):
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return pytest.approx((np.mean(values), low, high))


def only(frame, **values):
    (row,) = arm(frame, **values).itertuples()
    return row


# Units and differences


def test_units_by_hand():
    values = np.moveaxis(np.array([[[0.1, 0.3], [0.2, 0.4], [0.0, 0.2]], [[0.5, 0.7], [0.4, 0.2], [0.1, 0.5]]]), -1, 0)
    there = np.ones(values.shape, dtype=bool)
    by_seed, by_task = over_units(values, there, "seed"), over_units(values, there, "task")
    assert (by_seed["mean"], by_seed["low"], by_seed["high"]) == interval_of([0.4, 0.3, 0.2])
    assert (by_seed["n"], by_seed["left_out"]) == (3, 0)
    assert (by_task["mean"], by_task["low"], by_task["high"]) == interval_of([0.2, 0.4])


def test_a_seed_that_lacks_a_run_is_left_out_and_counted():
    values = np.moveaxis(np.array([[[0.1, 0.3], [0.2, 0.4], [0.0, 0.2]], [[0.5, 0.7], [0.4, 0.2], [0.1, 0.5]]]), -1, 0)
    there = np.ones(values.shape, dtype=bool)
    values[1, 1, 1] = np.nan
    by_seed = over_units(values, there)
    assert (by_seed["n"], by_seed["left_out"]) == (2, 1)
    assert by_seed["mean"] == pytest.approx((0.4 + 0.2) / 2)
    assert over_units(values, there, "task")["mean"] == pytest.approx((0.2 + np.mean([0.6, 0.3])) / 2)
    there[:, 1] = False  # a task that nobody was to run takes no part
    assert over_units(values, there)["n"] == 3


def test_comparisons_start_with_invprop_and_end_with_uniform():
    labels = ["Uniform", "mine", "InvProp (bins=5)", "PosProb", "InvProp (bins=10)", "mine"]
    assert weightings(labels) == ["InvProp (bins=10)", "InvProp (bins=5)", "PosProb", "mine", "Uniform"]
    assert first_against(labels)[0] == ("InvProp (bins=10)", "InvProp (bins=5)")
    assert against_last(labels)[-1] == ("mine", "Uniform")
    assert first_against([]) == against_last(labels[:1]) == []


def panel_of(results, ratio=50):
    (condition,) = conditions(results)
    return next(panel for panel in panels(condition) if panel.ratio == ratio)


def auc_gap(results):
    panel = panel_of(results)
    return panel.difference(("InvProp", "Uniform"), panel.cube.column("auc"))


def test_runs_made_under_different_conditions_are_no_pair(results):
    before, _ = auc_gap(results)
    runs = results.runs.copy()
    lost = runs.index[(runs["weighting"] == "invprop") & (runs["ratio"] == 50)][0]
    runs.loc[lost, "pair_key"] = "another"
    after, there = auc_gap(replace(results, runs=runs))
    assert (np.isnan(before).sum(), np.isnan(after).sum(), there.sum()) == (0, 1, 24)
    assert np.isnan(auc_gap(replace(results, runs=runs.assign(pair_key="")))[0]).all()


def test_a_run_without_a_partner_stays_as_a_hole(results):
    runs = results.runs
    lost = runs.index[(runs["weighting"] == "uniform") & (runs["ratio"] == 50)][0]
    values, there = auc_gap(replace(results, runs=runs.drop(index=lost)))
    assert (there.sum(), np.isnan(values[there]).sum()) == (24, 1)


# What the figures show


def test_curves_end_in_the_means_of_the_last_round(at_50, results):
    runs, _ = at_50
    means = mean_curves(panel_of(results))
    for row in arm(means, round=2).itertuples():
        own = arm(runs, algorithm_label=row.algorithm_label, weighting_label=row.weighting_label)
        if row.metric != "positives_ratio":  # the factory counts whole positives in its rounds
            assert row.mean == pytest.approx(own[row.metric].mean())
        assert (row.n, row.labelled) == (12, 110)
    assert arm(means, metric="positives_ratio")["round"].min() == 1


def test_bands_are_of_the_paired_difference_over_seeds(at_50, results):
    curves = difference_curves(panel_of(results))
    assert set(zip(curves["larger"], curves["smaller"], strict=True)) == {
        ("InvProp", "Uniform"),
        ("PosProb", "Uniform"),
    }
    value = gap(at_50[0], "auc", "PosProb", algorithm_label="BADGE")
    row = only(curves, algorithm_label="BADGE", larger="PosProb", metric="auc", round=2)
    assert (row.mean, row.low, row.high) == interval_of(value.groupby("seed")["value"].mean())
    assert (row.n, row.left_out, row.labelled) == (4, 0, 110)


def test_chance_finds_the_mean_of_the_hypergeometric_and_never_more_than_there_is(at_50, results):
    _, rounds = at_50
    found = positives_found(panel_of(results))
    row = only(found, algorithm_label="Random", weighting_label="InvProp", round=2)
    chance = stats.hypergeom(5000 - 10, 100 - 5, 100).mean()  # the factory's pool without its start set
    assert (row.selected, row.expected, row.ceiling) == (100, pytest.approx(chance), 95)
    assert only(found, algorithm_label="Random", weighting_label="InvProp", round=1).ceiling == 50
    own = arm(rounds, algorithm_label="Random", weighting_label="InvProp", round=2)
    assert row.found == own["selected_positives"].mean()


def test_effects_by_ratio_and_over_all_algorithms(results):
    runs = with_labels(results.runs)
    table = by_ratio([panel_of(results, ratio) for ratio in (10, 50)])
    assert table["algorithm_label"].iloc[0] == ALL_ALGORITHMS
    for ratio, algorithm in itertools.product((10, 50), ("BADGE", ALL_ALGORITHMS)):
        where = {"ratio": ratio} | ({} if algorithm == ALL_ALGORITHMS else {"algorithm_label": algorithm})
        values = gap(runs, "auc", **where).groupby("seed")["value"].mean()
        row = only(table, ratio=ratio, algorithm_label=algorithm, smaller="Uniform", metric="auc")
        assert (row.mean, row.low, row.high) == interval_of(values)


def test_effects_by_task_and_over_tasks(at_50, results):
    table, values = by_task(panel_of(results)), gap(at_50[0], "balanced_accuracy")
    table = arm(table, smaller="Uniform", metric="balanced_accuracy")
    sports = values[values["positive"] == "Sports"].groupby("seed")["value"].mean()
    row = only(table, dataset="ag_news", positive="Sports")
    assert (row.mean, row.low, row.high) == interval_of(sports)
    these = only(table, dataset="", unit="seed")
    assert (these.mean, these.low, these.high) == interval_of(values.groupby("seed")["value"].mean())
    like = only(table, dataset="", unit="task")
    assert (like.mean, like.low, like.high) == interval_of(values.groupby(["dataset", "positive"])["value"].mean())


def test_wins_ties_and_losses_are_counted(tmp_path, factory):
    store = Store(tmp_path / "s", create=True)
    for seed, (ours, theirs) in enumerate([(0.9, 0.8), (0.8, 0.8), (0.5, 0.8), (0.9, 0.8), (0.9, None)]):
        store.write(factory.a_run(weighting="invprop", seed=seed, auc=ours))
        if theirs is not None:
            store.write(factory.a_run(weighting="uniform", seed=seed, auc=theirs))
    row = only(wins(panel_of(read_results(store))), metric="auc")
    assert (row.win, row.tie, row.loss, row.missing) == (2, 1, 1, 1)


def with_scores(run, p, w, selected):
    """The run with these scores in round 1."""
    edges = np.arange(SCORE_BINS + 1) / SCORE_BINS
    first = run.rounds[1].model_copy(
        update={
            "pool_p": tuple(np.histogram(p, edges)[0].tolist()),
            "pool_w": tuple((np.histogram(p, edges, weights=w)[0] / np.sum(w)).tolist()),
            "selected_p": tuple(np.array(p)[selected]),
        }
    )
    return run.model_copy(update={"rounds": (run.rounds[0], first, *run.rounds[2:])})


def test_figure_1_adds_up(factory):
    p, w = [0.01, 0.02, 0.49, 0.5, 1.0], [1.0, 1.0, 2.0, 2.0, 4.0]
    record = with_scores(factory.a_run("random", "invprop"), p, w, [0, 4])
    data = score_distribution(record)
    assert set(data["round"]) == {1}
    rows = {round(row.low, 2): (row.rows, row.selected, round(row.weight, 6)) for row in data.itertuples()}
    assert rows == {low / 20: (0, 0, 0.0) for low in range(20)} | {
        0.0: (2, 1, 0.2),
        0.45: (1, 0, 0.2),
        0.5: (1, 0, 0.2),
        0.95: (1, 1, 0.4),
    }
    assert "random+invprop" in score_figure(record).title
    assert score_figure(factory.a_run()) is None


def measured(run, pairwise, to_start, *examples):
    return run.model_copy(
        update={"informativeness": Informativeness(pairwise=pairwise, to_start=to_start, examples=examples)}
    )


def test_informativeness_is_of_the_last_round_and_needs_every_task_of_a_seed(tmp_path, factory):
    store = Store(tmp_path / "s", create=True)
    for seed, (one, other) in enumerate([(0.2, 0.4), (0.4, 0.8), (0.1, None)]):
        store.write(measured(factory.a_run(seed=seed), (None, one), (0.9, 0.5)))
        store.write(measured(factory.a_run(seed=seed, positive="World"), (0.3, other), (0.9, 0.5)))
    store.write(factory.a_run("badge"))  # an old record
    table = informativeness(panel_of(read_results(store)))
    row = only(table, algorithm_label="Random", metric="pairwise_distance")
    assert (row.n, row.left_out) == (2, 1)
    assert (row.mean, row.low, row.high) == interval_of([0.3, 0.6])
    assert only(table, algorithm_label="Random", metric="start_distance").mean == 0.5
    assert np.isnan(only(table, algorithm_label="BADGE", metric="start_distance").mean)


def test_a_weighting_that_only_failed_is_compared_with_none(tmp_path, factory):
    store = factory.fill(tmp_path / "s", weightings=("posprob", "invprop"))
    store.write(factory.a_run("random", "uniform", status="failed", reason="NaN loss"))
    panel = panel_of(read_results(store))
    assert panel.weightings == ("InvProp", "PosProb", "Uniform")
    assert set(difference_curves(panel)["smaller"]) == set(by_task(panel)["smaller"]) == {"PosProb"}


def test_nearest_texts_are_those_recorded(factory):
    example = Example(row=7, text="a text", nearest_row=3, nearest_text="another", distance=0.25)
    records = [factory.a_run(), measured(factory.a_run("badge", seed=3), (None, 0.1), (0.1, 0.2), example)]
    (row,) = nearest_texts(records).itertuples()
    assert (row.strategy, row.seed, row.distance, row.text) == ("badge+uniform", 3, 0.25, "a text")
    assert (row.row, row.nearest_row, row.nearest_text) == (7, 3, "another")
    assert not len(nearest_texts(records[:1]))


def test_the_example_is_invprops_at_the_papers_ratio_and_its_block_holds_every_strategy(results):
    (section,) = sections(results)
    runs = results.runs.set_index("key")
    example = runs.loc[section.example]
    assert (example["algorithm"], example["weighting"], example["ratio"]) == ("random", "invprop", 50)
    block = runs.loc[list(section.block)]
    assert section.example in section.block
    assert list(zip(block["algorithm"], block["weighting"], strict=True)) == list(
        itertools.product(("badge", "random"), ("invprop", "posprob", "uniform"))
    )
    assert len(block[["ratio", "start", "dataset", "positive", "seed"]].drop_duplicates()) == 1


def test_seconds_per_stage_are_summed_over_rounds(at_50):
    times = stage_seconds(at_50[1])
    assert list(dict.fromkeys(times["stage"])) == ["fit", "select"]  # three rounds of 2 and of 0.5 seconds
    assert {(row.stage, row.seconds, row.n) for row in times.itertuples()} == {("fit", 6.0, 12), ("select", 1.5, 12)}


# All of them


def test_every_figure_has_a_name_of_its_own_and_says_its_unit(figures):
    names = [figure.name for figure in figures]
    assert len(names) == len(set(names)) == 2 * 11 + 3
    assert {figure.drawing for figure in figures} >= {"curves", "positives", "ratios", "forest", "effect-map", "wins"}
    said = {figure.drawing: figure.caption for figure in figures}
    assert all("over seeds" in said[drawing] for drawing in ("curves", "ratios", "forest"))
    assert "3 tasks and 4 seeds" in said["curves"]
    assert not any("missing" in caption for caption in said.values())


def test_a_missing_run_is_said_under_every_figure_it_is_missing_in(results):
    lost = results.runs[results.runs["weighting"] == "uniform"].iloc[0]
    runs = results.runs[results.runs["key"] != lost["key"]]
    rounds = results.rounds[results.rounds["key"].isin(runs["key"])]
    (section,) = sections(replace(results, runs=runs, rounds=rounds))
    said = [
        figure for figure in section.figures if "missing" in figure.caption or "without a partner" in figure.caption
    ]
    drawings = {figure.drawing for figure in said}
    assert drawings == {"curves", "forest", "wins", "ratios"}
    assert len(said) == 3 + 2 + 3  # one ratio's curves, its comparisons, ratios


@pytest.mark.parametrize("weighting", ["uniform", "invprop"])
def test_one_run_gives_only_figures_that_show_something(tmp_path, factory, weighting):
    store = Store(tmp_path / "s", create=True)
    store.write(factory.a_run(weighting=weighting))
    figures = sections(read_results(store))[0].figures
    assert [figure.drawing for figure in figures] == ["curves"] * len(METRICS) + ["positives", "times"]
    assert all("Below" not in figure.caption and "1 task and 1 seed" in figure.caption for figure in figures[:3])
