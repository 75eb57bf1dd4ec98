"""Whatever is wrong with the input: one clear line, a non-zero exit code, no traceback, nothing half-written."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


def assert_one_line(result: tuple[int, str, str], *fragments: str) -> None:
    code, _, err = result
    assert code != 0
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("imbal-bench: ")
    for fragment in fragments:
        assert fragment in lines[0]


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["plan", "papr"], ["unknown preset 'papr'", "Did you mean 'paper'", "quickstart"]),
        (["plan", "mine.yaml"], ["no specification file 'mine.yaml'"]),
        (["run", "smoke", "--tasks", "agnews"], ["unknown dataset 'agnews'", "Did you mean 'ag_news'", ".yaml"]),
        (["run", "smoke", "--tasks", "toy/laws"], ["unknown class of toy 'laws'", "Did you mean 'law'", "food"]),
        (["run", "smoke", "--algorithms", "badgr"], ["unknown algorithm 'badgr'", "Did you mean 'badge'"]),
        (["run", "smoke", "--weightings", "inv"], ["unknown weighting 'inv'", "invprop"]),
        (["plan", "smoke", "--ratios", "1"], ["ratios.0", "is 1", "an integer from 2"]),
        (["plan", "smoke", "--set", "loop.round=3"], ["unknown field 'loop.round'", "rounds"]),
        (["plan", "smoke", "--set", "loop.rounds=many"], ["'loop.rounds' is 'many'", "integer"]),
        (["plan", "smoke", "--set", "rounds"], ["override 'rounds' must read field=value"]),
        (["plan", "smoke", "--set", "tasks=[toy, toy]"], ["'toy' twice"]),
        (["plan", "smoke", "--set", "options={invprop: {bin: 3}}"], ["unknown option", "'bin'", "bins"]),
        (["plan", "smoke", "--set", "options={invprop: {bins: 0}}"], ["bins", "0"]),
        (["plan", "smoke", "--set", "options={badge: {x: 1}}", "--algorithms", "random"], ["'badge'"]),
        (["status", "--store", "nowhere"], ["no result store at nowhere"]),
        (["report", "--store", "nowhere"], ["no result store at nowhere"]),
        (["explain", "T4", "50", "--store", "nowhere"], ["no result store at nowhere"]),
        (["run", "smoke", "--plugin", "gone.py"], ["no plug-in file 'gone.py'"]),
        (
            ["check", "margn"],
            ["weighting, learner or metric 'margn'", "Did you mean 'margin'", "invprop"],
        ),
        (["check", "mine", "--plugin", "gone.py"], ["no plug-in file 'gone.py'"]),
        (["run", "smoke", "--tasks", "toy/law", "--device", "tpu"], ["unknown device 'tpu'", "cpu"]),
        (["run", "smoke", "--tasks", "toy", "--data-dir", "gone"], ["gone"]),
        (["perf", "store", "--parts", "score"], ["perf store does not read --parts"]),
        (["perf", "gpu", "--quick"], ["perf gpu does not read --quick"]),
        (["data", "export", "toy/law", "out"], ["--ratio"]),
        (["data", "export", "toy", "out", "--ratio", "10"], ["--ratio needs a task", "toy/CLASS"]),
        (["data", "export", "toy/law", "out", "--ratio", "1"], ["ratio '1'", "an integer from 2"]),
        (["data", "export", "toy/law", "out", "--ratio", "1000"], ["leaves 0 positives"]),
    ],
)
def test_wrong_arguments(bench, arguments, fragments):
    assert_one_line(bench(*arguments), *fragments)
    assert not Path("results").exists()
    assert not Path("out").exists()


def test_a_ratio_that_leaves_too_few_positives_can_be_refused(bench):
    arguments = ["run", "smoke", "--tasks", "toy/law", "--ratios", "100", "--set", "infeasible=refuse"]
    assert_one_line(bench(*arguments), "toy/law at ratio 1/100 leaves", "are needed")


def test_a_model_that_cannot_be_reached_says_what_to_use_instead(bench):
    result = bench("run", "smoke", "--tasks", "toy/law", "--model", "nobody/no-such-model", "--store", "s")
    assert_one_line(result, "model 'nobody/no-such-model' cannot be loaded", "--model offline")
    assert not Path("s").exists()


def test_a_store_that_cannot_be_written(bench, tiny_bert):
    arguments = ["run", "smoke", "--tasks", "toy/law", "--model", tiny_bert, "--store", "/proc/nowhere/store"]
    assert_one_line(bench(*arguments), "/proc/nowhere/store: No such file or directory", "writable folder")


def test_a_folder_that_is_no_store_is_left_alone(bench, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("precious")
    result = bench("run", "smoke", "--tasks", "toy/law", "--store", "thesis")
    assert_one_line(result, "neither empty nor a result store")
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


MINE = "name: mine\ntrain: train.parquet\ntest_fraction: 0.2\ntext: text\nlabel: label\n"
TRAIN = pa.table({"text": ["good film", "bad film"] * 40, "label": ["good", "bad"] * 40})


@pytest.mark.parametrize(
    ("train", "fragments"),
    [
        (pa.table({"text": pa.array([], pa.string()), "label": pa.array([], pa.string())}), ["train.parquet"]),
        (TRAIN.set_column(1, "label", [["good"] * 80]), ["train.parquet", "class"]),
        (TRAIN.set_column(0, "text", [[*["a text"] * 79, None]]), ["train.parquet", "row 80"]),
        (TRAIN.rename_columns(["txt", "label"]), ["unknown column 'text'", "Did you mean 'txt'"]),
        (b"PAR1 and then nothing", ["train.parquet"]),
    ],
    ids=["empty", "one-class", "missing-text", "missing-column", "corrupt"],
)
def test_a_users_file_that_is_unfit(bench, tmp_path, train, fragments):
    if isinstance(train, bytes):
        (tmp_path / "train.parquet").write_bytes(train)
    else:
        pq.write_table(train, tmp_path / "train.parquet")
    (tmp_path / "mine.yaml").write_text(MINE)
    assert_one_line(bench("run", "smoke", "--tasks", "mine.yaml"), *fragments)


def test_an_unexpected_option_is_explained(bench):
    code, _, err = bench("run", "smoke", "--job", "2")
    assert code == 2
    assert "--jobs" in err
