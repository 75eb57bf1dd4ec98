"""The application: its help, its version, and how it ends."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from bench import __version__
from bench.environment import leave_out_ambient_of_command
from bench.errors import BenchError, printable
from imbal_bench.cli import baseline, checks, data, gate, nightly, plan, results, run, store
from imbal_bench.cli.commands import Commands
from imbal_bench.display.console import print_whatever_comes

app = Commands(
    name="imbal-bench",
    help="""Benchmark active learning on imbalanced text.

    [bold]Examples[/bold]

    imbal-bench run quickstart        12 strategies on embedded text, 10 seeds, three minutes

    imbal-bench plan paper            what the paper's grid costs

    imbal-bench run paper --jobs 8    run it; stop, start again at any time

    imbal-bench run my.yaml --set loop.rounds=3    your grid, one field changed

    imbal-bench report --store results/paper       tables and figures of it""",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

for command in (
    *(run.run, plan.plan, run.status, results.report, results.best, results.explain, results.validate, results.power),
    *(gate.regress, nightly.nightly, plan.list_, checks.check, checks.agree, checks.doctor, checks.perf, store.rescore),
):
    app.command(command.__name__.rstrip("_"))(command)
app.add_typer(data.data_app, name="data")
app.add_typer(baseline.baseline_app, name="baseline")
app.add_typer(store.store_app, name="store")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"imbal-bench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version_flag: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Declare options that stand before the command."""


def main() -> None:
    """Run the command line; an error the suite raises on purpose becomes one line and its exit code."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    leave_out_ambient_of_command()
    print_whatever_comes()
    notes: set[str] = {"debug"} if os.environ.get("IMBAL_BENCH_DEBUG") else set()
    try:
        app(obj=notes)
    except Exception as error:
        if "debug" in notes and _is_to_be_traced(error):
            raise
        if isinstance(error, BenchError):
            print(f"imbal-bench: {error}", file=sys.stderr)
            raise SystemExit(error.exit_code) from None
        text = printable(" ".join(f"{type(error).__name__}: {error}".split()))
        print(f"imbal-bench: unexpected error, please report it: {text} (--debug shows where)", file=sys.stderr)
        raise SystemExit(70) from None


def _is_to_be_traced(error: Exception) -> bool:
    """Return whether an error is not one that says all in its line: an unexpected one, or one raised by a run.

    The latter carry a note of the run (see :mod:`bench.grid.worker.run_block`).
    """
    return not isinstance(error, BenchError) or bool(getattr(error, "__notes__", ()))
