"""Seed-level statistics: declared questions, their unit of replication, and how much the evidence bears.

A :class:`Design` holds the matched differences of two arms; everything else takes one. ``effect`` is the evidence on
one question (fixed-suite, new-tasks, new-datasets), ``holm`` keeps a family's error rate, ``leave_one_out`` and
``bounds`` say what a mark hangs on, ``partial_conjunction`` in how many of few datasets an effect is, ``Collapses`` and
``betting_bound`` treat runs that fall to chance, ``stratified`` takes each task's own variance, ``nominal`` and
``over_looks`` keep the error over interim analyses, ``best_of`` separates choice from test, ``components``, ``needs``
and the functions on power plan a grid, and ``validate`` measures how often all of this errs. ``run_level_test`` is the
paper's test.
"""

from analysis.stats.best_of import BestOf, best_of
from analysis.stats.collapse import Collapses, betting_bound, capital, mcnemar, upper_limit
from analysis.stats.design import Design
from analysis.stats.effect import ESTIMANDS, UNITS, Effect, Estimand, effect
from analysis.stats.families import holm, partial_conjunction
from analysis.stats.interval import ALPHA, LEVEL, half_width, t_interval, t_test
from analysis.stats.needs import Requirement, Way, needs
from analysis.stats.pilot import PAPER_PILOT, Pilot, rearranged
from analysis.stats.power import (
    PAPER_COMPONENTS,
    PAPER_SHAPE,
    Components,
    GridShape,
    components,
    minimum_detectable_effect,
    power_of,
    seeds_needed,
    shape_of,
    standard_error,
    tasks_needed,
)
from analysis.stats.robustness import Bounds, LeaveOneOut, bounds, leave_one_out
from analysis.stats.run_level import RunLevelTest, run_level_test
from analysis.stats.sequential import SequentialKind, log_e, nominal, over_looks
from analysis.stats.stratified import stratified, stratified_half_width, stratified_p
from analysis.stats.validation import MODEL, Rate, Trial, Validation, validate

__all__ = [
    "ALPHA",
    "ESTIMANDS",
    "LEVEL",
    "MODEL",
    "PAPER_COMPONENTS",
    "PAPER_PILOT",
    "PAPER_SHAPE",
    "UNITS",
    "BestOf",
    "Bounds",
    "Collapses",
    "Components",
    "Design",
    "Effect",
    "Estimand",
    "GridShape",
    "LeaveOneOut",
    "Pilot",
    "Rate",
    "Requirement",
    "RunLevelTest",
    "SequentialKind",
    "Trial",
    "Validation",
    "Way",
    "best_of",
    "betting_bound",
    "bounds",
    "capital",
    "components",
    "effect",
    "half_width",
    "holm",
    "leave_one_out",
    "log_e",
    "mcnemar",
    "minimum_detectable_effect",
    "needs",
    "nominal",
    "over_looks",
    "partial_conjunction",
    "power_of",
    "rearranged",
    "run_level_test",
    "seeds_needed",
    "shape_of",
    "standard_error",
    "stratified",
    "stratified_half_width",
    "stratified_p",
    "t_interval",
    "t_test",
    "tasks_needed",
    "upper_limit",
    "validate",
]
