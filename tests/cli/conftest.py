"""The command line, run in the process of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_tools import in_process

from reports import Report, ReportFiles


@pytest.fixture
def _unwritten(monkeypatch):
    """Of a report only an empty page is written: what is in it takes seconds, and is tested elsewhere."""

    def write(report: Report, out: Path, *_: object, **__: object) -> ReportFiles:
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.html").touch()
        return ReportFiles(out / "report.html", (), (), ())

    monkeypatch.setattr("imbal_bench.workflows.report.write_report", write)


@pytest.fixture
def bench(monkeypatch, capsys, tmp_path, toy_mirror):
    """Run the command line in this process; return (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMBAL_BENCH_DATA", str(toy_mirror))
    monkeypatch.setenv("IMBAL_BENCH_CACHE", str(tmp_path / "cache"))

    return in_process(monkeypatch, capsys)
