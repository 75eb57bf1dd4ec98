"""What a grid is: tasks x ratios x seeds x starts x learners, strategies with options, and the settings they share."""

from __future__ import annotations

import math
from collections import Counter
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from bench.records import MAX_OPTION, Option, Ratio, Seed, Settings, Start

MAX_SEEDS = 10_000
MAX_NAME_BYTES = 200


def _as_seeds(value: object) -> object:
    """Read ``10`` as the seeds 0 to 9; a list stays a list."""
    if isinstance(value, list | tuple):
        return value
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("give a number of seeds or a list of integers")  # noqa: TRY004 - pydantic names the field
    if not 1 <= value <= MAX_SEEDS:
        raise ValueError(f"give how many seeds, 1 to {MAX_SEEDS}, or a list of seeds")
    return tuple(range(value))


def _as_list(value: object) -> object:
    """Read a single value as a list of one."""
    return value if isinstance(value, list | tuple) else (value,)


def _as_option(value: object) -> object:
    if isinstance(value, int) and abs(value) > MAX_OPTION:
        raise ValueError(f"an integer among options lies between {-MAX_OPTION} and {MAX_OPTION}")
    if isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise ValueError("an option is a finite number, a word, or true or false")


def _as_folder(name: str) -> str:
    if not name.isprintable() or {"/", "\\"} & set(name) or not name.strip(". "):
        raise ValueError("results go to a folder of this name, so give printable characters without slashes")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise ValueError(f"results go to a folder of this name, so give at most {MAX_NAME_BYTES} bytes of UTF-8")
    return name


OptionValue = Annotated[Option, BeforeValidator(_as_option)]
OptionValues = Annotated[tuple[OptionValue, ...], BeforeValidator(_as_list), Field(min_length=1)]


class GridSpec(Settings):
    """A grid specification, as written in a YAML file or a preset.

    The settings (``loop``, ``pool``, ``model``, ``train``) are shared by every run and belong to its name.
    """

    name: Annotated[str, AfterValidator(_as_folder)] = "grid"
    """Of the grid; its store is ``results/NAME``."""
    about: str = ""
    """What it is for, in words."""
    tasks: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]
    """``dataset`` (all its tasks), ``dataset/class``, or the same with the path of a user's YAML file."""
    ratios: Annotated[tuple[Ratio, ...], BeforeValidator(_as_list), Field(min_length=1)] = (50,)
    """Positives are 1/ratio of the pool; ``natural``: the data's own imbalance."""
    seeds: Annotated[tuple[Seed, ...], BeforeValidator(_as_seeds), Field(min_length=1)] = tuple(range(10))
    """How many (0, 1, ...), or a list."""
    starts: Annotated[tuple[Start, ...], BeforeValidator(_as_list), Field(min_length=1)] = ("warm",)
    """``warm`` (a labelled start set) or ``cold`` (none)."""
    learners: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)] = ("fine-tune",)
    """What is trained: ``name``, or ``name:option=value,option=value``."""
    judge: str | None = None
    """A second learner, written like the first, that is trained and evaluated on what was selected with the first."""
    algorithms: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)] = (
        "random",
        "badge",
        "alps",
        "dal",
    )
    """Names, or ``all`` for every algorithm there is."""
    weightings: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)] = (
        "uniform",
        "posprob",
        "invprop",
    )
    """Names, or ``all``."""
    strategies: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """Whole strategies, such as ``badge+invprop:bins=5``: exactly these are run, instead of each algorithm with each
    weighting."""
    options: dict[str, dict[str, OptionValues]] = Field(default_factory=dict)
    """Algorithm or weighting -> option -> the values to run, e.g. ``{invprop: {bins: [2, 5, 10]}}``."""
    infeasible: Literal["skip", "refuse"] = "skip"
    """What to do with a task that leaves too few positives at a ratio."""

    @model_validator(mode="after")
    def _no_doubles(self) -> GridSpec:
        axes = ("tasks", "ratios", "seeds", "starts", "learners", "algorithms", "weightings", "strategies")
        lists = {axis: getattr(self, axis) for axis in axes}
        for part, options in self.options.items():
            lists |= {f"options.{part}.{option}": values for option, values in options.items()}
        for field, values in lists.items():
            double = [value for value, times in Counter(values).items() if times > 1]
            if double:
                raise ValueError(f"{field} names {double[0]!r} twice")
        return self

    @property
    def settings(self) -> Settings:
        """The settings every run shares."""
        return Settings(loop=self.loop, pool=self.pool, model=self.model, train=self.train)
