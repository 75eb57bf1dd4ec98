"""The paper-ready folder: what an article needs, and hashes to tell whether it was changed since."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from analysis import Overview, Section, Table, title_of
from reports.article import article_table, brief, columns, methods, named, pages
from reports.citations import bibliography, cited
from reports.latex import environment
from reports.picture import Picture

MANIFEST = "manifest.sha256"
"""Its lines are those of sha256sum, so that ``sha256sum -c`` checks the folder."""


def paper_files(
    sections: Sequence[Section],
    overview: Overview,
    pictures: Mapping[str, Sequence[Picture]],
    narrow: Mapping[str, Sequence[Picture]] | None = None,
) -> dict[str, bytes]:
    """Return relative path -> content: documents, ``tables/``, ``columns/``, ``figures/``, BibTeX and a manifest.

    ``main.tex`` is a plain article, ``supplement.tex`` what stands behind it; they compile with texlive-latex-base and
    -recommended.

    Args:
        sections: what is shown.
        overview: of the same store.
        pictures: suffix of a section -> its figures.
        narrow: the same of figures as wide as a column.
    """
    narrow = narrow or {}
    names = sorted({name for strategy in overview.strategies for name in strategy})
    strategies = [(title_of(name), keys) for name, keys in cited(names).items()]
    sources = bibliography(names)
    tables = {section.suffix: pages(section) for section in sections}
    parts = [
        [_part(section, tables[section.suffix][at], pictures[section.suffix], main=at == 0) for section in sections]
        for at in (0, 1)
    ]
    main, supplement = (environment().get_template(name) for name in ("main.tex", "supplement.tex"))
    texts = {
        "main.tex": main.render(parts=parts[0], strategies=strategies, bibliography=bool(sources.strip())) + "\n",
        "supplement.tex": supplement.render(parts=parts[1]) + "\n",
        "strategies.bib": sources,
    }
    for own in (one for both in tables.values() for one in both):
        texts |= {f"tables/{table.name}.tex": article_table(table, number) for table, number in own}
        wide = columns(own)
        texts |= {f"columns/{table.name}.tex": article_table(table, number, column=True) for table, number in wide}
    found = {path: text.encode() for path, text in texts.items()}
    for section in sections:
        found |= {f"figures/{picture.name}.pdf": picture.pdf for picture in pictures[section.suffix]}
        found |= {f"figures/{picture.name}-column.pdf": picture.pdf for picture in narrow.get(section.suffix, ())}
    return with_manifest(found)


def _part(
    section: Section, tables: Sequence[tuple[Table, str]], pictures: Sequence[Picture], *, main: bool
) -> dict[str, Any]:
    """Return what a document says of a section."""
    own = [picture for picture in pictures if picture.main == main]
    return {
        "title": section.title,
        "methods": methods(section),
        "leads": [named(one.board.lead) for one in section.standings],
        "tables": tables,
        "pictures": [replace(one, title=named(one.title), caption=brief(named(one.caption))) for one in own],
    }


def with_manifest(found: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return files, relative path -> content, and the manifest of them."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in sorted(found.items())]
    return {**found, MANIFEST: "".join(lines).encode()}
