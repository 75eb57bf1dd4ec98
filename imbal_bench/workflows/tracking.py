"""Runs of a store for programs that track experiments: each gets settings, and metrics by labelled rows. No texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from bench.errors import BenchError, SpecError, StoreError
from bench.records import RunRecord, ratio_text
from bench.store import Store

Tracker = Literal["mlflow", "wandb", "trackio", "tensorboard"]


@dataclass(frozen=True)
class Tracked:
    """A finished run as trackers take it.

    Attributes:
        name: a word for people. key: its name in the store. settings: field -> value.
        metrics: (rows labelled, metric -> value) of each round; the last also has the metrics of the run as a whole.
    """

    name: str
    key: str
    settings: dict[str, str]
    metrics: tuple[tuple[int, dict[str, float]], ...]


def tracked(record: RunRecord) -> Tracked:
    """Return a stored run as trackers take it."""
    block, strategy = record.spec.block, record.spec.strategy
    settings = {
        "dataset": block.task.dataset,
        "positive": block.task.positive,
        "ratio": ratio_text(block.ratio),
        "seed": str(block.seed),
        "start": block.start,
        "learner": block.learner.as_typed,
        "algorithm": strategy.algorithm.as_typed,
        "weighting": strategy.weighting.as_typed,
        "key": record.key,
        "pair_key": record.pair_key,
    }
    rounds = [(it.labelled, {**it.metrics, "positives": float(it.labelled_positives)}) for it in record.rounds]
    if rounds:
        rounds[-1][1].update(record.metrics)
    return Tracked(f"{block} {strategy.as_typed}", record.key, settings, tuple(rounds))


def send(tracker: Tracker, store: Path, *, project: str, out: Path | None = None) -> int:
    """Send the finished runs of a store to a tracker; return how many.

    Args:
        tracker: which; its package must be installed.
        store: the runs.
        project: project or experiment, under which they appear.
        out: folder for what the tracker writes here. Default: the tracker's own.

    Raises:
        SpecError: if the package is not installed. StoreError: if there is no store, or the tracker refuses the runs.
    """
    if tracker not in get_args(Tracker):
        raise SpecError(f"no tracker {tracker!r}; give one of {', '.join(get_args(Tracker))}")
    runs = [tracked(record) for record in Store(store).records()]
    try:
        _SENDERS[tracker](runs, project, out)
    except BenchError:
        raise
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise SpecError(f"{tracker} cannot be imported ({reason}): pip install 'imbal-bench[{tracker}]'") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise StoreError(f"{tracker} refused the runs: {type(error).__name__}: {reason}") from error
    return len(runs)


def _to_mlflow(runs: Sequence[Tracked], project: str, out: Path | None) -> None:
    import mlflow

    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(f"sqlite:///{out.absolute() / 'mlflow.db'}")
    mlflow.set_experiment(project)
    for run in runs:
        with mlflow.start_run(run_name=run.name):
            mlflow.log_params(run.settings)
            for step, metrics in run.metrics:
                mlflow.log_metrics(_plain(metrics), step=step)


def _to_wandb(runs: Sequence[Tracked], project: str, out: Path | None) -> None:
    import wandb

    place = {} if out is None else {"dir": str(out), "mode": "offline"}
    for run in runs:
        with _finished(wandb.init(project=project, name=run.name, id=run.key, config=run.settings, **place)) as started:
            for step, metrics in run.metrics:
                started.log(_plain(metrics), step=step)


def _to_trackio(runs: Sequence[Tracked], project: str, out: Path | None) -> None:
    import trackio

    if out is not None:
        raise SpecError("trackio keeps its runs in a place of its own (TRACKIO_DIR); leave --out away")
    for run in runs:
        with _finished(trackio.init(project=project, name=run.name, config=run.settings)) as started:
            for step, metrics in run.metrics:
                started.log(_plain(metrics), step=step)


def _to_tensorboard(runs: Sequence[Tracked], project: str, out: Path | None) -> None:
    from tensorboard import summary

    for run in runs:
        writer = summary.Writer(str((out or Path("tensorboard")) / project / run.key))
        for step, metrics in run.metrics:
            for name, value in _plain(metrics).items():
                writer.add_scalar(name, value, step)
        writer.close()


@contextmanager
def _finished(started: Any) -> Iterator[Any]:
    try:
        yield started
    finally:
        started.finish()


def _plain(metrics: dict[str, float]) -> dict[str, float]:
    """Return the metrics that are numbers: some have no value in some rounds."""
    return {name.replace("@", "_at_"): value for name, value in metrics.items() if not math.isnan(value)}


_SENDERS: dict[str, Callable[[Sequence[Tracked], str, Path | None], None]] = {
    "mlflow": _to_mlflow,
    "wandb": _to_wandb,
    "trackio": _to_trackio,
    "tensorboard": _to_tensorboard,
}
