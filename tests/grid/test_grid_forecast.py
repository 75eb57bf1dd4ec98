"""Forecasts: counts stage by stage against recorded runs, laws against made-up times, calibration on the tiny model."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from grid_tools import override
from hypothesis import given
from hypothesis import strategies as st

from bench.config import load_spec
from bench.errors import DataError, ModelError
from bench.grid.cost import calibrate as calibration
from bench.grid.cost.calibrate import calibrate
from bench.grid.cost.count import run_cost, shared_cost
from bench.grid.cost.forecast import forecast
from bench.grid.cost.grid_cost import embedding_cost, grid_cost, run_weights, unshared_cost
from bench.grid.cost.rates import LinearLaw, Rates, find, rates_file, read, save
from bench.grid.cost.rows import LOG_DEVIATION, mean_tokens
from bench.grid.cost.timing import law
from bench.grid.expansion.expand import expand
from bench.grid.expansion.sizes import DatasetSizes
from bench.grid.world import World
from bench.model.content import pinned
from bench.model.hardware import choose_hardware
from bench.records import ModelSettings, Settings
from bench.store import Store

SECOND = LinearLaw(call=1.0)


def rates_with(**laws: LinearLaw) -> Rates:
    facts = {"model": "m", "device": "d", "threads": 1, "origin": "o", "flops_per_token": 10.0, "flops_per_s": 100.0}
    return Rates(**facts, laws={name.replace("_of_", " "): found for name, found in laws.items()})


def test_a_plan_counts_every_stage_as_runs_record_it(tiny_grid, finished):
    """But for rows of fits, which depend on what is found, and surprisal, which whoever comes first computes."""
    (job,), size = tiny_grid.jobs, tiny_grid.sizes["toy"]
    for record in Store(finished).records():
        algorithm = record.spec.strategy.algorithm.name
        for cost, rounds in (
            (shared_cost(job, size), record.rounds[:1]),
            (run_cost(record.spec, job, size), record.rounds[1:]),
        ):
            counted = {stage.split()[0]: work.rows for stage, work in cost.stages.items()}
            recorded: dict[str, int] = {}
            for entry in rounds:
                for stage, rows in entry.rows.items():
                    recorded[stage] = recorded.get(stage, 0) + rows
            recorded.pop("surprisal", None)
            assert counted.keys() == recorded.keys()
            assert {s: n for s, n in counted.items() if s != "fit"} == {s: n for s, n in recorded.items() if s != "fit"}
            assert f"select {algorithm}" in cost.stages or rounds[0].round == 0


def test_every_seed_weighs_what_it_would_alone(tiny_spec, world):
    grid = expand(override(tiny_spec, seeds=3, starts=["warm", "cold"]), world)
    alone = {
        run.key(job.fingerprint): run_cost(run, job, grid.sizes["toy"]).weight for job in grid.jobs for run in job.runs
    }
    assert run_weights(grid) == alone
    assert len(set(alone.values())) > 3


def test_surprisal_is_counted_once_a_seed_its_head_once_and_neither_without_alps(tiny_spec, world):
    def cost(seeds, **model):
        return grid_cost(
            expand(override(tiny_spec, seeds=seeds, ratios=[10], model={"name": tiny_spec.model.name, **model}), world)
        )

    one, many, shared = cost(1), cost(5), cost(5, mask_shared=True)
    assert [it.of("surprisal").calls for it in (one, many, shared)] == [1, 5, 1]
    assert many.of("surprisal").rows == 5 * one.of("surprisal").rows
    assert one.of("lm_head") == many.of("lm_head") == shared.of("lm_head")
    assert grid_cost(expand(override(tiny_spec, algorithms=["badge"]), world)).of("surprisal").calls == 0


def test_pools_of_at_least_half_of_the_split_share_one_surprisal(tiny_spec, world):
    """Two thirds of the 600 rows are negatives and stay."""

    def counted(ratios, limit=None):
        spec = override(tiny_spec, tasks=["toy/sport"], algorithms=["alps"], ratios=ratios, pool={"limit": limit})
        return grid_cost(expand(spec, world)).of("surprisal")

    assert counted([10]).rows == 600
    assert counted([10, 20]) == counted([10])
    limited = counted([5, 10], limit=100)
    assert (limited.calls, limited.rows <= 200) == (2, True)


def test_without_sharing_there_is_more_of_everything_that_is_shared(tiny_grid):
    shared, alone = grid_cost(tiny_grid), unshared_cost(tiny_grid)
    assert alone.fits == shared.fits + 11  # twelve runs, each its own M_0
    assert alone.of("score_pool").calls == 12 * 2
    assert alone.of("surprisal").calls == 3
    assert alone.of("select badge") == shared.of("select badge")


def test_a_forecast_is_counts_under_laws(tiny_grid):
    rates = rates_with(start=SECOND, fit=LinearLaw(row=2.0), score=LinearLaw(token=0.5), select_of_badge=SECOND)
    cost, found = grid_cost(tiny_grid), forecast(tiny_grid, rates, workers=4)
    assert found.stages["start"] == 1  # one block keeps one worker
    assert found.stages["fit"] == 2 * cost.of("fit").rows
    assert found.stages["score_pool"] == pytest.approx(0.5 * cost.of("score_pool").tokens)
    assert found.stages["select badge"] == 3 * 2
    assert set(found.unknown) == {"select alps", "select dal", "select random", "surprisal", "lm_head"}
    passes = cost.of("score_pool", "score_test", "surprisal").tokens + 3 * cost.of("fit").tokens
    assert found.floor == pytest.approx(passes * 10 / 100)
    naive = forecast(tiny_grid, rates_with(naive_of_score=LinearLaw(row=1.0), fit=LinearLaw(call=1.0))).naive
    alone = unshared_cost(tiny_grid)
    assert naive == alone.of("score_pool", "score_test", "surprisal").rows + alone.fits


numbers = st.floats(0, 1).filter(lambda value: value == 0 or value > 1e-3)


@given(numbers, numbers, numbers)
def test_a_law_is_found_from_three_times(call, row, token):
    sizes = [(1.0, 16.0, 200.0), (1.0, 64.0, 850.0), (1.0, 64.0, 3400.0)]
    truth = LinearLaw(call=call, row=row, token=token)
    seconds = [truth.seconds(*size) for size in sizes]
    if min(seconds) == 0:
        return
    found = law(sizes, seconds)
    assert [found.seconds(*size) for size in sizes] == pytest.approx(seconds, rel=1e-6)
    assert min(found.call, found.row, found.token) >= 0


@pytest.mark.parametrize("longest", [16, 32, 64, 127])
def test_a_shorter_cut_shortens_the_mean_as_it_does_for_log_normal_lengths(longest):
    size = DatasetSizes("toy", ("a", "b"), ("a",), (1, 1), (1, 1), 44.5, "", "")
    lengths = np.random.default_rng(0).lognormal(np.log(44.5) - LOG_DEVIATION**2 / 2, LOG_DEVIATION, 200_000)
    settings = Settings(model=ModelSettings(max_length=longest))
    assert mean_tokens(size, settings) == pytest.approx(np.minimum(lengths, longest).mean(), rel=0.01)
    assert mean_tokens(size, Settings(model=ModelSettings(max_length=128))) == 44.5


@pytest.fixture
def little_is_timed(monkeypatch):
    """A calibration that times a few rows; that its numbers mean little matters to no test."""
    few = replace(
        calibration.SIZES["cpu"],
        fit=(("sst2", 8), ("sst2", 16), ("ag_news", 16)),
        score=(("sst2", 16), ("sst2", 64), ("ag_news", 32)),
        select=(60, 90),
    )
    monkeypatch.setitem(calibration.SIZES, "cpu", few)


@pytest.mark.usefixtures("little_is_timed")
def test_a_calibration_knows_every_stage_of_its_grid(tiny_spec, tiny_grid, tmp_path):
    rates = calibrate(tiny_spec, choose_hardware("cpu", "fp32"), threads=1)
    found = forecast(tiny_grid, rates)
    assert found.unknown == ()
    assert found.naive > 0
    assert found.total > found.floor > 0
    assert found.dominant[1] >= 1 / len(found.stages)
    kept = rates_file(tmp_path, rates)
    save(rates, kept)
    assert read(kept, tiny_spec.model) == rates
    assert find(tmp_path, tiny_spec.model, rates.device, 1) == kept
    assert find(tmp_path, tiny_spec.model, rates.device, 2) is None
    assert find(tmp_path, tiny_spec.model, "another device", 1) is None


def test_a_calibration_belongs_to_the_content_of_a_model_and_not_to_its_name(tiny_bert, tmp_path):
    model, copy = ModelSettings(name=str(tiny_bert)), shutil.copytree(tiny_bert, tmp_path / "copy")
    made = rates_with(fit=SECOND).model_copy(update={"model": model.name, "content": pinned(model).content})
    save(made, rates_file(tmp_path, made))
    moved = ModelSettings(name=str(copy))
    assert find(tmp_path, moved, "d", 1) == rates_file(tmp_path, made)
    assert read(rates_file(tmp_path, made), pinned(moved)) == made
    assert find(tmp_path, moved.model_copy(update={"precision": "fp32"}), "d", 1) is None
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 1e-3}))
    assert find(tmp_path, moved, "d", 1) is None
    with pytest.raises(DataError, match=f"was calibrated with {tiny_bert}, not"):
        read(rates_file(tmp_path, made), pinned(moved))
    shutil.copy(copy / "config.json", tmp_path)
    other = made.model_copy(update={"content": "f" * 32})
    save(other, tmp_path / "r.json")
    with pytest.raises(DataError, match=f"was calibrated with other files of {tiny_bert}"):
        read(tmp_path / "r.json", pinned(model))


@pytest.mark.usefixtures("little_is_timed")
def test_a_calibration_on_a_gpu_fills_it_and_selects_on_it(tiny_spec, monkeypatch):
    hardware, sizes = choose_hardware("cpu", "fp32"), calibration.SIZES["cuda"]
    rows = [n for _, n in sizes.score]
    assert (min(rows), max(rows)) == (512, 32_768)
    assert 208 in [n for _, n in sizes.fit]
    assert sizes.select == (10_000, 100_000)
    views, select = [], calibration.choose
    monkeypatch.setattr(
        calibration,
        "choose",
        lambda *given: views.append((given[2].size, given[2].device)) or select(*given),
    )
    rates = calibrate(override(tiny_spec, algorithms=["badge"]), hardware, threads=1)
    assert {"fit", "score", "select badge"} <= rates.laws.keys()
    assert set(views) == {(60, "cpu"), (90, "cpu")}


def test_the_stage_that_dominates_is_named_with_its_share(tiny_grid):
    slow_fits = forecast(
        tiny_grid, rates_with(fit=SECOND, score=LinearLaw(call=1e-3), select_of_dal=LinearLaw(call=1e-3))
    )
    name, share = slow_fits.dominant
    assert name == "training"
    assert share == pytest.approx(slow_fits.stages["fit"] / slow_fits.total)
    assert forecast(tiny_grid, rates_with(fit=LinearLaw(call=1e-3), select_of_dal=SECOND)).dominant[0] == "select dal"
    passes = forecast(tiny_grid, rates_with(score=LinearLaw(row=1.0))).dominant
    assert passes == ("inference", 1.0)
    assert forecast(tiny_grid, rates_with()).dominant == ("nothing", 0.0)


@pytest.mark.usefixtures("little_is_timed")
def test_a_checkpoint_out_of_reach_is_timed_by_its_shape_or_refused(tiny_spec, tiny_bert, monkeypatch):
    lost = override(tiny_spec, algorithms=["random"], model={"name": "nobody/nothing", "max_length": 32})
    with pytest.raises(ModelError, match="cannot be loaded"):
        calibrate(lost, choose_hardware("cpu", "fp32"), threads=1)
    monkeypatch.setattr(calibration, "STAND_INS", {"nobody/nothing": "bert-base"})
    monkeypatch.setattr(calibration, "save_random", lambda _shape, _folder: tiny_bert)
    rates = calibrate(lost, choose_hardware("cpu", "fp32"), threads=1)
    assert rates.model == "nobody/nothing"
    assert "random weights of its shape" in rates.origin


def test_a_calibration_that_cannot_be_used_is_one_clear_line(tmp_path):
    path = tmp_path / "r.json"
    with pytest.raises(DataError, match="cannot read the calibration"):
        read(path, ModelSettings(name="m"))
    path.write_text("{}")
    with pytest.raises(DataError, match="is no calibration: model"):
        read(path, ModelSettings(name="m"))
    save(rates_with(fit=SECOND), path)
    with pytest.raises(DataError, match="was calibrated with m, not other"):
        read(path, ModelSettings(name="other"))


def test_the_paper_is_forecast_from_facts_alone(tmp_path):
    grid = expand(load_spec("paper"), World(None, tmp_path), counted=False)
    found = forecast(grid, rates_with(fit=LinearLaw(token=1e-5), score=LinearLaw(token=1e-6)))
    assert found.total > 0
    assert found.naive > found.total


def test_a_plan_counts_the_rows_that_a_frozen_encoder_embeds(tiny_spec, world):
    """Of the toy data's 600 training rows a pool of 120 is embedded alone, one of 200 with the whole split."""
    for limit, rows in ((120, 120), (200, 600)):
        spec = override(tiny_spec, learners=["probe"], seeds=3, pool={"limit": limit}, algorithms=["random"])
        assert embedding_cost(expand(spec, world)).of("embed").rows == rows + 90
