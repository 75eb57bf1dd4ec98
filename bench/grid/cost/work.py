"""Amounts of work by stage, and their sum as one number before a machine's speed is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SCORING = ("score_pool", "score_test", "score_dropout", "score_members", "pretrained", "embed")
FITTING = ("fit", "fit_members")
LIGHT_FIT, LIGHT_ROW = 200.0, 0.005
"""Of a learner whose class states its speed, a fit and a row scored in tokens that an encoder scores in that time."""


@dataclass(frozen=True)
class Workload:
    """How often a stage is called, and on how many rows and tokens in all (tokens by the dataset's mean length)."""

    calls: int = 0
    rows: float = 0.0
    tokens: float = 0.0

    def __add__(self, other: Workload) -> Workload:
        return Workload(self.calls + other.calls, self.rows + other.rows, self.tokens + other.tokens)


@dataclass(frozen=True)
class Cost:
    """What has to be computed, by stage.

    Attributes:
        stages: named as in a round's record, but for ``select NAME`` (rows of the pool an algorithm selects from),
            ``fit NAME`` and ``score NAME`` of a learner whose class states its speed, and ``embed`` (the texts of a
            split by a frozen encoder, once).
            Rows of ``fit`` are stepped over in all epochs; an expectation, since oversampling depends on what is found.
    """

    stages: Mapping[str, Workload] = field(default_factory=dict)

    def __add__(self, other: Cost) -> Cost:
        names = [*self.stages, *(name for name in other.stages if name not in self.stages)]
        return Cost({name: self.of(name) + other.of(name) for name in names})

    def times(self, count: int) -> Cost:
        """Return the cost of doing this so many times."""
        return Cost(
            {name: Workload(w.calls * count, w.rows * count, w.tokens * count) for name, w in self.stages.items()}
        )

    def of(self, *stages: str) -> Workload:
        """Return the work of some stages together."""
        return sum((self.stages.get(stage, Workload()) for stage in stages), Workload())

    @property
    def fits(self) -> int:
        """Models fine-tuned."""
        return self.of(*FITTING).calls

    @property
    def fit_rows(self) -> float:
        """Rows stepped over."""
        return self.of(*FITTING).rows

    @property
    def score_rows(self) -> int:
        """Rows of pools and test sets that the classifier scores."""
        return int(self.of(*SCORING).rows)

    @property
    def weight(self) -> float:
        """One number for the cost, before a machine is known: a token trained on costs about eight scored."""
        light = sum(
            LIGHT_FIT * work.calls if name.startswith("fit ") else LIGHT_ROW * work.rows
            for name, work in self.stages.items()
            if name.startswith(("fit ", "score "))
        )
        return 8 * self.of(*FITTING).tokens + self.of(*SCORING).tokens + light
