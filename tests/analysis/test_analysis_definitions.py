"""Each table of the paper against an oracle that is written out, and what holds for all of them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.comparisons import Numbers
from analysis.condition import conditions
from analysis.definitions import MAIN_RATIOS, PAPER
from analysis.sections import sections
from analysis.tables.published import printed
from analysis.tables.render import render
from bench.config import load_spec
from bench.errors import PairingError
from bench.records import METRICS

TITLES = dict(zip(METRICS, ("Balanced accuracy", "ROC-AUC", "Positives ratio"), strict=True))
FOUR = ("random", "badge", "alps", "dal")
TASKS_PER_DATASET = {"ag_news": 4, "dbpedia_14": 3, "pubmed_20k_rct": 5, "sst2": 2}


DEFINITIONS = {definition.number: definition for definition in PAPER}


def numbers_of(number, results):
    (condition,) = conditions(results)
    return Numbers.of(DEFINITIONS[number], condition)


def table(number, results):
    numbers = numbers_of(number, results)
    return numbers and render(numbers)


def cells(of):
    """Return the cells of a table by (row labels, metric, column)."""
    return {
        (row.labels, metric, column): cell
        for row in of.rows
        for (metric, column), cell in zip(of.columns, row.cells, strict=True)
    }


@pytest.fixture(scope="module")
def runs_of_all(factory):
    """The paper's whole grid with 3 seeds."""
    return factory.results(factory.paper_grid(3))


@pytest.fixture(scope="module")
def section(runs_of_all):
    (section,) = sections(runs_of_all)
    return section


# What the printed tables imply


def mean(rows, metric, arm):
    return np.mean([row["metrics"][metric][arm]["mean"] for row in rows])


def row_of(number, name):
    return next(row for row in printed(number)["rows"] if row["row"] == name)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("arm", ["InvProp", "Uniform"])
def test_printed_row_50_of_table_4_is_the_mean_of_table_3(metric, arm):
    assert mean(printed(3)["rows"], metric, arm) == pytest.approx(mean([row_of(4, "50")], metric, arm), abs=6e-5)


@pytest.mark.parametrize("metric", METRICS)
def test_printed_tables_4_and_5_have_one_invprop(metric):
    for ours, theirs in zip(printed(4)["rows"], printed(5)["rows"], strict=True):
        assert mean([ours], metric, "InvProp") == mean([theirs], metric, "InvProp")


def test_printed_positives_ratio_of_uniform_in_table_2_is_badges_in_table_3():
    by_dataset = {row["row"]: mean([row], "positives_ratio", "Uniform") for row in printed(2)["rows"]}
    weighted = sum(by_dataset[name] * count for name, count in TASKS_PER_DATASET.items()) / 14
    assert weighted == pytest.approx(mean([row_of(3, "badge")], "positives_ratio", "Uniform"), abs=6e-5)
    assert weighted == pytest.approx(0.1646, abs=6e-5)


def test_printed_random_uniform_finds_what_chance_finds():
    assert mean([row_of(3, "random")], "positives_ratio", "Uniform") == pytest.approx(1 / 50, rel=0.05)


# The same as laws of the engine, on any complete store

metric_values = st.integers(0, 1000).map(lambda k: k / 1000)


@settings(max_examples=8)
@given(st.data())
def test_row_50_of_table_4_is_the_mean_of_table_3(factory, data):
    identities = factory.grid(
        tasks=factory.TASKS_OF_THE_PAPER[: data.draw(st.integers(1, 3))],
        seeds=range(data.draw(st.integers(1, 3))),
        ratios=(20, 50),
        algorithms=FOUR[: data.draw(st.integers(1, 4))],
    )
    values = data.draw(st.lists(metric_values, min_size=3 * len(identities), max_size=3 * len(identities)))
    results = factory.results(identities, np.reshape(values, (-1, 3)))
    three, four = cells(table(3, results)), cells(table(4, results))
    for metric in TITLES.values():
        for column in ("InvProp", "Uniform"):
            by_algorithm = [cell.value for (_, *place), cell in three.items() if place == [metric, column]]
            assert four[("50",), metric, column].value == pytest.approx(np.mean(by_algorithm))


def test_table_2_of_one_algorithm_is_its_mean_over_the_datasets_tasks(runs_of_all):
    """As the paper's BADGE - Uniform: Table 2 weighted by tasks is Table 3."""
    only = pd.Series.isin(runs_of_all.runs["algorithm"], ["badge"])
    results = type(runs_of_all)(
        runs_of_all.runs[only], runs_of_all.rounds, runs_of_all.unfinished, (), runs_of_all.settings
    )
    two, three = cells(table(2, results)), cells(table(3, results))
    for metric in TITLES.values():
        for column in ("InvProp", "Uniform"):
            weighted = sum(two[(name,), metric, column].value * n for name, n in TASKS_PER_DATASET.items()) / 14
            assert weighted == pytest.approx(three[("BADGE",), metric, column].value)


# Each table against an oracle


@pytest.mark.parametrize("number", [3, 4, 5, 6, 7, 8, 11])
def test_a_flat_mean_is_the_mean_of_the_runs_it_names(number, section, runs_of_all):
    runs = runs_of_all.runs
    values = {title: dict(zip(runs["key"], runs[metric], strict=True)) for metric, title in TITLES.items()}
    for (_, title, _), cell in cells(section.table(f"T{number}")).items():
        assert cell.n == len(cell.runs) == len(set(cell.runs))
        assert cell.value == pytest.approx(np.mean([values[title][key] for key in cell.runs]))


@pytest.mark.parametrize(
    ("number", "place", "query", "runs"),
    [
        (3, (("DAL",), "InvProp"), "ratio == 50 and start == 'warm' and algorithm == 'dal'", 42),
        (4, (("20",), "Uniform"), "ratio == 20 and start == 'warm'", 168),
        (5, (("2",), "PosProb"), "ratio == 2 and start == 'warm'", 168),
        (6, (("1000",), "InvProp"), "ratio == 1000 and start == 'warm'", 168),
        (
            7,
            (("sst2", "10", "warm", "ALPS"), "PosProb"),
            "dataset == 'sst2' and ratio == 10 and algorithm == 'alps'",
            6,
        ),
        (8, (("50", "cold", "BADGE"), "InvProp"), "ratio == 50 and start == 'cold'", 42),
        (8, (("100", "warm", "Random"), "InvProp"), "ratio == 100 and algorithm == 'random' and bins == 10", 42),
        (11, (("BADGE",), "5"), "ratio == 100 and algorithm == 'badge' and bins == 5", 12),
    ],
)
def test_a_cell_takes_the_runs_of_its_place(number, place, query, runs, section, runs_of_all):
    bins = runs_of_all.runs["weighting_options"].str.extract(r"(\d+)")[0].astype(float)
    weighting = place[1].lower() if number != 11 else "invprop"
    expected = runs_of_all.runs.assign(bins=bins).query(f"({query}) and weighting == '{weighting}'")
    if "bins" not in query:
        expected = expected[expected["weighting_options"].isin(["{}", '{"bins": 10}'])]
    cell = cells(section.table(f"T{number}"))[place[0], "ROC-AUC", place[1]]
    assert set(cell.runs) == set(expected["key"])
    assert cell.n == runs


def test_table_2_takes_the_best_algorithm_of_each_task_weighting_and_metric(factory, section, runs_of_all):
    runs = runs_of_all.runs.query("ratio == 50 and start == 'warm'")
    arm_of = dict(iter(runs.groupby(["dataset", "positive", "weighting", "algorithm"])))
    found = cells(section.table("T2"))
    for metric, title in TITLES.items():
        for dataset, count in TASKS_PER_DATASET.items():
            chosen = {}
            for weighting, column in (("invprop", "InvProp"), ("uniform", "Uniform")):
                best = {}
                for task in [name for own, name in factory.TASKS_OF_THE_PAPER if own == dataset]:
                    arms = [arm_of[dataset, task, weighting, algorithm] for algorithm in FOUR]
                    best[task] = max(arms, key=lambda arm, metric=metric: arm[metric].mean()).sort_values("seed")
                chosen[column] = pd.concat(best.values())
                cell = found[(dataset,), title, column]
                assert len(best) == count
                assert cell.value == pytest.approx(np.mean([arm[metric].mean() for arm in best.values()]))
                assert set(cell.runs) == set(chosen[column]["key"])
            p = stats.ttest_rel(
                chosen["InvProp"][metric].to_numpy(), chosen["Uniform"][metric].to_numpy(), alternative="greater"
            ).pvalue
            assert found[(dataset,), title, "InvProp"].p == pytest.approx(p)


def test_table_2_is_a_mean_over_tasks_also_where_seeds_are_missing(factory):
    identities = factory.grid(seeds=range(3), tasks=(("d", "a"), ("d", "b")), algorithms=("random",))
    identities = identities[~((identities["positive"] == "b") & (identities["seed"] > 0))].reset_index(drop=True)
    values = np.where(identities[["positive"]].to_numpy() == "a", 0.2, 0.8).repeat(3, axis=1)
    cell = cells(table(2, factory.results(identities, values)))[("d",), "ROC-AUC", "InvProp"]
    assert cell.value == pytest.approx(0.5)
    assert cell.note == "2 of 6 runs missing"


def test_table_2_of_equal_algorithms_takes_the_first_by_name(factory):
    results = factory.results(identities := factory.grid(algorithms=FOUR), np.full((len(identities), 3), 0.5))
    by_key = results.runs.set_index("key")["algorithm"]
    assert all(set(by_key[list(cell.runs)]) == {"alps"} for cell in cells(table(2, results)).values())


def test_table_6_marks_what_is_larger_than_both_others(factory):
    identities = factory.grid(ratios=(200,), weightings=("uniform", "posprob", "invprop"), seeds=range(6))
    gain = identities["weighting"].map({"uniform": 0.0, "posprob": 0.2, "invprop": 0.2}).to_numpy()
    noise = np.random.default_rng(1).normal(0, 0.01, (len(identities), 3))
    found = cells(table(6, factory.results(identities, gain[:, None] + noise + 0.5)))
    for title in TITLES.values():
        tests = {one.against: one.p for one in found[("200",), title, "InvProp"].tests}
        assert tests["Uniform"] < 1e-6
        assert tests["PosProb"] > 0.05
        assert not found[("200",), title, "InvProp"].bold
        assert not found[("200",), title, "Uniform"].bold


def test_table_9_asks_whether_random_uniform_is_larger(section, runs_of_all):
    runs = runs_of_all.runs.query("ratio == 1000")
    pair = ["dataset", "positive", "seed"]
    random = runs.query("algorithm == 'random' and weighting == 'uniform'").set_index(pair)["auc"].sort_index()
    found = cells(section.table("T9"))
    assert len(found) == 12
    for ((label,), title, column), cell in found.items():
        assert title == "ROC-AUC"
        own = runs.query(f"algorithm == '{label.lower()}' and weighting == '{column.lower()}'").set_index(pair)["auc"]
        if (label, column) == ("Random", "Uniform"):
            assert cell.text == "–"
            continue
        assert cell.value == pytest.approx(stats.ttest_rel(random, own.sort_index(), alternative="greater").pvalue)
        assert (cell.n, len(cell.runs)) == (42, 84)
        assert [one.against for one in cell.tests] == ["Random, Uniform" if label != "Random" else "Uniform"]


def test_table_10_is_the_mean_of_the_half_widths_of_the_tasks(section, runs_of_all):
    runs = runs_of_all.runs.query("ratio == 50 and algorithm == 'badge'")
    found = cells(section.table("T10"))
    assert len(found) == 4 * 3 * 9
    for (dataset, weighting), title in {(labels, metric) for labels, metric, _ in found}:
        metric = next(name for name, spelt in TITLES.items() if spelt == title)
        widths = {}
        for start in ("cold", "warm"):
            own = runs.query(f"dataset == '{dataset}' and weighting == '{weighting.lower()}' and start == '{start}'")
            intervals = [
                stats.ttest_1samp(task[metric], 0).confidence_interval(0.95) for _, task in own.groupby("positive")
            ]
            widths[start] = np.mean([(interval.high - interval.low) / 2 for interval in intervals])
            assert found[(dataset, weighting), title, start.title()].value == pytest.approx(widths[start])
        quotient = found[(dataset, weighting), title, "Cold / Warm"]
        assert quotient.value == pytest.approx(widths["cold"] / widths["warm"])
        assert quotient.text == f"{widths['cold'] / widths['warm']:.2f}"


def test_table_10_has_no_width_from_one_seed(factory):
    of = table(10, factory.results(factory.grid(seeds=(0,), starts=("cold", "warm"))))
    for cell in of.cells:
        assert (cell.text, cell.note) == ("–", "a task with one seed has no interval")


def test_table_12_holds_each_number_of_bins_against_10(section, runs_of_all):
    runs = runs_of_all.runs.query("ratio == 100 and dataset == 'ag_news' and weighting == 'invprop'")
    bins = runs["weighting_options"].str.extract(r"(\d+)")[0]
    found = cells(section.table("T12"))
    assert {column for _, _, column in found} == {"2", "5", "15", "20"}
    for ((label,), title, column), cell in found.items():
        metric = next(name for name, spelt in TITLES.items() if spelt == title)
        own, ten = (
            runs[(bins == number) & (runs["algorithm"] == label.lower())].sort_values(["positive", "seed"])[metric]
            for number in (column, "10")
        )
        p = stats.ttest_rel(own.to_numpy(), ten.to_numpy(), alternative="greater").pvalue
        assert cell.value == pytest.approx(p)
        assert cell.bold == (not 0.05 <= p <= 0.95)
    insensitive = sum(not cell.bold for cell in found.values())
    assert f"in {insensitive} of 48 tests" in section.table("T12").caption


# What holds for all tables


def test_there_is_one_definition_for_each_table():
    assert list(DEFINITIONS) == list(range(2, 13))


def test_the_papers_grid_fills_every_table_without_a_hole(section):
    assert [one.table.address for one in section.numbered] == [f"T{number}" for number in DEFINITIONS]
    assert section.not_run == {}
    for made in section.tables:
        assert {cell.note for cell in made.cells} <= {"", "one seed, no test"}
        odd = [note for note in made.notes if not note.startswith("Run-level and seed-level tests disagree")]
        if made.address in ("T2", "T2-effects"):  # three seeds make one half of one seed
            assert "one seed, no test: ag_news" in odd.pop()
        assert odd == []


def test_every_run_is_behind_some_cell(section, runs_of_all):
    shown = {key for name in ("T8", "T11") for cell in section.table(name).cells for key in cell.runs}
    assert shown == set(runs_of_all.runs["key"])


@pytest.mark.parametrize("number", DEFINITIONS)
def test_a_caption_says_test_side_unit_pairs_correction_data_and_runs(number, section):
    caption = section.table(f"T{number}").caption
    assert caption.startswith(f"Table {number} of the paper. ")
    assert "Data: ag_news ffffffff" in caption
    (numbers,) = (one.numbers for one in section.numbered if one.table.address == f"T{number}")
    expected = int(numbers.selection.expected.sum())
    assert f"Runs: {expected:,} of {expected:,}" in caption
    assert ("No published values to compare with" in caption) == (number > 6)
    if number == 10:
        assert "No test" in caption
        return
    sizes = {"3": "42", "4": "168", "5": "168", "6": "168", "8": "42", "9": "42", "11": "12", "12": "12"}
    pairs = f"{sizes[str(number)]} pairs in each test" if str(number) in sizes else "6 to 15 pairs in a test"
    assert pairs in caption
    assert "a pair (the unit) is two runs of one task" in caption
    assert "(greater)" in caption
    assert "no correction" in caption
    assert "positives are 1/" in caption or number in (4, 5, 6, 7, 8)


@settings(max_examples=8)
@given(st.sets(st.integers(0, 95), max_size=30), st.data())
def test_missing_runs_are_counted_where_they_belong(factory, gone, data):
    identities = factory.grid(ratios=(20, 50), seeds=range(3), weightings=("uniform", "invprop"), algorithms=FOUR)
    assert len(identities) == 96
    kept = identities.drop(index=sorted(gone))
    axes = ["dataset", "positive", "seed", "ratio", "algorithm", "weighting"]
    tried_failed = data.draw(st.sets(st.sampled_from(sorted(gone)), max_size=5)) if gone else set()
    failed = identities.loc[sorted(tried_failed)]
    results = factory.results(kept.reset_index(drop=True), failed=failed)
    labels = {"uniform": "Uniform", "invprop": "InvProp"}
    lost = identities.loc[sorted(gone)]
    tried = pd.concat([kept, failed])
    if any(len(tried[axis].unique()) < len(identities[axis].unique()) for axis in axes) or lost.empty:
        return  # then less is expected, which other tests say
    found = cells(table(4, results))
    for ((ratio,), metric, column), cell in found.items():
        mine = lost[(lost["ratio"].astype(str) == ratio) & (lost["weighting"].map(labels) == column)]
        n, n_failed = len(mine), len(tried_failed & set(mine.index))
        if ratio not in ("20", "50"):
            assert (cell.n, cell.note) == (0, "24 of 24 runs missing")
            continue
        assert cell.n == 24 - n, metric
        failures = f", {n_failed} of them failed" if n_failed else ""
        assert cell.note == (f"{n} of 24 runs missing{failures}" if n else "")


def test_ratios_that_nobody_ran_are_left_out_with_one_line(factory):
    of = table(4, factory.results(factory.grid()))
    assert [row.labels for row in of.rows] == [(str(ratio),) for ratio in MAIN_RATIOS]
    for row in of.rows:
        assert {cell.text == "–" for cell in row.cells} == {row.labels != ("50",)}
    assert [row.labels for row in of.shown] == [("50",)]
    assert of.notes == ("not run, so left out: ratio 2; 10; 20; 100",)
    assert "Runs: 24 of 24" in of.caption


@pytest.mark.parametrize(
    ("grid", "made", "said"),
    [
        ({}, {2, 3, 4, 7, 8}, {5}),
        ({"weightings": ("uniform",)}, {7, 8}, {2, 3, 4, 5}),
        ({"weightings": ("invprop", "posprob")}, {5, 7, 8}, {2, 3, 4}),
        ({"ratios": (20,)}, {4, 7, 8}, {5}),
        ({"ratios": (1000,)}, {6, 7, 8, 9}, set()),
        ({"ratios": (1000,), "algorithms": ("badge",)}, {6, 7, 8}, {9}),
        ({"starts": ("cold",)}, {7, 8}, {10}),
        ({"starts": ("cold", "warm"), "weightings": ("uniform",)}, {7, 8, 10}, {2, 3, 4, 5}),
        ({"algorithms": ("margin",)}, {7, 8}, {2, 3, 4, 5}),
        ({"ratios": (100,), "weightings": ("invprop",), "bins": (2, 5)}, {7, 8, 11}, {4, 5, 12}),
        ({"ratios": (100,), "weightings": ("invprop",), "bins": (2, 10)}, {7, 8, 11, 12}, {4, 5}),
        (
            {"ratios": (100,), "weightings": ("invprop",), "bins": (5,), "tasks": (("ag_news", "World"),)},
            set(),
            {4, 5, 7, 8, 11, 12},
        ),
    ],
)
def test_what_was_planned_and_not_run_is_said_and_not_printed(factory, grid, made, said):
    """A table is taken to be planned if some run is of its ratios and starts, or is one of those that it compares."""
    (section,) = sections(factory.results(factory.grid(**grid)))
    assert {int(one.table.address[1:]) for one in section.numbered} == made
    assert set(section.not_run) == {f"T{number}" for number in said}
    assert all(f"Table {at[1:]} " in line and "not run: needs " in line for at, line in section.not_run.items())


def test_a_table_names_what_it_needs():
    assert DEFINITIONS[6].needs == (
        "ratio 200, 1000; start Warm; algorithm ALPS, BADGE, DAL, Random; weighting InvProp, PosProb, Uniform "
        "(preset extreme)"
    )
    assert "bins 2, 5, 10, 15, 20" in DEFINITIONS[12].needs


@pytest.mark.parametrize("number", DEFINITIONS)
def test_the_preset_that_a_table_names_runs_it(number):
    definition = DEFINITIONS[number]
    spec = load_spec(definition.preset)
    values = {
        "ratio": spec.ratios,
        "start": spec.starts,
        "algorithm": spec.algorithms,
        "weighting": spec.weightings,
        "dataset": spec.tasks,
        "bins": [*map(str, spec.options.get("invprop", {}).get("bins", [10])), ""],
    }
    for axis, wanted in definition.where.items():
        assert set(wanted) <= set(values[axis]), axis


def test_other_bins_of_the_sweep_stay_out_of_the_main_tables_and_others_do_not(factory):
    identities = factory.grid(tasks=(("ag_news", "World"), ("sst2", "positive")), ratios=(100,), bins=(5, 10))
    eight = table(8, factory.results(identities))
    assert eight.groups[0].columns == ("InvProp (bins=10)", "InvProp (bins=5)", "Uniform")
    by_column = {column: cell for (_, metric, column), cell in cells(eight).items() if metric == "ROC-AUC"}
    assert by_column["InvProp (bins=5)"].n == 3
    assert by_column["InvProp (bins=10)"].n == 6
    four = table(4, factory.results(identities))
    assert four.groups[0].columns == ("InvProp", "Uniform")
    assert cells(four)[("100",), "ROC-AUC", "InvProp"].n == 12


def test_versions_of_a_part_never_share_a_cell(factory):
    old, new = factory.grid(), factory.grid(weightings=("invprop",)).assign(weighting_version="2")
    of = table(3, factory.results(pd.concat([old, new], ignore_index=True)))
    assert of.groups[0].columns == ("InvProp (version 1)", "InvProp (version 2)", "Uniform")


def test_a_run_stored_twice_is_an_error_that_names_both(factory):
    identities = factory.grid()
    again = pd.concat([identities, identities.iloc[[5]]], ignore_index=True)
    with pytest.raises(PairingError, match=f"{5:032x}, {24:032x}; remove one of each"):
        _ = sections(factory.results(again))[0].tables
