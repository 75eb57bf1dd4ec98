"""The classes that outside authors subclass: a test for each law, collected, failed and skipped by pytest."""

from __future__ import annotations

import pytest

from bench.testing import ALGORITHM_LAWS, WEIGHTING_LAWS, AlgorithmContract, WeightingContract
from bench.testing.laws import global_state_is_left_alone
from bench.testing.specimens import SPECIMENS
from bench.testing.specimens_of_surroundings import SetsGlobally
from bench.testing.surroundings import global_state

pytest_plugins = ["pytester"]

MODULE = """
from bench.strategies.invprop import InvProp
from bench.strategies.margin import Margin
from bench.testing import AlgorithmContract, WeightingContract
from bench.testing.specimens_of_weights import RaisesWeights

class Waives(RaisesWeights):
    waived = {"zero_weights_come_last": "weights are for others"}

class TestMargin(AlgorithmContract):
    algorithm = Margin()

class TestInvProp(WeightingContract):
    weighting = InvProp(bins=5)

class TestBroken(AlgorithmContract):
    algorithm = RaisesWeights()

class TestWaives(AlgorithmContract):
    algorithm = Waives()
"""


def test_pytest_collects_a_test_for_each_law(pytester):
    pytester.makepyfile(test_mine=MODULE)
    result = pytester.runpytest_inprocess("-rs", "-v", "-p", "no:cacheprovider", "--import-mode=importlib")
    each, of_weightings = len(ALGORITHM_LAWS), len(WEIGHTING_LAWS)
    result.assert_outcomes(passed=3 * each - 2 + of_weightings, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "*TestMargin::test_answers_are_valid PASSED*",
            "*TestInvProp::test_row_order_is_irrelevant PASSED*",
            "*TestBroken::test_zero_weights_come_last FAILED*",
            "*TestWaives::test_zero_weights_come_last SKIPPED*",
            "*AssertionError: broken asked for * rows, selects rows of weight 0 before rows with weight*",
            "SKIPPED*waived: weights are for others*",
        ]
    )


def laws_under_test_in(contract):
    return {name.removeprefix("test_") for name in dir(contract) if name.startswith("test_")}


def test_no_law_is_left_out_and_the_classes_themselves_are_not_collected():
    assert laws_under_test_in(AlgorithmContract) == {law.__name__ for law in ALGORITHM_LAWS}
    assert laws_under_test_in(WeightingContract) == {law.__name__ for law in WEIGHTING_LAWS}
    assert not any(contract.__name__.startswith("Test") for contract in (AlgorithmContract, WeightingContract))


@pytest.mark.parametrize(
    ("law", "specimen"),
    [pytest.param(law, part, id=f"{law.__name__}-{type(part).__name__}") for law, part in SPECIMENS],
)
def test_the_test_of_a_law_rejects_the_laws_specimen(law, specimen):
    contract = AlgorithmContract() if law in ALGORITHM_LAWS and hasattr(specimen, "select") else WeightingContract()
    contract.algorithm = contract.weighting = specimen
    with pytest.raises(AssertionError, match="broken"):
        getattr(contract, f"test_{law.__name__}")()


def test_what_a_specimen_sets_is_put_back():
    before = global_state()
    for _, specimen in SPECIMENS:
        if isinstance(specimen, SetsGlobally):
            with pytest.raises(AssertionError):
                global_state_is_left_alone(specimen)
    changed = [name for name, value in global_state().items() if before[name] != value]
    assert changed == []


def test_a_test_says_what_its_law_says():
    assert AlgorithmContract.test_zero_weights_come_last.__doc__.startswith("Rows of weight 0")
