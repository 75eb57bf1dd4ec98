"""One tree of errors whose messages are one line."""

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import errors
from bench.errors import BenchError, UnknownNameError

TREE = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)]


@pytest.mark.parametrize("error", TREE, ids=lambda error: error.__name__)
def test_every_error_is_of_the_tree_and_ends_the_command_with_a_failure(error):
    assert issubclass(error, BenchError)
    assert 0 < error.exit_code < 256


@given(given_name=st.text(max_size=20), known=st.lists(st.text("abcde_", min_size=1), unique=True))
def test_an_unknown_name_is_one_line_that_lists_all_known_ones_in_order(given_name, known):
    message = str(UnknownNameError("part", given_name, known))
    assert len(message.splitlines()) == 1
    assert f"Known: {', '.join(sorted(known)) or 'none'}." in message


def test_the_nearest_spelling_is_suggested():
    assert "Did you mean 'invprop'?" in str(UnknownNameError("weighting", "inv_prop", ["uniform", "invprop"]))
    assert "Did you mean" not in str(UnknownNameError("weighting", "zzz", ["uniform", "invprop"]))
