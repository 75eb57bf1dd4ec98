"""The Python interface in the tests' own process, on the toy texts, with the learner that needs no encoder."""

from __future__ import annotations

import pytest
from cli_tools import in_process
from door_tools import TINY

import imbal_bench as ib
from bench.plugins import REGISTRIES


@pytest.fixture(autouse=True)
def _here(monkeypatch, tmp_path, toy_mirror):
    """Work in a temporary folder, and leave no part behind in the registries."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMBAL_BENCH_DATA", str(toy_mirror))
    monkeypatch.setenv("IMBAL_BENCH_CACHE", str(tmp_path / "cache"))
    for registry in REGISTRIES:
        monkeypatch.setattr(registry, "_found", dict(registry.items()))


@pytest.fixture
def tiny():
    """Run the tiny grid with some arguments replaced."""
    return lambda **given: ib.run(**{**TINY, **given})


@pytest.fixture
def bench(monkeypatch, capsys):
    """Run the command line in this process; return (exit code, standard output, standard error)."""
    return in_process(monkeypatch, capsys)
