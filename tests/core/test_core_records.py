"""The values that all rooms share: frozen, strict about their fields, and named by what they hold."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from bench import records
from bench.records import Block, Component, Record, RunSpec, Settings, Strategy, Task

SPEC = RunSpec(
    block=Block(task=Task(dataset="sst2", positive="positive"), ratio=50, seed=0, start="warm"),
    strategy=Strategy(
        algorithm=Component(name="badge"), weighting=Component(name="invprop", options={"bins": 10, "a": 0.5})
    ),
    settings=Settings(),
)
FINGERPRINT = "f" * 32


FULL = SPEC.model_dump(mode="json")
FULL["settings"]["pool"] = {"limit": 500, "test_limit": 100}
FULL["settings"]["model"]["revision"] = "main"


def leaves(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the paths of all fields that hold no further fields."""
    if not isinstance(value, dict):
        return [path]
    return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]


def changed(value: Any, path: tuple[str, ...]) -> Any:
    """Return a copy in which the leaf at a path holds another value that is allowed there."""
    if path:
        return {**value, path[0]: changed(value[path[0]], path[1:])}
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case "warm" | "auto":
            return {"warm": "cold", "auto": "fp32"}[value]
        case str():
            return f"{value}x"


def test_a_golden_key_never_changes():
    """A changed key orphans every stored run: if a new setting must change it, say so in the change log."""
    weighting = Component(name="invprop", options={"bins": 10})
    strategy = Strategy(algorithm=Component(name="badge"), weighting=weighting)
    spec = RunSpec(block=SPEC.block, strategy=strategy, settings=Settings())
    assert spec.key(FINGERPRINT) == "71a89558b1bf7bd6dfab48236a534e42"


@pytest.mark.parametrize("path", leaves(FULL), ids=".".join)
def test_every_field_of_a_specification_is_part_of_the_key(path):
    full, other = (RunSpec.model_validate(fields) for fields in (FULL, changed(FULL, path)))
    assert other != full
    assert other.key(FINGERPRINT) != full.key(FINGERPRINT)


def test_the_data_is_part_of_the_key():
    assert SPEC.key("a") != SPEC.key("b")


def test_the_order_of_options_is_not_part_of_the_key():
    turned = Component(name="invprop", options={"a": 0.5, "bins": 10})
    other = SPEC.model_copy(update={"strategy": Strategy(algorithm=SPEC.strategy.algorithm, weighting=turned)})
    assert other.key(FINGERPRINT) == SPEC.key(FINGERPRINT)


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", 0.1, -3, "", "größe"])
def test_an_option_keeps_its_type(value):
    read = Component.model_validate_json(Component(name="x", options={"o": value}).model_dump_json())
    assert repr(read.options["o"]) == repr(value)


ALL_RECORDS = [
    value
    for value in vars(records).values()
    if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == records.__name__
]


@pytest.mark.parametrize("model", ALL_RECORDS, ids=lambda model: model.__name__)
def test_records_are_frozen_and_refuse_unknown_fields(model):
    assert issubclass(model, Record)
    assert model.model_config["frozen"]
    with pytest.raises(ValidationError, match="extra_forbidden"):
        model.model_validate({"surprise": 1})


def test_a_record_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        SPEC.block.ratio = 2


@given(st.sampled_from(["learning_rate", "weight_decay", "gradient_clip"]), st.sampled_from([math.inf, math.nan, -1.0]))
def test_training_settings_are_finite_and_not_negative(field, value):
    with pytest.raises(ValidationError, match=field):
        records.TrainSettings.model_validate({field: value})


def test_records_are_told_in_a_line():
    assert str(SPEC) == "sst2/positive 1/50 seed 0 warm badge+invprop"
