"""``--debug``: what a strategy or a learner raises rises, with its traceback; what is wrong usage stays one line."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from door_tools import near

from bench.errors import RunError
from bench.store import Store

RUN = ["run", "grid.yaml", "--plugin", "mine.py", "--store", "s", "--no-report"]
GRID = """
tasks: toy/law
ratios: 10
seeds: 1
learners: tfidf
strategies: [near+uniform]
loop: {rounds: 1, batch: 6}
pool: {limit: 120}
"""


@pytest.fixture
def plugin(tmp_path):
    """Write the grid, and a strategy with a body."""
    (tmp_path / "grid.yaml").write_text(GRID)
    path = tmp_path / "mine.py"
    return lambda body: path.write_text(near(body=body)) and path


def test_a_strategys_exception_rises_with_its_traceback(bench, plugin):
    plugin("raise ZeroDivisionError('by hand')")
    with pytest.raises(ZeroDivisionError, match="by hand") as caught:
        bench(*RUN, "--debug")
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert (Path(frames[-1].filename).name, frames[-1].name) == ("mine.py", "select")
    assert caught.value.__notes__ == ["raised in toy/law 1/10 seed 0 warm tfidf near+uniform"]
    assert not Store("s").keys("failed")
    assert not list(Path("s").glob("attempts/*"))
    code, _, err = bench(*RUN)  # the same without it is a record
    assert (code, err) == (1, "")
    assert len(Store("s").keys("failed")) == 1


def test_a_broken_contract_rises_too(bench, plugin):
    plugin("return np.zeros(k, dtype=int)")
    with pytest.raises(RunError, match="only 1 distinct rows"):
        bench(*RUN, "--debug")


def test_a_learners_exception_rises_in_python(tiny, monkeypatch):
    def fit(*_):
        raise FloatingPointError("no fit")

    monkeypatch.setattr("bench.learners.linear.LinearModel.fit", fit)
    with pytest.raises(FloatingPointError, match="no fit"):
        tiny(strategies="random+uniform", seeds=1, debug=True)
    assert not Store("results/python").keys("failed")


def test_a_run_that_ends_well_is_the_same_with_it(bench, plugin):
    plugin("pass")
    assert bench(*RUN, "--debug")[0] == 0
    assert len(Store("s").keys()) == 1


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--jobs", 2], "--executor inline is one worker"),
        (["--executor", "joblib"], "--debug runs in this process"),
        (["--tasks", "gone"], "unknown dataset 'gone'"),
    ],
)
def test_wrong_usage_stays_one_line(bench, plugin, more, says):
    plugin("pass")
    code, _, err = bench(*RUN, "--debug", *more)
    assert code == 2
    (line,) = err.strip().splitlines()
    assert line.startswith("imbal-bench: ")
    assert says in line


def test_of_other_commands_an_unexpected_error_alone_shows_its_traceback(bench, monkeypatch):
    assert bench("status", "--store", "gone", "--debug")[2].startswith("imbal-bench: no result store at gone")
    monkeypatch.setattr("imbal_bench.workflows.status.Store", lambda _: {}["lost"])
    code, _, err = bench("status")
    assert (code, err) == (
        70,
        "imbal-bench: unexpected error, please report it: KeyError: 'lost' (--debug shows where)\n",
    )
    with pytest.raises(KeyError, match="lost"):
        bench("status", "--debug")
