"""From a preset's name or a YAML file, with overrides from the command line, to a checked specification."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

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
        raise SpecError(_one_line(error, name_or_path)) from None


def _read(name_or_path: str) -> dict[str, Any]:
    path = Path(name_or_path).expanduser()
    if path.suffix in {".yaml", ".yml"}:
        if not path.is_file():
            raise SpecError(
                f"no specification file {name_or_path!r}; give a path or one of: {', '.join(preset_names())}"
            )
        text = path.read_text(encoding="utf-8")
    elif name_or_path in preset_names():
        text = (resources.files("bench.config") / "presets" / f"{name_or_path}.yaml").read_text(encoding="utf-8")
    else:
        raise UnknownNameError("preset", name_or_path, preset_names(), "Or give the path of a YAML file.")
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SpecError(f"{name_or_path} is not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(raw, dict):
        raise SpecError(f"{name_or_path} must hold a mapping of fields, not {type(raw).__name__}")
    if path.suffix in {".yaml", ".yml"}:
        raw.setdefault("name", path.stem)
    return raw


def _apply(raw: dict[str, Any], override: str) -> None:
    field, separator, text = override.partition("=")
    if not separator or not field:
        raise SpecError(f"override {override!r} must read field=value, e.g. loop.rounds=3")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise SpecError(
            f"the value of override {override!r} is not YAML; quote it, or write a list as [a, b]"
        ) from None
    *parents, last = field.split(".")
    here = raw
    for parent in parents:
        here = here.setdefault(parent, {})
        if not isinstance(here, dict):
            raise SpecError(f"override {override!r}: {parent!r} holds a single value, not fields")
    here[last] = value


def _one_line(error: ValidationError, where: str) -> str:
    """Name the first wrong field, its value, and what is allowed."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if part != "function-before")
    count = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        model = GridSpec.model_fields
        parent = first["loc"][0] if len(first["loc"]) > 1 else None
        annotation = model[str(parent)].annotation if parent in model else GridSpec
        names = getattr(annotation, "model_fields", model)
        return f"{where}: " + str(UnknownNameError("field", field, names)) + count
    if first["type"] == "missing":
        return f"{where}: field {field!r} is missing{count}"
    return f"{where}: field {field!r} is {first['input']!r}: {first['msg']}{count}"
