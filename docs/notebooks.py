"""The notebooks as pages, with the output that they have."""

from __future__ import annotations

from pathlib import Path

from nbconvert import MarkdownExporter

FOLDER = Path(__file__).parent / "notebooks"


def pages() -> dict[str, str | bytes]:
    """Return file name -> content of a page for each notebook, and of its pictures."""
    made: dict[str, str | bytes] = {}
    for path in sorted(FOLDER.glob("*.ipynb")):
        names = {"unique_key": path.stem, "output_files_dir": "pictures"}
        text, found = MarkdownExporter().from_filename(path, resources=names)
        made[f"notebooks/{path.stem}.md"] = text
        made |= {f"notebooks/{name}": picture for name, picture in found["outputs"].items()}
    return made
