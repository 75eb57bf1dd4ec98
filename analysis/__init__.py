"""Stored runs -> numbers.

``read_results`` turns a store into tidy frames, ``paired`` tests one arm against another, and ``sections``
turns frames into finished tables (:mod:`analysis.model`) and curves. Whatever is rounded, marked or missing
is decided here; ``reports`` only spells it out. No torch is needed.
"""

from analysis.curves import CURVE_METRICS
from analysis.frame import ALL_STATUSES, Results, read_results
from analysis.model import Cell, Group, Row, Table
from analysis.names import metric_title
from analysis.paired import Paired, paired
from analysis.sections import Overview, Problem, Section, overview, sections
from bench.store import Store
from bench.store.store import write_atomically

__all__ = [
    "ALL_STATUSES",
    "CURVE_METRICS",
    "Cell",
    "Group",
    "Overview",
    "Paired",
    "Problem",
    "Results",
    "Row",
    "Section",
    "Store",
    "Table",
    "metric_title",
    "overview",
    "paired",
    "read_results",
    "sections",
    "write_atomically",
]
