"""What is missing or odd in a table, one line each."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from math import isnan

from analysis.captions import count
from analysis.layout import PLACE, Layout
from analysis.model import Comparison, Group, Row
from analysis.names import ratio_short

PLACES = 4
"""Places that a note names before it only counts them."""


def notes(layout: Layout, rows: list[Row], groups: tuple[Group, ...]) -> tuple[str, ...]:
    """Return the notes of a table: runs left out, holes, missing runs, tests that were not made."""
    return (
        *layout.condition.notes,
        *holes(rows, groups),
        *_absent(layout),
        *test_notes(rows, groups),
        *_sound(rows, groups),
    )


def holes(rows: Iterable[Row], groups: tuple[Group, ...]) -> tuple[str, ...]:
    """Return the notes of cells with the places that have them."""
    columns = [column for group in groups for column in group.columns]
    return _gathered(
        (cell.note, ", ".join((*row.labels, column)))
        for row in rows
        for column, cell in zip(columns, row.cells, strict=True)
        if cell.note
    )


def _sound(rows: list[Row], groups: tuple[Group, ...]) -> list[str]:
    """Return where the modes disagree, where sound mode leaves units out, and where only paper mode has a test."""
    found = [
        (cell, ", ".join((*row.labels, group.title, column)))
        for row in rows
        for (group, column), cell in zip(
            ((group, column) for group in groups for column in group.columns), row.cells, strict=True
        )
    ]
    tested = sum(cell.sound_bold is not None for cell, _ in found)
    differ = [where for cell, where in found if cell.disagrees]
    lines = [f"Paper and sound mode disagree in {len(differ)} of {count(tested, 'cell')}: {_first(differ)}"]
    untested = _gathered(
        (one.sound.note if one.sound else "runs that must not be paired", where)
        for cell, where in found
        for one in cell.against
        if isnan(one.p_holm) and not one.paper.note
    )
    left_out = _gathered((_left_out(one), where) for cell, where in found for one in cell.against if _left_out(one))
    return lines * bool(differ) + [f"Sound mode: {line}" for line in (*left_out, *untested)]


def _left_out(one: Comparison) -> str:
    """Return how many units a comparison does without, and which; empty if none."""
    if one.sound is None or not one.sound.left_out:
        return ""
    names, unit = one.sound.left_out, one.sound.unit
    whole = count(len(names) + one.sound.n, unit)
    return f"{len(names)} of {whole} left out, which lack a run ({unit} {', '.join(names)})"


def test_notes(rows: Iterable[Row], groups: tuple[Group, ...]) -> tuple[str, ...]:
    """Return why tests between columns were not made; said once for a test and its reverse."""
    found = []
    for row in rows:
        tests = comparisons(row, groups)
        for one, other in combinations(groups[0].columns, 2):
            of = {group.title: tests.get((group.title, one), {}).get(other) for group in groups}
            why = {metric: test.paper.note for metric, test in of.items() if test}
            where = f"{', '.join(row.labels)}, {one} and {other}"
            if len(set(why.values())) == 1:
                found.append((next(iter(why.values())), where))
            else:
                found += [(note, f"{where}, {metric}") for metric, note in why.items()]
    return _gathered((note, where) for note, where in found if note)


def comparisons(row: Row, groups: tuple[Group, ...]) -> dict[tuple[str, str], dict[str, Comparison]]:
    """Return for each (group, column) of a row what its cell was tested against, by name."""
    places = [(group.title, column) for group in groups for column in group.columns]
    return {
        place: {comparison.other: comparison for comparison in cell.against}
        for place, cell in zip(places, row.cells, strict=True)
    }


def _gathered(found: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return a line per distinct note with the places it holds for."""
    places: dict[str, dict[str, None]] = {}
    for note, place in found:
        places.setdefault(note, {})[place] = None
    return tuple(f"{note}: {_first(list(where))}" for note, where in places.items())


def _first(places: list[str]) -> str:
    return "; ".join(places[:PLACES]) + (f"; and {len(places) - PLACES:,} more" if len(places) > PLACES else "")


def _absent(layout: Layout) -> list[str]:
    """Return which runs are missing: how many of what, and the first few."""
    absent = layout.absent.sort_values(PLACE)
    if not len(absent):
        return []
    numbers = [
        count(len(absent[columns].drop_duplicates()), noun, plural)
        for noun, plural, columns in (
            ("task", "tasks", ["dataset", "positive"]),
            ("seed", "seeds", ["seed"]),
            ("ratio", "ratios", ["ratio"]),
            ("strategy", "strategies", ["algorithm_label", "weighting_label"]),
        )
    ]
    runs = absent[[*PLACE, "failed"]].itertuples(index=False, name=None)
    names = [
        f"{dataset}/{positive} {ratio_short(ratio)} seed {seed} {start} {algorithm}, {weighting}" + " (failed)" * failed
        for ratio, start, dataset, positive, seed, algorithm, weighting, failed in runs
    ]
    return [f"Missing are {len(absent):,} of {len(layout.asked):,} runs ({', '.join(numbers)}): {_first(names)}"]
