"""Users' own modules of the names of our packages: ours come first, here and in every process that we start."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, cli_environment
from door_tools import near

from imbal_bench import packages

GRID = """
tasks: toy/law
ratios: 10
seeds: 2
learners: tfidf
algorithms: [random, near]
weightings: [uniform, invprop]
loop: {rounds: 1, batch: 6}
pool: {limit: 120}
"""


@pytest.fixture
def clash(tmp_path) -> Path:
    """A folder with modules of all our names, and a plug-in with a neighbour of its own beside it."""
    folder = tmp_path / "theirs"
    (folder / "analysis").mkdir(parents=True)
    for name in ("analysis/__init__", "reports", "bench"):
        (folder / f"{name}.py").write_text("raise SystemError('a module of the user')\n")
    (folder / "neighbour.py").write_text("LEVEL = 0.5\n")
    (folder / "mine.py").write_text(near().replace("import numpy as np", "import neighbour\nimport numpy as np"))
    (folder / "grid.yaml").write_text(GRID)
    return folder


@pytest.fixture
def in_clash(clash, toy_mirror):
    """Run Python in that folder, which is first on its path."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=clash,
            env=cli_environment(toy_mirror, clash, PYTHONPATH=f"{clash}:{ROOT}"),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["joblib", "dask"])
def test_a_grid_is_run_by_processes_and_reported_beside_them(in_clash, executor):
    run = ["run", "grid.yaml", "--plugin", "mine.py", "--jobs", "2", "--executor", executor, "--store", "s"]
    run += ["--no-report"]
    done = in_clash("-m", "imbal_bench", *run)
    assert (done.returncode, done.stderr) == (0, "")
    assert "8 of 8 runs stored in s" in done.stdout


@pytest.mark.slow
def test_laws_are_tried_in_a_process_of_their_own_beside_them(in_clash):
    done = in_clash("-m", "imbal_bench", "check", "squared", "--plugin", "mine.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 checked, all laws hold" in done.stdout


def test_python_finds_ours_if_it_is_imported_first_and_says_if_it_is_not(in_clash, clash):
    code = "import imbal_bench as ib, bench.seeds, analysis, reports, neighbour; print(analysis.__file__, ib.select)"
    done = in_clash("-c", code)
    assert done.returncode == 0, done.stderr
    assert str(ROOT / "analysis" / "__init__.py") in done.stdout
    (clash / "bench.py").write_text("")
    done = in_clash("-c", "import bench, imbal_bench")
    assert f"ImportError: a module 'bench' from {clash / 'bench.py'} is loaded already" in done.stderr


def test_the_search_path_stays_what_it_is_where_no_name_is_taken(monkeypatch):
    path = [entry for entry in sys.path if entry != packages.DOORS]
    monkeypatch.setattr(sys, "path", list(path))
    packages.come_first()
    assert sys.path == path


@pytest.mark.parametrize("taken", ["analysis", "reports", "bench"])
def test_each_name_is_seen_to_be_taken_and_one_folder_of_doors_is_put_first(monkeypatch, tmp_path, taken):
    (tmp_path / f"{taken}.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *(entry for entry in sys.path if entry != packages.DOORS)])
    importlib.invalidate_caches()
    for _ in range(2):
        packages.come_first()
    assert sys.path[:2] == [packages.DOORS, str(tmp_path)]
    assert sys.path.count(packages.DOORS) == 1


def test_there_is_a_door_to_each_package_below_and_to_nothing_else():
    doors = {path.stem for path in Path(packages.DOORS).iterdir() if path.suffix}
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"imbal_bench", "tests"}
    assert doors == set(packages.NAMES) == ours
