"""What a run records of its selected positives and of the pool's scores, against brute force."""

from __future__ import annotations

import itertools
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.distance import cosine

from bench.data.corpus import split_of
from bench.informativeness import EXCERPT, informativeness
from bench.learners.fine_tune import FineTune
from bench.loop.state import score_histogram
from bench.records import SCORE_BINS
from bench.store import Store
from bench.strategies.invprop import InvProp
from bench.tasks import Oracle

ROWS = np.arange(40)
POSITIVE = ROWS % 3 == 0
VECTORS = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
TEXTS = split_of([f"text  {row}\n" for row in ROWS], POSITIVE.astype(int))


class Encoder:
    """Knows the vector of each row."""

    def pretrained(self, rows):
        return VECTORS[rows]


def measured(start, *selected, texts=TEXTS, excerpts=True):
    """Return the informativeness of a run with this start set and these batches."""
    task = SimpleNamespace(rows=ROWS, oracle=lambda: Oracle(ROWS, POSITIVE))
    at = np.array(start, dtype=np.int64)
    first = SimpleNamespace(state=SimpleNamespace(labelled=at, labels=POSITIVE[at].astype(int)))
    shared = SimpleNamespace(first=first, task=task, learner=FineTune(), model=Encoder())
    rounds = [SimpleNamespace(selected=batch) for batch in ((), *selected)]
    return informativeness(shared, SimpleNamespace(rounds=rounds), texts, excerpts=excerpts)


def positives(rows):
    return [row for row in rows if POSITIVE[row]]


def distance(a, b):
    return float(cosine(VECTORS[a].astype(float), VECTORS[b].astype(float)))


def test_the_means_are_those_of_all_pairs_and_of_the_nearest_start_positives():
    start, batches = (0, 3, 6, 1, 2), ((9, 10, 12, 15), (17, 18, 21, 22), (24, 39, 4, 5))
    record = measured(start, *batches)
    for number in range(1, 4):
        found = positives(itertools.chain(*batches[:number]))
        pairs = [distance(a, b) for a, b in itertools.combinations(found, 2)]
        nearest = [min(distance(row, known) for known in positives(start)) for row in found]
        assert record.pairwise[number - 1] == pytest.approx(np.mean(pairs), abs=2e-6)
        assert record.to_start[number - 1] == pytest.approx(np.mean(nearest), abs=2e-6)


def test_examples_span_the_distances_and_name_the_nearest_text():
    start, batch = (0, 3, 6, 1), (9, 12, 15, 18, 21, 22)
    record = measured(start, batch)
    found = sorted(positives(batch), key=lambda row: min(distance(row, known) for known in positives(start)))
    assert [example.row for example in record.examples] == [found[0], found[2], found[4]]
    for example in record.examples:
        nearest = min(positives(start), key=lambda known: distance(example.row, known))
        assert (example.nearest_row, example.nearest_text) == (nearest, f"text {nearest}")
        assert example.text == f"text {example.row}"
        assert example.distance == pytest.approx(distance(example.row, nearest), abs=2e-6)


def test_no_text_is_kept_unless_asked_for():
    told, bare = (measured((0, 3, 6, 1), (9, 12), excerpts=asked) for asked in (True, False))
    assert [(it.text, it.nearest_text) for it in bare.examples] == [(None, None)] * len(told.examples)
    assert [it.row for it in bare.examples] == [it.row for it in told.examples]
    assert (bare.pairwise, bare.to_start) == (told.pairwise, told.to_start)


def test_long_texts_are_cut():
    long = split_of(["wort " * 100] * 40, POSITIVE.astype(int))
    (example, *_) = measured((0,), (9, 12), texts=long).examples
    assert len(example.text) <= EXCERPT
    assert example.text.endswith("wort…")


@pytest.mark.parametrize(
    ("start", "batches", "pairwise", "to_start", "examples"),
    [
        ((0, 1), ((1, 2), (4, 5)), (False, False), (False, False), 0),  # no positive found
        ((0, 1), ((1, 3), (6, 5)), (False, True), (True, True), 2),  # one pair only after round 2
        ((), ((3, 6),), (True,), (False,), 0),  # cold start
        ((1, 2), ((3, 6),), (True,), (False,), 0),  # a start set without positives
        ((0,), ((3,), ()), (False, False), (True, True), 1),  # the pool ran dry
    ],
)
def test_what_cannot_be_measured_is_none(start, batches, pairwise, to_start, examples):
    record = measured(start, *batches)
    assert tuple(value is not None for value in record.pairwise) == pairwise
    assert tuple(value is not None for value in record.to_start) == to_start
    assert len(record.examples) == examples


@pytest.mark.parametrize("bins", [2, 5, 10, 15, 20])
def test_the_histogram_holds_invprops_bins_exactly(bins):
    """Also for p on the edges of bins: merged, its bins are InvProp's, and each occupied one has the same weight."""
    p = np.concatenate([np.arange(bins + 1) / bins, np.random.default_rng(1).random(50) ** 3])
    w = InvProp(bins).weights(SimpleNamespace(probabilities=p))
    histogram = score_histogram(p, w)
    rows = np.reshape(histogram.rows, (bins, -1)).sum(axis=1)
    weight = np.reshape(histogram.weight, (bins, -1)).sum(axis=1)
    assert rows.sum() == len(p)
    np.testing.assert_allclose(weight, (rows > 0) / (rows > 0).sum(), atol=1e-4)
    for edge in np.unique(w):
        assert round(1 / edge) in rows


def test_an_empty_pool_has_an_empty_histogram():
    histogram = score_histogram(np.empty(0), np.empty(0))
    assert histogram.rows == (0,) * SCORE_BINS
    assert sum(histogram.weight) == 0.0


def test_stored_runs_hold_the_pool_by_score_and_the_weight_of_what_they_selected(finished):
    for record in Store(finished).records():
        free = record.rounds[1].selected_p is None
        for entry in record.rounds:
            assert (entry.pool_p is None) == (entry.pool_w is None) == (free or entry.round == 0)
            if entry.pool_p is None:
                continue
            assert sum(entry.pool_p) == record.pool.rows - entry.labelled + len(entry.selected)
            assert sum(entry.pool_w) == pytest.approx(1, abs=1e-4)
            of_selected = np.histogram(entry.selected_p, np.arange(SCORE_BINS + 1) / SCORE_BINS)[0]
            assert (of_selected <= entry.pool_p).all()
            if record.spec.strategy.weighting.name == "uniform":
                np.testing.assert_allclose(entry.pool_w, np.array(entry.pool_p) / sum(entry.pool_p), atol=1e-6)


def test_stored_runs_measure_in_the_pre_trained_space(finished, toy_corpus, tiny_bert):
    """Embedding each text alone, by hand, gives what the runs recorded."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    model, tokenizer = AutoModel.from_pretrained(tiny_bert).eval(), AutoTokenizer.from_pretrained(tiny_bert)
    law = toy_corpus.train.labels == toy_corpus.label_number("law")

    @cache
    def vector(row):
        text = toy_corpus.train.texts[row].as_py()
        with torch.no_grad():
            return model(**tokenizer(text, truncation=True, max_length=32, return_tensors="pt"))[0][0].mean(0).numpy()

    measured = 0
    for record in Store(finished).records():
        found = [row for entry in record.rounds for row in entry.selected if law[row]]
        known = [row for row in record.start_rows if law[row]]
        tolerance = {"abs": 0.02 if record.provenance.precision == "bf16" else 1e-4}
        if len(found) > 1:
            pairs = [cosine(vector(a), vector(b)) for a, b in itertools.combinations(found, 2)]
            assert record.informativeness.pairwise[-1] == pytest.approx(np.mean(pairs), **tolerance)
        if found:
            nearest = [min(cosine(vector(a), vector(b)) for b in known) for a in found]
            assert record.informativeness.to_start[-1] == pytest.approx(np.mean(nearest), **tolerance)
            measured += 1
    assert measured


def test_a_record_from_before_these_fields_is_still_read(finished):
    record = next(Store(finished).records())
    old = record.model_dump(mode="json", exclude={"informativeness"})
    for entry in old["rounds"]:
        del entry["pool_p"], entry["pool_w"]
    read = type(record).model_validate(old)
    assert read.informativeness is None
    assert read.rounds[-1].pool_p is None
