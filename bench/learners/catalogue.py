"""From what users type to learners, and back to the facts that lists show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, get_type_hints

from bench.components import ComponentFacts, component_of, facts_of, instance_of
from bench.config.overrides import typed
from bench.learners.base import LEARNERS, Learner
from bench.options import validated, worded
from bench.records import Component


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
    return component_of(part, part.version, part.reads)


def facts() -> list[ComponentFacts]:
    """Return the facts of all learners, sorted by name."""
    return [
        facts_of(name, cls, summary=cls.summary, offers=tuple(sorted(cls.offers)))
        for name, cls in LEARNERS.items().items()
    ]


def build(description: Component) -> Learner:
    """Return the learner that a component describes.

    Raises:
        UnknownNameError, SpecError: as for :func:`learner`, and if its code has another version by now.
    """
    return instance_of(LEARNERS.kind, LEARNERS.get(description.name), description, lambda part: part.version)


def not_offered(part: Learner, needs: Iterable[str]) -> tuple[str, ...]:
    """Return what a learner does not offer of these needs, sorted; some are for the loop or the dataset to offer."""
    return tuple(sorted(set(needs) - part.offered() - {"oracle", "texts", "features"}))


def learners_named(names: Iterable[str] = ()) -> list[Learner]:
    """Return learners, options and all, in the order given; without names, all there are.

    Raises:
        UnknownNameError: if there is none of that name.
    """
    return [learner(name) for name in dict.fromkeys(names) or LEARNERS]
