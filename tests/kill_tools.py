"""What a process leaves behind that is killed at a line of its work."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path


def folders_after_kills(place: Path, action: Callable[[], object], code: str) -> Iterator[tuple[Path, bool]]:
    """Run an action, and yield the folder that it works on as a kill before each line would have left it.

    A kill leaves files as they are at that moment: what a process holds in memory is lost, and so are its locks. So the
    action runs once and is looked over its shoulder. Lines between which no file changes leave the same, yielded once.

    Args:
        place: a folder, or where there will be one.
        action: changes it.
        code: folder of the modules whose lines count.

    Yields:
        a copy for each state and True; at last the folder itself, after the whole action, and False.
    """
    states: list[dict[str, tuple[int, int, int]]] = []
    copies: list[Path] = []

    def keep() -> None:
        now = _state(place)
        if not states or now != states[-1]:
            states.append(now)
            copies.append(place.with_name(f"{place.name}-killed-{len(copies)}"))
            if place.exists():
                shutil.copytree(place, copies[-1])

    def trace(frame, event, _):
        if not frame.f_code.co_filename.startswith(code):
            return None
        if event == "line":
            keep()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    assert len(copies) > 3, "or nothing was tested"
    yield from ((copy, True) for copy in copies)
    yield place, False


def _state(place: Path) -> dict[str, tuple[int, int, int]]:
    """Return file or folder -> inode, size and time of change."""
    found = {}
    for folder, folders, files in os.walk(place):
        for path in (os.path.join(folder, name) for name in (*folders, *files)):  # noqa: PTH118 - at every line
            stat = os.stat(path)  # noqa: PTH116
            found[path] = stat.st_ino, stat.st_size, stat.st_mtime_ns
    return found | ({str(place): (0, 0, 0)} if place.exists() else {})
