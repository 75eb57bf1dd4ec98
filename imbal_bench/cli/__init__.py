"""The command line: a command parses, calls a workflow, shows its result, and sets the exit code.

Other packages are imported inside the commands, so that ``--help`` answers at once.
"""

from imbal_bench.cli.app import app, main

__all__ = ["app", "main"]
