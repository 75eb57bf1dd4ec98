"""A night on one screen, for a terminal, a chat or a mail."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from analysis.gate import EXIT_CODES
from analysis.gate.verdict import Outcome
from analysis.gate.words import WORDS
from analysis.nights.drift import drifting, series
from analysis.nights.nights import Night, NightComparison

WORST_FIRST: tuple[Outcome, ...] = ("regression", "incomplete", "inconclusive", "established")
MOST_LINES = 12
"""Headlines and findings shown; the rest is counted."""


def exit_code_of(comparisons: Sequence[NightComparison], failed: int) -> int:
    """Return the exit code of a night: the worst of its verdicts; failed runs alone make it incomplete.

    The canary has no say: it tells whom to suspect.
    """
    outcomes: set[Outcome] = {one.outcome for one in comparisons if one.role == "gate"}
    outcomes |= {"incomplete"} if failed else set()
    return EXIT_CODES[next((outcome for outcome in WORST_FIRST if outcome in outcomes), "established")]


def verdict_of(night: Night) -> str:
    """Return a night's verdict in a word or two."""
    if not night.baseline:
        return "NO BASELINE" if not night.exit_code else "FAILED RUNS"
    return next(WORDS[outcome] for outcome in WORST_FIRST if EXIT_CODES[outcome] == night.exit_code)


def summary(nights: Sequence[Night]) -> str:
    """Return the last night in at most some thirty lines: verdict, findings, canary, drift, machine, notes.

    Args:
        nights: the whole history, of which drift is reported.
    """
    night = nights[-1]
    gate, canaries = night.of("gate"), night.of("canary")
    against = f"; baseline {night.baseline} ({night.baseline_sha256[:12]})" if night.baseline else ""
    lines = [
        f"imbal-bench nightly {night.night}: {verdict_of(night)} (exit code {night.exit_code})",
        f"{night.grid}: {night.runs} runs, {night.failed} failed{against}",
    ]
    if gate:
        tally = Counter(one.outcome for one in gate)
        said = (f"{tally[outcome]} {outcome}" for outcome in WORST_FIRST if tally[outcome])
        lines.append(f"{len(gate)} comparisons: {', '.join(said)}")
    found = [line for one in sorted(gate, key=lambda it: WORST_FIRST.index(it.outcome)) for line in _lines(one)]
    lines += found[:MOST_LINES]
    lines += [f"... and {len(found) - MOST_LINES} lines more: see the history page"] if len(found) > MOST_LINES else []
    lines += [_canary(one) for one in canaries]
    lines += [f"DRIFT: {line}" for line in drifting(series(nights))]
    lines += [f"made with: {fact} {values}" for fact, values in night.moved.items()]
    lines += [f"note: {note}" for note in night.notes]
    return "\n".join(lines) + "\n"


def summary_json(nights: Sequence[Night]) -> str:
    """Return the last night as JSON: all that the history keeps of it, the verdict in words, and what drifts."""
    content = {"verdict": verdict_of(nights[-1]), "drift": drifting(series(nights))}
    return json.dumps({**content, **nights[-1].model_dump(mode="json")}, indent=1, allow_nan=False) + "\n"


def _lines(one: NightComparison) -> list[str]:
    """Return the headline, and what is under it where it is no pass."""
    return [one.headline] if one.outcome == "established" else [one.headline, *(f"  {line}" for line in one.lines[:3])]


def _canary(one: NightComparison) -> str:
    """Return what the canary says; it has moved where an interval excludes zero, for the better or the worse."""
    kept = f"{one.identical} of {one.runs} runs identical bit for bit"
    if one.outcome == "incomplete":
        return f"canary {one.name}: {one.headline}"
    if one.outcome == "established":
        return f"canary {one.name}: as it was; {kept}"
    moved = any((point.low or 0.0) > 0 or (point.high or 0.0) < 0 for point in one.points)
    said = "MOVED" if moved else "NOT SHOWN TO BE AS IT WAS"
    return f"CANARY {one.name} {said} ({one.headline}); {kept}: suspect the machine or libraries before any strategy"
