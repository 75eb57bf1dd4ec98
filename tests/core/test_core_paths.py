"""Paths mean the same wherever they are given, and names of files can be made of any text."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.paths import expanded, file_name

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def test_a_tilde_is_a_home_folder_only_where_it_stands_first(home, tmp_path):
    assert expanded("~") == home
    assert expanded("~/a/~") == home / "a" / "~"
    assert expanded(Path("~/a")) == home / "a"
    assert expanded("a/~/b") == Path("a/~/b")
    assert expanded("./~/b") == tmp_path / "~" / "b"
    assert expanded("~surely-no-user/b") == Path("~surely-no-user/b")
    assert expanded("a") == Path("a")


@given(text=st.text("~/.a", max_size=8) | st.text(max_size=12))
def test_what_was_read_once_reads_the_same_again(text):
    assert expanded(expanded(text)) == expanded(text)


@given(text=st.text(max_size=300))
def test_any_text_makes_a_plain_short_name(text):
    name = file_name(text)
    assert name.isascii()
    assert 1 <= len(name) <= 100
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+._-")
    assert name not in {".", ".."}
    assert not name.startswith(".")


@given(texts=st.lists(st.text("aA/_-. 字", max_size=6), unique=True, max_size=9))
def test_different_texts_have_different_names(texts):
    assert len(set(map(file_name, texts))) == len(texts)


def test_a_plain_text_is_its_own_name_and_others_start_readably():
    assert file_name("toy-law-10") == "toy-law-10"
    assert file_name("toy/Sci & Tech 1/10").startswith("toy-Sci-Tech-1-10-")
    assert len(file_name("字" * 100)) == 16


@pytest.mark.parametrize("package", ["imbal_bench", "bench", "analysis", "reports"])
def test_one_place_alone_knows_of_home_folders(package):
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"expanduser", "home"}
    }
    assert found == ({"bench/paths.py"} if package == "bench" else set())
