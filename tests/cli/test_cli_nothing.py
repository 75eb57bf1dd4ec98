"""A grid of which nothing can be run, or a store in which nothing is finished, is no success."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.store import Store

ARMS = ["--candidate", "random+invprop", "--baseline", "random+uniform", "--margin", "ba=.1"]
COMMANDS = {
    "run": ["run", "smoke"],
    "plan": ["plan", "smoke"],
    "nightly": ["nightly", "smoke"],
    "regress": ["regress", *ARMS, "--spec", "smoke"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_grid_of_which_nothing_is_feasible_says_what_limits_it(bench, tiny_bert, name):
    code, _, err = bench(*COMMANDS[name], "--tasks", "toy", "--set", "ratios=[100, 200]", "--model", tiny_bert)
    assert code == 2
    (line,) = err.strip().splitlines()
    assert line.startswith("imbal-bench: nothing of this grid can be run: toy/food at ratio 1/100 leaves 2 positives")
    assert "5 for the start set and 5 to find are needed (loop.start_positives, loop.min_positives)" in line
    assert line.endswith("and 3 more of the kind")
    assert not list(Path.cwd().rglob("store.json"))


def test_a_shard_without_a_block_is_refused_and_the_others_record_what_is_infeasible(bench):
    grid = ["run", "smoke", "--tasks", "toy/law", "--ratios", "10,100", "--seeds", "1", "--learner", "tfidf"]
    grid += ["--algorithms", "random"]
    code, _, err = bench(*grid, "--shard", "2/3", "--store", "s")
    assert code == 2
    assert "imbal-bench: shard 2/3 has no block to run: the grid has 1; give at most that many shards" in err
    assert not Path("s").exists()
    code, out, _ = bench(*grid, "--shard", "1/3", "--store", "s")
    assert code == 0
    assert "2 of 2 runs stored in s (2 now, 2 infeasible ones skipped)" in out


def test_a_report_of_an_empty_store_is_no_success(bench):
    Store("s", create=True)
    code, out, err = bench("report", "--store", "s")
    assert code == 2
    assert err.strip() == "imbal-bench: s holds no finished runs to report; run a grid first"
    assert "report: " in out
