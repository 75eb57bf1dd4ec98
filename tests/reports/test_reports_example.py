"""The example that is kept with its runs is what its runs say."""

import shutil
from io import StringIO

import pandas as pd
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
        kept = EXAMPLE / "report" / "tables" / table.name
        assert kept.with_suffix(".md").read_text("utf-8") == to_markdown(table), table.name
        # Unrounded values may differ in their last bits from one processor to another.
        ours, theirs = (pd.read_csv(one) for one in (StringIO(to_csv(table)), kept.with_suffix(".csv")))
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-6, atol=1e-12)


def test_the_example_names_no_machine():
    records = list(Store(EXAMPLE / "store").records())
    assert len(records) == 96
    for record in records:
        made = record.provenance
        assert made.host == "example"
        assert "/" not in made.data_source + made.model_source
