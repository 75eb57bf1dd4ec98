"""Code from outside, such as a plug-in, may fail in any way, but not end the program as if all had gone well."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench.errors import PluginError


@contextmanager
def foreign_code(what: str, error: type[Exception] = PluginError) -> Iterator[None]:
    """Turn what the body raises to end the interpreter into an error; other exceptions pass as they are.

    ``SystemExit`` and its like pass by every ``except Exception``: a command would end without a word, with the exit
    code of the plug-in's choice. Ctrl-C and SIGTERM, which make such exceptions too, still stop the program.

    Args:
        what: whose code it is, for the message.
        error: class of the error to raise.
    """
    with _signals_noted() as came:
        try:
            yield
        except Exception:
            raise
        except BaseException as raised:
            if came:
                raise
            raise error(
                f"{what} raised {raised!r}, which would end the program; raise an Exception instead"
            ) from raised


@contextmanager
def _signals_noted() -> Iterator[list[int]]:
    """Yield a list to which SIGINT and SIGTERM are added as they come, before their handlers run.

    In other threads than the main one nothing is ever noted: there, Python never raises for a signal.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handlers = {number: handler for number, handler in before.items() if callable(handler)}

    def noting(handler: Callable[..., Any]) -> Callable[..., Any]:
        def note(number: int, frame: Any) -> None:
            came.append(number)
            handler(number, frame)

        return note

    for number, handler in handlers.items():
        signal.signal(number, noting(handler))
    try:
        yield came
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
