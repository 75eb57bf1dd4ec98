"""A night of a tiny model whose process is killed, and the night after it."""

import json
import os
import signal
import subprocess
import sys

import pytest
import yaml
from conftest import cli_environment
from grid_tools import ended, wait_for_runs

from bench.store import Store

pytestmark = pytest.mark.slow


def test_a_killed_night_goes_on_where_it_stopped(cli, tiny_bert, toy_mirror, tmp_path):
    spec = {
        "tasks": ["toy/law"],
        "ratios": [10],
        "seeds": 3,
        "algorithms": ["random"],
        "weightings": ["uniform", "invprop"],
        "loop": {"rounds": 2, "batch": 6},
        "pool": {"limit": 120},
        "model": {"name": str(tiny_bert), "max_length": 32},
        "train": {"learning_rate": 2e-3},
    }
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(spec))
    asked = ["nightly", "grid.yaml", "--threads", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "imbal_bench", *asked],
        cwd=tmp_path,
        env=cli_environment(toy_mirror, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with ended(process):
        while not (night := next((tmp_path / "nightly").glob("20*/begun.json"), None)):
            assert process.poll() is None, process.communicate()[0]
        store = night.parent / "store"
        wait_for_runs(store, 2, process)
        os.killpg(process.pid, signal.SIGKILL)
    keys = Store(store).keys()
    done = {key: Store(store).file_of(key).stat().st_mtime_ns for key in keys}
    assert 2 <= len(done) < 6
    assert not (tmp_path / "nightly" / "history.jsonl").exists()
    second = cli(*asked)
    assert second.returncode == 0, second.stderr
    assert "was cut off and goes on as it was begun" in second.stdout
    assert len(Store(store).keys()) == 6
    assert {key: Store(store).file_of(key).stat().st_mtime_ns for key in done} == done
    assert cli("baseline", "save", "main", "--store", store).returncode == 0
    third = cli(*asked, "--baseline", "main", "--margin", "auc=.05")
    told = json.loads((tmp_path / "nightly" / "latest.json").read_text())
    # The same machine gives the same runs, bit for bit.
    assert (third.returncode, told["verdict"], told["moved"]) == (0, "PASS", {}), third.stdout
    assert [(it["role"], it["identical"]) for it in told["comparisons"] if it["role"] == "canary"] == [("canary", 3)]
    assert len((tmp_path / "nightly" / "history.jsonl").read_text().splitlines()) == 2
    assert "<svg" in (tmp_path / "nightly" / "history.html").read_text()
