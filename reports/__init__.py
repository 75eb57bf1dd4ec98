"""Numbers -> pages, tables in files, and figures.

``write_report`` writes everything that a store says into a folder; ``terminal_table`` is the short form for a
terminal, and ``terminal_explanation`` lists the runs behind one of its numbers. They spell out the tables of
``analysis`` and decide nothing. ``write_gate`` and ``terminal_verdict`` do the same for a verdict of the gate,
and ``history_page`` for the nights of the nightly job.
"""

from reports.gate import GateFiles, terminal_simulation, terminal_verdict, write_gate
from reports.history import history_page
from reports.report import ReportFiles, terminal_explanation, terminal_table, write_report

__all__ = [
    "GateFiles",
    "ReportFiles",
    "history_page",
    "terminal_explanation",
    "terminal_simulation",
    "terminal_table",
    "terminal_verdict",
    "write_gate",
    "write_report",
]
