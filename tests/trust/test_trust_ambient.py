"""Nothing ambient: a result, its record and its report are the same whatever the environment they are made in."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, cli_environment
from grid_tools import PATIENCE_S, assert_same_results

import bench
from bench.environment import CUBLAS_WORKSPACE, is_left_out, leave_out_ambient
from bench.grid.worker import provenance
from bench.store import Store

HOSTILE = {
    # Lightning and its like: how a fit goes
    "PL_TRAINER_LIMIT_TRAIN_BATCHES": "1", "PL_TRAINER_MAX_STEPS": "1", "PL_TRAINER_ACCUMULATE_GRAD_BATCHES": "2",
    "PL_TRAINER_FAST_DEV_RUN": "1", "LOCAL_RANK": "1", "RANK": "1", "WORLD_SIZE": "2", "ACCELERATE_USE_FSDP": "1",
    # arithmetic
    "ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "ONEDNN_MAX_CPU_ISA": "SSE41", "DNNL_MAX_CPU_ISA": "SSE41", "ONEDNN_DEFAULT_FPMATH_MODE": "BF16",
    "OPENBLAS_CORETYPE": "Prescott", "NVIDIA_TF32_OVERRIDE": "1", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1",
    "OMP_NUM_THREADS": "3", "OMP_THREAD_LIMIT": "1", "OMP_DYNAMIC": "true", "CUBLAS_WORKSPACE_CONFIG": ":16:8",
    # what libraries are, and in what parts they work
    "USE_TORCH": "0", "USE_TF": "1", "TRANSFORMERS_SDPA_FORCE_GQA": "1", "HF_DATASETS_IN_MEMORY_MAX_SIZE": "1000000000",
    "SKLEARN_WORKING_MEMORY": "1", "SKLEARN_PAIRWISE_DIST_CHUNK_SIZE": "16", "SCIPY_ARRAY_API": "1",
    "JOBLIB_MULTIPROCESSING": "0", "PANDAS_COPY_ON_WRITE": "warn", "TOKENIZERS_PARALLELISM": "true",
    # git
    "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "status.showUntrackedFiles", "GIT_CONFIG_VALUE_0": "no",
    # Python, its text and its figures
    "PYTHONWARNINGS": "error", "PYTHONHASHSEED": "7",
    "LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Asia/Kathmandu",
    "MPLBACKEND": "nonsense", "FORCE_COLOR": "1", "COLUMNS": "40", "TTY_COMPATIBLE": "1", "TERM": "dumb",
}  # fmt: skip
GRID = ("run", "smoke", "--tasks", "toy/law", "--algorithms", "random,badge", "--weightings", "invprop")


def start(folder: Path, mirror: Path, model: Path, umask: int, variables: dict[str, str]) -> subprocess.Popen[str]:
    """Start the command line on a tiny grid and its report, in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "imbal_bench", *GRID, "--model", model, "--threads", "1", "--store", "store"],
        cwd=folder, env=cli_environment(mirror, folder, **variables), umask=umask,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def report_of(store: Path) -> dict[str, object]:
    """Return the files of a report that tell no time, the table of runs without its times."""
    report = store / "report"
    files = {path.relative_to(report).as_posix(): path for path in report.rglob("*") if path.is_file()}
    timed = ("/time", "/standing", "/leaderboard")  # they show seconds a run
    compared = {
        name for name in files if name.startswith(("tables/", "figures/")) and not any(word in name for word in timed)
    }
    with (report / "runs.csv").open(newline="") as lines:
        rows = [row | {"seconds": "", "finished": ""} for row in csv.DictReader(lines)]
    return {name: files[name].read_bytes() for name in compared} | {"runs.csv": rows}


@pytest.fixture
def other_repository(tmp_path) -> Path:
    """A repository that is not ours, with a commit."""
    folder = tmp_path / "other"
    author = ("-c", "user.name=x", "-c", "user.email=x@y")
    subprocess.run(["git", "init", "-q", folder], check=True)
    subprocess.run(["git", "-C", folder, *author, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    return folder


@pytest.mark.slow
def test_a_hostile_environment_changes_no_result_and_no_report(tmp_path, toy_mirror, tiny_bert, other_repository):
    calm, odd = tmp_path / "calm", tmp_path / "odd"
    for folder in (calm, odd):
        folder.mkdir()
    (odd / "matplotlibrc").write_text("savefig.facecolor: red\nxtick.direction: in\nlines.dashed_pattern: 9, 9\n")
    git = {"GIT_DIR": str(other_repository / ".git"), "GIT_WORK_TREE": str(other_repository), "GIT_INDEX_FILE": "none"}
    disturbed = {"MATPLOTLIBRC": str(odd), **git, **HOSTILE}
    for process in (
        start(calm, toy_mirror, tiny_bert, 0o022, {}),
        start(odd, toy_mirror, tiny_bert, 0o077, disturbed),
    ):
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, errors
    assert_same_results(calm / "store", odd / "store")
    made = [
        [record.provenance.model_dump(exclude={"finished"}) for record in Store(folder / "store").records()]
        for folder in (calm, odd)
    ]
    assert len(made[0]) == 2
    assert made[0] == made[1]
    expected, found = report_of(calm / "store"), report_of(odd / "store")
    assert len(expected) > 10
    assert expected.keys() == found.keys()
    assert [name for name in expected if expected[name] != found[name]] == []


@pytest.mark.parametrize("name", ["PL_TRAINER_MAX_EPOCHS", "MKL_DYNAMIC", "OPENBLAS_VERBOSE", "HF_X", "TORCHDYNAMO_X"])
def test_variables_of_the_libraries_are_left_out(name):
    assert is_left_out(name)


@pytest.mark.parametrize(
    "name",
    ["HF_HOME", "HF_HUB_OFFLINE", "HF_TOKEN", "HTTPS_PROXY", "CUDA_VISIBLE_DEVICES", "IMBAL_BENCH_DATA", "SLURM_JOB_ID",
     "OMP_NUM_THREADS", "PATH", "RANKING", "PLACE", "MY_PL_TRAINER_X"],
)  # fmt: skip
def test_others_stay(name):
    assert not is_left_out(name)


def test_the_workspace_of_cublas_is_the_same_from_the_start():
    environment = {"CUBLAS_WORKSPACE_CONFIG": ":16:8", "HOME": "/x"}
    leave_out_ambient(environment)
    assert environment == {"HOME": "/x", CUBLAS_WORKSPACE[0]: CUBLAS_WORKSPACE[1]}


def test_whoever_imports_the_package_has_them_left_out_before_any_library_is_loaded():
    code = "import bench, os, sys; print('PL_TRAINER_MAX_STEPS' in os.environ, 'numpy' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PL_TRAINER_MAX_STEPS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


# The commit


@pytest.fixture
def checkout(tmp_path, monkeypatch, other_repository) -> Path:
    """A repository whose file is taken for the code that runs."""
    code = other_repository / "bench" / "__init__.py"
    code.parent.mkdir(parents=True)
    code.write_text("")
    author = ("-c", "user.name=x", "-c", "user.email=x@y")
    subprocess.run(["git", "-C", other_repository, "add", "."], check=True)
    subprocess.run(["git", "-C", other_repository, *author, "commit", "-q", "-m", "y"], check=True)
    monkeypatch.setattr(bench, "__file__", str(code))
    return other_repository


def git_of_code() -> tuple[str | None, bool | None]:
    return provenance._git.__wrapped__()


@pytest.mark.parametrize(
    "variables",
    [{"GIT_DIR": "/nowhere"}, {"GIT_WORK_TREE": "/"}, {"GIT_INDEX_FILE": "/nowhere"}, {"GIT_CEILING_DIRECTORIES": "/"},
     {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "status.showUntrackedFiles", "GIT_CONFIG_VALUE_0": "no"},
     {"GIT_CONFIG_PARAMETERS": "'status.showUntrackedFiles'='no'"}, {"GIT_CONFIG_GLOBAL": "USERS"}, {"HOME": "HOME"},
     {"XDG_CONFIG_HOME": "HOME"}, {"GIT_NAMESPACE": "x"}, {"GIT_OBJECT_DIRECTORY": "/nowhere"}],
)  # fmt: skip
def test_no_environment_of_git_falsifies_the_commit(variables, checkout, tmp_path, monkeypatch):
    commit, dirty = git_of_code()
    assert (len(commit), dirty) == (40, False)
    (checkout / "new.py").write_text("")
    users = tmp_path / "git" / "config"
    users.parent.mkdir()
    users.write_text("[status]\nshowUntrackedFiles = no\n[core]\nexcludesFile = ignored\n")
    (tmp_path / "git" / "ignore").write_text("*.py\n")
    (tmp_path / ".gitconfig").write_text(users.read_text())
    places = {"USERS": str(users), "HOME": str(tmp_path)}
    for name, value in variables.items():
        monkeypatch.setenv(name, places.get(value, value))
    assert git_of_code() == (commit, True)
