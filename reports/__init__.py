"""Numbers -> pages, tables in files, and figures.

``read_report`` works out what a store says; ``write_report`` writes all of it into a folder, ``terminal_table`` is the
short form for a terminal, and ``terminal_explanation`` lists the runs behind one of its numbers; ``write_publication``
writes the runs themselves for others to analyse, ``description`` describes a published store; ``write_gate`` and
``terminal_verdict`` tell a verdict of the gate, and ``history_page`` the nights of the nightly job. They spell out what
``analysis`` says and decide nothing.
"""

from reports.data_card import Described, description
from reports.gate import GateFiles, terminal_simulation, terminal_tables, terminal_verdict, write_gate
from reports.history import history_page
from reports.plain import to_markdown
from reports.publication import write_publication
from reports.report import (
    Report,
    ReportFiles,
    read_report,
    terminal_best,
    terminal_explanation,
    terminal_table,
    write_report,
)

__all__ = [
    "Described",
    "GateFiles",
    "Report",
    "ReportFiles",
    "description",
    "history_page",
    "read_report",
    "terminal_best",
    "terminal_explanation",
    "terminal_simulation",
    "terminal_table",
    "terminal_tables",
    "terminal_verdict",
    "to_markdown",
    "write_gate",
    "write_publication",
    "write_report",
]
