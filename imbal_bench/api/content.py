"""The version of code that has no file of its own, such as a class in a notebook: a hash of what it says.

What counts is the source of the class, and of whatever else of its module that refers to: functions, other classes, and
values. So a result is never taken for that of another state of the code. A file's hash is simpler, and is what names
code that has one.
"""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from bench.errors import SpecError
from bench.seeds import canonical, digest

GENERATED = {"__init__", "__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__", "__replace__"}
"""What ``dataclass`` writes; it follows from the fields."""


def content_of(cls: type[Any]) -> str:
    """Return the hash of a class's code.

    Raises:
        SpecError: if its source cannot be read, or it refers to a value whose content cannot be determined.
    """
    found: dict[str, str] = {}
    _gather(cls, cls.__module__, found)
    return digest(found, 12)


def _gather(thing: Any, module: str, found: dict[str, str]) -> None:
    """Add a class or a function of a module, and all of the module that it refers to."""
    name = thing.__qualname__
    if thing.__module__ != module or name in found:
        return
    if isinstance(thing, type):
        found[name] = f"class of {', '.join(base.__qualname__ for base in thing.__bases__)}"
        for base in thing.__bases__:
            _gather(base, module, found)
        for key, value in vars(thing).items():
            if _counts(key, value):
                _member(f"{name}.{key}", key, value, module, found)
    else:
        found[name] = _source(thing)
        for word in sorted(_words(thing.__code__)):
            if word in thing.__globals__:
                _value(word, thing.__globals__[word], module, found)


def _counts(key: str, value: Any) -> bool:
    """Return whether a member is the author's own, and not Python's; ``version`` is what is made of all this."""
    if isinstance(value, FunctionType | classmethod | staticmethod):
        return True
    return not (key.startswith(("__", "_abc_")) or key == "version")


def _member(name: str, key: str, value: Any, module: str, found: dict[str, str]) -> None:
    """Add a member of a class."""
    inner = getattr(value, "__func__", None) or getattr(value, "fget", None) or getattr(value, "func", None) or value
    if isinstance(inner, FunctionType):
        if not (key in GENERATED and Path(inner.__code__.co_filename).name in {"<string>", "dataclasses.py"}):
            _gather(inner, module, found)
    else:
        _value(name, value, module, found)


def _value(name: str, value: Any, module: str, found: dict[str, str]) -> None:
    """Add what a name stands for; modules, and what other modules define, are versioned by themselves."""
    if isinstance(value, type | FunctionType):
        _gather(value, module, found)
    elif not (isinstance(value, ModuleType) or callable(value)):
        found[name] = _text_of(name, value)


def _text_of(name: str, value: Any) -> str:
    """Return what tells a value from others."""
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return repr(value)
    if isinstance(value, dict):
        return canonical([[_text_of(name, key), _text_of(name, one)] for key, one in value.items()])
    if isinstance(value, list | tuple | set | frozenset):
        inner = [_text_of(name, one) for one in value]
        return canonical([type(value).__name__, sorted(inner) if isinstance(value, set | frozenset) else inner])
    if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
        return digest([str(value.dtype), list(value.shape), value.tobytes().hex()])
    if isinstance(value, type):
        return value.__qualname__
    raise SpecError(
        f"the strategy refers to {name}, of type {type(value).__name__}, whose content cannot be identified, so "
        "that results would be taken for those of other code; write it into a .py file and import it from there"
    )


def _source(function: FunctionType) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise SpecError(
            f"the source of {function.__qualname__} cannot be read; write the strategy into a .py file and import it "
            "from there"
        ) from error


def _words(code: CodeType) -> set[str]:
    """Return the names that code, and code within it, refers to."""
    inner = (const for const in code.co_consts if isinstance(const, CodeType))
    return set(code.co_names).union(*map(_words, inner))
