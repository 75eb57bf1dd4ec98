"""From what users type to learners, and back to the facts that lists show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, get_type_hints

from bench.config.overrides import typed
from bench.errors import SpecError
from bench.learners.base import LEARNERS, Learner
from bench.options import at_default, defaults, validated, worded
from bench.records import Component, Option


def learner(text: str) -> Learner:
    """Return the learner that ``name`` or ``name:option=value,option=value`` means.

    Raises:
        UnknownNameError: if there is no such learner, or it has no such option.
        SpecError: if it does not read so, or an option has a value that is not allowed.
    """
    name, words = worded(LEARNERS.kind, text)
    cls = LEARNERS.get(name)
    options = {option: typed(value, _option_type(cls, option)) for option, value in words.items()}
    return validated(LEARNERS.kind, cls, options)


def _option_type(cls: type[Learner], option: str) -> Any:
    return get_type_hints(cls)[option] if option in {field.name for field in fields(cls)} else None


def component(part: Learner) -> Component:
    """Return the full description of a learner, as it is recorded."""
    return Component(
        name=part.name,
        options=asdict(part),
        version=part.version,
        at_default=at_default(part),
        needs=tuple(sorted(part.reads)),
    )


@dataclass(frozen=True)
class Facts:
    """What a list shows of a learner; ``options`` are names with their defaults, ``offers`` holds with these."""

    name: str
    title: str
    summary: str
    version: str
    offers: tuple[str, ...]
    options: dict[str, Option]
    paper: str
    open_points: str


def facts() -> list[Facts]:
    """Return the facts of all learners, sorted by name."""
    return [
        Facts(
            name=name,
            title=cls.title,
            summary=cls.summary,
            version=cls.version,
            offers=tuple(sorted(cls.offers)),
            options=defaults(cls),
            paper=cls.paper,
            open_points=cls.open_points,
        )
        for name, cls in LEARNERS.items().items()
    ]


def build(description: Component) -> Learner:
    """Return the learner that a component describes.

    Raises:
        UnknownNameError, SpecError: as for :func:`learner`, and if its code has another version by now.
    """
    part = validated(LEARNERS.kind, LEARNERS.get(description.name), description.options)
    if description.version != part.version:
        raise SpecError(
            f"learner {description.name!r} is at version {part.version}, but version {description.version} was asked "
            "for; plan the grid again"
        )
    return part


def not_offered(part: Learner, needs: Iterable[str]) -> tuple[str, ...]:
    """Return what a learner does not offer of these needs, sorted; labels within a batch are the loop's to offer."""
    return tuple(sorted(set(needs) - part.offered() - {"oracle"}))


def learners_named(names: Iterable[str] = ()) -> list[Learner]:
    """Return learners, options and all, in the order given; without names, all there are.

    Raises:
        UnknownNameError: if there is none of that name.
    """
    return [learner(name) for name in dict.fromkeys(names) or LEARNERS]
