"""The leaderboard (T0) as a table, and every strategy against every other."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf, isnan
from typing import Any

from analysis.comparisons import lines
from analysis.leaderboard import Leaderboard
from analysis.names import metric_title, ratio_slug
from analysis.pairwise import MARGIN, AllPairs
from analysis.stats import ALPHA
from analysis.tables.model import Cell, CellTest, Group, Row, Table
from analysis.tables.notes import hole, holes, nan_note
from analysis.text import NO_VALUE, count, decimal, p_text, signed

ADDRESS = "T0"
MOST_PAIRED = 12
"""Strategies of which all pairs are listed; of more, those of the first with each other one."""


def address_of(board: Leaderboard, kind: str = ADDRESS) -> str:
    """Return how a user names a table of a leaderboard, such as ``T0-ratio50-warm``."""
    return f"{kind}-{ratio_slug(board.panel.ratio)}-{board.panel.start}"


def leaderboard(board: Leaderboard) -> Table:
    """Return the strategies of one ratio and start, the best first, with what each takes."""
    facts = lines(board.table)
    cells = {(it.strategy, it.metric): it for it in lines(board.cells)}
    tests = {it.strategy: it for it in lines(board.against_baseline) if it.metric == board.metric}
    groups = (
        Group("Rank", (f"by {metric_title(board.metric)}", "mean over tasks")),
        Group("Mean ± 95 % half-width", tuple(map(metric_title, board.metrics))),
        *([Group("Minus random+uniform", ("difference", "p"))] if tests else []),
        Group("First", ("p against it",)),
        Group("Cost", ("curve area", "labels saved", "seconds")),
    )
    rows = tuple(Row((board.names[at],), tuple(_cells(board, at, facts[at], cells, tests))) for at in board.order)
    return Table(
        name=f"leaderboard-{board.panel.name}",
        address=address_of(board),
        title=f"Leaderboard, {board.panel.title}",
        caption=_caption(board),
        headers=("Strategy",),
        groups=groups,
        rows=rows,
        notes=holes(rows, groups),
        mark=f"p < {ALPHA} by the seed-level test, after Holm over all strategies",
    )


def _caption(board: Leaderboard) -> str:
    tasks, seeds = board.scores.shape[1:]
    return (
        f"Means over {count(tasks, 'task')} and {count(seeds, 'seed')}; half-widths and seed-level p (Holm) are over "
        f"seeds: conclusions hold for these tasks only. Curve area: under the learning curve of "
        f"{metric_title(board.metric)}. Labels saved: against random+uniform. Seconds: a run."
    )


def _cells(
    board: Leaderboard, at: int, facts: Any, cells: dict[tuple[int, str], Any], tests: dict[int, Any]
) -> Iterator[Cell]:
    runs = board.keys(board.places[at])
    apart = board.apart
    unranked = "" if not isnan(facts.rank) else "not ranked: it has no run of some task"
    yield Cell(NO_VALUE if unranked else f"{facts.rank:.0f}", facts.rank, note=unranked, runs=runs)
    yield _between(facts.mean_rank, facts.rank_low, facts.rank_high, len(board.places), runs)
    for metric in board.metrics:
        it = cells[at, metric]
        text = decimal(it.value) + ("" if isnan(it.low) else f" ± {(it.high - it.low) / 2:.4f}")
        note = "; ".join(filter(None, (hole(it), nan_note(it))))
        yield Cell(text, it.value, it.n, note=note, runs=it.keys, interval=(it.low, it.high))
    if tests:
        yield from _difference(board, tests.get(at), runs)
    p = apart.get(at)
    first = at == board.order[0]
    yield Cell("first") if first or p is None else Cell(p_text(p), p, bold=bool(p < ALPHA), runs=runs)
    yield Cell(NO_VALUE if isnan(facts.area) else decimal(facts.area), facts.area, runs=runs)
    yield _saved(facts, runs, is_baseline=at == board.baseline)
    yield Cell(f"{facts.seconds:,.1f}", facts.seconds, runs=runs)


def _between(mean: float, low: float, high: float, most: int, runs: tuple[str, ...]) -> Cell:
    if isnan(mean):
        return Cell(NO_VALUE)
    ends = "" if isnan(low) else f" [{max(low, 1):.1f}, {min(high, most):.1f}]"  # there is no rank beyond
    return Cell(f"{mean:.1f}{ends}", mean, runs=runs, interval=(low, high))


def _difference(board: Leaderboard, it: Any, runs: tuple[str, ...]) -> Iterator[Cell]:
    if it is None or board.baseline is None:
        yield from (Cell("reference"), Cell(NO_VALUE))
        return
    test = CellTest(board.names[board.baseline], *(getattr(it, field) for field in CellTest._fields[1:]))
    yield Cell(signed(it.estimate), it.estimate, runs=runs, tests=(test,), interval=(it.low, it.high))
    yield Cell(p_text(it.p_holm), it.p_holm, bold=bool(it.p_holm < ALPHA), note=it.note or it.seed_note, runs=runs)


def _saved(facts: Any, runs: tuple[str, ...], *, is_baseline: bool) -> Cell:
    if is_baseline:
        return Cell("reference")
    if isnan(facts.needed):
        return Cell(NO_VALUE)
    return Cell(">0" if isinf(facts.saved) else f"{facts.saved:+.0f}".replace("-", "−"), facts.saved, runs=runs)


def pairs(found: AllPairs) -> Table | None:
    """Return a row for each pair of strategies; None where there is one strategy only."""
    board, first = found.board, found.board.order[0]
    if len(board.places) < 2:
        return None
    every = lines(found.table)
    few = len(board.places) <= MOST_PAIRED
    groups = (
        Group("Difference", ("mean", "from", "to", "p", "p (Holm)")),
        Group("Pairs", ("wins", "ties", "losses")),
        Group(f"Bayesian, margin {MARGIN:g}", ("better", "alike", "worse")),
    )
    rows = tuple(
        Row((board.names[it.one], board.names[it.other]), tuple(_pair(board, it)))
        for it in every
        if few or it.one == first
    )
    left_out = "" if few else f" Of {len(every):,} pairs those with the first are shown; Holm's family is all of them."
    return Table(
        name=f"pairs-{board.panel.name}",
        address=address_of(board, "pairs"),
        title=f"All pairs by {metric_title(board.metric)}, {board.panel.title}",
        caption="First minus second, matched by pair key: mean with its 95 % t-interval over seeds, two-sided p, and "
        "Holm's over all pairs. Wins, ties, losses: of one task and seed. Bayesian signed-rank test over tasks: "
        f"probability that the first is better, alike within the margin, or worse.{left_out}",
        headers=("Strategy", "against"),
        groups=groups,
        rows=rows,
        mark=f"p < {ALPHA} after Holm",
    )


def _pair(board: Leaderboard, it: Any) -> Iterator[Cell]:
    runs = (*board.keys(board.places[it.one]), *board.keys(board.places[it.other]))
    for value in (it.difference, it.low, it.high):
        yield Cell(signed(value), value, runs=runs)
    yield Cell(p_text(it.p), it.p, runs=runs)
    yield Cell(p_text(it.p_holm), it.p_holm, bold=bool(it.p_holm < ALPHA), runs=runs)
    for number in (it.win, it.tie, it.loss):
        yield Cell(str(number), float(number), runs=runs)
    for share in (it.better, it.alike, it.worse):
        yield Cell(NO_VALUE if isnan(share) else f"{share:.2f}", share, runs=runs)


def penalties(found: AllPairs, *, corrected: bool = False) -> Table | None:
    """Return BADGE's penalty matrix; None where there is one strategy only.

    Args:
        found: the pairs.
        corrected: whether p is after Holm over all pairs of a task and checkpoint; if not, bold says what remains then.
    """
    board = found.board
    if len(board.places) < 2 or not len(found.checkpoints):
        return None
    after_holm = found.penalties(corrected=True)
    shown = after_holm if corrected else found.penalties()
    names, order = board.names, board.order
    average = shown.sum(axis=0) / (len(order) - 1)
    rows = [
        Row(
            (str(number), names[row]),
            tuple(
                Cell("") if row == column else Cell(
                    f"{shown[row, column]:.2f}", shown[row, column], bold=bool(after_holm[row, column] > 0),
                    runs=(*board.keys(board.places[row]), *board.keys(board.places[column])),
                )
                for column in order
            ),
        )
        for number, row in enumerate(order, 1)
    ]  # fmt: skip
    rows.append(Row(("all", "mean penalty"), tuple(Cell(f"{average[at]:.2f}", average[at]) for at in order)))
    labels = ", ".join(f"{number}" for number in found.checkpoints)
    kind, level = ("penalties-holm", " after Holm") if corrected else ("penalties", "")
    by_chance = "" if corrected else f" By chance: {found.chance:.2f}."
    return Table(
        name=f"{kind}-{board.panel.name}",
        address=address_of(board, kind),
        title=f"Pairwise penalties by {metric_title(board.metric)}, {board.panel.title}",
        caption=f"BADGE's penalty matrix: in how many of {count(board.scores.shape[1], 'task')} the row beats the "
        f"column (paired two-sided t over seeds, p < {ALPHA}{level}), averaged over checkpoints after round "
        f"{labels}.{by_chance}",
        headers=("No.", "Strategy"),
        groups=(Group("beats No.", tuple(str(number) for number in range(1, len(order) + 1))),),
        rows=tuple(rows),
        mark="some of it stays after Holm over all pairs of a task and checkpoint",
    )
