"""Any stored metric in tables, explanations and comparisons: by its facts, and in its own direction."""

import pytest
from gate_tools import BASELINE, CANDIDATE, a_plan, places, verdict_on

from analysis import explain, read_results, sections
from analysis.facts import facts_of
from analysis.names import metric_title, ratio_label, ratio_level, ratio_short, ratio_slug, stored_metric
from analysis.results import IDENTITY
from bench.errors import SpecError
from bench.metrics.base import RESERVED
from bench.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory, factory) -> Store:
    """InvProp has the smaller Brier score, by 0.05, on two tasks and four seeds, and the larger AUC."""
    store = Store(tmp_path_factory.mktemp("metrics") / "s", create=True)
    for dataset, positive in (("ag_news", "Sports"), ("sst2", "positive")):
        for seed in range(4):
            for weighting, better in (("uniform", 0.0), ("invprop", 0.05)):
                noise = 0.001 * seed * (1 + better)
                store.write(
                    factory.a_run(
                        weighting=weighting, seed=seed, dataset=dataset, positive=positive,
                        auc=0.8 + better + noise, brier=0.2 - better - noise,
                    )
                )  # fmt: skip
    return store


def test_a_table_shows_the_metrics_asked_for_and_says_which_way_is_better(store):
    (section,) = sections(read_results(store), ["brier", "auc"])
    table = section.table("T8")
    assert [group.title for group in table.groups] == ["Brier score (lower is better)", "ROC-AUC"]
    assert "Brier score (lower is better): tests ask whether it is smaller" in table.caption
    (row,) = table.rows
    cells = dict(zip(table.columns, row.cells, strict=True))
    brier = {column: cells["Brier score (lower is better)", column] for column in ("InvProp", "Uniform")}
    assert brier["InvProp"].value < brier["Uniform"].value
    assert brier["InvProp"].bold
    assert not brier["Uniform"].bold
    (test,) = brier["InvProp"].tests
    assert test.difference == pytest.approx(0.05, abs=2e-3)
    assert test.estimate == pytest.approx(0.05, abs=2e-3)
    low, high = brier["InvProp"].interval
    assert low < brier["InvProp"].value < high
    (highest,) = (line for line in section.findings if line.text.startswith("Highest"))
    assert f"Brier score (lower is better) {brier['InvProp'].text} (" in highest.text
    curves = {figure.name for figure in section.figures if figure.drawing == "curves"}
    assert curves == {"curves-brier-ratio50-warm", "curves-auc-ratio50-warm"}


def test_a_number_of_another_metric_leads_to_its_runs(store):
    found = explain(store, ["T8", "brier", "invprop"])
    assert found.metric == "brier"
    assert found.runs["value"].mean() == pytest.approx(found.cell.value)


def test_labels_saved_are_shown_where_asked_for(store):
    """The factory's curves rise by 0.05 in AUC with each round of 50 labels, and InvProp is a round ahead."""
    results = read_results(store)
    (section,) = sections(results, ["auc", "labels_saved"])
    table = section.table("labels-saved")
    assert [group.title for group in table.groups] == ["ROC-AUC"]
    assert [row.labels[2] for row in table.rows] == ["ag_news", "sst2"]
    for row in table.rows:
        assert row.labels[-1] == "InvProp"
        needed, saved, low, high, censored = row.cells
        assert (needed.text, saved.text) == (">110", ">0")
        assert (low.text, high.text, censored.text) == ("∞", "∞", "1.00")
        assert len(needed.runs) == 8
    (plain,) = sections(results)
    assert plain.saved is None


def test_a_strategy_that_ends_where_the_baseline_was_before_saves_no_label(tmp_path, factory):
    store = Store(tmp_path / "s", create=True)
    for seed in range(3):
        store.write(factory.a_run(seed=seed, auc=0.8))
        store.write(factory.a_run("badge", seed=seed, auc=0.775))
    (section,) = sections(read_results(store), ["labels_saved", "auc"])
    (row,) = section.table("labels-saved").rows
    assert [cell.text for cell in row.cells] == ["85", "-25", "-25", "-25", "0.00"]  # 60 to 110 labels: .75 to .80


def test_the_default_tables_are_the_papers(store):
    (section,) = sections(read_results(store))
    assert [group.title for group in section.table("T8").groups] == ["Balanced accuracy", "ROC-AUC", "Positives ratio"]


def test_a_metric_that_no_run_has_is_refused_with_what_adds_it(store):
    runs = read_results(store).runs
    assert stored_metric("ba", runs) == "balanced_accuracy"
    with pytest.raises(SpecError, match=r"no run here has the metric ece; imbal-bench rescore STORE --metrics ece"):
        stored_metric("ece", runs)
    with pytest.raises(SpecError, match="unknown metric 'key'"):
        stored_metric("key", runs)


def test_a_gate_takes_a_smaller_brier_score_for_the_better_one(store):
    tasks = places((("ag_news", "Sports"), ("sst2", "positive")))
    plan = {"margins": {"brier": 0.01, "auc": 0.01}, "looks": (4,), "places": tasks}
    better = verdict_on(a_plan(**plan), store)
    assert better.plan.metrics == ("auc", "brier")
    assert [it.metric for it in better.suite if it.estimate > 0.04] == ["auc", "brier"]
    assert better.exit_code == 0
    worse = verdict_on(a_plan(**plan, candidate=BASELINE, baseline=CANDIDATE), store)
    assert all(it.estimate < -0.04 for it in worse.suite)
    assert (worse.outcome, worse.exit_code) == ("regression", 1)


def test_no_metric_can_take_a_columns_name(store, factory):
    facts = facts_of(next(store.records()))
    stored = {"balanced_accuracy", "auc", "positives_ratio", "brier"}
    assert {*facts["outcome"], *facts["rounds"][0], *facts["identity"], *IDENTITY} - stored - RESERVED == {
        "seconds_select",
        "seconds_fit",
    }


def test_a_plugins_metric_that_is_not_known_here_prints_by_its_name():
    assert metric_title("of_somebody") == "of_somebody"


# --- the natural ratio ------------------------------------------------------------------------------------------------


def test_the_natural_ratio_is_a_level_of_its_own(tmp_path, factory):
    store = Store(tmp_path / "s", create=True)
    for ratio in (50, "natural"):
        for weighting in ("uniform", "invprop"):
            for seed in range(2):
                store.write(factory.a_run(weighting=weighting, seed=seed, ratio=ratio, auc=0.7 + seed / 10))
    (section,) = sections(read_results(store))
    table = section.table("T8")
    assert [row.labels[0] for row in table.rows] == ["natural (1/50)", "50"]
    assert all(cell.n == 2 for row in table.rows for cell in row.cells)
    t4 = section.table("T4")
    assert [row.labels for row in t4.rows] == [("2",), ("10",), ("20",), ("50",), ("100",)]
    assert sum(cell.n for row in t4.rows for cell in row.cells) == 2 * 3 * 2
    names = {figure.name for figure in section.figures}
    assert {"curves-auc-natural-warm", "curves-auc-ratio50-warm"} <= names
    assert not any(name.startswith("ratios-") for name in names)
    assert any("natural ratio take part in no table of numeric ratios" in line for line in section.doubts)
    found = explain(store, ["T8", "natural", "auc", "InvProp"])
    assert set(found.runs["ratio"]) == {"natural"}


def test_where_all_runs_are_at_the_natural_ratio_nothing_is_missing(factory):
    (section,) = sections(factory.results(factory.grid(tasks=(("mine", "rare"),), ratios=("natural",), seeds=range(2))))
    assert section.doubts == ()


def test_ratios_are_spelt_in_one_way():
    assert [ratio_level(one) for one in ("natural", "natural (1/1.8)", 50, "50")] == [0, 0, 50, 50]
    assert [ratio_label(0), ratio_label(0, 1 / 23.4), ratio_label(50)] == ["natural", "natural (1/23.4)", "50"]
    assert [ratio_short(0), ratio_short(50)] == ["natural", "1/50"]
    assert [ratio_slug(0), ratio_slug(50)] == ["natural", "ratio50"]
