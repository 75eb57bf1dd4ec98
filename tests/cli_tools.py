"""The command line in the test's own process."""

import sys
from collections.abc import Callable

from imbal_bench import cli as command_line


def in_process(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs the command line: (exit code, standard output, standard error)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["imbal-bench", *map(str, arguments)])
        try:
            command_line.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        else:
            code = 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
