"""What a comparison says, as numbers and as a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from analysis.stats import Estimand

OF = {
    "fixed-suite": "on {tasks}",
    "new-tasks": "for new tasks like {tasks}",
    "new-datasets": "for new datasets like those of {tasks}",
}


@dataclass(frozen=True, repr=False)
class Comparison:
    """What matched runs say of the difference of two strategies in a metric; printed, it is one sentence.

    Attributes:
        a, b: the strategies. metric: its name; title: as tables print it. higher_is_better: whether it is.
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
        from analysis.stats import ALPHA

        return self.p < ALPHA

    def __str__(self) -> str:
        tasks = f"these {self.tasks} tasks" if self.tasks > 1 else "this task"
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


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" + ("s" if count > 1 else "")


def _p(p: float) -> str:
    return f"{p:.2g}" if p < 0.1 else f"{p:.2f}"
