"""Runs of a block that were made in different environments, by what M_0 says: they are not compared as pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from bench.control import Control, why_unlike

MARK = "~"
"""Ends a pair key, with a number, where M_0 tells runs of one pair key apart."""


def tell_apart(runs: list[dict[str, Any]], controls: Mapping[str, Control]) -> dict[str, str]:
    """Give runs of one pair key whose M_0 differs pair keys of their own; return key -> why, of those that got one.

    Those whose M_0 most runs of the block share keep their pair key.

    Args:
        runs: with ``key`` and ``pair_key``; the latter is changed in place.
        controls: key -> what M_0 said; a run that has none stays with the others.
    """
    blocks: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        if run["key"] in controls:
            blocks.setdefault(run["pair_key"], []).append(run)
    unlike: dict[str, str] = {}
    for block in blocks.values():
        if len({controls[run["key"]].values for run in block}) > 1:
            groups = _groups(block, controls)
            first = controls[groups[0][0]["key"]]
            for number, group in enumerate(groups[1:], start=1):
                why = why_unlike(first, controls[group[0]["key"]])
                for run in group:
                    unlike[run["key"]] = why
                    run["pair_key"] += f"{MARK}{number}"
    return unlike


def notes_on(unlike: Iterable[str]) -> tuple[str, ...]:
    """Return a line for each reason why runs are not compared with others of their blocks."""
    counts = Counter(text.partition(": ")[2] for text in unlike)
    examples = {text.partition(": ")[2]: text for text in unlike}
    return tuple(
        f"{number} run{'s' * (number > 1)} not compared with others of the same blocks: {examples[facts]}"
        for facts, number in counts.most_common()
    )


def _groups(block: list[dict[str, Any]], controls: Mapping[str, Control]) -> list[list[dict[str, Any]]]:
    """Return runs in groups that agree with their first run, the largest group first."""
    groups: list[list[dict[str, Any]]] = []
    for run in block:
        mine = controls[run["key"]]
        for group in groups:
            if not why_unlike(controls[group[0]["key"]], mine):
                group.append(run)
                break
        else:
            groups.append([run])
    return sorted(groups, key=len, reverse=True)
