"""How a function becomes a command: groups of options are spread out, and every path is read in one way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import typer
from typer.models import ParameterInfo

from bench.paths import expanded
from imbal_bench.cli.options import DebugOption

F = TypeVar("F", bound=Callable[..., Any])


class Commands(typer.Typer):
    """A group of commands: each has ``--debug``, and ``~`` means the same in every option that is a path.

    A parameter whose type is a dataclass of options stands for all of these, so that an option is declared once and
    commands that do the same take the same options. By hand, since typer knows single parameters only.
    """

    def command(self, *arguments: Any, **options: Any) -> Callable[[F], F]:
        """Return what makes a function a command."""
        make: Callable[[Callable[..., Any]], Any] = super().command(*arguments, **options)

        def with_options(function: F) -> F:
            make(spread(function))
            return function

        return with_options


def spread(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with each group of options among its parameters replaced by the options themselves."""
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters: list[Parameter] = []
    for name, own in signature(function).parameters.items():
        parameters += _options(groups[name]) if name in groups else [_parameter(name, hints[name], own.default)]
    takes_debug = any(one.name == "debug" for one in parameters)
    if not takes_debug:
        parameters.append(_parameter("debug", DebugOption, default=False))

    def command(**given: Any) -> Any:
        if not takes_debug:
            del given["debug"]  # whoever shows the error has been told by the option itself
        made = {name: group(**{it.name: given.pop(it.name) for it in fields(group)}) for name, group in groups.items()}
        return function(**given, **made)

    command.__name__, command.__doc__ = function.__name__, function.__doc__
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return command


def _options(group: Any) -> list[Parameter]:
    """Return the parameters that a group stands for."""
    hints = get_type_hints(group, include_extras=True)
    return [
        _parameter(it.name, hints[it.name], Parameter.empty if it.default is MISSING else it.default)
        for it in fields(group)
    ]


def _parameter(name: str, hint: Any, default: Any) -> Parameter:
    """Return a parameter of a command; a path passes through :func:`bench.paths.expanded`, wherever it comes from."""
    for info in getattr(hint, "__metadata__", ()):  # of Annotated
        if isinstance(info, ParameterInfo) and _holds_path(get_args(hint)[0]):
            info.parser = expanded
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=hint)


def _holds_path(declared: Any) -> bool:
    return declared is Path or any(map(_holds_path, get_args(declared)))
