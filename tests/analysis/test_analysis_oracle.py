"""All numbers of the tables, kept from before analysis was rebuilt on a cube: they may not move.

Of the example, p after Holm in Tables 4 and 5 was set anew when families came to hold only ratios that were run.

``oracle/example.csv.xz`` is of the example's runs, ``oracle/paper_shape.csv.xz`` of made-up runs in the shape of the
paper's, 60 of which are missing. A line is a number of a table: its row, metric and column, what it is tested against,
and the unrounded number.
"""

import random
import re
import shutil
from math import isnan
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT

from analysis import read_results, sections
from bench.perf.made_up_runs import records, write
from bench.store import Store

KEY = ["table", "row", "metric", "column", "against", "field"]
TESTS = {"n": "pairs", "seed_low": "low", "seed_high": "high"}
RUN_LEVEL, SEED_LEVEL = ("n", "difference", "p", "p_holm"), ("units", "estimate", "seed_low", "seed_high", "p_seed")


def frozen(name):
    file = Path(__file__).with_name("oracle") / f"{name}.csv.xz"
    return pd.read_csv(file, dtype=dict.fromkeys(KEY, str), keep_default_na=False).set_index(KEY)["number"]


def numbers(store):
    """Return the same of a store now."""
    (section,) = sections(read_results(store))
    found = {}
    for table in section.tables:
        if not re.fullmatch(r"table\d+(-effects)?", table.name):
            continue
        for row in table.rows:
            for (metric, column), cell in zip(table.columns, row.cells, strict=True):
                at = (table.name, "|".join(row.labels), metric, column)
                low, high = cell.interval
                found |= {
                    (*at, "", name): value for name, value in (("value", cell.value), ("low", low), ("high", high))
                }
                if cell.n is not None:
                    found[*at, "", "n"] = cell.n
                for test in cell.tests:
                    fields = (*RUN_LEVEL, *(SEED_LEVEL if test.has_seed_level else ()))
                    found |= {(*at, test.against, name): getattr(test, TESTS.get(name, name)) for name in fields}
    return pd.Series({key: float(value) for key, value in found.items() if not isnan(value)}, dtype=float)


def compare(store, name):
    ours, theirs = numbers(store), frozen(name)
    assert set(ours.index) == set(theirs.index)
    pd.testing.assert_series_equal(
        ours.sort_index(), theirs.sort_index(), rtol=1e-12, atol=1e-12, check_names=False, check_index_type=False
    )


def test_the_numbers_of_the_example(tmp_path):
    compare(Store(shutil.copytree(ROOT / "reports" / "example" / "store", tmp_path / "store")), "example")


@pytest.mark.slow
def test_the_numbers_of_runs_in_the_papers_shape(tmp_path):
    store = Store(tmp_path / "store", create=True)
    for seed in range(10):
        write(store, records(seed))
    for key in random.Random(5).sample(  # noqa: S311 - which runs were missing when the numbers were kept
        sorted(store.keys()), 60
    ):
        store.file_of(key).unlink()
    compare(store, "paper_shape")
