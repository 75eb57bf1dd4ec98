"""Options of what is registered: the fields of a frozen dataclass, each with a default, their types strict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from bench.errors import BenchError, PluginError, SpecError, UnknownNameError
from bench.foreign import foreign_code
from bench.records import Option
from bench.words import name_and_options

T = TypeVar("T")


def defaults(cls: Any) -> dict[str, Option]:
    """Return the default of each option of a class.

    Raises:
        PluginError: if an option has none.
    """
    options: dict[str, Option] = {}
    for field in fields(cls):
        if field.default is MISSING:
            raise PluginError(f"option {field.name!r} of {cls.name!r} has no default; give it one")
        options[field.name] = field.default
    return options


def worded(kind: str, text: str) -> tuple[str, dict[str, str]]:
    """Return the name and the options, as they are written, of ``name`` or ``name:option=value,option=value``.

    Raises:
        SpecError: if the text does not read so.
    """
    name, words = name_and_options(text)
    options: dict[str, str] = {}
    for word in filter(None, words.split(",")):
        option, equals, value = word.partition("=")
        if not equals or option in options:
            raise SpecError(f"{kind} {text!r} must read name or name:option=value,option=value, each option once")
        options[option] = value
    return name, options


def at_default(part: Any) -> tuple[str, ...]:
    """Return the options of an instance whose value is the default, sorted."""
    values = asdict(part)
    return tuple(sorted(name for name, default in defaults(type(part)).items() if _alike(values[name], default)))


def check_option(part: Any, option: str, ok: bool, allowed: str) -> None:
    """Raise :class:`SpecError` with the option's value and what is allowed, unless it is ``ok``."""
    if not ok:
        raise SpecError(f"option {option!r} of {part.name} is {getattr(part, option)!r}; allowed: {allowed}")


def _alike(value: Option, default: Option) -> bool:
    """Return whether an option's value is its default; ``True`` is no 1, but 1 is 1.0 where a float is declared."""
    return value == default and isinstance(value, bool) == isinstance(default, bool)


def validated(kind: str, cls: type[T], options: Mapping[str, Option]) -> T:
    """Return an instance; types are strict: an integer may stand for a float, a string for nothing else.

    Args:
        kind: of thing, for messages.
        cls: a frozen dataclass with a ``name``.
        options: those that differ from the defaults.

    Raises:
        UnknownNameError: if there is no such option.
        SpecError: if an option has the wrong type or a value that is not allowed.
        PluginError: if the class cannot be made.
    """
    name, known, types = cls.name, defaults(cls), get_type_hints(cls)  # type: ignore[attr-defined]
    values: dict[str, Option] = {}
    for option, value in options.items():
        if option not in known:
            raise UnknownNameError(f"option of {kind} {name!r}", option, known)
        try:
            values[option] = TypeAdapter(types[option]).validate_python(value, strict=True)
        except ValidationError as error:
            raise SpecError(
                f"option {option!r} of {kind} {name!r} is {value!r}: "
                f"{error.errors()[0]['msg'].lower()} (default {known[option]!r})"
            ) from error
    try:
        with foreign_code(f"{kind} {name!r}"):
            return cls(**values)
    except BenchError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise PluginError(f"{kind} {name!r} cannot be made with {values or 'its defaults'}: {reason}") from error
