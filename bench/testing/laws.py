"""The laws of algorithms and weightings: functions that take an instance and raise AssertionError.

A law that compares answers says nothing of a part whose answers differ by themselves, and the one about hard pools
nothing of a part that fails on any: other laws reject those.
"""

from __future__ import annotations

from bench.strategies.base import Algorithm
from bench.testing.answers import Part
from bench.testing.laws_of_answers import (
    Law,
    answers_are_valid,
    hard_pools_are_survived,
    needs_are_declared,
    row_order_is_irrelevant,
    same_seed_same_answer,
)
from bench.testing.laws_of_processes import (
    a_new_process_answers_alike,
    a_resumed_run_goes_on_alike,
    nothing_is_remembered,
    state_survives_storage,
)
from bench.testing.laws_of_surroundings import (
    global_random_state_is_ignored,
    global_state_is_left_alone,
    hidden_labels_are_unreachable,
    inputs_are_left_alone,
    nothing_else_is_reached,
)
from bench.testing.laws_of_weights import (
    bins_weigh_the_same,
    labelled_rows_do_not_count,
    scale_of_weights_is_irrelevant,
    scores_are_multiplied_by_weights,
    weights_matter,
    zero_weights_come_last,
)

__all__ = [
    "ALGORITHM_LAWS",
    "WEIGHTING_LAWS",
    "a_new_process_answers_alike",
    "a_resumed_run_goes_on_alike",
    "answers_are_valid",
    "bins_weigh_the_same",
    "global_random_state_is_ignored",
    "global_state_is_left_alone",
    "hard_pools_are_survived",
    "hidden_labels_are_unreachable",
    "inputs_are_left_alone",
    "labelled_rows_do_not_count",
    "laws_for",
    "laws_of",
    "needs_are_declared",
    "nothing_else_is_reached",
    "nothing_is_remembered",
    "row_order_is_irrelevant",
    "same_seed_same_answer",
    "scale_of_weights_is_irrelevant",
    "scores_are_multiplied_by_weights",
    "state_survives_storage",
    "waiver",
    "weights_matter",
    "zero_weights_come_last",
]
_LAWS_OF_BOTH: tuple[Law, ...] = (
    answers_are_valid,
    hard_pools_are_survived,
    needs_are_declared,
    same_seed_same_answer,
    global_random_state_is_ignored,
    global_state_is_left_alone,
    inputs_are_left_alone,
    nothing_else_is_reached,
    nothing_is_remembered,
    a_new_process_answers_alike,
    row_order_is_irrelevant,
    hidden_labels_are_unreachable,
)
WEIGHTING_LAWS: tuple[Law, ...] = (*_LAWS_OF_BOTH, labelled_rows_do_not_count, bins_weigh_the_same)
ALGORITHM_LAWS: tuple[Law, ...] = (
    *_LAWS_OF_BOTH,
    scale_of_weights_is_irrelevant,
    zero_weights_come_last,
    weights_matter,
    scores_are_multiplied_by_weights,
    state_survives_storage,
    a_resumed_run_goes_on_alike,
)


def laws_of(part: Part) -> tuple[Law, ...]:
    """Return all laws of the part's kind, those it waives too."""
    return ALGORITHM_LAWS if isinstance(part, Algorithm) else WEIGHTING_LAWS


def waiver(law: Law, part: Part) -> str:
    """Return the reason why a part waives a law; empty if it must meet it."""
    return part.waived.get(law.__name__, "")


def laws_for(part: Part) -> list[Law]:
    """Return the laws that an algorithm or a weighting must meet, less those it waives with a reason."""
    return [law for law in laws_of(part) if not waiver(law, part)]
