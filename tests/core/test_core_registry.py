"""Things are found by being there: a file in a package, an entry point, a file handed over."""

import importlib
import sys
from pathlib import Path

import pytest

from bench import plugins
from bench.errors import PluginError, UnknownNameError
from bench.learners import catalogue as learners
from bench.learners.base import LEARNERS
from bench.registry import Registry, file_version, load_file, read_plugin
from bench.strategies import catalogue
from bench.strategies.base import ALGORITHMS, WEIGHTINGS

GROUP = "imbal_bench.test_animals"
BASE = """
from abc import ABC, abstractmethod

class Animal(ABC):
    @abstractmethod
    def sound(self) -> str: ...
"""
ANIMAL = """
from zoo_base import Animal

class {cls}(Animal):
    name = {name!r}
    def sound(self):
        return "{cls}"
"""


def animal(cls: str, name: str) -> str:
    return ANIMAL.format(cls=cls, name=name)


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A function that makes a package of files on the import path and returns a registry over it."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    (tmp_path / "zoo_base.py").write_text(BASE)
    base = importlib.import_module("zoo_base").Animal

    def make(**files: str) -> Registry:
        package = tmp_path / "zoo_package"
        package.mkdir()
        (package / "__init__.py").touch()
        for name, text in files.items():
            (package / f"{name}.py").write_text(text, "utf-8")
        importlib.invalidate_caches()
        return Registry("animal", base, "zoo_package", GROUP)

    yield make
    for name in set(sys.modules) - before:
        if name.startswith(("zoo_", "imbal_bench_plugin_")):
            del sys.modules[name]


def install(site: Path, entry_points: dict[str, str], group: str = GROUP, **files: str) -> None:
    """Lay out an installed distribution with entry points, as pip does."""
    for name, text in files.items():
        (site / f"{name}.py").write_text(text, "utf-8")
    info = site / "zoo_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-plugin\nVersion: 1.0\n")
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in entry_points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    importlib.invalidate_caches()


def test_every_file_of_the_package_is_found_and_sorted_by_name(zoo):
    registry = zoo(one=animal("Cow", "cow"), two=animal("Ant", "ant") + animal("Bee", "bee"))
    assert list(registry) == ["ant", "bee", "cow"]
    assert list(registry.items()) == ["ant", "bee", "cow"]
    assert registry.get("cow")().sound() == "Cow"
    assert "ant" in registry
    assert "dog" not in registry


def test_only_concrete_classes_with_a_name_of_their_own_are_found(zoo):
    text = (
        animal("Cow", "cow")
        + """
from abc import abstractmethod

class Calf(Cow):
    pass

class Bird(Animal):
    name = "bird"
    @abstractmethod
    def fly(self): ...

class Stone:
    name = "stone"

class Numbered(Cow):
    name = 3

herd = Cow()
"""
    )
    assert list(zoo(one=text)) == ["cow"]


def test_a_class_that_another_file_imports_is_found_once(zoo):
    assert list(zoo(one=animal("Cow", "cow"), two="from zoo_package.one import Cow")) == ["cow"]


def test_two_files_of_one_name_are_both_named_each_time(zoo):
    registry = zoo(one=animal("Cow", "cow"), two=animal("Bull", "cow"))
    for _ in range(2):  # a half-filled registry must not pass for a whole one the second time
        with pytest.raises(PluginError, match=r"two animals are called 'cow': zoo_package.one.Cow and zoo_package.two"):
            list(registry)


def test_two_classes_of_one_name_in_a_file_are_refused(zoo):
    with pytest.raises(PluginError, match=r"zoo_package.one.Cow and zoo_package.one.Bull"):
        list(zoo(one=animal("Cow", "cow") + animal("Bull", "cow")))


def test_an_unknown_name_gets_the_nearest_one_and_the_list(zoo):
    registry = zoo(one=animal("Cow", "cow") + animal("Horse", "horse"))
    with pytest.raises(UnknownNameError, match=r"unknown animal 'hrose'\. Did you mean 'horse'\? Known: cow, horse\."):
        registry.get("hrose")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import surely_not_installed", "ModuleNotFoundError: No module named 'surely_not_installed'"),
        ("def f(:", "SyntaxError: invalid syntax"),
        ("raise ValueError('first\\nsecond')", "ValueError: first second"),
    ],
)
def test_a_broken_file_is_reported_when_asked_for_and_breaks_nothing_else(zoo, tmp_path, text, reason):
    registry = zoo(good=animal("Cow", "cow"), wolf=text)
    assert list(registry) == ["cow"]
    assert registry.get("cow")().sound() == "Cow"
    with pytest.raises(UnknownNameError) as caught:
        registry.get("wolf")
    message = str(caught.value)
    assert f"{tmp_path / 'zoo_package' / 'wolf.py'} failed to load: {reason}" in message
    assert len(message.splitlines()) == 1


def test_entry_points_are_found(zoo, tmp_path):
    registry = zoo(one=animal("Cow", "cow"))
    install(tmp_path, {"fox": "zoo_outside:Fox"}, zoo_outside=animal("Fox", "fox"))
    assert list(registry) == ["cow", "fox"]
    assert registry.get("fox")().sound() == "Fox"


def test_an_entry_point_of_a_taken_name_is_refused(zoo, tmp_path):
    registry = zoo(one=animal("Cow", "cow"))
    install(tmp_path, {"cow": "zoo_outside:Fox"}, zoo_outside=animal("Fox", "cow"))
    with pytest.raises(PluginError, match=r"'cow': zoo_package.one.Cow and zoo_outside.Fox"):
        list(registry)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("zoo_missing:Fox", "ModuleNotFoundError"),
        ("zoo_outside:Wolf", "AttributeError"),
        ("zoo_outside:talk", "TypeError: it is not a concrete subclass of Animal with a `name`"),
        ("zoo_outside:Stone", "TypeError: it is not a concrete subclass of Animal with a `name`"),
        ("zoo_outside:Animal", "TypeError: it is not a concrete subclass of Animal with a `name`"),
        ("zoo_outside", "TypeError: it is not a concrete subclass of Animal with a `name`"),
    ],
)
def test_an_entry_point_that_is_none_of_ours_is_reported_when_asked_for(zoo, tmp_path, value, reason):
    registry = zoo(one=animal("Cow", "cow"))
    text = animal("Fox", "fox") + "\ndef talk(): ...\n\nclass Stone:\n    name = 'stone'\n"
    install(tmp_path, {"odd": value}, zoo_outside=text)
    assert list(registry) == ["cow"]
    with pytest.raises(UnknownNameError) as caught:
        registry.get("odd")
    assert f"entry point odd = {value} failed to load: {reason}" in str(caught.value)


def test_a_plug_in_file_is_registered(zoo, tmp_path):
    registry = zoo(one=animal("Cow", "cow"))
    (tmp_path / "mine.py").write_text(animal("Fox", "fox") + animal("Owl", "owl"))
    assert registry.add_module(load_file(tmp_path / "mine.py")) == 2
    assert list(registry) == ["cow", "fox", "owl"]


def test_a_plug_in_file_may_be_given_twice(zoo, tmp_path):
    registry = zoo(one=animal("Cow", "cow"))
    (tmp_path / "mine.py").write_text(animal("Fox", "fox"))
    assert load_file(tmp_path / "mine.py") is load_file(str(tmp_path / "mine.py"))
    for _ in range(2):
        assert registry.add_module(load_file(tmp_path / "mine.py")) == 1
    assert list(registry) == ["cow", "fox"]


def test_a_plug_in_that_is_refused_leaves_nothing_behind(zoo, tmp_path):
    registry = zoo(one=animal("Cow", "cow"))
    (tmp_path / "mine.py").write_text(animal("Ant", "ant") + animal("Bull", "cow"))
    with pytest.raises(PluginError, match="'cow'"):
        registry.add_module(load_file(tmp_path / "mine.py"))
    assert list(registry) == ["cow"]


def test_what_a_plug_in_imports_is_not_counted_as_its_own(zoo, tmp_path):
    registry = zoo(one=animal("Cow", "cow"))
    (tmp_path / "mine.py").write_text("from zoo_package.one import Cow")
    assert registry.add_module(load_file(tmp_path / "mine.py")) == 0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("absent.py", None, "no plug-in file"),
        ("~surely-no-user/x.py", None, "no plug-in file '~surely-no-user/x.py'"),
        ("notes.txt", "x = 1", "is not a Python file"),
        ("broken.py", "def f(:", "failed to load: SyntaxError"),
        ("raises.py", "raise ValueError('a\\nb')", "raises.py failed to load: ValueError: a b"),
        ("binary.py", b"\xff\xfe\x00", "failed to load: "),
        ("quits.py", "import sys; sys.exit(0)", "quits.py failed to load: its code raised SystemExit(0), which would"),
        ("stops.py", "raise KeyboardInterrupt", "stops.py failed to load: its code raised KeyboardInterrupt()"),
        ("closes.py", "raise GeneratorExit", "closes.py failed to load: its code raised GeneratorExit()"),
    ],
)
def test_a_plug_in_file_that_cannot_be_loaded_is_named_with_the_reason(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    modules = set(sys.modules)
    with pytest.raises(PluginError) as caught:
        load_file(name if name.startswith("~") else tmp_path / name)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    left = {name.partition(".")[0] for name in set(sys.modules) - modules}
    assert left <= set(sys.stdlib_module_names)  # such as pwd, by which home folders are looked up


def test_the_version_of_a_file_is_its_content(tmp_path):
    for name, text in (("a", "x = 1"), ("b", "x = 1"), ("c", "x = 2")):
        (tmp_path / f"{name}.py").write_text(text)
    a, b, c = (file_version(tmp_path / f"{name}.py") for name in "abc")
    assert a == b != c


# The price of an addition is one new file, in each of three ways, for each kind.

PART = {
    "algorithm": """
from dataclasses import dataclass
from bench.strategies.base import Algorithm
from bench.strategies.select import weighted_sample

@dataclass(frozen=True)
class Coin(Algorithm):
    name, title, paper = "coin", "Coin", "none"
    sides: int = 2
    def select(self, view, w, k):
        return weighted_sample(w, k, view.priority)
""",
    "weighting": """
from dataclasses import dataclass
from bench.strategies.base import Weighting

@dataclass(frozen=True)
class Coin(Weighting):
    name, title, paper = "coin", "Coin", "none"
    sides: int = 2
    def weights(self, view):
        return 1 - view.probabilities
""",
    "learner": """
from dataclasses import dataclass
import numpy as np
from bench.learners.base import Learner, MadeWith, Model, Scores

@dataclass(frozen=True)
class Coin(Learner):
    name, title, summary, paper = "coin", "Coin", "the share of positives", "none"
    sides: int = 2
    def begin(self, material):
        return Share()

class Share(Model):
    made_with = MadeWith("cpu", "fp64")
    def fit(self, rows, labels, streams):
        self.share = labels.mean() if len(labels) else 0.5
    def score(self, which, rows, *, embeddings=False):
        return Scores(np.full(len(rows), self.share))
""",
}


def by_a_file_in_the_package(folder: Path, text: str, registry: Registry, monkeypatch) -> list[Path]:
    written = folder / "coin.py"
    written.write_text(text)
    package = importlib.import_module(registry.package)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    return [written]


def by_an_entry_point(folder: Path, text: str, registry: Registry, monkeypatch) -> list[Path]:
    monkeypatch.syspath_prepend(folder)
    install(folder, {"coin": "zoo_coin:Coin"}, registry.group, zoo_coin=text)  # pip writes the rest
    return [folder / "zoo_coin.py"]


def by_a_plug_in_file(folder: Path, text: str, registry: Registry, monkeypatch) -> list[Path]:
    written = folder / "coin.py"
    written.write_text(text)
    assert plugins.add_plugin(written) == ("coin",)
    return [written]


@pytest.mark.parametrize("way", [by_a_file_in_the_package, by_an_entry_point, by_a_plug_in_file])
@pytest.mark.parametrize("kind", PART)
def test_an_addition_is_one_new_file(kind, way, tmp_path, monkeypatch):
    shipped = {"algorithm": ALGORITHMS, "weighting": WEIGHTINGS, "learner": LEARNERS}[kind]
    before = set(shipped)
    registry = Registry(kind, shipped.base, shipped.package, shipped.group)
    monkeypatch.setattr(plugins, "REGISTRIES", (registry,))
    monkeypatch.setattr(learners, "LEARNERS", registry)
    modules = set(sys.modules)
    try:
        written = way(tmp_path, PART[kind], registry, monkeypatch)
        sources = [path for path in tmp_path.rglob("*") if path.suffix == ".py"]
        assert sources == written
        assert len(written) == 1
        assert set(registry) == before | {"coin"}
        if kind == "learner":
            part = learners.build(learners.component(learners.learner("coin:sides=3")))
            (facts,) = [it for it in learners.facts() if it.name == "coin"]
        else:
            part = catalogue.build(registry, catalogue.component(registry, "coin", {"sides": 3}))
            (facts,) = [it for it in catalogue.facts(registry) if it.name == "coin"]
        assert (part.name, part.sides) == ("coin", 3)
        assert facts.options == {"sides": 2}
    finally:
        for name in set(sys.modules) - modules:
            if name.endswith("coin") or name.startswith("imbal_bench_plugin_"):
                del sys.modules[name]


def test_the_shipped_parts_are_those_of_the_specification():
    assert {"random", "badge", "alps", "dal"} <= set(ALGORITHMS)
    assert {"uniform", "posprob", "invprop"} <= set(WEIGHTINGS)


def test_no_shipped_file_is_broken():
    for registry in (ALGORITHMS, WEIGHTINGS):
        with pytest.raises(UnknownNameError) as caught:
            registry.get("surely no such part")
        assert "failed to load" not in str(caught.value)


def test_a_plug_in_may_import_its_neighbours_which_are_part_of_its_version(tmp_path):
    """As they were read with it, whatever becomes of the files; two plug-ins may have neighbours of one name."""
    for folder, value in (("one", 1), ("other", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own_helper.py").write_text("from own_base import VALUE\n")
        (tmp_path / folder / "own_base.py").write_text(f"VALUE = {value}\n")
        (tmp_path / folder / "own_plugin.py").write_text("import own_helper\nVALUE = own_helper.VALUE\n")
    read = [read_plugin(tmp_path / folder / "own_plugin.py") for folder in ("one", "other")]
    assert len({plugin.version for plugin in read}) == 2
    assert [Path(it.path).stem for it in read[0].neighbours] == ["own_base", "own_helper"]
    (tmp_path / "one" / "own_base.py").write_text("VALUE = 3\n")
    assert [load_file(plugin).VALUE for plugin in read] == [1, 2]
    alone = tmp_path / "alone.py"
    alone.write_text("import json\n")
    (tmp_path / "json.py").write_text("an installed module is not replaced by a file that lies there")
    assert read_plugin(alone).neighbours == ()
    assert read_plugin(alone).version == file_version(alone)
