from math import isnan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis import Cell, Group, Row, Table, read_results, sections
from analysis.comparisons import Numbers
from analysis.condition import conditions
from analysis.definitions import PAPER
from analysis.findings import doubts
from analysis.tables.render import p_values, render
from bench.records import PoolSettings
from bench.store import Store

FULL = next(definition for definition in PAPER if definition.number == 8)


def tables(store):
    return [render(Numbers.of(FULL, condition)) for condition in conditions(read_results(store))]


def cells(table):
    return {
        (row.labels[-1], group, column): cell
        for row in table.rows
        for (group, column), cell in zip(table.columns, row.cells, strict=True)
    }


def test_cells_are_flat_means_in_the_papers_order(tmp_path, factory):
    store = factory.fill(tmp_path / "s", weightings=("uniform", "posprob", "invprop"))
    (table,) = tables(store)
    assert [row.labels for row in table.rows] == [("BADGE",), ("Random",)]
    assert table.groups == tuple(
        Group(title, ("InvProp", "PosProb", "Uniform")) for title in ("Balanced accuracy", "ROC-AUC", "Positives ratio")
    )
    aucs = [
        record.final.metrics["auc"]
        for record in store.records()
        if (record.spec.strategy.algorithm.name, record.spec.strategy.weighting.name) == ("badge", "invprop")
    ]
    cell = cells(table)["BADGE", "ROC-AUC", "InvProp"]
    assert cell.n == len(aucs) == 8
    assert cell.value == pytest.approx(sum(aucs) / 8)
    assert cell.text == f"{sum(aucs) / 8:.4f}"
    assert table.notes == ()
    assert "8 pairs in each test" in table.caption
    assert "Runs: 48 of 48" in table.caption


def test_a_planted_effect_is_bold_on_its_side_only(tmp_path, factory):
    (table,) = tables(factory.fill(tmp_path / "s", weightings=("uniform", "posprob", "invprop")))
    assert {column for (_, _, column), cell in cells(table).items() if cell.bold} == {"InvProp"}
    for (_, _, column), cell in cells(table).items():
        assert cell.bold == (column == "InvProp")
        assert cell.p == max(test.p for test in cell.tests)


@settings(max_examples=15)
@given(
    st.lists(st.tuples(*[st.integers(0, 20).map(lambda k: k / 20)] * 3), min_size=2, max_size=5),
)
def test_bold_means_p_below_alpha_against_every_other_column(factory, rows):
    values = np.array(rows)  # a row per seed, a column per weighting
    names = ("invprop", "posprob", "uniform")
    identities = factory.grid(tasks=(("d", "c"),), algorithms=("random",), weightings=names, seeds=range(len(values)))
    (condition,) = conditions(factory.results(identities, np.repeat(values.reshape(-1, 1), 3, axis=1)))
    numbers = Numbers.of(FULL, condition)
    table = render(numbers)
    for i, cell in enumerate(table.rows[0].cells[3:6]):
        wins = []
        for j in range(3):
            difference = values[:, i] - values[:, j]
            if i != j:
                p = stats.ttest_1samp(difference, 0, alternative="greater").pvalue if np.ptp(difference) > 1e-9 else 1
                wins.append(p < 0.05)
        assert cell.bold == all(wins)
    claims = {row.labels: row.cells for row in p_values(numbers, table).rows}
    assert len(claims) == 6
    for column, cell in zip(("InvProp", "PosProb", "Uniform"), table.rows[0].cells[3:6], strict=True):
        for one in cell.tests:
            p, difference, pairs = claims["Random", f"{column} > {one.against}"][3:6]
            np.testing.assert_equal((p.value, difference.value, pairs.value), (one.p, one.difference, one.pairs))


def test_a_lone_column_is_never_bold(tmp_path, factory):
    (table,) = tables(factory.fill(tmp_path / "s", weightings=("uniform",)))
    assert not any(cell.bold for cell in cells(table).values())
    assert "No test: there is one column. " in table.caption
    assert "Bold" not in table.caption
    assert (table.mark, table.with_p) == ("", False)
    assert not table.with_p


def test_a_missing_and_a_failed_run_are_visible_holes(tmp_path, factory):
    store = factory.fill(tmp_path / "s")
    gone = factory.a_run("random", "invprop", seed=1)
    store.file_of(gone.key).unlink()
    lost = factory.a_run("badge", "uniform", seed=2, status="failed", reason="NaN loss")
    store.file_of(lost.key).unlink()
    store.write(lost)
    (section,) = sections(read_results(store))
    found = cells(section.table("T8"))
    assert found["Random", "ROC-AUC", "InvProp"].note == "1 of 8 runs missing"
    assert found["BADGE", "ROC-AUC", "Uniform"].note == "1 of 8 runs missing, 1 of them failed"
    assert found["BADGE", "ROC-AUC", "InvProp"].note == ""
    assert found["Random", "ROC-AUC", "InvProp"].tests[0].unpaired == 1
    table = section.table("T8")
    assert "Runs: 30 of 32" in table.caption
    assert any("Random, InvProp" in note for note in table.notes)
    assert (
        "2 of 32 runs missing (1 task, 2 seeds, 1 ratio, 2 strategies): "
        "ag_news/Sports 1/50 seed 1 warm Random, InvProp; ag_news/Sports 1/50 seed 2 warm BADGE, Uniform (failed)"
    ) in table.notes
    claim = next(row for row in section.table("T8-p").rows if row.labels == ("Random", "InvProp > Uniform"))
    assert (claim.cells[2].text, claim.cells[2].note) == ("7", "1 run without a partner")
    by_task = {row.labels: [cell.text for cell in row.cells] for row in section.coverage.rows}
    assert by_task["50", "warm", "ag_news", "Sports"] == ["5,000", "100", "800", "14", "1", "0", "1"]
    assert by_task["50", "warm", "sst2", "positive"] == ["5,000", "100", "800", "16", "0", "0", "0"]


def test_a_seed_that_no_strategy_of_a_task_ran_is_missing_too(tmp_path, factory):
    store = factory.fill(tmp_path / "s", seeds=range(3))
    for record in list(store.records()):
        if (record.spec.block.task.dataset, record.spec.block.seed) == ("sst2", 2):
            store.file_of(record.key).unlink()
    (table,) = tables(store)
    assert {cell.note for cell in cells(table).values()} == {"1 of 6 runs missing"}


def test_a_column_that_a_row_never_ran_is_a_hole_and_leaves_the_row_without_marks(tmp_path, factory):
    store = factory.fill(tmp_path / "s")
    factory.fill(tmp_path / "s", algorithms=("random",), weightings=("posprob",))
    (table,) = tables(store)
    hole = cells(table)["BADGE", "ROC-AUC", "PosProb"]
    assert (hole.text, hole.n, hole.note) == ("–", 0, "8 of 8 runs missing")
    assert not any(cell.bold for (row, _, _), cell in cells(table).items() if row == "BADGE")
    assert cells(table)["Random", "ROC-AUC", "InvProp"].bold


def test_an_infeasible_task_is_not_expected_but_shown(tmp_path, factory):
    store = factory.fill(tmp_path / "s")
    for seed in range(4):
        for weighting in ("uniform", "invprop"):
            store.write(
                factory.a_run(weighting=weighting, positive="World", seed=seed, status="skipped", reason="3 positives")
            )
    (section,) = sections(read_results(store))
    assert all(cell.note == "" for cell in cells(section.table("T8")).values())
    world = next(row for row in section.coverage.rows if row.labels[2:] == ("ag_news", "World"))
    assert [cell.text for cell in world.cells] == ["–", "–", "–", "0", "0", "8", "0"]


def test_a_skip_does_not_excuse_a_block_that_others_ran(tmp_path, factory):
    store = factory.fill(tmp_path / "s")
    store.file_of(factory.a_run("random", "uniform").key).unlink()
    store.write(factory.a_run("random", "uniform", status="skipped", reason="3 positives"))
    (table,) = tables(store)
    assert cells(table)["Random", "ROC-AUC", "Uniform"].note == "1 of 8 runs missing"


def test_nan_is_shown_and_never_averaged_away(tmp_path, factory):
    store = factory.fill(tmp_path / "s")
    store.write(factory.a_run("random", "uniform", seed=1, auc=float("nan")))
    (table,) = tables(store)
    cell = cells(table)["Random", "ROC-AUC", "Uniform"]
    assert (cell.text, cell.note) == ("NaN", "ROC-AUC is NaN in 1 of 8 runs")
    assert not cells(table)["Random", "ROC-AUC", "InvProp"].bold
    assert cells(table)["Random", "Balanced accuracy", "InvProp"].bold


def test_modes_do_not_disagree_where_one_of_them_has_no_test(tmp_path, factory):
    """The run-level test is not made with a NaN; the seed-level one leaves its seed out, which leaves its mark open."""
    store = factory.fill(tmp_path / "s")
    store.write(factory.a_run("random", "uniform", seed=1, auc=float("nan")))
    (table,) = tables(store)
    cell = cells(table)["Random", "ROC-AUC", "InvProp"]
    assert (cell.bold, cell.seed_bold, cell.disagrees, cell.signs) == (False, None, False, "")
    assert cell.tests[0].p_holm < 0.05
    assert not any("disagree" in note for note in table.notes)
    assert any("no mark, since the runs that are missing could change the answer" in note for note in table.notes)


def test_runs_that_are_no_pairs_cost_the_mark_and_say_so(tmp_path, factory):
    store = factory.fill(tmp_path / "s")
    store.write(factory.a_run("random", "uniform", seed=1, pair_key="made elsewhere"))
    (table,) = tables(store)
    cell = cells(table)["Random", "ROC-AUC", "InvProp"]
    assert not cell.bold
    assert cell.n == 8
    assert isnan(cell.p)
    assert any("do not share a pair key" in note and "Random, InvProp and Uniform" in note for note in table.notes)
    assert cells(table)["BADGE", "ROC-AUC", "InvProp"].bold


def test_settings_never_share_a_table_and_ratios_and_starts_never_a_row(tmp_path, factory):
    small = factory.SETTINGS.model_copy(update={"pool": PoolSettings(limit=2500)})
    for same in (
        {"ratio": 50},
        {"ratio": 10},
        {"ratio": 50, "start": "cold"},
        {"ratio": 50, "settings": small},
    ):
        store = factory.fill(tmp_path / "s", seeds=range(2), **same)
    large, limited = sections(read_results(store))
    suffixes = {f"-{digest[:8]}" for digest in read_results(store).settings}
    assert {large.suffix, limited.suffix} == suffixes
    names = [table.name for section in (large, limited) for table in section.tables]
    assert len(set(names)) == len(names)
    assert [row.labels for row in large.table("T8").rows] == [
        (ratio, start, algorithm)
        for ratio, start in (("10", "warm"), ("50", "warm"), ("50", "cold"))
        for algorithm in ("BADGE", "Random")
    ]
    assert [row.labels for row in limited.table("T8").rows] == [("BADGE",), ("Random",)]
    assert "a subset, pool limited to 2,500 rows" in limited.table("T8").caption
    assert "whole pool" in large.table("T8").caption
    assert [figure.name for figure in large.figures if figure.name.startswith("times")] == [
        f"times-{kind}{large.suffix}" for kind in ("ratio10-warm", "ratio50-warm", "ratio50-cold")
    ]


def test_options_and_names_are_told_apart(tmp_path, factory):
    store = Store(tmp_path / "s", create=True)
    for bins in (5, 10):
        for seed in range(2):
            store.write(factory.a_run(weighting="invprop", seed=seed, options={"bins": bins, "closed": True}))
    for name in ("alps", "ALPS", "my_own"):
        store.write(factory.a_run(name, "uniform"))
    (table,) = tables(store)
    assert table.groups[0].columns == ("InvProp (bins=10)", "InvProp (bins=5)", "Uniform")
    assert [row.labels[-1] for row in table.rows] == ["ALPS", "alps", "my_own", "Random"]


def test_runs_on_another_version_of_the_data_are_left_out_with_a_note(tmp_path, factory):
    store = factory.fill(tmp_path / "s", seeds=range(3))
    for weighting in ("uniform", "invprop"):
        store.write(factory.a_run(weighting=weighting, seed=0, auc=0.0, fingerprint="e" * 32))
    (table,) = tables(store)
    assert "2 runs of ag_news on data eeeeeeee left out" in table.notes[0]
    assert cells(table)["Random", "ROC-AUC", "Uniform"].n == 6
    assert "ag_news ffffffff" in table.caption


def test_runs_that_finished_and_cannot_be_used_are_said_first(tmp_path, factory):
    store = factory.fill(tmp_path / "s")
    assert doubts(conditions(read_results(store))[0]) == ()
    store.write(factory.a_run("random", "uniform", seed=1, auc=float("nan")))
    store.write(factory.a_run("badge", "uniform", seed=2, pair_key="made elsewhere"))
    store.write(factory.a_run("badge", "uniform", seed=3, pair_key=""))
    store.write(factory.a_run("badge", "uniform", fingerprint="e" * 32))
    data, lost, apart = doubts(conditions(read_results(store))[0])
    assert data == "1 run of ag_news on data eeeeeeee left out: most runs of it are on data ffffffff"
    assert lost.startswith("ROC-AUC is NaN in 1 of 32 runs (one is ag_news/Sports 1/50 seed 1 warm random+uniform): ")
    assert apart.startswith("runs of 2 of 8 blocks were made under different conditions (they do not share a pair key)")
    assert apart.endswith("(one is ag_news/Sports 1/50 seed 2 warm)")


def test_time_per_stage_is_the_mean_per_run(tmp_path, factory):
    (section,) = sections(read_results(factory.fill(tmp_path / "s")))
    assert section.times.groups[0].columns == ("fit", "select", "whole run")
    assert {tuple(cell.text for cell in row.cells) for row in section.times.rows} == {("6.00", "1.50", "9.00")}


def test_a_table_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"1 labels and 1 cells for 1 headers and 2 columns"):
        Table("t", "T", "", "", ("a",), (Group("g", ("x", "y")),), (Row(("r",), (Cell("1"),)),))


def test_frames_are_not_changed(tmp_path, factory):
    results = read_results(factory.fill(tmp_path / "s", seeds=range(2)))
    before = results.runs.copy()
    sections(results)
    pd.testing.assert_frame_equal(results.runs, before)
