"""What a report says first: a few lines, each read off the numbers of its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any, NamedTuple

from analysis.comparisons import Numbers, is_marked, lines
from analysis.condition import Condition
from analysis.names import NATURAL_LEVEL, lower_is_better, metric_title, ratio_words
from analysis.overview import block_of, name_of
from analysis.stats import ALPHA
from analysis.tables.headings import row_headers
from analysis.tables.published import FIRST, PaperAgreement
from analysis.text import count, decimal, p_text, signed
from bench.records import METRICS

LAST = "Uniform"
"""The weighting that it is held against."""
EFFECT, FULL_RESULTS = "T4", "T8"
"""The tables of the effect by ratio, and of every strategy, whatever was run."""


class Finding(NamedTuple):
    """A line, and where it was read off: the address and the name of a table; empty if of several."""

    text: str
    address: str = ""
    table: str = ""


def findings(tables: Mapping[str, Numbers], agreement: PaperAgreement) -> tuple[Finding, ...]:
    """Return up to five lines: the effect on each metric, the highest means, and how far the paper agrees.

    The effect is that over the paper's algorithms at each ratio; if none of them was run, what the rows of the full
    results say of it.

    Args:
        tables: address -> the numbers of the tables that could be made.
        agreement: with the paper.
    """
    full = tables.get(FULL_RESULTS)
    return (
        *(_effects(tables[EFFECT]) if EFFECT in tables else _by_row(full) if full else ()),
        *(_highest(full) if full else ()),
        *([Finding(f"Against the paper's published tables: {agreement.line}")] if agreement.marks else ()),
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
    if 0 < natural < len(runs):
        lines.append(
            f"{count(natural, 'run')} at the natural ratio take part in no table of numeric ratios (T8 has them)"
        )
    unpaired = condition.cube.unpaired_blocks()
    if len(unpaired):
        of = count(int((condition.cube.finished >= 0).any(axis=(-2, -1)).sum()), "block")
        lines.append(
            f"runs of {len(unpaired):,} of {of} were made under different conditions (they do not share a pair key) "
            f"and are not compared (one is {block_of(unpaired.iloc[0])})"
        )
    return tuple(lines)


def _effects(numbers: Numbers) -> Iterator[Finding]:
    """A line per metric: the paired difference with both tests' p in each row that has both columns."""
    ratios = [int(row[0]) for row in numbers.selection.rows]
    for title, tests in _claims(numbers):
        lines = (f"{signed(it.difference)} at {ratio_words(ratios[it.row])} ({_both(it)})" for it in tests)
        yield _read_off(
            numbers,
            f"{title} (one-sided p: run-level over pairs, seed-level over seeds and after Holm): {'; '.join(lines)}",
        )


def _by_row(numbers: Numbers) -> Iterator[Finding]:
    """A line per metric: in how many rows the effect is above 0, and is so by either test."""
    for title, tests in _claims(numbers):
        above = sum(it.difference > 0 for it in tests)
        runs, seeds = sum(it.p < ALPHA for it in tests), sum(is_marked(it.p_holm, it.seed_note) for it in tests)
        yield _read_off(
            numbers,
            f"{title}: above 0 in {above} of {count(len(tests), 'row')}, significantly (p < {ALPHA}) in {runs} by the "
            f"run-level and in {seeds} by the seed-level test",
        )


def _claims(numbers: Numbers) -> Iterator[tuple[str, list[Any]]]:
    """Yield metric and columns with the comparisons in the rows: of each version of ``FIRST`` with each of ``LAST``."""
    labels, every = numbers.selection.column_labels, numbers.comparisons
    named = [label.partition(" (")[0] for label in labels]
    for metric in numbers.definition.metrics:
        for a, b in permutations(range(len(labels)), 2):
            if (named[a], named[b]) == (FIRST, LAST):
                own = every[(every["metric"] == metric) & (every["column"] == a) & (every["other"] == b)]
                found = lines(own[own["difference"].notna()].sort_values("row"))
                if found:
                    yield f"{metric_title(metric)}, {labels[a]} minus {labels[b]}", found


def _both(it: Any) -> str:
    seeds = f"; seed-level p {p_text(it.p_holm)}, {count(it.units, 'seed')}" if it.seed_note or it.units else ""
    return f"p {p_text(it.p)}, {count(it.pairs, 'pair')}{seeds}"


def _highest(numbers: Numbers) -> Iterator[Finding]:
    """One line: the strategy with the best mean of each metric."""
    (_, labels), columns, found = row_headers(numbers), numbers.selection.column_labels, []
    for metric in numbers.definition.metrics:
        cells = numbers.cells[(numbers.cells["metric"] == metric) & numbers.cells["value"].notna()]
        if len(cells):
            best = lines(cells.sort_values("value", ascending=lower_is_better(metric), kind="stable"))[0]
            place = ", ".join((*labels[best.row], columns[best.column]))
            found.append(f"{metric_title(metric)} {decimal(best.value)} ({place})")
    if found:
        yield _read_off(numbers, f"Highest observed means (differences not tested): {'; '.join(found)}")


def _read_off(numbers: Numbers, text: str) -> Finding:
    return Finding(text, numbers.definition.address, f"{numbers.definition.name}{numbers.condition.suffix}")
