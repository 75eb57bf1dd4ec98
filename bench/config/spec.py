"""What a grid is: tasks x ratios x seeds x starts, algorithms x weightings x options, and the settings they share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from bench.records import Option, Settings, Start


def _as_seeds(value: object) -> object:
    """Read ``10`` as the seeds 0 to 9; a list stays a list."""
    return tuple(range(value)) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_list(value: object) -> object:
    """Read a single value as a list of one."""
    return value if isinstance(value, list | tuple) else (value,)


Ratio = Annotated[int, Field(ge=2)]
Seed = Annotated[int, Field(ge=0)]
OptionValues = Annotated[tuple[Option, ...], BeforeValidator(_as_list), Field(min_length=1)]


class GridSpec(Settings):
    """A grid specification, as written in a YAML file or a preset.

    The settings (``loop``, ``pool``, ``model``, ``train``) are shared by every run and belong to its name.
    """

    name: str = "grid"
    about: str = ""
    tasks: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]
    """``dataset`` (all its tasks), ``dataset/class``, or the same with the path of a user's YAML file."""
    ratios: Annotated[tuple[Ratio, ...], BeforeValidator(_as_list), Field(min_length=1)] = (50,)
    seeds: Annotated[tuple[Seed, ...], BeforeValidator(_as_seeds), Field(min_length=1)] = tuple(range(10))
    starts: Annotated[tuple[Start, ...], BeforeValidator(_as_list), Field(min_length=1)] = ("warm",)
    algorithms: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)] = (
        "random",
        "badge",
        "alps",
        "dal",
    )
    weightings: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)] = (
        "uniform",
        "posprob",
        "invprop",
    )
    options: dict[str, dict[str, OptionValues]] = Field(default_factory=dict)
    """Algorithm or weighting -> option -> the values to run, e.g. ``{invprop: {bins: [2, 5, 10]}}``."""
    infeasible: Literal["skip", "refuse"] = "skip"
    """What to do with a task that leaves too few positives at a ratio."""

    @model_validator(mode="after")
    def _no_doubles(self) -> GridSpec:
        for field in ("tasks", "ratios", "seeds", "starts", "algorithms", "weightings"):
            values = getattr(self, field)
            double = {value for value in values if values.count(value) > 1}
            if double:
                raise ValueError(f"{field} names {min(double, key=str)!r} twice")
        return self

    @property
    def settings(self) -> Settings:
        """The settings every run shares."""
        return Settings(loop=self.loop, pool=self.pool, model=self.model, train=self.train)
