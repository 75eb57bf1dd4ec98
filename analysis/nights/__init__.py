"""The nightly job's memory: what each night said, and where that drifts.

A :class:`NightBaseline` fixes what a night is held to before it runs, and judges its runs; ``append`` writes the night
into the history, ``series`` marks drift, and ``summary`` tells the last night on one screen.
"""

from analysis.nights.cards import ComparisonCard, cards
from analysis.nights.drift import RULE, drifting, series
from analysis.nights.judging import NightBaseline, NightlyQuestion, compared, named
from analysis.nights.nights import Night, NightComparison, Point, append, read_history
from analysis.nights.page import night_figures
from analysis.nights.summary import exit_code_of, summary, summary_json, verdict_of

__all__ = [
    "RULE",
    "ComparisonCard",
    "Night",
    "NightBaseline",
    "NightComparison",
    "NightlyQuestion",
    "Point",
    "append",
    "cards",
    "compared",
    "drifting",
    "exit_code_of",
    "named",
    "night_figures",
    "read_history",
    "series",
    "summary",
    "summary_json",
    "verdict_of",
]
