"""What was selected in single runs: predicted probabilities over the pool (the paper's Figure 1), and texts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from bench.records import RunRecord

SHOWN_BINS = 20


def score_distribution(record: RunRecord) -> pd.DataFrame:
    """Return how M_{t-1} scored the pool of round t, and where the weight and the selected rows lay.

    Returns:
        One row for each round with such a record and each of ``SHOWN_BINS`` bins of p: round, low and high (the
        bin), rows (of the unlabelled pool), weight (their share of the strategy's weight), selected (rows).
    """
    edges = np.arange(SHOWN_BINS + 1) / SHOWN_BINS
    parts = [
        pd.DataFrame(
            {
                "round": entry.round,
                "low": edges[:-1],
                "high": edges[1:],
                "rows": np.reshape(entry.pool_p, (SHOWN_BINS, -1)).sum(axis=1),
                "weight": np.reshape(entry.pool_w, (SHOWN_BINS, -1)).sum(axis=1),
                "selected": np.histogram(entry.selected_p, edges)[0],
            }
        )
        for entry in record.rounds
        if entry.pool_p is not None and entry.pool_w is not None and entry.selected_p is not None
    ]
    empty = pd.DataFrame(columns=pd.Index(["round", "low", "high", "rows", "weight", "selected"]))
    return pd.concat(parts, ignore_index=True) if parts else empty


def nearest_texts(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return the examples whose texts runs kept: a selected positive and the start set's positive nearest to it.

    Returns:
        key, dataset, positive, seed, strategy, distance (cosine), row, text, nearest_row, nearest_text; the texts are
        excerpts.
    """
    rows = [
        {
            "key": record.key,
            "dataset": record.spec.block.task.dataset,
            "positive": record.spec.block.task.positive,
            "seed": record.spec.block.seed,
            "strategy": str(record.spec.strategy),
            **example.model_dump(),
        }
        for record in records
        if record.informativeness is not None
        for example in record.informativeness.examples
        if example.text is not None
    ]
    columns = ["key", "dataset", "positive", "seed", "strategy", "distance"]
    return pd.DataFrame(rows, columns=pd.Index([*columns, "row", "text", "nearest_row", "nearest_text"]))
