"""The gate: is a candidate as good as a baseline, as was claimed before anything was looked at?

A :class:`Plan` declares the comparison, ``judge`` holds stored runs against it, ``headline`` and ``lines`` say in words
what came out, ``tables`` and ``forest`` show the evidence. ``register`` puts a plan on record before its first look,
and ``simulate`` measures how often the whole procedure errs and finds.
"""

from analysis.gate.evidence import Finding
from analysis.gate.judging import judge
from analysis.gate.plan import Claim, Place, Plan, new_plan
from analysis.gate.register import migrate_plans, note_looks, register
from analysis.gate.simulation import Scenario, Simulation, simulate, stored_spread
from analysis.gate.tables import forest, simulation_table, tables
from analysis.gate.typed import StrategyName, in_full, parse_looks, parse_margins, parse_strategy, stored_strategy
from analysis.gate.verdict import EXIT_CODES, PlaceResult, SuiteResult, Verdict
from analysis.gate.words import headline, interval, lines, sides

__all__ = [
    "EXIT_CODES",
    "Claim",
    "Finding",
    "Place",
    "PlaceResult",
    "Plan",
    "Scenario",
    "Simulation",
    "StrategyName",
    "SuiteResult",
    "Verdict",
    "forest",
    "headline",
    "in_full",
    "interval",
    "judge",
    "lines",
    "migrate_plans",
    "new_plan",
    "note_looks",
    "parse_looks",
    "parse_margins",
    "parse_strategy",
    "register",
    "sides",
    "simulate",
    "simulation_table",
    "stored_spread",
    "stored_strategy",
    "tables",
]
