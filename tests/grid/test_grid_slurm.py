"""A grid on a real Slurm of one machine: two jobs through dask-jobqueue, one of whose workers is killed.

The daemons of Debian's slurmctld and slurmd packages are started in a folder of the test's own, without authentication
and on ports of their own; where that is not possible, the test says why and is skipped.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from grid_tools import PATIENCE_S, assert_same_results, ended, override, wait_for_runs, write_spec

pytestmark = [pytest.mark.slow, pytest.mark.slurm, pytest.mark.timeout(4 * PATIENCE_S)]

CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
SchedulerParameters=sched_interval=1,bf_interval=1
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldPort={controller}
SlurmdPort={daemon}
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def asked(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def slurm(tmp_path_factory) -> Iterator[Path]:
    """A running Slurm whose configuration is in the environment; skips where there can be none."""
    missing = [name for name in ("slurmctld", "slurmd", "sbatch", "scancel") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root and Debian's slurmctld, slurmd and slurm-client; missing: {missing or 'root'}")
    folder, host = tmp_path_factory.mktemp("slurm"), socket.gethostname().partition(".")[0]
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    ports = {"controller": free_port(), "daemon": free_port()}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(host=host, folder=folder, **ports))
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        for command in (["slurmctld", "-D"], ["slurmd", "-D", "-N", host]):
            log = stack.enter_context((folder / f"{command[0]}.log").open("w"))
            daemon = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            stack.callback(_end, daemon)
        _wait_until_idle(folder)
        yield folder
        asked("scancel", "--user=root", "--full")
        _wait_until_no_job()


def _end(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(timeout=15)
    except subprocess.TimeoutExpired:
        daemon.kill()


def _wait_until_idle(folder: Path) -> None:
    for _ in range(60):
        answer = asked("sinfo", "--noheader", "--format=%T")
        if answer.strip() == "idle":
            return
        time.sleep(0.5)
    logs = " | ".join((folder / f"{name}.log").read_text()[-300:] for name in ("slurmctld", "slurmd"))
    pytest.skip(f"Slurm does not start here: {answer.strip()}; {' '.join(logs.split())}")


def _wait_until_no_job() -> None:
    for _ in range(60):
        if not asked("squeue", "--noheader").strip():
            return
        time.sleep(0.5)
    raise AssertionError("a job is left behind")


def test_two_slurm_workers_one_of_them_killed_end_like_an_undisturbed_run(slurm, start, tiny_spec, run_grid, tmp_path):
    small = override(tiny_spec, seeds=4, algorithms=["random", "badge"])
    (tmp_path / "slurm.yaml").write_text(
        'jobs: 2\ncores: 1\nmemory: 1GB\nwalltime: "00:30:00"\nqueue: main\ninterface: lo\n'
    )
    store = tmp_path / "store"
    process = start(write_spec(small, tmp_path / "s.yaml"), store, "--slurm", tmp_path / "slurm.yaml")
    with ended(process):
        wait_for_runs(store, 2, process)
        jobs = asked("squeue", "--noheader", "--format=%T").split()
        worker = next(path.stem.rpartition("-")[2] for path in (store / "live").glob("*.json"))
        os.kill(int(worker), signal.SIGKILL)
        output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, output
    assert 1 <= len(jobs) <= 2
    run_grid(small, tmp_path / "undisturbed")
    assert_same_results(tmp_path / "undisturbed", store)
    _wait_until_no_job()
