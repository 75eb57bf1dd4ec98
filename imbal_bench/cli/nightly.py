"""Run a grid every night, and hold it against a baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from imbal_bench.cli.options import (
    Arms,
    Claiming,
    Machines,
    MarginsOption,
    Places,
    PluginOption,
    Suite,
    plugins_of,
)

CANARY = "random+uniform"


def nightly(
    claiming: Claiming,
    suite: Suite,
    arms: Arms,
    places: Places,
    machines: Machines,
    spec: Annotated[
        str,
        typer.Argument(
            help="A preset (see `imbal-bench list presets`) or a YAML file. Default: what suits the machine."
        ),
    ] = "by machine",
    baseline: Annotated[str, typer.Option(help="Baseline to hold the night against. Default: none, no verdict.")] = "",
    candidate: Annotated[
        list[str] | None, typer.Option(help="Strategy to judge. Repeatable. Default: all that the baseline has.")
    ] = None,
    against: Annotated[str, typer.Option(help="Strategy of the baseline. Default: the candidate's own runs.")] = "",
    canary: Annotated[str, typer.Option(help="Strategy whose own stored runs tell how the machine does.")] = CANARY,
    margin: MarginsOption = "ba=.02,auc=.01,pr=.02",
    folder: Annotated[Path, typer.Option("--folder", help="Where nights and their history are.")] = Path("nightly"),
    plugin: PluginOption = None,
    script: Annotated[
        Literal["slurm", "cron", "github"] | None, typer.Option(help="Print a script that starts the job, and end.")
    ] = None,
) -> None:
    """Run tonight's grid, or the rest of a night that was cut off; report, judge, and add to the history.

    With a GPU, the preset `nightly`; without one `nightly-probe`, with a linear probe; or the one that
    is named. Exit code, of the worst verdict: 0: all claims established; 1: a regression; 3: inconclusive; 4:
    incomplete.

    Examples:

    imbal-bench nightly --baseline main --jobs 2

    imbal-bench nightly grid.yaml --plugin mine.py --baseline main --candidate mine+invprop --against random+uniform

    imbal-bench nightly --script slurm > nightly.sh
    """
    if script:
        from imbal_bench.nights import script as script_of

        print(script_of(script), end="")
        return
    from analysis.gate import parse_margins
    from analysis.nights import NightlyQuestion
    from imbal_bench.display.console import console_here
    from imbal_bench.display.verdicts import show_begun, show_night
    from imbal_bench.workflows import nightly as workflow

    console, plugins, world = console_here(), plugins_of(plugin), places.world
    asked = NightlyQuestion(tuple(candidate or ()), against, canary, claiming.claim)
    held = workflow.Held(parse_margins(margin), asked, claiming.estimand, baseline, claiming.baselines)
    it = workflow.begin(
        folder,
        held,
        world,
        lambda: workflow.settled(spec, lambda name, more: suite.spec(name, arms, first=more), machines.device),
        lambda store: machines.execution(store, world, plugins),
    )
    show_begun(it, console)
    ended = workflow.finish(it, console)
    show_night(ended, console)
    raise typer.Exit(ended.night.exit_code)
