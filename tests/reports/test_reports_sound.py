"""The mark of sound mode and the sign of disagreement in every format."""

import csv
import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from analysis import Cell, Comparison, Group, Numbered, Overview, Paired, Row, Section, Table
from analysis.inference import Effect
from analysis.paper import Agreement
from reports.latex import to_latex
from reports.page import TITLES, to_html
from reports.plain import to_csv, to_markdown
from reports.terminal import printed
from reports.trace import Trace

PAPER = {True: Paired(9, 0, 0.1, 3.0, 0.01), False: Paired(9, 0, 0.1, 1.0, 0.20)}
SOUND = Effect("fixed-suite", 3, 0.1, 0.05, 0.15, 9.0, 0.006, 5.2, 9, 0, units=(0.09, 0.1, 0.11))


def cell(text, bold, p_holm, note=""):
    return Cell(text, float(text), 9, bold=bold, note=note, against=(Comparison("X", PAPER[bold], SOUND, p_holm),))


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
    for part in ("0.1111*§", "0.2222*≠", "0.3333 §≠", "0.5555*≠†", "§: the same in sound mode. ≠: the two disagree."):
        assert part in text


def test_csv_holds_both_marks_and_sound_modes_numbers(table):
    lines = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert [(line["bold"], line["sound bold"], line["disagrees"]) for line in lines] == [
        ("True", "True", "False"),
        ("True", "False", "True"),
        ("False", "True", "True"),
        ("False", "False", "False"),
        ("True", "False", "True"),
        ("True", "", "False"),
    ]
    names = ("units", "n", "estimate", "low", "high", "p", "p (Holm)", "note")
    assert [lines[0][f"sound {name}"] for name in names] == ["seeds", "3", "0.1", "0.05", "0.15", "0.006", "0.01", ""]


@pytest.fixture(scope="module")
def page(table):
    section = Section(
        suffix="",
        title="",
        settings="{}",
        extent="a subset of all rows",
        numbered=(Numbered(table, None, None, None),),
        not_run={},
        agreement=Agreement((), ()),
        findings=(),
        doubts=("ROC-AUC is NaN in <one> run",),
        absent=0,
        coverage=replace(table, name="runs"),
        times=replace(table, name="time"),
        distances=None,
        saved=None,
        figures=(),
        example="",
        block=(),
    )
    seen = Overview(6, 0, 0, (), (), (), (), (), (), (), dict.fromkeys(("model", *TITLES), ()))
    return to_html([section], seen, Trace(listing="file"), {"": ()})


def test_signs_stand_beside_the_number_on_the_page(page):
    own = page[page.index('<table id="table0"') :]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", own[: own.index("</table>")])
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
    assert "<dd>a subset of all rows</dd>" in top
    missing = top[top.index("What is missing") :]
    assert "<li>ROC-AUC is NaN in &lt;one&gt; run</li>" in missing
