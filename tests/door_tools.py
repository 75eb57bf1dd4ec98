"""What tests of the door run: a tiny grid, and plug-ins."""

TINY = {
    "tasks": "toy/law",
    "ratios": 10,
    "learner": "tfidf",
    "loop_rounds": 2,
    "loop_batch": 6,
    "pool_limit": 120,
}
"""A grid whose runs take a tenth of a second each."""

NEAR = '''
"""A strategy of a user's own."""

from dataclasses import dataclass

import numpy as np

from bench.strategies.base import Algorithm, Weighting


@dataclass(frozen=True)
class Near(Algorithm):
    """Rows whose probability is nearest to a level."""

    name = "near"
    title = "Near"
    paper = "none"
    needs = frozenset({{"probabilities"}})
    level: float = {level}

    def select(self, view, w, k):
        {body}
        return np.lexsort((view.priority, np.abs(view.probabilities - self.level)))[:k]


@dataclass(frozen=True)
class Squared(Weighting):
    """The square of p."""

    name = "squared"
    title = "Squared"
    paper = "none"

    def weights(self, view):
        return view.probabilities**2
'''


def near(level: float = 0.5, body: str = "pass") -> str:
    """Return a module with an algorithm ``near`` and a weighting ``squared``."""
    return NEAR.format(level=level, body=body)
