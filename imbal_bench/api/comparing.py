"""``ib.compare``: one strategy against another, over matched runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    import pandas as pd

    from analysis.inference import Effect, Estimand
    from bench.records import Block, Strategy
    from imbal_bench.api.parts import StrategyLike
    from imbal_bench.api.runs import Runs

ALPHA = 0.05
OF = {
    "fixed-suite": "on {tasks}",
    "new-tasks": "for new tasks like {tasks}",
    "new-datasets": "for new datasets like those of {tasks}",
}


@dataclass(frozen=True, repr=False)
class Comparison:
    """What matched runs say of the difference of two strategies in a metric; printed, it is one sentence.

    Attributes:
        a, b: the strategies. metric: its name; title: how it is spelt. higher_is_better: whether it is.
        condition: ratio, start and learner of the runs.
        estimand: what is asked: of these tasks (``fixed-suite``: a unit is a seed), of new tasks, or of new datasets.
        tasks: how many. n: units; unit: what one is.
        estimate: mean of a - b over the units. low, high: its 95 % t-interval. p: two-sided t-test over the units.
        pairs, missing: matched runs there should be, and how many of these lack a run. hole: which units that costs.
        note: why there is no test; interval and p are NaN then.
    """

    a: str
    b: str
    metric: str
    title: str
    higher_is_better: bool
    condition: str
    estimand: Estimand
    tasks: int
    n: int
    unit: str
    estimate: float
    low: float
    high: float
    p: float
    pairs: int
    missing: int
    hole: str
    note: str

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the estimate."""
        return self.low, self.high

    @property
    def significant(self) -> bool:
        """Whether p is below 0.05."""
        return self.p < ALPHA

    def __str__(self) -> str:
        tasks = f"{'these ' if self.tasks > 1 else 'this '}{_counted(self.tasks, 'task')}"
        where = f"{OF[self.estimand].format(tasks=tasks)} ({self.condition})"
        worse = "" if self.higher_is_better else ", where lower is better"
        if self.note:
            differs = f"{self.title} differs by {self.estimate:+.4f}"
            return f"{self.a} against {self.b} {where}: {differs}; {self.note}{self._rest}."
        if self.significant:
            says = (
                f"{self.a} has a {'higher' if self.estimate > 0 else 'lower'} {self.title} than {self.b} {where}{worse}"
            )
        else:
            says = f"No significant difference in {self.title} between {self.a} and {self.b} {where}{worse}"
        numbers = f"{self.estimate:+.4f} (95 % interval {self.low:+.4f} to {self.high:+.4f}), p = {_p(self.p)}"
        return f"{says}: {numbers}, two-sided t-test over {_counted(self.n, self.unit)}{self._rest}."

    __repr__ = __str__

    @property
    def _rest(self) -> str:
        return f"; {self.hole}" if self.hole else "; no run is missing"


class Comparisons(Mapping[str, Comparison]):
    """Comparisons by metric; printed, a sentence each. They are not corrected for their number."""

    def __init__(self, found: Mapping[str, Comparison]) -> None:
        self._found = dict(found)

    def __getitem__(self, metric: str) -> Comparison:
        return self._found[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def frame(self) -> pd.DataFrame:
        """Return the same as a frame, a line a metric."""
        import pandas as pd

        return pd.DataFrame([vars(one) for one in self._found.values()])

    def __str__(self) -> str:
        return "\n".join(map(str, self._found.values()))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        columns = ["title", "estimate", "low", "high", "p", "n", "missing"]
        text = "".join(f"<p>{one}</p>" for one in self._found.values())
        return f"{text}{self.frame()[columns].to_html(index=False, border=0, float_format='{:.4g}'.format)}"


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

    Runs that are missing are counted and never guessed; see :func:`analysis.inference.effect`.

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
    from bench.grid.pairs import spelt
    from imbal_bench.api.parts import written

    there = {spelt(run.strategy): run.strategy for run in runs.specs.values()}
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
    for name, wanted in given.items():
        there = list(dict.fromkeys(_facts(run.block)[name] for run in runs.specs.values()))
        if wanted is None and len(there) > 1:
            spelt = " or ".join(f"{name}={one!r}" for one in there)
            raise SpecError(f"the runs are of several {name}s, which are never pooled; say which: {spelt}")
        if wanted is not None and wanted not in there:
            raise SpecError(f"there are no runs of {name} {wanted!r}; there are: {', '.join(map(repr, there))}")
        found[name] = there[0] if wanted is None else wanted
    return found


def _facts(block: Block) -> dict[str, object]:
    learner = " judged by ".join(part.spelt for part in block.learners)
    return {"ratio": block.ratio, "start": block.start, "learner": learner}


def _compared(
    runs: Runs, a: Strategy, b: Strategy, metric: str, estimand: Estimand, condition: dict[str, object]
) -> Comparison:
    from analysis import metric_title
    from bench.grid.pairs import spelt
    from bench.metrics.catalogue import named
    from bench.records import ratio_text

    blocks = {str(run.block): run.block for run in runs.specs.values() if _facts(run.block) == condition}
    known = named(metric)
    effect = _effect(runs, a, b, known.name, estimand, blocks)
    p = effect.p if isnan(effect.p) else min(1.0, 2 * min(effect.p, effect.p_less))
    return Comparison(
        a=spelt(a),
        b=spelt(b),
        metric=known.name,
        title=metric_title(known.name).removesuffix(" (lower is better)"),
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
    """
    import pandas as pd

    from analysis import Store, read_results
    from analysis.inference import differences, effect
    from bench.errors import SpecError

    stored = read_results(Store(runs.store)).runs
    if metric not in stored or not stored[stored["key"].isin(runs.specs)][metric].notna().any():
        raise SpecError(
            f"no run here has the metric {metric}; imbal-bench rescore {runs.store} --metrics {metric} adds it"
        )
    arms = [
        stored[
            stored["key"].isin(
                [key for key, run in runs.specs.items() if run.strategy == arm and str(run.block) in blocks]
            )
        ]
        for arm in (a, b)
    ]
    rows = [(block.task.dataset, block.task.positive, block.seed) for block in blocks.values()]
    expected = pd.DataFrame(rows, columns=["dataset", "positive", "seed"])
    return effect(differences(arms[0], arms[1], metric, expected=expected), estimand)


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" + ("s" if count > 1 else "")


def _p(p: float) -> str:
    return f"{p:.2g}" if p < 0.1 else f"{p:.2f}"
