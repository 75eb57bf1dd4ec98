"""A verdict as files, and on a terminal."""

import io
import json
import re
from html import escape
from xml.etree import ElementTree as ET

import pytest
from gate_tools import a_plan, fill, places, verdict_on
from rich.console import Console

import reports.gate
from analysis import Store
from analysis.gate import Verdict, forest, headline, lines, margins, simulate, simulation_table, tables
from analysis.stats import Components
from reports import terminal_simulation, terminal_verdict, write_gate
from reports.figures.effects import forest as drawn_forest
from reports.figures.margins import margins as drawn_margins
from reports.gate import to_junit, to_page, to_summary


@pytest.fixture(scope="module")
def harmed(tmp_path_factory):
    """Worse on one task, found at the second of three looks."""
    store = fill(tmp_path_factory.mktemp("gate") / "s", lambda task, _: -0.09 if task == "sst2/positive" else 0.03)
    return verdict_on(a_plan(looks=(4, 7, 10)), store).model_copy(update={"again": "A REASON <b>"})


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Every run failed, with a reason that no format may take for its own."""
    store = Store(tmp_path_factory.mktemp("gate") / "s", create=True)
    reason = "\x1b[31mboom\x00 <script>alert(1)</script> [red]x[/red] | & ]]>"
    fill(store.path, arms=("uniform",), seeds=range(2))
    fill(store.path, arms=("invprop",), seeds=range(2), status="failed", reason=reason)
    return verdict_on(a_plan(looks=(2,)), store)


@pytest.fixture
def _undrawn(monkeypatch):
    """Figures take seconds to draw."""
    monkeypatch.setattr(reports.gate, "drawn_of", lambda verdict: ())


def parsed(verdict):
    """The suite of a verdict's JUnit XML."""
    return ET.fromstring(to_junit(verdict)).find("testsuite")  # noqa: S314 - written a moment ago


def shown(renderable, width=200):
    out = io.StringIO()
    Console(file=out, width=width).print(renderable)
    return out.getvalue()


def test_junit_has_a_case_for_each_metric_and_task(harmed):
    suite = parsed(harmed)
    cases = suite.findall("testcase")
    assert len(cases) == 2 + 1 + 4 * 2 == int(suite.get("tests"))
    failed = [case for case in cases if case.find("failure") is not None]
    of_tasks = [case for case in failed if case.get("classname").startswith("task.")]
    assert {case.get("classname") for case in of_tasks} == {"task.sst2/positive 1/50 warm"}
    assert int(suite.get("failures")) == len(failed) == len(of_tasks) + 2  # no metric passes where the claim does not
    assert all("margin" in case.find("failure").get("message") for case in failed)


def test_junit_fails_what_is_not_shown(tmp_path):
    """Not significant is never a pass."""
    verdict = verdict_on(a_plan(claim="superior"), fill(tmp_path / "s"))
    suite = parsed(verdict)
    assert {it.get("type") for it in suite.iter("failure")} == {"inconclusive"}
    assert len(suite.findall("testcase[@classname='suite.fixed-suite']/failure")) == 2


def test_junit_without_a_verdict_is_an_error_for_each_finding(hostile):
    suite = parsed(hostile)
    assert [it.get("type") for it in suite.iter("error")] == ["failed"]
    assert (suite.get("errors"), suite.get("failures"), suite.get("tests")) == ("1", "0", "1")
    assert "<script>alert(1)</script>" in suite.find("testcase/error").get("message")


def test_markdown_says_all_and_takes_nothing_for_a_mark(harmed, hostile):
    text = to_summary(harmed)
    assert text.startswith(
        "## REGRESSION: random+invprop is worse than random+uniform by more than a task's margin on sst2/positive 1/50 "
    )
    assert text.count("\n|:") == len(tables(harmed)) == 3
    assert "**<0.0001**" in text.replace("\\", "")
    assert r"\<script\>" in to_summary(hostile)


def test_the_terminal_says_a_line_for_each_finding(harmed, hostile):
    text = shown(terminal_verdict(harmed), 800)
    assert text.splitlines()[0] == headline(harmed)
    assert text.splitlines()[1] == "analysed again (--again): A REASON <b>"
    assert len(text.splitlines()) == 1 + len(lines(harmed))
    assert "[red]x[/red]" in shown(terminal_verdict(hostile), 400)


@pytest.mark.usefixtures("_undrawn")
def test_the_page_escapes_and_needs_no_network(harmed, hostile):
    page = to_page(hostile)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    page = to_page(harmed)
    assert "A REASON &lt;b&gt;" in page
    assert re.findall(r"""(?:src|href)=["'](?!data:|#)[^"']*""", page) == []
    assert 'href="report.html"' in to_page(harmed, report=True)
    for table in tables(harmed):
        assert all(row.labels[0] in page for row in table.rows)
    assert harmed.plan_hash in page


def test_all_files_are_written_and_agree(harmed, tmp_path):
    files = write_gate(harmed, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"gate.json", "gate.xml", "gate.md", "gate.html"}
    told = json.loads(files.json.read_text())
    assert (told.pop("exit_code"), told.pop("headline")) == (1, headline(harmed))
    assert Verdict.model_validate(told) == harmed
    page = files.html.read_text()
    assert page.count("<svg") == 2
    assert escape(headline(harmed)).replace("&#x27;", "&#39;") in page


def test_the_forest_shows_every_task_and_the_whole(harmed):
    frame = forest(harmed).data["tasks"]
    assert len(frame) == (4 + 1) * 2
    whole = frame[frame["dataset"] == ""]
    assert whole["mean"].tolist() == [it.estimate for it in harmed.suite]
    assert set(whole["unit"]) == {"seed"}
    assert set(whole["edge"]) == {-0.02, -0.01}  # the suite's margins; a task's own are twice as wide
    assert set(frame.loc[frame["dataset"] != "", "edge"]) == {-0.04, -0.02}


@pytest.mark.parametrize(
    ("estimand", "label"),
    [("fixed-suite", "these tasks"), ("new-tasks", "new tasks"), ("new-datasets", "new datasets")],
)
def test_the_drawn_forest_marks_every_margin_and_names_the_whole(tmp_path, estimand, label):
    tasks = [(f"d{number}", "p") for number in range(6)]
    plan = a_plan(looks=(2,), margins={"auc": 0.01}, estimand=estimand, places=places(tasks))
    verdict = verdict_on(plan, fill(tmp_path / "s", seeds=range(2), tasks=tasks))
    (panel,) = drawn_forest(forest(verdict).data["tasks"]).axes
    ends = [path.vertices for lines in panel.collections for path in lines.get_paths()]
    assert sorted(one[0] for one, other in ends if one[0] == other[0]) == pytest.approx([-0.02] * 6 + [-0.01])
    assert panel.get_yticklabels()[-1].get_text() == label


def test_the_table_of_looks_says_what_was_not_taken(harmed):
    (looks,) = [table for table in tables(harmed) if table.address == "looks"]
    assert [row.labels for row in looks.rows] == [("1", "no decision"), ("2", "regression"), ("3", "not made")]
    assert [row.cells[1].text for row in looks.rows] == ["0.0019", "0.0185", "0.0442"]
    assert any(
        line.endswith("stopping threshold p 0.0185: regression; stopped 3 seeds early") for line in lines(harmed)
    )


def test_a_plan_with_one_look_has_no_table_of_looks(tmp_path):
    verdict = verdict_on(a_plan(looks=(2,)), fill(tmp_path / "s", seeds=range(2)))
    assert [table.address for table in tables(verdict)] == ["suite", "tasks"]
    assert not any("over all interim analyses" in line for line in lines(verdict))


def test_the_picture_has_an_axis_a_metric_with_its_margins_interval_and_verdict(tmp_path):
    verdict = verdict_on(a_plan(looks=(2,)), fill(tmp_path / "s", seeds=range(2)))
    panels = drawn_margins(margins(verdict).data["metrics"]).axes
    for panel, it in zip(panels, verdict.suite, strict=True):
        assert panel.get_xticks() == pytest.approx([-it.margin, 0, it.margin])
        assert panel.get_title(loc="left").endswith(f": {it.standing}")
        assert f"{it.coverage:.1%} interval" in panel.get_title(loc="right")
        ends = panel.lines[3].get_xdata()
        assert list(ends) == pytest.approx([it.low, it.high])
        assert panel.get_xlim()[0] < -it.margin < it.margin < panel.get_xlim()[1]


def test_a_simulation_is_a_row_for_each_truth():
    plan = a_plan(looks=(2, 4), margins={"auc": 0.01})
    found = simulate(plan, {"auc": Components(residual=0.01)}, 50)
    table = simulation_table(found)
    assert len(table.rows) == len(found.scenarios) == 6
    assert [row.cells[0].bold for row in table.rows] == [True, False, True, False, False, False]
    assert "one task worse" in shown(terminal_simulation(found))
