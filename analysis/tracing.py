"""From a printed number back to the runs behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.names import metric_named, metric_words, ratio_label, stored_metric, with_labels
from analysis.results import Results, read_results
from analysis.sections import Section, sections
from analysis.tables.model import Cell, Table
from bench.errors import SpecError
from bench.records import METRICS, NATURAL
from bench.store import Store

WHO = ["dataset", "positive", "ratio", "start", "seed", "algorithm", "weighting"]
"""The columns that identify a run; algorithm and weighting as tables print them, with the options that differ."""
EXAMPLE = "an address is a table and what singles out a cell in it, such as T4 50 auc InvProp"


@dataclass(frozen=True)
class Explanation:
    """A cell and the runs behind it.

    Attributes:
        table: the table it stands in. place: its row labels, metric and column.
        metric: the metric that it shows, as the runs frame names it; empty if it shows none.
        store: the folder of the store.
        runs: a row per run: dataset, positive, ratio, start, seed, algorithm and weighting (with the options that
            differ), status, value (of the metric; no such column without one), and file (within the store).
    """

    table: Table
    place: tuple[str, ...]
    cell: Cell
    metric: str
    store: Path
    runs: pd.DataFrame


def explain(store: Store, address: Sequence[str], settings: str = "") -> Explanation:
    """Return the cell that an address names, with the runs behind it.

    Args:
        store: the store.
        address: a table (``T4``, ``T4-p``, ``T4-paper``, ``runs``, ``time``), then row labels, metric and column in
            any order, in any case; what is not needed to single out a cell may be left out.
        settings: the first digits of a condition's settings, where the store holds several.

    Raises:
        SpecError: if the address names no cell, or several; the message says what is allowed.
        StoreError: if the store cannot be read.
    """
    if not address:
        raise SpecError(f"the address is empty; {EXAMPLE}")
    results = read_results(store)
    named = [metric_named(word) for word in address[1:]]
    more = [stored_metric(metric, results.runs) for metric in named if metric and metric not in METRICS]
    table = _section(sections(results, (*METRICS, *more)), settings).table(address[0])
    place, cell = _cell(table, address)
    metric = next((words[0] for label in place if (words := metric_words(label))), "")
    return Explanation(table, place, cell, metric, store.path, _runs(store, results, cell, metric))


def _section(found: list[Section], settings: str) -> Section:
    matching = [section for section in found if section.suffix.startswith(f"-{settings}" if settings else "")]
    if len(matching) == 1:
        return matching[0]
    if not found:
        raise SpecError("the store holds no finished runs, so there is nothing to explain")
    known = ", ".join(section.suffix.removeprefix("-") or "one only, which needs no name" for section in found)
    raise SpecError(f"settings {settings!r} name {len(matching)} conditions of the store; give one of: {known}")


def _cell(table: Table, address: Sequence[str]) -> tuple[tuple[str, ...], Cell]:
    places = {(*row.labels, *at): cell for row in table.rows for at, cell in zip(table.columns, row.cells, strict=True)}
    spelled = {
        label: {_plain(alias) for alias in _aliases(label)} for label in {label for at in places for label in at}
    }
    names = {place: {alias for label in place for alias in spelled[label]} for place in places}
    left = list(places)
    for token in address[1:]:
        matching = [place for place in left if _plain(token) in names[place]]
        if not matching:
            raise SpecError(f"nothing in {table.address} is called {token!r}; {_allowed(table, left)}")
        left = matching
    if len(left) > 1:
        raise SpecError(
            f"{' '.join(address)} names {len(left)} cells; add what singles out one: {_allowed(table, left)}"
        )
    return left[0], places[left[0]]


def _aliases(label: str) -> Iterable[str]:
    yield label
    yield from metric_words(label)
    if label.startswith(f"{NATURAL} ("):
        yield NATURAL


def _plain(text: str) -> str:
    """Return a label as one would type it: no case, spaces, or typographic minus."""
    return text.casefold().replace("−", "-").replace("_", "").replace("-", "").replace(" ", "").removeprefix("1/")


def _allowed(table: Table, places: Sequence[tuple[str, ...]]) -> str:
    """Return the labels that still tell places apart, by header."""
    headers = (*table.headers, "Metric", "Column")
    options = [list(dict.fromkeys(values)) for values in zip(*places, strict=True)]
    return "; ".join(f"{header}: {', '.join(values)}" for header, values in zip(headers, options, strict=True))


def _runs(store: Store, results: Results, cell: Cell, metric: str) -> pd.DataFrame:
    found = traced(store, results, list(dict.fromkeys(cell.runs)), [metric] if metric else METRICS)
    shown = found.assign(value=found[metric]) if metric else found
    columns = [*WHO, "status", *(["value"] if metric else []), "file"]
    ordered = shown.sort_values([*WHO, "status"], ignore_index=True)
    return ordered.assign(ratio=ordered["ratio"].map(ratio_label))[columns]


def traced(
    store: Store, results: Results, keys: Sequence[str] | None = None, metrics: Sequence[str] = METRICS
) -> pd.DataFrame:
    """Return where runs are found: ``WHO``, status, the metrics (NaN for a run that did not finish), and file.

    Args:
        store: what ``results`` were read from; files are named within it.
        results: all that was read.
        keys: of the runs wanted; default: all. They are the index of the frame.
        metrics: which.
    """
    every = pd.concat([results.runs.assign(status="ok"), results.unfinished]).drop_duplicates("key")
    every = every.set_index("key", drop=False)
    found = with_labels(every if keys is None else every.loc[list(keys)])
    files = [store.file_of(key, status) for key, status in zip(found["key"], found["status"], strict=True)]
    named = found.assign(algorithm=found["algorithm_label"], weighting=found["weighting_label"])
    return named[[*WHO, "status", *metrics]].assign(file=[str(path.relative_to(store.path)) for path in files])
