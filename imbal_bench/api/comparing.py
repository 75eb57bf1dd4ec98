"""``ib.compare``: one strategy against another, over matched runs."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, overload

from imbal_bench.api.comparison import Comparison, Comparisons

if TYPE_CHECKING:
    from analysis.stats import Effect, Estimand
    from bench.arrays import IntArray
    from bench.records import Block, Strategy
    from imbal_bench.api.parts import StrategyLike
    from imbal_bench.api.runs import Runs


@overload
def compare(
    runs: Runs, a: StrategyLike, b: StrategyLike, *, metric: str, estimand: Estimand = ...,
    ratio: int | str | None = ..., start: str | None = ..., learner: str | None = ...,
) -> Comparison: ...  # fmt: skip
@overload
def compare(
    runs: Runs, a: StrategyLike, b: StrategyLike, *, metric: None = None, estimand: Estimand = ...,
    ratio: int | str | None = ..., start: str | None = ..., learner: str | None = ...,
) -> Comparisons: ...  # fmt: skip
def compare(
    runs: Runs,
    a: StrategyLike,
    b: StrategyLike,
    *,
    metric: str | None = None,
    estimand: Estimand = "fixed-suite",
    ratio: int | str | None = None,
    start: str | None = None,
    learner: str | None = None,
) -> Comparison | Comparisons:
    """Return the evidence that strategy a differs from strategy b, over runs matched by task and seed.

    Runs that are missing are counted and never guessed; see :func:`analysis.stats.effect`.

    Args:
        runs: of :func:`imbal_bench.run`.
        a: a strategy, as for :func:`imbal_bench.run`.
        b: the one it is compared with.
        metric: a metric of ``imbal-bench list metrics``, or its alias; None: the paper's three.
        estimand: ``fixed-suite`` (of these tasks), ``new-tasks`` or ``new-datasets``.
        ratio: which, if the runs are of several; they are never pooled.
        start: likewise.
        learner: likewise, as ``runs.frame()`` spells it.

    Returns:
        A comparison; without ``metric`` one for each metric, by name.

    Raises:
        UnknownNameError: if there are no runs of such a strategy, or there is no such metric.
        SpecError: if the runs are of several ratios, starts or learners, and none of them is named.
        PairingError: if runs of a pair were made under different conditions.
    """
    from analysis import METRICS

    one, other = _strategy(runs, a), _strategy(runs, b)
    condition = _condition(runs, {"ratio": ratio, "start": start, "learner": learner})
    found = {
        name: _compared(runs, one, other, name, estimand, condition)
        for name in (METRICS if metric is None else [metric])
    }
    return Comparisons(found) if metric is None else found[metric]


def _strategy(runs: Runs, given: StrategyLike) -> Strategy:
    """Return the strategy of some runs that is meant; options need not be named where only one variant was run.

    Raises:
        UnknownNameError: if there is none. SpecError: if there are several.
    """
    from bench.errors import SpecError, UnknownNameError
    from imbal_bench.api.parts import written

    there = {run.strategy.as_typed: run.strategy for run in runs.specs.values()}
    name = given if isinstance(given, str) else written(given)
    named = [one for one in there if name in {one, str(there[one])}]
    if name not in there and len(named) > 1:
        raise SpecError(f"the runs are of {len(named)} variants of {name}: {', '.join(named)}; name one of these")
    if not named:
        raise UnknownNameError("strategy of these runs", name, there)
    return there[name if name in there else named[0]]


def _condition(runs: Runs, given: dict[str, int | str | None]) -> dict[str, object]:
    """Return ratio, start and learner of the runs to compare.

    Raises:
        SpecError: if there are several and none is named, or none of that name.
    """
    from bench.errors import SpecError

    found: dict[str, object] = {}
    for name, value in given.items():
        wanted = _learner_as_typed(value) if name == "learner" and isinstance(value, str) else value
        there = list(dict.fromkeys(_facts(run.block)[name] for run in runs.specs.values()))
        if wanted is None and len(there) > 1:
            choices = " or ".join(f"{name}={one!r}" for one in there)
            raise SpecError(f"the runs are of several {name}s, which are never pooled; say which: {choices}")
        if wanted is not None and wanted not in there:
            raise SpecError(f"there are no runs of {name} {wanted!r}; there are: {', '.join(map(repr, there))}")
        found[name] = there[0] if wanted is None else wanted
    return found


def _learner_as_typed(text: str) -> str:
    """Return how a learner is recorded, whatever way its options are written: ``tfidf:C=1`` is ``tfidf:C=1.0``."""
    from bench.errors import BenchError
    from bench.learners.catalogue import component, learner

    try:
        return component(learner(text)).as_typed
    except BenchError:  # it is not known here, or judged by another
        return text


def _facts(block: Block) -> dict[str, object]:
    from bench.records import learners_as_typed

    return {"ratio": block.ratio, "start": block.start, "learner": learners_as_typed(block.learners)}


def _compared(
    runs: Runs, a: Strategy, b: Strategy, metric: str, estimand: Estimand, condition: dict[str, object]
) -> Comparison:
    from analysis import metric_title
    from bench.metrics.catalogue import named
    from bench.records import ratio_text

    blocks = {str(run.block): run.block for run in runs.specs.values() if _facts(run.block) == condition}
    known = named(metric)
    effect = _effect(runs, a, b, known.name, estimand, blocks)
    p = effect.p if isnan(effect.p) else min(1.0, 2 * min(effect.p, effect.p_less))
    return Comparison(
        a=a.as_typed,
        b=b.as_typed,
        metric=known.name,
        title=_within_a_sentence(metric_title(known.name).removesuffix(" (lower is better)")),
        higher_is_better=known.higher_is_better,
        condition=f"{ratio_text(condition['ratio'])}, {condition['start']} start, {condition['learner']}",  # type: ignore[arg-type]
        estimand=estimand,
        tasks=len({block.task for block in blocks.values()}),
        n=effect.n,
        unit=effect.unit,
        estimate=effect.estimate,
        low=effect.low,
        high=effect.high,
        p=p,
        pairs=effect.pairs,
        missing=effect.missing,
        hole=effect.hole,
        note=effect.note,
    )


def _effect(runs: Runs, a: Strategy, b: Strategy, metric: str, estimand: Estimand, blocks: dict[str, Block]) -> Effect:
    """Return the one-sided evidence of matched runs; every block of the grid should hold a pair.

    Raises:
        SpecError: if no run has the metric.
        PairingError: if runs of a pair were made under different conditions.
    """
    import numpy as np

    from analysis import Store, read_results
    from analysis.cube import COLUMNS, Cube, numbers_of, placed
    from analysis.stats import Design, effect
    from bench.errors import PairingError, SpecError

    stored = read_results(Store(runs.store)).runs
    keys = [_keys(runs, strategy, blocks) for strategy in (a, b)]
    own = stored[stored["key"].isin({*keys[0], *keys[1]})].reset_index(drop=True)
    if len(own) and (metric not in own or not own[metric].notna().any()):
        raise SpecError(f"no run here has the metric {metric}; imbal-bench rescore STORE --metrics {metric} adds it")
    own = own if metric in own else own.assign(**{metric: float("nan")})
    cube = Cube.of(own, own[:0], own[:0])
    tasks = sorted({(block.task.dataset, block.task.positive) for block in blocks.values()})
    seeds = sorted({block.seed for block in blocks.values()})

    def numbers(arm: list[str]) -> IntArray:
        """Return the number of an arm's run of each task and seed; -1 where there is none."""
        lines = np.flatnonzero(own["key"].isin(arm))
        mine = own.iloc[lines]
        at = numbers_of(mine[COLUMNS["task"]], tasks), numbers_of(mine[COLUMNS["seed"]], seeds)
        return np.append(lines, -1)[placed(mine, at, (len(tasks), len(seeds)))]

    one, other = map(numbers, keys)
    both = (one >= 0) & (other >= 0)
    if why := cube.why_unpaired(one[both], other[both]):
        raise PairingError(why)
    ours, theirs = (cube.values(metric, arm)[..., None] for arm in (one, other))
    return effect(Design.of(ours, theirs, tasks, seeds), estimand)


def _keys(runs: Runs, strategy: Strategy, blocks: dict[str, Block]) -> list[str]:
    """Return the keys of a strategy's runs in some blocks."""
    return [key for key, run in runs.specs.items() if run.strategy == strategy and str(run.block) in blocks]


def _within_a_sentence(title: str) -> str:
    """Return a title without its capital, unless that is one of an abbreviation."""
    return title[0].lower() + title[1:] if title[1:2].islower() and title != "Brier score" else title
