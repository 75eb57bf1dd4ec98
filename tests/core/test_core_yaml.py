"""YAML is read as version 1.2's core schema says, and nothing else is read into it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.words import items, scalar
from bench.yaml12 import YamlError, misread, parse

CORE = {
    # as version 1.1 has it: 70, 5400, 8, ...
    "1:10": "1:10", "1:30:00": "1:30:00", "010": 10, "-08": -8, "0o10": 8, "0x1F": 31, "0b11": "0b11", "1_000": "1_000",
    "yes": "yes", "No": "No", "on": "on", "OFF": "OFF", "y": "y", "true": True, "False": False, "TRUE": True,
    "2026-01-01": "2026-01-01", "2026-01-01 10:00:00": "2026-01-01 10:00:00", "=": "=", "<<": "<<",
    "1e-3": 0.001, "1E3": 1000.0, "1.e2": 100.0, ".5": 0.5, "+1": 1, "-.5": -0.5, "1.": 1.0, ".": ".", "e3": "e3",
    ".inf": math.inf, "-.INF": -math.inf, "inf": "inf", "nan": "nan", "~": None, "null": None, "NULL": None,
    "none": "none", "None": "None", "0o8": "0o8", "-0x1": "-0x1", "٣": "٣",
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), CORE.items(), ids=CORE)
def test_a_plain_word_is_what_the_core_schema_says(text, value):
    for found in (parse(f"a: {text}")["a"], parse(f"- {text}")[0], parse(f"{{a: [{text}]}}")["a"][0], scalar(text)):
        assert (found, type(found)) == (value, type(value))
    assert parse(f"a: '{text}'") == {"a": text}
    assert parse(f"%YAML 1.1\n---\na: {text}") == {"a": value}


def test_not_a_number_is_read():
    assert math.isnan(parse("a: .nan")["a"])
    assert math.isnan(scalar(".NaN"))


@given(text=st.from_regex(r"[-+.0-9a-zA-Z_:~]{0,9}", fullmatch=True))
def test_a_single_value_on_the_command_line_is_what_it_is_in_a_file(text):
    try:
        found = parse(f"[{text}, x]")[0]
    except YamlError:
        return  # a mark of YAML's, such as "- "
    if not isinstance(found, dict):  # "a:"
        assert repr(found) == repr(scalar(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "'a' is given twice in line 3"),
        ("a: 1\n'a': 3", "'a' is given twice in line 2"),
        ("a:\n- b: 1\n  c: {d: 1,\n    d: 2}", "'d' is given twice in line 4"),
        ("1: a\n0x1: b", "1 is given twice in line 2"),
        ("~: a\nnull: b", "None is given twice in line 2"),
        ("a: !!set {x, y}", "could not determine a constructor"),
        ("a: !!binary aGk=", "could not determine a constructor"),
        ("a: !!omap [x: 1]", "could not determine a constructor"),
        ("a: !!bool yes", "'yes' is no tag:yaml.org,2002:bool in line 1"),
        ("[a]: b: c", "mapping values are not allowed here in line 1"),
        ("? [a]\n: b", "found unhashable key in line 1"),
    ],
)
def test_what_is_refused_is_named_with_its_line(text, message):
    with pytest.raises(YamlError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_mapping_is_not_merged_into_another():
    """Merging is no part of version 1.2."""
    assert parse("a: &a {x: 1}\nb: {<<: *a}") == {"a": {"x": 1}, "b": {"<<": {"x": 1}}}


def test_what_is_not_kept_as_written_is_found_with_its_line():
    text = "name: 1e3\nclasses:\n- 010\n- 9\n- a\n- '010'\n- false\npositive: yes\ntest: null\nlabel: 1.5"
    assert list(misread(text)) == [
        ("name", "1e3", 1000.0, 1),
        ("classes", "010", 10, 3),
        ("classes", "false", False, 7),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a", None),
        (" a ", None),
        ("", None),
        ("[", None),
        ("[a", None),
        ("a]", None),
        ("[]", []),
        ("[ ]", []),
        ("[a]", ["a"]),
        ("a,", ["a"]),
        ("a,,b", ["a", "", "b"]),
        ("a,''", ["a", ""]),
        ("[ [x] , {y} ]", ["[x]", "{y}"]),
        ('["a, b"]', ["a, b"]),
        ('"a\\n"', ["a\\n"]),
        ("a b\n, c", ["a b", "c"]),
    ],
)
def test_lists_are_read(text, found):
    assert items(text) == found
