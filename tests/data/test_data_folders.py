from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from bench.data.folders import cached_folder, new_folder
from bench.errors import DataError


def build(folder: Path) -> None:
    (folder / "value").write_text("7")


def load(folder: Path) -> int:
    try:
        return int((folder / "value").read_text())
    except (OSError, ValueError) as error:
        raise DataError("unsound") from error


def test_built_once_then_read(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    assert cached_folder(target, build, load) == 7
    assert cached_folder(target, pytest.fail, load) == 7


@pytest.mark.parametrize("content", ["", "x"], ids=["cut short", "foreign"])
def test_a_damaged_folder_is_rebuilt(tmp_path: Path, content: str) -> None:
    target = tmp_path / "b"
    cached_folder(target, build, load)
    (target / "value").write_text(content)
    assert cached_folder(target, build, load) == 7


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
