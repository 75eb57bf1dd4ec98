"""The weighted k-means of ALPS against scikit-learn's: the inertia that each ends with, on pools of real texts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from bench import __version__, seeds
from bench.arrays import FloatArray
from bench.data.sources import default_positives, load_corpus
from bench.learners.base import Material
from bench.learners.probe import Probe
from bench.loop.query import view_of
from bench.loop.shared import SharedBlock
from bench.model.hardware import Hardware
from bench.perf.clock import seconds
from bench.perf.report import Measure, PerfReport
from bench.records import Block, ModelSettings, Settings, Task
from bench.strategies.base import WEIGHTINGS
from bench.strategies.kmeans import weighted_kmeans, weighted_rows
from bench.strategies.select import clean_weights
from bench.strategies.view import Need
from bench.tasks import build_task

DATASETS = ("sst2", "pubmed_20k_rct", "dbpedia_14", "ag_news")
NAMES = ("uniform", "posprob", "invprop")
RATIO, ROWS, CLUSTERS, SEEDS = 50, 3000, 50, 5
NEEDS: frozenset[Need] = frozenset({"embeddings", "probabilities"})
GOAL = "at most 1.01"


@dataclass(frozen=True)
class WeightedPool:
    """Rows (n, d) and their weights (n,). ``name`` says of which texts and under which weighting."""

    name: str
    X: torch.Tensor
    w: FloatArray


def measure(
    hardware: Hardware, data_dir: Path | None, cache_dir: Path, *, quick: bool, tell: Callable[[str], None]
) -> PerfReport:
    """Compare inertias on the pools of all tasks of the paper, each under one of its weightings in turn.

    Args:
        hardware: device and precision.
        data_dir: a mirror of the datasets; None for the Hub.
        cache_dir: where embeddings are kept.
        quick: the first three pools, two seeds.
        tell: called with what is being measured.

    Raises:
        DataError: if a dataset is not there.
    """
    load = os.getloadavg()[0]
    pools = islice(_pools(hardware, data_dir, cache_dir, tell), 3 if quick else None)
    found = [compare(pool, hardware, 2 if quick else SEEDS) for pool in pools]
    return PerfReport(
        version=__version__,
        kind=f"clustering, {hardware.device.type}",
        device=f"{hardware.name}, {torch.get_num_threads()} threads, torch {torch.__version__}",
        texts={},
        load=(load, os.getloadavg()[0]),
        measures=tuple(found),
    )


def compare(pool: WeightedPool, hardware: Hardware, number: int) -> Measure:
    """Measure the mean inertia over seeds of both, in float64 by its definition."""
    from sklearn.cluster import KMeans

    X, took, ours, theirs = pool.X.cpu().numpy(), [0.0, 0.0], [], []
    for seed in range(number):

        def we(seed: int = seed) -> None:
            with weighted_rows(pool.X.clone(), pool.w) as rows:
                ours.append(_inertia(rows.X, pool.w, weighted_kmeans(rows, CLUSTERS, _rng(seed)).centres))

        def they(seed: int = seed) -> None:
            fitted = KMeans(CLUSTERS, n_init=1, random_state=seed).fit(X, sample_weight=pool.w)
            theirs.append(_inertia(pool.X.cpu(), pool.w, torch.from_numpy(fitted.cluster_centers_)))

        took = [took[0] + seconds(we, hardware), took[1] + seconds(they, hardware)]
    return Measure(
        stage=f"inertia {pool.name}", value=float(np.mean(ours)), unit="", better="lower", goal=GOAL,
        floor=f"scikit-learn's {np.mean(theirs):.4g}, mean of {number} seeds (best against best "
        f"{min(ours) / min(theirs):.4f}, time {took[0] / took[1]:.2f})",
        ratio=float(np.mean(ours) / np.mean(theirs)),
    )  # fmt: skip


def _rng(seed: int) -> np.random.Generator:
    return seeds.generator("calibration", seed=seed)


def _inertia(X: torch.Tensor, w: FloatArray, centres: torch.Tensor) -> float:
    nearest = torch.cdist(X.double(), centres.to(X.device).double()).amin(1).cpu().numpy()
    return float(w @ nearest**2)


def _pools(
    hardware: Hardware, data_dir: Path | None, cache_dir: Path, tell: Callable[[str], None]
) -> Iterator[WeightedPool]:
    """Yield rows of each task's pool at 1/50: embeddings, and weights by a probe that was fitted on the start set."""
    number = 0
    for dataset in DATASETS:
        corpus = load_corpus(dataset, data_dir=data_dir, cache_dir=cache_dir)
        for positive in default_positives(dataset, corpus):
            weighting = WEIGHTINGS.get(NAMES[number % len(NAMES)])()
            number += 1
            tell(f"inertia {dataset}/{positive}")
            settings = Settings(model=ModelSettings(name="offline"))
            block = Block(task=Task(dataset=dataset, positive=positive), ratio=RATIO, seed=0, start="warm")
            task = build_task(corpus, block.task, RATIO, "warm", settings.pool, settings.loop)
            material = Material(
                corpus.train, corpus.test, task.rows, task.test_rows, settings, cache_dir, hardware.device.type
            )
            learner = Probe()
            shared = SharedBlock(block, settings, task, learner, learner.begin(material), NEEDS)
            view = view_of(shared, shared.first.state, NEEDS, shared.first.outputs, 1)
            w = clean_weights(weighting.weights(view), view.size, weighting.name)
            some = np.sort(np.argsort(view.priority, kind="stable")[:ROWS])
            X = view.embeddings[torch.from_numpy(some)].to(hardware.device)
            yield WeightedPool(f"{dataset}/{positive} 1/{RATIO} {weighting.name}", X, w[some])
