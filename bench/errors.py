"""One tree of errors: everything the suite raises on purpose is a :class:`BenchError`.

Each message is one line that says what was given, what is allowed and what to do. The command line prints it
without a traceback and exits with the class's ``exit_code``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from signal import SIGINT

LONGEST = 80
"""Characters of a value that a message quotes."""
_OBEYED = re.compile("[^\n\t -~\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\U0010ffff]")
"""Control characters, ends of lines other than a line feed, changes of direction, and halves of characters."""


def printable(text: str) -> str:
    """Return a text in which characters that would be obeyed instead of shown are escapes; line ends and tabs stay."""
    return _OBEYED.sub(lambda found: repr(found[0])[1:-1], text)


def shortened(values: Iterable[object], most: int = 24) -> str:
    """Return values as a list in words, of which a long one ends in how many more there are."""
    every = [str(value) for value in values]
    shown = [text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…" for text in every[:most]]
    return ", ".join(shown) + (f" and {len(every) - most:,} more" if len(every) > most else "")


class BenchError(Exception):
    """Base of every error the suite raises on purpose."""

    exit_code = 2

    def __str__(self) -> str:
        """Return the message as one line, whatever it quotes."""
        return printable(" ".join(super().__str__().splitlines()))


class SpecError(BenchError):
    """A grid specification, an option or a command-line value is wrong."""


class UnknownNameError(SpecError):
    """A name that nothing is registered under; the message lists what there is and the nearest spelling."""

    def __init__(self, kind: str, given: str, allowed: Iterable[str], hint: str = "") -> None:
        names = sorted(allowed)
        given = given if len(given) <= LONGEST else f"{given[: LONGEST - 1]}…"
        near = difflib.get_close_matches(given, names, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        tail = f" {hint}" if hint else ""
        super().__init__(f"unknown {kind} {given!r}.{guess} Known: {shortened(names) or 'none'}.{tail}")


class PluginError(BenchError):
    """A plug-in file or entry point could not be loaded, or broke the contract of its kind."""


class DataError(BenchError):
    """A dataset is missing, unreadable, empty, or lacks a column, a text or a class."""


class InfeasibleTaskError(DataError):
    """A task at this ratio leaves too few positives to start from and to find."""


class ModelError(BenchError):
    """A checkpoint cannot be reached, read or used as a classifier."""


class StoreError(BenchError):
    """The result store cannot be read or written."""


class CorruptRecordError(StoreError):
    """A result file is truncated, foreign, or from another schema version."""


class PairingError(BenchError):
    """Runs that were made under different conditions, or stored twice, must not be compared as pairs."""


class StoppedError(BenchError):
    """A grid was stopped: by Ctrl-C, or by SIGTERM, as schedulers and ``kill`` do."""

    def __init__(self, message: str, signal_number: int = SIGINT) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


class RunError(BenchError):
    """A run could not be finished (NaN loss, out of memory, a strategy that broke its contract)."""

    exit_code = 1
