"""Runs a minute of the linear probe, by strategy, against a bare loop; and what the grid adds to a run.

The bare loop makes the very same fits, products and queries, with NumPy, scikit-learn and the strategy alone: no
metric, no check, no record, nothing stored. Paces are by the processors' time, which neighbours on the machine change
little; what is added to a run is given by the clock too, since waiting for a disk counts.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy.special import expit

from bench import __version__, seeds
from bench.arrays import FloatArray
from bench.config import GridSpec
from bench.data.corpus import Corpus, split_of
from bench.data.export import export_mirror
from bench.grid.expansion.blocks import BlockJob
from bench.grid.expansion.expand import expand
from bench.grid.messages import BlockReport, WorkerContext
from bench.grid.worker.heartbeat import process_name
from bench.grid.worker.run_block import BlockWorker, run_block
from bench.grid.world import World
from bench.learners.linear import LinearModel, logistic_regression
from bench.learners.probe import Probe
from bench.loop.needs import query_needs
from bench.loop.query import view_of
from bench.loop.rounds import run_strategy
from bench.loop.shared import SharedBlock
from bench.loop.state import Labelling
from bench.model.hardware import Hardware
from bench.model.shapes import Shape, save_random
from bench.perf.report import Measure, PerfReport
from bench.records import ModelSettings, RunRecord, RunSpec
from bench.store import Store
from bench.strategies.catalogue import build_strategy
from bench.strategies.strategy import choose
from bench.strategies.view import PoolOutputs
from bench.tasks import block_parts, oversample

POOL, QUICK_POOL, RATIO, TEST = 30_000, 3_000, 50, 2_000
SHAPE = Shape(layers=1, hidden=384, heads=12, inner=64)
"""As wide as the offline encoder, and as fast as can be."""
WORDS, TEXT = 2_000, 6
ALGORITHMS = ("random", "entropy", "badge", "alps", "dal")
WEIGHTINGS = ("uniform", "invprop")
CHEAP = ("random", "entropy")
"""Algorithms whose queries take so little that what is around a run shows."""
TURNS, CHEAP_TURNS = 1, 9
GOAL_MS = 20
CLOCK, PROCESSORS = range(2)


@dataclass(frozen=True)
class Times:
    """Seconds of a run in the grid, of its loop alone, and of the bare loop, each (clock, processors).

    Each is the least of some turns.
    """

    run: FloatArray
    loop: FloatArray
    bare: FloatArray

    @property
    def added(self) -> FloatArray:
        """What the grid adds to the loop, (clock, processors)."""
        return self.run - self.loop


def measure(hardware: Hardware, *, quick: bool, tell: Callable[[str], None]) -> PerfReport:
    """Measure the runs of a block of made-up texts.

    Args:
        hardware: whose name is said; the probe works on a CPU.
        quick: a pool of a tenth of the rows.
        tell: called with what is being measured.
    """
    load, found = os.getloadavg()[0], []
    with tempfile.TemporaryDirectory() as folder:
        tell("making a block")
        job, context = _block(QUICK_POOL if quick else POOL, Path(folder))
        worker = BlockWorker(job, context, Store(context.store, create=True), BlockReport("pace"))
        shared = worker.share(job.runs)
        assert shared is not None, worker.report  # noqa: S101 - made-up texts cannot fail to load
        times = {}
        for run in job.runs:
            tell(str(run.strategy))
            times[str(run.strategy)] = _timed(worker, shared, run)
        found += [_pace(name, own) for name, own in times.items()]
        found += _around([own for name, own in times.items() if name.partition("+")[0] in CHEAP])
        found += [_claim(job, context)]
        worker.heart.stop()
    return PerfReport(
        version=__version__,
        kind=f"grid, probe, pool of {len(shared.task.rows):,}",
        device=f"{hardware.name}, {torch.get_num_threads()} threads",
        texts={"pool": f"made up, {len(shared.task.rows):,} rows, {len(shared.task.test_rows):,} test rows"},
        load=(load, os.getloadavg()[0]),
        measures=tuple(found),
    )


def _block(pool: int, folder: Path) -> tuple[BlockJob, WorkerContext]:
    """Return a block of made-up texts in which a class is rare, and where it is run."""
    positives = pool // RATIO
    train, test = split_of(*_texts(pool - positives, positives, 0)), split_of(*_texts(TEST // 2, TEST // 2, 1))
    (folder / "model").mkdir()
    corpus = Corpus("made-up", ("often", "rare"), train, test, "made up")
    export_mirror(corpus, folder / "mirror" / corpus.name)
    spec = GridSpec(
        name="pace", tasks=(f"{corpus.name}/rare",), ratios=(RATIO,), seeds=(0,), learners=(Probe.name,),
        algorithms=ALGORITHMS, weightings=WEIGHTINGS,
        model=ModelSettings(name=str(save_random(SHAPE, folder / "model"))),
    )  # fmt: skip
    world = World(folder / "mirror", folder / "cache")
    (job,) = expand(spec, world).jobs
    return job, WorkerContext(
        store=folder / "store", world=world, device="cpu", threads=torch.get_num_threads(), plugins=(),
        driver=process_name(), call="pace", folder=Path.cwd(), log_file=folder / "log",
    )  # fmt: skip


def _texts(negatives: int, positives: int, seed: int) -> tuple[list[str], list[int]]:
    """Return texts and labels; words of positives are drawn from half as many, so that they can be told."""
    rng = seeds.generator("calibration", rows=negatives, seed=seed)
    labels = rng.permutation(np.repeat([0, 1], [negatives, positives]))
    drawn = rng.integers(0, WORDS // (1 + labels[:, None]), (len(labels), TEXT))
    return [" ".join(f"w{1000 + word}" for word in row) for row in drawn.tolist()], labels.tolist()


def _timed(worker: BlockWorker, shared: SharedBlock, run: RunSpec) -> Times:
    """Return the times of a run, in turns."""
    algorithm, weighting = build_strategy(run.strategy)
    worker.run(run, shared)  # the first pays for what is loaded and allocated
    record = worker.store.read(run.key(worker.job.fingerprint))
    pieces: list[Callable[[], object]] = [
        partial(worker.run, run, shared),
        partial(run_strategy, shared, algorithm, weighting, lambda *_: None),
        BareLoop(shared, record).run,
    ]
    took = [[_seconds(piece) for piece in pieces] for _ in range(CHEAP_TURNS if algorithm.name in CHEAP else TURNS)]
    return Times(*np.array(took).min(axis=0))


def _seconds(piece: Callable[[], object]) -> tuple[float, float]:
    """Return what a piece of work takes by the clock and of the processors."""
    began, used = time.perf_counter(), time.process_time()
    piece()
    return time.perf_counter() - began, time.process_time() - used


class BareLoop:
    """The fits, products and queries of a finished run, made again."""

    def __init__(self, shared: SharedBlock, record: RunRecord) -> None:
        """Take the features of the pool and the test set, and which rows the run selected."""
        assert isinstance(shared.model, LinearModel)  # noqa: S101 - a probe's
        assert isinstance(shared.learner, Probe)  # noqa: S101
        self.shared, self.strength = shared, shared.learner.C
        self.pool, self.test = (shared.model.features[which].values for which in ("train", "test"))
        self.picks = [np.searchsorted(shared.task.rows, entry.selected) for entry in record.rounds[1:]]
        self.algorithm, self.weighting = build_strategy(record.spec.strategy)
        self.needs = query_needs(self.algorithm, self.weighting, 2, record.spec.block.start)
        self.parts = block_parts(record.spec.block)
        self.positive = shared.task.oracle().reveal(shared.task.rows)

    def run(self) -> FloatArray:
        """Return the test probabilities (m,) of the last model."""
        labelled, weights, bias = self.shared.first.state.labelled, None, 0.0
        p = np.empty(0)
        for number, picks in enumerate(self.picks, 1):
            unlabelled = np.setdiff1d(np.arange(len(self.pool)), labelled)
            state = Labelling(labelled, self.positive[labelled], unlabelled)
            outputs = self.shared.first.outputs if weights is None else self._outputs(state, weights, bias)
            view = view_of(self.shared, state, self.needs, outputs, number)
            choose(self.algorithm, self.weighting, view, len(picks))
            labelled = np.concatenate([labelled, picks])
            rng = seeds.generator("oversample", **self.parts, round=number)
            rows = labelled[oversample(self.positive[labelled], rng)]
            distinct, counts = np.unique(rows, return_counts=True)
            weights, bias = logistic_regression(self.pool[distinct], self.positive[distinct], counts, self.strength)
            p = expit(self.test @ weights.astype(np.float32) + bias)
        return p

    def _outputs(self, state: Labelling, weights: FloatArray, bias: float) -> PoolOutputs:
        """Return what a query reads of the model, by one product; nothing if it reads nothing."""
        if not self.needs & {"probabilities", "embeddings"}:
            return PoolOutputs()
        p = expit(self.pool @ weights.astype(np.float32) + bias).astype(np.float64)
        h = torch.from_numpy(self.pool) if "embeddings" in self.needs else None
        return PoolOutputs(
            probabilities=p[state.unlabelled],
            labelled_probabilities=p[state.labelled],
            embeddings=None if h is None else h[state.unlabelled],
            labelled_embeddings=None if h is None else h[state.labelled],
        )


def _pace(strategy: str, own: Times) -> Measure:
    run, bare = own.run[PROCESSORS], own.bare[PROCESSORS]
    return Measure(
        stage=f"{strategy}: runs a minute", value=60 / run, unit="/min", better="lower",
        floor=f"the same fits, products and queries: {60 / bare:,.4g} /min", ratio=run / bare,
    )  # fmt: skip


def _around(cheap: list[Times]) -> list[Measure]:
    """Return what the grid adds to the loop of a run, of the processors and by the clock: the medians of strategies."""
    added, loop = (np.median([getattr(own, name) for own in cheap], axis=0) for name in ("added", "loop"))
    return [
        Measure(
            stage=f"added to a run (claims, record, informativeness, writing), {by}", value=1000 * added[at], unit="ms",
            floor=f"its loop: {1000 * loop[at]:,.4g} ms", ratio=(loop + added)[at] / loop[at],
            better="lower" if at == PROCESSORS else None, goal=f"at most {GOAL_MS} ms",
        )
        for at, by in ((PROCESSORS, "of the processors"), (CLOCK, "by the clock"))
    ]  # fmt: skip


def _claim(job: BlockJob, context: WorkerContext) -> Measure:
    """Return what it takes to claim a block and find that nothing of it is missing."""
    took = min(_seconds(partial(run_block, job, context))[CLOCK] for _ in range(CHEAP_TURNS))
    listed = min(_seconds(Store(context.store).keys)[CLOCK] for _ in range(CHEAP_TURNS))
    return Measure(
        stage="claiming a block that is done", value=1000 * took, unit="ms", better=None,
        floor=f"listing its runs: {1000 * listed:,.3g} ms", ratio=took / listed,
    )  # fmt: skip
