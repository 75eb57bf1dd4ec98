"""A verdict of the gate as JSON, JUnit XML, Markdown and a page, and for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from rich.console import Group, RenderableType
from rich.text import Text

from analysis import Table, expanded, metric_title, write_atomically
from analysis.gate import (
    PlaceResult,
    Simulation,
    SuiteResult,
    Verdict,
    forest,
    headline,
    interval,
    lines,
    margins,
    sentence,
    sides,
    simulation_table,
    tables,
)
from analysis.gate.words import collapse_line
from reports.page import page_environment
from reports.picture import Picture, picture_of
from reports.plain import escaped, to_markdown
from reports.terminal import printed
from reports.trace import Trace

Failure = tuple[str, str]
"""Kind and message."""
STYLES = {"established": "bold green", "regression": "bold red"}


@dataclass(frozen=True)
class GateFiles:
    """What a verdict consists of on disk: ``gate.json``, ``gate.xml`` (JUnit), ``gate.md`` and ``gate.html``."""

    json: Path
    junit: Path
    markdown: Path
    html: Path


def write_gate(verdict: Verdict, out_dir: str | Path) -> GateFiles:
    """Write a verdict into a folder; files of that name are replaced, each of them whole or not at all.

    Raises:
        StoreError: if a file cannot be written.
    """
    out = expanded(out_dir)
    files = GateFiles(*(out / f"gate.{suffix}" for suffix in ("json", "xml", "md", "html")))
    write_atomically(files.json, to_json(verdict).encode())
    write_atomically(files.junit, to_junit(verdict))
    write_atomically(files.markdown, to_summary(verdict).encode())
    write_atomically(files.html, to_page(verdict, report=(out / "report.html").exists()).encode())
    return files


def to_json(verdict: Verdict) -> str:
    """Return a verdict as JSON: exit code and headline, then all that a :class:`analysis.gate.Verdict` holds."""
    content = {"exit_code": verdict.exit_code, "headline": headline(verdict)}
    return json.dumps({**content, **verdict.model_dump(mode="json")}, indent=1, allow_nan=False) + "\n"


def to_junit(verdict: Verdict) -> bytes:
    """Return JUnit XML: a case for each metric on the suite, and for each task and metric.

    A case of the suite fails unless the claim is established, which it is in all metrics or none; a task's fails where
    harm is shown or suspected, the collapses' where the candidate's are more. Without a verdict there is one case, with
    an error for each finding. Five elements of the standard library's ElementTree do
    not call for a further dependency.
    """
    suite = Element("testsuite", name=_legal(f"regress {' against '.join(sides(verdict.plan))}"))
    if verdict.outcome == "incomplete":
        case = SubElement(suite, "testcase", classname="evidence", name="complete and comparable")
        for finding in verdict.findings:
            SubElement(case, "error", type=finding.kind, message=_legal(finding.text))
    else:
        for classname, name, failure in _cases(verdict):
            case = SubElement(suite, "testcase", classname=_legal(classname), name=name)
            if failure:
                SubElement(case, "failure", type=failure[0], message=_legal(failure[1]))
    cases = suite.findall("testcase")
    counts = {kind: sum(case.find(kind) is not None for case in cases) for kind in ("failure", "error")}
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(counts["failure"]))
    suite.set("errors", str(counts["error"]))
    SubElement(suite, "system-out").text = _legal("\n".join([headline(verdict), *lines(verdict)]))
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    content: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _legal(text: str) -> str:
    """Return a text without what XML 1.0 cannot hold, such as the colour codes of an error message."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")


def _cases(verdict: Verdict) -> Iterator[tuple[str, str, Failure | None]]:
    """Yield class, name and failure of each case."""
    for it in verdict.suite:
        yield f"suite.{verdict.plan.estimand}", metric_title(it.metric), _suite_failure(verdict, it)
    if verdict.collapses:
        said = ("regression", collapse_line(verdict.plan, verdict.collapses)) if verdict.collapses.more else None
        yield f"suite.{verdict.plan.estimand}", "collapses", said
    for one in verdict.places:
        yield f"task.{one.place}", metric_title(one.metric), _place_failure(one)


def _suite_failure(verdict: Verdict, it: SuiteResult) -> Failure | None:
    """Return why a metric's case fails; a metric that holds by itself passes only where the whole claim does."""
    if verdict.outcome == "established":
        return None
    if it.worse:
        return "regression", f"worse by more than {it.margin:g}: {interval(it)}"
    claim = f"the claim ({verdict.plan.claim}) is not established"
    return "inconclusive", f"{claim}; {sentence(verdict.plan, it)}"


def _place_failure(it: PlaceResult) -> Failure | None:
    if not (it.harmed or it.suspected):
        return None
    kind, said = ("regression", "worse") if it.harmed else ("inconclusive", "suspected to be worse")
    edge = "a task's margin" if it.acknowledged is None else "the acknowledged loss"
    return kind, f"{said} by more than {edge} {it.margin:g}: {interval(it)}"


def to_summary(verdict: Verdict) -> str:
    """Return a verdict as GitHub Markdown: the headline, the findings, and the tables behind them."""
    said = "".join(f"- {escaped(line)}\n" for line in lines(verdict))
    return "\n".join([f"## {escaped(headline(verdict))}\n", said, *map(to_markdown, tables(verdict))])


def to_page(verdict: Verdict, *, report: bool = False) -> str:
    """Return a verdict as one self-contained page, with a link to the ``report.html`` beside it if there is one."""
    drawn = drawn_of(verdict)
    template = page_environment(drawn).get_template("gate.html")
    page = template.render(
        verdict=verdict,
        report=report,
        headline=headline(verdict),
        lines=lines(verdict),
        tables=tables(verdict),
        trace=Trace(listing=""),  # the runs behind a difference are listed by the report on the store
        pictures=drawn,
        declared=verdict.plan.model_dump_json(indent=1),
    )
    return page + "\n"


def drawn_of(verdict: Verdict) -> tuple[Picture, ...]:
    """Return where the metrics stand, and the forest plot of a verdict, drawn; none before the first analysis."""
    return (picture_of(margins(verdict)), picture_of(forest(verdict))) if verdict.taken else ()


def terminal_verdict(verdict: Verdict) -> RenderableType:
    """Return the headline and a line for each finding as something ``rich`` prints."""
    style = STYLES.get(verdict.outcome, "bold yellow")
    every = lines(verdict)
    loud = [Text(line, style="bold red") for line in every[: bool(verdict.again)]]
    return Group(Text(headline(verdict), style=style), *loud, *(Text(f"- {line}") for line in every[len(loud) :]))


def terminal_tables(found: Sequence[Table]) -> RenderableType:
    """Return tables as something that ``rich`` prints."""
    return Group(*(part for table in found for part in printed(table)))


def terminal_simulation(found: Simulation) -> RenderableType:
    """Return the behaviour of a plan as a table that ``rich`` prints."""
    return Group(*printed(simulation_table(found)))
