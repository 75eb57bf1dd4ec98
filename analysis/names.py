"""How tables write names.

The store holds names only, and reports must not need the code (or torch) that made the runs: the titles of the
suite's own strategies are written here once more, and any other name prints as it is.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from bench.errors import SpecError
from bench.metrics.base import RESERVED, RunMetric
from bench.metrics.catalogue import every, named
from bench.metrics.learning_curve import AreaUnderLearningCurve
from bench.records import METRICS, NATURAL
from bench.seeds import canonical

TITLES = {
    "random": "Random",
    "badge": "BADGE",
    "alps": "ALPS",
    "dal": "DAL",
    "anchoral": "AnchorAL",
    "bald": "BALD",
    "bmp": "BMP",
    "cal": "CAL",
    "core_set": "Core-set",
    "direct": "DIRECT",
    "entropy": "Entropy",
    "galaxy": "GALAXY",
    "hal": "HAL",
    "least_confidence": "Least confidence",
    "margin": "Margin",
    "odal": "ODAL",
    "relevance": "Relevance",
    "seals": "SEALS",
    "ucb_blend": "UCB blend",
    "variation_ratio": "VE",
    "uniform": "Uniform",
    "posprob": "PosProb",
    "invprop": "InvProp",
    "cold": "Cold",
    "warm": "Warm",
}
LABELS = ["algorithm_label", "weighting_label"]
"""The columns that :func:`with_labels` adds."""
AXIS_TITLES = {
    "ratio": "Ratio",
    "start": "Start",
    "dataset": "Dataset",
    "algorithm": "Algorithm",
    "weighting": "Weighting",
    "bins": "Bins",
}


NATURAL_LEVEL = 0
"""The ratio ``natural`` in frames, whose ratios are integers: a level of its own, before all others."""


def ratio_level(ratio: int | str) -> int:
    """Return how frames hold a ratio: itself, or the level of ``natural``; a label of that is read, too."""
    return NATURAL_LEVEL if str(ratio).startswith(NATURAL) else int(ratio)


def ratio_label(level: int, share: float | None = None) -> str:
    """Return what stands for a ratio in a header: ``50``, ``natural``, or with a share ``natural (1/23.4)``."""
    if level != NATURAL_LEVEL:
        return str(level)
    return NATURAL if not share else f"{NATURAL} (1/{1 / share:.3g})"


def ratio_words(level: int, share: float | None = None) -> str:
    """Return a ratio in a sentence: ``ratio 1/50``, ``natural ratio``, or with a share ``natural ratio (1/23.4)``."""
    if level != NATURAL_LEVEL:
        return f"ratio 1/{level}"
    return f"{NATURAL} ratio" if not share else f"{NATURAL} ratio (1/{1 / share:.3g})"


def ratio_slug(level: int) -> str:
    """Return a ratio as part of a name: ``ratio50``, or ``natural``."""
    return NATURAL if level == NATURAL_LEVEL else f"ratio{level}"


def ratio_short(level: int) -> str:
    """Return a ratio in few letters: ``1/50``, or ``natural``."""
    return NATURAL if level == NATURAL_LEVEL else f"1/{level}"


def metric_title(metric: str) -> str:
    """Return what a header calls a metric; one that is not known here, as a plug-in's may be, prints as it is."""
    known = every().get(metric)
    if known is None:
        return metric
    return known.label if known.higher_is_better else f"{known.label} (lower is better)"


def metric_summary(metric: str) -> str:
    """Return what a metric says, in a phrase; a plug-in's, which is not known here, says its name."""
    known = every().get(metric)
    return known.summary if known else f"the metric {metric} of a plug-in"


def metric_named(word: str) -> str:
    """Return the name of the metric that a word is the name or an alias of; empty if of none."""
    return next((one.name for one in every().values() if word in {one.name, *one.aliases}), "")


def metric_words(label: str) -> list[str]:
    """Return what a user may type for the metric that a header spells: its name and aliases; nothing for others."""
    found = [one for one in every().values() if metric_title(one.name) == label]
    return [word for one in found for word in (one.name, *one.aliases)]


def lower_is_better(metric: str) -> bool:
    """Return whether smaller values of a metric are better; of one that is not known here, larger ones are."""
    known = every().get(metric)
    return known is not None and not known.higher_is_better


def curve_area_of(metric: str) -> RunMetric | None:
    """Return the metric that is the area under a metric's learning curve; None for one that is not of rounds."""
    found = every().get(f"{AreaUnderLearningCurve.prefix}{metric}")
    return found if isinstance(found, RunMetric) else None


def bounds_of(metric: str) -> tuple[float, float]:
    """Return the range of a metric; 0 to 1 for one that is not known here."""
    known = every().get(metric)
    return (0.0, 1.0) if known is None else (known.low, known.high)


def shown_metric(name: str, runs: pd.DataFrame) -> str:
    """Return the metric of a name or an alias that a report can show: one of groups, or as :func:`stored_metric`."""
    metric = metric_named(name)
    return metric if metric and every()[metric].kind == "group" else stored_metric(name, runs)


def stored_metric(name: str, runs: pd.DataFrame) -> str:
    """Return the metric of a name or an alias that some run of a frame has.

    Raises:
        UnknownNameError: if there is no such metric.
        SpecError: if no run has it; the message says how to add it.
    """
    metric = name if name in runs.columns and name not in RESERVED else named(name).name
    if metric not in runs.columns or not (runs[metric].notna().any() or metric in METRICS):
        raise SpecError(f"no run here has the metric {metric}; imbal-bench rescore STORE --metrics {metric} adds it")
    return metric


def title_of(name: str | int) -> str:
    """Return how a header writes a name or number."""
    return TITLES.get(str(name), str(name))


def with_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with ``algorithm_label`` and ``weighting_label``, the names that tables print.

    A component that occurs with several options or code versions gets a label for each
    (``InvProp (bins=5)``), so that different things never share a cell.
    """
    return frame.assign(algorithm_label=_labels(frame, "algorithm"), weighting_label=_labels(frame, "weighting"))


def _labels(frame: pd.DataFrame, kind: str) -> pd.Series[str]:
    columns = [kind, f"{kind}_options", f"{kind}_version"]
    first = frame[columns].drop_duplicates().itertuples(index=False, name=None)
    variants = [tuple(map(str, row)) for row in first]
    labels = label_variants(set(variants))
    printed = np.array([labels[variant] for variant in variants], dtype=object)
    return pd.Series(printed[frame.groupby(columns, sort=False).ngroup()], frame.index, dtype=str)


def label_variants(variants: set[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Return what variants of parts, (name, options as JSON, version), are printed as; no two as the same."""
    names = {name for name, _, _ in variants}
    labels = {}
    for name in names:
        mine = [variant for variant in variants if variant[0] == name]
        options = [{(key, canonical(value)) for key, value in json.loads(text).items()} for _, text, _ in mine]
        shared = set.intersection(*options)
        versions = {version for _, _, version in mine}
        title = TITLES.get(name, name)
        if title != name and title in names:  # a plug-in took the paper's spelling as its name
            title = name
        for variant, own in zip(mine, options, strict=True):
            facts = [f"{key}={value}" for key, value in sorted(own - shared)]
            facts += [f"version {variant[2]}"] if len(versions) > 1 else []
            labels[variant] = f"{title} ({', '.join(facts)})" if facts else title
    return labels
