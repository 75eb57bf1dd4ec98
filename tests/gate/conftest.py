"""Synthetic stores of a candidate and a baseline, with a plan to hold them against."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from analysis import read_results
from analysis.frame import settings_digest
from analysis.gate import Place, judge, new_plan
from bench.records import METRICS, Component, Strategy, Task
from bench.store import Store

FACTORY = Path(__file__).parents[1] / "analysis" / "factory.py"
TASKS = (("ag_news", "Sports"), ("ag_news", "World"), ("sst2", "negative"), ("sst2", "positive"))
CANDIDATE, BASELINE = (
    Strategy(algorithm=Component(name="random"), weighting=Component(name=name)) for name in ("invprop", "uniform")
)


@pytest.fixture(scope="session")
def factory():
    """The module of synthetic runs; tests are no packages, so it is loaded from its file."""
    spec = importlib.util.spec_from_file_location("analysis_factory", FACTORY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def planned(factory):
    """A function that returns a plan on the four tasks; ten seeds and one look unless told otherwise."""

    def plan(seeds=10, **fields):
        looks = fields.setdefault("looks", (seeds,))
        same = {
            "candidate": CANDIDATE,
            "baseline": BASELINE,
            "margins": {"balanced_accuracy": 0.02, "auc": 0.01},
            "seeds": tuple(range(looks[-1])),
            "places": [Place(task=Task(dataset=d, positive=p), ratio=50, start="warm") for d, p in TASKS],
            "settings": settings_digest(factory.SETTINGS),
        }
        return new_plan(**{**same, **fields})

    return plan


@pytest.fixture(scope="session")
def fill(factory):
    """A function that writes both arms' runs; ``effect`` is a number or a function of (task, metric)."""

    def write(path, effect=0.0, *, seeds=range(10), noise=0.004, arms=("invprop", "uniform"), tasks=TASKS, **same):
        store = Store(path, create=True)
        for number, (dataset, positive) in enumerate(tasks):
            for seed in seeds:
                rng = np.random.default_rng([seed, number])
                base, spread = rng.uniform(0.6, 0.7, 3), rng.normal(0, noise, 3)
                for arm in arms:
                    task = f"{dataset}/{positive}"
                    shift = [effect(task, metric) if callable(effect) else effect for metric in METRICS]
                    values = base + (np.array(shift) + spread if arm == "invprop" else 0.0)
                    store.write(
                        factory.a_run(
                            "random", arm, seed=seed, dataset=dataset, positive=positive,
                            **dict(zip(METRICS, values.tolist(), strict=True)), **same,
                        )
                    )  # fmt: skip
        return store

    return write


@pytest.fixture(scope="session")
def verdict_on():
    """A function that judges a plan on one store, or on two."""

    def judged(plan, store, baseline=None):
        return judge(plan, read_results(store), read_results(baseline or store))

    return judged
