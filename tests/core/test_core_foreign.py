"""Code from outside: loaded as it was read, and unable to end the program as if all had gone well."""

from __future__ import annotations

import pickle
import signal
import sys
import traceback
from dataclasses import dataclass

import numpy as np
import pytest

from bench.errors import PluginError, UnknownNameError
from bench.foreign import foreign_code
from bench.plugins import add_plugin, use_plugins
from bench.registry import PluginFile, Registry, load_file, read_plugin
from bench.strategies.base import ALGORITHMS, Algorithm, Weighting
from bench.strategies.catalogue import component
from bench.strategies.strategy import choose, needs_of
from bench.strategies.uniform import Uniform
from bench.testing import verdicts
from bench.testing.toys import toy_pool


class Quit(BaseException):
    """What no ``except Exception`` sees."""


ENDS = [SystemExit(0), SystemExit(3), SystemExit(), KeyboardInterrupt(), GeneratorExit(), Quit("x")]


def run_out(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", ENDS, ids=repr)
def test_what_would_end_the_program_is_an_error_of_the_plug_in(error):
    with pytest.raises(PluginError) as caught, foreign_code("algorithm 'mine'"):
        run_out(error)
    assert str(caught.value).startswith(f"algorithm 'mine' raised {error!r}, which would end the program")
    assert caught.value.exit_code != 0


def test_an_ordinary_exception_passes_as_it_is():
    with pytest.raises(ZeroDivisionError), foreign_code("mine"):
        _ = 1 / 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_still_stops_the_program_and_handlers_stay_as_they_were(number):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(number, stop)
    try:
        with pytest.raises(KeyboardInterrupt), foreign_code("outer"), foreign_code("inner"):
            signal.raise_signal(number)
        assert signal.getsignal(number) is stop
    finally:
        signal.signal(number, before)


# Where plug-ins are called


def quitting(where: str) -> Algorithm | Weighting:
    """Return a part that ends the program at one of its methods."""

    @dataclass(frozen=True)
    class Quitting(Weighting if where == "weights" else Algorithm):
        name, title, paper = "quitting", "Quitting", "none"

        def select(self, view, w, k):
            return sys.exit(0) if where == "select" else np.arange(k)

        def weights(self, view):
            sys.exit(0)

        def uses(self):
            return sys.exit(0) if where == "uses" else ()

    return Quitting()


def ask(where: str) -> None:
    part, view = quitting(where), toy_pool().view(frozenset())
    if isinstance(part, Weighting):
        choose(ALGORITHMS.get("random")(), part, view, 3)
    elif where == "uses":
        needs_of(part)
    else:
        choose(part, Uniform(), view, 3)


@pytest.mark.parametrize("where", ["select", "weights", "uses"])
def test_a_part_that_ends_the_program_when_it_is_asked_is_an_error(where):
    with pytest.raises(PluginError, match=r"'quitting' raised SystemExit\(0\)"):
        ask(where)


@pytest.mark.parametrize("where", ["select", "weights"])
def test_a_check_finds_it_broken(where):
    found = {verdict.law: verdict for verdict in verdicts(quitting(where))}
    assert found["answers_are_valid"].outcome == "broken"


@pytest.mark.parametrize("raised", ["sys.exit(0)", "raise ValueError('no')"])
def test_a_constructor_that_fails_is_an_error_of_the_plug_in(raised, tmp_path):
    (tmp_path / "mine.py").write_text(PART.format(body=f"import sys; {raised}"))
    add_plugin(tmp_path / "mine.py")
    try:
        with pytest.raises(PluginError, match=r"algorithm 'mine' .*(SystemExit\(0\)|ValueError: no)"):
            component(ALGORITHMS, "mine")
    finally:
        use_plugins(())


PART = '''
from dataclasses import dataclass
from bench.strategies.base import Algorithm

@dataclass(frozen=True)
class Mine(Algorithm):
    """A plug-in."""

    name, title, paper = "mine", "Mine", "none"

    def __post_init__(self):
        {body}

    def select(self, view, w, k):
        raise ZeroDivisionError  # as it was read
'''


# A file that changes


def test_a_plug_in_is_loaded_as_it_was_read_whatever_becomes_of_its_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(PART.format(body="pass"))
    plugin = pickle.loads(pickle.dumps(read_plugin(file)))  # noqa: S301 - as it travels to a worker
    file.write_text("raise SystemExit  # changed")
    try:
        use_plugins([plugin])
        assert ALGORITHMS.get("mine").version == plugin.version
        file.unlink()
        use_plugins([plugin])
        with pytest.raises(ZeroDivisionError) as caught:
            ALGORITHMS.get("mine")().select(None, None, 1)
        shown = "".join(traceback.format_exception(caught.value))
        assert f'File "{file}", line' in shown
        assert "raise ZeroDivisionError  # as it was read" in shown
    finally:
        use_plugins(())
    assert "mine" not in ALGORITHMS
    assert not list(tmp_path.iterdir())  # nor any bytecode


def test_a_worker_that_serves_a_second_driver_uses_the_second_one_s_plug_in(tmp_path):
    (old, new), file = (PART.format(body=body) for body in ("pass", "'edited'")), tmp_path / "mine.py"
    first, second = (PluginFile(str(file), text.encode()) for text in (old, new))
    try:
        use_plugins([first])
        use_plugins([second])
        assert ALGORITHMS.get("mine").version == second.version != first.version
        use_plugins([first])
        assert ALGORITHMS.get("mine").version == first.version
    finally:
        use_plugins(())


def test_a_file_edited_within_a_tick_of_the_clock_is_loaded_anew(tmp_path):
    """Python's own cache of bytecode goes by time of change and size."""
    file = tmp_path / "mine.py"
    values = []
    for value in (1, 2):
        file.write_text(f"x = {value}")
        values.append(load_file(file).x)
    assert values == [1, 2]


def test_an_entry_point_that_ends_the_program_is_reported_when_it_is_needed(tmp_path, monkeypatch):
    (tmp_path / "quits_at_import.py").write_text("import sys\nsys.exit(0)\n")
    info = tmp_path / "quits-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: quits\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[imbal_bench.strategies]\nquits = quits_at_import:Quits\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry("algorithm", Algorithm, "bench.strategies", "imbal_bench.strategies")
    assert set(ALGORITHMS) <= set(registry)
    (line,) = registry.failures
    assert (
        "entry point quits = quits_at_import:Quits failed to load: ImportError: its code raised SystemExit(0)" in line
    )
    with pytest.raises(UnknownNameError, match=r"SystemExit\(0\)"):
        component(registry, "quits")
