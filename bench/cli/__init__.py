"""The command line. Other packages are imported inside the commands, so that ``--help`` answers at once."""

from bench.cli.app import app, main

__all__ = ["app", "main"]
