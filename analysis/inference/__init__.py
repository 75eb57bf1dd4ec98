"""Sound mode: declared questions, their unit of replication, and how much the evidence bears.

``differences`` makes the matched differences of two arms; everything else takes such a frame. ``effect`` is the
evidence on one question (fixed-suite, new-tasks, new-datasets), ``holm`` keeps a family's error rate,
``leave_one_out`` and ``bounds`` say what a mark hangs on, ``best_of`` separates choice from test, ``components``,
``needs`` and the functions on power plan a grid, and ``validate`` measures how often all of this errs.
"""

from analysis.inference.design import differences
from analysis.inference.effect import ALPHA, ESTIMANDS, LEVEL, UNITS, Effect, Estimand, effect
from analysis.inference.family import holm
from analysis.inference.needs import Need, Way, needs
from analysis.inference.pilot import PAPER_PILOT, Pilot, pilot, rearranged
from analysis.inference.power import (
    PAPER_COMPONENTS,
    PAPER_SHAPE,
    Components,
    Shape,
    components,
    minimum_detectable_effect,
    power_of,
    seeds_needed,
    shape_of,
    standard_error,
    tasks_needed,
)
from analysis.inference.robustness import Bounds, LeaveOneOut, bounds, leave_one_out
from analysis.inference.selection import BestOf, best_of
from analysis.inference.validation import MODEL, Rate, Trial, Validation, validate

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
    "Components",
    "Effect",
    "Estimand",
    "LeaveOneOut",
    "Need",
    "Pilot",
    "Rate",
    "Shape",
    "Trial",
    "Validation",
    "Way",
    "best_of",
    "bounds",
    "components",
    "differences",
    "effect",
    "holm",
    "leave_one_out",
    "minimum_detectable_effect",
    "needs",
    "pilot",
    "power_of",
    "rearranged",
    "seeds_needed",
    "shape_of",
    "standard_error",
    "tasks_needed",
    "validate",
]
