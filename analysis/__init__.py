"""Stored runs -> numbers.

``read_results`` turns a store into tidy frames; a condition's runs are one labelled array (:mod:`analysis.cube`), from
which :mod:`analysis.comparisons` makes the numbers of a defined table: a frame of cells and one of comparisons.
``sections`` gives the tables (:mod:`analysis.tables`) and figures of a report, and ``explain`` leads from a printed
number back to its runs. ``reports`` only prints and draws. No torch is needed.
"""

from analysis.cache import Cache
from analysis.changes import Change, Changes, changes
from analysis.comparisons import Numbers, compare
from analysis.definitions import Reference, TableDefinition
from analysis.figures import Figure, score_figure
from analysis.findings import FULL_RESULTS
from analysis.index import ALL_STATUSES
from analysis.leaderboard import Leaderboard
from analysis.names import metric_summary, metric_title, ratio_label, ratio_words, shown_metric, title_of
from analysis.overview import Overview, Problem, overview
from analysis.results import Results, read_results
from analysis.sections import Section, Standing, TableSet, sections, standings_at
from analysis.tables.model import DISAGREE, HOLE, SEED_LEVEL, Cell, CellTest, Group, Row, Table
from analysis.text import NO_VALUE, count, p_text
from analysis.tracing import Explanation, explain, traced
from bench.paths import expanded, without_folders
from bench.records import METRICS
from bench.store import Baseline, Store
from bench.store.files import write_atomically
from bench.store.published import ROWS

__all__ = [
    "ALL_STATUSES",
    "DISAGREE",
    "FULL_RESULTS",
    "HOLE",
    "METRICS",
    "NO_VALUE",
    "ROWS",
    "SEED_LEVEL",
    "Baseline",
    "Cache",
    "Cell",
    "CellTest",
    "Change",
    "Changes",
    "Explanation",
    "Figure",
    "Group",
    "Leaderboard",
    "Numbers",
    "Overview",
    "Problem",
    "Reference",
    "Results",
    "Row",
    "Section",
    "Standing",
    "Store",
    "Table",
    "TableDefinition",
    "TableSet",
    "changes",
    "compare",
    "count",
    "expanded",
    "explain",
    "metric_summary",
    "metric_title",
    "overview",
    "p_text",
    "ratio_label",
    "ratio_words",
    "read_results",
    "score_figure",
    "sections",
    "shown_metric",
    "standings_at",
    "title_of",
    "traced",
    "without_folders",
    "write_atomically",
]
