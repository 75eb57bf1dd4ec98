"""Synthetic runs with planted effects, for the tests of analysis and reports."""

import itertools

import numpy as np
import pandas as pd

from bench.records import (
    Block,
    Component,
    LoopSettings,
    PoolFacts,
    Provenance,
    Round,
    RunRecord,
    RunSpec,
    Settings,
    Strategy,
    Task,
)
from bench.store import Store

SETTINGS = Settings(loop=LoopSettings(rounds=2, batch=50))
MADE = Provenance(
    finished="2026-11-22T10:00:00+00:00",
    host="h",
    device="cpu",
    precision="fp32",
    threads=1,
    versions={},
    git_commit="abc1234",
    git_dirty=True,
    data_source="pydocs",
    model_source="package",
    model_fingerprint="53aa",
    lm_head="trained",
)


def a_run(
    algorithm="random",
    weighting="uniform",
    *,
    seed=0,
    dataset="ag_news",
    positive="Sports",
    ratio=50,
    start="warm",
    balanced_accuracy=0.7,
    auc=0.8,
    positives_ratio=0.1,
    status="ok",
    reason="",
    fingerprint="f" * 32,
    pair_key=None,
    options=None,
    settings=SETTINGS,
    made=MADE,
):
    spec = RunSpec(
        block=Block(task=Task(dataset=dataset, positive=positive), ratio=ratio, seed=seed, start=start),
        strategy=Strategy(
            algorithm=Component(name=algorithm), weighting=Component(name=weighting, options=options or {})
        ),
        settings=settings,
    )
    if status != "ok":
        return RunRecord(key=spec.key(fingerprint), spec=spec, status=status, reason=reason, fingerprint=fingerprint)
    rounds, batch = settings.loop.rounds, settings.loop.batch
    found = round(positives_ratio * batch)
    return RunRecord(
        key=spec.key(fingerprint),
        spec=spec,
        status="ok",
        fingerprint=fingerprint,
        pair_key=f"{spec.block} {fingerprint}" if pair_key is None else pair_key,
        pool=PoolFacts(
            rows=5000,
            positives=100,
            dropped_positives=9,
            dropped_negatives=0,
            test_rows=800,
            test_positives=200,
        ),
        rounds=tuple(
            Round(
                round=number,
                labelled=10 + batch * number,
                labelled_positives=5 + found * number,
                selected=tuple(range(batch)) if number else (),
                selected_positives=found if number else 0,
                balanced_accuracy=balanced_accuracy - 0.1 * (rounds - number),
                auc=auc - 0.05 * (rounds - number),
                seconds={"select": 0.5, "fit": 2.0},
            )
            for number in range(rounds + 1)
        ),
        positives_ratio=positives_ratio,
        seconds=9.0,
        provenance=made,
    )


def fill(
    path,
    *,
    algorithms=("random", "badge"),
    weightings=("uniform", "invprop"),
    tasks=(("ag_news", "Sports"), ("sst2", "positive")),
    seeds=range(4),
    effect=0.05,
    ratio=50,
    **same,
):
    """Write a grid in which invprop is better by about ``effect`` and posprob worse; return the store."""
    store = Store(path, create=True)
    shift = {"invprop": effect, "posprob": -effect}
    rng = np.random.default_rng(0)
    for (dataset, positive), seed in itertools.product(tasks, seeds):
        base = rng.uniform(0.6, 0.8, 3)
        for algorithm, weighting in itertools.product(algorithms, weightings):
            noise = rng.normal(0, 0.005, 3)
            ba, auc, pr = base + shift.get(weighting, 0.0) + noise
            store.write(
                a_run(
                    algorithm,
                    weighting,
                    seed=seed,
                    dataset=dataset,
                    positive=positive,
                    ratio=ratio,
                    balanced_accuracy=ba,
                    auc=auc,
                    positives_ratio=pr - 0.5,
                    **same,
                )
            )
    return store


def tidy(values, per=None):
    """Return a frame of matched differences from (tasks, seeds) or (tasks, seeds, algorithms).

    ``per`` is the number of tasks of each dataset; by default each task is its own.
    """
    values = np.asarray(values, float)
    per = (1,) * len(values) if per is None else per
    tasks = [(f"d{number}", f"c{rare}") for number, size in enumerate(per) for rare in range(size)]
    return pd.DataFrame(
        [
            {
                "dataset": tasks[at[0]][0],
                "positive": tasks[at[0]][1],
                "seed": at[1],
                **({"algorithm": f"a{at[2]}"} if values.ndim == 3 else {}),
                "difference": value,
            }
            for at, value in np.ndenumerate(values)
        ]
    )
