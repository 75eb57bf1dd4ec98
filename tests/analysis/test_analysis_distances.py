"""The table of informativeness: seed-level intervals, and what was left out."""

import numpy as np
import pytest
from frames import effect

from analysis import read_results, sections
from bench.records import Informativeness
from bench.store import Store

VALUES = {0: (0.5, 0.7), 1: (0.6, 0.75), 2: (0.55, 0.9), 3: (0.4, None)}
"""Seed -> distance of the runs of two tasks; of one run too few positives were found."""


@pytest.fixture(scope="module")
def store(factory, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("distances") / "s", create=True)
    for seed, values in VALUES.items():
        for positive, value in zip(("Sports", "World"), values, strict=True):
            for shift, weighting in enumerate(("uniform", "invprop")):
                own = None if value is None else value + shift / 10
                found = Informativeness(pairwise=(None, own), to_start=(own, 0.25))
                run = factory.a_run("badge", weighting, seed=seed, positive=positive)
                store.write(run.model_copy(update={"informativeness": found}))
    return store


def test_means_have_intervals_over_seeds(store, factory):
    (section,) = sections(read_results(store))
    table = section.table("informativeness")
    assert [row.labels for row in table.rows] == [("50", "warm", "BADGE", name) for name in ("InvProp", "Uniform")]
    for row, shift in zip(table.rows, (0.1, 0.0), strict=True):
        values = np.array([VALUES[seed] for seed in range(3)]).T + shift
        expected = effect(factory.tidy(values))
        mean, low, high, seeds = row.cells[:4]
        assert (mean.value, low.value, high.value) == pytest.approx((expected.estimate, expected.low, expected.high))
        assert (seeds.value, seeds.note) == (3, "1 of 4 seeds left out")
        assert len(mean.runs) == 8
        assert [cell.text for cell in row.cells[4:]] == ["0.2500", "–", "–", "4"]  # all the same: no interval
    assert table.notes[0].startswith("1 of 4 seeds left out: 50, warm, BADGE, InvProp, seeds")


def test_without_records_there_is_no_table(factory, tmp_path):
    (section,) = sections(read_results(factory.fill(tmp_path / "s", seeds=range(2))))
    assert section.distances is None
    assert [table.address for table in section.overall] == ["runs", "time"]
