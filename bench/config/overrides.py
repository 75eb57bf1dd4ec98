"""Overrides ``field=value``: what stands after the sign is text that the field's own type gives its meaning to."""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from bench.errors import SpecError
from bench.words import items, scalar
from bench.yaml12 import YamlError, parse

OptionType = Callable[[str, str], Any]
"""(algorithm or weighting, option) -> the type it is declared with; None if it is not known."""
NOTHING = {"null", "none", "~"}
"""What stands for no value, in any case of letters, where a field may have none."""


def apply(raw: dict[str, Any], override: str, model: type[BaseModel], option_type: OptionType) -> None:
    """Set one field of a raw specification.

    Args:
        raw: is changed.
        override: ``field=value``, with dots for nesting.
        model: what the specification is to become.
        option_type: types of the options of algorithms and weightings.

    Raises:
        SpecError: if it does not read so, or names a field of a value that has none.
    """
    field, separator, text = override.partition("=")
    if not separator or not field:
        raise SpecError(f"override {override!r} must read field=value, e.g. loop.rounds=3")
    path = field.split(".")
    try:
        value = _value(text, *_types_at(model, path, option_type))
    except (YamlError, SpecError) as error:
        raise SpecError(f"override {override!r}: {error}") from None
    *parents, last = path
    here = raw
    for parent in parents:
        here = here.setdefault(parent, {})
        if not isinstance(here, dict):
            raise SpecError(f"override {override!r}: {parent!r} holds a value, not fields")
    here[last] = value


def typed(text: str, declared: Any) -> Any:
    """Return a text as a single value of a declared type; what does not fit is left for that type to refuse.

    A word is taken as it is written, ``010`` and ``true`` too; anything else as YAML 1.2 reads it. Where there may be
    no value, ``none`` and ``null`` say so.
    """
    kind, optional = bare(declared)
    if optional and text.lower() in NOTHING:
        return None
    is_word = kind is str or (get_origin(kind) is Literal and all(isinstance(word, str) for word in get_args(kind)))
    return text if is_word else scalar(text)


def _value(text: str, declared: Any, item: Any) -> Any:
    """Return what a text is for a field: a mapping in YAML, a list, or a single value."""
    kind, _ = bare(declared)
    if _is_mapping(kind):
        return parse(text)
    if get_origin(kind) is not tuple:
        return typed(text, declared)
    listed = items(text)
    return typed(text, item) if listed is None else [typed(one, item) for one in listed]


def _types_at(model: type[BaseModel], path: list[str], option_type: OptionType) -> tuple[Any, Any]:
    """Return the type of the field at a path and, if that is a list, of its items; None where there is none."""
    declared: Any = model
    for name in path:
        kind, _ = bare(declared)
        if _is_model(kind):
            field = kind.model_fields.get(name)
            declared = field.annotation if field else None
        else:
            declared = get_args(kind)[1] if get_origin(kind) is dict else None
    kind, _ = bare(declared)
    item = get_args(kind)[0] if get_origin(kind) is tuple else None
    if path[0] == "options" and len(path) == 3:
        item = option_type(path[1], path[2])
    return declared, item


def bare(declared: Any) -> tuple[Any, bool]:
    """Return a type without its annotations and without None, and whether None was part of it."""
    while get_origin(declared) is Annotated:
        declared = get_args(declared)[0]
    if get_origin(declared) in {Union, UnionType}:
        parts = [part for part in get_args(declared) if part is not NoneType]
        if len(parts) < len(get_args(declared)):
            return (bare(parts[0])[0] if len(parts) == 1 else None), True
    return declared, False


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_mapping(kind: Any) -> bool:
    return _is_model(kind) or get_origin(kind) is dict
