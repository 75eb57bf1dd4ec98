"""The gate: is a candidate as good as a baseline, as was claimed before anything was looked at?

A :class:`Plan` declares the comparison, ``judge`` holds stored runs against it, ``headline`` and ``lines`` say in words
what came out, ``tables`` and ``forest`` show the evidence. :class:`History` is the ledger of all that was declared and
analysed of some runs; ``simulate`` measures how often a plan errs and finds, ``error_rates`` how the procedure does
where differences are not normal.
"""

from analysis.gate.errors import bound_trials, error_rates
from analysis.gate.evidence import Obstacle
from analysis.gate.judging import judge
from analysis.gate.ledger import History, migrate_plans
from analysis.gate.plan import ANY_RATE, Claim, Place, Plan, new_plan, parse_looks, parse_margins
from analysis.gate.simulation import Scenario, Simulation, clean_night, simulate, stored_spread
from analysis.gate.tables import bounds_table, errors_table, forest, margins, simulation_table, tables
from analysis.gate.verdict import EXIT_CODES, PlaceResult, SuiteResult, Verdict
from analysis.gate.words import headline, interval, lines, sentence, sides

__all__ = [
    "ANY_RATE",
    "EXIT_CODES",
    "Claim",
    "History",
    "Obstacle",
    "Place",
    "PlaceResult",
    "Plan",
    "Scenario",
    "Simulation",
    "SuiteResult",
    "Verdict",
    "bound_trials",
    "bounds_table",
    "clean_night",
    "error_rates",
    "errors_table",
    "forest",
    "headline",
    "interval",
    "judge",
    "lines",
    "margins",
    "migrate_plans",
    "new_plan",
    "parse_looks",
    "parse_margins",
    "sentence",
    "sides",
    "simulate",
    "simulation_table",
    "stored_spread",
    "tables",
]
