"""Which strategy does best at one ratio and start: every strategy that was run, ranked, with what it costs.

Ranks never span ratios: a mean over ratios says nothing of any of them. Means, intervals and tests are those of the
frames of :mod:`analysis.comparisons`, like those of every table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import inf, isnan, nan

import numpy as np
import pandas as pd

from analysis.comparisons import compare, summarise
from analysis.names import curve_area_of, lower_is_better, metric_title, ratio_words, title_of
from analysis.panels import Panel
from analysis.stats import ALPHA, t_interval
from analysis.stats.interval import BoolArray, mean_of_present
from analysis.summaries import CellPlace, Mean
from bench.arrays import FloatArray, IntArray
from bench.metrics.labels_saved import reached
from bench.metrics.learning_curve import mean_heights
from bench.records import METRICS

RANKED_BY = "auc"
"""The metric that ranks, if it is among those shown."""
BASELINE = ("random", "uniform")
"""What every strategy is held against: drawing at random."""


@dataclass(frozen=True)
class Leaderboard:
    """The strategies of a panel, ranked by one metric.

    Attributes:
        panel: whose runs. metrics: that it shows. metric: the one that ranks.
    """

    panel: Panel
    metrics: tuple[str, ...]
    metric: str

    @classmethod
    def of(cls, panel: Panel, metrics: tuple[str, ...] = METRICS) -> Leaderboard:
        """Return the leaderboard of a panel; ROC-AUC ranks where it is shown, else the first metric."""
        return cls(panel, metrics, RANKED_BY if RANKED_BY in metrics else metrics[0])

    @cached_property
    def places(self) -> list[CellPlace]:
        """Row and column of each strategy that has a finished run, in the panel's order."""
        rows, columns = self.panel.selection.held.shape
        return [at for at in product(range(rows), range(columns)) if self.panel.selection.held[at]]

    @cached_property
    def names(self) -> list[str]:
        """Their names, such as ``CAL+InvProp``."""
        return [f"{self.panel.algorithms[row]}+{self.panel.weightings[column]}" for row, column in self.places]

    @cached_property
    def cells(self) -> pd.DataFrame:
        """What each place shows of each metric: see :func:`analysis.comparisons.summarise`."""
        found = summarise(self.panel.selection, Mean(), self.metrics)
        number = {place: at for at, place in enumerate(self.places)}
        at = [number.get(place, -1) for place in zip(found["row"], found["column"], strict=True)]
        return found.assign(strategy=at)[np.array(at) >= 0].reset_index(drop=True)

    @cached_property
    def scores(self) -> FloatArray:
        """(strategies, tasks, seeds) of the metric that ranks; NaN where there is no run."""
        return np.stack([self.panel.cube.values(self.metric, self.panel.runs[at]) for at in self.places])

    @cached_property
    def order(self) -> list[int]:
        """Numbers of the strategies from the best to the worst; those that are not ranked come last."""
        ranks, names = self.table["rank"].to_numpy(), self.names
        return sorted(range(len(names)), key=lambda at: (isnan(ranks[at]), ranks[at], names[at].lower()))

    @property
    def baseline(self) -> int | None:
        """The number of random+uniform; None where it was not run."""
        wanted = [title_of(name) for name in BASELINE]
        named = [[part.partition(" (")[0] for part in self._labels(at)] for at in self.places]
        return named.index(wanted) if wanted in named else None

    @cached_property
    def table(self) -> pd.DataFrame:
        """A line for each strategy.

        Returns:
            strategy (its name), rank (by the mean of the metric; NaN for one that has no run of some task), mean_rank
            with rank_low and rank_high (within a task and seed, averaged over tasks; 95 % t-interval over seeds), area
            (under the learning curve of the metric, mean over runs), needed (labels that random+uniform takes to reach
            the strategy's final mean; infinite: more than it bought), saved (those less the strategy's own), and
            seconds (a run).
        """
        own = self.cells[self.cells["metric"] == self.metric].set_index("strategy")
        score = own["value"].where(self.on_every_task) * (1 if lower_is_better(self.metric) else -1)
        mean, low, high = self._mean_ranks()
        needed, saved = self._labels_saved()
        return pd.DataFrame(
            {
                "strategy": self.names,
                "rank": score.rank(method="min"),
                "mean_rank": mean,
                "rank_low": low,
                "rank_high": high,
                "area": self._areas(),
                "needed": needed,
                "saved": saved,
                "seconds": [self._seconds(at) for at in self.places],
            }
        )

    @cached_property
    def against_baseline(self) -> pd.DataFrame:
        """Each other strategy minus random+uniform, on every metric, strategy by number; empty without such runs."""
        return self._against(self.baseline, self.metrics)

    @cached_property
    def against_first(self) -> pd.DataFrame:
        """Each other strategy minus the first, on the metric that ranks, strategy by number."""
        return self._against(self.order[0] if self.order else None, (self.metric,))

    @property
    def apart(self) -> dict[int, float]:
        """Number of each other strategy -> p, after Holm, of its difference to the first; NaN where no test is."""
        found = self.against_first
        return dict(zip(found["strategy"].tolist(), found["p_holm"].tolist(), strict=True))

    @property
    def lead(self) -> str:
        """The answer in a sentence of at most 25 words."""
        first, others = self.order[0], len(self.places) - 1
        mean = self.cells.query("strategy == @first and metric == @self.metric")["value"].iloc[0]
        start = "" if self.panel.start == "warm" else f", {self.panel.start} start"
        head = f"At {ratio_words(self.panel.ratio)}{start}, {self.names[first]}"
        score = f"({metric_title(self.metric)} {brief(mean)})"
        if not others:
            return f"{head} is the only strategy {score}."
        rest = "the other" if others == 1 else f"the {others} others"
        tested = [p for p in self.apart.values() if not isnan(p)]
        if not tested:
            return f"{head} ranks first {score}; too few seeds to distinguish it from {rest}."
        alike = others - sum(p < ALPHA for p in tested)
        if not alike:
            return f"{head} ranks first {score}, distinguishable from {rest}."
        verb = "is" if alike == 1 else "are"
        return f"{head} ranks first {score}; {alike} of {others} others {verb} not distinguishable from it."

    def _labels(self, at: CellPlace) -> tuple[str, str]:
        return self.panel.algorithms[at[0]], self.panel.weightings[at[1]]

    @property
    def on_every_task(self) -> BoolArray:
        """(strategies,): whether it has a run of every task, so that its mean may be ranked among the others'."""
        held = np.asarray(~np.isnan(self.scores), dtype=bool)
        return np.asarray(np.asarray(held.any(axis=2)).all(axis=1))

    def _against(self, reference: int | None, metrics: tuple[str, ...]) -> pd.DataFrame:
        """Return the comparisons of each other strategy with one, which is subtracted."""
        if reference is None:
            return compare(self.panel.selection, Mean(), (), []).assign(strategy=[])
        others = [at for at in range(len(self.places)) if at != reference]
        pairs = [(self.places[at], self.places[reference]) for at in others]
        found = compare(self.panel.selection, Mean(), metrics, pairs, two_sided=True)
        return found.assign(strategy=others * len(metrics))

    def _mean_ranks(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        shape, ranked = self.scores.shape, self.on_every_task
        every = self.scores.reshape(shape[0], -1).copy()
        every[:, np.isnan(every[ranked]).any(axis=0)] = np.nan
        every[~ranked] = np.nan
        ranks = pd.DataFrame(every).rank(ascending=lower_is_better(self.metric)).to_numpy()
        _, mean, low, high = t_interval(ranks.reshape(shape).mean(axis=1))
        return mean, low, high

    def _areas(self) -> list[float]:
        """Return the mean area under the learning curve of each strategy's runs; NaN for a metric without rounds."""
        rounds = self.panel.rounds
        if curve_area_of(self.metric) is None or self.metric not in rounds.columns:
            return [nan] * len(self.places)
        areas = mean_heights(self.panel.by_round(rounds["labelled"]), self.panel.by_round(rounds[self.metric]))
        return [float(areas[self.runs_of(at)].mean()) for at in self.places]

    def runs_of(self, at: CellPlace) -> IntArray:
        """Return the numbers of a strategy's runs, (n,)."""
        runs = self.panel.runs[at]
        return np.asarray(runs[runs >= 0])

    def keys(self, at: CellPlace) -> tuple[str, ...]:
        """Return the keys of a strategy's runs."""
        return self.panel.selection.keys(self.panel.runs[at])

    def _seconds(self, at: CellPlace) -> float:
        return float(self.panel.cube.values("seconds", self.runs_of(at)).mean())

    def _labels_saved(self) -> tuple[list[float], list[float]]:
        """Return what random+uniform needs to reach each strategy's final mean over tasks and seeds, and the saving.

        As :class:`bench.metrics.labels_saved.LabelsSavedMetric` of the mean curve; NaN where steps differ among runs.
        """
        nothing = [nan] * len(self.places)
        curves, labels = mean_curves_of(self)
        if self.baseline is None or curves is None:
            return nothing, nothing
        sign = -1.0 if lower_is_better(self.metric) else 1.0
        needed = [reached(labels, sign * curves[self.baseline], sign * own[-1]) for own in curves]
        whole = self.on_every_task
        needed = [one if kept else nan for one, kept in zip(needed, whole, strict=True)]
        return needed, [one if isnan(one) or one == inf else one - labels[-1] for one in needed]


def mean_curves_of(board: Leaderboard) -> tuple[FloatArray | None, list[int]]:
    """Return (strategies, rounds) means of the metric over a leaderboard's runs, and the labels after each round.

    None for a metric that is not of rounds, and where runs of the panel bought labels in different steps.
    """
    rounds = board.panel.rounds
    if board.metric not in rounds.columns:
        return None, []
    steps = rounds.groupby("round")["labelled"].unique()
    if any(len(values) != 1 for values in steps):
        return None, []
    values = board.panel.by_round(rounds[board.metric])
    curves = np.stack([values[board.runs_of(at)].mean(axis=0) for at in board.places])
    return curves, [int(values[0]) for values in steps]


def brief(value: float) -> str:
    """Return a metric to three digits as prose writes it: ``.813``."""
    return "NaN" if isnan(value) else f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.3f}"


@dataclass(frozen=True)
class Regret:
    """What following the leaderboard would have cost on data that it had not seen.

    Attributes:
        unit: ``dataset``, or ``task`` where there is one dataset only.
        each: unit -> the strategy that the others recommend, and how much better the best one was there.
        baseline: unit -> the same of random+uniform; empty where it was not run.
    """

    unit: str
    each: dict[str, tuple[str, float]]
    baseline: dict[str, float]

    @property
    def mean(self) -> float:
        """The mean regret."""
        return float(np.mean([regret for _, regret in self.each.values()]))

    @property
    def worst(self) -> float:
        """The largest."""
        return max(regret for _, regret in self.each.values())


def regret_of(board: Leaderboard) -> Regret | None:
    """Return the regret of taking the strategy that ranks first, measured on each dataset by a choice on the others.

    A dataset's value is the mean over its tasks. The best of many strategies on a dataset is the luckier for being
    chosen there, so the regret is rather too large than too small. None where there is one task only.
    """
    tasks = board.panel.selection.tasks
    ranked = [at for at, kept in enumerate(board.on_every_task) if kept]
    groups: dict[str, list[int]] = {}
    for number, (dataset, _) in enumerate(tasks):
        groups.setdefault(dataset, []).append(number)
    unit = "dataset"
    if len(groups) < 2:
        unit, groups = "task", {"/".join(task): [number] for number, task in enumerate(tasks)}
    if len(groups) < 2 or not ranked:
        return None
    sign = -1.0 if lower_is_better(board.metric) else 1.0
    means = sign * mean_of_present(board.scores)[ranked]
    baseline = ranked.index(board.baseline) if board.baseline in ranked else None
    each, of_baseline = {}, {}
    for name, own in groups.items():
        others = [number for number in range(len(tasks)) if number not in own]
        chosen = int(means[:, others].mean(axis=1).argmax())
        here = means[:, own].mean(axis=1)
        each[name] = (board.names[ranked[chosen]], float(here.max() - here[chosen]))
        if baseline is not None:
            of_baseline[name] = float(here.max() - here[baseline])
    return Regret(unit, each, of_baseline)


def advice(board: Leaderboard) -> tuple[str, ...]:
    """Return lines on what to take: the first, the cheapest that is not surely worse, and the regret of the choice."""
    first, table, label = board.order[0], board.table, metric_title(board.metric)
    if len(board.places) < 2 or isnan(table["rank"].iloc[first]):
        return ()
    alike = [at for at, p in board.apart.items() if not p < ALPHA and not isnan(table["rank"].iloc[at])]
    seconds = table["seconds"]
    cheapest = min((first, *alike), key=lambda at: seconds.iloc[at])
    lines = [f"Recommended: {board.names[first]}, {seconds.iloc[first]:,.1f} s a run."]
    if cheapest != first:
        lines[0] += f" Cheapest not distinguishable from it: {board.names[cheapest]}, {seconds.iloc[cheapest]:,.1f} s."
    found = regret_of(board)
    if found:
        worst = max(found.each, key=lambda name: found.each[name][1])
        line = (
            f"Chosen on the other {found.unit}s and used on the one left out, the first loses {found.mean:.4f} {label} "
            f"to the best there on average, at most {found.worst:.4f} ({worst})"
        )
        baseline = f"; random+uniform {np.mean(list(found.baseline.values())):.4f}" if found.baseline else ""
        lines.append(f"{line}{baseline}.")
    return tuple(lines)
