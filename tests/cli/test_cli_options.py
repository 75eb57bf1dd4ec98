"""An option is one thing: the same name, type and help in every command that takes it."""

from __future__ import annotations

from collections import defaultdict

import pytest
from typer.main import get_command

from imbal_bench.cli import app

OWN = {
    "--algorithms": "validate: how many algorithms a test pools",
    "--seeds": "validate: how many seeds are simulated",
    "--tasks": "validate: how many tasks each dataset has",
    "--baseline": "nightly: a named baseline; regress: a strategy, perhaps of another store",
    "--candidate": "nightly: repeatable; baseline acknowledge: may be left out",
    "--margin": "power: one number, of one metric",
    "--metric": "report: repeatable",
    "--out": "perf: of a GPU's results",
    "--dry-run": "perf: of a GPU; store merge",
    "--limit": "perf: seconds; data export: rows",
    "--ratio": "best: of its leaderboard",
    "--json": "validate: a file for the numbers; all others: print JSON in place of tables",
    "--store": "run, regress: made if there is none; doctor: may be missing",
}
"""Options that share a name and are not the same, and why they stay: users know them."""


def commands(group=None, prefix=""):
    """Yield name and command of each, those of groups too."""
    for name, command in (group or get_command(app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} ")
        else:
            yield prefix + name, command


def parameters(command):
    return {parameter.opts[0]: parameter for parameter in command.params if parameter.opts[0].startswith("--")}


def test_an_option_of_one_name_is_one_option():
    found = defaultdict(lambda: defaultdict(list))
    for name, command in commands():
        for option, parameter in parameters(command).items():
            means = (
                parameter.help,
                parameter.type_descriptor.__class__.__name__,
                parameter.multiple,
                parameter.envvar,
                tuple(parameter.opts),
            )
            found[option][means].append(name)
    several = {option: dict(means) for option, means in found.items() if len(means) > 1}
    assert set(several) <= set(OWN), several
    assert len(found) > 60


@pytest.mark.parametrize("name", ["regress", "nightly"])
def test_whatever_runs_a_grid_can_run_it_anywhere(name):
    every = dict(commands())
    where = {"--executor", "--jobs", "--gpus", "--per-gpu", "--scheduler", "--slurm", "--run-timeout", "--threads"}
    what = {"--set", "--tasks", "--ratios", "--seeds", "--model", "--learner", "--judge", "--data-dir", "--cache-dir"}
    assert where | what <= parameters(every["run"]).keys()
    assert where | what <= parameters(every[name]).keys()


def test_every_command_has_debug():
    assert all("--debug" in parameters(command) for _, command in commands())
