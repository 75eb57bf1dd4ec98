"""What a part reaches for beyond its view: files, processes and networks, clocks, callers' frames, an oracle's inside.

Calls are watched where Python lets one watch: by an audit hook (PEP 578), by the profiler's report of calls of
built-in functions, which is how clocks are read, and by an oracle that notes who touches its private parts. That shows
what honest code does; it is no sandbox.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType
from typing import Any

from bench.strategies.view import BatchOracle

_OUTSIDE = ("os.", "shutil.", "socket.", "subprocess.", "sqlite3.", "urllib.", "tempfile.", "glob.", "pathlib.")
_GLOBAL_STATE = {"os.chdir", "os.putenv", "os.unsetenv", "os.fork", "os.forkpty"}  # a law of their own, or harmless
_INSPECTION = ("sys._getframe", "sys._current_frames", "gc.get_objects", "gc.get_referrers", "gc.get_referents")
_FRAME_ATTRIBUTES = {"tb_frame", "gi_frame", "cr_frame", "ag_frame"}
_MACHINERY = ("importlib", "_frozen_importlib", "zipimport", "linecache", "tokenize", "threadpoolctl")
_HELPERS = {"inspect", "traceback", "gc", "sys"}
_CLOCKS = {"time", "posix"}
_READINGS = {
    *("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time"),
    *("process_time_ns", "thread_time", "thread_time_ns", "localtime", "gmtime", "ctime", "times", "clock_gettime"),
}
_OURS = "bench.testing"
_SPECIMENS = "bench.testing.specimens"


class _Watch:
    """What is watched for at present.

    Attributes:
        package: whose frames are the part's own; None while nothing is watched.
        found: what was reached, in words.
    """

    def __init__(self) -> None:
        self.package: str | None = None
        self.found: list[str] = []
        self._busy = False

    def owns(self, frame: FrameType | None) -> bool:
        """Return whether a frame runs code of the part's package, and not of this one."""
        name = "" if frame is None else str(frame.f_globals.get("__name__", ""))
        ours = name.startswith(_OURS) and not name.startswith(_SPECIMENS)
        return self.package is not None and name.split(".")[0] == self.package and not ours

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take note of an audit event."""
        if self.package is None or self._busy:
            return
        self._busy = True  # to look at frames is such an event itself
        try:
            self._note(event, arguments, sys._getframe(1))  # noqa: SLF001 - there is no other way
        finally:
            self._busy = False

    def _note(self, event: str, arguments: tuple[Any, ...], frame: FrameType | None) -> None:
        if event == "open" or (event.startswith(_OUTSIDE) and event not in _GLOBAL_STATE):
            if not _by_machinery(frame):
                self.found.append(f"{event} {arguments[0] if arguments else ''!r}")
        elif event.startswith(_INSPECTION) or (event == "object.__getattr__" and arguments[1] in _FRAME_ATTRIBUTES):
            while frame is not None and frame.f_globals.get("__name__") in _HELPERS:
                frame = frame.f_back
            if self.owns(frame):
                self.found.append(f"looks around by {event}")

    def profile(self, frame: FrameType, event: str, called: Any) -> None:
        """Take note of a clock that is read by the part's own code."""
        if event != "c_call" or not self.owns(frame):
            return
        name = getattr(called, "__name__", "")
        of_time = getattr(called, "__module__", "") in _CLOCKS and name in _READINGS
        of_dates = name in {"now", "utcnow", "today"} and isinstance(getattr(called, "__self__", None), type)
        if of_time or of_dates:
            self.found.append(f"reads the clock by {name}")


_watch = _Watch()


@lru_cache(1)
def _install() -> None:
    sys.addaudithook(_watch.hook)  # for good: a hook cannot be taken away, only be idle


@contextmanager
def watched(package: str) -> Iterator[list[str]]:
    """Watch the body; yield a list to which whatever code of the package, or for it, reaches is added, in words."""
    _install()
    before = sys.getprofile()
    _watch.found = []
    _watch.package = package
    sys.setprofile(_watch.profile)
    try:
        yield _watch.found
    finally:
        sys.setprofile(before)
        _watch.package = None


class WatchedOracle(BatchOracle):
    """An oracle that notes who touches its private parts."""

    def __getattribute__(self, name: str) -> Any:
        if (
            _watch.package is not None
            and (name == "__dict__" or (name.startswith("_") and not name.startswith("__")))
            and sys._getframe(1).f_globals.get("__name__") != BatchOracle.__module__  # noqa: SLF001
        ):
            _watch.found.append(f"touches the oracle's {name}")
        return super().__getattribute__(name)


def _by_machinery(frame: FrameType | None) -> bool:
    """Return whether a module is imported, a line of source looked up for a warning, or threads are counted."""
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith(_MACHINERY):
            return True
        frame = frame.f_back
    return False
