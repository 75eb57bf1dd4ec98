"""Base of all records, and the values that their fields take: counts, seeds, ratios."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from bench.errors import SpecError

MAX_SEED = 2**32 - 1
MAX_RATIO = 10**6
MAX_COUNT = 10**9
"""Of rounds, rows, epochs ...: beyond any use, and well within the integers that every reader of the results has."""
MAX_OPTION = 2**53
"""The integers that a float, and so every reader of JSON, holds exactly."""
Start = Literal["warm", "cold"]
Status = Literal["ok", "failed", "skipped"]
Option = bool | int | float | str
Precision = Literal["auto", "bf16", "fp32"]


class Record(BaseModel):
    """Base of all frozen values; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True, ser_json_inf_nan="constants")


Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Several = Annotated[int, Field(ge=2, le=MAX_COUNT)]
CountOrNone = Annotated[int, Field(ge=0, le=MAX_COUNT)]
AtLeast20 = Annotated[int, Field(ge=20, le=MAX_COUNT)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
NATURAL: Literal["natural"] = "natural"


def _as_ratio(value: object) -> object:
    """Read a ratio as it may be written: ``50``, ``1/50`` or ``natural``."""
    if value == NATURAL:
        return value
    text = value[2:] if isinstance(value, str) and value.startswith("1/") else ""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else value
    if isinstance(number, bool) or not isinstance(number, int) or not 2 <= number <= MAX_RATIO:
        raise ValueError(
            f"a ratio is an integer from 2 to {MAX_RATIO:,}, written 50 or 1/50 (one positive in 50 rows), or natural "
            "(the data's own imbalance)"
        )
    return number


Ratio = Annotated[int | Literal["natural"], BeforeValidator(_as_ratio)]
"""Positives are the fraction 1/ratio of the pool; ``natural``: what the data themselves have, nothing dropped."""


def read_ratio(text: str) -> int | Literal["natural"]:
    """Return the ratio that a word on a command line means.

    Raises:
        SpecError: if it means none.
    """
    try:
        found: int | Literal["natural"] = TypeAdapter(Ratio).validate_python(int(text) if text.isdigit() else text)
    except ValueError as error:  # pydantic's errors are ValueErrors
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise SpecError(f"ratio {text!r}: {reason.removeprefix('Value error, ')}") from None
    return found


def ratio_text(ratio: int | str) -> str:
    """Return how a ratio is written: ``1/50``, or ``natural``."""
    return NATURAL if ratio == NATURAL else f"1/{ratio}"
