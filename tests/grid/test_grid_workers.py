"""Which workers options ask for, how a grid is cut into shards, and how workers on this machine are kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from grid_tools import job_named, of_a_module_here_alone, override
from hypothesis import given
from hypothesis import strategies as st

from bench.config.slurm import SlurmSpec, load_slurm
from bench.errors import BenchError, RunError, SpecError
from bench.grid.executors.choice import Workers, choose_workers
from bench.grid.executors.start import start_workers
from bench.grid.expansion.expand import expand
from bench.grid.messages import BlockReport

SLURM = SlurmSpec(jobs=2, cores=8, workers=2)


def one_line(error: pytest.ExceptionInfo[BenchError]) -> str:
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


@pytest.mark.parametrize(
    ("options", "executor", "processes"),
    [
        ({}, "inline", 1),
        ({"jobs": 3}, "joblib", 3),
        ({"needs_subprocess": True}, "joblib", 1),
        ({"executor": "joblib"}, "joblib", 1),
        ({"executor": "dask", "jobs": 2}, "dask", 2),
        ({"gpus": "0, 3", "per_gpu": 2}, "joblib", 4),
        ({"scheduler": "tcp://a:1"}, "dask", 1),
        ({"slurm": SLURM}, "dask", 1),
    ],
)
def test_options_imply_an_executor(options, executor, processes):
    workers = choose_workers(**options)
    assert (workers.executor, len(workers.slots)) == (executor, processes)
    assert workers.remote == bool({"scheduler", "slurm"} & options.keys())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"executor": "joblib", "scheduler": "tcp://a:1"}, "need --executor dask"),
        ({"executor": "inline", "jobs": 2}, "--executor inline is one worker"),
        ({"executor": "inline", "needs_subprocess": True}, "--run-timeout"),
        ({"jobs": 2, "gpus": "0"}, "--jobs and --gpus each say which workers"),
        ({"scheduler": "tcp://a:1", "slurm": SLURM}, "--scheduler and --slurm each say"),
        ({"per_gpu": 2}, "give --gpus too"),
        ({"gpus": ""}, "must read all, or different numbers"),
        ({"gpus": "0,,1"}, "must read all"),
        ({"gpus": "1,1"}, "different"),
        ({"gpus": "all,1"}, "must read all"),
    ],
)
def test_options_that_contradict_each_other_are_one_line(options, message):
    with pytest.raises(SpecError) as error:
        choose_workers(**options)
    assert message in one_line(error)


def test_all_gpus_are_those_that_this_process_sees(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert choose_workers(gpus="all").gpus == ("0", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,3")
    workers = choose_workers(gpus="all", per_gpu=2)
    assert [slot["CUDA_VISIBLE_DEVICES"] for slot in workers.slots] == ["5", "5", "3", "3"]
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    with pytest.raises(BenchError, match="torch sees none"):
        choose_workers(gpus="all")


def test_cores_are_divided_among_workers(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(16)), raising=False)
    found = [Workers(jobs=3), Workers(gpus=("0", "1"), per_gpu=2), Workers(jobs=99), Workers("dask", slurm=SLURM)]
    assert [workers.threads_each for workers in found] == [5, 4, 1, 4]
    assert Workers("dask", scheduler="tcp://a:1").threads_each == 1


# Slurm's file


def test_a_slurm_file_is_read(tmp_path):
    (tmp_path / "s.yaml").write_text('jobs: 8\nmemory: 32GB\nwalltime: "12:00:00"\ndirectives: ["--gres=gpu:1"]\n')
    spec = load_slurm(tmp_path / "s.yaml")
    assert (spec.jobs, spec.memory, spec.walltime, spec.directives) == (8, "32GB", "12:00:00", ("--gres=gpu:1",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("cores: 4", "field 'jobs' is missing"),
        ("jobs: 0", "'jobs' is 0"),
        ("jobs: 1\nqueu: gpu", "unknown field 'queu'"),
        (
            "jobs: 1\nwalltime: 240",
            "'walltime' is 240: Input should be a valid string; YAML reads it as a number: quote it",
        ),
        ("jobs: 1\nqueue: gpu\nqueue: cpu", "'queue' is given twice in line 3"),
        ("jobs: 1\nqueue: 'gpu\n\n  rm -rf /'", "one word"),
        ("jobs: 1\npython: python;reboot", "one word"),
        ("jobs: 1\naccount: $(id)", "one word"),
        ("jobs: 1\ndirectives: ['gres=gpu:1']", "starts with a dash"),
        ("jobs: 1\ndirectives: ['--wrap=`id`']", "one word"),
        ("jobs: !!python/object/apply:os.system [id]", "is not YAML"),
        ("- jobs", "must hold a mapping"),
    ],
)
def test_a_wrong_slurm_file_is_one_line(tmp_path, content, message):
    (tmp_path / "s.yaml").write_text(content)
    with pytest.raises(SpecError) as error:
        load_slurm(tmp_path / "s.yaml")
    assert message in one_line(error)


def test_a_time_is_no_number_of_seconds(tmp_path):
    (tmp_path / "s.yaml").write_text("jobs: 1\nwalltime: 4:00:00\n")
    assert load_slurm(tmp_path / "s.yaml").walltime == "4:00:00"


def test_a_missing_slurm_file_names_what_belongs_into_one(tmp_path):
    with pytest.raises(SpecError, match="takes YAML with jobs, cores, memory"):
        load_slurm(tmp_path / "s.yaml")


# Shards


@pytest.fixture(scope="module")
def wide_grid(tiny_spec, world):
    """23 blocks that can be run, and as many that cannot."""
    return expand(override(tiny_spec, seeds=23, ratios=[10, 50], pool={"limit": 100}), world)


@given(count=st.integers(1, 60))
def test_shards_have_no_block_in_common_and_make_up_the_grid(wide_grid, count):
    shards = [wide_grid.shard(number, count) for number in range(1, count + 1)]
    for every, parts in (
        (wide_grid.jobs, [shard.jobs for shard in shards]),
        (wide_grid.skipped, [shard.skipped for shard in shards]),
    ):
        sizes = [len(part) for part in parts]
        assert sum(sizes) == len(every) == 23
        assert {id(item) for part in parts for item in part} == {id(item) for item in every}
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("shard", [(0, 3), (4, 3), (1, 0)])
def test_a_shard_that_is_not_one_is_refused(wide_grid, shard):
    with pytest.raises(SpecError, match="there is no shard"):
        wide_grid.shard(*shard)


# Worker processes of this machine


@pytest.mark.slow
def test_a_worker_that_dies_takes_nobody_along_and_is_replaced(tmp_path):
    """The victim waits until its neighbour is at work, dies, and comes back; the neighbour never notices."""

    def work(job):
        import time

        here = tmp_path / f"{job}-{os.getpid()}"
        here.touch()
        if job == "victim" and len(list(tmp_path.glob("victim-*"))) == 1:
            while not list(tmp_path.glob("neighbour-*")):
                time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGKILL)
        while job == "neighbour" and len(list(tmp_path.glob("victim-*"))) < 2:
            time.sleep(0.05)
        return BlockReport(job, failures=[os.environ["CUDA_VISIBLE_DEVICES"]])

    workers = choose_workers(gpus="0,1")
    with start_workers(workers, "cpu", tmp_path) as reports:
        found = []
        pending = [job_named("victim"), job_named("neighbour")]
        threads_of = {}
        for report in reports(lambda job: work(job.block), pending):
            found.append(report)
            if report.lost:
                threads_of["again"] = list(reports(lambda job: work(job.block), [job_named("victim")]))
    assert [report.name for report in found] == ["victim", "neighbour"]
    assert [report.lost for report in found] == [True, False]
    (again,) = threads_of["again"]
    assert not again.lost
    assert {again.failures[0], found[1].failures[0]} == {"0", "1"}  # one GPU each, and the new worker has the old one
    assert len(list(tmp_path.glob("neighbour-*"))) == 1


def test_a_worker_that_lacks_a_module_ends_the_grid_in_one_line(tmp_path):
    job = job_named("a")
    job.more = of_a_module_here_alone()
    with (
        pytest.raises(
            RunError, match=r"cannot run blocks \(ModuleNotFoundError: No module named 'only_here'\); it must"
        ),
        start_workers(choose_workers("joblib"), "cpu", tmp_path) as reports,
    ):
        list(reports(lambda job: BlockReport(job.block), [job]))


# The cache


BUILDER = """
import sys, time
from pathlib import Path
from bench.data.folders import cached_folder

target, log = Path(sys.argv[1]), Path(sys.argv[2])

def build(folder):
    log.open("a").write("built\\n")
    time.sleep(0.3)
    (folder / "value").write_text("7")

def load(folder):
    return (folder / "value").read_text()

print("ready", flush=True)
sys.stdin.readline()
print(cached_folder(target, build, load))
"""


def test_processes_that_want_the_same_cache_build_it_once(tmp_path):
    command = [sys.executable, "-c", BUILDER, str(tmp_path / "cache" / "x"), str(tmp_path / "log")]
    processes = [
        subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[0] for process in processes] == ["7\n"] * 4
    assert (tmp_path / "log").read_text() == "built\n"
    assert [path.name for path in Path(tmp_path / "cache").iterdir() if path.is_dir()] == ["x"]
