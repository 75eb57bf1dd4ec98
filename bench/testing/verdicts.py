"""What became of each law, for a person to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from bench.errors import UnknownNameError
from bench.strategies.base import Algorithm
from bench.strategies.strategy import needs_of
from bench.strategies.view import NEEDS
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
    """Hold an algorithm or a weighting against every law of its kind; nothing it does is raised.

    A part that declares needs which there are not is held against nothing else: every law would say the same.
    """
    if unknown := unknown_needs(part):
        return [LawVerdict("needs_are_declared", "broken", unknown)]
    return [verdict(law, part, waiver(law, part)) for law in laws_of(part)]


def unknown_needs(part: Part) -> str:
    """Return what is wrong with the needs that a part declares; nothing if they are all known."""
    try:
        declared = needs_of(part) if isinstance(part, Algorithm) else part.needs
        unknown = sorted(str(need) for need in set(declared) - set(NEEDS))
    except Exception:  # noqa: BLE001 - whatever it is, the laws find it
        return ""
    return str(UnknownNameError("need", unknown[0], NEEDS)) if unknown else ""


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
