"""The console of all commands: what it is given to print is text, and never markup."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from bench.errors import printable


class PlainConsole(Console):
    """A rich console without markup, emoji codes and guessed colours, in strings, cells, titles and headers alike.

    Names of classes, paths and reasons come from users and their files: ``[exp]`` or ``:fire:`` in one is what it says.
    Characters that a terminal obeys instead of showing are printed as escapes.
    """

    def __init__(self) -> None:
        """Make one as wide as the terminal; lines of a file or pipe are not broken."""
        is_terminal = sys.stdout.isatty()
        super().__init__(
            width=None if is_terminal else 160, soft_wrap=not is_terminal, markup=False, emoji=False, highlight=False
        )

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a string as what is laid out; escapes count as the characters they are."""
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is printed, also of what was no string; rich's own codes are styles here, and no text yet."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def console_here() -> Console:
    """Return a console on the standard output as it is now."""
    return PlainConsole()


def console_of_python() -> Console:
    """Return the console on which a grid that is run from Python shows its progress.

    That of a terminal or a notebook; anywhere else, such as in a script whose output goes to a file, nothing is shown.
    """
    console = PlainConsole()
    console.quiet = not (console.is_terminal or console.is_jupyter)
    return console


def print_whatever_comes() -> None:
    """Let no character stop a command: what the terminal's encoding lacks is printed as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a test's or a notebook's own stream may be without
            stream.reconfigure(errors="backslashreplace")
