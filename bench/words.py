"""What people type: single values and lists of them, read as they are written."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from bench.errors import SpecError

Scalar = None | bool | int | float | str
ScalarKind = Literal["null", "bool", "int", "float"]


def _int(text: str) -> int:
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


def _float(text: str) -> float:
    return float(re.sub(r"\.(?=[inIN])", "", text))


def _pattern(*spellings: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(spellings)})\Z")  # PyYAML matches from the start only


CORE: dict[ScalarKind, tuple[re.Pattern[str], Callable[[str], Scalar]]] = {
    "null": (_pattern("~", "null", "Null", "NULL", ""), lambda _: None),
    "bool": (_pattern("true", "True", "TRUE", "false", "False", "FALSE"), lambda text: text.lower() == "true"),
    "int": (_pattern("[-+]?[0-9]+", "0o[0-7]+", "0x[0-9a-fA-F]+"), _int),
    "float": (
        _pattern(
            r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
            r"[-+]?\.(?:inf|Inf|INF)",
            r"\.(?:nan|NaN|NAN)",
        ),
        _float,
    ),
}
"""The core schema of YAML 1.2 (section 10.3.2 of its specification): kind -> how it is written, and how it is read.

An integer comes before a float, as both patterns match it; what matches none is text.
"""
_ITEM = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^,"'\s][^,]*|))\s*(,|\Z)""", re.DOTALL)


def scalar(text: str) -> Scalar:
    """Return what a text stands for by itself: nothing, true or false, a number, or else itself."""
    for pattern, read in CORE.values():
        if pattern.match(text):
            return read(text)
    return text


def name_and_options(text: str) -> tuple[str, str]:
    """Return the name, and the options as they are written, of ``name:options``.

    The name of another library's part has a colon of its own, after which it begins as classes do:
    ``skactiveml:TypiClust:k=5``.
    """
    name, _, options = text.partition(":")
    member, _, rest = options.partition(":")
    theirs = "=" not in member and len(member) > 1 and member[0].isupper()  # one capital, such as C, is an option
    return (f"{name}:{member}", rest) if theirs else (name, options)


def items(text: str) -> list[str] | None:
    """Return the items of ``[a, b]`` or ``a,b``; None if the text is a single value.

    An item is taken as it is written, without the spaces around it. One that holds a comma, or spaces at an end, stands
    in quotes: within ``"`` a backslash keeps the next ``"`` or backslash, within ``'`` two stand for one. Quotes within
    an item are part of it. Written by hand: YAML's lists give a meaning to ``#``, ``:``, brackets and braces; ``csv``
    knows one kind of quotes, and ``shlex`` takes every quote for one.

    Raises:
        SpecError: if a quote is not closed, or more than a comma follows it.
    """
    inside = text.strip()
    if inside.startswith("[") and inside.endswith("]"):
        inside = inside[1:-1]
    elif "," not in text and not inside.startswith(('"', "'")):
        return None
    found: list[str] = []
    place, comma = 0, ","
    while comma:
        match = _ITEM.match(inside, place)
        if match is None:
            raise SpecError(
                f"the list {text!r} has a quote that is not closed, or something other than a comma after it; write "
                'items as they are, and those that hold a comma as "a, b"'
            )
        double, single, plain, comma = match.groups()
        found.append(_item(double, single, plain))
        place = match.end()
    if found[-1] == "" and not inside.rstrip().endswith(('"', "'")):  # nothing after the last comma, or at all
        found.pop()
    return found


def _item(double: str | None, single: str | None, plain: str | None) -> str:
    if double is not None:
        return re.sub(r'\\(["\\])', r"\1", double)
    return single.replace("''", "'") if single is not None else (plain or "").rstrip()
