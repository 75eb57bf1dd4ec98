"""Synthetic stores of a candidate and a baseline, and plans to hold them against."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from analysis import read_results
from analysis.gate import Place, Plan, Verdict, judge, new_plan
from bench.records import METRICS, Component, Strategy, Task
from bench.store import Store

_spec = importlib.util.spec_from_file_location("analysis_factory", Path(__file__).parent / "analysis" / "factory.py")
factory = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(factory)

TASKS = (("ag_news", "Sports"), ("ag_news", "World"), ("sst2", "negative"), ("sst2", "positive"))
CANDIDATE, BASELINE = (
    Strategy(algorithm=Component(name="random"), weighting=Component(name=name)) for name in ("invprop", "uniform")
)


def places(tasks: Iterable[tuple[str, str]] = TASKS, ratios: Iterable[int] = (50,)) -> list[Place]:
    return [Place(task=Task(dataset=d, positive=p), ratio=r, start="warm") for d, p in tasks for r in ratios]


def a_plan(**fields: object) -> Plan:
    """A plan on the four tasks, with one look at ten seeds unless told otherwise."""
    looks = fields.setdefault("looks", (10,))
    same = {
        "candidate": CANDIDATE,
        "baseline": BASELINE,
        "collapses": 1.0,  # reported: so few made-up runs exclude no rate that a margin would bear
        "margins": {"balanced_accuracy": 0.02, "auc": 0.01},
        "seeds": tuple(range(looks[-1])),
        "places": places(),
        "settings": factory.SETTINGS,
    }
    return new_plan(**{**same, **fields})


def fill(
    path: Path,
    effect: float | Callable[[str, str], float] = 0.0,
    *,
    seeds: Iterable[int] = range(10),
    noise: float = 0.004,
    arms: Iterable[str] = ("invprop", "uniform"),
    tasks: Iterable[tuple[str, str]] = TASKS,
    **same: object,
) -> Store:
    """Write both arms' runs; the candidate is better by ``effect``, a number or a function of (task, metric)."""
    store = Store(path, create=True)
    for number, (dataset, positive) in enumerate(tasks):
        shift = [effect(f"{dataset}/{positive}", it) if callable(effect) else effect for it in METRICS]
        for seed in seeds:
            rng = np.random.default_rng([seed, number])
            base, spread = rng.uniform(0.6, 0.7, 3), rng.normal(0, noise, 3)
            for arm in arms:
                values = base + (np.array(shift) + spread if arm == "invprop" else 0.0)
                metrics = dict(zip(METRICS, values.tolist(), strict=True))
                run = factory.a_run("random", arm, seed=seed, dataset=dataset, positive=positive, **{**metrics, **same})
                store.write(run)
    return store


def verdict_on(plan: Plan, store: Store, baseline: Store | None = None, **said: object) -> Verdict:
    return judge(plan, read_results(store), read_results(baseline or store), **said)
