"""Asking a part in a process that has never seen it, under another hash seed, environment and working directory.

One helper process imports the libraries once; each question is answered by a fork of it, so that a question costs
milliseconds and not an interpreter's start. Written by hand, because ``multiprocessing``'s fork server, made of the
same idea, inherits its parent's hash seed and runs its parent's main module.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from bench.registry import plugin_of
from bench.strategies.base import Algorithm, Weighting

T = TypeVar("T")
_LENGTH = 8  # bytes before each message
_PACKAGE = "bench"


class ElsewhereError(Exception):
    """A question that could not be answered in another process; the message says why."""


def elsewhere(function: Callable[..., T], part: Algorithm | Weighting, *arguments: object) -> T:
    """Return ``function(part, *arguments)`` as a new process computes it.

    Args:
        function: of a module of this package.
        part: an instance of a class at the top of a module that has a file.
        arguments: whatever can be pickled.

    Raises:
        ElsewhereError: if the part cannot be made there, or the function raises; both are its message.
    """
    import torch

    try:
        question = pickle.dumps((function, part, arguments))
    except Exception as error:
        raise ElsewhereError(f"it cannot be carried to another process: {error}") from error
    context = ([str(Path(entry).absolute()) for entry in sys.path], _sources(part), torch.get_num_threads())
    server = _server()
    assert server.stdin is not None and server.stdout is not None  # noqa: PT018, S101 - both are pipes
    _send(server.stdin, pickle.dumps((context, question)))
    failure, answer = pickle.loads(_receive(server.stdout))  # noqa: S301 - of our own process
    if failure:
        raise ElsewhereError(failure)
    value: T = answer
    return value


def _sources(part: Algorithm | Weighting) -> list[tuple[str, str]]:
    """Return name and file of the modules that define a part and are none of this package; bases come first."""
    names = dict.fromkeys(cls.__module__ for cls in reversed(type(part).__mro__))
    files = ((name, getattr(sys.modules.get(name), "__file__", None)) for name in names)
    own = [(name, file) for name, file in files if file and name.split(".")[0] not in {_PACKAGE, "builtins"}]
    plugin = plugin_of(type(part))
    return [*((Path(it.path).stem, it.path) for it in (plugin.neighbours if plugin else ())), *own]


@lru_cache(1)
def _server() -> subprocess.Popen[bytes]:
    """Start the helper process; it ends with this one, when its input is closed."""
    salt = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    folder = str(Path(__file__).parents[2])
    search = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
    other = {"PYTHONHASHSEED": salt, "PYTHONPATH": search, "TZ": "Pacific/Kiritimati", "USER": "somebody"}
    return subprocess.Popen(
        [sys.executable, "-P", "-c", f"from {__name__} import serve; serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **other},
        cwd=tempfile.gettempdir(),
    )


def _send(pipe: BinaryIO | Any, message: bytes) -> None:
    pipe.write(len(message).to_bytes(_LENGTH, "little") + message)
    pipe.flush()


def _receive(pipe: BinaryIO | Any) -> bytes:
    head = pipe.read(_LENGTH)
    if len(head) < _LENGTH:
        raise EOFError
    message: bytes = pipe.read(int.from_bytes(head, "little"))
    return message


def serve() -> None:
    """Answer questions until there are no more, each in a fork."""
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a part prints must not come among the answers
    _load_what_parts_use()
    while True:
        try:
            message = _receive(questions)
        except EOFError:
            return
        child = os.fork()
        if child == 0:
            _send(answers, pickle.dumps(_answer(message)))
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            _send(answers, pickle.dumps(("the process that was asked died", None)))


def _load_what_parts_use() -> None:
    """Import, once for all forks, what takes long; our own modules are there since this one is."""
    import scipy.special  # noqa: F401
    import sklearn.cluster  # noqa: F401
    import sklearn.ensemble  # noqa: F401
    import threadpoolctl  # noqa: F401
    import torch._dynamo  # noqa: F401


def _answer(message: bytes) -> tuple[str, object]:
    """Return (what went wrong, or nothing; the answer)."""
    import torch

    try:
        (path, sources, threads), question = pickle.loads(message)  # noqa: S301 - of our own process
        sys.path[:] = path
        torch.set_num_threads(threads)
        for name, file in sources:
            _load(name, file)
        function, part, arguments = pickle.loads(question)  # noqa: S301
        return "", function(part, *arguments)
    except BaseException as error:  # noqa: BLE001 - whatever a foreign part raises is what is asked for
        return f"{type(error).__name__}: {error}", None


def _load(name: str, file: str) -> None:
    """Import a module from its file under the name it has in the process that asks."""
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"no way to import {file}")
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
