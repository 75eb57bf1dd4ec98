"""Stored runs -> numbers.

``read_results`` turns a store into tidy frames, ``paired`` tests one arm against another, ``sections`` turns
frames into finished tables (:mod:`analysis.model`, one per definition of :mod:`analysis.definitions`) and figures,
and ``explain`` leads from a printed number back to its runs. Whatever is rounded, marked or missing is decided
here; ``reports`` only spells it out. No torch is needed.
"""

from analysis.cache import Cache
from analysis.changes import Change, Changes, changes
from analysis.figures import Figure, score_figure
from analysis.findings import FULL_RESULTS
from analysis.frame import Results, read_results
from analysis.index import ALL_STATUSES
from analysis.model import DISAGREE, HOLE, SOUND, Cell, Comparison, Group, Row, Table
from analysis.names import metric_summary, metric_title, ratio_label, shown_metric, title_of
from analysis.overview import Overview, Problem, overview
from analysis.paired import Paired, paired
from analysis.sections import Numbered, Section, sections
from analysis.tracing import Explanation, explain, traced
from bench.paths import expanded
from bench.records import METRICS
from bench.store import Baseline, Store
from bench.store.files import write_atomically

__all__ = [
    "ALL_STATUSES",
    "DISAGREE",
    "FULL_RESULTS",
    "HOLE",
    "METRICS",
    "SOUND",
    "Baseline",
    "Cache",
    "Cell",
    "Change",
    "Changes",
    "Comparison",
    "Explanation",
    "Figure",
    "Group",
    "Numbered",
    "Overview",
    "Paired",
    "Problem",
    "Results",
    "Row",
    "Section",
    "Store",
    "Table",
    "changes",
    "expanded",
    "explain",
    "metric_summary",
    "metric_title",
    "overview",
    "paired",
    "ratio_label",
    "read_results",
    "score_figure",
    "sections",
    "shown_metric",
    "title_of",
    "traced",
    "write_atomically",
]
