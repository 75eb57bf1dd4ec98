"""Imports run one way: every import of every module is held against a table of which room may use which.

A room is a module or sub-package of ``imbal_bench``, ``bench`` or ``bench.grid``, or one of the packages ``analysis``
and ``reports``. Imports inside functions and under ``TYPE_CHECKING`` count like any other, unless the table says
otherwise.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("imbal_bench", "bench", "analysis", "reports")
OF_ROOMS = ("imbal_bench", "analysis", "bench", "bench.grid")
"""Packages that are made of rooms, outermost first."""

# Which of our rooms a room may import, besides those of EVERYWHERE; ``bench`` alone is bench/__init__.py, the version.
ROOMS: dict[str, set[str]] = {
    "bench": {"bench.environment"},
    "bench.environment": set(),
    "bench.errors": set(),
    "bench.arrays": set(),
    "bench.seeds": set(),
    "bench.records": {"bench.seeds"},
    "bench.control": {"bench.records"},
    # What people write, read in one place: paths, words, YAML.
    "bench.paths": set(),
    "bench.words": set(),
    "bench.yaml12": {"bench.words"},
    "bench.foreign": set(),
    "bench.registry": {"bench.foreign", "bench.paths"},
    "bench.options": {"bench.records", "bench.foreign", "bench.words"},
    "bench.components": {"bench.records", "bench.options"},
    "bench.config": {"bench.records", "bench.paths", "bench.words", "bench.yaml12"},
    "bench.data": {"bench.seeds", "bench.foreign", "bench.paths", "bench.yaml12"},
    "bench.tasks": {"bench.seeds", "bench.records", "bench.data"},
    "bench.model": {"bench.environment", "bench.seeds", "bench.records", "bench.data", "bench.paths"},
    # A strategy sees a view: neither data, tasks nor model; its randomness is handed in.
    "bench.strategies": {"bench.records", "bench.foreign", "bench.options", "bench.components", "bench.registry"},
    # A learner is handed texts and labelled rows; it knows no task, and what it offers is said in a strategy's words.
    "bench.learners": {
        *("bench.environment", "bench.seeds", "bench.records", "bench.options", "bench.components", "bench.registry"),
        *("bench.config", "bench.data", "bench.model", "bench.strategies"),
    },
    # Metrics know what is stored of a run, and nothing of how it is made or kept.
    "bench.metrics": {"bench.seeds", "bench.records", "bench.foreign", "bench.registry"},
    "bench.plugins": {"bench.registry", "bench.strategies", "bench.learners", "bench.metrics"},
    "bench.testing": {
        *("bench.seeds", "bench.records", "bench.foreign", "bench.data", "bench.model", "bench.strategies"),
        *("bench.learners", "bench.metrics", "bench.registry"),
    },
    # The store lies below the grid and knows nothing of how a run is made.
    "bench.store": {"bench.seeds", "bench.records", "bench.control", "bench.paths"},
    "bench.loop": {
        *("bench.seeds", "bench.records", "bench.data", "bench.tasks", "bench.model", "bench.strategies"),
        *("bench.learners", "bench.metrics"),
    },
    "bench.perf": {
        *("bench", "bench.seeds", "bench.records", "bench.data", "bench.tasks", "bench.model", "bench.strategies"),
        *("bench.store", "bench.learners", "bench.loop"),
    },
    "bench.informativeness": {"bench.records", "bench.data", "bench.model", "bench.loop"},
    # A grid: where data are; a specification expanded to blocks and runs; what these cost; which processes run them;
    # what such a process does; who hands blocks out; what is done to stored runs afterwards. A worker plans nothing.
    "bench.grid": set(),
    "bench.grid.world": {"bench.data", "bench.paths"},
    "bench.grid.expansion": {
        "bench.options",
        *("bench.records", "bench.config", "bench.data", "bench.tasks", "bench.model", "bench.strategies"),
        *("bench.learners", "bench.paths", "bench.grid.world"),
    },
    "bench.grid.cost": {
        *(
            "bench.seeds",
            "bench.records",
            "bench.config",
            "bench.data",
            "bench.tasks",
            "bench.model",
            "bench.strategies",
        ),
        *("bench.learners", "bench.loop", "bench.store", "bench.perf", "bench.testing", "bench.paths"),
        *("bench.grid.world", "bench.grid.expansion"),
    },
    "bench.grid.messages": {"bench.registry", "bench.grid.world", "bench.grid.expansion"},
    "bench.grid.logs": {"bench.store"},
    "bench.grid.executors": {"bench.config", "bench.model", "bench.grid.expansion", "bench.grid.messages"},
    "bench.grid.worker": {
        *(
            "bench",
            "bench.records",
            "bench.foreign",
            "bench.tasks",
            "bench.model",
            "bench.strategies",
            "bench.learners",
        ),
        *("bench.metrics", "bench.plugins", "bench.loop", "bench.informativeness", "bench.control", "bench.store"),
        *("bench.grid.expansion", "bench.grid.messages", "bench.grid.logs"),
    },
    # How fast a grid is, against a bare loop: a measurement of all of the above.
    "bench.grid.pace": {
        *("bench", "bench.seeds", "bench.records", "bench.config", "bench.data", "bench.tasks", "bench.model"),
        *("bench.strategies", "bench.learners", "bench.loop", "bench.perf", "bench.store", "bench.grid.world"),
        *("bench.grid.expansion", "bench.grid.messages", "bench.grid.worker"),
    },
    "bench.grid.driver": {
        *("bench.records", "bench.registry", "bench.config", "bench.model", "bench.strategies", "bench.learners"),
        *("bench.store", "bench.grid.world", "bench.grid.expansion", "bench.grid.cost", "bench.grid.messages"),
        *("bench.grid.logs", "bench.grid.executors", "bench.grid.worker"),
    },
    "bench.grid.stored": {
        *("bench.seeds", "bench.records", "bench.tasks", "bench.model", "bench.strategies", "bench.metrics"),
        *("bench.control", "bench.store", "bench.grid.world"),
    },
    # Stored runs to numbers: frames, a cube, and the two frames of a table's numbers.
    "analysis.text": set(),
    "analysis.cache": {"bench.store"},
    "analysis.changes": {"bench.records", "bench.store"},
    "analysis.environments": {"bench.control"},
    "analysis.names": {"bench.metrics", "bench.records", "bench.seeds"},
    "analysis.facts": {"analysis.names", "bench.control", "bench.paths", "bench.records", "bench.seeds"},
    "analysis.index": {"analysis.cache", "analysis.facts", "bench.records", "bench.store"},
    "analysis.results": {
        *("analysis.environments", "analysis.facts", "analysis.index"),
        *("bench.control", "bench.records", "bench.seeds", "bench.store"),
    },
    "analysis.overview": {"analysis.facts", "analysis.names", "analysis.results"},
    "analysis.stats": {"bench.seeds"},
    "analysis.cube": {"analysis.names", "analysis.stats", "bench.seeds"},
    "analysis.summaries": {"analysis.cube", "analysis.names", "analysis.stats"},
    "analysis.definitions": {
        *("analysis.cube", "analysis.names", "analysis.summaries", "bench.foreign", "bench.records"),
    },
    "analysis.condition": {
        *("analysis.cube", "analysis.environments", "analysis.results", "bench.paths", "bench.records"),
    },
    "analysis.comparisons": {
        *("analysis.condition", "analysis.cube", "analysis.definitions", "analysis.stats", "analysis.summaries"),
    },
    "analysis.panels": {
        *("analysis.condition", "analysis.cube", "analysis.names", "analysis.results", "analysis.stats"),
    },
    "analysis.planning": {"analysis.names", "analysis.panels", "analysis.results", "analysis.stats"},
    "analysis.selected_positives": {"analysis.names", "analysis.panels"},
    "analysis.stages": {"analysis.names"},
    "analysis.leaderboard": {
        *("analysis.comparisons", "analysis.names", "analysis.panels", "analysis.stats", "analysis.summaries"),
        *("bench.metrics", "bench.records"),
    },
    "analysis.pairwise": {"analysis.leaderboard", "analysis.names", "analysis.stats"},
    # Numbers to what is printed and drawn.
    "analysis.tables": {
        *("analysis.comparisons", "analysis.condition", "analysis.cube", "analysis.definitions", "analysis.names"),
        *("analysis.panels", "analysis.selected_positives", "analysis.stages", "analysis.stats", "analysis.summaries"),
        *("analysis.leaderboard", "analysis.pairwise", "analysis.text", "bench.metrics", "bench.records"),
    },
    "analysis.figures": {
        *("analysis.comparisons", "analysis.condition", "analysis.names", "analysis.panels", "analysis.stages"),
        *("analysis.leaderboard", "analysis.pairwise"),
        *("analysis.selected_positives", "analysis.stats", "analysis.text", "bench.records"),
    },
    "analysis.findings": {
        *("analysis.comparisons", "analysis.condition", "analysis.names", "analysis.overview", "analysis.stats"),
        *("analysis.tables", "analysis.text", "bench.records"),
    },
    "analysis.sections": {
        *("analysis.comparisons", "analysis.condition", "analysis.cube", "analysis.definitions", "analysis.figures"),
        *("analysis.leaderboard", "analysis.names", "analysis.pairwise", "analysis.panels"),
        *("analysis.findings", "analysis.results", "analysis.tables", "bench.metrics", "bench.records"),
    },
    "analysis.tracing": {
        *("analysis.names", "analysis.results", "analysis.sections", "analysis.tables"),
        *("bench.records", "bench.store"),
    },
    "analysis.typed": {"analysis.results", "bench.records", "bench.seeds", "bench.words"},
    "analysis.gate": {
        *("analysis.condition", "analysis.cube", "analysis.environments", "analysis.facts", "analysis.figures"),
        *("analysis.names", "analysis.results", "analysis.stats", "analysis.tables", "analysis.text", "analysis.typed"),
        *("bench.control", "bench.metrics", "bench.records", "bench.seeds", "bench.store", "bench.words"),
    },
    "analysis.nights": {
        *("analysis.changes", "analysis.figures", "analysis.gate", "analysis.names", "analysis.results"),
        *("analysis.typed", "bench.paths", "bench.records", "bench.store"),
    },
    # What analysis offers others: analysis/__init__.py.
    "analysis": {
        *("analysis.cache", "analysis.changes", "analysis.comparisons", "analysis.definitions", "analysis.figures"),
        *("analysis.findings", "analysis.index", "analysis.leaderboard", "analysis.names", "analysis.overview"),
        *("analysis.results", "analysis.sections", "analysis.tables", "analysis.text", "analysis.tracing"),
        *("bench.paths", "bench.records", "bench.store"),
    },
    "reports": {
        *("analysis", "analysis.figures", "analysis.gate", "analysis.nights", "analysis.overview"),
        *("analysis.sections", "analysis.selected_positives", "analysis.stats", "analysis.text"),
    },
    # The door: workflows on all of the above, and what is thin over them. Nothing imports it.
    "imbal_bench": {"imbal_bench.packages", "imbal_bench.api"},
    "imbal_bench.packages": set(),
    "imbal_bench.first": {"imbal_bench.packages"},
    "imbal_bench.nights": {"bench.records", "bench.config", "bench.store", "bench.paths"},
    "imbal_bench.workflows": {
        *("bench.records", "bench.config", "bench.data", "bench.tasks", "bench.model", "bench.strategies"),
        *("bench.perf", "bench.testing", "bench.store", "bench.paths", "bench.registry", "bench.plugins"),
        *(
            "bench.grid.pace",
            "bench.grid.world",
            "bench.grid.expansion",
            "bench.grid.cost",
            "bench.grid.executors",
            "bench.grid.worker",
        ),
        *("bench.grid.driver", "bench.grid.stored", "bench.words", "analysis", "analysis.changes", "analysis.facts"),
        *("analysis.gate", "analysis.nights", "analysis.overview", "analysis.planning", "analysis.stats"),
        *("analysis.typed", "reports", "imbal_bench.nights"),
    },
    "imbal_bench.display": {
        *("bench", "bench.config", "bench.data", "bench.model", "bench.components", "bench.strategies"),
        *("bench.learners", "bench.metrics", "bench.perf", "bench.testing", "bench.store", "bench.grid.world"),
        *("bench.grid.expansion", "bench.grid.cost", "bench.grid.driver", "bench.grid.stored", "analysis", "reports"),
        *("analysis.gate", "analysis.stats", "imbal_bench.workflows"),
    },
    "imbal_bench.cli": {
        *("bench", "bench.environment", "bench.config", "bench.paths", "bench.registry", "bench.grid.world"),
        *("bench.grid.driver", "analysis.gate", "analysis.nights"),
        *("imbal_bench.display", "imbal_bench.nights", "imbal_bench.workflows"),
    },
    "imbal_bench.__main__": {"imbal_bench.cli"},
    "imbal_bench.api": {
        *("bench.seeds", "bench.records", "bench.config", "bench.data", "bench.model", "bench.strategies"),
        *("bench.metrics", "bench.store", "bench.options", "bench.paths", "bench.plugins", "bench.registry"),
        *("bench.learners", "bench.grid.world", "bench.grid.expansion", "bench.grid.executors", "analysis"),
        *("analysis.cube", "analysis.stats"),
        *("imbal_bench.display", "imbal_bench.workflows"),
    },
}
# Package -> what all of its rooms may import: errors to raise, types of arrays.
EVERYWHERE = {
    "imbal_bench": {"bench.errors", "bench.arrays"},
    "bench": {"bench.errors", "bench.arrays"},
    "analysis": {"bench.errors", "bench.arrays"},
}

# Which rooms may import a library; one that is not named here may be imported anywhere.
LIBRARIES: dict[str, set[str]] = {
    "torch": {"bench.grid.pace", "bench.model", "bench.perf", "bench.strategies", "bench.learners", "bench.testing"},
    "pytorch_lightning": {"bench.model"},
    "lightning_fabric": {"bench.model"},
    "transformers": {"bench.model"},
    "safetensors": {"bench.model"},
    "datasets": {"bench.data"},
    "huggingface_hub": {"bench.data", "bench.store"},
    "pyarrow": {"bench.data", "bench.store"},
    "yaml": {"bench.yaml12"},
    "filelock": {"bench.data", "bench.grid.worker", "bench.store"},
    "joblib": {"reports", "analysis.index"},
    "loky": {"bench.grid.executors"},
    "cloudpickle": {"bench.grid.executors"},
    "dask": {"bench.grid.executors"},
    "distributed": {"bench.grid.executors"},
    "dask_jobqueue": {"bench.grid.executors"},
    "sklearn": {
        "bench.perf",
        "bench.model",
        "bench.testing",
        "bench.strategies",
        "bench.learners",
        "bench.metrics",
        "bench.informativeness",
    },
    "threadpoolctl": {"bench.model", "bench.strategies", "bench.testing"},
    "typer": {"imbal_bench.cli"},
    "rich": {
        *("imbal_bench.cli", "imbal_bench.display", "imbal_bench.workflows", "bench.grid.driver", "bench.grid.logs"),
        *("bench.perf", "reports"),
    },
    "pandas": {
        *("analysis.names", "analysis.results", "analysis.overview", "analysis.condition", "analysis.cube"),
        *("analysis.comparisons", "analysis.panels", "analysis.stages", "analysis.selected_positives"),
        *("analysis.leaderboard", "analysis.pairwise"),
        *("analysis.tables", "analysis.figures", "analysis.sections", "analysis.tracing", "analysis.gate"),
        *("analysis.nights", "reports", "imbal_bench.api"),
    },
    "scipy": {
        "bench.grid.pace",
        "analysis.stats",
        "analysis.gate",
        "bench.grid.cost",
        "bench.learners",
        "bench.strategies",
        "bench.testing",
    },
    "matplotlib": {"reports"},
    "seaborn": {"reports"},
    "jinja2": {"reports"},
    "markupsafe": {"reports"},
    "tabulate": {"reports"},
}

# (file, library): the reason why it may do what the table forbids.
EXCEPTIONS: dict[tuple[str, str], str] = {}

# (file, library): imported for annotations only, under TYPE_CHECKING.
FOR_TYPES_ONLY = {("bench/data/tokens.py", "transformers")}

# The command line answers `--help` at once: what it uses is imported inside its commands, but for these.
LIGHT = {"bench", "bench.environment", "bench.errors", "bench.paths", "imbal_bench.display"}

# Modules that come with a declared library and are no distribution of their own in pyproject.toml.
COMES_WITH = {"lightning_fabric": "pytorch-lightning", "markupsafe": "jinja2"}


@dataclass(frozen=True)
class Import:
    """One import: the module it is in, its line, what it names, and whether it runs when the module is loaded."""

    module: str
    file: str
    line: int
    target: str
    at_load: bool
    for_types: bool


def modules_below(root: Path) -> dict[str, Path]:
    """Return all modules of our packages by name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@lru_cache
def imports_of(root: Path) -> list[Import]:
    """Return all imports of all modules; ``from a import b`` names ``a.b`` where that is a module of ours."""
    modules = modules_below(root)
    found = []
    for module, path in modules.items():
        is_package = path.name == "__init__.py"
        file = path.relative_to(root).as_posix()
        for node, at_load, for_types in _walk(ast.parse(path.read_text("utf-8"))):
            found += [
                Import(module, file, node.lineno, target, at_load, for_types)
                for target in _targets(node, module, is_package=is_package, modules=modules)
            ]
    return found


def _walk(node: ast.AST, *, at_load: bool = True, for_types: bool = False) -> Iterator[tuple[ast.AST, bool, bool]]:
    for child in ast.iter_child_nodes(node):
        inside = at_load and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typed = for_types or (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"))
        yield child, inside, typed
        yield from _walk(child, at_load=inside, for_types=typed)


def _targets(node: ast.AST, module: str, *, is_package: bool, modules: dict[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parts = module.split(".")
            parents = parts[: len(parts) - node.level + is_package]
            base = ".".join([*parents, *([node.module] if node.module else [])])
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            yield inner if inner in modules else base
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
        named = node.args[0] if node.args else None
        yield named.value if isinstance(named, ast.Constant) else "(computed)"


def room_of(module: str) -> str:
    """Return the room of a module, or the top-level name of a library."""
    depth = 1 + sum(module.startswith(f"{package}.") for package in OF_ROOMS)
    return ".".join(module.split(".")[:depth])


def violations(root: Path) -> list[str]:
    """Return a line for each import that breaks the tables."""
    lines = []
    for it in imports_of(root):
        room, target = room_of(it.module), room_of(it.target)
        where = f"{it.file}:{it.line}: {room} must not import {it.target}"
        if room not in ROOMS:
            lines.append(f"{it.file}: {room} is not in the table of rooms")
        elif it.target == "(computed)":
            if room != "bench.registry":
                lines.append(f"{where}: only the registry computes what it imports")
        elif target.partition(".")[0] in PACKAGES:
            if target not in ROOMS[room] | {room} | EVERYWHERE.get(room.partition(".")[0], set()):
                lines.append(where)
            if room == "imbal_bench.cli" and it.at_load and not it.for_types and target not in {room} | LIGHT:
                lines.append(f"{where} before a command needs it")
        elif target in LIBRARIES and room not in LIBRARIES[target]:
            excused = (it.file, target) in EXCEPTIONS or (it.for_types and (it.file, target) in FOR_TYPES_ONLY)
            lines += [] if excused else [where]
    return lines


def circle(root: Path) -> list[str]:
    """Return modules that import each other in a circle, in order; empty if there is none."""
    graph: dict[str, set[str]] = {}
    for it in imports_of(root):
        graph.setdefault(it.module, set()).add(it.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


# The house


def test_every_import_is_allowed():
    assert violations(ROOT) == []


def test_no_modules_import_each_other_in_a_circle():
    assert circle(ROOT) == []


def test_the_table_itself_runs_one_way():
    TopologicalSorter(ROOMS).prepare()
    assert set().union(*ROOMS.values()) <= set(ROOMS)


def test_the_table_names_rooms_and_permissions_that_are_used():
    """A room that left, or a permission that nobody uses, must leave the table too."""
    imports = imports_of(ROOT)
    rooms = {room_of(module) for module in modules_below(ROOT)}
    assert set(ROOMS) == rooms
    used = {(room_of(it.module), room_of(it.target)) for it in imports}
    assert {(room, other) for room, others in ROOMS.items() for other in others} - used == set()
    assert {(room, library) for library, rooms in LIBRARIES.items() for room in rooms} - used == set()
    of_files = {(it.file, room_of(it.target)) for it in imports}
    assert (EXCEPTIONS.keys() | FOR_TYPES_ONLY) - of_files == set()


def test_every_library_is_declared_and_every_declared_one_is_used():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    optional = [line for name in extras if name != "offline" for line in extras[name]]  # that one carries weights
    declared = {_normal(line) for line in project["dependencies"] + optional}
    libraries = {room_of(it.target) for it in imports_of(ROOT)} - set(sys.stdlib_module_names) - {"(computed)"}
    libraries = {name for name in libraries if name.partition(".")[0] not in PACKAGES}
    distributions = packages_distributions()
    needed = {COMES_WITH.get(name) or _normal(distributions.get(name, [name])[0]) for name in libraries}
    assert needed == declared


def _normal(requirement: str) -> str:
    name = requirement
    for mark in "[<>=!~; ":
        name = name.partition(mark)[0]
    return name.lower().replace("_", "-")


def types_of(path: Path) -> Iterator[str]:
    """Yield the names of the classes that a module defines, and of the types that it names (``Name = ...``)."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name[0].isupper() and not name.isupper() and len(name) > 1:
                yield name


def test_a_type_s_name_means_one_thing():
    """A reader who knows a type from one room need not ask which of two it is in another."""
    homes: dict[str, list[str]] = {}
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for name in {*types_of(path)} if "cli" not in path.parts else ():
            homes.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


# The checker


@pytest.fixture
def house(tmp_path):
    """A function that lays out modules; returns the folder."""

    def build(**files: str) -> Path:
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        (tmp_path / "bench").mkdir(exist_ok=True)
        for folder in [path for path in tmp_path.rglob("*") if path.is_dir()]:
            (folder / "__init__.py").touch()
        return tmp_path

    return build


@pytest.mark.parametrize(
    ("file", "code", "culprit"),
    [
        ("bench__strategies__cheat", "from bench.tasks import ImbalancedTask", "bench.tasks"),
        ("bench__strategies__cheat", "import bench.model.encoder", "bench.model.encoder"),
        ("bench__strategies__cheat", "def f():\n    from bench import tasks", "bench.tasks"),
        ("bench__strategies__cheat", "class A:\n    def f(self):\n        import bench.data.corpus", "bench.data"),
        ("bench__strategies__cheat", "from ..tasks import oracle", "bench.tasks"),
        ("bench__strategies__cheat", "from .. import tasks", "bench.tasks"),
        (
            "bench__strategies__cheat",
            "from importlib import import_module\nimport_module('bench.tasks')",
            "bench.tasks",
        ),
        ("bench__strategies__cheat", "x = __import__('bench.tasks')", "bench.tasks"),
        ("bench__strategies__cheat", "import importlib\nimportlib.import_module(name)", "(computed)"),
        ("bench__strategies__cheat", "try:\n    import pytorch_lightning as pl\nexcept ImportError: ...", "pytorch_l"),
        ("bench__store__cheat", "from bench.grid.cost.work import Cost", "bench.grid.cost.work"),
        ("bench__grid__worker__cheat", "from bench.grid.cost import grid_cost", "bench.grid.cost"),
        (
            "bench__grid__worker__cheat",
            "def f():\n    from bench.grid.driver.execute import execute",
            "bench.grid.driver",
        ),
        ("bench__grid__executors__cheat", "from bench.grid.worker.run_block import run_block", "bench.grid.worker"),
        ("bench__grid__cost__cheat", "import loky", "loky"),
        ("bench__seeds", "import torch.nn as nn", "torch.nn"),
        ("bench__tasks", "from transformers import AutoModel", "transformers"),
        ("bench__data__corpus", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch", "torch"),
        ("imbal_bench__cli", "import typer\nfrom bench.grid.world import World", "bench.grid.world"),
        ("analysis__results", "from bench.loop import run_strategy", "bench.loop"),
        ("reports__page", "from bench.store import Store", "bench.store"),
        ("bench__grid__world", "from analysis import read_results", "analysis"),
        ("bench__cheat", "import imbal_bench", "bench.cheat is not in the table"),
        ("analysis__stages", "from imbal_bench.workflows import run", "imbal_bench.workflows"),
        ("reports__cheat", "def f():\n    import imbal_bench.api", "imbal_bench.api"),
        ("reports__page", "if True:\n    import bench.records", "bench.records"),
    ],
)
def test_a_planted_violation_is_found(house, file, code, culprit):
    root = house(**{"bench__tasks": "", file: code})
    (line,) = violations(root)
    assert line.startswith(file.replace("__", "/"))
    assert culprit in line


def test_a_room_that_the_table_does_not_know_is_found(house):
    lines = violations(house(bench__cellar="import os", bench__grid__attic__box="import os"))
    assert [line.partition(": ")[2] for line in lines] == [
        f"bench.{room} is not in the table of rooms" for room in ("cellar", "grid.attic")
    ]


def test_what_is_allowed_passes(house):
    root = house(
        bench__strategies__fine="import torch, numpy\nfrom bench.errors import RunError\nfrom .view import PoolView",
        bench__strategies__view="",
        bench__errors="",
        imbal_bench__cli="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from bench.grid.world import x\n"
        "def f():\n    from bench.grid.world import execute",
        reports__page="import analysis",
    )
    assert violations(root) == []


def test_a_planted_circle_is_found(house):
    root = house(bench__data__a="def f():\n    from bench.data import b", bench__data__b="import bench.data.a")
    assert set(circle(root)) == {"bench.data.a", "bench.data.b"}
    assert violations(root) == []
