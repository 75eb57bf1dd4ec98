"""From names and options to algorithms and weightings, and back to the facts that lists and tables show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar, get_type_hints

from bench.components import ComponentFacts, component_of, facts_of, instance_of
from bench.errors import UnknownNameError
from bench.options import validated
from bench.records import Component, Option, Strategy
from bench.registry import Registry
from bench.strategies.base import ALGORITHMS, WEIGHTINGS, Algorithm, Weighting
from bench.strategies.strategy import needs_of

P = TypeVar("P", Algorithm, Weighting)


def component(registry: Registry[P], name: str, options: Mapping[str, Option] | None = None) -> Component:
    """Return the full description of a part: the value of every option, the version of its code, and its needs.

    Args:
        registry: ``ALGORITHMS`` or ``WEIGHTINGS``.
        name: what users type.
        options: those that differ from the defaults.

    Raises:
        UnknownNameError: if there is no such part, or it has no such option.
        SpecError: if an option has the wrong type or a value that is not allowed.
    """
    part = validated(registry.kind, registry.get(name), options or {})
    return component_of(part, version_of(part), _needs(part))


def option_type(name: str, option: str) -> Any:
    """Return the type an option of an algorithm or a weighting is declared with; None if there is no such option."""
    registries: tuple[Registry[Any], ...] = (ALGORITHMS, WEIGHTINGS)
    for cls in (registry.get(name) for registry in registries if name in registry):
        if option in {field.name for field in fields(cls)}:
            return get_type_hints(cls)[option]
    return None


def build(registry: Registry[P], description: Component) -> P:
    """Return the algorithm or weighting that a component describes.

    Raises:
        UnknownNameError, SpecError: as for :func:`component`, and if the code has another version by now.
    """
    return instance_of(registry.kind, registry.get(description.name), description, version_of)


def version_of(part: Algorithm | Weighting) -> str:
    """Return the version of a part's code, and of the code it hands rows to: ``1`` or ``1 (badge 2)``."""
    used = part.uses() if isinstance(part, Algorithm) else ()
    return part.version + "".join(f" ({other.name} {version_of(other)})" for other in used)


def build_strategy(strategy: Strategy) -> tuple[Algorithm, Weighting]:
    """Return the algorithm and the weighting of a strategy; raises as :func:`build` does."""
    return build(ALGORITHMS, strategy.algorithm), build(WEIGHTINGS, strategy.weighting)


def parts_named(names: Iterable[str] = ()) -> list[Algorithm | Weighting]:
    """Return algorithms and weightings by name, each once and with default options; without names, all there are.

    Raises:
        UnknownNameError: if a name is neither an algorithm nor a weighting.
        PluginError: if an option has no default.
    """
    known = dict.fromkeys((*ALGORITHMS, *WEIGHTINGS))
    parts: list[Algorithm | Weighting] = []
    for name in dict.fromkeys(names) or known:
        if name not in ALGORITHMS and name not in WEIGHTINGS:
            raise UnknownNameError("algorithm or weighting", name, known, "; ".join(failures()))
        if name in ALGORITHMS:
            parts.append(validated(ALGORITHMS.kind, ALGORITHMS.get(name), {}))
        if name in WEIGHTINGS:
            parts.append(validated(WEIGHTINGS.kind, WEIGHTINGS.get(name), {}))
    return parts


def failures() -> list[str]:
    """Return a line for each module and entry point that failed to load, with the reason."""
    # A broken module of the package is in the way of both registries.
    return list(dict.fromkeys((*ALGORITHMS.failures, *WEIGHTINGS.failures)))


def facts(registry: Registry[P]) -> list[ComponentFacts]:
    """Return the facts of all algorithms or all weightings, sorted by name."""
    return [
        facts_of(name, cls, needs=_needs(validated(registry.kind, cls, {}))) for name, cls in registry.items().items()
    ]


def _needs(part: Algorithm | Weighting) -> tuple[str, ...]:
    return tuple(sorted(part.needs if isinstance(part, Weighting) else needs_of(part)))
