"""What is to be run: a strategy in a block of runs that share task, ratio, seed, start and learner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, ValidationInfo, field_validator, model_serializer

from bench import seeds
from bench.records.settings import Settings, merged
from bench.records.values import Option, Ratio, Record, Seed, Start, ratio_text


class Task(Record):
    """A dataset and the class that is rare in it (one-vs-rest; positive = minority)."""

    dataset: str
    positive: str

    def __str__(self) -> str:
        return f"{self.dataset}/{self.positive}"


class Component(Record):
    """An algorithm, a weighting or a learner with the values of all its options and the version of its code."""

    name: str
    options: dict[str, Option] = Field(default_factory=dict)
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
    def as_typed(self) -> str:
        """Name and changed options, as they are typed: ``probe:C=3``."""
        return self.name + (":" if self.changed else "") + ",".join(map(_option_text, sorted(self.changed.items())))


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
        learner = "" if self.learner.as_typed == FINE_TUNE.name else f" {self.learner.as_typed}"
        judge = f" judged by {self.judge.as_typed}" if self.judge else ""
        return f"{self.task} {ratio_text(self.ratio)} seed {self.seed} {self.start}{learner}{judge}"


def learners_as_typed(learners: Sequence[Component]) -> str:
    """Return a learner as it is typed, with the judge if there is one: ``probe:C=3 judged by fine-tune``."""
    return " judged by ".join(part.as_typed for part in learners)


class Strategy(Record):
    """A strategy = an algorithm x a weighting."""

    algorithm: Component
    weighting: Component

    def __str__(self) -> str:
        return f"{self.algorithm.name}+{self.weighting.name}"

    @property
    def as_typed(self) -> str:
        """Its parts with the options that differ from their defaults, as one types them."""
        return f"{self.algorithm.as_typed}+{self.weighting.as_typed}"

    @property
    def needs(self) -> tuple[str, ...]:
        """What either part reads of a view, sorted."""
        return tuple(sorted({*self.algorithm.needs, *self.weighting.needs}))


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
    return merged([(run.settings, {*run.block.reads, *run.strategy.needs}) for run in runs])


def _option_text(option: tuple[str, Option]) -> str:
    name, value = option
    return f"{name}={str(value).lower() if isinstance(value, bool) else value}"
