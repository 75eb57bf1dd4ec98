"""The public door: what is exported exists, presets name what there is, and the papers of the house agree."""

import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest
import yaml

import bench
from analysis.names import title_of
from bench.config import load_spec, preset_names
from bench.data.facts import DATASETS
from bench.grid.expansion.sizes import parse_task
from bench.strategies.base import ALGORITHMS, WEIGHTINGS
from bench.strategies.catalogue import component

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PACKAGES = sorted(
    path.parent for top in ("imbal_bench", "bench", "analysis", "reports") for path in (ROOT / top).rglob("__init__.py")
)
SHIPPED = [path.stem for path in (ROOT / "bench" / "config" / "presets").iterdir()]


def dotted(package: Path) -> str:
    return ".".join(package.relative_to(ROOT).parts)


@pytest.mark.parametrize("package", PACKAGES, ids=dotted)
def test_a_package_exports_what_it_imports_and_nothing_else(package):
    """What ``__init__`` imports is the public door: all of it is in ``__all__``, and there."""
    tree = ast.parse((package / "__init__.py").read_text("utf-8"))
    lazy = [node for it in tree.body if isinstance(it, ast.If) for node in it.body]  # imported when it is first used
    of_ours = [it for it in (*tree.body, *lazy) if isinstance(it, ast.ImportFrom) and it.module != "typing"]
    names = {alias.asname or alias.name for node in of_ours for alias in node.names}
    imported = {name for name in names if not name.startswith("_")}
    module = importlib.import_module(dotted(package))
    exported = getattr(module, "__all__", [])
    assert set(exported) == imported
    assert len(exported) == len(set(exported))
    assert [name for name in exported if not hasattr(module, name)] == []
    assert set(exported) <= set(dir(module))


def test_the_types_are_shipped():
    assert all((ROOT / top / "py.typed").exists() for top in ("imbal_bench", "bench", "analysis", "reports"))


def test_the_command_is_there():
    module, _, function = PROJECT["scripts"]["imbal-bench"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_every_shipped_preset_is_listed():
    assert sorted(SHIPPED) == list(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_names_what_there_is(name):
    spec = load_spec(name)
    assert set(spec.options) <= {*spec.algorithms, *spec.weightings}
    for registry, parts in ((ALGORITHMS, spec.algorithms), (WEIGHTINGS, spec.weightings)):
        for part in registry if parts == ("all",) else parts:
            choices = [{option: value} for option, values in spec.options.get(part, {}).items() for value in values]
            for options in choices or [{}]:
                assert component(registry, part, options).options.items() >= options.items()
    for task in spec.tasks:
        dataset, positive = parse_task(task)
        facts = DATASETS[dataset]
        assert positive is None or positive in facts.classes


def test_the_papers_presets_hold_its_14_tasks():
    for name in ("paper", "extreme", "start", "nightly"):
        tasks = [(d, p) for d, _ in map(parse_task, load_spec(name).tasks) for p in DATASETS[d].paper_tasks]
        assert len(set(tasks)) == len(tasks) == 14


def test_the_version_is_the_same_everywhere():
    change_log = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## \[(\d\S*)\]", change_log, re.MULTILINE)[0] == bench.__version__
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert str(citation["version"]) == bench.__version__
    assert citation["title"] == PROJECT["name"]


def test_the_licence_is_the_same_everywhere():
    assert PROJECT["license"] == yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")


def test_every_promised_python_has_its_constraints():
    promised = re.findall(r"Python :: 3\.(\d+)", "\n".join(PROJECT["classifiers"]))
    assert promised
    assert {f"py3{minor}.txt" for minor in promised} == {path.name for path in (ROOT / "constraints").iterdir()}
    assert PROJECT["requires-python"] == f">=3.{min(map(int, promised))}"


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md", "data_cache/README.md"])
def test_links_of_a_page_lead_somewhere(page):
    text = (ROOT / page).read_text("utf-8")
    local = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if not link.startswith(("https://", "mailto:"))]
    assert [link for link in local if not ((ROOT / page).parent / link).exists()] == []


def test_tables_print_the_titles_that_strategies_have():
    titles = {name: cls.title for registry in (ALGORITHMS, WEIGHTINGS) for name, cls in registry.items().items()}
    assert {name: title_of(name) for name in titles} == titles
