"""From a preset's name or a YAML file, with overrides from the command line, to a checked specification."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from bench.config.spec import GridSpec
from bench.errors import SpecError, UnknownNameError


def preset_names() -> tuple[str, ...]:
    """Return the names of the presets that ship with the suite."""
    folder = resources.files("bench.config") / "presets"
    return tuple(sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def load_spec(name_or_path: str, overrides: Sequence[str] = ()) -> GridSpec:
    """Load a preset or a YAML file and apply overrides.

    Args:
        name_or_path: a preset's name, or a path that ends in .yaml or .yml.
        overrides: ``field=value`` with dots for nesting and YAML values: ``loop.rounds=3``, ``ratios=[10, 50]``.

    Raises:
        SpecError: a wrong field is named with the value given and what is allowed.
    """
    raw = _read(name_or_path)
    for override in overrides:
        _apply(raw, override)
    try:
        return GridSpec.model_validate(raw)
    except ValidationError as error:
        raise SpecError(one_line(error, name_or_path, GridSpec)) from None


def _read(name_or_path: str) -> dict[str, Any]:
    path = Path(os.path.expanduser(name_or_path))  # noqa: PTH111 - leaves the ~ of an unknown user as it is
    if path.suffix in {".yaml", ".yml"}:
        return {"name": path.stem, **read_mapping(path)}
    if name_or_path not in preset_names():
        raise UnknownNameError("preset", name_or_path, preset_names(), "Or give the path of a YAML file.")
    text = (resources.files("bench.config") / "presets" / f"{name_or_path}.yaml").read_text(encoding="utf-8")
    return _mapping(text, name_or_path)


def read_mapping(path: Path) -> dict[str, Any]:
    """Return the fields of a YAML file, unchecked.

    Raises:
        SpecError: if there is no such file, or it is no mapping in YAML.
    """
    return _mapping(_text(path), str(path))


def _mapping(text: str, where: str) -> dict[str, Any]:
    raw = _parsed(text, f"{where} is not YAML")
    if not isinstance(raw, dict):
        raise SpecError(f"{where} must hold a mapping of fields, not {type(raw).__name__}")
    return raw


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpecError(
            f"no specification file {str(path)!r}; give a path or one of: {', '.join(preset_names())}"
        ) from None
    except (OSError, ValueError) as error:
        raise SpecError(f"cannot read the specification {str(path)!r}: {error}; give a YAML file in UTF-8") from None


def _parsed(text: str, complaint: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        reason = f"{error.problem or error.context}{line}"
    except Exception as error:  # noqa: BLE001 - PyYAML lets ValueError, IndexError, RecursionError ... through
        reason = " ".join(str(error).split())
    raise SpecError(f"{complaint}: {reason}")


def _apply(raw: dict[str, Any], override: str) -> None:
    field, separator, text = override.partition("=")
    if not separator or not field:
        raise SpecError(f"override {override!r} must read field=value, e.g. loop.rounds=3")
    value = _parsed(text, f"the value of override {override!r} is not YAML (quote it, or write a list as [a, b])")
    *parents, last = field.split(".")
    here = raw
    for parent in parents:
        here = here.setdefault(parent, {})
        if not isinstance(here, dict):
            raise SpecError(f"override {override!r}: {parent!r} holds a value, not fields")
    here[last] = value


def one_line(error: ValidationError, where: str, model: type[BaseModel]) -> str:
    """Name the first wrong field, its value, and what is allowed."""
    first = error.errors()[0]
    *parents, _last = path = [str(part) for part in first["loc"]] or [""]
    field = ".".join(path)
    message = first["msg"].removeprefix("Value error, ")
    count = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        owner = model.model_fields[parents[0]].annotation if parents else model
        names = [".".join([*parents, name]) for name in getattr(owner, "model_fields", {})]
        message = str(UnknownNameError("field", field, names))
    elif first["type"] == "missing":
        message = f"field {field!r} is missing"
    elif field:  # without one, the message speaks of the whole
        message = f"field {field!r} is {reprlib.repr(first['input']):.100}: {message}"
    return f"{where}: {message}{count}"
