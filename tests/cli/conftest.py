"""The command line, run in the process of the tests."""

from __future__ import annotations

import pytest
from cli_tools import in_process


@pytest.fixture
def bench(monkeypatch, capsys, tmp_path, toy_mirror):
    """Run the command line in this process; return (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMBAL_BENCH_DATA", str(toy_mirror))
    monkeypatch.setenv("IMBAL_BENCH_CACHE", str(tmp_path / "cache"))

    return in_process(monkeypatch, capsys)
