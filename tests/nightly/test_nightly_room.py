"""What a machine can run, which night is to be run, and scripts that a shell and the command line understand."""

import os
import re
import shlex
import shutil
import subprocess
from datetime import date

import pytest
import yaml
from typer.main import get_command

from bench.config import GridSpec, load_spec
from bench.errors import CorruptRecordError
from imbal_bench.cli import app
from imbal_bench.nights import BY_MACHINE, SCRIPTS, Begun, NightFolder, fitted, script, tonight
from imbal_bench.nights.machine import MEMORY_GB, SMALL_POOL

TODAY = date(2026, 11, 23)
BEGUN = Begun(grid=GridSpec(name="tiny", tasks=("toy",)), notes=("a note",))


# The machine


def on(spec, *overrides, has_gpu=True, free_gb=64.0):
    """What is run of a specification, with a user's own overrides; ``load`` is how the command line reads it."""
    load = lambda name, concessions: load_spec(name, [*concessions, *overrides])  # noqa: E731
    return fitted(spec, load, has_gpu=has_gpu, free_gb=free_gb)


def test_a_machine_with_a_gpu_and_memory_runs_what_is_asked_for():
    assert on("nightly", free_gb=MEMORY_GB) == Begun(grid=load_spec("nightly"), notes=())


@pytest.mark.parametrize(
    ("has_gpu", "preset", "learner"), [(True, "nightly", "fine-tune"), (False, "nightly-probe", "probe")]
)
def test_the_machine_chooses_the_preset_and_that_is_said_first(has_gpu, preset, learner):
    fit = on(BY_MACHINE, has_gpu=has_gpu)
    assert fit.grid == load_spec(preset)
    assert fit.grid.learners == (learner,)
    assert fit.notes == (f"{'a' if has_gpu else 'no'} GPU here: the preset {preset} is run",)


def test_a_preset_that_is_named_is_run_on_any_machine():
    for name in ("nightly", "nightly-probe", "laptop"):
        assert on(name, has_gpu=False) == on(name, has_gpu=True) == Begun(grid=load_spec(name), notes=())


def test_nights_of_different_learners_are_no_series():
    """Also if somebody held them against one baseline: the settings' digest tells them apart."""
    from imbal_bench.workflows.nightly import _settings

    tuned, probed = (load_spec(name) for name in ("nightly", "nightly-probe"))
    alike = probed.model_copy(update={"learners": tuned.learners})
    assert len({_settings(one) for one in (tuned, probed, alike)}) == 3


def test_little_memory_is_enough_for_a_linear_probe():
    assert on("nightly-probe", free_gb=1) == Begun(grid=load_spec("nightly-probe"), notes=())


def test_a_users_grid_stays_what_it_is_without_a_gpu(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("tasks: [sst2]\n")
    assert on(str(path), has_gpu=False) == on(str(path)) == Begun(grid=load_spec(str(path)), notes=())


def test_little_memory_limits_the_pools_and_that_is_said():
    fit = on("nightly", free_gb=3.21)
    assert fit.grid == load_spec("nightly", [f"pool.limit={SMALL_POOL}"])
    assert fit.notes == ("3.2 GB of memory are free, less than 8: pools are limited to 3,000 rows",)


@pytest.mark.parametrize(
    ("spec", "override"),
    [("laptop", "seeds=3"), ("smoke", "seeds=1"), ("nightly", "pool.limit=50"), ("nightly", "pool.limit=90000")],
)
def test_a_small_pool_is_never_made_larger_and_a_users_limit_stays(spec, override):
    assert on(spec, override, free_gb=1) == Begun(grid=load_spec(spec, [override]), notes=())


# The nights


def test_nights_of_one_day_have_numbers(tmp_path):
    names = []
    for _ in range(3):
        night = tonight(tmp_path, TODAY)
        names.append(night.name)
        night.begin(BEGUN)
        night.end("text\n", "{}\n")
    assert names == ["2026-11-23", "2026-11-23-2", "2026-11-23-3"]
    assert tonight(tmp_path, date(2026, 11, 24)).name == "2026-11-24"


def test_a_night_that_was_cut_off_comes_before_a_new_one(tmp_path):
    first = tonight(tmp_path, TODAY)
    assert not first.begun
    first.begin(BEGUN)
    later = tonight(tmp_path, date(2026, 11, 25))
    assert (later, later.begun, later.over) == (first, True, False)
    assert later.read() == BEGUN
    later.end("text\n", "{}\n")
    assert tonight(tmp_path, date(2026, 11, 25)).name == "2026-11-25"


def test_a_folder_that_holds_other_things_is_no_night(tmp_path):
    (tmp_path / "history.jsonl").touch()
    (tmp_path / "notes").mkdir()
    assert tonight(tmp_path, TODAY).name == "2026-11-23"


@pytest.mark.parametrize("content", ["", "{}", '{"grid": {"tasks": []}, "notes": []}', "[1"])
def test_a_torn_beginning_is_an_error_that_says_what_to_do(tmp_path, content):
    (tmp_path / "begun.json").write_text(content)
    with pytest.raises(CorruptRecordError, match="remove the night's folder to begin anew"):
        NightFolder(tmp_path).read()


def test_evidence_stays_in_the_nights_folder(tmp_path):
    assert NightFolder(tmp_path).evidence("../../x+y").parent == tmp_path / "gate"


# The scripts


def shell_lines(kind):
    """Return the commands of a script, joined where they go on in the next line."""
    text = script(kind)
    if kind == "github":
        jobs = yaml.safe_load(text)["jobs"].values()
        text = "\n".join(step.get("run", "") for job in jobs for step in job["steps"])
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return code.replace("\\\n", " ").splitlines()


def commands(kind):
    """Return the words after ``imbal-bench`` of every command of a script."""
    found = []
    for line in shell_lines(kind):
        words = shlex.split(re.sub(r'"\$\{?\w+\}?"', "word", line), comments=True)
        for at, word in enumerate(words):
            if word == "imbal-bench" and (not at or words[at - 1] != "--signal"):
                rest = words[at + 1 :]
                ends = [i for i, it in enumerate(rest) if it in {">", "&&", "||", ";"} or it.endswith(">")]
                found.append(rest[: min(ends, default=len(rest))])
    return [words for words in found if words and re.fullmatch(r"[a-z]+", words[0])]


def step_of_the_workflow():
    """The commands of the workflow's one step that runs a night."""
    steps = yaml.safe_load(script("github"))["jobs"]["nightly"]["steps"]
    (run,) = [step["run"] for step in steps if "imbal-bench nightly" in step.get("run", "")]
    return run


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 124])
@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_script_tells_tonights_summary_or_that_there_is_none(kind, code, tmp_path):
    """What lies there after wrong usage or a night cut off is an earlier night's; the exit code is handed on."""
    (tmp_path / "nightly").mkdir()
    (tmp_path / "nightly" / "latest.txt").write_text("the summary\n")
    (tmp_path / "nightly.sh").write_text(step_of_the_workflow() if kind == "github" else script(kind))
    fakes = {"imbal-bench": f"echo at work; exit {code}", "srun": 'exec "$@"', "mail": 'echo "$@"; exec cat'}
    for name, commands_of_it in fakes.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{commands_of_it}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "USER": "u", "GITHUB_STEP_SUMMARY": "told"}
    done = subprocess.run(
        [shutil.which("bash"), "-e" if kind == "github" else "+e", tmp_path / "nightly.sh"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = (tmp_path / "told").read_text() if kind == "github" else done.stdout.removeprefix("at work\n")
    assert (done.returncode, done.stderr) == (code, "")
    if code or kind == "github":
        assert ("the summary" in told) == (code in {0, 1, 3, 4})
        assert f"exit code {code}" in told or kind == "github"
    else:
        assert told == ""


@pytest.mark.parametrize("kind", ["slurm", "cron"])
def test_bash_understands_the_shell_scripts(kind, tmp_path):
    path = tmp_path / "nightly.sh"
    path.write_text(script(kind))
    assert path.read_text().startswith("#!/bin/bash\n")
    checked = subprocess.run([shutil.which("bash"), "-n", path], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_workflow_is_yaml_with_steps():
    jobs = yaml.safe_load(script("github"))["jobs"]
    assert set(jobs) == {"laws", "nightly"}
    assert all("run" in step or "uses" in step for job in jobs.values() for step in job["steps"])


@pytest.mark.parametrize("kind", SCRIPTS)
def test_the_command_line_understands_every_command_of_a_script(kind):
    found = commands(kind)
    assert "nightly" in {words[0] for words in found}
    for words in found:
        command, context = get_command(app), None
        name, command, rest = command.resolve_command(command.make_context("imbal-bench", list(words)), list(words))
        context = command.make_context(name, list(rest))  # an unknown option or value raises
        assert context.info_name == words[0]


def test_a_misspelt_option_would_be_noticed():
    command = get_command(app)
    name, command, rest = command.resolve_command(
        command.make_context("imbal-bench", ["nightly", "--basline", "x"]), ["nightly", "--basline", "x"]
    )
    with pytest.raises(Exception, match="No such option"):
        command.make_context(name, list(rest))


def test_slurm_asks_for_nothing_twice():
    asked = re.findall(r"^#SBATCH (--[a-z-]+)", script("slurm"), re.MULTILINE)
    assert asked
    assert len(asked) == len(set(asked))


def test_the_command_leaves_the_choice_to_the_machine():
    import inspect

    from imbal_bench.cli.nightly import nightly

    assert inspect.signature(nightly).parameters["spec"].default == BY_MACHINE
