"""What became of each law, for a person to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from bench.testing.answers import Part
from bench.testing.laws import laws_of, waiver

T = TypeVar("T")


@dataclass(frozen=True)
class LawVerdict:
    """A law, what became of it, and why: the sentence of what was broken, or the reason of the waiver."""

    law: str
    outcome: Literal["holds", "broken", "waived"]
    why: str = ""


def verdicts(part: Part) -> list[LawVerdict]:
    """Hold an algorithm or a weighting against every law of its kind; nothing it does is raised."""
    return [verdict(law, part, waiver(law, part)) for law in laws_of(part)]


def verdict(law: Callable[[T], None], part: T, waived: str) -> LawVerdict:
    """Return what becomes of a law; whatever a part raises breaks the law that it is under.

    Args:
        law: raises an AssertionError with the sentence of what is broken.
        part: a thing of any kind, with a ``name``.
        waived: the reason why it need not meet the law; empty if it must.
    """
    name = law.__name__
    if waived:
        return LawVerdict(name, "waived", waived)
    try:
        law(part)
    except AssertionError as error:
        return LawVerdict(name, "broken", one_line(str(error)))
    except Exception as error:  # noqa: BLE001 - whatever a foreign part raises breaks the law it is under
        who = getattr(part, "name", part)
        return LawVerdict(name, "broken", one_line(f"{who} raises {type(error).__name__}: {error}"))
    return LawVerdict(name, "holds")


def one_line(text: str) -> str:
    """Return a text without line breaks."""
    return " ".join(text.split())
