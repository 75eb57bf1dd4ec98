"""Numbers on the command line that are none to work with, and machines that lack what is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import SpecError
from bench.grid.driver.execution import Execution
from bench.grid.executors.choice import Workers
from bench.grid.world import World

WORLD = World(None, Path("cache"))


@pytest.mark.parametrize(
    "arguments",
    [
        *(["run", "smoke", "--run-timeout", value] for value in ("inf", "nan", "1e999", "0", "-1", "-inf", "2e9")),
        ["nightly", "--run-timeout", "nan"],
        *(["run", "smoke", option, "0"] for option in ("--jobs", "--threads", "--per-gpu")),
        *(["run", "smoke", option, "1000000"] for option in ("--jobs", "--threads", "--per-gpu")),
        ["power", "--margin", "nan"],
        ["validate", "--effect", "inf"],
        ["validate", "--seeds", "0"],
        ["validate", "--algorithms", "-3"],
        ["validate", "--simulations", "1000000000000"],
        ["data", "export", "toy", "out", "--limit", "-5"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_number_that_is_none_to_work_with_is_refused_by_its_option(bench, arguments):
    code, _, err = bench(*arguments)
    assert code == 2
    assert arguments[-2] in err
    assert "Traceback" not in err
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), 0.0, -1.0, 1e300])
def test_a_limit_of_time_that_is_none_is_refused_in_python_too(seconds):
    with pytest.raises(SpecError, match="give seconds above 0, or none for no limit"):
        Execution(Path("s"), WORLD, run_timeout=seconds)


@pytest.mark.parametrize("gpus", ["0", "0,7", "GPU-1a2b", "all"])
def test_gpus_that_are_not_there_are_refused_before_anything_is_run(bench, tiny_bert, monkeypatch, gpus):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    arguments = ["run", "smoke", "--tasks", "toy/law", "--model", tiny_bert, "--store", "s", "--gpus", gpus]
    code, _, err = bench(*arguments, "--per-gpu", 2)
    assert code == 2
    assert "torch sees n" in err.strip()
    assert len(err.strip().splitlines()) == 1
    assert not Path("s").exists()


def test_workers_that_were_promised_a_gpu_do_not_turn_to_the_cpu(tmp_path):
    execution = Execution(Path("s"), WORLD, Workers("joblib", gpus=("0",)))
    assert execution.context(tmp_path / "log").device == "cuda"
    with pytest.raises(SpecError, match="--device cpu"):
        Execution(Path("s"), WORLD, Workers("joblib", gpus=("0",)), device="cpu")
