"""Made-up runs in the number and shape of the paper's: what a report is timed on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import product

import numpy as np

from bench import seeds
from bench.arrays import Float32Array
from bench.data.facts import AG_NEWS, DBPEDIA_14, PUBMED_20K_RCT, SST2, DatasetFacts
from bench.records import (
    SCORE_BINS,
    Block,
    Component,
    Example,
    Informativeness,
    PoolFacts,
    Provenance,
    Round,
    RunRecord,
    RunSpec,
    Settings,
    Start,
    Strategy,
    Task,
)
from bench.store import Store
from bench.store.codec import encode_probabilities, encode_record

ALGORITHMS, BINS = ("alps", "badge", "dal", "random"), (2, 5, 15, 20)
RATIOS, SWEEP = (2, 10, 20, 50, 100, 200, 1000), 100
EFFECT = {"uniform": 0.0, "posprob": 0.01, "invprop": 0.02}
"""How much better a weighting is, in each metric."""
SETTINGS = Settings()
MADE = Provenance(
    finished="2026-01-01T00:00:00+00:00",
    host="made-up",
    device="none",
    precision="fp32",
    threads=1,
    versions=dict.fromkeys(("python", "torch", "transformers", "numpy"), "1.2.3"),
    git_commit=None,
    git_dirty=None,
    data_source="made up",
    model_source="made up",
    lm_head="checkpoint",
)


def records(seed: int) -> Iterator[RunRecord]:
    """Yield all that the paper ran of one seed, 1,282 runs: main and extreme grid, cold starts, sweep of bins."""
    tasks = [(facts, rare) for facts in (AG_NEWS, DBPEDIA_14, PUBMED_20K_RCT, SST2) for rare in facts.paper_tasks]
    for (facts, rare), ratio in product(tasks, RATIOS):
        for algorithm, weighting in product(ALGORITHMS, EFFECT):
            yield _run(facts, rare, ratio, seed, "warm", algorithm, weighting)
        if ratio == SWEEP and facts is AG_NEWS:
            for algorithm, bins in product(ALGORITHMS, BINS):
                yield _run(facts, rare, ratio, seed, "warm", algorithm, "invprop", bins)
        if ratio == 50:
            for weighting in EFFECT:
                yield _run(facts, rare, ratio, seed, "cold", "badge", weighting)


def write(store: Store, runs: Iterable[RunRecord], probabilities: Float32Array | None = None) -> None:
    """Store runs as the store does, but without its flush of each file, which a disk needs minutes for.

    Args:
        store: where.
        runs: from :func:`records`.
        probabilities: of the test set, (rounds + 1, n_test), for each of them; None for no such file.
    """
    content = None if probabilities is None else encode_probabilities(probabilities)
    for record in runs:
        path, kept = store.file_of(record.key), record
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.with_suffix(".npy").write_bytes(content)
            kept = record.model_copy(update={"test_probabilities_sha256": hashlib.sha256(content).hexdigest()})
        path.write_bytes(encode_record(kept)[1])


def _run(
    facts: DatasetFacts, rare: str, ratio: int, seed: int, start: Start, algorithm: str, weighting: str, bins: int = 10
) -> RunRecord:
    block = Block(task=Task(dataset=facts.name, positive=rare), ratio=ratio, seed=seed, start=start)
    options = {"bins": bins} if weighting == "invprop" else {}
    strategy = Strategy(algorithm=Component(name=algorithm), weighting=Component(name=weighting, options=options))
    spec = RunSpec(block=block, strategy=strategy, settings=SETTINGS)
    fingerprint = seeds.digest(facts.name)
    common = seeds.generator("simulation", block=str(block))  # what strategies share
    own = seeds.generator("simulation", block=str(block), strategy=f"{algorithm} {weighting} {bins}")
    better = EFFECT[weighting] + 0.02 * (algorithm != "random") + 0.01 * np.log10(ratio)
    quality = np.clip(common.normal(0.75, 0.03) + better + own.normal(0, 0.02), 0.5, 0.99)
    share = np.clip(1.5 / ratio + better + own.normal(0, 0.02), 0.0, 1.0)
    pool = sum(facts.train_rows_per_class) // 2
    rounds = tuple(_rounds(own, quality, share, pool))
    found = sum(one.selected_positives for one in rounds)
    return RunRecord(
        key=spec.key(fingerprint),
        spec=spec,
        status="ok",
        fingerprint=fingerprint,
        pair_key=seeds.digest(str(block)),
        pool=PoolFacts(
            rows=pool,
            positives=pool // ratio,
            dropped_positives=9,
            dropped_negatives=0,
            test_rows=sum(facts.test_rows_per_class),
            test_positives=facts.test_rows_per_class[0],
        ),
        start_rows=tuple(own.integers(0, pool, 10).tolist()),
        rounds=rounds,
        metrics={"positives_ratio": found / (SETTINGS.loop.rounds * SETTINGS.loop.batch)},
        informativeness=_informativeness(own),
        seconds=float(own.gamma(9, 9)),
        provenance=MADE,
        test_probabilities_sha256=seeds.digest(str(spec), 64),
    )


def _rounds(own: np.random.Generator, quality: float, share: float, pool: int) -> Iterator[Round]:
    """Yield the rounds of a run whose last model is of this quality, and whose selections hold this share."""
    batch, last = SETTINGS.loop.batch, SETTINGS.loop.rounds
    positives = 5
    for number in range(last + 1):
        found = int(own.binomial(batch, share)) if number else 0
        positives += found
        level = 0.5 + (quality - 0.5) * (number + 1) / (last + 1)
        histogram = own.multinomial(pool, own.dirichlet(np.ones(SCORE_BINS)))
        yield Round(
            round=number,
            labelled=10 + batch * number,
            labelled_positives=positives,
            selected=tuple(own.integers(0, pool, batch).tolist()) if number else (),
            selected_p=tuple(own.random(batch).tolist()) if number else None,
            selected_w=tuple(own.random(batch).tolist()) if number else (),
            selected_positives=found,
            pool_p=tuple(histogram.tolist()) if number else None,
            pool_w=tuple((histogram / pool).round(6).tolist()) if number else None,
            metrics={"balanced_accuracy": level - 0.05, "auc": level},
            seconds={name: round(float(own.gamma(2, 2)), 6) for name in ("select", "fit", "score_test", "score_pool")},
            rows={"select": pool, "fit": 10 + batch * number, "score_test": 1900, "score_pool": pool},
            peak_memory_mb=1234.5,
        )


def _informativeness(own: np.random.Generator) -> Informativeness:
    rounds = SETTINGS.loop.rounds
    text = "An excerpt of a text as long as those that runs keep, of which it says nothing else. " * 2
    return Informativeness(
        pairwise=tuple(own.uniform(0.5, 0.9, rounds).round(6).tolist()),
        to_start=tuple(own.uniform(0.3, 0.7, rounds).round(6).tolist()),
        examples=tuple(
            Example(row=number, text=text[:160], nearest_row=number + 1, nearest_text=text[:160], distance=0.4)
            for number in range(3)
        ),
    )
