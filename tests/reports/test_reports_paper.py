"""The paper-ready folder: it compiles, says what the tables say, and names its sources."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import reports
from analysis import overview, read_results, sections
from bench.store import Store
from bench.strategies.catalogue import ALGORITHMS, WEIGHTINGS
from reports.article import in_article, pages
from reports.citations import bibliography, cited, entries
from reports.paper import paper_files
from reports.picture import Picture

GOLDEN = Path(__file__).parent / "golden" / "main.tex"
HOSTILE = r"a_b & $x$ 50% #{~^\ 中"

needs_latex = pytest.mark.skipif(
    not all(map(shutil.which, ("pdflatex", "bibtex", "pdftotext"))),
    reason="pdflatex, bibtex or pdftotext is not installed",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory, factory):
    path = tmp_path_factory.mktemp("paper") / "store"
    factory.fill(path, algorithms=("random", "badge"), seeds=range(3))
    return factory.fill(path, algorithms=(HOSTILE,), seeds=range(2))


@pytest.fixture(scope="module")
def folder(store, tmp_path_factory, _few_drawn):
    out = tmp_path_factory.mktemp("out")
    written = reports.write_report(reports.read_report(store.path), out, out / "paper")
    assert set(written.paper) == {path for path in (out / "paper").rglob("*") if path.is_file()}
    return out / "paper"


def run(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


@pytest.mark.slow
@needs_latex
def test_it_compiles_and_its_pdfs_hold_the_numbers(folder, store, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    latex = ("pdflatex", "-interaction=nonstopmode", "-halt-on-error")
    run(tmp_path, *latex, "main.tex")
    run(tmp_path, "bibtex", "main")
    run(tmp_path, *latex, "main.tex")
    log = run(tmp_path, *latex, "main.tex")
    assert "undefined" not in log
    assert "Overfull" not in log
    assert "Overfull" not in run(tmp_path, *latex, "supplement.tex")
    (section,) = sections(read_results(store))
    texts = [run(tmp_path, "pdftotext", "-layout", f"{name}.pdf", "-") for name in ("main", "supplement")]
    for text, tables in zip(texts, pages(section), strict=True):
        flat = " ".join(text.split())
        for table, number in tables:
            assert f"Table {number}:" in flat
            assert [cell.text for cell in in_article(table).cells if cell.text.lstrip("+−<– ") not in flat] == []
    assert "diverse, uncertain gradient" in " ".join(texts[0].split())
    assert "no reference is known" in texts[0]
    drawn = [len(re.findall(r"Figure \d+:", text)) for text in texts]
    main = [figure for figure in section.figures if figure.main]
    assert drawn == [len(main), len(section.figures) - len(main)]
    assert len(list(folder.glob("figures/*-column.pdf"))) == len(main)


def test_the_manifest_names_every_file_with_its_hash(folder):
    lines = (folder / "manifest.sha256").read_text().splitlines()
    named = dict(reversed(line.split("  ", 1)) for line in lines)
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    assert set(named) == set(files) - {"manifest.sha256"}
    assert all(named[name] == hashlib.sha256(files[name].read_bytes()).hexdigest() for name in named)


def test_main_is_as_it_was(factory):
    """To accept a change: copy the new main.tex over tests/reports/golden/main.tex."""
    results = factory.results(factory.grid(algorithms=("badge",)))
    drawn = {"": (Picture("curves", "Curves & more", "Of 50 % of the runs", svg=b"", pdf=b""),)}
    assert paper_files(sections(results), overview(results), drawn)["main.tex"].decode() == GOLDEN.read_text()


@needs_latex
def test_an_empty_store_gives_a_folder_that_compiles(tmp_path):
    Store(tmp_path / "s", create=True)
    written = reports.write_report(reports.read_report(tmp_path / "s"), tmp_path / "out", tmp_path / "paper")
    assert {path.name for path in written.paper} == {"main.tex", "supplement.tex", "strategies.bib", "manifest.sha256"}
    run(tmp_path / "paper", "pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex")
    assert reports.write_report(reports.read_report(tmp_path / "s"), tmp_path / "other").paper == ()


def test_every_shipped_strategy_has_its_papers():
    """The first family name and the year of each paper that a strategy names are those of an entry."""
    for name, cls in {**ALGORITHMS.items(), **WEIGHTINGS.items()}.items():
        if not cls.__module__.startswith("bench.strategies."):
            continue
        texts = {entry.key: entry.text for entry in entries() if name in entry.names}
        assert texts, name
        assert set(cited([name])[name]) == set(texts)
        first = cls.paper.split(";")[0]
        family, year = re.match(r"(\w+)", first)[1], re.search(r"\d{4}", first)[0]
        assert any(family in text and f"year = {{{year}}}" in text for text in texts.values()), (name, first)


def test_every_entry_is_read_and_belongs_to_a_shipped_strategy():
    bib = (Path(reports.__file__).parent / "strategies.bib").read_text()
    assert len(entries()) == len(re.findall(r"^@", bib, re.MULTILINE)) == len({entry.key for entry in entries()})
    known = {*ALGORITHMS, *WEIGHTINGS}
    assert {name for entry in entries() for name in entry.names} <= known


def test_the_bibliography_holds_what_was_used_only():
    assert re.findall(r"^@\w+\{(\w+)", bibliography(["badge", "uniform", "mine"]), re.MULTILINE) == [
        "fairstein2024",
        "ash2020",
    ]
    assert cited(["mine"]) == {"mine": ()}
