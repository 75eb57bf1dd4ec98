"""Deliberately broken algorithms and weightings for each law, to show that the law can fail."""

from __future__ import annotations

from bench.testing import specimens_of_answers, specimens_of_processes, specimens_of_surroundings, specimens_of_weights
from bench.testing.answers import Part
from bench.testing.laws_of_answers import Law

SPECIMENS: tuple[tuple[Law, Part], ...] = (
    *specimens_of_answers.SPECIMENS,
    *specimens_of_surroundings.SPECIMENS,
    *specimens_of_processes.SPECIMENS,
    *specimens_of_weights.SPECIMENS,
)
"""Each law with a part that breaks it, and no other law."""
