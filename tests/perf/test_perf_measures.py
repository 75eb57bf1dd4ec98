"""Clock, texts, reports and their comparison; no test here asks how fast anything is."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cli_tools import in_process
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import DataError, RunError, UnknownNameError
from bench.grid import pace
from bench.perf import block, clock, report, reporting, scan, selection, suite
from bench.perf.report import TOLERANCE, Measure, PerfReport
from bench.perf.texts import ENDS, LOG_NORMAL, LONGEST, VOCABULARY, made_up, sample


@dataclass
class Watch:
    """A clock that work moves on by hand."""

    now: float = 0.0
    done: list[str] = field(default_factory=list)

    def piece(self, name: str, seconds: list[float]):
        left = iter(seconds)

        def work():
            self.done.append(name)
            self.now += next(left)

        return work


def test_work_is_timed_in_turns_and_the_shortest_counts_but_for_the_first(monkeypatch, hardware):
    watch = Watch()
    monkeypatch.setattr(clock.time, "process_time", lambda: watch.now)
    work = {"a": watch.piece("a", [1, 5, 4, 6]), "b": watch.piece("b", [9, 2, 3, 7])}
    assert clock.time_in_turns(work, hardware, turns=3) == {"a": 4, "b": 2}
    assert watch.done == ["a", "b"] * 4


@pytest.mark.parametrize(("dataset", "mean"), [("sst2", 13.3), ("ag_news", 52.9)])
def test_made_up_texts_are_as_long_as_the_real_ones(dataset, mean):
    tokens = made_up(dataset, 20_000, np.random.default_rng(0))
    assert tokens.lengths.mean() == pytest.approx(mean, rel=0.05)
    assert (tokens.lengths.min(), tokens.lengths.max()) == (3, LONGEST) or dataset == "ag_news"
    assert (tokens.ids[tokens.offsets[:-1]] == ENDS[0]).all()
    assert (tokens.ids[tokens.offsets[1:] - 1] == ENDS[1]).all()


@pytest.mark.parametrize("dataset", LOG_NORMAL)
def test_a_sample_holds_the_tokens_that_are_timed_and_not_as_many_texts(dataset, tmp_path):
    """On a GPU it would be 2.3 million texts of ag_news, of which one in fifty is timed."""
    drawn = sample(dataset, 40_000, None, tmp_path)
    assert drawn.tokens.lengths.sum() == pytest.approx(40_000, rel=0.1)


@given(st.sampled_from(sorted(LOG_NORMAL)), st.integers(8, VOCABULARY), st.integers(3, LONGEST), st.integers(0, 9))
def test_made_up_texts_fit_any_vocabulary_and_length(dataset, vocabulary, longest, seed):
    tokens = made_up(dataset, 20, np.random.default_rng(seed), vocabulary, (1, 2), longest)
    assert len(tokens) == 20
    assert 3 <= tokens.lengths.min() <= tokens.lengths.max() <= longest
    assert 0 < tokens.ids.min() <= tokens.ids.max() < vocabulary


def test_real_texts_are_drawn_from_the_mirror(toy_mirror, toy_corpus, tiny_bert, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.perf.texts.OFFLINE_NAME", str(tiny_bert))
    drawn = sample("toy", 1500, toy_mirror, tmp_path)
    assert drawn.tokens.lengths.sum() == pytest.approx(1500, rel=0.1)
    assert drawn.origin == f"{len(drawn.tokens)} of mirror {toy_mirror / 'toy'}"
    assert len(sample("toy", 10**9, toy_mirror, tmp_path).tokens) == len(toy_corpus.train)
    with pytest.raises(DataError):
        sample("sst2", 50, tmp_path / "nowhere", tmp_path)


def report_of(*ratios: tuple[str, float, str | None], kind: str = "k", value: float = 1.0) -> PerfReport:
    measures = [Measure(stage=s, value=value, unit="", floor="", ratio=r, better=b) for s, r, b in ratios]
    return PerfReport(version="0", kind=kind, device="d", texts={}, load=(0, 0), measures=tuple(measures))


@given(st.floats(0.01, 100), st.floats(0.01, 3), st.sampled_from(["higher", "lower", None]))
def test_a_comparison_fails_where_a_ratio_is_worse_by_more_than_the_tolerance(base, factor, better):
    edge = 1 - TOLERANCE if better == "higher" else 1 / (1 - TOLERANCE)
    if abs(factor - edge) < 1e-6:
        return
    bad = {"higher": factor < edge, "lower": factor > edge, None: False}[better]
    old, new = report_of(("fit", base, better)), report_of(("fit", base * factor, better), value=1e9)
    if bad:
        with pytest.raises(RunError, match="fit"):
            report.compare([(new, old)])
    else:
        report.compare([(new, old)])


def test_a_comparison_names_each_ratio_once_and_what_is_missing():
    old = report_of(("a", 1.0, "higher"), ("b", 1.0, "lower"), ("c", 1.0, "higher"), ("d", 1.0, "higher"))
    new = report_of(("a", 0.1, "higher"), ("b", 9.0, "lower"), ("c", 1.0, "higher"))
    with pytest.raises(RunError) as error:
        report.compare([(new, old)])
    assert str(error.value).endswith("a 0.1, was 1; b 9, was 1; d was not measured")
    assert error.value.exit_code == 1


def test_unlike_machines_are_not_compared():
    with pytest.raises(DataError, match="compare like with like"):
        report.compare([(report_of(kind="cpu"), report_of(kind="cuda"))])


@pytest.mark.parametrize(("content", "says"), [(None, "cannot read the baseline"), ("{}", "is no baseline: version")])
def test_a_baseline_that_cannot_be_read_is_one_clear_line(tmp_path, content, says):
    path = tmp_path / "b.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=says) as error:
        report.read(path)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_every_stage_is_measured_and_the_report_survives_its_file(tiny_shape, hardware, tmp_path):
    told: list[str] = []
    found = suite.measure(hardware, tiny_shape, None, tmp_path, quick=True, tell=told.append)
    assert len(told) == 2 + 4 * 2
    assert all(np.isfinite(m.ratio) and m.ratio >= 0 for m in found.measures)
    exact = {m.stage: m.value for m in found.measures if "|dp|" in m.stage}
    assert len(exact) == 4
    assert max(exact.values()) < 1e-3  # in fp32
    (tmp_path / "r.json").write_text(found.model_dump_json())
    assert report.read(tmp_path / "r.json") == found
    report.compare([(found, found)])


def test_an_unknown_shape_is_refused(hardware, tmp_path):
    with pytest.raises(UnknownNameError, match="bert-base"):
        suite.measure(hardware, "bert-large", None, tmp_path, quick=True, tell=print)


BASELINES = {path.stem: report.read(path) for path in (Path(__file__).parent / "baselines").glob("*.json")}


def test_the_kept_baselines_have_a_ratio_for_every_stage_that_is_compared():
    counts = {kind: sum(m.better is not None for m in baseline.measures) for kind, baseline in BASELINES.items()}
    every = len(selection.NAMES)
    sizes = {"model": 2 + 5 * 2, "selection": every * (len(selection.SIZES) + 1) + 2, "block": 1 + len(block.NAMES)}
    grid = len(pace.ALGORITHMS) * len(pace.WEIGHTINGS) + 1  # waiting for the disk and claiming are not compared
    assert counts == {**sizes, "grid": grid, "store": 3, "report": 4}
    for baseline in BASELINES.values():
        report.compare([(baseline, baseline)])


def test_all_kinds_are_measured_kept_in_a_folder_and_compared(tmp_path, monkeypatch, capsys):
    modules = {"model": suite, "selection": selection, "block": block, "grid": pace, "store": scan, "report": reporting}
    ratios = dict.fromkeys(modules, 1.0)
    for kind, module in modules.items():
        monkeypatch.setattr(
            module, "measure", lambda *_, kind=kind, **__: report_of((kind, ratios[kind], "lower"), kind=kind)
        )
    perf, kept = partial(in_process(monkeypatch, capsys), "perf", "all", "--device", "cpu"), tmp_path / "kept"
    code, _, err = perf("--save", kept)
    assert code == 0, err
    assert {path.stem for path in kept.iterdir()} == set(modules)
    code, out, _ = perf("--compare", kept)
    assert code == 0
    assert "no ratio is much worse" in out
    ratios.update(store=3.0, model=5.0)
    code, _, err = perf("--compare", kept)
    assert code == 1
    assert "model 5, was 1; store 3, was 1" in err
