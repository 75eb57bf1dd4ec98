"""`perf gpu`: parts are fenced, and the whole of it runs on a CPU; no test here asks how fast anything is."""

import json
import os
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from cli_tools import in_process

from bench.config import load_spec
from bench.errors import RunError, UnknownNameError
from bench.grid.cost import rates
from bench.model import standard_state
from bench.perf import gpu, gpu_candidates
from bench.perf.gpu import PARTS
from bench.perf.gpu_card import TINY, Card, GpuPart, Options, SkippedError
from bench.perf.report import Measure


def measured(name: str) -> Measure:
    return Measure(stage=name, value=1.0, unit="s", floor="nothing", ratio=1.0, better=None)


def fine(_card):
    yield measured("fine")


def breaks(_card):
    yield measured("before it broke")
    raise RunError("it broke")


def skips(_card):
    raise SkippedError("not here")
    yield


def dies(_card):
    os._exit(3)
    yield


def hangs(_card):
    yield measured("before it hung")
    time.sleep(600)


class FakeCard:
    facts = {"device": "pretended"}  # noqa: RUF012


@pytest.fixture
def options(tmp_path) -> Options:
    return Options(dry_run=True, folder=tmp_path / "folder", out=tmp_path / "out")


def found_of(options, monkeypatch, parts, names=(), limit=100.0):
    """Measure parts of a fake card, in processes that are forked, which takes no time."""
    monkeypatch.setattr(gpu, "PARTS", parts)
    monkeypatch.setattr(gpu, "START", "fork")
    monkeypatch.setattr(Card, "made", lambda _options: FakeCard())
    told = []
    report, found = gpu.measure(options, names, limit, told.append)
    return report, found, told


def lines(options):
    return [json.loads(line) for line in (options.out / "results.jsonl").read_text().splitlines()]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_what_breaks_dies_or_hangs_is_a_line_and_the_rest_is_measured(options, monkeypatch):
    parts = {
        "breaks": GpuPart(breaks, 60),
        "dies": GpuPart(dies, 60),
        "hangs": GpuPart(hangs, 0.5),
        "skips": GpuPart(skips, 60),
        "card": GpuPart(fine, 60, gpu_only=True),
        "fine": GpuPart(fine, 60),
    }
    report, found, told = found_of(options, monkeypatch, parts)
    assert [each.stage for each in report.measures] == ["before it broke", "before it hung", "fine"]
    assert found.failed == {
        "breaks": "RunError: it broke",
        "dies": "its process ended (3)",
        "hangs": "it took longer than 0.5 s",
    }
    assert found.skipped == {"skips": "not here", "card": "it needs a GPU"}
    assert told == list(parts)
    written = lines(options)
    assert [line["measure"]["stage"] for line in written if "measure" in line] == [m.stage for m in report.measures]
    assert {line["part"] for line in written} == {"machine", *parts}
    assert report.device == "pretended"


def test_what_there_is_no_time_for_is_said(options, monkeypatch):
    report, found, told = found_of(options, monkeypatch, {"fine": GpuPart(fine, 60)}, limit=1.0)
    assert found.skipped == {"fine": "the 1 s were over"}
    assert report.measures == ()
    assert told == []


def test_parts_are_chosen_by_name_and_keep_their_order():
    assert gpu.parts_named(["select", "ceilings"], PARTS) == ["ceilings", "select"]
    assert gpu.parts_named([], PARTS) == list(PARTS)
    with pytest.raises(UnknownNameError, match=r"unknown part 'selct'.*Did you mean 'select'"):
        gpu.parts_named(["selct"], PARTS)


def test_without_a_gpu_it_is_one_clear_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    code, _, err = in_process(monkeypatch, capsys)("perf", "gpu", "--out", tmp_path / "out")
    assert code == 2
    assert err.strip().endswith(
        "perf gpu needs a GPU, and torch sees none here; --dry-run tries every part on the CPU, tiny"
    )
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_cudnn_attention_is_allowed_for_its_comparison_only():
    with gpu_candidates._cudnn_allowed(), standard_state.standard_state():
        assert torch.backends.cuda.cudnn_sdp_enabled()
    with standard_state.standard_state():
        assert not torch.backends.cuda.cudnn_sdp_enabled()


@pytest.mark.slow
def test_every_part_that_a_cpu_can_try_runs_dry(monkeypatch, capsys, tmp_path):
    perf = partial(in_process(monkeypatch, capsys), "perf", "gpu", "--dry-run", "--limit", "1500")
    code, out, err = perf("--out", tmp_path / "out", "--save", tmp_path / "report.json")
    assert code == 0, out + err
    found = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    done = {line["part"] for line in found if "done" in line}
    skipped = {line["part"] for line in found if "skipped" in line}
    assert skipped == {name for name, part in PARTS.items() if part.gpu_only}
    assert done == PARTS.keys() - skipped | {"forecast"}
    goals = [line["measure"]["stage"] for line in found if line.get("measure", {}).get("goal")]
    assert {"score sst2: useful FLOPs", "a step of a fit", "paper + extreme, one process"} <= set(goals)
    paper = load_spec("paper")
    kept = rates.read(tmp_path / "out" / "rates.json", paper.model)  # refuses those of another model
    assert kept.laws.keys() >= {"fit", "score", "select dal"}
    assert Path(tmp_path / "report.json").exists()


def test_a_dry_runs_model_is_tiny():
    assert TINY.forward_flops(10) < 1e7
