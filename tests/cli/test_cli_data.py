"""Your own data on the command line: checked, found, named, and told of in a line."""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from cli_tools import in_process

from bench.config import load_spec
from bench.data.labels import class_named
from bench.errors import SpecError
from imbal_bench.workflows import tracking


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("IMBAL_BENCH_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return in_process(monkeypatch, capsys)


def messy(folder: Path, **fields: str) -> Path:
    """Write 120 messages, of which some come twice and one twice under two labels, and their YAML file."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"message {i} of the day;{'spam' if i % 6 == 0 else 'ham'}" for i in range(120)]
    rows += [rows[1], rows[2], rows[6].replace("spam", "ham"), ";ham", "never labelled;"]
    (folder / "mails.csv").write_text("\n".join(["text;label", *rows, ""]), encoding="utf-8")
    given = {"name": "mails", "train": "mails.csv", "test_fraction": "0.2", **fields}
    (folder / "mine.yaml").write_text("".join(f"{name}: {value}\n" for name, value in given.items()))
    return folder / "mine.yaml"


def test_a_check_shows_counts_ratios_and_what_would_mislead(run, tmp_path):
    messy(tmp_path)
    code, out, err = run("data", "check", "mine.yaml", "--cache-dir", "cache")
    assert (code, err) == (0, "")
    for said in (
        "'spam'",
        "natural (",
        "1/2 (",
        "repeated texts: ",
        "texts with two labels: ",
        "empty texts: 1 rows",
    ):
        assert said in out, said
    assert "separated by semicolons" in out
    assert "left out for want of a label: 1 of 125 rows of mails.csv" in out
    assert "test texts also in train │ 0" in out


def test_plan_warns_in_a_line_and_finds_the_data_beside_the_grid(run, tmp_path):
    messy(tmp_path / "inner")
    (tmp_path / "inner" / "grid.yaml").write_text(
        "tasks: mine.yaml/spam\nratios: natural\nseeds: 1\nlearners: tfidf\nloop: {rounds: 1, batch: 5}\n"
    )
    code, out, _ = run("plan", "inner/grid.yaml", "--cache-dir", "cache")
    assert code == 0
    assert out.count("warning: mails: ") == 1
    assert "see imbal-bench data check" in out.replace("\n", " ")


def test_a_dataset_is_sought_beside_the_grid_and_then_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grid = tmp_path / "inner" / "grid.yaml"
    messy(tmp_path)
    grid.parent.mkdir()
    grid.write_text("tasks: [mine.yaml/spam, sst2]\n")
    assert load_spec("inner/grid.yaml").tasks == ("mine.yaml/spam", "sst2")
    messy(grid.parent)
    assert load_spec("inner/grid.yaml").tasks == ("inner/mine.yaml/spam", "sst2")
    grid.write_text("tasks: other.yaml\n")
    with pytest.raises(SpecError, match=r"no file inner/other.yaml, nor .*/other.yaml"):
        load_spec("inner/grid.yaml")
    assert load_spec("inner/grid.yaml", ["tasks=sst2"]).tasks == ("sst2",)


def test_a_mirror_s_own_datasets_and_counts_are_listed(run, toy_mirror):
    code, out, _ = run("list", "tasks", "--data-dir", toy_mirror)
    assert code == 0
    (line,) = [line for line in out.splitlines() if line.startswith("toy/law")]
    assert [cell.strip() for cell in line.split("│")] == ["toy/law", "200", "30", "mirror"]
    code, out, _ = run("list", "datasets", "--data-dir", toy_mirror)
    assert "toy_conversations" not in out
    assert any(line.startswith("toy ") for line in out.splitlines())


def test_a_cache_that_cannot_be_written_is_refused_before_the_start(run, tmp_path):
    messy(tmp_path)
    (tmp_path / "taken").write_text("")
    settings = ("--ratios", "natural", "--learner", "tfidf", "--set", "loop.batch=5", "--set", "loop.rounds=1")
    code, _, err = run(
        "run", "smoke", "--tasks", "mine.yaml/spam", *settings, "--cache-dir", "taken/cache", "--store", "s"
    )
    assert code == 2
    assert "cannot write the cache" in err
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (unicodedata.normalize("NFD", "größe"), "größe"),
        ("spam", "spam "),
        ("a\\tb", "a\tb"),
        ("A, b/c.yaml", "A, b/c.yaml"),
        ("SPAM", None),
        ("two words", None),
    ],
)
def test_a_class_of_any_characters_can_be_named(given, meant):
    names = ("größe", "spam ", "a\tb", "A, b/c.yaml", "two  words", "two   words")
    assert class_named(given, names) == meant


@pytest.mark.parametrize("tracker", ["mlflow", "wandb", "trackio", "tensorboard"])
def test_each_tracker_is_given_settings_once_and_metrics_by_labelled_rows(tracker, tmp_path, monkeypatch):
    """By the library's own calls, in a recorder's place: none of them is a dependency."""
    library = MagicMock()
    monkeypatch.setitem(sys.modules, tracker, library)
    rounds = ((10, {"auc": 0.5, "ece": float("nan")}), (15, {"auc": 0.75}))
    run = tracking.Tracked("a run", "key", {"dataset": "mails"}, rounds)
    tracking._SENDERS[tracker]([run], "project", None if tracker == "trackio" else tmp_path)
    said = str(library.mock_calls)
    assert "nan" not in said
    for wanted in ("10", "15", "0.5", "0.75", *(() if tracker == "tensorboard" else ("mails", "a run"))):
        assert wanted in said


def a_run_of_mails(run) -> None:
    """Make one run on the messy messages, in the store s."""
    settings = ("--ratios", "natural", "--seeds", "1", "--learner", "tfidf", "--set", "loop.batch=5")
    arms = ("--set", "loop.rounds=1", "--set", "strategies=random+uniform", "--no-report")
    code, _, err = run(
        "run", "smoke", "--tasks", "mine.yaml/spam", *settings, *arms, "--cache-dir", "c", "--store", "s"
    )
    assert (code, "") == (0, err)


def test_doctor_holds_runs_against_the_dataset_whose_file_it_is_given(run, tmp_path):
    messy(tmp_path)
    a_run_of_mails(run)
    doctor = ("doctor", "--store", "s", "--cache-dir", "c")
    code, out, _ = run(*doctor)
    assert code == 0
    assert "not held against its data: mails: " in out
    code, out, _ = run(*doctor, "--data", "mine.yaml")
    assert code == 0
    assert "not held against its data" not in out
    texts = tmp_path / "mails.csv"
    texts.write_text(texts.read_text().replace("message 7 ", "message seven "))
    _, out, _ = run(*doctor, "--data", "mine.yaml")
    assert "mails: the data here is not what its runs were made on" in out


def test_runs_go_to_a_tracker_without_texts(run, tmp_path, monkeypatch):
    sent = []
    monkeypatch.setitem(tracking._SENDERS, "tensorboard", lambda runs, project, out: sent.extend(runs))
    messy(tmp_path)
    a_run_of_mails(run)
    assert run("store", "track", "tensorboard", "--store", "s")[0] == 0
    (one,) = sent
    assert one.settings["positive"] == "spam"
    assert [step for step, _ in one.metrics] == [10, 15]
    assert {"auc", "positives"} <= one.metrics[0][1].keys()
    assert "positives_ratio" in one.metrics[1][1]
