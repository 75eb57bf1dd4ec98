"""The values that all rooms share: frozen, strict about their fields, and named by what they hold."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError, create_model

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
FULL["settings"]["model"] |= {"revision": "main", "content": "c" * 32}
FULL["block"] |= {part: records.FINE_TUNE.model_dump(mode="json") | {"name": part} for part in ("learner", "judge")}


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


NEEDS = ("dropout", "ensemble", "surprisal")
EVERYTHING = SPEC.model_copy(
    update={"strategy": SPEC.strategy.model_copy(update={"algorithm": Component(name="badge", needs=NEEDS)})}
)
UNREAD = {
    ("settings", "loop", "min_positives"),  # decides what is worth a run, and not what comes of it
    ("settings", "model", "name"),  # a model is what it holds
    ("settings", "model", "revision"),
    *[("strategy", part, field) for part in ("algorithm", "weighting") for field in ("at_default", "needs")],
    *[("block", part, "at_default") for part in ("learner", "judge")],
}
FOLLOWS = {("block", part, "needs") for part in ("learner", "judge")}  # from the code: it says which settings are read
READ_BY = {
    "mask_seed": "surprisal",
    "mask_shared": "surprisal",
    "masked_input": "surprisal",
    "lm_head_steps": "surprisal",
    "ensemble_members": "ensemble",
    "dropout_passes": "dropout",
}


def spec_of(**fields: Any) -> RunSpec:
    """Return a specification with some fields replaced; ``loop={"rounds": 3}`` is of the settings."""
    block = {"task": {"dataset": "sst2", "positive": "positive"}, "ratio": 50, "seed": 0, "start": "warm"}
    strategy = {"algorithm": {"name": "random"}, "weighting": {"name": "uniform"}}
    settings = {name: fields.pop(name) for name in Settings.model_fields if name in fields}
    settings["model"] = {"content": "c" * 32} | settings.get("model", {})
    return RunSpec.model_validate(
        {
            "block": block | fields.get("block", {}),
            "strategy": strategy | fields.get("strategy", {}),
            "settings": settings,
        }
    )


BINS = {"name": "invprop", "options": {"bins": 10}, "at_default": ["bins"]}
GOLDEN: dict[str, tuple[dict[str, Any], str]] = {
    "defaults": ({}, "ecf978b5d4119f4d58f55b3e8e51cfbb"),
    "another seed": ({"block": {"seed": 7}}, "d3a1156d09f896be5998f5f7faf465bc"),
    "cold, 1/1000": ({"block": {"start": "cold", "ratio": 1000}}, "fc4a7dd3b7f295e50e14d5149f12fb2e"),
    "not ASCII": ({"block": {"task": {"dataset": "mails", "positive": "größe/1"}}}, "8ab63654f06fb2e2f74f4153027bee91"),
    "invprop, default bins": ({"strategy": {"weighting": BINS}}, "7341b6fe5f8034c79ddee275f4633ab4"),
    "invprop, 5 bins": (
        {"strategy": {"weighting": {"name": "invprop", "options": {"bins": 5}}}},
        "9a8cc4e19f0f82f94c9a91caa5f0e71c",
    ),
    "a plug-in": (
        {"strategy": {"algorithm": {"name": "mine", "version": "0123456789ab", "options": {"a": 0.5}}}},
        "cda50e5949138175da69dee6056ee3f2",
    ),
    "a wrapper": (
        {"strategy": {"algorithm": {"name": "seals", "version": "1 (badge 2)", "options": {"base": "badge"}}}},
        "be8e203afc10bcd49791ae71847dd70e",
    ),
    "offline preset": (
        {"train": {"learning_rate": 2e-4}, "pool": {"limit": 2500, "test_limit": 400}},
        "5694a913c58d08ace419dcd7e78dc153",
    ),
    "short loop": ({"loop": {"rounds": 1, "batch": 10, "oversample": False}}, "d9a6d64c00568f7c1dfa82208fb9bf4a"),
    "precision and length": ({"model": {"precision": "fp32", "max_length": 32}}, "ae7d285b40f8517f06c6d2fe05a0d541"),
    "dropout read": (
        {"strategy": {"algorithm": {"name": "bald", "needs": ["dropout"]}}, "model": {"dropout_passes": 20}},
        "7c0755fbbb52770abb0424a74f670d56",
    ),
    "mask seed read": (
        {"strategy": {"algorithm": {"name": "alps", "needs": ["surprisal"]}}, "model": {"mask_seed": 3}},
        "d79dc935385790bda810abd21462b313",
    ),
    "all of training": (
        {"train": {"epochs": 3, "batch_size": 16, "weight_decay": 0.01, "gradient_clip": 0.0}},
        "4b3a64cfe7666228c94fdda2f8b1ddc4",
    ),
    "unresolved hub id": (
        {"model": {"content": "", "name": "org/name", "revision": "v1"}},
        "11dadcf1f0143c86835ae7cb314e0e63",
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_key_never_changes(name):
    """A changed key renames every stored run: never change a default that was released, nor what a key leaves out."""
    fields, key = GOLDEN[name]
    assert spec_of(**fields).key(FINGERPRINT) == key


TFIDF = {"name": "tfidf", "options": {"C": 10.0, "svd": 0}, "at_default": ["C", "svd"]}
PROBE = {"name": "probe", "options": {"C": 10.0}, "at_default": ["C"], "needs": ["encoder"]}
READ_FOR_LEARNERS = [
    ({"train": {"epochs": 3}}, {"training"}),
    ({"model": {"content": "d" * 32}}, {"encoder"}),
    ({"model": {"max_length": 32}}, {"encoder"}),
    ({"model": {"precision": "fp32"}}, {"encoder"}),
    ({"loop": {"rounds": 1}}, {"encoder", "training", ""}),
    ({"pool": {"limit": 500}}, {"encoder", "training", ""}),
]


@pytest.mark.parametrize("learner", [records.FINE_TUNE.model_dump(), PROBE, TFIDF], ids=lambda it: it["name"])
@pytest.mark.parametrize("judge", [None, records.FINE_TUNE.model_dump(), PROBE])
@pytest.mark.parametrize(("settings", "readers"), READ_FOR_LEARNERS)
def test_a_run_is_named_by_what_its_learner_and_its_judge_read_alone(learner, judge, settings, readers):
    here, there = (spec_of(block={"learner": learner, "judge": judge}, **it) for it in ({}, settings))
    reads = {"", *learner.get("needs", ()), *(judge or {}).get("needs", ())}
    assert (here.key(FINGERPRINT) != there.key(FINGERPRINT)) == bool(reads & readers)
    assert (here.settings != there.settings) == bool(reads & readers)
    assert (here.shared != there.shared) == bool(reads & readers)


def test_learners_options_and_judges_have_keys_of_their_own():
    usual = spec_of()
    named = spec_of(block={"learner": records.FINE_TUNE.model_dump(), "judge": None})
    assert named.key(FINGERPRINT) == usual.key(FINGERPRINT)
    stronger = {**PROBE, "options": {"C": 3.0}, "at_default": []}
    blocks = [{}, {"learner": PROBE}, {"learner": stronger}, {"learner": TFIDF}, {"learner": TFIDF, "judge": PROBE}]
    specs = [spec_of(block=block) for block in blocks]
    assert len({spec.key(FINGERPRINT) for spec in specs}) == len(specs)
    assert [str(spec.block).partition("warm")[2] for spec in specs] == [
        "", " probe", " probe:C=3.0", " tfidf", " tfidf judged by probe",
    ]  # fmt: skip


def test_no_two_golden_keys_are_one():
    assert len({key for _, key in GOLDEN.values()}) == len(GOLDEN)


def test_defaults_never_change():
    """A key leaves out what is at its default, so a default that changes gives other runs the names of those stored."""
    assert Settings().model_dump(mode="json") == {
        "loop": {
            "rounds": 5,
            "batch": 50,
            "start_positives": 5,
            "start_negatives": 5,
            "min_positives": 5,
            "oversample": True,
        },
        "pool": {"limit": None, "test_limit": None},
        "model": {
            "name": "google-bert/bert-base-uncased",
            "revision": None,
            "content": "",
            "max_length": 128,
            "precision": "auto",
            "mask_seed": 0,
            "mask_shared": False,
            "masked_input": True,
            "lm_head_steps": 300,
            "ensemble_members": 5,
            "dropout_passes": 10,
        },
        "train": {
            "epochs": 2,
            "batch_size": 8,
            "learning_rate": 5e-5,
            "weight_decay": 0.0,
            "gradient_clip": 1.0,
        },
    }


def test_a_setting_that_is_added_renames_no_run_until_it_is_set():
    later = create_model("TrainSettings", __base__=records.TrainSettings, warmup=(float, 0.0))
    grown = create_model("Settings", __base__=Settings, train=(later, later()))
    settings = [grown(train=later(warmup=warmup)) for warmup in (0.0, 0.1)]
    same, other = (SPEC.model_copy(update={"settings": one}).key(FINGERPRINT) for one in settings)
    assert same == SPEC.key(FINGERPRINT)
    assert other != same


def test_an_option_that_is_added_renames_no_run_until_it_is_set():
    def key(at_default: tuple[str, ...], **options: Any) -> str:
        part = Component(name="invprop", options=options, at_default=at_default)
        strategy = SPEC.strategy.model_copy(update={"weighting": part})
        return SPEC.model_copy(update={"strategy": strategy}).key(FINGERPRINT)

    before = key(("bins",), bins=10)
    assert key(("bins", "smooth"), bins=10, smooth=False) == before
    assert key(("bins",), bins=10, smooth=True) != before
    assert key(("smooth",), bins=5, smooth=False) == key((), bins=5)


@pytest.mark.parametrize("path", [path for path in leaves(FULL) if path not in UNREAD | FOLLOWS], ids=".".join)
def test_every_field_that_a_run_reads_is_part_of_its_key(path):
    fields = EVERYTHING.model_dump(mode="json") | {"settings": FULL["settings"], "block": FULL["block"]}
    full, other = (RunSpec.model_validate(one) for one in (fields, changed(fields, path)))
    assert other.key(FINGERPRINT) != full.key(FINGERPRINT)


@pytest.mark.parametrize("path", sorted(UNREAD), ids=".".join)
def test_what_no_run_reads_is_no_part_of_a_key(path):
    value = ("x",) if path[-1] in {"at_default", "needs"} else "x"
    fields = changed(FULL, path) if path[0] == "settings" else _with(FULL, path, value)
    assert RunSpec.model_validate(fields).key(FINGERPRINT) == RunSpec.model_validate(FULL).key(FINGERPRINT)


def _with(fields: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    return {**fields, path[0]: _with(fields[path[0]], path[1:], value) if len(path) > 1 else value}


@given(st.sampled_from(sorted(READ_BY)), st.sets(st.sampled_from(NEEDS)), st.integers(2, 10**6))
def test_a_setting_of_a_need_is_part_of_the_keys_of_strategies_with_that_need_alone(field, needs, value):
    new = not getattr(Settings().model, field) if field in {"masked_input", "mask_shared"} else value
    algorithm = {"name": "a", "needs": sorted(needs)}
    here, there = (spec_of(strategy={"algorithm": algorithm}, model=model) for model in ({}, {field: new}))
    reads = READ_BY[field] in needs and new != getattr(Settings().model, field)
    assert (here.key(FINGERPRINT) != there.key(FINGERPRINT)) == reads
    assert (here.settings != there.settings) == reads  # nor does its record say what it did not read
    assert here.shared == there.shared


def test_together_the_runs_of_a_block_know_all_settings_that_any_of_them_reads():
    settings = Settings(model=records.ModelSettings(dropout_passes=20, mask_seed=3, ensemble_members=7))
    runs = [
        RunSpec(
            block=SPEC.block,
            strategy=Strategy(algorithm=Component(name="a", needs=needs), weighting=Component(name="w")),
            settings=settings,
        )
        for needs in ((), ("dropout",), ("surprisal",))
    ]
    assert records.combined(runs) == Settings(model=records.ModelSettings(dropout_passes=20, mask_seed=3))


def test_a_model_that_was_resolved_is_named_by_its_content_alone():
    here = spec_of(model={"name": "/here", "revision": None})
    assert spec_of(model={"name": "org/model", "revision": "0" * 40}).key(FINGERPRINT) == here.key(FINGERPRINT)
    assert spec_of(model={"name": "/here", "content": "d" * 32}).key(FINGERPRINT) != here.key(FINGERPRINT)


@pytest.mark.parametrize(
    ("field", "value"), [("seed", -1), ("seed", 2**32), ("seed", 2**63), ("ratio", 1), ("ratio", 10**20)]
)
def test_seeds_and_ratios_have_bounds(field, value):
    with pytest.raises(ValidationError, match=field):
        spec_of(block={field: value})


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
    if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__.startswith("bench.records.")
]


def test_all_records_are_found():
    assert {RunSpec, records.RunRecord, records.Settings, Record} <= set(ALL_RECORDS)


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


def test_tokens_are_masked_by_the_seed_of_the_run_unless_one_embedding_is_shared():
    settings = records.ModelSettings(mask_seed=3)
    assert [settings.masked_for(seed).mask_seed for seed in (0, 1)] == [3, 4]
    shared = records.ModelSettings(mask_seed=3, mask_shared=True)
    assert {shared.masked_for(seed).mask_seed for seed in (0, 1)} == {3}
