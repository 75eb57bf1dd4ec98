"""What a report says first: a few lines, each read out of its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from math import isnan

from analysis.captions import count
from analysis.condition import WHOLE_BLOCK, Condition
from analysis.definitions import DEFINITIONS
from analysis.inference import ALPHA
from analysis.model import Cell, Comparison, Row, Table, p_text, signed
from analysis.names import NATURAL_LEVEL, lower_is_better, metric_title, metric_words, ratio_level, ratio_words
from analysis.overview import block_of, name_of
from analysis.paired import strangers
from analysis.paper import FIRST, Agreement
from bench.records import METRICS

LAST = "Uniform"
"""The weighting that it is held against."""
EFFECT = 4
"""The table of the effect by ratio."""
FULL_RESULTS = 8
"""The table that shows every strategy, whatever was run."""


def findings(tables: Mapping[int, Table], agreement: Agreement) -> tuple[str, ...]:
    """Return up to five lines: the effect on each metric, the highest means, and how far the paper agrees.

    The effect is that over the paper's algorithms at each ratio; if none of them was run, what the rows of the full
    results say of it.

    Args:
        tables: number -> the tables that could be made.
        agreement: with the paper.
    """
    full = tables.get(FULL_RESULTS)
    return (
        *(_effects(tables[EFFECT]) if EFFECT in tables else _by_row(full) if full else ()),
        *(_highest(full) if full else ()),
        *([f"Against the paper's printed tables: {agreement.line}"] if agreement.marks else ()),
    )


def doubts(condition: Condition, metrics: Sequence[str] = METRICS) -> tuple[str, ...]:
    """Return what is wrong with runs that finished, one line each: left out, without a metric, or no pairs."""
    runs, lines = condition.runs, list(condition.notes)
    for metric in metrics:
        lost = runs[runs[metric].isna()]
        if len(lost):
            which = f"{len(lost):,} of {count(len(runs), 'run')} (one is {name_of(lost.iloc[0])})"
            lines.append(f"{metric_title(metric)} is NaN in {which}: means and paired tests that need it have no value")
    natural = int((runs["ratio"] == NATURAL_LEVEL).sum())
    if natural:
        lines.append(
            f"{count(natural, 'run')} at the natural ratio take part in no table of numeric ratios (T8 has them)"
        )
    apart = strangers(runs, WHOLE_BLOCK)
    if len(apart):
        of = count(len(runs[WHOLE_BLOCK].drop_duplicates()), "block")
        lines.append(
            f"runs of {len(apart):,} of {of} were made under different conditions (they do not share a pair key) and "
            f"are not compared (one is {block_of(apart.iloc[0])})"
        )
    return tuple(lines)


def _effects(table: Table) -> Iterator[str]:
    """A line per metric: the paired difference with both modes' p in each row that has both columns."""
    for title, tests in _claims(table):
        said = "; ".join(
            f"{signed(one.paper.difference)} at {ratio_words(ratio_level(row.labels[0]))} ({_said_by_both(one)})"
            for row, one in tests
        )
        yield (
            f"{title} (one-sided p: paper mode's over pairs, sound mode's over seeds and after Holm): {said} "
            f"({table.address})"
        )


def _by_row(table: Table) -> Iterator[str]:
    """A line per metric: in how many rows the effect is above 0, and is so by either mode's test."""
    for title, tests in _claims(table):
        above = sum(one.paper.difference > 0 for _, one in tests)
        paper, sound = sum(one.paper.p < ALPHA for _, one in tests), sum(one.p_holm < ALPHA for _, one in tests)
        yield (
            f"{title}: above 0 in {above} of {count(len(tests), 'row')}, significantly (p < {ALPHA}) in {paper} by "
            f"paper mode and in {sound} by sound mode ({table.address})"
        )


def _claims(table: Table) -> Iterator[tuple[str, list[tuple[Row, Comparison]]]]:
    """Yield metric and columns with the comparisons in the rows: of each version of ``FIRST`` with each of ``LAST``."""
    cells = [(row, _by_place(table, row)) for row in table.rows]
    for group in table.groups:
        named = {column: column.partition(" (")[0] for column in group.columns}
        for one, other in permutations(named, 2):
            if (named[one], named[other]) == (FIRST, LAST):
                tests = [(row, test) for row, at in cells for test in at[group.title, one].against]
                found = [(row, test) for row, test in tests if test.other == other and not isnan(test.paper.difference)]
                if found:
                    yield f"{group.title}, {one} minus {other}", found


def _said_by_both(one: Comparison) -> str:
    paper = f"p {p_text(one.paper.p)}, {count(one.paper.n, 'pair')}"
    return paper + (f"; sound p {p_text(one.p_holm)}, {count(one.sound.n, one.sound.unit)}" if one.sound else "")


def _highest(table: Table) -> Iterator[str]:
    """One line: the strategy with the largest mean of each metric."""
    found = []
    for group in table.groups:
        places = [
            (cell.value, (*row.labels, column), cell)
            for row in table.rows
            for (title, column), cell in _by_place(table, row).items()
            if title == group.title and not isnan(cell.value)
        ]
        if places:
            best = min if any(map(lower_is_better, metric_words(group.title))) else max
            _, place, cell = best(places, key=lambda one: one[0])
            found.append(f"{group.title} {cell.text} ({', '.join(place)})")
    if found:
        title = DEFINITIONS[FULL_RESULTS].address
        yield f"Highest means, not tested for being the highest: {'; '.join(found)} ({title})"


def _by_place(table: Table, row: Row) -> dict[tuple[str, str], Cell]:
    return dict(zip(table.columns, row.cells, strict=True))
