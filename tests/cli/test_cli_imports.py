"""What a command loads before it answers: the heavy libraries are for what computes with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT

HEAVY = {
    *("torch", "transformers", "tokenizers", "pytorch_lightning", "datasets", "sklearn", "scipy", "pandas", "pyarrow"),
    *("matplotlib", "seaborn", "joblib", "loky", "dask", "distributed"),
}
READS_A_STORE = {"pyarrow"}
COUNTS = {*READS_A_STORE, "pandas", "scipy"}
STORE = "reports/example/store"
# In order, in one process: what a command loads, the later ones find loaded.
COMMANDS: list[tuple[str, set[str]]] = [
    ("--help", set()),
    ("run --help", set()),
    ("list presets", set()),
    ("list", set()),
    ("plan paper", READS_A_STORE),
    (f"status --store {STORE}", READS_A_STORE),
    ("baseline list --baselines OUT", READS_A_STORE),
    (f"store replicates --store {STORE}", READS_A_STORE),
    ("validate --simulations 20", COUNTS),
    (f"store export OUT/published --store {STORE}", COUNTS),
]
PROGRAM = """
import contextlib, io, json, os, sys

os.environ.pop("IMBAL_BENCH_DATA", None)
from imbal_bench.cli import main

for command in json.loads(sys.argv[1]):
    sys.argv = ["imbal-bench", *command.split()]
    said, code = io.StringIO(), 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit as end:
            code = end.code
    print(json.dumps([code, said.getvalue()[-300:], sorted({name.partition(".")[0] for name in sys.modules})]))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> dict[str, list]:
    """Exit code, output and loaded libraries of each command."""
    out = tmp_path_factory.mktemp("out")
    commands = [command.replace("OUT", str(out)) for command, _ in COMMANDS]
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)],
        cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ, "IMBAL_BENCH_CACHE": str(out / "c")},
    )  # fmt: skip
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    return {command: line for (command, _), line in zip(COMMANDS, lines, strict=True)}


@pytest.mark.parametrize(("command", "allowed"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_a_command_that_trains_nothing_loads_no_heavy_library(command: str, allowed: set[str], loaded) -> None:
    code, said, modules = loaded[command]
    assert code in {0, None}, said
    assert HEAVY.intersection(modules) - allowed == set()
