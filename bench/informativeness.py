"""How informative the positives are that a run selected: how they vary, and how far they are from those it had.

All distances are cosine distances (0 same direction, 1 unrelated, 2 opposite) between text embeddings by the
*pre-trained* encoder, a ruler that no strategy has bent. They are measured once, after the last round, and change
nothing in it: every fit starts from the pre-trained weights anyway.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.metrics.pairwise import cosine_distances

from bench.data.corpus import Split
from bench.loop.rounds import RunResult
from bench.loop.shared import SharedBlock
from bench.model.standard_state import standard_state
from bench.records import Example, Informativeness

DIGITS = 6
"""Distances are stored to this many decimals; float32 embeddings hold no more."""
EXCERPT = 160
"""Characters of a text that an example keeps."""


@standard_state()
def informativeness(
    shared: SharedBlock, result: RunResult, texts: Split, *, excerpts: bool = False
) -> Informativeness | None:
    """Return the informativeness of the positives that a finished run selected; None if its learner has no embeddings.

    One pass over the start set's positives and the selected ones, at most a few hundred rows. Whatever model was fitted
    is gone afterwards.

    Args:
        shared: the run's block.
        result: its rounds.
        texts: the split that the pool's rows are numbers of.
        excerpts: whether examples keep how their texts begin. They go where the store goes, so only if asked for.
    """
    if "pretrained" not in shared.learner.offered():
        return None
    start = shared.first.state
    known = shared.task.rows[start.labelled[start.labels == 1]]
    found, after = _positives(shared, result)
    rows = np.concatenate([known, found])
    if not len(found):
        return Informativeness(pairwise=(None,) * len(after), to_start=(None,) * len(after))
    vectors = shared.model.pretrained(rows)
    distances = cosine_distances(vectors[len(known) :], vectors).clip(0.0, 2.0).astype(np.float64)
    among, to_known = distances[:, len(known) :], distances[:, : len(known)]
    return Informativeness(
        pairwise=tuple(_mean_of_pairs(among[:n, :n]) for n in after),
        to_start=tuple(_mean_to_nearest(to_known[:n]) for n in after),
        examples=_examples(texts if excerpts else None, found, known, to_known),
    )


def _positives(shared: SharedBlock, result: RunResult) -> tuple[npt.NDArray[np.int64], list[int]]:
    """Return the selected positives in the order of selection, and how many there are after each round from 1."""
    oracle = shared.task.oracle()
    batches = [np.asarray(entry.selected, dtype=np.int64) for entry in result.rounds[1:]]
    found = [rows[oracle.reveal(rows) == 1] for rows in batches]
    return np.concatenate(found), np.cumsum([len(rows) for rows in found]).tolist()


def _mean_of_pairs(distances: npt.NDArray[np.float64]) -> float | None:
    """Return the mean over the pairs of distinct rows of a symmetric matrix; None if there is no pair."""
    n = len(distances)
    return round(float(distances[np.triu_indices(n, 1)].mean()), DIGITS) if n > 1 else None


def _mean_to_nearest(distances: npt.NDArray[np.float64]) -> float | None:
    """Return the mean over rows of the distance to the nearest column; None if there is no row or no column."""
    return round(float(distances.min(axis=1).mean()), DIGITS) if distances.size else None


def _examples(
    texts: Split | None,
    found: npt.NDArray[np.int64],
    known: npt.NDArray[np.int64],
    distances: npt.NDArray[np.float64],
) -> tuple[Example, ...]:
    """Return the selected positives that are nearest to, midway and farthest from the start set's positives."""
    if not distances.size:
        return ()
    nearest, gap = distances.argmin(axis=1), distances.min(axis=1)
    order = np.argsort(gap, kind="stable")
    places = dict.fromkeys((0, (len(order) - 1) // 2, len(order) - 1))
    return tuple(
        Example(
            row=int(found[at]),
            text=_excerpt(texts, found[at]),
            nearest_row=int(known[nearest[at]]),
            nearest_text=_excerpt(texts, known[nearest[at]]),
            distance=round(float(gap[at]), DIGITS),
        )
        for at in order[list(places)]
    )


def _excerpt(texts: Split | None, row: int) -> str | None:
    if texts is None:
        return None
    text = " ".join(str(texts.texts[int(row)]).split())
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1].rstrip() + "…"
