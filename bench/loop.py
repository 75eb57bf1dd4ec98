"""Algorithm 1 of the paper: label a start set, then for T rounds query, label, train and evaluate.

A :class:`SharedBlock` owns what the strategies of a block share: the task, the start set, M_0 and what it says,
and surprisal. :func:`run_strategy` is the loop. Rows are positions in the task's pool throughout; only the record
speaks of row numbers of the dataset.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench import seeds
from bench.errors import RunError
from bench.learners.base import Learner, Model, Scores, Which
from bench.metrics.catalogue import round_values
from bench.model.standard_state import standard_state
from bench.records import METRICS, SCORE_BINS, Block, Round, Settings
from bench.seeds import Part, Streams
from bench.strategies.base import Algorithm, Weighting
from bench.strategies.lent import SpoiltError, lent, unchanged
from bench.strategies.strategy import choose, needs_of
from bench.strategies.view import OUTPUTS, BatchOracle, FloatArray, Need, PoolOutputs, PoolView
from bench.tasks import ImbalancedTask, Oracle, block_parts, bootstrap, oversample

if TYPE_CHECKING:
    from bench.model.surprisal import Surprisal

Positions = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int64]
JUDGE = "judge."
"""Begins the names of the judge's metrics."""
Report = Callable[[int, str], None]


@dataclass
class Stages:
    """Seconds and rows per stage of a round."""

    seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def measure(self, stage: str, rows: int) -> Iterator[None]:
        """Add the time of the body and the rows it works on to a stage."""
        began = time.perf_counter()
        yield
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.perf_counter() - began, 6)
        self.rows[stage] = self.rows.get(stage, 0) + rows


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
    """M_0 as all runs of a block share it: the start set, its evaluation, and what it says of the pool.

    Attributes:
        test_probabilities: (m,). judged: (m,) the judge's, or None where there is none.
    """

    state: Labelling
    record: Round
    test_probabilities: npt.NDArray[np.float32]
    judged: npt.NDArray[np.float32] | None
    outputs: PoolOutputs


@dataclass(frozen=True)
class RunResult:
    """What a run yields.

    Attributes:
        test_probabilities: (rounds + 1, m); with a judge (rounds + 3, m), the last two the judge's at M_0 and
            after the last round.
    """

    rounds: tuple[Round, ...]
    test_probabilities: npt.NDArray[np.float32]


@dataclass
class SharedBlock:
    """What the runs of a block share; whatever is expensive is computed on first use, and once.

    Attributes:
        learner: what is trained. model: the learner at work on the block's texts; it holds the last model fitted.
        needs_at_start: what any of the runs to come reads of M_0, so that one pass serves them all.
        judge: a second learner at work on the same texts.
    """

    block: Block
    settings: Settings
    task: ImbalancedTask
    learner: Learner
    model: Model
    needs_at_start: frozenset[Need]
    judge: Model | None = None

    @cached_property
    def surprisal(self) -> Surprisal:
        """Surprisal of all rows of the pool."""
        return self.model.surprisal(self.task.rows)

    @cached_property
    def pretrained(self) -> FloatArray:
        """Text embeddings of all rows of the pool that no label has bent, (n, e); M_{t-1} is gone afterwards."""
        return self.model.pretrained(self.task.rows)

    @cached_property
    def first(self) -> FirstModel:
        """M_0, fitted on the start set (cold start: an untrained head)."""
        start = self.task.start_set(self.block, self.settings.loop)
        at = np.searchsorted(self.task.rows, start)
        state = Labelling(at, self.task.oracle().reveal(start), np.setdiff1d(np.arange(len(self.task.rows)), at))
        stages = Stages()
        if "pretrained" in self.needs_at_start:
            with stages.measure("pretrained", len(self.task.rows)):
                _ = self.pretrained
        self.fit(state, 0, stages)
        evaluation, probabilities = self.evaluate(stages)
        outputs = self.score_pool(state, self.needs_at_start, 0, stages)
        of_judge, judged = self.judged(state, 0, stages)
        record = self.round_record(0, state, stages, evaluation | of_judge)
        return FirstModel(state, record, probabilities, judged, outputs)

    def parts(self, number: int) -> dict[str, str | int]:
        """Return the parts that name the random streams of a round."""
        return {**block_parts(self.block), "round": number}

    def fit(self, state: Labelling, number: int, stages: Stages, member: int = 0) -> None:
        """Bring the model to M_t, from scratch, on all labelled rows.

        ``member`` > 0 gives another model of the same ensemble: it is fitted under other random draws.
        """
        parts = self.parts(number) | ({"member": member} if member else {})
        at = self._training_rows(state.labels, parts, bootstrapped=member > 0 and self.learner.bootstraps)
        with stages.measure("fit_members" if member else "fit", len(at) * self.model.epochs):
            self.model.fit(self.task.rows[state.labelled[at]], state.labels[at], Streams(parts))

    def _training_rows(self, labels: Labels, parts: Mapping[str, Part], *, bootstrapped: bool) -> Positions:
        """Return the positions among the labelled rows that a fit steps over, (n,), with repeats."""
        at = np.arange(len(labels))
        if bootstrapped:
            at = bootstrap(labels, seeds.generator("bootstrap", **parts))
        if self.settings.loop.oversample:
            at = at[oversample(labels[at], seeds.generator("oversample", **parts))]
        return at

    def evaluate(self, stages: Stages) -> tuple[dict[str, float], npt.NDArray[np.float32]]:
        """Return the metrics of the model as it stands, and its probabilities, on the test set."""
        with stages.measure("score_test", len(self.task.test_rows)):
            p = self._score("test", self.task.test_rows).probabilities
        return round_values(self.task.test_labels, p, self.task.prevalence), p.astype(np.float32)

    def judged(
        self, state: Labelling, number: int, stages: Stages
    ) -> tuple[dict[str, float], npt.NDArray[np.float32] | None]:
        """Return the judge's metrics and probabilities on the test set after a fit on all labelled rows, as M_t's.

        The model of M_t may be gone afterwards, where both are of one encoder. What a learner's selections are worth to
        another one (Lowell et al. 2019) shows at the end, and how much they added to the start set: so it is asked
        about M_0 and after the last round, and not in between, where it would cost as much again.
        """
        if self.judge is None:
            return {}, None
        parts = self.parts(number)
        at = self._training_rows(state.labels, parts, bootstrapped=False)
        with stages.measure("fit_judge", len(at) * self.judge.epochs):
            self.judge.fit(self.task.rows[state.labelled[at]], state.labels[at], Streams(parts))
        rows = self.task.test_rows
        with stages.measure("score_judge", len(rows)):
            p = self.judge.score("test", rows).checked(len(rows)).probabilities
        found = round_values(self.task.test_labels, p, self.task.prevalence, METRICS)
        return {JUDGE + name: value for name, value in found.items()}, p.astype(np.float32)

    def _score(self, which: Which, rows: Positions, **options: Any) -> Scores:
        """Return what the model as it stands says of rows of a split, checked."""
        return self.model.score(which, rows, **options).checked(len(rows))

    def score_pool(self, state: Labelling, needs: frozenset[Need], number: int, stages: Stages) -> PoolOutputs:
        """Return what M_t, which the model is, and its committees say of the pool, as far as it is needed.

        Args:
            state: what M_t was fitted on.
            needs: what is to be computed.
            number: t.
            stages: where time and rows are recorded.
        """
        if not OUTPUTS & needs:
            return PoolOutputs()
        n = len(state.unlabelled)
        # The labelled rows, at most a few hundred, always come along: some algorithms read what is said of them, and
        # what a model says of a row, to the last bit, must not depend on which strategies a grid holds.
        rows = self.task.rows[np.concatenate([state.unlabelled, state.labelled])]
        with stages.measure("score_pool", len(rows)):
            scores = self._score("train", rows, embeddings="embeddings" in needs)
        p, h = scores.probabilities, scores.embeddings
        return PoolOutputs(
            probabilities=p[:n],
            labelled_probabilities=p[n:],
            embeddings=None if h is None else h[:n],
            labelled_embeddings=None if h is None else h[n:],
            dropout=self._dropout(rows[:n], number, stages) if "dropout" in needs else None,
            # Last, because fitting the other members takes M_t out of the model.
            ensemble=self._ensemble(p[:n], state, number, stages) if "ensemble" in needs else None,
        )

    def _dropout(self, rows: Positions, number: int, stages: Stages) -> FloatArray:
        """Return (c, n): M_t under c dropout masks."""
        votes = []
        for mask in range(self.settings.model.dropout_passes):
            stream = seeds.torch_seed("mc_dropout", **self.parts(number), mask=mask)
            with stages.measure("score_dropout", len(rows)):
                votes.append(self.model.dropout(rows, stream))
        return np.stack(votes)

    def _ensemble(self, p: FloatArray, state: Labelling, number: int, stages: Stages) -> FloatArray:
        """Return (c, n): M_t, whose probabilities are given, and c - 1 models fitted alike on other random draws."""
        rows, votes = self.task.rows[state.unlabelled], [p]
        for member in range(1, self.settings.model.ensemble_members):
            self.fit(state, number, stages, member)
            with stages.measure("score_members", len(rows)):
                votes.append(self._score("train", rows).probabilities)
        return np.stack(votes)

    def view(self, state: Labelling, needs: frozenset[Need], outputs: PoolOutputs, number: int) -> PoolView:
        """Return what a strategy sees in a round."""
        luck = seeds.generator("priority", **self.parts(number)).random(len(self.task.rows))
        if "surprisal" in needs:
            outputs = replace(outputs, surprisal=self.surprisal.of(state.unlabelled))
        if "pretrained" in needs:
            of_all = self.pretrained
            outputs = replace(outputs, pretrained=of_all[state.unlabelled], labelled_pretrained=of_all[state.labelled])
        return PoolView(
            size=len(state.unlabelled),
            round=number,
            labels=state.labels,
            priority=luck[state.unlabelled],
            generator=seeds.generator("select", **self.parts(number)),
            needs=needs,
            outputs=outputs,
            device=self.surprisal.device if "surprisal" in needs else "cpu",
        )

    @contextmanager
    def kept(self, outputs: PoolOutputs, needs: frozenset[Need], algorithm: Algorithm) -> Iterator[None]:
        """Keep what a query was lent from reaching the runs after it: a spoilt M_0 is fitted and applied anew.

        Raises:
            RunError: if the algorithm, or its weighting, wrote into the embeddings.
        """
        try:
            with unchanged(outputs, needs, algorithm.name):
                yield
        except SpoiltError:
            if outputs is self.first.outputs:
                del self.first
            raise

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
            pool_p=query.pool.rows if query and query.pool else None,
            pool_w=query.pool.weight if query and query.pool else None,
            selected_positives=int(state.labels[len(state.labels) - len(chosen) :].sum()),
            state=query.state if query else None,
            seconds=stages.seconds,
            rows=stages.rows,
            peak_memory_mb=round(self.model.peak_memory_mb(), 1),
            metrics=metrics,
        )


@dataclass(frozen=True)
class ScoreHistogram:
    """The pool by p in ``SCORE_BINS`` bins: rows per bin, and their share of the weight."""

    rows: tuple[int, ...]
    weight: tuple[float, ...]


def score_histogram(p: FloatArray, w: FloatArray) -> ScoreHistogram:
    """Return the histogram of p (n,), and of the weights w (n,) over the same bins."""
    edges = np.arange(SCORE_BINS + 1) / SCORE_BINS  # i / m exactly, as InvProp bins them
    rows, _ = np.histogram(p, edges)
    weight, _ = np.histogram(p, edges, weights=w)
    share = weight / w.sum() if len(w) else weight
    return ScoreHistogram(tuple(rows.tolist()), tuple(share.round(6).tolist()))


@dataclass(frozen=True)
class Query:
    """A batch: positions in the pool, their labels, w, p and the pool by p where a pass was made, a bandit's state."""

    picked: Positions
    labels: npt.NDArray[np.int64]
    w: FloatArray
    p: FloatArray | None
    pool: ScoreHistogram | None
    state: dict[str, Any] | None


def run_strategy(shared: SharedBlock, algorithm: Algorithm, weighting: Weighting, report: Report) -> RunResult:
    """Run Algorithm 1 for one strategy in a block; ``report`` is told round and stage."""
    state, loop = shared.first.state, shared.settings.loop
    history, probabilities = [shared.first.record], [shared.first.test_probabilities]
    for number in range(1, loop.rounds + 1):
        stages = Stages()
        shared.model.reset_peak()
        report(number, "query")
        query = ask(shared, algorithm, weighting, state, history[-1], stages)
        state = state.with_labels(query.picked, query.labels)
        report(number, f"fit on {len(state.labelled)} rows")
        shared.fit(state, number, stages)
        metrics, on_test = shared.evaluate(stages)
        of_judge, judged = shared.judged(state, number, stages) if number == loop.rounds else ({}, None)
        metrics |= of_judge
        history.append(shared.round_record(number, state, stages, metrics, query))
        probabilities.append(on_test)
    probabilities += [p for p in (shared.first.judged, judged) if p is not None]
    return RunResult(tuple(history), np.stack(probabilities))


def ask(
    shared: SharedBlock,
    algorithm: Algorithm,
    weighting: Weighting,
    state: Labelling,
    last: Round,
    stages: Stages,
) -> Query:
    """Let a strategy pick its batch of the round after ``last``, under M_{t-1}."""
    number = last.round + 1
    # Round 1 of a cold start has no trained model to weight by (SPEC, "Loop").
    weights = None if number == 1 and shared.block.start == "cold" else weighting
    needs = needs_of(algorithm, weights)
    if "surprisal" in needs:
        with stages.measure("surprisal", len(shared.task.rows)):
            _ = shared.surprisal
    outputs = shared.first.outputs if number == 1 else shared.score_pool(state, needs, last.round, stages)
    rows, batch = shared.task.rows[state.unlabelled], min(shared.settings.loop.batch, len(state.unlabelled))
    labels = shared.task.oracle()  # of this query alone, so that it is known whose labels it revealed
    oracle = BatchOracle(lambda row: int(labels.reveal(rows[[row]])[0]), batch)
    view = shared.view(state, needs, outputs, number)
    view = lent(replace(view, state=last.state, oracle=oracle if "oracle" in needs else None))
    with stages.measure("select", view.size), shared.kept(outputs, needs, algorithm), standard_state():
        choice = choose(algorithm, weights, view, shared.settings.loop.batch)
    picks, p = choice.picks, outputs.probabilities if OUTPUTS & needs else None
    return Query(
        picked=state.unlabelled[picks],
        labels=_labels_of(rows[picks], labels, algorithm),
        w=choice.w[picks],
        p=None if p is None else p[picks],
        pool=None if p is None else score_histogram(p, choice.w),
        state=None if choice.state is None else choice.state.model_dump(mode="json"),
    )


def _labels_of(batch: Positions, oracle: Oracle, algorithm: Algorithm) -> npt.NDArray[np.int64]:
    """Return the labels of a batch from the oracle itself, whatever the algorithm made of those it bought.

    Raises:
        RunError: unless the labels revealed for this query, by whatever way, are those of the batch.
    """
    labels = oracle.reveal(batch)
    others = oracle.revealed_rows - set(batch.tolist())
    if others:
        raise RunError(
            f"algorithm {algorithm.name!r} saw the labels of {len(others)} rows beyond its batch of {len(batch)}, such "
            f"as row {min(others)} of the dataset; buy labels by view.ask alone, and return the rows bought"
        )
    return labels
