"""The nightly job's memory: what each night said, and where that drifts.

``plan_against`` fixes what a night is held to before it runs, ``held_against`` judges its runs, ``append`` writes the
night into the history, ``series`` marks drift, and ``summary`` tells the last night on one screen.
"""

from analysis.history.drift import RULE, drifting, series
from analysis.history.judging import Frozen, held_against, named, plan_against
from analysis.history.nights import Comparison, Night, Point, append, read_history
from analysis.history.page import night_figures
from analysis.history.summary import exit_code_of, summary, verdict_of

__all__ = [
    "RULE",
    "Comparison",
    "Frozen",
    "Night",
    "Point",
    "append",
    "drifting",
    "exit_code_of",
    "held_against",
    "named",
    "night_figures",
    "plan_against",
    "read_history",
    "series",
    "summary",
    "verdict_of",
]
