"""Slurm jobs as Dask workers: a small YAML file of checked fields. None of it is shell code, and none is executed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from bench.config.load import one_line, read_mapping
from bench.errors import SpecError
from bench.paths import expanded
from bench.records import Record


def _as_word(text: str) -> str:
    """Refuse what would end the line or the word that a value becomes in a job script."""
    if not text or not text.isprintable() or set(" '\"`$;&|<>\\") & set(text):
        raise ValueError("give one word without spaces, quotes and characters of the shell")
    return text


def _as_directive(text: str) -> str:
    if not text.startswith("-"):
        raise ValueError("a directive starts with a dash, such as --gres=gpu:1")
    return _as_word(text)


Word = Annotated[str, AfterValidator(_as_word)]
Directive = Annotated[str, AfterValidator(_as_directive)]


class SlurmSpec(Record):
    """What ``--slurm`` takes: how many jobs, and what each requests of Slurm."""

    jobs: Annotated[int, Field(ge=1)]
    """Slurm jobs; one that ends (its time is over, its node is lost) is submitted again."""
    cores: Annotated[int, Field(ge=1)] = 4
    """Of a job, divided among its workers."""
    memory: Word = "16GB"
    """Of a job; Slurm's own limit, no other is set."""
    walltime: Word = "04:00:00"
    workers: Annotated[int, Field(ge=1)] = 1
    """Worker processes in a job; they share its GPU, if it has one."""
    queue: Word | None = None
    """Slurm's partition."""
    account: Word | None = None
    interface: Word | None = None
    """Network over which workers reach the driver, such as ib0."""
    python: Word | None = None
    """Python on the nodes, with this package; default: the driver's."""
    directives: tuple[Directive, ...] = ()
    """Further options of sbatch, such as --gres=gpu:1."""


def load_slurm(path: str | Path) -> SlurmSpec:
    """Load a YAML file.

    Raises:
        SpecError: a wrong field is named with the value given and what is allowed.
    """
    file = expanded(path)
    if not file.is_file():
        raise SpecError(f"no file {str(path)!r}; --slurm takes YAML with {', '.join(SlurmSpec.model_fields)}")
    try:
        return SlurmSpec.model_validate(read_mapping(file))
    except ValidationError as error:
        raise SpecError(one_line(error, str(path), SlurmSpec)) from None
