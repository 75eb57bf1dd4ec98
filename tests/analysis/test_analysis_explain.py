"""From a number back to its runs: for every table, and one clear line for a wrong address."""

import pandas as pd
import pytest

from analysis import Store, explain, read_results, sections
from bench.errors import SpecError, StoreError
from bench.records import PoolSettings


@pytest.fixture(scope="module")
def store(tmp_path_factory, factory):
    """Ratios 50, 100 and 1000, cold starts, several numbers of bins, and a failed run."""
    path = tmp_path_factory.mktemp("explain") / "s"
    ten = {"seeds": range(2), "options": {"bins": 10}}
    factory.fill(path, weightings=("uniform", "posprob", "invprop"), **ten)
    factory.fill(path, ratio=1000, algorithms=("random",), **ten)
    factory.fill(path, start="cold", algorithms=("badge",), **ten)
    factory.fill(path, ratio=100, algorithms=("random",), weightings=("invprop",), **ten)
    factory.fill(path, ratio=100, algorithms=("random",), weightings=("invprop",), **ten | {"options": {"bins": 2}})
    store = Store(path)
    lost = factory.a_run("badge", "uniform", seed=1, status="failed", reason="NaN loss", options={"bins": 10})
    store.file_of(lost.key).unlink()
    store.write(lost)
    return store


@pytest.fixture(scope="module")
def read_once(store):
    """Read and tabulate that store once, not for each address."""
    results = read_results(store)
    found = sections(results)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analysis.tracing.read_results", lambda given: results if given is store else read_results(given))
        patch.setattr(
            "analysis.tracing.sections", lambda given, metrics: found if given is results else sections(given, metrics)
        )
        yield found


def test_cells_of_every_table_lead_to_their_runs(store, read_once):
    (section,) = read_once
    assert {one.table.address for one in section.numbered} == {f"T{number}" for number in range(2, 13)}
    for table in section.tables:
        row = table.rows[-1]
        for place in {0, len(row.cells) // 2, len(row.cells) - 1}:
            (group, column), cell = table.columns[place], row.cells[place]
            found = explain(store, [table.address, *row.labels, group, column])
            assert found.cell == cell
            assert len(found.runs) == len(set(cell.runs))
            assert {name.rsplit("/", 1)[1][:-5] for name in found.runs["file"]} == set(cell.runs)
            assert all((store.path / name).is_file() for name in found.runs["file"])


def test_the_runs_of_a_mean_say_where_it_comes_from(store, read_once):
    found = explain(store, ["T4", "50", "auc", "InvProp"])
    assert found.place == ("50", "ROC-AUC", "InvProp")
    assert found.runs["value"].mean() == pytest.approx(found.cell.value)
    assert set(found.runs["weighting"]) == {"InvProp"}
    assert sorted(set(zip(found.runs["dataset"], found.runs["seed"], strict=True))) == [
        ("ag_news", 0),
        ("ag_news", 1),
        ("sst2", 0),
        ("sst2", 1),
    ]
    for run in found.runs.itertuples():
        record = store.read(run.file.rsplit("/", 1)[1][:-5])
        assert record.final.metrics["auc"] == run.value
        assert record.spec.block.seed == run.seed


@pytest.mark.parametrize(
    "address",
    [
        ["t4", "InvProp", "ROC-AUC", "50"],
        ["table4", "1/50", "invprop", "roc auc"],
        ["4", "50", "AUC", "INVPROP"],
    ],
)
def test_case_order_and_spelling_do_not_matter(store, read_once, address):
    assert explain(store, address).place == ("50", "ROC-AUC", "InvProp")


def test_options_that_differ_are_told(store, read_once):
    found = explain(store, ["T12", "random", "auc", "2"])
    assert set(found.runs["weighting"]) == {"InvProp (bins=10)", "InvProp (bins=2)"}


def test_a_failed_run_is_found_with_its_file(store, read_once):
    found = explain(store, ["runs", "50", "warm", "ag_news", "failed"])
    (run,) = found.runs.to_dict("records")
    assert (run["status"], run["seed"], run["file"].split("/")[0]) == ("failed", 1, "failed")


@pytest.mark.parametrize(
    ("address", "fragments"),
    [
        ([], ["the address is empty", "T4 50 auc InvProp"]),
        (["T44"], ["unknown table 'T44'", "Did you mean 'T4'", "T12"]),
        (["T4", "30"], ["nothing in T4 is called '30'", "Ratio: 50, 100", "Column: InvProp, Uniform"]),
        (["T4", "50", "acc"], ["'acc'", "Metric: Balanced accuracy, ROC-AUC, Positives ratio"]),
        (["T4", "50", "auc"], ["names 2 cells", "Column: InvProp, Uniform"]),
    ],
)
def test_a_wrong_address_is_one_line_that_says_what_is_allowed(store, read_once, address, fragments):
    with pytest.raises(SpecError) as error:
        explain(store, address)
    assert "\n" not in str(error.value)
    for fragment in fragments:
        assert fragment in str(error.value)


def test_a_table_that_was_not_run_says_what_it_needs(tmp_path, factory):
    store = factory.fill(tmp_path / "s", seeds=range(2))
    with pytest.raises(SpecError, match=r"unknown table 'T6'.*Table 6 .* not run: needs ratio 200, 1000"):
        explain(store, ["T6", "200"])


def test_of_several_settings_one_is_chosen(tmp_path, factory):
    factory.fill(tmp_path / "s", seeds=range(2))
    small = factory.SETTINGS.model_copy(update={"pool": PoolSettings(limit=2500)})
    store = factory.fill(tmp_path / "s", seeds=range(1), settings=small)
    results = read_results(store)
    digest = results.runs["settings"].value_counts().index[-1]
    with pytest.raises(SpecError, match=rf"settings '' name 2 conditions.*{digest[:8]}"):
        explain(store, ["T4", "50", "auc", "InvProp"])
    assert len(explain(store, ["T4", "50", "auc", "InvProp"], digest[:4]).runs) == 4


def test_an_empty_store_has_nothing_to_explain(tmp_path):
    with pytest.raises(SpecError, match="no finished runs"):
        explain(Store(tmp_path / "s", create=True), ["T4"])
    with pytest.raises(StoreError, match="no result store"):
        explain(Store(tmp_path / "nothing"), ["T4"])


def test_runs_stay_in_one_order(store, read_once):
    found = explain(store, ["T8", "50", "warm", "BADGE", "auc", "PosProb"])
    pd.testing.assert_frame_equal(
        found.runs, found.runs.sort_values(["dataset", "positive", "seed"], ignore_index=True)
    )
