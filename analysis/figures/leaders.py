"""Who does best at one ratio and start: ranks and cost, the curves of the best, effects by task, and all pairs."""

from __future__ import annotations

from math import isnan

import numpy as np
import pandas as pd

from analysis.comparisons import lines
from analysis.leaderboard import Leaderboard, brief
from analysis.names import LABELS, lower_is_better
from analysis.pairwise import AllPairs
from analysis.stats import ALPHA, holm, t_interval
from analysis.stats.interval import mean_of_present, t_of_present

BEST = 4
"""Strategies whose curves are compared, beside random+uniform."""
MOST_IN_MATRIX = 10


def _labels(board: Leaderboard, at: int) -> dict[str, str]:
    row, column = board.places[at]
    return dict(zip(LABELS, (board.panel.algorithms[row], board.panel.weightings[column]), strict=True))


def standing(board: Leaderboard) -> pd.DataFrame:
    """Return a line for each ranked strategy, the best first.

    Returns:
        ``LABELS``, strategy, rank, mean (of the metric that ranks), low, high (its 95 % t-interval over seeds),
        mean_rank, rank_low, rank_high, seconds (a run), apart (whether the seed-level test tells it from the first),
        and frontier (whether no strategy is both better and cheaper).
    """
    table, own = board.table, board.cells[board.cells["metric"] == board.metric].set_index("strategy")
    rows = [
        {**_labels(board, at), **table.iloc[at].to_dict(), "mean": own.loc[at, "value"], "low": own.loc[at, "low"],
         "high": own.loc[at, "high"], "apart": bool(board.apart.get(at, 1.0) < ALPHA)}
        for at in board.order
        if not isnan(table["rank"].iloc[at])
    ]  # fmt: skip
    columns = [
        *LABELS,
        "strategy",
        "rank",
        "mean",
        "low",
        "high",
        "mean_rank",
        "rank_low",
        "rank_high",
        "seconds",
        "apart",
    ]
    frame = pd.DataFrame(rows, columns=pd.Index(columns))
    sign = -1.0 if lower_is_better(board.metric) else 1.0
    score, seconds = sign * frame["mean"].to_numpy(float), frame["seconds"].to_numpy(float)
    beaten = [
        bool(((score >= s) & (seconds <= t) & ((score > s) | (seconds < t))).any())
        for s, t in zip(score, seconds, strict=True)
    ]
    return frame.assign(frontier=~np.array(beaten, dtype=bool))


def unseparated(pairs: AllPairs) -> pd.DataFrame:
    """Return the largest groups of neighbours by mean rank of which no two are distinguished: first, last (places)."""
    board = pairs.board
    ranks = board.table["mean_rank"].to_numpy()
    order = [at for at in sorted(range(len(ranks)), key=lambda at: (ranks[at], at)) if not isnan(ranks[at])]
    p = {frozenset((it.one, it.other)): it.p_holm for it in lines(pairs.table)}
    groups: list[tuple[int, int]] = []
    for first in range(len(order)):
        last = first
        while last + 1 < len(order) and all(
            not p[frozenset((order[last + 1], order[at]))] < ALPHA for at in range(first, last + 1)
        ):
            last += 1
        if last > first and (not groups or last > groups[-1][1]):
            groups.append((first, last))
    return pd.DataFrame(groups, columns=pd.Index(["first", "last"]), dtype=int)


def best_curves(board: Leaderboard) -> pd.DataFrame:
    """Return the learning curves of the best strategies and of random+uniform.

    Returns:
        ``LABELS``, strategy, rank, round, labelled (mean), n (seeds), mean, low, high (95 % t-interval over seeds,
        whose values are means over tasks); empty for a metric without rounds.
    """
    panel, metric = board.panel, board.metric
    columns = [*LABELS, "strategy", "rank", "round", "labelled", "n", "mean", "low", "high"]
    if metric not in panel.rounds.columns:
        return pd.DataFrame(columns=pd.Index(columns))
    chosen = list(dict.fromkeys([*board.order[:BEST], *([] if board.baseline is None else [board.baseline])]))
    values = panel.by_round(panel.rounds[metric])
    labelled = panel.rounds.groupby("round")["labelled"].mean()
    parts = []
    for at in chosen:
        n, mean, low, high = t_interval(np.moveaxis(values[panel.runs[board.places[at]]].mean(axis=0), 0, -1))
        own = {
            "round": range(values.shape[1]),
            "labelled": labelled.to_numpy(),
            "n": n,
            "mean": mean,
            "low": low,
            "high": high,
        }
        parts.append(
            pd.DataFrame(own).assign(**_labels(board, at), strategy=board.names[at], rank=board.table["rank"].iloc[at])
        )
    return pd.concat(parts, ignore_index=True)[columns]


def effects_by_task(board: Leaderboard) -> pd.DataFrame:
    """Return each strategy's difference on each task to random+uniform; to the mean of all strategies without such.

    Returns:
        ``LABELS``, strategy, dataset, positive, against, n (seeds), difference (larger is better), and p (two-sided,
        over the task's seeds, after Holm over all of the figure).
    """
    tasks = board.panel.selection.tasks
    sign = -1.0 if lower_is_better(board.metric) else 1.0
    reference = mean_of_present(board.scores, axis=0)
    if board.baseline is not None:
        reference = board.scores[board.baseline]
    against = "mean of all" if board.baseline is None else board.names[board.baseline]
    rows = []
    for at in (one for one in board.order if one != board.baseline):
        away = sign * (board.scores[at] - reference)
        n, _, p = t_of_present(away)
        two_sided = 2 * np.minimum(p, t_of_present(-away)[2])
        if board.baseline is None:  # each strategy is a part of what it is held against
            two_sided = np.full_like(two_sided, np.nan)
        mean = mean_of_present(away)
        rows += [
            {
                **_labels(board, at),
                "strategy": board.names[at],
                "dataset": dataset,
                "positive": rare,
                "against": against,
                "n": int(n[number]),
                "difference": float(mean[number]),
                "p": float(two_sided[number]),
            }
            for number, (dataset, rare) in enumerate(tasks)
        ]
    columns = [*LABELS, "strategy", "dataset", "positive", "against", "n", "difference", "p"]
    frame = pd.DataFrame(rows, columns=pd.Index(columns))
    return frame.assign(p=holm(frame["p"].to_numpy(float)) if len(frame) else [])


def matrix(pairs: AllPairs) -> pd.DataFrame:
    """Return the pairs of the ``MOST_IN_MATRIX`` best strategies.

    Returns:
        one, other (names), difference, win, tie, loss, p_holm.
    """
    board, found = pairs.board, pairs.table
    best = set(board.order[:MOST_IN_MATRIX])
    own = found[found["one"].isin(best) & found["other"].isin(best)]
    names = {column: own[column].map(lambda at: board.names[at]) for column in ("one", "other")}
    return own.assign(**names)[["one", "other", "difference", "win", "tie", "loss", "p_holm"]].reset_index(drop=True)


def said_of_effects(effects: pd.DataFrame) -> str:
    """Return what the effects by task show, in a sentence."""
    known = effects[effects["difference"].notna()]
    if not len(known):
        return "There are no differences to show."
    above, sure = (known["difference"] > 0).sum(), (known["p"] < ALPHA).sum()
    top = known.sort_values("difference").iloc[-1]
    return (
        f"{above} of {len(known)} differences to {top['against']} are above 0, {sure} of all are significant; the "
        f"largest is {top['difference']:+.3f}, of {top['strategy']} on {top['dataset']}/{top['positive']}."
    )


def said_of_curves(curves: pd.DataFrame) -> str:
    """Return what the curves of the best show, in a sentence."""
    if not len(curves):
        return ""
    ends = curves[curves["round"] == curves["round"].max()]
    return "After the last round: " + ", ".join(
        f"{it.strategy} {brief(it.mean)}" for it in lines(ends)
    ) + "."  # fmt: skip


def said_of_groups(frame: pd.DataFrame, groups: pd.DataFrame) -> str:
    """Return the finding: the first, those not distinguishable from it, and the cheapest on the frontier."""
    first, alike = frame.iloc[0], (~frame["apart"]).sum() - 1
    cheap = frame[frame["frontier"]].sort_values("seconds").iloc[0]
    return (
        f"{first['strategy']} has the highest mean, {brief(first['mean'])}; {alike} others are not "
        f"distinguishable from it; "
        f"{len(groups)} groups of neighbours are not separated. Cheapest on the frontier: {cheap['strategy']}, "
        f"{cheap['seconds']:.0f} s a run."
    )
