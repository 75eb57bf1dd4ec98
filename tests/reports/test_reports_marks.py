"""The seed-level mark and the sign of disagreement in every format."""

import csv
import io
import math
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console

from analysis import Cell, CellTest, Group, Overview, Row, Table
from analysis.tables.published import PaperAgreement
from reports.latex import to_latex
from reports.page import TITLES, to_html
from reports.plain import to_csv, to_markdown
from reports.terminal import printed
from reports.trace import Trace

RUN_LEVEL = {True: (9, 0, 0.1, 3.0, 0.01, ""), False: (9, 0, 0.1, 1.0, 0.20, "")}


def cell(text, bold, p_holm, note=""):
    test = CellTest("X", *RUN_LEVEL[bold], 3, 0.1, 0.05, 0.15, 0.006, p_holm, (), "")
    seed_bold = None if math.isnan(p_holm) else p_holm < 0.05
    return Cell(text, float(text), 9, bold=bold, seed_bold=seed_bold, note=note, tests=(test,))


@pytest.fixture(scope="module")
def table():
    cells = (
        cell("0.1111", True, 0.01),
        cell("0.2222", True, 0.30),
        cell("0.3333", False, 0.01),
        cell("0.4444", False, 0.30),
        cell("0.5555", True, 0.30, "a hole"),
        cell("0.6666", True, float("nan")),
    )
    return Table(
        "table0", "T0", "a", "b", ("R",), (Group("G", tuple("abcdef")),), (Row(("r",), cells),), ("odd",), "m", "s"
    )


SPELT = {
    to_markdown: ["**0.1111**§", "**0.2222**≠", "0.3333§≠", "0.4444 ", "**0.5555**≠†", "**0.6666** "],
    to_latex: [
        r"\textbf{0.1111}\textsuperscript{\S{}} ",
        r"\textbf{0.2222}\textsuperscript{$\neq$} ",
        r" 0.3333\textsuperscript{\S{}}\textsuperscript{$\neq$} ",
        " 0.4444 ",
        r"\textbf{0.5555}\textsuperscript{$\neq$}\textsuperscript{\textdagger{}} ",
        r"\textbf{0.6666} ",
    ],
}


@pytest.mark.parametrize("spell", SPELT, ids=["markdown", "latex"])
def test_signs_follow_the_number(spell, table):
    text = spell(table)
    for part in SPELT[spell]:
        assert part in text


def test_signs_on_a_terminal_with_a_legend(table):
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(*printed(table))
    text = console.export_text()
    for part in ("0.1111*§", "0.2222*≠", "0.3333 §≠", "0.5555*≠†", "§: by the seed-level test. ≠: the two disagree."):
        assert part in text


def test_csv_holds_both_marks_and_both_tests(table):
    lines = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert [(line["bold"], line["seed-level bold"], line["disagrees"]) for line in lines] == [
        ("True", "True", "False"),
        ("True", "False", "True"),
        ("False", "True", "True"),
        ("False", "False", "False"),
        ("True", "False", "True"),
        ("True", "", "False"),
    ]
    names = ("seeds", "estimate", "low", "high", "seed-level p", "seed-level p (Holm)", "seed-level note")
    assert [lines[0][name] for name in names] == ["3", "0.1", "0.05", "0.15", "0.006", "0.01", ""]


@pytest.fixture(scope="module")
def page(table):
    section = SimpleNamespace(
        suffix="",
        title="",
        settings="{}",
        extent="a subset of all rows",
        standings=(),
        of_paper=True,
        numbered=(SimpleNamespace(table=table, tests=None, effects=None, paper=None),),
        not_run={},
        agreement=PaperAgreement((), ()),
        findings=(),
        doubts=("ROC-AUC is NaN in <one> run",),
        absent=0,
        overall=(replace(table, name="runs"), replace(table, name="time")),
    )
    seen = Overview(6, 0, 0, (), (), (), (), (), (), (), dict.fromkeys(("model", *TITLES), ()))
    return to_html([section], seen, Trace(listing="file"), {"": ()})


def test_signs_stand_beside_the_number_on_the_page(page):
    own = page[page.index('<table id="table0"') :]
    spoken = re.findall(r'<span role=img aria-label="([^"]*)">', own[: own.index("</table>")])
    assert spoken == [
        "significant, significant by the seed-level test",
        "significant, the tests disagree",
        "significant by the seed-level test, the tests disagree",
        "significant, the tests disagree, incomplete, see the notes",
        "significant",
    ]
    shown = re.sub(r' role=img aria-label="[^"]*"', "", own[: own.index("</table>")])
    cells = re.findall(r"<td[^>]*>(.*?)</td>", shown)
    assert cells == [
        "<strong>0.1111</strong><span>*§</span>",
        "<strong>0.2222</strong><span>*≠</span>",
        "0.3333<span>§≠</span>",
        "0.4444",
        "<strong>0.5555</strong><span>*≠†</span>",
        "<strong>0.6666</strong><span>*</span>",
    ]
    assert 'style="--marks: 3"' in own


def test_the_page_opens_with_what_was_run_on_what_and_what_is_wrong_with_it(page):
    top = page[: page.index("<main")]
    assert "a subset of all rows" in top
    missing = top[top.index("What is missing") :]
    assert "<li>ROC-AUC is NaN in &lt;one&gt; run</li>" in missing
