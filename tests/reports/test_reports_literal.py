"""Any text of a user, in any language that reports are written in, is read back as it is."""

from __future__ import annotations

import csv
import html
import io
import re
import shutil
import subprocess
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from analysis import read_results, sections
from analysis.figures import Figure
from reports.figures import draw
from reports.latex import escaped as tex
from reports.latex import to_latex
from reports.plain import escaped, frame_to_csv, to_csv

GFM = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PRINTABLE = st.characters(exclude_categories=["Cc", "Cs"])
MARKS = st.text("-+=*_#>.()[]1 ~`!\\<&|:;\t\na", max_size=8) | st.text(PRINTABLE, max_size=12)
ODD = (
    *(
        "[exp]",
        "[/exp]",
        "*",
        "*a",
        " [x",
        "\t[x]",
        "字",
        "字[",
        "(l)",
        "a--b---c",
        "?`x",
        "''",
        "\\",
        "$x$ 100%",
        "a_b^{c}~&#",
    ),
    *("\\end{document}", "%", "-", "``", "{}", "[", "]", "<>|", '"', "é Ü ß", "\x1b[31m", "]{", "~", "=1+1"),
)


@given(text=MARKS)
@example(text="1. x")
@example(text="---")
@example(text="- x")
@example(text="2)")
@pytest.mark.parametrize("before", ["", "- ", "## ", "> "])
def test_markdown_shows_any_text(text, before):
    page = GFM.render(f"{before}{escaped(text)}\n")
    assert html.unescape(re.sub(r"<[^>]+>", "", page)).strip() == " ".join(text.split())


@pytest.fixture(scope="module")
def table(factory):
    """A table whose every label is a place for a text."""
    return next(
        table for section in sections(factory.results(factory.grid(algorithms=("badge",)))) for table in section.tables
    )


def relabelled(table, texts):
    """Return the table with one row for each text, which is its first label."""
    row = table.rows[0]
    rows = tuple(replace(row, labels=(text, *row.labels[1:])) for text in texts)
    return replace(
        table, rows=rows, headers=(texts[0], *table.headers[1:]), caption=texts[0], title=texts[0], notes=texts
    )


@given(
    texts=st.lists(
        st.text(min_size=1, max_size=6) | st.sampled_from(["\r", "a\rb", ",", '"', "\n"]), min_size=1, max_size=4
    )
)
def test_csv_holds_any_text(table, texts):
    texts = tuple(text.encode("utf-8", "replace").decode().replace("\0", "") for text in texts)
    lines = list(csv.reader(io.StringIO(to_csv(relabelled(table, texts)), newline="")))
    assert lines[0][0] == texts[0]
    assert list(dict.fromkeys(line[0] for line in lines[1:])) == list(dict.fromkeys(texts))
    frame = pd.DataFrame({"a": texts, "b": 1.5})
    assert list(csv.reader(io.StringIO(frame_to_csv(frame).decode(), newline="")))[1:] == [
        [text, "1.5"] for text in texts
    ]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles_with_any_text_anywhere(table, tmp_path):
    head = "\\documentclass{article}\n\\usepackage{booktabs,graphicx}\n\\begin{document}\n"
    lists = "\\begin{itemize}\n" + "".join(f"\\item {tex(text)}\n" for text in ODD) + "\\end{itemize}\n"
    tables = [to_latex(relabelled(table, (text, *ODD))) for text in ("[exp]", "*", "]{\\", "字--")]
    (tmp_path / "paper.tex").write_text(head + lists + "\n\\clearpage\n".join(tables) + "\n\\end{document}\n", "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-1500:]
    if shutil.which("pdftotext"):
        command = ["pdftotext", "-layout", "-l", "2", "paper.pdf", "-"]
        text = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout.decode()
        for shown in ("[exp]", "[/exp]", "*a", "[U+5B57]", "a--b---c", "?‘x", "$x$ 100%", "\\end{document}", "=1+1"):
            assert re.search(rf"^\W* {re.escape(shown)}$", text, re.MULTILINE), (shown, text)


@given(text=st.text(min_size=1, max_size=20))
def test_what_latex_reads_first_is_never_an_option_or_a_star(text):
    assert not tex(text).lstrip().startswith(("[", "*"))


@pytest.mark.parametrize("name", ["$x$", "\\frac{1}", "_x", "$", "<b>&amp;", "a^b_c"])
def test_a_figure_shows_any_name(name):
    means = pd.DataFrame(
        {"metric": "auc", "algorithm_label": name, "weighting_label": name, "labelled": [10, 20], "mean": [0.5, 0.6]}
    )
    drawn = draw(Figure("curves", "curves", "t", "c", {"means": means, "differences": means[:0]}))
    texts = html.unescape(re.sub(r"<[^>]+>", "\n", drawn["svg"].decode())).split("\n")
    assert texts.count(name) == 2  # the panel's title, and the legend


def test_results_hold_names_as_they_are_stored(tmp_path, factory):
    from analysis import Store

    store = Store(tmp_path / "s", create=True)
    for text in ODD:
        store.write(factory.a_run("badge", "uniform", dataset="d", positive=text))
    assert set(read_results(store).runs["positive"]) == set(ODD)
