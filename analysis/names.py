"""How names are spelt in tables.

The store holds names only, and reports must not need the code (or torch) that made the runs: the titles of the
suite's own strategies are written here once more, and any other name prints as it is.
"""

from __future__ import annotations

import json
import re
from pathlib import PureWindowsPath

import numpy as np
import pandas as pd

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
METRIC_TITLES = {
    "balanced_accuracy": "Balanced accuracy",
    "auc": "ROC-AUC",
    "positives_ratio": "Positives ratio",
}
AXIS_TITLES = {
    "ratio": "Ratio",
    "start": "Start",
    "dataset": "Dataset",
    "algorithm": "Algorithm",
    "weighting": "Weighting",
    "bins": "Bins",
}


def metric_title(metric: str) -> str:
    """Return how a metric is spelt in a header."""
    return METRIC_TITLES[metric]


def title_of(name: str | int) -> str:
    """Return how a name or number is spelt in a header."""
    return TITLES.get(str(name), str(name))


def without_folders(source: str) -> str:
    """Return where data or a model came from with an absolute path in it cut to its last part.

    Where somebody's folder lies says nothing of the result and may name its owner.
    """
    return re.sub(r"(?:^|(?<=\s))(?:/|[A-Za-z]:[\\/]).*", lambda path: PureWindowsPath(path[0]).name, source)


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
    labels = _label_of(set(variants))
    spelt = np.array([labels[variant] for variant in variants], dtype=object)
    return pd.Series(spelt[frame.groupby(columns, sort=False).ngroup()], frame.index, dtype=str)


def _label_of(variants: set[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
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
