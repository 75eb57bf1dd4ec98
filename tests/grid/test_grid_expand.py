"""Specifications -> blocks and runs, counted without any data at hand."""

from __future__ import annotations

import itertools

import pytest
from grid_tools import override

from bench.config import load_spec
from bench.errors import InfeasibleTaskError, SpecError, UnknownNameError
from bench.grid.cost.grid_cost import grid_cost
from bench.grid.expansion.expand import expand
from bench.grid.expansion.sizes import parse_task
from bench.grid.world import World
from bench.records import Component, Strategy
from bench.strategies.base import ALGORITHMS, WEIGHTINGS


@pytest.fixture
def nowhere(tmp_path, monkeypatch) -> World:
    """No mirror and no network: only what is known of the datasets."""
    monkeypatch.delenv("IMBAL_BENCH_DATA", raising=False)
    return World(None, tmp_path / "cache")


def total_runs(grid) -> int:
    return grid.runs + sum(len(skipped.job.runs) for skipped in grid.skipped)


@pytest.mark.parametrize(
    ("preset", "runs", "blocks"),
    [("paper", 8_400, 700), ("extreme", 3_360, 280), ("bins", 800, 40), ("start", 840, 280), ("nightly", 504, 42)],
)
def test_the_presets_are_the_papers_grids(preset, runs, blocks, nowhere):
    grid = expand(load_spec(preset), nowhere, counted=False)
    assert total_runs(grid) == runs
    assert len(grid.jobs) + len(grid.skipped) == blocks
    assert len({run.key("data") for job in grid.jobs for run in job.runs}) == grid.runs


def test_the_paper_has_fourteen_tasks(nowhere):
    grid = expand(load_spec("paper"), nowhere, counted=False)
    assert len({job.block.task for job in grid.jobs}) == 14
    assert grid_cost(grid).fits == 8_400 * 5 + 700


def test_a_cold_start_has_no_first_fit(nowhere):
    warm, cold = (
        grid_cost(expand(load_spec("start", [f"starts=[{start}]"]), nowhere, counted=False))
        for start in ("warm", "cold")
    )
    assert warm.fits - cold.fits == 140


def test_blocks_of_some_seeds_can_run_other_strategies(nowhere):
    grid = expand(load_spec("paper", ["ratios=[50, 100000]"]), nowhere, counted=False)
    mine = Strategy(algorithm=Component(name="mine", version="7"), weighting=Component(name="uniform"))
    part = grid.running([mine], {3, 5})
    jobs = [*part.jobs, *(skipped.job for skipped in part.skipped)]
    assert part.skipped
    assert len(jobs) == 14 * 2 * 2
    assert {job.block.seed for job in jobs} == {3, 5}
    assert all([run.strategy for run in job.runs] == [mine] for job in jobs)
    assert all(run.block == job.block and run.settings == grid.spec.settings for job in jobs for run in job.runs)


def test_all_stands_for_every_algorithm_and_weighting_there_is(nowhere):
    spec = load_spec("smoke", ["algorithms=all", "weightings=[all]", "tasks=sst2/positive", "seeds=1"])
    (job,) = expand(spec, nowhere, counted=False).jobs
    strategies = {(run.strategy.algorithm.name, run.strategy.weighting.name) for run in job.runs}
    assert strategies == set(itertools.product(ALGORITHMS, WEIGHTINGS))
    assert {"random", "core_set"} <= set(ALGORITHMS)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("sst2", ("sst2", None)),
        ("ag_news/Sci/Tech", ("ag_news", "Sci/Tech")),
        ("data/mine.yaml", ("data/mine.yaml", None)),
        ("data/mine.yaml/spam", ("data/mine.yaml", "spam")),
        ("../a.yml/b/c", ("../a.yml", "b/c")),
    ],
)
def test_tasks_are_read(text, parts):
    assert parse_task(text) == parts


def test_a_users_dataset_goes_by_its_name_wherever_its_file_lies(tmp_path, tiny_spec, world):
    keys = set()
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        rows = "".join(f"text {i},{'rare' if i % 8 == 0 else 'rest'}\n" for i in range(400))
        (tmp_path / folder / "a.csv").write_text(f"text,label\n{rows}")
        fields = "name: mine\ntrain: a.csv\ntest_fraction: 0.2\ntext: text\nlabel: label\n"
        (tmp_path / folder / "mine.yaml").write_text(fields)
        grid = expand(override(tiny_spec, tasks=[f"{tmp_path / folder / 'mine.yaml'}/rare"]), world)
        assert str(grid.jobs[0].block.task) == "mine/rare"
        keys.add(grid.jobs[0].runs[0].key(grid.jobs[0].fingerprint))
    assert len(keys) == 1
    both = [f"{tmp_path / folder / 'mine.yaml'}/rare" for folder in ("here", "there")]
    with pytest.raises(SpecError, match="both called 'mine'"):
        expand(override(tiny_spec, tasks=both), world)


def test_options_multiply_and_are_checked(tiny_spec, world):
    options = {"invprop": {"bins": [2, 5]}, "dal": {"sub_batches": [1, 2, 3]}}
    grid = expand(override(tiny_spec, options=options), world)
    assert grid.runs == (3 + 3) * (2 + 2)  # random, badge, alps and three of dal; uniform, posprob and two of invprop
    with pytest.raises(UnknownNameError, match="'bonus'"):
        expand(override(tiny_spec, options={"bonus": {"x": [1]}}), world)


def test_infeasible_tasks_are_skipped_or_refused(tiny_spec, world):
    spec = override(tiny_spec, ratios=[10, 1000])
    grid = expand(spec, world)
    assert [job.block.ratio for job in grid.jobs] == [10]
    assert [skipped.job.block.ratio for skipped in grid.skipped] == [1000]
    with pytest.raises(InfeasibleTaskError, match="toy/law at ratio 1/1000 leaves 0 positives"):
        expand(override(spec, infeasible="refuse"), world)


def test_a_task_named_twice_is_refused(tiny_spec, world):
    with pytest.raises(SpecError, match="toy/law is named twice"):
        expand(override(tiny_spec, tasks=["toy", "toy/law"]), world)
