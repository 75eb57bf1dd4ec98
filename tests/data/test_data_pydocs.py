from __future__ import annotations

import ast
import gc
import re
import shutil
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data import pydocs
from bench.data.facts import PYDOCS
from bench.errors import DataError

DOC = "Return the sum of {} numbers, as a plain value that is long enough to be kept."
NAMES = (
    "matplotlib",
    "numpy",
    "pandas",
    "scikit-learn",
    "sklearn",
    "scipy",
    "torch",
    "transformers",
    "hugging face",
)


def package(folder: Path, name: str, files: int) -> Path:
    root = folder / name
    (root / "tests").mkdir(parents=True)
    for i in range(files):
        body = "".join(f'    def f{j}(self):\n        """{DOC.format(f"{name}{i}-{j}")}"""\n' for j in range(3))
        source = f'"""{DOC.format(f"module {name}{i}")}"""\nclass A:\n{body}    x = 1\n'
        (root / f"module{i}.py").write_text(source)
    (root / "tests" / "test_a.py").write_text(f'"""{DOC.format("hidden")}"""\n')
    (root / "conftest.py").write_text(f'"""{DOC.format("hidden too")}"""\n')
    (root / "template.py").write_text("def {{ name }}(:\n")
    return root


@pytest.fixture
def roots(tmp_path: Path) -> dict[str, Path]:
    return {name: package(tmp_path, name, 30) for name in ("a", "b")}


def file_of(text: str) -> str:
    found = re.search(r"[ab]\d+", text)
    assert found
    return found[0]


def test_every_docstring_is_there_once_and_tests_are_not(roots: dict[str, Path]) -> None:
    corpus = pydocs.build_pydocs(roots)
    texts = corpus.train.texts.to_pylist() + corpus.test.texts.to_pylist()
    expected = [DOC.format(f"{name}{i}-{j}") for name in roots for i in range(30) for j in range(3)]
    expected += [DOC.format(f"module {name}{i}") for name in roots for i in range(30)]
    assert sorted(texts) == sorted(expected)


def test_no_file_is_on_both_sides_and_labels_are_packages(roots: dict[str, Path]) -> None:
    corpus = pydocs.build_pydocs(roots)
    sides = [{file_of(text) for text in split.texts.to_pylist()} for split in (corpus.train, corpus.test)]
    assert sides[0].isdisjoint(sides[1])
    assert all(sides)
    for split in (corpus.train, corpus.test):
        packages = [file_of(text)[0] for text in split.texts.to_pylist()]
        assert [corpus.label_names[label] for label in split.labels] == packages == sorted(packages)


def test_neither_place_nor_time_of_building_matters(roots: dict[str, Path], tmp_path: Path) -> None:
    elsewhere = {name: package(tmp_path / "elsewhere", name, 30) for name in roots}
    assert pydocs.build_pydocs(roots).fingerprint == pydocs.build_pydocs(elsewhere).fingerprint


def test_repeated_texts_are_kept_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(20):
            (tmp_path / name / f"m{i}.py").write_text(f'"""{DOC.format("some")}"""\ndef f():\n    """{DOC}{name}{i}"""')
    corpus = pydocs.build_pydocs({name: tmp_path / name for name in ("a", "b")})
    texts = corpus.train.texts.to_pylist() + corpus.test.texts.to_pylist()
    assert texts.count(DOC.format("some")) == 1
    assert len(texts) == len({text.casefold() for text in texts}) == 41


def test_docstrings_are_found_wherever_statements_stand_and_in_the_order_of_ast_walk(tmp_path: Path) -> None:
    """Python's own walk enters expressions too, where there are none, and takes the tree level by level."""
    source = """
        if x:
            def a(): "1"
        else:
            class B:
                "2"
                async def c(self): "3"
        try:
            def d(): "4"
        except E:
            def e(): "5"
        else:
            def f(): "6"
        finally:
            def g(): "7"
        match x:
            case 1:
                for i in y:
                    def h(): "8"
                else:
                    with z:
                        while w:
                            def i(): "9"
    """
    tree = ast.parse(textwrap.dedent(source))
    found = list(pydocs._documented(tree))
    kinds = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
    assert set(found) == {node for node in ast.walk(tree) if isinstance(node, kinds)}
    assert len(found) == len(set(found)) == 10


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_collection_is_as_it_was_also_after_an_error(enabled: bool, roots, monkeypatch) -> None:
    before, seen = gc.isenabled(), []
    monkeypatch.setattr(pydocs, "_package", lambda *_: seen.append(gc.isenabled()) or 1 / 0)
    try:
        (gc.enable if enabled else gc.disable)()
        with pytest.raises(ZeroDivisionError):
            pydocs.build_pydocs(roots)
        assert (seen, gc.isenabled()) == ([False], enabled)
    finally:
        (gc.enable if before else gc.disable)()


def test_caps_hold_per_class_and_keep_a_subset(roots: dict[str, Path], monkeypatch) -> None:
    whole = set(pydocs.build_pydocs(roots).train.texts.to_pylist())
    monkeypatch.setattr(pydocs, "TRAIN_CAP", 20)
    monkeypatch.setattr(pydocs, "TEST_CAP", 5)
    corpus = pydocs.build_pydocs(roots)
    assert np.bincount(corpus.train.labels).tolist() == [20, 20]
    assert np.bincount(corpus.test.labels).tolist() == [5, 5]
    assert set(corpus.train.texts.to_pylist()) < whole


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Too short.", None),
        (
            "Wrap\n    the   lines of it, all of them, into one.",
            "Wrap the lines of it, all of them, into one.",
        ),
        (f"{DOC}\n\nMore of it.\n\nParameters\n----------\nx : int", f"{DOC} More of it."),
        (f"{DOC}\n\nArgs:\n    x: a number", DOC),
        (f"{DOC}\nReturns:\n    a number", DOC),
        (f"{DOC}\n\n>>> f(1)\n2", DOC),
        ("Parameters\n----------\nx : int, which is long enough to be kept otherwise", None),
    ],
)
def test_prose_is_the_opening(docstring: str, expected: str | None) -> None:
    assert pydocs.prose(docstring) == expected


@pytest.mark.parametrize("name", [*NAMES, "NumPy", "PyTorch", "scikit learn", "HuggingFace", "to_numpy", "pyplot"])
def test_names_are_masked_wherever_they_stand(name: str) -> None:
    text = pydocs.prose(f"{name} is better than {name}'s ({name}) x{name}y, is it not, dear reader?")
    assert text is not None
    assert name.lower() not in text.lower()
    assert text.count("package") == 4


def test_aliases_are_masked_as_words_only() -> None:
    text = pydocs.prose("np.array or `pd.Series`, (plt) -- but an input, a stop, a spread and mpld3 stay.")
    assert text == "package.array or `package.Series`, (package) -- but an input, a stop, a spread and mpld3 stay."


@given(st.text(max_size=600))
def test_prose_is_one_line_of_bounded_length(docstring: str) -> None:
    text = pydocs.prose(docstring)
    if text is not None:
        assert 40 <= len(text) <= 400
        assert text == " ".join(text.split())


@pytest.fixture
def small(monkeypatch) -> None:
    monkeypatch.setattr(pydocs, "TRAIN_CAP", 40)
    monkeypatch.setattr(pydocs, "TEST_CAP", 10)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A cache in which the small dataset has been built; read only."""
    folder = tmp_path_factory.mktemp("pydocs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pydocs, "TRAIN_CAP", 40)
        patch.setattr(pydocs, "TEST_CAP", 10)
        pydocs.load_pydocs(folder)
    return folder


def test_the_installed_packages_give_the_dataset(built: Path, monkeypatch) -> None:
    monkeypatch.setattr(pydocs, "build_pydocs", lambda _roots: pytest.fail("built again"))
    corpus = pydocs.load_pydocs(built)
    assert corpus.label_names == PYDOCS.classes
    assert np.bincount(corpus.train.labels).tolist() == [40] * 7
    assert np.bincount(corpus.test.labels).tolist() == [10] * 7
    texts = corpus.train.texts.to_pylist() + corpus.test.texts.to_pylist()
    assert not [text for text in texts for name in NAMES if name in text.lower()]


@pytest.mark.usefixtures("small")
def test_a_damaged_cache_is_rebuilt(built: Path, tmp_path: Path) -> None:
    corpus = pydocs.load_pydocs(built)
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    (damaged,) = tmp_path.glob("pydocs/*/train.parquet")
    damaged.write_bytes(damaged.read_bytes()[:-9])
    assert pydocs.load_pydocs(tmp_path).fingerprint == corpus.fingerprint


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(pydocs, "PYDOCS", type("Facts", (), {"classes": ("no-such-package", "numpy")}))
    with pytest.raises(DataError, match="no-such-package, which is not installed"):
        pydocs.load_pydocs(tmp_path)
