"""The example that is kept with its runs is what its runs say."""

import shutil

from conftest import ROOT

from bench.store import Store
from reports.plain import to_csv, to_markdown
from reports.report import read_report

EXAMPLE = ROOT / "reports" / "example"


def test_every_table_of_the_example_follows_from_its_runs(tmp_path):
    store = shutil.copytree(EXAMPLE / "store", tmp_path / "store")  # a report leaves an index in the store
    tables = [table for section in read_report(store).sections for table in section.tables]
    assert len(tables) > 20
    for table in tables:
        for suffix, spell in (("csv", to_csv), ("md", to_markdown)):
            kept = EXAMPLE / "report" / "tables" / f"{table.name}.{suffix}"
            assert kept.read_text("utf-8") == spell(table), kept.name


def test_the_example_names_no_machine():
    records = list(Store(EXAMPLE / "store").records())
    assert len(records) == 108
    for record in records:
        made = record.provenance
        assert made.host == "example"
        assert "/" not in made.data_source + made.model_source
