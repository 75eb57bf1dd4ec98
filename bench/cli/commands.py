"""How a function becomes a command: every path that it takes is read in one way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import typer
from typer.models import ParameterInfo

from bench.paths import expanded

F = TypeVar("F", bound=Callable[..., Any])


class Commands(typer.Typer):
    """A group of commands; in each, ``~`` means the same in every option and argument that is a path."""

    def command(self, *arguments: Any, **options: Any) -> Callable[[F], F]:
        """Return what makes a function a command."""
        make: Callable[[F], F] = super().command(*arguments, **options)

        def with_paths(function: F) -> F:
            read_paths(function)
            return make(function)

        return with_paths


def read_paths(command: Any) -> None:
    """Let each path of a command pass through :func:`bench.paths.expanded`, from wherever it is given."""
    # annotations are text until they are read, and what is read anew knows nothing of what is set here
    command.__annotations__ = get_type_hints(command, include_extras=True)
    for hint in command.__annotations__.values():
        for info in getattr(hint, "__metadata__", ()):  # of Annotated
            if isinstance(info, ParameterInfo) and _holds_path(get_args(hint)[0]):
                info.parser = expanded


def _holds_path(declared: Any) -> bool:
    return declared is Path or any(map(_holds_path, get_args(declared)))
