"""What a user types or calls a thing is text: for the command line, the terminal, file names and paths alike."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from conftest import ROOT
from typer.models import ParameterInfo

from bench.config import load_spec
from bench.data.export import export_mirror
from bench.errors import BenchError
from bench.grid.expansion.expand import expand
from bench.grid.world import World
from bench.paths import expanded
from bench.store import Store
from bench.strategies.base import ALGORITHMS, WEIGHTINGS
from imbal_bench.cli import app
from imbal_bench.cli.commands import Commands
from imbal_bench.display.console import PlainConsole

ODD = (
    *("[exp]", "[/exp]", "[bold red]x", "a, b", "run #2", "x: y", "'q'", '"dq"', " lead", "trail ", "$x$", "a\\b"),
    *(":fire:", "\x1b[31mred", "yes", "010", "null", "1:10", "{a: b}", "*", "字" * 100, "a" * 300, "..", "~", "%s"),
)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.fixture(autouse=True)
def _registries_restored(monkeypatch):
    for registry in (ALGORITHMS, WEIGHTINGS):
        monkeypatch.setattr(registry, "_found", dict(registry.items()))


@pytest.fixture(scope="session")
def odd_mirror(toy_corpus, tmp_path_factory) -> Path:
    """A mirror of the toy texts under two odd classes and one that is not."""
    from dataclasses import replace

    folder = tmp_path_factory.mktemp("odd")
    for number, name in enumerate(ODD):
        export_mirror(replace(toy_corpus, label_names=(name, "other", "rest")), folder / f"odd{number}")
    return folder


def test_a_class_of_any_name_is_a_task_and_has_a_lock(odd_mirror, tmp_path):
    tasks = ", ".join(quoted(f"odd{number}/{name}") for number, name in enumerate(ODD))
    spec = load_spec("smoke", [f"tasks={tasks}", "ratios=10"])
    jobs = expand(spec, World(odd_mirror, tmp_path)).jobs
    assert [job.block.task.positive for job in jobs] == list(ODD)
    assert len({job.name for job in jobs}) == len(ODD)
    store = Store(tmp_path / "s", create=True)
    for job in jobs:
        with store.claim(job.name) as mine:
            assert mine


@pytest.mark.parametrize("name", ["[exp]", "run #2", "x: y", "'q'", " lead", "\x1b[31mred", "010", "{a: b}", "*", ".."])
def test_one_without_a_comma_needs_no_quotes(bench, odd_mirror, name):
    task = f"odd{ODD.index(name)}/{name}"
    code, out, err = bench("plan", "smoke", "--tasks", task, "--data-dir", odd_mirror, "--ratios", 10)
    assert (code, err) == (0, "")
    assert "blocks        │ 1 " in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds", "010"], "x 10 seeds"),
        (["--seeds", "[010]"], "x 1 seeds"),
        (["--ratios", "0x0A, 010"], "is named twice|names 10 twice"),
        (["--model", "run #2"], "run #2, 1 epochs"),
        (["--set", "train.learning_rate=1e-3"], "lr 0.001"),
        (["--set", "options.invprop.bins=[02, 05]"], "x 12 strategies"),
    ],
)
def test_numbers_and_names_are_read_as_they_are_written(bench, arguments, said):
    _, out, err = bench("plan", "smoke", "--tasks", "toy/law", *arguments)
    assert any(part in out + err for part in said.split("|")), out + err


PLUGIN = """
from dataclasses import dataclass
from bench.strategies.base import Weighting

@dataclass(frozen=True)
class Mine(Weighting):
    name = "mine"
    title = "Mine"
    paper = "none"
    word: str = "a"
    rate: float = 1.0

    def weights(self, view):
        return view.probabilities
"""


def test_an_option_is_read_by_its_declared_type(bench, tmp_path):
    (tmp_path / "mine.py").write_text(PLUGIN)
    planned = ["plan", "smoke", "--tasks", "toy/law", "--weightings", "mine", "--plugin", "mine.py"]
    options = ["--set", "options.mine.word=010, true, 'a, b'", "--set", "options.mine.rate=1e-3,2"]
    code, out, err = bench(*planned, *options)
    assert (code, err) == (0, "")
    assert f"x {4 * 3 * 2} strategies" in out
    code, _, err = bench(*planned, "--set", "options.mine.rate=1:30")
    assert (code, "'1:30'" in err) == (2, True)


# The terminal


def test_a_console_prints_text_as_it_is_in_every_place(capsys):
    from rich.console import Group
    from rich.table import Table

    table = Table(title=":fire: [bold]t[/bold]", caption="[c]")
    table.add_column("[/h]", footer="[f]")
    table.add_row("\x1b[31m[red]x")
    console = PlainConsole()
    console.print("[/x]", Group(table), "\x07 [link=http://x]y[/link]")
    with console.status("") as status:
        status.update("")
    out = capsys.readouterr().out
    for text in ("[/x]", ":fire: [bold]t[/bold]", "[c]", "[/h]", "\\x1b[31m[red]x", "[link=http://x]y[/link]"):
        assert text in out
    assert "\x1b" not in out


def test_one_place_alone_makes_consoles_and_nobody_reads_markup():
    found = set()
    for path in (
        path for package in ("imbal_bench", "bench", "analysis", "reports") for path in (ROOT / package).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
            options = [it for it in getattr(node, "keywords", []) if it.arg in {"markup", "emoji"}]
            marked = any(ast.unparse(it.value) != "False" for it in options)
            if called in {"Console", "PlainConsole", "from_markup"} or marked:
                found.add(path.relative_to(ROOT).as_posix())
    assert found == {"imbal_bench/display/console.py"}


@pytest.mark.parametrize("name", ["st_[exp]", "st_[/exp]", "st_:fire:", "st_[link=x]"])
def test_the_place_of_a_store_is_printed_as_it_is(bench, tmp_path, name):
    Store(tmp_path / name, create=True)
    for command, ends in (("status", 0), ("report", 2), ("doctor", 0)):  # it holds no runs to report on
        code, out, err = bench(command, "--store", name)
        assert code == ends
        assert name in out + err
    assert (tmp_path / name / "report" / "report.html").is_file()
    assert bench("status", "--store", f"{name}/[/gone]")[2].count(f"{name}/[/gone]") == 1


def test_wrong_usage_is_told_as_it_was_given(bench):
    assert "[/x]" in bench("[/x]")[2]
    assert "[/x]" in bench("list", "[/x]")[2]


def test_an_error_holds_no_code_that_a_terminal_obeys():
    assert str(BenchError("a\x1b[2J\x07b\nc")) == "a\\x1b[2J\\x07b c"


class Ascii(io.TextIOWrapper):
    """A standard output whose encoding has no more than ASCII."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="ascii", write_through=True)

    @property
    def text(self) -> str:
        return self.buffer.getvalue().decode("ascii")


@pytest.mark.parametrize(
    "arguments", [("list",), ("status", "--store", "é字\udcff"), ("report", "--store", "é字"), ("--help",), ("é字",)]
)
def test_no_character_stops_a_command(monkeypatch, tmp_path, bench, arguments):
    from imbal_bench.cli import main

    Store(tmp_path / "é字", create=True)
    out, err = Ascii(), Ascii()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setattr(sys, "argv", ["imbal-bench", *arguments])
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    assert code in {0, 2}
    assert "unexpected error" not in err.text
    assert out.text + err.text


class Full(io.TextIOWrapper):
    """A standard output that cannot be written."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device", text[:0])


def test_a_report_is_written_before_it_is_printed(monkeypatch, tmp_path, bench):
    from imbal_bench.display.console import console_here
    from imbal_bench.display.stores import show_report
    from imbal_bench.workflows.report import report

    Store(tmp_path / "s", create=True)
    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(OSError, match="No space left"):
        show_report(report(tmp_path / "s", tmp_path / "out"), console_here())
    assert (tmp_path / "out" / "report.html").is_file()


# Paths


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command's name and function, those of groups too."""
    groups: list[Commands] = [app, *(group.typer_instance for group in app.registered_groups)]
    for group in groups:
        assert isinstance(group, Commands)
        for command in group.registered_commands:
            yield str(command.name or command.callback.__name__), command.callback


def holds_path(declared: Any) -> bool:
    return declared is Path or any(map(holds_path, get_args(declared)))


def test_every_path_of_every_command_is_read_in_one_place():
    count = 0
    for name, function in commands():
        for parameter, hint in get_type_hints(function, include_extras=True).items():
            if holds_path(hint):
                (info,) = (it for it in hint.__metadata__ if isinstance(it, ParameterInfo))
                assert info.parser is expanded, (name, parameter)
                count += 1
    assert count > 40


@pytest.fixture
def home(monkeypatch, tmp_path, toy_mirror, tiny_bert) -> Path:
    """A home folder with a mirror, a model, a plug-in and a user's data."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "mirror").symlink_to(toy_mirror)
    (folder / "bert").symlink_to(tiny_bert)
    (folder / "mine.py").write_text(PLUGIN)
    (folder / "grid.yaml").write_text("tasks: toy/law\nalgorithms: random\nweightings: uniform\nratios: 10\nseeds: 1\n")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("IMBAL_BENCH_DATA", "~/mirror")
    monkeypatch.setenv("IMBAL_BENCH_CACHE", "~/cache")
    monkeypatch.setenv("IMBAL_BENCH_BASELINES", "~/baselines")
    return folder


QUICK = ("loop.rounds=1", "loop.batch=5", "train.epochs=1", "pool.limit=120", "pool.test_limit=30")


@pytest.mark.usefixtures("_unwritten")
def test_a_tilde_is_home_for_every_command_and_variable(bench, tmp_path, home):
    first = ["run", "~/grid.yaml", "--plugin", "~/mine.py", "--store", "~/s", "--model", "~/bert"]
    settings = [part for one in QUICK for part in ("--set", one)]
    code, out, err = bench(*first, *settings)
    assert code == 0, err
    assert f"report: {home.resolve() / 's' / 'report' / 'report.html'}" in out
    for arguments in (
        ("report", "--store", "~/s", "--out", "~/out"),
        ("explain", "~/s", "T8", "random", "uniform", "auc"),
        ("status", "--store", "~/s"),
        ("doctor", "--store", "~/s"),
        ("baseline", "save", "main", "--store", "~/s"),
        ("baseline", "compare", "main", "--store", "~/s"),
        ("store", "export", "~/runs.zip", "--store", "~/s"),
        ("data", "export", "toy", "~/exported"),
        ("store", "merge", "~/t", "~/s"),
    ):
        code, out, err = bench(*arguments)
        assert code == 0, (arguments, err)
        if arguments[0] == "doctor":
            assert "1 runs in" in out
            assert "all sound" in out
    there = {path.name for path in home.iterdir()}
    assert {"s", "t", "out", "cache", "baselines", "runs.zip", "exported"} <= there
    assert {path.name for path in tmp_path.iterdir()} == {"home"}


def test_a_folder_called_tilde_can_be_named(bench, tmp_path, home):
    Store(tmp_path / "~", create=True)
    assert bench("status", "--store", "./~")[0] == 0
    assert bench("status", "--store", "~")[0] == 2
    assert bench("status", "--store", "~surely-no-user/s")[2].startswith("imbal-bench: no result store at ~surely-no")


def test_doctor_refuses_a_store_that_is_not_there(bench, tmp_path):
    assert bench("doctor")[0] == 0
    code, out, err = bench("doctor", "--store", "nowhere")
    assert "python" in out
    assert code == 2
    assert err.splitlines() == ["imbal-bench: no result store at nowhere; run a grid first, or give --store PATH"]
