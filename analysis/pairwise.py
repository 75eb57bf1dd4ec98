"""Every strategy against every other at one ratio and start: differences, wins, and BADGE's penalty matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.leaderboard import Leaderboard, mean_curves_of
from analysis.names import lower_is_better
from analysis.stats import ALPHA, holm, t_interval
from analysis.stats.interval import SPREAD, mean_of_present, t_of_present
from analysis.stats.signed_rank import bayesian_signed_rank
from bench.arrays import FloatArray

MARGIN = 0.01
"""Half of the region of practical equivalence, in the metric's unit: what ``power`` takes for a margin by default."""
ENOUGH = 0.99
"""Share of its final mean at which random is done learning, and checkpoints end."""


@dataclass(frozen=True)
class AllPairs:
    """The pairs of a leaderboard's strategies, by the metric that ranks.

    Attributes:
        board: the strategies, which are numbered as there.
    """

    board: Leaderboard

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Each pair once, the better ranked strategy first."""
        return list(combinations(self.board.order, 2))

    @cached_property
    def differences(self) -> FloatArray:
        """(pairs, tasks, seeds): first minus second, larger is better for the first; NaN where there is no pair.

        Two runs are a pair only if they share a pair key.
        """
        sign = -1.0 if lower_is_better(self.board.metric) else 1.0
        return np.stack([sign * own for own in self._matched(self.board.scores)])

    def _matched(self, values: FloatArray) -> Iterator[FloatArray]:
        """Yield for each pair the differences of values (strategies, tasks, seeds, ...); NaN where none match."""
        runs = np.stack([self.board.panel.runs[at] for at in self.board.places])
        codes = np.append(self.board.panel.cube.pair_codes, -1)[runs]
        for one, other in self.pairs:
            found = values[one] - values[other]
            found[(codes[one] != codes[other]) | (codes[one] < 0) | (codes[other] < 0)] = np.nan
            yield found

    @cached_property
    def table(self) -> pd.DataFrame:
        """A line for each pair.

        Returns:
            one, other (numbers of the strategies), n (seeds), difference, low, high (95 % t-interval over seeds), p
            (two-sided, over seeds), p_holm (the smaller of both sides after Holm over all pairs and sides), win, tie,
            loss (pairs of one task and seed), and of the Bayesian signed-rank test over tasks better, alike (within
            ``MARGIN``) and worse; NaN where a task has no pair.
        """
        units = self.differences.mean(axis=1)
        n, mean, low, high = t_interval(units)
        p, other_side = (t_of_present(sign * units)[2] for sign in (1.0, -1.0))
        held = ~np.isnan(self.differences)
        tasks = mean_of_present(self.differences)
        beliefs = [_belief(own) for own in tasks]
        return pd.DataFrame(
            {
                "one": [one for one, _ in self.pairs],
                "other": [other for _, other in self.pairs],
                "n": n,
                "difference": mean,
                "low": low,
                "high": high,
                "p": 2 * np.minimum(p, other_side),
                "p_holm": holm(np.concatenate([p, other_side])).reshape(2, -1).min(axis=0),
                "win": (held & (self.differences > SPREAD)).sum(axis=(1, 2)),
                "tie": (held & (np.abs(self.differences) <= SPREAD)).sum(axis=(1, 2)),
                "loss": (held & (self.differences < -SPREAD)).sum(axis=(1, 2)),
                **dict(zip(("better", "alike", "worse"), np.transpose(beliefs), strict=True)),
            }
        )

    @cached_property
    def checkpoints(self) -> list[int]:
        """The rounds at which strategies are compared: 1, 2, 4 ... until random is done learning.

        Labels bought double from one to the next, as in BADGE's experiments. Random is random+uniform; where it was not
        run, all rounds of the series count.
        """
        last = int(self.board.panel.rounds["round"].max())
        curves, _ = mean_curves_of(self.board)
        if curves is not None and self.board.baseline is not None and not lower_is_better(self.board.metric):
            own = curves[self.board.baseline]
            last = max(1, int(np.argmax(own >= ENOUGH * own[-1])))
        series = [2**step for step in range(last.bit_length())]
        return [number for number in series if number <= last]

    def penalties(self, *, corrected: bool = False) -> FloatArray:
        """Return BADGE's penalty matrix (strategies, strategies), numbered as in the leaderboard.

        In each task and at each checkpoint, a strategy that beats another by a paired two-sided t-test over seeds
        (p < 0.05) adds 1 / number of checkpoints to its row, in the other's column; so an entry is at most the number
        of tasks, and rows that are high win, columns that are low are not beaten (Ash et al. 2020).

        Args:
            corrected: whether p is corrected by Holm over all pairs of a task and checkpoint.
        """
        count = len(self.board.places)
        found, values = np.zeros((count, count)), np.moveaxis(self._by_checkpoint, 2, -1)
        p = 2 * np.stack([t_of_present(sign * values)[2] for sign in (1.0, -1.0)])  # (sides, pairs, tasks, checkpoints)
        if corrected:  # over pairs: of the two sides of a pair at most one can be small
            p = np.apply_along_axis(holm, 1, p)
        for side, (row, column) in zip(p, ((0, 1), (1, 0)), strict=True):
            wins = (side < ALPHA).mean(axis=2).sum(axis=1)
            for pair, won in zip(self.pairs, wins, strict=True):
                found[pair[row], pair[column]] = won
        return found

    @property
    def chance(self) -> float:
        """What an entry of the penalty matrix is expected to be if no two strategies differ, without correction."""
        return len(self.board.panel.selection.tasks) * ALPHA / 2

    @cached_property
    def _by_checkpoint(self) -> FloatArray:
        """(pairs, tasks, seeds, checkpoints) differences."""
        panel, metric = self.board.panel, self.board.metric
        of_rounds = metric in panel.rounds.columns
        values = panel.by_round(panel.rounds[metric if of_rounds else "round"])[:, self.checkpoints]
        if not of_rounds:
            values[:] = np.nan
        sign = -1.0 if lower_is_better(metric) else 1.0
        runs = np.stack([panel.runs[place] for place in self.board.places])
        return np.stack([sign * own for own in self._matched(values[runs])])


def _belief(tasks: FloatArray) -> tuple[float, float, float]:
    if np.isnan(tasks).any():
        return np.nan, np.nan, np.nan
    found = bayesian_signed_rank(tasks, MARGIN)
    return found.above, found.within, found.below
