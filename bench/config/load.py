"""From a preset's name or a YAML file, with overrides from the command line, to a checked specification."""

from __future__ import annotations

import os
import re
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from types import NoneType
from typing import Any

from pydantic import BaseModel, ValidationError

from bench.config.overrides import OptionType, apply, bare
from bench.config.spec import GridSpec
from bench.errors import SpecError, UnknownNameError
from bench.paths import expanded
from bench.yaml12 import YamlError, parse, quoting

OF_DATASETS = {"train", "test", "test_fraction", "text", "label", "classes", "positive"}
"""Fields of a user's dataset file; ``train`` is one of a grid too, with fields of its own."""
PRODUCT = ("algorithms", "weightings", "options")
"""Fields that make up strategies, unless ``strategies`` names them whole."""
_DATASET_FILE = re.compile(r"(.*?\.ya?ml)((?:/.*)?)\Z", re.DOTALL)
WANTED = {bool: "true or false", int: "an integer", float: "a number"}


def preset_names() -> tuple[str, ...]:
    """Return the names of the presets that ship with the suite."""
    folder = resources.files("bench.config") / "presets"
    return tuple(sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def load_spec(
    name_or_path: str, overrides: Sequence[str] = (), option_type: OptionType = lambda _part, _option: None
) -> GridSpec:
    """Load a preset or a YAML file and apply overrides.

    Args:
        name_or_path: a preset's name, or a path that ends in .yaml or .yml.
        overrides: ``field=value`` with dots for nesting; the value is text that the field's type gives its meaning to:
            ``loop.rounds=3``, ``ratios=[10, 50]``, ``tasks=sst2,ag_news/Sports``.
        option_type: (algorithm or weighting, option) -> its declared type; without it, options in overrides are what
            YAML takes them for.

    Raises:
        SpecError: a wrong field is named with the value given and what is allowed.
    """
    raw = _read(name_or_path, own_tasks=not any(override.startswith("tasks=") for override in overrides))
    if raw.get("strategies") and (others := raw.keys() & set(PRODUCT)):
        raise SpecError(f"{name_or_path}: give either strategies or {' and '.join(sorted(others))}")
    for override in overrides:
        apply(raw, override, GridSpec, option_type)
        _let_win(raw, override.partition("=")[0])
    try:
        spec = GridSpec.model_validate(raw)
    except ValidationError as error:
        raise SpecError(one_line(error, name_or_path, GridSpec)) from None
    _refuse_conversions(raw, name_or_path)
    return spec


def built(base: str | os.PathLike[str] | None, fields: Mapping[str, Any], *, where: str, name: str) -> GridSpec:
    """Return a specification from fields, such as the arguments of a call.

    Args:
        base: a preset's name or a YAML file whose fields those given replace, within groups one by one; None: nothing.
        fields: of a :class:`GridSpec`; values of NumPy are read as Python's.
        where: who gives them, for messages.
        name: of the grid, unless the base has one.

    Raises:
        SpecError: a wrong field is named with the value given and what is allowed.
    """
    raw: dict[str, Any] = {"name": name} if base is None else _read(os.fspath(base), own_tasks="tasks" not in fields)
    for field, value in fields.items():
        plain = _plain(value)
        raw[field] = {**raw.get(field, {}), **plain} if isinstance(plain, dict) else plain
        _let_win(raw, field)
    try:
        spec = GridSpec.model_validate(raw)
    except ValidationError as error:
        raise SpecError(one_line(error, where, GridSpec)) from None
    _refuse_conversions(raw, where)
    return spec


def _plain(value: Any) -> Any:
    """Return values of NumPy, and ranges, as Python's own."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple | range) else value


def _let_win(raw: dict[str, Any], field: str) -> None:
    """Of the two ways to say which strategies are run, keep the one that was given last."""
    for other in PRODUCT if field == "strategies" else ("strategies",) if field in PRODUCT[:2] else ():
        raw.pop(other, None)


def _refuse_conversions(raw: dict[str, Any], where: str) -> None:
    """Refuse what pydantic would make fit: ``off`` for false, true for 1, a number in quotes or with underscores."""
    for field, declared, value in _single_values(raw):
        fits = isinstance(value, bool) if declared is bool else type(value) in {int, float, NoneType}
        if declared in WANTED and not fits:
            raise SpecError(f"{where}: field {field!r} is {value!r}: give {WANTED[declared]}, without quotes")


def _single_values(raw: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, declared type and value of what a specification says of seeds and settings."""
    value = raw.get("seeds")
    yield from (("seeds", int, one) for one in (value if isinstance(value, list) else [value]))
    for group, content in raw.items():
        for name, field_info in getattr(GridSpec.model_fields[group].annotation, "model_fields", {}).items():
            if name in content:
                yield f"{group}.{name}", bare(field_info.annotation)[0], content[name]


def _read(name_or_path: str, *, own_tasks: bool) -> dict[str, Any]:
    """Return the fields of a preset or file; its tasks are looked for only if they are the ones that count."""
    path = expanded(name_or_path)
    if path.suffix in {".yaml", ".yml"}:
        raw = read_mapping(path)
        if "tasks" not in raw and (set(raw) & OF_DATASETS - {"train"} or isinstance(raw.get("train"), str)):
            raise SpecError(
                f"{path} is a dataset file, not a specification of a grid: use it as --tasks {name_or_path}/CLASS"
            )
        return {"name": path.stem, **raw, **(_beside(path, raw) if own_tasks else {})}
    if name_or_path not in preset_names():
        raise UnknownNameError("preset", name_or_path, preset_names(), "Or give the path of a YAML file.")
    text = (resources.files("bench.config") / "presets" / f"{name_or_path}.yaml").read_text(encoding="utf-8")
    return _mapping(text, name_or_path)


def _beside(path: Path, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tasks of a grid's file with each dataset's file where it is: beside the grid's, or in this folder.

    Raises:
        SpecError: if it is in neither; the message names both places.
    """
    tasks = raw.get("tasks")
    listed = [tasks] if isinstance(tasks, str) else tasks
    if not isinstance(listed, list) or not all(isinstance(task, str) for task in listed):
        return {}
    return {"tasks": [_placed(path, task) for task in listed]}


def _placed(path: Path, task: str) -> str:
    found = _DATASET_FILE.match(task)
    if found is None:
        return task
    file = expanded(found[1])
    beside = path.parent / file
    if beside.is_file():
        return f"{beside}{found[2]}"
    if not file.is_file():
        raise SpecError(f"{path}: task {task!r}: there is no file {beside}, nor {Path.cwd() / file}; give its path")
    return task


def read_mapping(path: Path) -> dict[str, Any]:
    """Return the fields of a YAML file, unchecked.

    Raises:
        SpecError: if there is no such file, or it is no mapping in YAML.
    """
    return _mapping(_text(path), str(path))


def _mapping(text: str, where: str) -> dict[str, Any]:
    try:
        raw = parse(text)
    except YamlError as error:
        raise SpecError(f"{where} is not YAML: {error}") from None
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
        if first["type"] == "string_type":
            message += quoting(first["input"])
        message = f"field {field!r} is {reprlib.repr(first['input']):.100}: {message}"
    return f"{where}: {message}{count}"
