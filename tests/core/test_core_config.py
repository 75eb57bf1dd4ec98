"""Grid specifications: what is written is what is run, and what is wrong is named in one line."""

from typing import Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bench.config import GridSpec, load_spec, preset_names
from bench.errors import SpecError, UnknownNameError
from bench.records import Settings

FIELDS = sorted(GridSpec.model_fields)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A file to be written over."""
    return tmp_path_factory.mktemp("config") / "mine.yaml"


def written(file, text: str | bytes):
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return str(file)


def refused(name, overrides=()) -> str:
    """Return the one line with which a specification is refused."""
    with pytest.raises(SpecError) as caught:
        load_spec(name, overrides)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


# What is right


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_loads_under_its_own_name_and_says_what_it_is_for(name):
    spec = load_spec(name)
    assert spec.name == name
    assert spec.about.endswith(".")


def test_a_specification_survives_being_written_and_read(file):
    for name in preset_names():
        spec = load_spec(name)
        text = yaml.safe_dump(spec.model_dump(mode="json"))
        assert load_spec(written(file, text)) == spec


def test_defaults_are_the_papers_loop(file):
    spec = load_spec(written(file, "tasks: sst2"))
    loop, train = spec.settings.loop, spec.settings.train
    assert (loop.rounds, loop.batch, loop.start_positives, loop.start_negatives) == (5, 50, 5, 5)
    assert (spec.settings.model.max_length, train.epochs, train.batch_size, train.learning_rate) == (128, 2, 8, 5e-5)
    assert (spec.ratios, spec.seeds, spec.starts) == ((50,), tuple(range(10)), ("warm",))
    assert len(spec.algorithms) * len(spec.weightings) == 12


def test_a_file_is_named_after_itself_unless_it_says_otherwise(file):
    assert load_spec(written(file, "tasks: sst2")).name == "mine"
    assert load_spec(written(file, "tasks: sst2\nname: other")).name == "other"


def test_settings_are_those_of_the_specification():
    spec = load_spec("smoke")
    assert spec.settings == Settings(**{field: getattr(spec, field) for field in Settings.model_fields})


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("3", (0, 1, 2)), ("1", (0,)), ("[3]", (3,)), ("[5, 2]", (5, 2)), ("10000", tuple(range(10_000)))],
)
def test_a_number_of_seeds_or_the_seeds(file, text, seeds):
    assert load_spec(written(file, f"tasks: sst2\nseeds: {text}")).seeds == seeds


@pytest.mark.parametrize(
    ("field", "value"),
    [("tasks", "sst2"), ("ratios", 50), ("starts", "cold"), ("algorithms", "badge"), ("weightings", "uniform")],
)
def test_a_single_value_is_a_list_of_one(file, field, value):
    spec = load_spec(written(file, yaml.safe_dump({"tasks": "ag_news", field: value})))
    assert getattr(spec, field) == (value,)


def test_options_hold_lists_and_keep_their_types(file):
    spec = load_spec(written(file, "tasks: sst2\noptions: {dal: {sub_batches: 5, rate: [0.1, 1], flag: [true, a]}}"))
    assert repr(spec.options) == repr({"dal": {"sub_batches": (5,), "rate": (0.1, 1), "flag": (True, "a")}})


def test_learning_rates_may_be_written_without_a_point(file):
    """YAML 1.1 reads 2e-4 as text."""
    assert load_spec(written(file, "tasks: sst2\ntrain: {learning_rate: 2e-4}")).train.learning_rate == 2e-4


# Overrides

DECLARED = {("mine", "word"): str, ("mine", "rate"): float, ("mine", "deep"): bool, ("mine", "kind"): Literal["a", "7"]}


def typed(part, option):
    return DECLARED.get((part, option))


@pytest.mark.parametrize(
    ("override", "field", "value"),
    [
        ("seeds=010", "seeds", tuple(range(10))),
        ("seeds=[010]", "seeds", (10,)),
        ("seeds=3,", "seeds", (3,)),
        ("ratios=0o20, 0x20", "ratios", (16, 32)),
        ("tasks=a.yaml/x: y #2, b/[1,c/{z", "tasks", ("a.yaml/x: y #2", "b/[1", "c/{z")),
        ("tasks='a/x, y', \"b/ 'z'\\\" \"", "tasks", ("a/x, y", "b/ 'z'\" ")),
        ("tasks=a/ x ", "tasks", ("a/ x ",)),
        ("tasks=a/it's,b/5'10\"", "tasks", ("a/it's", "b/5'10\"")),
        ("tasks=true", "tasks", ("true",)),
        ("algorithms=[yes, 010, ~]", "algorithms", ("yes", "010", "~")),
        ("about= null # 'x' ", "about", " null # 'x' "),
        ("about=", "about", ""),
        ("options.mine.word=010", "options", {"mine": {"word": ("010",)}}),
        ("options.mine.word=[true, 1e3, ' a, b ']", "options", {"mine": {"word": ("true", "1e3", " a, b ")}}),
        ("options.mine.rate=1e-3,2", "options", {"mine": {"rate": (0.001, 2)}}),
        ("options.mine.deep=true,false", "options", {"mine": {"deep": (True, False)}}),
        ("options.mine.kind=7", "options", {"mine": {"kind": ("7",)}}),
        ("options.other.x=7,a,true,1:30", "options", {"other": {"x": (7, "a", True, "1:30")}}),
        ("options={other: {x: [010, 1:30]}}", "options", {"other": {"x": (10, "1:30")}}),
    ],
)
def test_a_value_is_read_by_the_type_of_its_field(override, field, value):
    assert repr(getattr(load_spec("smoke", [override], typed), field)) == repr(value)


@pytest.mark.parametrize(
    ("override", "field", "value"),
    [
        ("model.name=run #2", "name", "run #2"),
        ("model.name= ~x: [a] ", "name", " ~x: [a] "),
        ("model.name=null", "name", "null"),
        ("model.revision=010", "revision", "010"),
        ("model.revision=1e10", "revision", "1e10"),
        ("model.revision=none", "revision", None),
        ("model.revision=Null", "revision", None),
        ("model.max_length=0064", "max_length", 64),
        ("model.masked_input=false", "masked_input", False),
    ],
)
def test_a_value_of_a_nested_field_is_too(override, field, value):
    found = getattr(load_spec("smoke", [override]).model, field)
    assert (found, type(found)) == (value, type(value))


@given(texts=st.lists(st.text(min_size=1), min_size=2, unique=True))
def test_any_words_are_taken_as_they_are_in_quotes(texts):
    for quoted in (
        ['"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts],
        ["'" + text.replace("'", "''") + "'" for text in texts],
    ):
        for listed in (", ".join(quoted), f"[{','.join(quoted)}]"):
            assert load_spec("smoke", [f"tasks={listed}"]).tasks == tuple(texts)


@given(text=st.text(min_size=1).filter(lambda text: "," not in text))
def test_any_class_without_a_comma_needs_no_quotes(text):
    assert load_spec("smoke", [f"tasks=mine.yaml/{text}"]).tasks == (f"mine.yaml/{text}",)
    assert load_spec("smoke", [f"model.name={text}"]).model.name == text


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("loop.rounds=7", lambda spec: spec.loop.rounds == 7),
        ("train.learning_rate=1e-3", lambda spec: spec.train.learning_rate == 1e-3),
        ("ratios=[10, 20]", lambda spec: spec.ratios == (10, 20)),
        ("ratios=natural, 1/50,20", lambda spec: spec.ratios == ("natural", 50, 20)),
        ("ratios=natural", lambda spec: spec.ratios == ("natural",)),
        ("seeds=2", lambda spec: spec.seeds == (0, 1)),
        ("tasks=sst2", lambda spec: spec.tasks == ("sst2",)),
        ("options.invprop.bins=[2, 5]", lambda spec: spec.options == {"invprop": {"bins": (2, 5)}}),
        ("pool.limit=null", lambda spec: spec.pool.limit is None),
        ("model.name=a=b", lambda spec: spec.model.name == "a=b"),
    ],
)
def test_an_override_changes_its_field_and_nothing_else(override, value):
    spec = load_spec("smoke", [override])
    assert value(spec)
    top = override.partition("=")[0].partition(".")[0]
    before = load_spec("smoke")
    assert [field for field in FIELDS if getattr(spec, field) != getattr(before, field)] == [top]


def test_the_last_override_wins_and_neighbours_stay():
    spec = load_spec("smoke", ["loop.rounds=3", "loop.rounds=4"])
    assert (spec.loop.rounds, spec.loop.batch) == (4, load_spec("smoke").loop.batch)


def test_overrides_do_not_outlive_their_call():
    load_spec("smoke", ["loop.rounds=9"])
    assert load_spec("smoke").loop.rounds != 9


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("rounds", "override 'rounds' must read field=value, e.g. loop.rounds=3"),
        ("=3", "override '=3' must read field=value"),
        ("tasks.x=3", "override 'tasks.x=3': 'tasks' holds a value, not fields"),
        ("ratios=[", "field 'ratios.0' is '[': a ratio is an integer from 2 to"),
        ("ratios=10.0", "field 'ratios.0' is 10.0: a ratio is an integer from 2 to"),
        ("ratios=1/1", "field 'ratios.0' is '1/1': a ratio is an integer from 2 to"),
        ("ratios=natual", "or natural (the data's own imbalance)"),
        ("ratios=50,1/50", "ratios names 50 twice"),
        ("ratios=1:10", "field 'ratios.0' is '1:10': a ratio is an integer from 2 to 1,000,000, written 50 or 1/50"),
        ("ratios=1_0", "field 'ratios.0' is '1_0': a ratio is an integer from 2 to"),
        ("train.learning_rate=1:30", "field 'train.learning_rate' is '1:30': Input should be a valid number"),
        ("loop.oversample=off", "field 'loop.oversample' is 'off': give true or false, without quotes"),
        ("loop.rounds=true", "field 'loop.rounds' is True: give an integer, without quotes"),
        ("seeds=a", "field 'seeds' is 'a': give a number of seeds or a list of integers"),
        ("seeds=1:10", "field 'seeds' is '1:10': give a number of seeds or a list of integers"),
        ("tasks='a, b", 'override "tasks=\'a, b": the list "\'a, b" has a quote that is not closed'),
        ('tasks="a"b, c', "has a quote that is not closed, or something other than a comma after it"),
        ("loop={rounds: 3, rounds: 4}", "override 'loop={rounds: 3, rounds: 4}': 'rounds' is given twice in line 1"),
        ("loop.rouns=3", "smoke: unknown field 'loop.rouns'. Did you mean 'loop.rounds'? Known: loop.batch, "),
        ("a.b.c=1", "smoke: unknown field 'a'. Known: about, "),
        ("loop.rounds=0", "smoke: field 'loop.rounds' is 0: Input should be greater than or equal to 1"),
    ],
)
def test_a_wrong_override_is_named(override, message):
    assert message in refused("smoke", [override])


# What is wrong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rouns: 3", "unknown field 'rouns'. Known: about, algorithms, "),
        ("ratio: 3", "unknown field 'ratio'. Did you mean 'ratios'?"),
        (
            "model: {nam: x}",
            "unknown field 'model.nam'. Did you mean 'model.name'? Known: model.content, model.dropout_passes, ",
        ),
        ("loop: 3", "field 'loop' is 3: "),
        ("loop: {rounds: many}", "field 'loop.rounds' is 'many': Input should be a valid integer"),
        ("loop: {rounds: 2.5}", "field 'loop.rounds' is 2.5: Input should be a valid integer"),
        ("ratios: [50, 1]", "field 'ratios.1' is 1: a ratio is an integer from 2 to"),
        ("starts: hot", "field 'starts.0' is 'hot': Input should be 'warm' or 'cold'"),
        ("infeasible: maybe", "field 'infeasible' is 'maybe': Input should be 'skip' or 'refuse'"),
        ("model: {precision: fp16}", "field 'model.precision' is 'fp16': Input should be 'auto', 'bf16' or 'fp32'"),
        ("model: {max_length: 9999}", "field 'model.max_length' is 9999: Input should be less than or equal to 8192"),
        ("seeds: 0", "field 'seeds' is 0: give how many seeds, 1 to 10000, or a list of seeds"),
        ("seeds: -1", "field 'seeds' is -1: give how many seeds, 1 to 10000, or a list of seeds"),
        ("seeds: 1000000000000", "field 'seeds' is 1000000000000: give how many seeds, 1 to 10000, "),
        ("seeds: [-1]", "field 'seeds.0' is -1: Input should be greater than or equal to 0"),
        ("seeds: true", "field 'seeds' is True: give a number of seeds or a list of integers"),
        ("seeds: a", "field 'seeds' is 'a': give a number of seeds or a list of integers"),
        ("seeds: [a]", "field 'seeds.0' is 'a': Input should be a valid integer"),
        ("seeds: 1:10", "field 'seeds' is '1:10': give a number of seeds or a list of integers"),
        ("loop: {oversample: no}", "field 'loop.oversample' is 'no': give true or false, without quotes"),
        ("loop: {rounds: '3'}", "field 'loop.rounds' is '3': give an integer, without quotes"),
        ("train: {learning_rate: true}", "field 'train.learning_rate' is True: give a number, without quotes"),
        (
            "model: {revision: 1e10}",
            "'model.revision' is 10000000000.0: Input should be a valid string; YAML reads it as",
        ),
        (
            "algorithms: [true]",
            "field 'algorithms.0' is True: Input should be a valid string; YAML reads it",
        ),
        ("algorithms: []", "field 'algorithms' is []: "),
        ("options: {invprop: {bins: []}}", "field 'options.invprop.bins' is []: "),
        ("options: {invprop: {bins: [[1]]}}", "field 'options.invprop.bins.0' is [1]: an option is a finite number"),
        ("options: {dal: {rate: .inf}}", "field 'options.dal.rate.0' is inf: an option is a finite number, a word"),
        ("options: {invprop: 3}", "field 'options.invprop' is 3: "),
        ("train: {learning_rate: .inf}", "field 'train.learning_rate' is inf: Input should be a finite number"),
        ("train: {learning_rate: 0}", "field 'train.learning_rate' is 0: Input should be greater than 0"),
        ("pool: {limit: 5}", "field 'pool.limit' is 5: Input should be greater than or equal to 20"),
        ("name: ../../etc", "field 'name' is '../../etc': results go to a folder of this name"),
        ("name: '..'", "field 'name' is '..': results go to a folder"),
        ("name: ''", "field 'name' is '': results go to a folder"),
        ('name: "a\\nb"', "field 'name' is 'a\\nb': results go to a folder"),
        ("1: 2", "field '1' is 1: Keys should be strings"),
        ("rouns: 3\nloop: {rounds: 0}", "(and 1 more)"),
    ],
)
def test_a_wrong_field_is_named_with_its_value_and_what_is_allowed(file, text, message):
    complaint = refused(written(file, f"tasks: sst2\n{text}"))
    assert complaint.startswith(f"{file}: ")
    assert message in complaint


@pytest.mark.parametrize("field", ["tasks", "ratios", "seeds", "starts", "algorithms", "weightings"])
def test_nothing_may_be_named_twice(file, field):
    value = {"ratios": 50, "seeds": 0, "starts": "cold"}.get(field, "x")
    text = yaml.safe_dump({"tasks": ["sst2"], field: [value, value]})
    assert refused(written(file, text)) == f"{file}: {field} names {value!r} twice"


def test_no_value_of_an_option_may_be_named_twice(file):
    text = "tasks: sst2\noptions: {invprop: {bins: [2, 5, 2]}}"
    assert refused(written(file, text)) == f"{file}: options.invprop.bins names 2 twice"


def test_tasks_are_required(file):
    assert refused(written(file, "ratios: 50")) == f"{file}: field 'tasks' is missing"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "must hold a mapping of fields, not NoneType"),
        ("[tasks]", "must hold a mapping of fields, not list"),
        ("sst2", "must hold a mapping of fields, not str"),
        ("tasks: [sst2", "is not YAML: expected ',' or ']', but got '<stream end>' in line 1"),
        ("tasks: sst2\nloop: rounds: 3", "is not YAML: mapping values are not allowed here in line 2"),
        ("tasks: !!python/object:os.system x", "is not YAML: could not determine a constructor"),
        ("tasks: !!timestamp 2020-01-01", "is not YAML: could not determine a constructor for the tag"),
        ("tasks: !!int '1_0'", "is not YAML: '1_0' is no tag:yaml.org,2002:int in line 1"),
        ("[" * 3000, "is not YAML: maximum recursion depth exceeded"),
        ("tasks: \x00", "is not YAML: unacceptable character"),
        ("loop: {rounds: 1}\ntasks: x\nloop: {rounds: 2}", "is not YAML: 'loop' is given twice in line 3"),
        ("options:\n  dal:\n    x: 1\n    y: 2\n    x: 3", "is not YAML: 'x' is given twice in line 5"),
        ("about: [{a: 1, a: 2}]", "is not YAML: 'a' is given twice in line 1"),
        (b"tasks: \xff\xfe", "cannot read the specification"),
    ],
)
def test_a_file_that_is_no_specification_is_named(file, content, message):
    complaint = refused(written(file, content))
    assert str(file) in complaint
    assert message in complaint


def test_a_value_that_holds_itself_is_refused(file):
    assert "field 'tasks.0' is [" in refused(written(file, "tasks: &a [*a]"))


def test_a_huge_value_is_told_in_short(file):
    lines = ["tasks: sst2", "x0: &x0 [a, a, a, a, a, a, a, a, a]"]
    lines += [f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9)}]" for i in range(1, 9)]  # 9^9 values, written out
    assert len(refused(written(file, "\n".join([*lines, "about: *x8"])))) < 1000


@pytest.mark.parametrize("fields", ["train: rare.csv\ntest_fraction: 0.2", "train: {}\nclasses: [a, b]", "positive: x"])
def test_a_dataset_s_file_is_told_from_a_grid(file, fields):
    path = written(file, f"name: rare\n{fields}")
    assert refused(path) == f"{path} is a dataset file, not a specification of a grid: use it as --tasks {path}/CLASS"


def test_a_name_too_long_for_a_folder_is_refused(file):
    assert "give at most 200 bytes" in refused(written(file, f"tasks: sst2\nname: {'字' * 67}"))
    assert load_spec(written(file, f"tasks: sst2\nname: {'字' * 66}")).name == "字" * 66


@pytest.mark.parametrize("name", ["smok", "Smoke", "", "~surely-no-user", "presets/smoke", "\x00", "a" * 5000])
def test_an_unknown_preset_gets_the_list_of_known_ones(name):
    with pytest.raises(UnknownNameError, match=rf"Known: {', '.join(preset_names())}\. Or give the path"):
        load_spec(name)


def test_an_unknown_preset_gets_the_nearest_one():
    assert "Did you mean 'quickstart'?" in refused("quickstar")


@pytest.mark.parametrize("name", ["absent.yaml", "absent.yml", "~surely-no-user/x.yaml"])
def test_an_absent_file_is_named_with_the_presets(name):
    assert f"no specification file {name!r}; give a path or one of: {', '.join(preset_names())}" in refused(name)


@pytest.mark.parametrize("name", ["a" * 5000 + ".yaml", "\x00.yaml"])
def test_a_path_that_cannot_be_read_is_refused(name):
    assert "cannot read the specification" in refused(name)


def test_a_folder_is_no_specification(tmp_path):
    (tmp_path / "x.yaml").mkdir()
    assert "cannot read the specification" in refused(str(tmp_path / "x.yaml"))


# Anything at all

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
keys = st.sampled_from([*FIELDS, *Settings.model_fields, "rounds", "limit", "invprop", "bins"]) | st.text(max_size=4)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=10
)


def loads_or_is_refused(name, overrides=()):
    complaint = ""
    try:
        load_spec(name, overrides)
    except SpecError as error:
        complaint = str(error) or "says nothing\nat all"
    assert len(complaint.splitlines()) <= 1


@given(tree=st.dictionaries(keys, trees, max_size=6))
def test_any_yaml_loads_or_is_refused_in_one_line(file, tree):
    loads_or_is_refused(written(file, yaml.safe_dump({"tasks": ["sst2"], **tree}, allow_unicode=True)))


@given(
    text=st.text(max_size=60)
    | st.text("tasks:{}[]!&*-#|>'\",.~0x12_e \n<=", max_size=40)
    | st.binary(max_size=40).map(lambda content: content.decode("latin-1"))
)
def test_any_text_loads_or_is_refused_in_one_line(file, text):
    loads_or_is_refused(written(file, text))


@given(name=st.text(max_size=20) | st.text("./~a", max_size=8).map(lambda text: text + ".yaml"))
def test_any_name_loads_or_is_refused_in_one_line(name):
    loads_or_is_refused(name)


@given(
    field=st.lists(keys, min_size=1, max_size=3).map(".".join),
    value=trees.map(lambda tree: yaml.safe_dump(tree, default_flow_style=True)) | st.text(max_size=10),
)
def test_any_override_is_applied_or_refused_in_one_line(field, value):
    loads_or_is_refused("smoke", [f"{field}={value}"])


PAIRS = "name: pairs\ntasks: [sst2]\nstrategies: [random+uniform, 'badge+invprop:bins=5']\n"


def test_of_strategies_and_their_parts_what_is_given_last_is_meant(tmp_path):
    path = tmp_path / "pairs.yaml"
    path.write_text(PAIRS)
    assert load_spec(str(path)).strategies == ("random+uniform", "badge+invprop:bins=5")
    product = load_spec(str(path), ["algorithms=dal"])
    assert (product.strategies, product.algorithms) == ((), ("dal",))
    whole = load_spec("bins", ["strategies=dal+invprop"])
    assert (whole.strategies, whole.options) == (("dal+invprop",), {})
    assert GridSpec.model_validate_json(whole.model_dump_json()) == whole


def test_a_file_gives_strategies_or_their_parts_and_not_both(tmp_path):
    path = tmp_path / "both.yaml"
    path.write_text(PAIRS + "algorithms: [random]\nweightings: [uniform]\n")
    with pytest.raises(SpecError, match="give either strategies or algorithms and weightings"):
        load_spec(str(path))
