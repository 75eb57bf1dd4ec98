"""A table of a user's own: one file, by ``--plugin``; nothing else changes."""

import pytest

from analysis import Store, TableDefinition, read_results
from analysis import definitions as room
from analysis.comparisons import Numbers
from analysis.condition import conditions
from analysis.tables.render import render
from bench.errors import PluginError, SpecError
from bench.plugins import REGISTRIES
from imbal_bench.workflows.grids import add_plugins
from imbal_bench.workflows.report import explain, report

OWN = """
from analysis import TableDefinition

MINE = TableDefinition(
    address="gain",
    title="All weightings per dataset",
    says="Unweighted mean over algorithms, tasks and seeds",
    rows=("dataset", "ratio"),
)
"""


@pytest.fixture(autouse=True)
def _no_other_tables(monkeypatch):
    monkeypatch.setattr(room, "_plugged", {})
    for registry in REGISTRIES:
        monkeypatch.setattr(registry, "_found", dict(registry.items()))


@pytest.fixture
def store(tmp_path, factory):
    return factory.fill(tmp_path / "store", tasks=(("ag_news", "Sports"), ("sst2", "positive")), seeds=range(3)).path


def plugin(tmp_path, text=OWN, name="mine.py"):
    (tmp_path / name).write_text(text, "utf-8")
    return tmp_path / name


@pytest.mark.usefixtures("no_figures")
def test_a_table_of_a_users_own_is_in_the_report_with_its_tests(store, tmp_path, monkeypatch):
    assert add_plugins([plugin(tmp_path)]) == ()  # no part of runs
    written = report(store, tmp_path / "out")
    names = {path.name for path in written.files.tables}
    assert {"gain.csv", "gain-p.csv", "gain-effects.csv", "gain.tex"} <= names
    assert "All weightings per dataset" in written.files.html.read_text("utf-8")
    assert explain(["gain", "sst2", "auc", "invprop"], store)


def test_a_file_may_hold_a_table_beside_a_strategy(tmp_path):
    both = (
        OWN
        + """
from dataclasses import dataclass
from bench.strategies.base import Algorithm

@dataclass(frozen=True)
class First(Algorithm):
    name = "first_beside_a_table"

    def select(self, view, w, k):
        return range(k)
"""
    )
    (kept,) = add_plugins([plugin(tmp_path, both)])
    assert kept.path.endswith("mine.py")
    assert "gain" in room.definitions()


def test_a_changed_file_takes_the_place_of_its_earlier_state(tmp_path):
    add_plugins([plugin(tmp_path)])
    add_plugins([plugin(tmp_path, OWN.replace("All weightings", "Each weighting"))])
    assert room.definitions()["gain"].title == "Each weighting per dataset"


@pytest.mark.parametrize("address", ["T4", "gain"])
def test_an_address_that_is_in_use_is_refused(tmp_path, address):
    add_plugins([plugin(tmp_path)])
    with pytest.raises(PluginError, match=f"two tables are called '{address}'; give one another address"):
        add_plugins([plugin(tmp_path, OWN.replace('"gain"', f'"{address}"'), "other.py")])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": "dataset"}, "datasets can be rows only"),
        ({"rows": ("ratio", "weighting")}, "must be different axes"),
        ({"rows": ()}, "rows none and columns weighting must be"),
        ({"rows": ("task",)}, "'task' is no axis; there are: ratio, start, dataset, algorithm, weighting, bins"),
        ({"where": {"seed": (1,)}}, "'seed' is no axis"),
        ({"address": ""}, "needs an address"),
    ],
)
def test_a_table_that_cannot_be_laid_out_is_refused_with_what_is_allowed(change, message):
    with pytest.raises(SpecError, match=message):
        TableDefinition(**{"address": "t", "title": "", "says": "", "rows": ("ratio",), **change})


@pytest.mark.parametrize("columns", ["algorithm", "start", "ratio", "bins"])
def test_any_part_may_be_the_columns(store, columns):
    rows = ("dataset", "weighting") if columns == "algorithm" else ("dataset", "algorithm")
    mine = TableDefinition(address="t", title="", says="", rows=rows, columns=columns)
    (condition,) = conditions(read_results(Store(store)))
    table = render(Numbers.of(mine, condition))
    held = sum(cell.n or 0 for cell in table.cells) / len(mine.metrics)
    assert held == len(condition.runs)
