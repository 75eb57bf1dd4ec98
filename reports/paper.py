"""The paper-ready folder: what an article needs, and hashes to tell whether it was changed since."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from analysis import Overview, Section, title_of
from reports.citations import bibliography, cited
from reports.latex import environment, to_latex
from reports.picture import Picture

MANIFEST = "manifest.sha256"
"""Its lines are those of sha256sum, so that ``sha256sum -c`` checks the folder."""


def paper_files(
    sections: Sequence[Section], overview: Overview, pictures: Mapping[str, Sequence[Picture]]
) -> dict[str, bytes]:
    """Return relative path -> content: ``main.tex``, ``tables/``, ``figures/``, ``strategies.bib`` and a manifest.

    ``main.tex`` is a plain article that holds everything; it compiles with texlive-latex-base and -recommended.

    Args:
        sections: what is shown.
        overview: of the same store.
        pictures: suffix of a section -> its figures.
    """
    names = sorted({name for strategy in overview.strategies for name in strategy})
    strategies = [(title_of(name), keys) for name, keys in cited(names).items()]
    sources = bibliography(names)
    main = environment().get_template("main.tex")
    article = main.render(
        sections=sections, pictures=pictures, strategies=strategies, bibliography=bool(sources.strip())
    )
    texts = {
        "main.tex": article + "\n",
        "strategies.bib": sources,
        **{f"tables/{table.name}.tex": to_latex(table) for section in sections for table in section.tables},
    }
    drawn = {f"figures/{picture.name}.pdf": picture.pdf for section in sections for picture in pictures[section.suffix]}
    found = {path: text.encode() for path, text in texts.items()} | drawn
    return with_manifest(found)


def with_manifest(found: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return files, relative path -> content, and the manifest of them."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in sorted(found.items())]
    return {**found, MANIFEST: "".join(lines).encode()}
