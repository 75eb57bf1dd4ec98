"""The reference of the command line, from the same texts that ``--help`` shows."""

from __future__ import annotations

import typer

from imbal_bench.cli.app import app


def page() -> str:
    """Return the page in Markdown."""
    lines = ["# Command line", "", "`imbal-bench COMMAND --help` says the same in a terminal.", ""]
    root = typer.main.get_command(app)
    for name, command in sorted(root.commands.items()):
        if getattr(command, "commands", None):
            for below, inner in sorted(command.commands.items()):
                lines += _section(f"{name} {below}", inner)
        else:
            lines += _section(name, command)
    return "\n".join(lines)


def _section(name: str, command) -> list[str]:
    about, _, examples = (command.help or "").partition("Examples:")
    lines = [f"## `{name}`", "", about.strip(), ""]
    if examples.strip():
        lines += ["```console", *(f"$ {line.strip()}" for line in examples.splitlines() if line.strip()), "```", ""]
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        lines += ["| | |", "|---|---|", *rows, ""]
    return lines


def _row(parameter) -> str:
    names = ", ".join(f"`{name}`" for name in parameter.opts)
    if parameter.param_type_name == "argument":
        names = f"`{parameter.name.upper()}`"
    text = " ".join((getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
    default = parameter.default
    shown = default is not None and default not in ((), False, "") and not callable(default)
    return f"| {names} | {text}{f' Default: `{default}`.' if shown else ''} |"
