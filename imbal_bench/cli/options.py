"""The options that several commands take, each declared once, and what groups of them turn into."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from bench.config import GridSpec
    from bench.grid.driver.execution import Execution
    from bench.grid.world import World
    from bench.registry import PluginFile

MOST_WORKERS = 1024
"""Of each kind: a slip of the finger must not start millions of processes."""
MOST_SIMULATIONS = 1_000_000
MOST_SECONDS = 1e9
"""Of a limit of time: 30 years, still within what a timer can wait."""
QUICKSTART = Path("results/quickstart")
BASELINES = Path("baselines")
CACHE = Path("data_cache")
SPEC_HELP = "A preset (see `imbal-bench list presets`) or a YAML file."


def finite(value: float | None) -> float | None:
    """Refuse ``nan``, which passes any minimum and maximum, and infinities."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no number to work with; give a finite one, or leave the option out.")
    return value


def _note_debug(context: typer.Context, wanted: bool) -> bool:
    """Tell :func:`imbal_bench.cli.app.main` that errors are to be shown whole."""
    if wanted and isinstance(context.obj, set):
        context.obj.add("debug")
    return wanted


SpecArgument = Annotated[str, typer.Argument(help=SPEC_HELP)]
SpecOption = Annotated[str, typer.Option("--spec", help=SPEC_HELP)]
StoreOption = Annotated[Path | None, typer.Option("--store", help="Result store. Default: results/<name of the grid>.")]
StoreHere = Annotated[Path, typer.Option("--store", help="Result store.")]
StoreArgument = Annotated[Path, typer.Argument(help="Result store.")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data-dir", envvar="IMBAL_BENCH_DATA", help="Local dataset mirror instead of the Hub."),
]
CacheOption = Annotated[
    Path, typer.Option("--cache-dir", envvar="IMBAL_BENCH_CACHE", help="Cache; may be deleted at any time.")
]
PluginOption = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="Python file with strategies, weightings, learners, metrics or tables. Repeatable."),
]
DebugOption = Annotated[
    bool,
    typer.Option(
        "--debug",
        callback=_note_debug,
        help="Show where an unexpected error comes from; run: in this process, and a strategy's exception ends it.",
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", help="Hub id, local folder, or 'offline' (all-MiniLM-L6-v2 from a package)."),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", min=1, max=MOST_WORKERS, help="Threads of each worker. Default: cores / jobs."),
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
CalibrationOption = Annotated[
    Path | None,
    typer.Option("--calibration", help="File of `plan --measure`, made here or elsewhere. Default: this machine's."),
]
MarginsOption = Annotated[str, typer.Option("--margin", help="Per metric, e.g. ba=.01,auc=.005,pr=.02.")]
MetricOption = Annotated[str, typer.Option("--metric", help="Any that the runs have; see `list metrics`.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for other programs instead.")]
BaselineArgument = Annotated[str, typer.Argument(help="Name of the baseline.")]
BaselinesOption = Annotated[
    Path, typer.Option("--baselines", envvar="IMBAL_BENCH_BASELINES", help="Folder of baselines; may be kept in git.")
]
OutOption = Annotated[Path | None, typer.Option("--out", help="Folder to write. Default: report/ in the store.")]
WithTextsOption = Annotated[
    bool,
    typer.Option(
        "--with-texts",
        help="Show the excerpts of selected texts that runs kept (run --with-excerpts); mind their licences.",
    ),
]
SimulationsOption = Annotated[
    int, typer.Option("--simulations", min=1, max=MOST_SIMULATIONS, help="Grids to draw for each question.")
]


@dataclass(frozen=True)
class Suite:
    """What of a specification a command line changes."""

    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override any field: --set loop.rounds=3 --set ratios=10,50. Repeatable."),
    ] = None
    tasks: Annotated[str | None, typer.Option("--tasks", help="E.g. sst2,ag_news/Sports; quote one with a comma.")] = (
        None
    )
    ratios: Annotated[
        str | None, typer.Option("--ratios", help="E.g. 10,50 or natural (the data's own imbalance).")
    ] = None
    seeds: Annotated[str | None, typer.Option("--seeds", help="A number of seeds, or a list such as 3,4.")] = None
    model: ModelOption = None
    learner: Annotated[
        list[str] | None,
        typer.Option("--learner", help="What is trained: fine-tune, probe, tfidf:svd=100 ... Repeatable."),
    ] = None
    judge: Annotated[
        str | None, typer.Option("--judge", help="A second learner, trained on what was selected with the first.")
    ] = None

    def spec(
        self, name: str, arms: Arms | None = None, *, first: Sequence[str] = (), last: Sequence[str] = ()
    ) -> GridSpec:
        """Return the specification of a preset or file under what was given; the short options are overrides too.

        Args:
            name: the preset or file.
            arms: algorithms and weightings, where the command takes them.
            first: further overrides, over which what the user gave wins.
            last: further ones that win over it.
        """
        from imbal_bench.workflows.grids import load

        short = {
            "tasks": self.tasks,
            "ratios": self.ratios,
            "seeds": self.seeds,
            "algorithms": arms and arms.algorithms,
            "weightings": arms and arms.weightings,
            "model.name": self.model,
            "judge": self.judge,
            "learners": ",".join(f'"{word}"' for word in self.learner) if self.learner else None,
        }
        given = [f"{field}={value}" for field, value in short.items() if value is not None]
        return load(name, [*first, *(self.overrides or ()), *given, *last])


@dataclass(frozen=True)
class Arms:
    """Algorithms and weightings, each with each."""

    algorithms: Annotated[str | None, typer.Option("--algorithms", help="E.g. random,badge.")] = None
    weightings: Annotated[str | None, typer.Option("--weightings", help="E.g. uniform,invprop.")] = None


@dataclass(frozen=True)
class Places:
    """Where data come from and caches go."""

    data_dir: DataOption = None
    cache_dir: CacheOption = CACHE
    follow_links: Annotated[
        bool, typer.Option("--follow-links", help="Follow symbolic links out of the folder of a dataset's YAML file.")
    ] = False

    @property
    def world(self) -> World:
        """The same, as a value that travels to workers."""
        from bench.grid.world import World

        return World(self.data_dir, self.cache_dir, self.follow_links)


@dataclass(frozen=True)
class Cores:
    """What of this machine is used."""

    jobs: Annotated[
        int,
        typer.Option("--jobs", "-j", min=1, max=MOST_WORKERS, help="Worker processes; cores are divided among them."),
    ] = 1
    threads: ThreadsOption = None
    device: DeviceOption = "auto"


@dataclass(frozen=True)
class Machines(Cores):
    """Which processes, on which machines, run blocks."""

    executor: Annotated[
        Literal["inline", "joblib", "dask"] | None,
        typer.Option("--executor", help="What runs blocks. Default: what the other options imply."),
    ] = None
    gpus: Annotated[str | None, typer.Option("--gpus", help="Share out these GPUs: all, or 0,1,2.")] = None
    per_gpu: Annotated[
        int, typer.Option("--per-gpu", min=1, max=MOST_WORKERS, help="Worker processes on each GPU.")
    ] = 1
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Use the workers of a Dask scheduler: tcp://host:8786.")
    ] = None
    slurm: Annotated[Path | None, typer.Option("--slurm", help="Use Slurm jobs as described in a YAML file.")] = None
    run_timeout: Annotated[
        float | None,
        typer.Option(
            "--run-timeout",
            min=0.001,
            max=MOST_SECONDS,
            callback=finite,
            help="Seconds after which a run has hung and fails. Default: no limit.",
        ),
    ] = None

    def execution(
        self,
        store: Path,
        world: World,
        plugins: tuple[PluginFile, ...],
        *,
        debug: bool = False,
        with_excerpts: bool = False,
    ) -> Execution:
        """Return how a grid is run on them."""
        from dataclasses import asdict

        from imbal_bench.workflows.grids import execution_of

        return execution_of(store, world, plugins=plugins, debug=debug, with_excerpts=with_excerpts, **asdict(self))


@dataclass(frozen=True)
class Claiming:
    """What a candidate is to show, and of which tasks."""

    claim: Annotated[
        Literal["superior", "noninferior", "equivalent"], typer.Option("--claim", help="What is to be shown.")
    ] = "noninferior"
    estimand: Annotated[
        Literal["fixed-suite", "new-tasks", "new-datasets"],
        typer.Option("--estimand", help="On these tasks, on new tasks, or on new datasets."),
    ] = "fixed-suite"
    baselines: BaselinesOption = BASELINES


@dataclass(frozen=True)
class Piloted:
    """Which differences of stored runs a study takes its spread from."""

    arms: Annotated[str, typer.Option("--arms", help="The two weightings whose differences are taken.")] = (
        "invprop,uniform"
    )
    metric: MetricOption = "auc"
    condition: Annotated[
        str | None, typer.Option("--condition", help="E.g. ratio50-warm, where the store holds several.")
    ] = None


def print_json(values: object) -> None:
    """Print values as JSON on the standard output."""
    from json import dumps

    print(dumps(values, indent=1, allow_nan=False))


def plugins_of(paths: list[Path] | None) -> tuple[PluginFile, ...]:
    """Load plug-in files; return them as they were read, for workers to load the same."""
    from imbal_bench.workflows.grids import add_plugins

    return add_plugins(paths or ())
