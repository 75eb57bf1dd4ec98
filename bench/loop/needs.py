"""What the query of a round reads, and the passes which that takes: decided here for the loop and for a plan of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from bench.records import ModelSettings, RunSpec, Start, Strategy
from bench.strategies.base import Algorithm, Weighting
from bench.strategies.catalogue import build_strategy
from bench.strategies.strategy import needs_of
from bench.strategies.view import OUTPUTS, Need

W = TypeVar("W")
_KNOWN: dict[tuple[str, bool], frozenset[Need]] = {}


def weighting_in(number: int, start: Start, weighting: W) -> W | None:
    """Return the weighting of the query of round ``number`` (from 1).

    None in round 1 of a cold start, which has no trained model to weight by (SPEC, "Loop").
    """
    return None if number == 1 and start == "cold" else weighting


def query_needs(algorithm: Algorithm, weighting: Weighting, number: int, start: Start) -> frozenset[Need]:
    """Return what a strategy reads in the query of round ``number`` (from 1)."""
    return needs_of(algorithm, weighting_in(number, start, weighting))


def needs_in(strategy: Strategy, number: int, start: Start) -> frozenset[Need]:
    """Return the same of a strategy as it is recorded; remembered, since a grid names a few strategies many times."""
    key = (repr(strategy), weighting_in(number, start, strategy) is None)
    if key not in _KNOWN:
        _KNOWN[key] = query_needs(*build_strategy(strategy), number, start)
    return _KNOWN[key]


def first_query_needs(runs: Iterable[RunSpec]) -> frozenset[Need]:
    """Return what the first queries of a block's runs read of M_0, all together."""
    return frozenset(need for run in runs for need in needs_in(run.strategy, 1, run.block.start))


def run_needs(run: RunSpec) -> frozenset[Need]:
    """Return what the queries of a run read, all together: those of the last round, since none reads more."""
    return needs_in(run.strategy, run.settings.loop.rounds, run.block.start)


def is_judged(number: int, rounds: int) -> bool:
    """Return whether the judge is trained after round ``number``: on the start set, and after the last round."""
    return number in {0, rounds}


@dataclass(frozen=True)
class Passes:
    """What M_t and its committees compute for one query.

    Attributes:
        pool: whether M_t is applied to the pool. embeddings: whether h(x) is kept, too.
        dropout: passes of M_t under dropout masks, over the unlabelled rows.
        members: further models of the ensemble; each is fitted, and applied to the unlabelled rows.
    """

    pool: bool = False
    embeddings: bool = False
    dropout: int = 0
    members: int = 0

    @classmethod
    def of(cls, needs: frozenset[Need], model: ModelSettings) -> Passes:
        """Return the passes of a query with these needs."""
        return cls(
            pool=bool(OUTPUTS & needs),
            embeddings="embeddings" in needs,
            dropout=model.dropout_passes if "dropout" in needs else 0,
            members=model.ensemble_members - 1 if "ensemble" in needs else 0,  # the first member is M_t itself
        )

    def work(self, unlabelled: int, labelled: int, fitted: float) -> dict[str, tuple[int, float]]:
        """Return stage -> (calls, rows of all of them), for a pool of so many rows and fits that step over so many.

        M_t is applied to labelled rows, too: some algorithms read what it predicts for them, and what it predicts for
        a row, to the last bit, must not depend on which strategies a grid holds.
        """
        every: dict[str, tuple[int, float]] = {
            "score_pool": (int(self.pool), self.pool * (unlabelled + labelled)),
            "score_dropout": (self.dropout, self.dropout * unlabelled),
            "fit_members": (self.members if labelled else 0, self.members * fitted),
            "score_members": (self.members, self.members * unlabelled),
        }
        return {stage: work for stage, work in every.items() if work[0]}
