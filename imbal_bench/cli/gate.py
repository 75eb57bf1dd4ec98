"""Hold a candidate against a baseline."""

from __future__ import annotations

from typing import Annotated

import typer

from imbal_bench.cli.options import (
    Claiming,
    Machines,
    MarginsOption,
    OutOption,
    Places,
    PluginOption,
    SimulationsOption,
    SpecOption,
    StoreOption,
    Suite,
    finite,
    plugins_of,
)


def regress(
    candidate: Annotated[str, typer.Option("--candidate", help="Strategy, e.g. mine+invprop or dal+invprop:bins=5.")],
    baseline: Annotated[
        str, typer.Option("--baseline", help="Strategy; @WHERE: its runs in another store or baseline.")
    ],
    margin: MarginsOption,
    spec: SpecOption,
    claiming: Claiming,
    suite: Suite,
    places: Places,
    machines: Machines,
    harm: Annotated[str, typer.Option("--harm", help="Margin of a single task. Default: twice the suite's.")] = "",
    collapses: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Rate of collapses that a margin's claim grants; 0: it holds whatever rate; 1: any."
        ),
    ] = 0.0,
    sequential: Annotated[
        str | None,
        typer.Option("--sequential", help="Interim analyses: obf:4,7,10 (seeds), or evalue (any time). Default: one."),
    ] = None,
    stratified: Annotated[
        bool, typer.Option("--stratified", help="Each task's own variance: more power with few seeds of many tasks.")
    ] = False,
    last_rounds: Annotated[
        int, typer.Option("--last-rounds", min=1, max=10_000, help="Rounds at the end that a metric is averaged over.")
    ] = 1,
    futility: Annotated[
        float | None,
        typer.Option(callback=finite, help="Conditional power below which a plan stops; 0: never. Default: 0.1."),
    ] = None,
    level: Annotated[
        float | None, typer.Option(callback=finite, help="One-sided, all analyses together. Default: 0.05.")
    ] = None,
    again: Annotated[
        str, typer.Option("--again", help="Why runs analysed before are judged under another plan: never a pass.")
    ] = "",
    store: StoreOption = None,
    plugin: PluginOption = None,
    run: Annotated[bool, typer.Option(help="Run what the next analysis lacks; otherwise judge what is stored.")] = True,
    out: OutOption = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Try the plan on simulated grids with the stored runs' spread instead.")
    ] = False,
    simulations: SimulationsOption = 2000,
) -> None:
    """Is a candidate as good as a baseline? Runs what is missing, analysis by analysis, and judges.

    Exit code 0: claim established; 1: regression; 2: wrong usage; 3: inconclusive, or not equivalent; 4: incomplete,
    not comparable, or analysed before under another plan.

    Examples:

    imbal-bench regress --candidate random+invprop --baseline random+uniform --margin ba=.01,auc=.005 --spec nightly

    imbal-bench regress --candidate mine+invprop --plugin mine.py --baseline badge+invprop --margin pr=.02 --spec paper
    --ratios 50 --sequential obf:4,7,10 --claim superior

    imbal-bench regress --candidate dal+invprop --baseline dal+invprop@results/last-year --margin auc=.005 --spec paper

    imbal-bench regress --candidate mine+invprop --plugin mine.py --baseline random+uniform@main --margin auc=.01
    --spec nightly
    """
    from analysis.gate import parse_margins
    from imbal_bench.display.console import console_here
    from imbal_bench.display.verdicts import show_evidence, show_simulation
    from imbal_bench.workflows import grids
    from imbal_bench.workflows import regress as workflow

    console, plugins = console_here(), plugins_of(plugin)
    grid_spec, world = suite.spec(spec, last=workflow.ANY_STRATEGY), places.world
    folder = grids.store_of(store, grid_spec)
    question = workflow.Question(
        candidate,
        baseline,
        parse_margins(margin),
        parse_margins(harm) if harm else {},
        claiming.claim,
        claiming.estimand,
        sequential,
        futility,
        level,
        collapses,
        stratified,
        last_rounds,
        " ".join(again.split()),
        claiming.baselines,
    )
    if simulate:
        show_simulation(workflow.try_out(grid_spec, question, folder, world, simulations), console)
        return
    if run:
        judged = workflow.regress(grid_spec, question, machines.execution(folder, world, plugins), console, out)
    else:
        judged = workflow.judge_stored(grid_spec, question, folder, world, out)
    show_evidence(judged, console)
    raise typer.Exit(judged.verdict.exit_code)
