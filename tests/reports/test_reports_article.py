"""The article: it compiles at full size, its captions are short, and it has the paper's names and numbers."""

import re
import shutil
import subprocess
from math import nan

import pytest

from analysis import overview, sections
from reports.article import article_table, brief, in_article, one_direction, p_in_article, pages
from reports.paper import paper_files

needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


@pytest.fixture(scope="module")
def section(factory):
    few = factory.paper_grid(2).query("dataset in ('ag_news', 'sst2') and ratio in (20, 50)").reset_index(drop=True)
    (section,) = sections(factory.results(few))
    return section


def compiled(files, folder, document):
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    command = ("pdflatex", "-interaction=nonstopmode", "-halt-on-error", document)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


@needs_latex
@pytest.mark.slow
@pytest.mark.parametrize("document", ["main.tex", "supplement.tex"])
def test_it_compiles_at_the_shape_of_the_papers_runs(factory, tmp_path, document):
    results = factory.results(factory.paper_grid(10), rounds=5)
    assert len(results.runs) == 12_820
    log = compiled(paper_files(sections(results), overview(results), {"": ()}), tmp_path, document)
    for trouble in ("Overfull", "Too many unprocessed floats", "Float too large"):
        assert trouble not in log


def test_every_caption_is_short_and_names_are_the_papers(section):
    for table, number in (one for both in pages(section) for one in both):
        own = in_article(table)
        assert len(own.caption.split()) <= 40 or own.caption.count(". ") == 0, (table.name, own.caption)
        text = article_table(table, number)
        assert "ag\\_news" not in text
        assert "ROC-AUC" not in text
    assert "AG\\_news" in article_table(section.table("T2"))


def test_numbers_are_the_papers_and_the_supplement_counts_on(section):
    main, rest = pages(section)
    numbers = {table.address: number for table, number in main}
    assert {address: numbers[address] for address in ("T2", "T4", "T8")} == {"T2": "2", "T4": "4", "T8": "8"}
    assert [number for _, number in rest] == [f"S{at}" for at in range(1, len(rest) + 1)]
    assert r"\renewcommand{\thetable}{4}" in article_table(section.table("T4"), "4")


def test_of_claims_that_ask_both_ways_one_is_printed(section):
    tests = section.table("T4-p")
    claims = [row.labels for row in one_direction(tests)]
    assert {labels[-1] for labels in claims} == {"InvProp > Uniform"}
    assert 2 * len(claims) == len(tests.shown)


@pytest.mark.parametrize(
    ("p", "text"), [(0.0132, ".013"), (0.0004, "< .001"), (0.00099, "< .001"), (1.0, "1.000"), (nan, "–")]
)
def test_p_values_are_written_as_articles_do(p, text):
    assert p_in_article(p) == text


def test_marks_take_the_same_room_in_every_cell(section):
    text = article_table(section.table("T4"))
    rows = [line for line in text.splitlines() if line.endswith(r"\\") and "makebox" in line]
    cells = [cell for line in rows for cell in line.split(" & ")[1:]]
    assert cells
    assert len({re.search(r"\\makebox\[([\d.]+)em\]\[l\]", cell)[1] for cell in cells}) == 1


@needs_latex
def test_a_table_for_a_column_fits_it(section, tmp_path):
    files = {f"{address}.tex": article_table(section.table(address), "1", column=True).encode()
             for address in ("T2", "T3", "T4", "T5")}  # fmt: skip
    inputs = "\n".join(f"\\input{{{name}}}" for name in files)
    files["main.tex"] = (
        "\\documentclass{article}\\usepackage{booktabs,graphicx}\\begin{document}"
        "\\makeatletter\\def\\table{}\\def\\endtable{\\typeout{WIDTH \\the\\wd0}}"
        "\\def\\caption{\\@ifnextchar[{\\@one}{\\@two}}"
        "\\def\\@one[#1]#2{}\\def\\@two#1{}\\makeatother\n"
        f"\\setlength\\linewidth{{219pt}}\n{inputs}\n\\end{{document}}\n"
    ).encode()
    log = compiled(files, tmp_path, "main.tex")
    widths = [float(width) for width in re.findall(r"WIDTH ([\d.]+)pt", log)]
    assert len(widths) == 4
    assert max(widths) <= 219


def test_a_caption_keeps_whole_sentences():
    assert brief("One two. Three four. Five six.", 4) == "One two. Three four."
    assert brief("One two three four five.", 2) == "One two three four five."
