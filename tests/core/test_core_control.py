"""M_0 as a negative control: runs of a block whose first model differs by more than rounding are no pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.control import ROUNDING, ROWS, Control, control_of, why_unlike


def control(values, precision="fp32", **facts) -> Control:
    return Control(tuple(values), {"precision": precision, "device": "cpu", **facts})


@given(st.integers(1, 500))
def test_it_is_the_first_models_probabilities_of_rows_from_end_to_end(rows):
    probabilities = np.linspace(0, 1, rows, dtype=np.float32)
    values = control_of(np.stack([probabilities, 1 - probabilities]))
    assert len(values) == min(rows, ROWS)
    assert (values[0], values[-1]) == (0.0, round(float(probabilities[-1]), 6))
    assert list(values) == sorted(set(values))


@pytest.mark.parametrize("precision", ROUNDING)
def test_what_rounding_allows_is_alike_and_more_is_not(precision):
    here, allowed = control([0.2, 0.8], precision), ROUNDING[precision]
    assert why_unlike(here, control([0.2, 0.8 + 0.9 * allowed], precision)) == ""
    assert "rounding allows" in why_unlike(here, control([0.2, 0.8 + 1.1 * allowed], precision))


def test_two_precisions_must_agree_as_closely_as_the_finer_one_does():
    """Without this, bf16 on a GPU would be paired with fp32 on a CPU."""
    why = why_unlike(control([0.5], "fp32"), control([0.501], "bf16", device="cuda"))
    assert "precision fp32 and bf16" in why
    assert "device cpu and cuda" in why


def test_a_difference_of_which_nothing_is_recorded_is_said_to_be_that():
    assert "look at environment variables" in why_unlike(control([0.5]), control([0.6]))


@pytest.mark.parametrize("other", [[0.5, 0.5], [float("nan")]])
def test_other_rows_and_nan_are_unlike(other):
    assert why_unlike(control([0.5]), control(other))


def test_where_nothing_was_recorded_nothing_is_said():
    assert why_unlike(control([]), control([0.5])) == ""
