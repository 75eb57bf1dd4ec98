"""The cube: which runs a table takes, where each belongs, which are pairs, and which are missing."""

import numpy as np
import pandas as pd
import pytest
from frames import differences, effect
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.comparisons import Numbers
from analysis.condition import conditions
from analysis.cube import select
from analysis.definitions import TableDefinition
from bench.errors import PairingError

BLOCK = ["dataset", "positive", "seed"]
ALL = TableDefinition(address="all", title="", says="", rows=("ratio", "algorithm"), metrics=("auc",))
POOLED = TableDefinition(address="pooled", title="", says="", rows=("ratio",), metrics=("auc",))


def numbers_of(results, definition=ALL):
    (condition,) = conditions(results)
    return Numbers.of(definition, condition)


def comparison(numbers, a, b, row=0):
    """Return the one line of the comparisons that holds these columns of a row against each other."""
    columns = [numbers.selection.column_labels.index(name) for name in (a, b)]
    frame = numbers.comparisons
    (line,) = frame[
        (frame["row"] == row) & (frame["column"] == columns[0]) & (frame["other"] == columns[1])
    ].itertuples()
    return line


@settings(max_examples=5)
@given(st.data())
def test_pairs_are_those_of_a_join(factory, data):
    """Whatever is missing and in whatever order runs are stored: differences and holes as pandas finds them."""
    identities = factory.grid(ratios=(20, 50), seeds=range(3))
    gone = data.draw(st.sets(st.integers(0, len(identities) - 1), max_size=14))
    order = data.draw(st.permutations([number for number in range(len(identities)) if number not in gone]))
    results = factory.results(identities.loc[order].reset_index(drop=True))
    runs = results.runs
    for definition, by in ((ALL, ["ratio", "algorithm"]), (POOLED, ["ratio"])):
        numbers = numbers_of(results, definition)
        if numbers is None or len(numbers.selection.columns) < 2:
            return
        seen = runs[BLOCK].drop_duplicates()
        blocks = seen[BLOCK[:2]].drop_duplicates().merge(seen[["seed"]].drop_duplicates(), how="cross")
        for row, labels in enumerate(numbers.selection.rows):
            own = runs
            for axis, label in zip(by, labels, strict=True):
                named = own[axis].replace({"random": "Random", "badge": "BADGE"})
                own = own[named == label]
            arms = [own[own["weighting"] == name] for name in ("invprop", "uniform")]
            found = comparison(numbers, "InvProp", "Uniform", row)
            pooled = None if definition is ALL else "algorithm"
            frame = differences(*arms, "auc", pooled=pooled)
            held = frame["difference"].notna()
            assert (found.pairs, found.unpaired) == (held.sum(), (~held).sum())
            if held.any():
                assert found.difference == pytest.approx(frame["difference"].mean())
                every = sorted(set(runs["algorithm"])) if pooled else []
                wanted = blocks.merge(pd.DataFrame({"algorithm": every}), how="cross") if pooled else blocks
                whole = frame.merge(wanted, how="outer")
                expected = effect(whole.assign(low=whole["low"].fillna(-1), high=whole["high"].fillna(1)))
                assert (found.units, found.left_out) == (expected.n, expected.left_out)
                assert found.estimate == pytest.approx(expected.estimate, nan_ok=True)
                assert (found.low, found.high) == pytest.approx((expected.low, expected.high), nan_ok=True)


def test_a_run_stored_twice_is_an_error_that_names_both(factory):
    results = factory.results(pd.concat([factory.grid(), factory.grid().iloc[[5]]], ignore_index=True))
    with pytest.raises(PairingError, match=f"{5:032x}, {24:032x}; remove one of each"):
        numbers_of(results)


@pytest.mark.parametrize("key", ["other", ""])
def test_partners_made_under_different_conditions_are_no_pairs_and_are_named(factory, key):
    results = factory.results(factory.grid(algorithms=("random",)))
    lost = results.runs.query("weighting == 'invprop'").index[1]
    results.runs.loc[lost, "pair_key"] = key
    found = comparison(numbers_of(results), "InvProp", "Uniform")
    assert (found.pairs, found.unpaired, found.units) == (0, 12, 0)
    assert found.note.startswith("1 of 6 matched runs do not share a pair key")
    assert results.runs.loc[lost, "key"] in found.note


def test_two_runs_without_a_pair_key_are_no_pair(factory):
    results = factory.results(factory.grid(algorithms=("random",)))
    results.runs["pair_key"] = ""
    assert comparison(numbers_of(results), "InvProp", "Uniform").note.startswith("6 of 6 matched runs")


def test_either_direction_mirrors_the_other(factory):
    numbers = numbers_of(factory.results(factory.grid()))
    there, back = comparison(numbers, "InvProp", "Uniform"), comparison(numbers, "Uniform", "InvProp")
    assert (there.difference, there.t, there.estimate) == (-back.difference, -back.t, -back.estimate)
    assert (there.low, there.high, there.p_seed) == (-back.high, -back.low, back.p_less)
    assert there.p == pytest.approx(1 - back.p)


def test_values_that_are_listed_are_shown_also_where_nothing_was_run(factory):
    (condition,) = conditions(factory.results(factory.grid()))
    found = select(condition.cube, ("ratio",), "weighting", {"ratio": (20, 50), "weighting": ("posprob", "invprop")})
    assert (found.rows, found.columns) == (((20,), (50,)), ("PosProb", "InvProp"))
    assert found.held.tolist() == [[0, 0], [0, 12]]
    assert found.missing.sum(axis=(2, 3, 4)).tolist() == [[12, 12], [12, 0]]
    absent = found.absent()
    assert len(absent) == 36
    assert set(absent["weighting"]) == {"PosProb", "InvProp"}
    assert not absent["failed"].any()


def test_nothing_is_selected_where_nothing_finished(factory):
    (condition,) = conditions(factory.results(factory.grid()))
    assert select(condition.cube, ("ratio",), "weighting", {"start": ("cold",)}) is None


def test_a_value_of_a_table_that_names_variants_takes_each_apart(factory):
    results = factory.results(factory.grid(algorithms=("random",), bins=(5, 10)))
    assert numbers_of(results).selection.column_labels == ("InvProp (bins=10)", "InvProp (bins=5)", "Uniform")
    (condition,) = conditions(results)
    by_bins = select(condition.cube, ("algorithm",), "bins", {"weighting": ("invprop",)})
    assert by_bins.column_labels == ("10", "5")
    assert np.all(by_bins.held == 6)
