"""``ib.run``: run what is missing of a grid."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from imbal_bench.api.places import PathLike, world_at
from imbal_bench.api.runs import Runs

if TYPE_CHECKING:
    from bench.config import GridSpec
    from bench.grid.executors.choice import Executor
    from imbal_bench.api.datasets import Dataset
    from imbal_bench.api.parts import StrategyLike
    from imbal_bench.workflows.run import Prepared

NAME = "python"


def run(
    grid: PathLike | None = None,
    *,
    tasks: str | Dataset | Sequence[str | Dataset] | None = None,
    ratios: int | str | Sequence[int | str] | None = None,
    seeds: int | Sequence[int] | None = None,
    learner: str | Sequence[str] | None = None,
    strategies: StrategyLike | Sequence[StrategyLike] | None = None,
    model: str | Mapping[str, Any] | None = None,
    store: PathLike | None = None,
    data_dir: PathLike | None = None,
    cache_dir: PathLike | None = None,
    jobs: int = 1,
    threads: int | None = None,
    device: str = "auto",
    executor: Executor | None = None,
    gpus: str | None = None,
    per_gpu: int = 1,
    scheduler: str | None = None,
    slurm: PathLike | None = None,
    run_timeout: float | None = None,
    plugins: Iterable[PathLike] = (),
    debug: bool = False,
    with_excerpts: bool = False,
    follow_links: bool = False,
    **settings: Any,
) -> Runs:
    """Run what is missing of a grid, and return its runs; the same call again resumes, or returns at once.

    Progress is shown on a terminal and in a notebook. A run that fails is recorded, reported in the result, and warned
    of; it takes no other run with it.

    Args:
        grid: a preset or a YAML file to start from; what follows changes it.
        tasks: ``"sst2"`` (all tasks of a dataset), ``"sst2/positive"``, or a dataset of :func:`imbal_bench.dataset`.
        ratios: positives are 1/ratio of the pool; ``"natural"``: the data's own imbalance.
        seeds: how many, or which.
        learner: what is trained: ``"fine-tune"``, ``"probe"``, ``"tfidf:svd=100"``; or several.
        strategies: exactly these are run: ``"badge+invprop:bins=5"``, a class or an instance of Algorithm (with uniform
            weights), or a pair such as ``(MyAlgorithm, "invprop")``. A class from a file is loaded by workers from that
            file; one that is defined in a notebook runs in this process only.
        model: hub id, local folder, or ``"offline"``; or a mapping of several settings.
        store: folder of results. Default: ``results/python``.
        data_dir: local dataset mirror instead of the Hub.
        cache_dir: may be deleted at any time. Default: ``data_cache``.
        jobs: worker processes.
        threads: of each worker.
        device: auto, cpu or cuda.
        executor: ``inline``, ``joblib`` or ``dask``. Default: what the other arguments imply.
        gpus: GPUs to share out: ``all``, or ``0,1``.
        per_gpu: worker processes on each of them.
        scheduler: address of a Dask scheduler whose workers are used.
        slurm: YAML file that describes Slurm jobs.
        run_timeout: seconds after which a run has hung and fails.
        plugins: files with further strategies, learners or metrics.
        debug: run in this process, and let the exception of a strategy or a learner rise.
        with_excerpts: keep how three selected texts of each run begin, in the store alone.
        follow_links: follow symbolic links out of the folder of a dataset's YAML file.
        settings: any other field of a specification: ``loop_rounds=3``, ``pool_limit=2000``, ``train_epochs=1``,
            ``starts="cold"``, or ``loop={"rounds": 3}``.

    Raises:
        SpecError, DataError, ModelError, StoreError, PluginError: whatever is wrong, before anything is run.
        StoppedError: if it is stopped; finished runs are kept.
    """
    from imbal_bench.api.parts import parts_of, written
    from imbal_bench.display.console import console_of_python
    from imbal_bench.workflows import grids
    from imbal_bench.workflows import run as workflow

    chosen: list[Any] = [] if strategies is None else [strategies] if _is_one(strategies) else list(strategies)  # type: ignore[arg-type]
    parts = parts_of(chosen, plugins)
    parts.register()
    given = {
        "tasks": None if tasks is None else [str(one) for one in ([tasks] if _is_single(tasks) else tasks)],  # type: ignore[union-attr]
        "ratios": ratios,
        "seeds": seeds,
        "learners": learner,
        "strategies": [written(one) for one in chosen] or None,
        "model": {"name": model} if isinstance(model, str) else model,
    }
    spec = _spec(grid, {name: value for name, value in given.items() if value is not None}, settings)
    parts.add_known(
        [*spec.algorithms, *spec.weightings, *spec.learners, *(it for one in spec.strategies for it in one.split("+"))]
    )
    parts.register()
    execution = grids.execution_of(
        grids.store_of(_path(store), spec), world_at(data_dir, cache_dir, follow_links=follow_links),
        plugins=tuple(parts.plugins.values()),
        jobs=jobs, threads=threads, device=device, executor=executor, gpus=gpus, per_gpu=per_gpu, scheduler=scheduler,
        slurm=_path(slurm), run_timeout=run_timeout, debug=debug, with_excerpts=with_excerpts,
    )  # fmt: skip
    parts.refuse_workers(execution.workers.executor)
    prepared = workflow.prepare(spec, execution)
    summary = workflow.run(prepared, console_of_python())
    runs = Runs(execution.store, prepared.grid, tuple(summary.failures))
    _warn(prepared, runs)
    return runs


def _warn(prepared: Prepared, runs: Runs) -> None:
    """Warn of what failed, is left out, or will say little."""
    for line in (*prepared.warnings, *(f"skipped: {reason}" for reason in runs.skipped)):
        warnings.warn(line.removeprefix("warning: "), UserWarning, stacklevel=3)
    if missing := runs.missing:
        first = f", such as {runs.failures[0]}" if runs.failures else ""
        text = f"{missing} of {runs.grid.runs} runs failed{first}; `failures` of the result names them, and the same "
        warnings.warn(f"{text}call tries them again", RuntimeWarning, stacklevel=3)


def _spec(base: PathLike | None, given: dict[str, Any], settings: dict[str, Any]) -> GridSpec:
    """Return the specification that a call asks for."""
    from bench.config.load import built

    fields = _nested(settings, set(given) - {"model"})
    for name, value in given.items():
        fields[name] = {**fields.get(name, {}), **value} if isinstance(value, Mapping) else value
    return built(base, fields, where="ib.run", name=NAME)


def _nested(settings: dict[str, Any], taken: set[str]) -> dict[str, Any]:
    """Return settings such as ``pool_limit`` as fields of their groups.

    Raises:
        UnknownNameError: if there is no such setting.
    """
    from bench.config import GridSpec
    from bench.errors import UnknownNameError
    from bench.records import Settings

    groups = {
        f"{group}_{field}": (group, field)
        for group, info in Settings.model_fields.items()
        for field in getattr(info.annotation, "model_fields", {})
    }
    known = set(GridSpec.model_fields) - taken
    fields: dict[str, Any] = {name: value for name, value in settings.items() if name in known}
    for name, value in settings.items():
        if name in groups:
            group, field = groups[name]
            fields.setdefault(group, {})
            fields[group] = {**fields[group], field: value}
        elif name not in known:
            raise UnknownNameError("argument", name, {*known, *groups})
    return fields


def _is_one(given: Any) -> bool:
    """Return whether what is given is one strategy: also a pair of an algorithm and a weighting, itself a tuple."""
    if isinstance(given, tuple) and len(given) == 2:
        return not all(isinstance(one, str) and "+" in one for one in given)
    return _is_single(given)


def _is_single(given: Any) -> bool:
    """Return whether something is no list of things; a text is none, and neither is a record, though both iterate."""
    return not isinstance(given, Iterable) or isinstance(given, str | BaseModel)


def _path(given: PathLike | None) -> Any:
    from bench.paths import expanded

    return None if given is None else expanded(given)
