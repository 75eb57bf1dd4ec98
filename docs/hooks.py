"""Pages that are made from the code when the site is built: strategies, command line, grid files."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))  # mkdocs runs this file as it is; its neighbours are no package

import command_line
import gallery
import grid_files
import notebooks

_ROLE = re.compile(r":(?:func|class|meth|mod|attr|data):\s*(?=<code>)")
"""What docstrings put before a name, as Sphinx wants it."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    strategies, pictures = gallery.page()
    made: dict[str, str | bytes] = {
        "strategies.md": strategies,
        "reference/command-line.md": command_line.page(),
        "reference/grid-files.md": grid_files.page(),
        **{f"pictures/{name}": content for name, content in pictures.items()},
        **notebooks.pages(),
    }
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_content(html: str, **_: object) -> str:
    """Leave the marks of another builder out."""
    return _ROLE.sub("", html)
