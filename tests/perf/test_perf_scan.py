"""The measurement of stores measures what it says."""

import pytest

from bench.model.hardware import choose_hardware
from bench.perf import scan
from bench.perf.scan import measure
from bench.store import Store


@pytest.fixture(scope="module")
def report():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "QUICK_RUNS", 30)
        return measure(choose_hardware("cpu"), quick=True, tell=lambda _: None)


def test_every_stage_has_a_floor_of_its_own(report):
    assert report.kind == "store of 30 runs"
    assert [entry.stage for entry in report.measures] == ["first resume", "later resume", "status"]
    assert all(entry.ratio > 0 and entry.better == "lower" for entry in report.measures)


def test_a_later_resume_opens_no_run(tmp_path, monkeypatch):
    """What makes 20,000 runs a matter of a second; times are for ``imbal-bench perf store``."""
    store = Store(tmp_path / "store", create=True)
    keys = set(scan.fill(store, 5))
    assert store.valid_keys(keys) == (keys, [])
    monkeypatch.setattr(Store, "content", lambda *_: pytest.fail("a run was read"))
    assert Store(store.path).valid_keys(keys) == (keys, [])
