"""YAML as version 1.2 reads it; every YAML file of the suite and of its users is read here.

PyYAML alone reads version 1.1, in which ``1:10`` is 70, ``010`` is 8, ``yes`` is true and ``2e-4`` is text. Of the
libraries that read 1.2, ruamel.yaml still takes ``1_000`` and ``0b11`` for numbers and ``2026-01-01`` for a date, and
yamlcore (0.0.4) is what stands here: PyYAML with the core schema's four patterns (:data:`bench.words.CORE`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import yaml

from bench.words import CORE, Scalar, scalar

_TAG = "tag:yaml.org,2002:"
_READ_AS: dict[type, str] = {bool: "true or false", int: "a number", float: "a number", type(None): "no value"}


class YamlError(ValueError):
    """A text is not YAML; the message says why, in one line."""


def parse(text: str) -> Any:
    """Return the content of a YAML text: mappings, lists, words, numbers, true and false, and None.

    Raises:
        YamlError: if it is not YAML, or a mapping names a field twice, with the line; or for tags of other schemas.
    """
    return _without_tracebacks(text, lambda loader: loader.get_single_data())


def misread(text: str) -> Iterator[tuple[str, str, Scalar, int]]:
    """Yield (field, as written, as read, line) of each value that is read as another, of a mapping of words and lists.

    For fields that hold words: a class may be called ``true`` or ``010``, which YAML reads as true and as 10. Names and
    values of mappings in it count to the field they stand under.
    """
    root = _without_tracebacks(text, lambda loader: loader.get_single_node())
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        for node in _scalars(value):
            if node.tag != f"{_TAG}str":
                read = scalar(node.value)
                if read is not None and str(read) != node.value:
                    yield str(key.value), node.value, read, node.start_mark.line + 1


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Yield the single values that a node is made of, names in mappings included."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.CollectionNode):
        for inner in node.value:
            for one in inner if isinstance(inner, tuple) else (inner,):
                yield from _scalars(one)


def quoting(value: object) -> str:
    """Return the advice to quote what YAML reads as something other than a word; empty if that is not the fault."""
    kind = _READ_AS.get(type(value))
    return f"; YAML reads it as {kind}: quote it" if kind else ""


def _without_tracebacks(text: str, read: Any) -> Any:
    try:
        loader = _Loader(text)
        try:
            return read(loader)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        reason = f"{error.problem or error.context}{line}"
    except Exception as error:  # noqa: BLE001 - PyYAML lets ValueError, IndexError, RecursionError ... through
        reason = " ".join(str(error).split())
    raise YamlError(reason)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the core schema alone: no dates, no sets, no merging of mappings."""

    yaml_implicit_resolvers: ClassVar[dict[Any, Any]] = {}  # type: ignore[misc]  # the stubs say of the instance
    yaml_constructors: ClassVar[dict[Any, Any]] = {
        tag: yaml.SafeLoader.yaml_constructors[tag] for tag in (f"{_TAG}str", f"{_TAG}seq", f"{_TAG}map", None)
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping, each of whose fields is named once."""
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if isinstance(key, yaml.ScalarNode) and name in seen:
                raise yaml.MarkedYAMLError(problem=f"{name!r} is given twice", problem_mark=key.start_mark)
            seen.add(name if isinstance(key, yaml.ScalarNode) else key)
        return super().construct_mapping(node, deep)

    def _core(self, node: yaml.ScalarNode) -> Scalar:
        """Return a value of a tag of the core schema, written out or not."""
        pattern, read = CORE[node.tag.removeprefix(_TAG)]  # type: ignore[index]  # registered for these alone
        if not pattern.match(node.value):
            raise yaml.MarkedYAMLError(problem=f"{node.value!r} is no {node.tag}", problem_mark=node.start_mark)
        return read(node.value)


for _kind, (_pattern, _) in CORE.items():
    _Loader.add_implicit_resolver(f"{_TAG}{_kind}", _pattern, None)
    _Loader.add_constructor(f"{_TAG}{_kind}", _Loader._core)  # noqa: SLF001 - of this file
