"""Seed-level evidence beside the run-level test: against ``analysis.stats`` on frames picked out by hand."""

from dataclasses import replace
from itertools import product
from math import isnan

import numpy as np
import pandas as pd
import pytest
from frames import BLOCK, bounds, differences, effect, leave_one_out
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import read_results, sections
from analysis.comparisons import OPEN, Numbers, in_family
from analysis.condition import conditions
from analysis.definitions import PAPER
from analysis.stats import best_of, holm
from analysis.tables.published import printed
from analysis.tables.render import render
from bench.records import METRICS

TITLES = dict(zip(METRICS, ("Balanced accuracy", "ROC-AUC", "Positives ratio"), strict=True))
TASKS = (("ag_news", "Sports"), ("ag_news", "World"), ("sst2", "positive"))


def section_of(results):
    (section,) = sections(results, against_paper=True)
    return section


@pytest.fixture(scope="module")
def runs_of_all(factory):
    """Ratios 50, 100 and 1000, bins 5 and 10, three weightings; some runs are missing, and one value is NaN."""
    three = {"tasks": TASKS, "seeds": range(5), "weightings": ("uniform", "posprob", "invprop")}
    identities = pd.concat(
        [
            factory.grid(**three, ratios=(50, 100, 1000)),
            factory.grid(tasks=TASKS[:2], seeds=range(5), ratios=(100,), weightings=("invprop",), bins=(5,)),
        ],
        ignore_index=True,
    )
    rng = np.random.default_rng(3)
    gone = identities.query("seed == 4").sample(4, random_state=0).index
    identities = identities.drop(gone).reset_index(drop=True)
    values = 0.6 + rng.normal(0, 0.02, (len(identities), 3))
    values += 0.02 * (identities["weighting"] == "invprop").to_numpy()[:, None]
    values[7, 1] = np.nan
    return factory.results(identities, values)


@pytest.fixture(scope="module")
def section(runs_of_all):
    return section_of(runs_of_all)


DEFINITIONS = {definition.number: definition for definition in PAPER}


def numbers_of(number, results):
    return Numbers.of(DEFINITIONS[number], conditions(results)[0])


def table_of(number, results):
    return render(numbers_of(number, results))


def cells(table):
    return {
        (row.labels, metric, column): cell
        for row in table.rows
        for (metric, column), cell in zip(table.columns, row.cells, strict=True)
    }


def labelled(numbers, place):
    """Return the runs of a place as a frame, with the labels of their algorithms."""
    selection = numbers.selection
    runs = selection.cube.runs.iloc[selection.runs[place][selection.runs[place] >= 0]]
    return runs.assign(algorithm_label=runs["algorithm"])


def by_hand(numbers, a, b, metric):
    """Return the matched differences of two places of a table, with the blocks that its tasks and seeds make."""
    selection = numbers.selection
    expected = selection.expected[a].any(axis=-1)
    blocks = [(*selection.tasks[task], selection.seeds[seed]) for task, seed in np.argwhere(expected)]
    pooled = "algorithm_label" if len(selection.pooled) > 1 else None
    arms = (labelled(numbers, place) for place in (a, b))
    return differences(*arms, metric, pooled=pooled, expected=pd.DataFrame(blocks, columns=BLOCK))


def assert_same(test, expected):
    assert (test.units, test.left_out) == (expected.n, expected.left_out)
    assert test.seed_note == expected.note or (test.seed_note == OPEN and test.left_out and test.p_holm < 0.05)
    found = (test.estimate, test.low, test.high, test.p_seed)
    assert found == pytest.approx((expected.estimate, expected.low, expected.high, expected.p), nan_ok=True)


@pytest.mark.parametrize("number", [3, 4, 6, 7, 11])
def test_evidence_on_means_is_that_of_their_differences(number, section, runs_of_all):
    numbers, table = numbers_of(number, runs_of_all), section.table(f"T{number}")
    compared, width = 0, len(numbers.selection.columns)
    every = 4 if number == 7 else 1  # of its 58 rows some
    for row, line in list(enumerate(table.rows))[::every]:
        for column, cell in enumerate(line.cells[width : 2 * width]):  # the metric that is NaN once
            for one in cell.tests:
                compared += bool(one.pairs)
                if one.pairs:
                    other = (row, numbers.selection.column_labels.index(one.against))
                    assert_same(one, effect(by_hand(numbers, (row, column), other, "auc")))
                else:
                    assert not one.has_seed_level
    assert compared >= 2


@pytest.mark.parametrize(("number", "larger"), [(9, "reference"), (12, "cell")])
def test_evidence_in_tables_of_p_values_is_that_of_the_named_side(number, larger, section, runs_of_all):
    numbers = numbers_of(number, runs_of_all)
    columns = numbers.selection.column_labels
    at = {labels: row for row, labels in enumerate(numbers.selection.row_labels)}
    names = {title: metric for metric, title in TITLES.items()}
    tested = 0
    for (labels, title, column), cell in cells(section.table(f"T{number}")).items():
        if not cell.tests or isnan(cell.value):
            continue
        own = (at[labels], columns.index(column))
        reference = (at["Random",], columns.index("Uniform")) if number == 9 else (own[0], columns.index("10"))
        pair = (reference, own) if larger == "reference" else (own, reference)
        frame = by_hand(numbers, *pair, names[title])
        assert_same(cell.tests[0], effect(frame))
        tested += 1
    assert tested == {9: 5, 12: 6}[number]


def test_the_best_are_chosen_and_tested_on_different_seeds(section, runs_of_all):
    numbers = numbers_of(2, runs_of_all)
    for (labels, title, column), cell in cells(section.table("T2")).items():
        metric = next(name for name, spelt in TITLES.items() if spelt == title)
        arms = []
        for name in (column, "Uniform" if column == "InvProp" else "InvProp"):
            place = (numbers.selection.row_labels.index(labels), numbers.selection.column_labels.index(name))
            runs = labelled(numbers, place)
            wide = runs.pivot_table(index=["dataset", "positive", "seed"], columns="algorithm", values=metric)
            arms.append(wide)
        whole = pd.concat(arms, axis=1, keys=["a", "b"])
        tasks, seeds = (sorted(set(whole.index.droplevel(level))) for level in ("seed", ["dataset", "positive"]))
        index = pd.MultiIndex.from_tuples([(*task, seed) for task in tasks for seed in seeds])
        values = [whole[name].reindex(index).to_numpy().reshape(len(tasks), len(seeds), -1) for name in "ab"]
        (one,) = cell.tests
        assert_same(one, best_of(*values, tasks, seeds))
        assert one.p_seed == pytest.approx(best_of(*values[::-1], tasks, seeds).p_less, nan_ok=True)


@pytest.mark.parametrize("number", [2, 3, 4, 7, 9, 11, 12])
def test_holm_takes_all_tests_of_a_tables_metric(number, section, runs_of_all):
    numbers, table = numbers_of(number, runs_of_all), section.table(f"T{number}")
    tried = numbers.comparisons[in_family(numbers.selection, numbers.comparisons)]
    assert numbers.comparisons.drop(tried.index)["p_holm"].isna().all()
    for _, own in tried.groupby("metric"):
        if number in (9, 12):
            expected = holm([*own["p_seed"], *own["p_less"]]).reshape(2, -1).min(axis=0)
        else:
            expected = holm(own["p_seed"])
        np.testing.assert_allclose(own["p_holm"], expected)
        assert f"Holm over all {len(own) * (1 + (number in (9, 12)))} tests of a metric" in table.seed_mark


def planted(factory, differences_of, algorithms=("random",)):
    """Return results in which InvProp minus Uniform is as given, (tasks, seeds), in every metric and algorithm."""
    values = np.asarray(differences_of, float)
    tasks = tuple(("d", f"c{number}") for number in range(len(values)))
    identities = factory.grid(tasks=tasks, seeds=range(values.shape[1]), algorithms=algorithms)
    gain = values[[int(name[1:]) for name in identities["positive"]], identities["seed"]]
    gain = np.where(identities["weighting"] == "invprop", gain, 0.0)
    return factory.results(identities, np.repeat(0.5 + gain[:, None], 3, axis=1))


NOISE = np.random.default_rng(5).normal(0, 0.003, (4, 4))


def test_an_effect_on_some_tasks_only_is_marked_in_sound_mode_alone(factory):
    """It is there with every seed, but the pooled t takes the spread between tasks for noise."""
    table = table_of(3, planted(factory, np.array([[0.20], [-0.08], [-0.03], [-0.03]]) + NOISE))
    cell = cells(table)[("Random",), "ROC-AUC", "InvProp"]
    assert (cell.bold, cell.seed_bold, cell.disagrees, cell.signs) == (False, True, True, "§≠")
    loser = cells(table)[("Random",), "ROC-AUC", "Uniform"]
    assert (loser.bold, loser.seed_bold, loser.disagrees, loser.signs) == (False, False, False, "")
    (note,) = table.notes
    assert note == (
        "Run-level and seed-level tests disagree in 3 of 6 cells: Random, Balanced accuracy, InvProp; "
        "Random, ROC-AUC, InvProp; Random, Positives ratio, InvProp"
    )


def test_an_effect_of_some_seeds_only_is_marked_in_paper_mode_alone(factory):
    """The pooled t counts each seed once a task; there are four seeds, and two of them show nothing."""
    table = table_of(3, planted(factory, np.array([[0.10, 0.0, 0.06, 0.0]]) + NOISE))
    cell = cells(table)[("Random",), "ROC-AUC", "InvProp"]
    assert (cell.bold, cell.seed_bold, cell.signs) == (True, False, "≠")


def test_a_seed_left_out_for_one_missing_run_is_said_by_number(factory):
    every = planted(factory, 0.1 + NOISE)
    lost = every.runs[every.runs["seed"].eq(2) & every.runs["weighting"].eq("uniform")].index[:1]
    table = table_of(3, replace(every, runs=every.runs.drop(lost)))
    of = cells(table)[("Random",), "ROC-AUC", "InvProp"].tests[0]
    assert (of.units, of.left_out) == (NOISE.shape[1] - 1, ("2",))
    line = (
        f"Seed-level test: 1 of {NOISE.shape[1]} seeds left out, which lack a run (seed 2): Random, Balanced accuracy, "
    )
    assert any(note.startswith(line) for note in table.notes)


def test_an_effect_everywhere_is_marked_in_both(factory):
    table = table_of(3, planted(factory, 0.1 + NOISE))
    cell = cells(table)[("Random",), "ROC-AUC", "InvProp"]
    assert (cell.bold, cell.seed_bold, cell.signs) == (True, True, "§")
    assert table.notes == ()


def test_the_noisier_of_two_equal_arms_is_bold_in_table_2_in_paper_mode_alone(factory):
    tasks = tuple(("d", f"c{number}") for number in range(14))
    identities = factory.grid(tasks=tasks, seeds=range(10), algorithms=("random", "badge", "alps", "dal"))
    noise = np.random.default_rng(0).normal(0, 1, (len(identities), 3))
    scale = np.where(identities["weighting"] == "invprop", 0.025, 0.010)[:, None]
    table = table_of(2, factory.results(identities, 0.5 + scale * noise))
    marks = [cell.signs for (_, _, column), cell in cells(table).items() if column == "InvProp" and cell.bold]
    assert marks == ["≠"] * len(marks)
    assert len(marks) >= 2
    assert "chosen on one half of the seeds and tested on the other" in table.seed_mark


def test_without_a_test_there_is_no_mark_and_no_disagreement(factory):
    table = table_of(3, planted(factory, 0.1 + NOISE[:, :1]))
    assert [cell.seed_bold for cell in table.cells] == [None] * 6
    assert [cell.bold for cell in table.cells] == [True, False] * 3  # the run-level test pairs the tasks
    assert not any(cell.disagrees for cell in table.cells)
    assert any(note.startswith("Seed-level test: one seed, no test: Random, Balanced accuracy") for note in table.notes)


def test_where_nothing_is_compared_nothing_is_said(factory):
    section = section_of(factory.results(factory.grid(weightings=("uniform",), starts=("warm", "cold"))))
    for name in ("T8", "T10"):
        table = section.table(name)
        assert {cell.seed_bold for cell in table.cells} == {None}
        assert table.seed_mark == ""
        assert "seed-level" not in table.caption
        assert f"{name}-effects" not in [other.address for other in section.tables]


def test_runs_that_must_not_be_paired_are_not_compared(tmp_path, factory):
    store = factory.fill(tmp_path / "s")
    store.write(factory.a_run("random", "invprop", seed=1, pair_key="another"))
    section = section_of(read_results(store))
    cell = cells(section.table("T3"))[("Random",), "ROC-AUC", "InvProp"]
    assert (cell.tests[0].has_seed_level, cell.seed_bold) == (False, None)
    best = section.table("T2")
    assert any(note.startswith("Seed-level test: runs that must not be paired: ag_news") for note in best.notes)
    first = next(row for row in section.table("T3-effects").rows if row.labels[0] == "Random")
    assert "do not share a pair key" in first.cells[0].note


grids = st.integers(2, 3).flatmap(
    lambda seeds: st.lists(st.lists(st.integers(0, 9), min_size=seeds, max_size=seeds), min_size=1, max_size=3)
)


@settings(max_examples=12)
@given(grids)
def test_both_directions_mirror_each_other_and_marks_follow_holm(factory, values):
    table = table_of(3, planted(factory, np.array(values) / 30))
    for one, other in zip(table.cells[::2], table.cells[1::2], strict=True):
        (a,), (b,) = one.tests, other.tests
        np.testing.assert_allclose((a.estimate, a.low, a.high), (-b.estimate, -b.high, -b.low), atol=1e-12)
        assert a.p_seed + b.p_seed == pytest.approx(1) or isnan(a.p_seed)
        assert one.seed_bold is (None if isnan(a.p_seed) else a.p_holm < 0.05)
        assert not (one.seed_bold and other.seed_bold)
        assert a.p_holm >= a.p_seed or isnan(a.p_seed)


def test_an_effects_row_is_what_inference_says_of_its_frame(section, runs_of_all):
    numbers, table = numbers_of(8, runs_of_all), section.table("T8")
    found = {line.labels: line.cells for line in section.table("T8-effects").rows}
    for row, metric in product(range(2), METRICS):
        frame = by_hand(numbers, (row, 1), (row, 2), metric)
        said = found[*table.rows[row].labels, TITLES[metric], "PosProb − Uniform"]
        expected = effect(frame)
        side = frame
        if expected.estimate < 0:
            side = frame.assign(difference=-frame["difference"], low=-frame["high"], high=-frame["low"])
        tests = effect(side)
        difference = (expected.estimate, expected.low, expected.high, expected.n)
        assert [cell.value for cell in said[:4]] == pytest.approx(difference)
        assert said[3].text == f"{expected.n} seeds"
        crossed = (expected.d_z, tests.p_wilcoxon, tests.p_sign_flip)
        assert [cell.value for cell in said[5:8]] == pytest.approx(crossed)
        for cell, factor in zip(said[8:11], ("dataset", "task", "seed"), strict=True):
            without = leave_one_out(side, factor=factor, alpha=0.025)
            assert cell.text == f"{len(without.p) - len(without.flips)} of {len(without.p)}"
        assert (said[11].text == "–") == (expected.missing == 0)
        if expected.missing:
            assert (said[11].text, said[11].note) == (bounds(side).verdict(0.025), expected.hole)


def test_an_effects_row_for_each_pair_of_columns(section):
    for number, columns in ((3, 2), (6, 3), (8, 3), (11, 5)):
        table, effects = section.table(f"T{number}"), section.table(f"T{number}-effects")
        pairs = columns * (columns - 1) // 2
        tested = sum(any(one.pairs for one in cell.tests) for cell in table.cells)
        assert len(effects.rows) == len(table.rows) * 3 * pairs
        assert tested > 0
    marked = [row for row in section.table("T8-effects").rows if row.cells[4].bold]
    pairs = {(one.p_holm < 0.05) for cell in section.table("T8").cells for one in cell.tests if one.units}
    assert bool(marked) == (True in pairs)


def test_effects_of_p_values_are_on_the_side_that_is_tested(section):
    labels = [row.labels for row in section.table("T9-effects").rows]
    assert ("BADGE", "ROC-AUC", "Random, Uniform − InvProp") in labels
    assert ("Random", "ROC-AUC", "Uniform − PosProb") in labels
    for row in section.table("T12-effects").rows:
        number, _, ten = row.labels[2].split()
        assert ten == "10"
        (test,) = cells(section.table("T12"))[(row.labels[0],), row.labels[1], number].tests
        if number == "5":
            assert row.cells[0].value == pytest.approx(test.estimate)
        else:
            assert (test.units, {cell.text for cell in row.cells}, row.cells[0].note) == (0, {"–"}, "no pairs")


def test_the_papers_effect_is_held_against_our_interval(factory):
    """At 1/50 the paper prints an effect of BADGE's positives ratio of 0.2730 - 0.1646."""
    line = next(row for row in printed(3)["rows"] if row["row"] == "badge")["metrics"]["positives_ratio"]
    theirs = line["InvProp"]["mean"] - line["Uniform"]["mean"]
    for shift, inside in ((0.0, True), (0.05, False)):
        results = planted(factory, theirs + shift + NOISE, algorithms=("badge",))
        section = section_of(results)
        cell = cells(section.table("T3"))[("BADGE",), "Positives ratio", "InvProp"]
        beside = section.table("T3-paper")
        (names,) = [group.columns for group in beside.groups]
        rows = {row.labels: dict(zip(names, row.cells, strict=True)) for row in beside.rows}
        own = rows["BADGE", "Positives ratio", "InvProp − Uniform"]
        test = cell.tests[0]
        low, high = test.low - theirs, test.high - theirs
        assert own["95 % CI"].text == f"{low:+.4f} to {high:+.4f}".replace("-", "−")
        assert own["inside"].text == ("yes" if inside else "no")
        arm = rows["BADGE", "Positives ratio", "InvProp"]["95 % CI"]
        assert arm.value == pytest.approx(cell.interval[1] - cell.interval[0])
        assert "the paper's effect lies in our interval in" in section.agreement.line


def test_the_interval_of_a_mean_is_that_of_its_mean_per_seed(section, runs_of_all):
    cell = cells(section.table("T3"))[("Random",), "Positives ratio", "Uniform"]
    runs = runs_of_all.runs.set_index("key").loc[list(cell.runs)]
    frame = runs.assign(difference=runs["positives_ratio"])[[*BLOCK, "difference"]]
    expected = effect(frame)
    assert cell.interval == pytest.approx((expected.low, expected.high))
