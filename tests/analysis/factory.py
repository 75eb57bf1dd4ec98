"""Synthetic runs with planted effects, for the tests of analysis and reports."""

import itertools
import json

import numpy as np
import pandas as pd

from analysis.facts import MADE_WITH
from analysis.results import IDENTITY, INFORMATIVENESS, POOL, Results
from bench.records import (
    METRICS,
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
    brier=None,
    status="ok",
    reason="",
    fingerprint="f" * 32,
    pair_key=None,
    options=None,
    settings=SETTINGS,
    made=MADE,
    control=(),
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
                metrics={
                    "balanced_accuracy": balanced_accuracy - 0.1 * (rounds - number),
                    "auc": auc - 0.05 * (rounds - number),
                    **({} if brier is None else {"brier": brier + 0.01 * (rounds - number)}),
                },
                seconds={"select": 0.5, "fit": 2.0},
            )
            for number in range(rounds + 1)
        ),
        metrics={"positives_ratio": positives_ratio},
        seconds=9.0,
        provenance=made,
        control=control,
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


TASKS_OF_THE_PAPER = (
    *(("ag_news", name) for name in ("World", "Sports", "Business", "Sci/Tech")),
    *(("dbpedia_14", name) for name in ("Company", "Animal", "Album")),
    *(("pubmed_20k_rct", name) for name in ("BACKGROUND", "OBJECTIVE", "METHODS", "RESULTS", "CONCLUSIONS")),
    *(("sst2", name) for name in ("negative", "positive")),
)


def grid(
    *,
    tasks=(("ag_news", "Sports"), ("sst2", "positive")),
    ratios=(50,),
    seeds=range(3),
    starts=("warm",),
    algorithms=("random", "badge"),
    weightings=("uniform", "invprop"),
    bins=(10,),
):
    """Return what a grid runs, as a frame of identities; ``bins`` are those of invprop."""
    rows = [
        {
            "ratio": ratio,
            "start": start,
            "dataset": dataset,
            "positive": positive,
            "seed": seed,
            "algorithm": algorithm,
            "weighting": weighting,
            "weighting_options": json.dumps({"bins": number}) if weighting == "invprop" else "{}",
        }
        for (dataset, positive), ratio, seed, start, algorithm, weighting in itertools.product(
            tasks, ratios, seeds, starts, algorithms, weightings
        )
        for number in (bins if weighting == "invprop" else (0,))
    ]
    same = {"algorithm_options": "{}", "algorithm_version": "1", "weighting_version": "1", "fingerprint": "f" * 32}
    made = pd.DataFrame(rows).assign(settings="a1b2c3d4e5f6", learner="fine-tune", **same)
    parts = ["algorithm", "algorithm_options", "weighting", "weighting_options"]
    return made.assign(strategy=made[parts].astype(str).agg(" ".join, axis=1))


def paper_grid(seeds=10):
    """Return all that the paper ran: the main and the extreme grid, cold starts, and the sweep of bins."""
    four = ("random", "badge", "alps", "dal")
    same = {"tasks": TASKS_OF_THE_PAPER, "seeds": range(seeds), "weightings": ("uniform", "posprob", "invprop")}
    ratios = (2, 10, 20, 50, 100, 200, 1000)
    return pd.concat(
        [
            grid(**same, ratios=ratios, algorithms=four),
            grid(**same, starts=("cold",), algorithms=("badge",)),
            grid(
                tasks=TASKS_OF_THE_PAPER[:4],
                seeds=range(seeds),
                ratios=(100,),
                algorithms=four,
                weightings=("invprop",),
                bins=(2, 5, 15, 20),
            ),
        ],
        ignore_index=True,
    )


def results(identities, values=None, failed=None, rounds=2):
    """Return finished runs as ``read_results`` would, without a store.

    Args:
        identities: a frame as :func:`grid` returns it. values: (runs, 3) metrics; default: random ones.
        failed: identities of failed runs. rounds: of each run.
    """
    block = ["ratio", "start", "dataset", "positive", "seed"]
    rng = np.random.default_rng(0)
    if values is None:
        base = rng.uniform(0.5, 0.8, (len(identities), 3))[identities.groupby(block).ngroup()]
        values = base + rng.normal(0, 0.02, base.shape)
    runs = identities.assign(key=[f"{number:032x}" for number in range(len(identities))])
    runs = runs.assign(pair_key=runs[block].astype(str).agg(" ".join, axis=1), seconds=9.0)
    runs = runs.assign(**dict(zip(METRICS, np.transpose(values), strict=True)), **dict.fromkeys(POOL, 100))
    runs = runs.assign(**dict.fromkeys(MADE_WITH, "x"), **dict.fromkeys(INFORMATIVENESS, np.nan))
    each = runs[[*IDENTITY, *METRICS[:2]]].merge(pd.DataFrame({"round": range(rounds + 1)}), how="cross")
    each = each.assign(labelled=10 + 50 * each["round"], selected=50 * each["round"], seconds_fit=1.0)
    lost = (identities[:0] if failed is None else failed).assign(status="failed", reason="NaN loss")
    lost = lost.assign(key=[f"f{number:031x}" for number in range(len(lost))])
    return Results(
        runs=runs[[*IDENTITY, "pair_key", *METRICS, "seconds", *POOL, *INFORMATIVENESS, *MADE_WITH]],
        rounds=each.assign(labelled_positives=5 + each["round"], selected_positives=each["round"]),
        unfinished=lost[[*IDENTITY, "status", "reason"]],
        unreadable=(),
        settings={"a1b2c3d4e5f6": SETTINGS},
    )


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
