"""What the strategies of a block share: the task, the start set, M_0 and its predictions, and surprisal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import seeds
from bench.arrays import Float32Array, FloatArray, IntArray, Labels
from bench.data.corpus import ADD_FEATURES, Corpus
from bench.errors import RunError
from bench.learners.base import Learner, Model, Scores, Which
from bench.loop.needs import Passes, is_judged
from bench.loop.state import Labelling, Query, Stages
from bench.metrics.catalogue import round_values
from bench.records import JUDGE, METRICS, Block, Round, Settings
from bench.seeds import StreamPart, Streams
from bench.strategies.view import Need, PoolOutputs
from bench.tasks import ImbalancedTask, block_parts, bootstrap, oversample

if TYPE_CHECKING:
    from bench.model.surprisal import Surprisal


@dataclass(frozen=True)
class FirstModel:
    """M_0 as all runs of a block share it: the start set, its evaluation, and its predictions for the pool.

    Attributes:
        test_probabilities: (m,). judged: (m,) the judge's, or None where there is none.
    """

    state: Labelling
    record: Round
    test_probabilities: Float32Array
    judged: Float32Array | None
    outputs: PoolOutputs


@dataclass
class SharedBlock:
    """What the runs of a block share; whatever is expensive is computed on first use, and once.

    Attributes:
        learner: what is trained. model: the learner at work on the block's texts; it holds the last model fitted.
        first_needs: what the first queries of the runs to come read of M_0, so that one pass serves them all.
        judge: a second learner at work on the same texts.
        corpus: the dataset, for strategies that see texts or a user's own features.
    """

    block: Block
    settings: Settings
    task: ImbalancedTask
    learner: Learner
    model: Model
    first_needs: frozenset[Need]
    judge: Model | None = None
    corpus: Corpus | None = None

    def texts(self, rows: IntArray) -> tuple[str, ...]:
        """Return the texts of some rows of the pool.

        Raises:
            RunError: if the block was made without its dataset.
        """
        if self.corpus is None:
            raise RunError("the strategy needs texts, and this block was made without its dataset")
        return self.corpus.train.texts_of(self.task.rows[rows])

    @cached_property
    def features(self) -> FloatArray:
        """The user's own vectors of all rows of the pool, (n, f).

        Raises:
            RunError: if the dataset brings none.
        """
        if self.corpus is None or self.corpus.features is None:
            raise RunError(f"the strategy needs features, and {self.block.task.dataset} brings none; {ADD_FEATURES}")
        found: FloatArray = self.corpus.features.values[self.task.rows]
        return found

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
        if "pretrained" in self.first_needs:
            with stages.measure("pretrained", len(self.task.rows)):
                _ = self.pretrained
        self.fit(state, 0, stages)
        evaluation, probabilities = self.evaluate(stages)
        outputs = self.score_pool(state, self.first_needs, 0, stages)
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

    def _training_rows(self, labels: Labels, parts: Mapping[str, StreamPart], *, bootstrapped: bool) -> IntArray:
        """Return the positions among the labelled rows that a fit steps over, (n,), with repeats."""
        at = np.arange(len(labels))
        if bootstrapped:
            at = bootstrap(labels, seeds.generator("bootstrap", **parts))
        if self.settings.loop.oversample:
            at = at[oversample(labels[at], seeds.generator("oversample", **parts))]
        return at

    def evaluate(self, stages: Stages) -> tuple[dict[str, float], Float32Array]:
        """Return the metrics of the model as it stands, and its probabilities, on the test set."""
        with stages.measure("score_test", len(self.task.test_rows)):
            p = self._score("test", self.task.test_rows).probabilities
        return round_values(self.task.test_labels, p, self.task.prevalence), p.astype(np.float32)

    def judged(self, state: Labelling, number: int, stages: Stages) -> tuple[dict[str, float], Float32Array | None]:
        """Return the judge's metrics and probabilities on the test set after a fit on all labelled rows, as M_t's.

        None in rounds without a judge.

        The model of M_t may be gone afterwards, where both are of one encoder. What a learner's selections are worth to
        another one (Lowell et al. 2019) shows at the end, and how much they added to the start set: hence
        :func:`bench.loop.needs.is_judged`; in between it would cost as much again.
        """
        if self.judge is None or not is_judged(number, self.settings.loop.rounds):
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

    def _score(self, which: Which, rows: IntArray, **options: Any) -> Scores:
        """Return the predictions of the model as it stands for rows of a split, checked."""
        return self.model.score(which, rows, **options).checked(len(rows))

    def score_pool(self, state: Labelling, needs: frozenset[Need], number: int, stages: Stages) -> PoolOutputs:
        """Return the predictions of M_t, which the model is, and of its committees for the pool, as far as needed.

        Args:
            state: what M_t was fitted on.
            needs: what is to be computed.
            number: t.
            stages: where time and rows are recorded.
        """
        passes = Passes.of(needs, self.settings.model)
        if not passes.pool:
            return PoolOutputs()
        n = len(state.unlabelled)
        # The labelled rows, at most a few hundred, always come along: see `Passes.work`.
        rows = self.task.rows[np.concatenate([state.unlabelled, state.labelled])]
        with stages.measure("score_pool", len(rows)):
            scores = self._score("train", rows, embeddings=passes.embeddings)
        p, h = scores.probabilities, scores.embeddings
        return PoolOutputs(
            probabilities=p[:n],
            labelled_probabilities=p[n:],
            embeddings=None if h is None else h[:n],
            labelled_embeddings=None if h is None else h[n:],
            dropout=self._dropout(rows[:n], number, passes.dropout, stages) if passes.dropout else None,
            # Last, because fitting the other members takes M_t out of the model.
            ensemble=self._ensemble(p[:n], state, number, passes.members, stages) if passes.members else None,
        )

    def _dropout(self, rows: IntArray, number: int, passes: int, stages: Stages) -> FloatArray:
        """Return (c, n): M_t under c dropout masks."""
        votes = []
        for mask in range(passes):
            stream = seeds.torch_seed("mc_dropout", **self.parts(number), mask=mask)
            with stages.measure("score_dropout", len(rows)):
                votes.append(self.model.dropout(rows, stream))
        return np.stack(votes)

    def _ensemble(self, p: FloatArray, state: Labelling, number: int, further: int, stages: Stages) -> FloatArray:
        """Return (c, n): M_t, whose probabilities are given, and c - 1 further models fitted on other random draws."""
        rows, votes = self.task.rows[state.unlabelled], [p]
        for member in range(1, further + 1):
            self.fit(state, number, stages, member)
            with stages.measure("score_members", len(rows)):
                votes.append(self._score("train", rows).probabilities)
        return np.stack(votes)

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
