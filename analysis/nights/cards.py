"""A night's comparisons as cards, worst first: what one has to look at in the morning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import pandas as pd

from analysis.names import metric_title
from analysis.nights.drift import series
from analysis.nights.nights import Night, NightComparison
from bench.paths import file_name

WORST = ("regression", "incomplete", "inconclusive", "established")


@dataclass(frozen=True)
class CardLine:
    """One metric of a comparison.

    Attributes:
        metric: its title. text: difference [interval] in words. margin: that it is held to, in words; empty if unknown.
        state: "", "outside" or "drift", as :data:`analysis.nights.drift.RULE` says.
    """

    metric: str
    text: str
    margin: str
    state: str


@dataclass(frozen=True)
class ComparisonCard:
    """One comparison of the last night.

    Attributes:
        name: what is compared. outcome: of the gate. since: the first of the nights in a row that were like this.
        estimates: one for each metric, those outside first.
        lines: findings. gate: address of the gate's page, from the history's; empty for a pass, which has none.
    """

    name: str
    outcome: str
    estimates: tuple[CardLine, ...]
    since: str
    lines: tuple[str, ...]
    gate: str


def cards(nights: Sequence[Night]) -> tuple[ComparisonCard, ...]:
    """Return the cards of the last night: regressions first, then what is incomplete, undecided, and passes."""
    found = series(nights)
    every = [(_harm(one), _card(one, nights, found)) for one in nights[-1].of("gate")]
    ordered = sorted(every, key=lambda it: (WORST.index(it[1].outcome), it[0], it[1].name))
    return tuple(card for _, card in ordered)


def _card(one: NightComparison, nights: Sequence[Night], found: pd.DataFrame) -> ComparisonCard:
    last = nights[-1].night
    own = found[(found["role"] == one.role) & (found["name"] == one.name) & (found["night"] == last)]
    states = dict(zip(own["metric"], own["state"], strict=True))
    estimates = [
        CardLine(
            metric_title(point.metric),
            _between(point.estimate, point.low, point.high),
            "" if point.margin is None else f"{point.margin:g}",
            states.get(point.metric, ""),
        )
        for point in one.points
    ]
    estimates.sort(key=lambda estimate: estimate.state == "")
    passed = one.outcome == "established"
    gate = "" if passed else f"{quote(last)}/gate/{quote(file_name(one.candidate))}/gate.html"
    return ComparisonCard(one.name, one.outcome, tuple(estimates), _since(one, nights), one.lines, gate)


def _between(estimate: float, low: float | None, high: float | None) -> str:
    """Return a difference with its interval to three digits."""
    ends = "" if low is None or high is None else f" [{_three(low)}, {_three(high)}]"
    return f"{_three(estimate)}{ends}"


def _three(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _since(one: NightComparison, nights: Sequence[Night]) -> str:
    """Return the first of the nights in a row, up to the last, in which a comparison came out as it did."""
    since = nights[-1].night
    for night in reversed(nights):
        same = [other for other in night.of(one.role) if other.name == one.name]
        if not same or same[0].outcome != one.outcome:
            break
        since = night.night
    return since


def _harm(one: NightComparison) -> float:
    """Return the estimate that is lowest, which sorts the worst first."""
    return min((point.estimate for point in one.points), default=0.0)
