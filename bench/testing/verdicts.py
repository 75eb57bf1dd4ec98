"""What became of each law, for a person to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.testing.answers import Part
from bench.testing.laws import laws_of, waiver
from bench.testing.laws_of_answers import Law


@dataclass(frozen=True)
class Verdict:
    """A law, what became of it, and why: the sentence of what was broken, or the reason of the waiver."""

    law: str
    outcome: Literal["holds", "broken", "waived"]
    why: str = ""


def verdicts(part: Part) -> list[Verdict]:
    """Hold an algorithm or a weighting against every law of its kind; nothing it does is raised."""
    return [_verdict(law, part) for law in laws_of(part)]


def _verdict(law: Law, part: Part) -> Verdict:
    reason = waiver(law, part)
    if reason:
        return Verdict(law.__name__, "waived", reason)
    try:
        law(part)
    except AssertionError as error:
        return Verdict(law.__name__, "broken", one_line(str(error)))
    except Exception as error:  # noqa: BLE001 - whatever a foreign strategy raises breaks the law it is under
        return Verdict(law.__name__, "broken", one_line(f"{part.name} raises {type(error).__name__}: {error}"))
    return Verdict(law.__name__, "holds")


def one_line(text: str) -> str:
    """Return a text without line breaks."""
    return " ".join(text.split())
