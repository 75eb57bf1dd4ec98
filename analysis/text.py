"""How numbers are written."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan

NO_VALUE = "–"


def decimal(value: float) -> str:
    """Return a metric to four digits, as the paper prints it."""
    return "NaN" if isnan(value) else f"{value:.4f}"


def signed(value: float) -> str:
    """Return a difference to four digits with its sign; a dash where there is none."""
    return NO_VALUE if isnan(value) else f"{value:+.4f}".replace("-", "−")


def p_text(p: float) -> str:
    """Return a p-value to four digits; a dash where there was no test."""
    if isnan(p):
        return NO_VALUE
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def pairs_of(sizes: Iterable[int]) -> str:
    """Return how many pairs tests have, but for those that have none."""
    made = [int(size) for size in sizes if size]
    if not made:
        return "no pairs"
    low, high = min(made), max(made)
    return f"{count(low, 'pair')} in each test" if low == high else f"{low} to {high} pairs in a test"
