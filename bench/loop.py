"""Algorithm 1 of the paper: label a start set, then for T rounds query, label, fine-tune and evaluate.

A :class:`SharedBlock` owns what the strategies of a block share: the task, the start set, M_0 and what it says,
and surprisal. :func:`run_strategy` is the loop. Rows are positions in the task's pool throughout; only the record
speaks of row numbers of the dataset.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from bench import seeds
from bench.data.tokens import TokenTable
from bench.errors import RunError
from bench.model.encoder import Encoder, Scores
from bench.model.surprisal import Surprisal, SurprisalSource
from bench.records import Block, Round, Settings
from bench.strategies.base import Algorithm, Weighting
from bench.strategies.strategy import choose, needs_of
from bench.strategies.view import FloatArray, Need, PoolOutputs, PoolView
from bench.tasks import ImbalancedTask, block_parts, oversample

Positions = npt.NDArray[np.int64]
Report = Callable[[int, str], None]
OUTPUTS: frozenset[Need] = frozenset({"probabilities", "embeddings"})
"""What takes a pass of the classifier over the pool."""


@dataclass
class Stages:
    """Seconds and rows per stage of a round."""

    seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def measure(self, stage: str, rows: int) -> Iterator[None]:
        """Record the time of the body and the rows it works on."""
        began = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - began, 6)
        self.rows[stage] = rows


@dataclass(frozen=True)
class Labelling:
    """Which rows of the pool are labelled, in order of labelling, and which are not, ascending."""

    labelled: Positions
    labels: npt.NDArray[np.int64]
    unlabelled: Positions

    def with_labels(self, picked: Positions, labels: npt.NDArray[np.int64]) -> Labelling:
        """Return the state after ``picked`` positions were labelled."""
        return Labelling(
            np.concatenate([self.labelled, picked]),
            np.concatenate([self.labels, labels]),
            np.setdiff1d(self.unlabelled, picked, assume_unique=True),
        )


@dataclass(frozen=True)
class FirstModel:
    """M_0 as all runs of a block share it: the start set, its evaluation, and what it says of the pool."""

    state: Labelling
    record: Round
    test_probabilities: npt.NDArray[np.float32]
    outputs: PoolOutputs | None


@dataclass(frozen=True)
class RunResult:
    """What a run yields. ``test_probabilities`` is (rounds + 1, m)."""

    rounds: tuple[Round, ...]
    test_probabilities: npt.NDArray[np.float32]

    @property
    def positives_ratio(self) -> float:
        """Positives among the selected rows; the start set is excluded."""
        selected = sum(len(r.selected) for r in self.rounds)
        return sum(r.selected_positives for r in self.rounds) / selected if selected else float("nan")


@dataclass
class SharedBlock:
    """What the runs of a block share; whatever is expensive is computed on first use, and once.

    Attributes:
        needs_at_start: what any of the runs to come reads of M_0, so that one pass serves them all.
    """

    block: Block
    settings: Settings
    task: ImbalancedTask
    encoder: Encoder
    train_tokens: TokenTable
    test_tokens: TokenTable
    surprisal_source: SurprisalSource
    needs_at_start: frozenset[Need]

    def __post_init__(self) -> None:
        self.oracle = self.task.oracle()

    @cached_property
    def surprisal(self) -> Surprisal:
        """Surprisal of all rows of the pool."""
        return self.surprisal_source.embeddings(self.task.rows)

    @cached_property
    def first(self) -> FirstModel:
        """M_0, fitted on the start set (cold start: the pre-trained encoder with its untrained head)."""
        start = self.task.start_set(self.block, self.settings.loop)
        at = np.searchsorted(self.task.rows, start)
        state = Labelling(at, self.oracle.reveal(start), np.setdiff1d(np.arange(len(self.task.rows)), at))
        stages = Stages()
        self.fit(state, 0, stages)
        evaluation, probabilities = self.evaluate(stages)
        outputs = self.score_pool(state, self.needs_at_start, stages)
        record = self.round_record(0, state, stages, evaluation)
        return FirstModel(state, record, probabilities, outputs)

    def parts(self, number: int) -> dict[str, str | int]:
        """Return the parts that name the random streams of a round."""
        return {**block_parts(self.block), "round": number}

    def fit(self, state: Labelling, number: int, stages: Stages) -> None:
        """Bring the encoder to M_t, from the pre-trained checkpoint, on all labelled rows."""
        parts = self.parts(number)
        at = np.arange(len(state.labelled))
        if self.settings.loop.oversample:
            at = oversample(state.labels, seeds.generator("oversample", **parts))
        with stages.measure("fit", len(at) * self.settings.train.epochs):
            if len(at):
                rows = self.task.rows[state.labelled[at]]
                self.encoder.fit(self.train_tokens, rows, state.labels[at], self.settings.train, **parts)
            else:
                self.encoder.reset(**parts)

    def evaluate(self, stages: Stages) -> tuple[dict[str, float], npt.NDArray[np.float32]]:
        """Return the metrics of the encoder as it stands, and its probabilities, on the test set."""
        with stages.measure("score_test", len(self.task.test_rows)):
            p = self.encoder.score(self.test_tokens, self.task.test_rows).probabilities
        y = self.task.test_labels
        metrics = {
            "balanced_accuracy": float(balanced_accuracy_score(y, p >= 0.5)),
            "auc": float(roc_auc_score(y, p)),
        }
        return metrics, p.astype(np.float32)

    def score_pool(self, state: Labelling, needs: frozenset[Need], stages: Stages) -> PoolOutputs | None:
        """Return what the encoder says of the unlabelled rows; None, without a pass, if nobody asks for it."""
        if not OUTPUTS & needs:
            return None
        n = len(state.unlabelled)
        # The labelled rows, at most a few hundred, always come along: some algorithms read what is said of them, and
        # what a model says of a row, to the last bit, must not depend on which strategies a grid holds.
        at = np.concatenate([state.unlabelled, state.labelled])
        with stages.measure("score_pool", len(at)):
            scores: Scores = self.encoder.score(self.train_tokens, self.task.rows[at], embeddings="embeddings" in needs)
        p, h = scores.probabilities, scores.embeddings
        if h is None:
            return PoolOutputs(p[:n], p[n:])
        return PoolOutputs(p[:n], p[n:], h[:n], h[n:])

    def view(self, state: Labelling, needs: frozenset[Need], outputs: PoolOutputs | None, number: int) -> PoolView:
        """Return what a strategy sees in a round."""

        def computed() -> PoolOutputs:
            if outputs is None:
                raise RunError("a strategy read outputs that it does not declare as needed")
            return outputs

        luck = seeds.generator("priority", **self.parts(number)).random(len(self.task.rows))
        return PoolView(
            size=len(state.unlabelled),
            round=number,
            labels=state.labels,
            priority=luck[state.unlabelled],
            generator=seeds.generator("select", **self.parts(number)),
            needs=needs,
            compute_outputs=computed,
            compute_surprisal=lambda: self.surprisal.embeddings[state.unlabelled],
        )

    def round_record(
        self,
        number: int,
        state: Labelling,
        stages: Stages,
        metrics: dict[str, float],
        query: Query | None = None,
    ) -> Round:
        """Return the record of a finished round."""
        chosen = query.picked if query else np.empty(0, dtype=np.int64)
        return Round(
            round=number,
            labelled=len(state.labelled),
            labelled_positives=int(state.labels.sum()),
            selected=tuple(self.task.rows[chosen].tolist()),
            selected_p=None if query is None or query.p is None else tuple(query.p.tolist()),
            selected_w=tuple(query.w.tolist()) if query else (),
            selected_positives=int(state.labels[len(state.labels) - len(chosen) :].sum()),
            seconds=stages.seconds,
            rows=stages.rows,
            peak_memory_mb=round(self.encoder.hardware.peak_memory_mb(), 1),
            **metrics,
        )


@dataclass(frozen=True)
class Query:
    """What a strategy picked: positions in the pool, their w, and their p where a pass was made."""

    picked: Positions
    w: FloatArray
    p: FloatArray | None


def run_strategy(shared: SharedBlock, algorithm: Algorithm, weighting: Weighting, report: Report) -> RunResult:
    """Run Algorithm 1 for one strategy in a block; ``report`` is told round and stage."""
    state, loop = shared.first.state, shared.settings.loop
    history, probabilities = [shared.first.record], [shared.first.test_probabilities]
    for number in range(1, loop.rounds + 1):
        stages = Stages()
        shared.encoder.hardware.reset_peak()
        report(number, "query")
        query = ask(shared, algorithm, weighting, state, number, stages)
        state = state.with_labels(query.picked, shared.oracle.reveal(shared.task.rows[query.picked]))
        report(number, f"fit on {len(state.labelled)} rows")
        shared.fit(state, number, stages)
        metrics, on_test = shared.evaluate(stages)
        history.append(shared.round_record(number, state, stages, metrics, query))
        probabilities.append(on_test)
    return RunResult(tuple(history), np.stack(probabilities))


def ask(
    shared: SharedBlock,
    algorithm: Algorithm,
    weighting: Weighting,
    state: Labelling,
    number: int,
    stages: Stages,
) -> Query:
    """Let a strategy pick its batch of a round, under M_{t-1}."""
    # Round 1 of a cold start has no trained model to weight by (SPEC, "Loop").
    weights = None if number == 1 and shared.block.start == "cold" else weighting
    needs = needs_of(algorithm, weights)
    if "surprisal" in needs:
        with stages.measure("surprisal", len(shared.task.rows)):
            _ = shared.surprisal
    if not OUTPUTS & needs:
        outputs = None
    else:
        outputs = shared.first.outputs if number == 1 else shared.score_pool(state, needs, stages)
    view = shared.view(state, needs, outputs, number)
    with stages.measure("select", view.size):
        picks, w = choose(algorithm, weights, view, shared.settings.loop.batch)
    p = None if outputs is None else outputs.probabilities[picks]
    return Query(state.unlabelled[picks], w[picks], p)
