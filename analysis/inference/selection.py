"""Best-of tables: the data choose the algorithm that a column shows, so choice and test need different seeds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.frame import BLOCK, TASK
from analysis.inference.design import ALGORITHM, Design, FloatArray, IntArray, laid_out, levels
from analysis.inference.effect import Effect, Estimand, effect_of, mean_of_present
from analysis.paired import Paired, paired, strangers
from bench.errors import PairingError

EVEN, ODD = slice(0, None, 2), slice(1, None, 2)
"""The halves of the seeds, by position among the sorted ones; seeds are exchangeable, so no draw is needed."""
HALF_LEVEL = 0.975
"""Level of each half's interval, so that both cover together at 95 %."""


@dataclass(frozen=True)
class BestOf:
    """Evidence that the best algorithm of arm a is larger than the best algorithm of arm b.

    Attributes:
        paper: chosen and tested on the same runs, pairs of (task, seed): the paper's Table 2. Of two equal arms
            the noisier one tends to win, because the best of its means lies higher by luck.
        halves: chosen on the even seeds and tested on the odd ones, and the other way round; their intervals
            are at 97.5 %.
        chosen: a row per task and choice: ``dataset``, ``positive``, ``by`` (``all``, ``even`` or ``odd`` seeds),
            ``algorithm_a``, ``algorithm_b``.
        missing: runs of either arm that are missing; an algorithm is judged by the seeds that it has.
    """

    paper: Paired
    halves: tuple[Effect, Effect]
    chosen: pd.DataFrame = field(compare=False)
    missing: int

    @property
    def p(self) -> float:
        """Twice the smaller p of the halves, at most 1 (Bonferroni); NaN where a half has no test."""
        one, other = self.halves
        return float(np.minimum(1.0, 2.0 * np.minimum(one.p, other.p)))

    @property
    def p_less(self) -> float:
        """The same of the other side (small = a is smaller)."""
        one, other = self.halves
        return float(np.minimum(1.0, 2.0 * np.minimum(one.p_less, other.p_less)))

    @property
    def n(self) -> int:
        """Units of both halves."""
        return sum(half.n for half in self.halves)

    @property
    def unit(self) -> str:
        """What is counted by n."""
        return self.halves[0].unit

    @property
    def left_out(self) -> tuple[str, ...]:
        """The units of both halves that lack a pair they cannot do without."""
        return tuple(name for half in self.halves for name in half.left_out)

    @property
    def note(self) -> str:
        """Why there is no test; empty if there is one."""
        return "; ".join(dict.fromkeys(half.note for half in self.halves if half.note))

    @property
    def estimate(self) -> float:
        """Mean of the halves' estimates: the difference between what the two choices have chosen."""
        return sum(half.estimate for half in self.halves) / 2

    @property
    def low(self) -> float:
        """Mean of the halves' lower ends; from it to ``high`` covers ``estimate``'s target at 95 % or better."""
        return sum(half.low for half in self.halves) / 2

    @property
    def high(self) -> float:
        """Mean of the halves' upper ends."""
        return sum(half.high for half in self.halves) / 2


def best_of(a: pd.DataFrame, b: pd.DataFrame, metric: str, estimand: Estimand = "fixed-suite") -> BestOf:
    """Return whether the best of arm a beats the best of arm b, chosen for each task by the mean over seeds.

    Choice and test on the same seeds reward noise. On separate halves each test is valid given the choice, since
    the seeds it uses had no part in it. The two tests are not independent, for each half chooses for the other:
    one t-test over all seeds, every seed under the other half's choice, errs 7 to 9 % of the time at a level
    of 5 %. Hence Bonferroni, which holds under any dependence.

    Args:
        a: runs of several algorithms: ``BLOCK``, ``algorithm_label``, ``key``, ``pair_key`` and the metric.
        b: the runs to compare them with.
        metric: the column to compare, in [0, 1]; higher is better.
        estimand: the question that the halves answer.

    Raises:
        PairingError: if a run occurs twice in an arm, or runs of one block were made under different conditions.
    """
    a, b = (arm.assign(**{ALGORITHM: arm["algorithm_label"]}) for arm in (a, b))
    both = pd.concat([a, b])
    _refuse_strangers(both)
    tasks, seeds, algorithms = levels(both)
    left, right = (laid_out(arm, [metric], tasks, seeds, algorithms)[..., 0] for arm in (a, b))
    choices = {
        by: (best(left[:, half]), best(right[:, half]))
        for by, half in {"all": slice(None), "even": EVEN, "odd": ODD}.items()
    }
    one, other = (
        effect_of(_tested(left, right, choices[by], half, tasks, seeds), estimand, HALF_LEVEL)
        for by, half in (("even", ODD), ("odd", EVEN))
    )
    names = np.array(algorithms, dtype=object)
    chosen = pd.concat(
        [
            pd.DataFrame(tasks, columns=TASK).assign(by=by, algorithm_a=names[of_a], algorithm_b=names[of_b])
            for by, (of_a, of_b) in choices.items()
        ],
        ignore_index=True,
    )
    return BestOf(
        paper=paired(_chosen_runs(a, chosen, "a"), _chosen_runs(b, chosen, "b"), metric),
        halves=(one, other),
        chosen=chosen,
        missing=_absent(left) + _absent(right),
    )


def best(values: FloatArray) -> IntArray:
    """Return the algorithm with the largest mean over the seeds there are.

    Args:
        values: (..., tasks, seeds, algorithms), NaN where missing.

    Returns:
        (..., tasks); the first of equals, and never one without any run unless all are.
    """
    means = mean_of_present(values, axis=-2)
    return np.asarray(np.where(np.isnan(means), -np.inf, means).argmax(axis=-1))


def of_choice(values: FloatArray, choice: IntArray) -> FloatArray:
    """Return (..., tasks, seeds): the values of each task's chosen algorithm."""
    return np.take_along_axis(values, choice[..., None, None], axis=-1)[..., 0]


def _tested(
    left: FloatArray,
    right: FloatArray,
    choice: tuple[IntArray, IntArray],
    half: slice,
    tasks: tuple[tuple[str, str], ...],
    seeds: tuple[int, ...],
) -> Design:
    one, other = (of_choice(values, picks)[:, half, None] for values, picks in zip((left, right), choice, strict=True))
    low = np.nan_to_num(one, nan=0.0) - np.nan_to_num(other, nan=1.0)
    high = np.nan_to_num(one, nan=1.0) - np.nan_to_num(other, nan=0.0)
    return Design(tasks, seeds[half], ("",), one - other, low, high)


def _chosen_runs(arm: pd.DataFrame, chosen: pd.DataFrame, side: str) -> pd.DataFrame:
    final = chosen.loc[chosen["by"] == "all", [*TASK, f"algorithm_{side}"]]
    return arm.merge(final.rename(columns={f"algorithm_{side}": ALGORITHM}), on=[*TASK, ALGORITHM])


def _absent(values: FloatArray) -> int:
    """Return how many runs are missing of the algorithms that an arm has anywhere."""
    gaps = np.isnan(values)
    return int(gaps[..., ~gaps.all(axis=(0, 1))].sum())


def _refuse_strangers(runs: pd.DataFrame) -> None:
    apart = strangers(runs, BLOCK)
    if len(apart):
        dataset, positive, seed = apart.iloc[0]
        blocks = len(runs[BLOCK].drop_duplicates())
        raise PairingError(
            f"runs of {len(apart)} of {blocks} blocks do not share a pair key, so they are no pairs (first: "
            f"{dataset}/{positive} seed {seed}); run both arms again with one version of data and model"
        )
