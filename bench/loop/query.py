"""The query of a round: a strategy sees a view of the pool and selects a batch, whose labels the oracle reveals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bench import seeds
from bench.arrays import IntArray, Labels
from bench.errors import RunError
from bench.loop.needs import Passes, query_needs, weighting_in
from bench.loop.shared import SharedBlock
from bench.loop.state import Labelling, Query, Stages, score_histogram
from bench.model.standard_state import standard_state
from bench.records import Round
from bench.strategies.base import Algorithm, Weighting
from bench.strategies.lent import SpoiltError, lent, unchanged
from bench.strategies.strategy import choose
from bench.strategies.view import BatchOracle, Need, PoolOutputs, PoolView
from bench.tasks import Oracle


def query_batch(
    shared: SharedBlock,
    algorithm: Algorithm,
    weighting: Weighting,
    state: Labelling,
    last: Round,
    stages: Stages,
) -> Query:
    """Let a strategy pick its batch of the round after ``last``, under M_{t-1}."""
    number = last.round + 1
    start, batch = shared.block.start, shared.settings.loop.batch
    weights, needs = weighting_in(number, start, weighting), query_needs(algorithm, weighting, number, start)
    if "surprisal" in needs:
        with stages.measure("surprisal", len(shared.task.rows)):
            _ = shared.surprisal
    outputs = shared.first.outputs if number == 1 else shared.score_pool(state, needs, last.round, stages)
    rows = shared.task.rows[state.unlabelled]
    labels = shared.task.oracle()  # of this query alone, so that it is known whose labels it revealed
    oracle = BatchOracle(lambda row: int(labels.reveal(rows[[row]])[0]), min(batch, len(rows)))
    view = view_of(shared, state, needs, outputs, number)
    view = lent(replace(view, state=last.state, oracle=oracle if "oracle" in needs else None))
    with stages.measure("select", view.size), _kept(shared, outputs, needs, algorithm), standard_state():
        choice = choose(algorithm, weights, view, batch)
    passes = Passes.of(needs, shared.settings.model)
    picks, p = choice.picks, outputs.probabilities if passes.pool else None
    return Query(
        picked=state.unlabelled[picks],
        labels=_labels_of(rows[picks], labels, algorithm),
        w=choice.w[picks],
        p=None if p is None else p[picks],
        pool=None if p is None else score_histogram(p, choice.w),
        state=None if choice.state is None else choice.state.model_dump(mode="json"),
    )


def view_of(
    shared: SharedBlock, state: Labelling, needs: frozenset[Need], outputs: PoolOutputs, number: int
) -> PoolView:
    """Return what a strategy sees in round ``number``."""
    if "surprisal" in needs:
        outputs = replace(outputs, surprisal=shared.surprisal.of(state.unlabelled))
    if "pretrained" in needs:
        of_all = shared.pretrained
        outputs = replace(outputs, pretrained=of_all[state.unlabelled], labelled_pretrained=of_all[state.labelled])
    if "features" in needs:
        of_all = shared.features
        outputs = replace(outputs, features=of_all[state.unlabelled], labelled_features=of_all[state.labelled])
    if "texts" in needs:
        outputs = replace(outputs, texts=shared.texts(state.unlabelled), labelled_texts=shared.texts(state.labelled))
    parts = shared.parts(number)
    return PoolView(
        size=len(state.unlabelled),
        round=number,
        labels=state.labels,
        priority=seeds.generator("priority", **parts).random(len(shared.task.rows))[state.unlabelled],
        generator=seeds.generator("select", **parts),
        needs=needs,
        outputs=outputs,
        device=shared.surprisal.device if "surprisal" in needs else "cpu",
    )


@contextmanager
def _kept(shared: SharedBlock, outputs: PoolOutputs, needs: frozenset[Need], algorithm: Algorithm) -> Iterator[None]:
    """Keep changes by a query from reaching the runs after it: an M_0 that was written into is fitted anew.

    Raises:
        RunError: if the algorithm, or its weighting, wrote into the embeddings.
    """
    try:
        with unchanged(outputs, needs, algorithm.name):
            yield
    except SpoiltError:
        if outputs is shared.first.outputs:
            del shared.first
        raise


def _labels_of(batch: IntArray, oracle: Oracle, algorithm: Algorithm) -> Labels:
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
