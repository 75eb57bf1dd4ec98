"""What is recorded and listed of a registered class - an algorithm, a weighting, a learner - and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from bench.errors import SpecError
from bench.options import at_default, defaults, validated
from bench.records import Component, Option

T = TypeVar("T")


@dataclass(frozen=True)
class ComponentFacts:
    """What lists and tables show of a class; ``options`` are names with their defaults.

    Attributes:
        needs: what a strategy reads of a view. offers: what a learner computes for strategies, with default options.
    """

    name: str
    title: str
    version: str
    options: dict[str, Option]
    paper: str
    open_points: str
    summary: str = ""
    needs: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()


def facts_of(name: str, cls: Any, **more: Any) -> ComponentFacts:
    """Return the facts that every registered class states, with ``more`` of those that some have."""
    stated = {fact: getattr(cls, fact) for fact in ("title", "version", "paper", "open_points")}
    return ComponentFacts(name=name, options=defaults(cls), **stated, **more)


def component_of(part: Any, version: str, needs: Iterable[str]) -> Component:
    """Return the full description of an instance, as it is recorded: the values of all options, version and needs."""
    return Component(
        name=part.name, options=asdict(part), version=version, at_default=at_default(part), needs=tuple(sorted(needs))
    )


def instance_of(kind: str, cls: type[T], description: Component, version_of: Callable[[T], str]) -> T:
    """Return the instance that a component describes.

    Raises:
        UnknownNameError, SpecError: as for :func:`bench.options.validated`, and if its code has another version by now.
    """
    part = validated(kind, cls, description.options)
    if description.version != version_of(part):
        raise SpecError(
            f"{kind} {description.name!r} is at version {version_of(part)}, but version {description.version} was "
            "requested; plan the grid again"
        )
    return part
