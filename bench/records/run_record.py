"""What a run yields, as it is stored."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from pydantic import Field, JsonValue

from bench import seeds
from bench.records.run_spec import RunSpec
from bench.records.values import NATURAL, Ratio, Record, Status

SCHEMA_VERSION: Literal[3] = 3
METRIC_VERSION = 1
SCORE_BINS = 60
"""The least number of bins that every number of bins in the paper (2, 5, 10, 15, 20) divides."""
JUDGE = "judge."
"""Begins the names of a judge's metrics."""
METRICS = ("balanced_accuracy", "auc", "positives_ratio")
"""The paper's three: what tables show by default."""


class PoolFacts(Record):
    """Counts of a built pool, before the start set is taken from it."""

    rows: int
    positives: int
    dropped_positives: int
    dropped_negatives: int
    test_rows: int
    test_positives: int


def prevalence(ratio: Ratio, pool: PoolFacts) -> float:
    """Return the share of positives that a task at a ratio stands for: 1/ratio, or what the data themselves have."""
    return pool.positives / pool.rows if ratio == NATURAL else 1 / ratio


class Round(Record):
    """What one round yields; round 0 is the start set and the model M_0 trained on it."""

    round: int
    labelled: int
    """Rows labelled so far, start set included."""
    labelled_positives: int
    selected: tuple[int, ...] = ()
    """Row numbers of the dataset's train split, in the order of selection."""
    selected_p: tuple[float, ...] | None = None
    """M_{t-1}'s probability of the positive class; None where the strategy needed no pass over the pool."""
    selected_w: tuple[float, ...] = ()
    selected_positives: int = 0
    pool_p: tuple[int, ...] | None = None
    """The unlabelled pool before this selection by M_{t-1}'s p: rows in each of ``SCORE_BINS`` equal bins over [0, 1],
    the last closed on the right. None where there was no pass, and in records older than this field."""
    pool_w: tuple[float, ...] | None = None
    """The share of the strategy's weight that those rows have, per bin; sums to 1 but for rounding."""
    state: dict[str, JsonValue] | None = None
    """What a stateful algorithm (a bandit) knows after this round's selection."""
    metrics: dict[str, float]
    """Metric -> value of M_t on the test set; ``judge.`` begins those of the judge, where there is one, at M_0 and M_T.
    """
    seconds: dict[str, float] = Field(default_factory=dict)
    """Seconds per stage: select; fit, score_test, score_pool; score_dropout, fit_members, score_members (committees);
    pretrained, surprisal (embeddings); fit_judge, score_judge."""
    rows: dict[str, int] = Field(default_factory=dict)
    """Rows per stage."""
    peak_memory_mb: float = 0.0


class Example(Record):
    """A selected positive and the start set's positive nearest to it; excerpts of their texts only if asked for."""

    row: int
    text: str | None = None
    nearest_row: int
    nearest_text: str | None = None
    distance: float


class Informativeness(Record):
    """How the selected positives vary, and how far they are from the start set's (:mod:`bench.informativeness`).

    Cosine distances in the pre-trained encoder's space, cumulative: entry t - 1 is of all positives selected in rounds
    1 to t; None where there are too few.
    """

    pairwise: tuple[float | None, ...]
    """Mean distance of two selected positives."""
    to_start: tuple[float | None, ...]
    """Mean distance of a selected positive to the nearest positive of the start set."""
    examples: tuple[Example, ...] = ()
    """The selected positives nearest to, midway and farthest from the start set's positives."""


class Provenance(Record):
    """Where and with what a run was made; never part of its name."""

    finished: str
    host: str
    device: str
    precision: str
    threads: int
    versions: dict[str, str]
    git_commit: str | None
    git_dirty: bool | None
    data_source: str
    model_source: str
    lm_head: str
    """``checkpoint``, ``trained`` (the checkpoint has none), or ``unused``."""
    attention: str = "sdpa"
    """``sdpa`` (torch's own), or ``eager`` for an architecture that knows its own only, which is slower."""
    token_budget: int | None = None
    """Padded tokens a scoring batch was lowered to because memory ran out; None if it never did."""


class RunRecord(Record):
    """One stored run. ``status`` is ok, failed or skipped; the latter two carry a reason and no result."""

    schema_version: Literal[3] = SCHEMA_VERSION
    metric_version: int = METRIC_VERSION
    key: str
    spec: RunSpec
    status: Status
    reason: str = ""
    fingerprint: str
    """The data's fingerprint."""
    pair_key: str = ""
    pool: PoolFacts | None = None
    start_rows: tuple[int, ...] = ()
    rounds: tuple[Round, ...] = ()
    metrics: dict[str, float] = Field(default_factory=dict)
    """Metric of the run as a whole -> value, such as ``positives_ratio``: positives among the selected rows (rounds x
    batch, fewer if the pool ran dry), the start set excluded."""
    informativeness: Informativeness | None = None
    """None in records older than this field."""
    seconds: float = 0.0
    provenance: Provenance | None = None
    control: tuple[float, ...] = ()
    """M_0's probabilities of some test rows (:func:`bench.control.control_of`). The runs of a block share M_0, so where
    they differ, device, precision or versions did."""
    test_probabilities_sha256: str = ""
    sha256: str = ""
    """Of the record's file with this field empty; empty in records older than this field. Stays the last field."""

    @property
    def final(self) -> Round:
        """Return the last round (T)."""
        return self.rounds[-1]

    @property
    def outcome(self) -> dict[str, float]:
        """Return metric -> value: those of the last round and those of the run as a whole."""
        return {**(self.final.metrics if self.rounds else {}), **self.metrics}

    @property
    def names_rows(self) -> bool:
        """Whether it says which rows were selected: a record of a published store need not."""
        return all(len(one.selected) == one.labelled - last.labelled for last, one in pairwise(self.rounds))

    def without_texts(self) -> RunRecord:
        """Return the record without excerpts of texts, for what leaves the machine; itself if it holds none.

        The hash of its file goes with them, since it is of another file.
        """
        found = self.informativeness
        if found is None or not any(example.text or example.nearest_text for example in found.examples):
            return self
        bare = tuple(example.model_copy(update={"text": None, "nearest_text": None}) for example in found.examples)
        return self.model_copy(update={"informativeness": found.model_copy(update={"examples": bare}), "sha256": ""})

    def pairing(self) -> str:
        """Return the hash of all that two runs must share before they may be compared as a pair: the ``pair_key``."""
        shared = {
            "block": self.spec.block.canonical(),
            "settings": self.spec.shared.canonical(),
            "data": self.fingerprint,
            "pool": self.pool and self.pool.model_dump(mode="json"),
            "start": self.start_rows,
            "metrics": self.metric_version,
        }
        return seeds.pair_key(shared)
