"""A table of a user's own: one file, by ``--plugin``; nothing else changes."""

import pytest

from analysis import definitions as room
from bench.errors import PluginError
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


def test_a_table_of_a_users_own_is_in_the_report_with_its_tests(store, tmp_path, monkeypatch):
    monkeypatch.setattr("reports.report._drawn", lambda report: {section.suffix: () for section in report.sections})
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
