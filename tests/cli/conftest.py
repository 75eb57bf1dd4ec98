"""The command line, run in the process of the tests."""

from __future__ import annotations

import sys

import pytest

from bench import cli as command_line


@pytest.fixture
def bench(monkeypatch, capsys, tmp_path, toy_mirror):
    """Run the command line in this process; return (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMBAL_BENCH_DATA", str(toy_mirror))
    monkeypatch.setenv("IMBAL_BENCH_CACHE", str(tmp_path / "cache"))

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["imbal-bench", *map(str, arguments)])
        try:
            command_line.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        else:
            code = 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
