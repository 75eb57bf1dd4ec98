from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from bench.data import folders
from bench.data.folders import MANIFEST, cached_folder, new_folder
from bench.errors import DataError


def build(folder: Path) -> None:
    (folder / "value").write_text("7")


def load(folder: Path) -> int:
    return int((folder / "value").read_text())


def test_built_once_then_read(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    assert cached_folder(target, build, load) == 7
    assert cached_folder(target, pytest.fail, load) == 7


DAMAGE = {
    "cut short": lambda target: (target / "value").write_text(""),
    "another value": lambda target: (target / "value").write_text("8"),
    "a file is gone": lambda target: (target / "value").unlink(),
    "a file is new": lambda target: (target / "more").write_text(""),
    "no manifest": lambda target: (target / MANIFEST).unlink(),
    "foreign manifest": lambda target: (target / MANIFEST).write_text("[" * 100_000),
    "of another name": lambda target: (
        cached_folder(target.with_name("c"), build, load) and move("c", "b", target.parent)
    ),
}


def move(old: str, new: str, inside: Path) -> None:
    shutil.rmtree(inside / new)
    (inside / old).rename(inside / new)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_folder_is_told_of_and_rebuilt(tmp_path: Path, damage: str, monkeypatch) -> None:
    target, told = tmp_path / "b", []
    monkeypatch.setattr(folders.log, "warning", lambda line, *parts: told.append(line % parts))
    cached_folder(target, build, load)
    assert told == []
    DAMAGE[damage](target)
    assert cached_folder(target, build, load) == 7
    (line,) = told
    assert line.startswith(str(target))
    assert "it is built again" in line
    assert sorted(path.name for path in target.iterdir()) == [MANIFEST, "value"]


@pytest.mark.parametrize("place", [cached_folder, lambda target, build, _load: new_folder(target, build)])
def test_a_builder_that_fails_leaves_nothing(tmp_path: Path, place) -> None:
    def fail(folder: Path) -> None:
        build(folder)
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        place(tmp_path / "b", fail, load)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_concurrent_callers_build_once(tmp_path: Path) -> None:
    built: list[int] = []
    results: list[int] = []

    def slow(folder: Path) -> None:
        built.append(1)
        time.sleep(0.05)
        build(folder)

    threads = [
        threading.Thread(target=lambda: results.append(cached_folder(tmp_path / "b", slow, load))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(built), results) == (1, [7] * 6)


def test_a_new_folder_replaces_nothing(tmp_path: Path) -> None:
    new_folder(tmp_path / "b", build)
    with pytest.raises(DataError, match="exists already"):
        new_folder(tmp_path / "b", build)


def test_an_unwritable_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write") as caught:
        cached_folder(tmp_path / "file" / "b", build, load)
    assert "\n" not in str(caught.value)
