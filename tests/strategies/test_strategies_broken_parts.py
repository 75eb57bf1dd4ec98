"""Subtly broken parts, written before the laws that reject them."""

from pathlib import Path

import broken_parts
import pytest

from bench.testing import laws_for

REJECTED_BY = {
    "FirstHundred": {"row_order_is_irrelevant"},
    "LaterByPlace": {"row_order_is_irrelevant"},
    "ByHash": {"a_new_process_answers_alike"},
    "Squared": {"scores_are_multiplied_by_weights"},
    "AllOrNothing": {"weights_matter"},
    "Quiet": {"global_state_is_left_alone"},
    "Overnight": {"nothing_else_is_reached"},
    "Notes": {"nothing_else_is_reached"},
    "Remembers": {"nothing_is_remembered"},
    "Forgetful": {"a_resumed_run_goes_on_alike"},
    "WithLabelled": {"labelled_rows_do_not_count"},
}


@pytest.mark.parametrize("name", REJECTED_BY)
def test_a_broken_part_is_rejected(name):
    part = getattr(broken_parts, name)()
    laws = {law.__name__: law for law in laws_for(part)}
    for law in REJECTED_BY[name]:
        with pytest.raises(AssertionError):
            laws[law](part)


def test_none_is_left_out():
    text = Path(broken_parts.__file__).read_text(encoding="utf-8")
    assert {name for name in REJECTED_BY if f"class {name}(" in text} == set(REJECTED_BY)
