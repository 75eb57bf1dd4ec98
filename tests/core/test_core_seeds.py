"""Random streams: named, independent of each other, and the same on every machine and for ever."""

import ast
import hashlib
import inspect
import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import seeds

ROOT = Path(__file__).parents[2]
CODE = sorted(path for room in ("imbal_bench", "bench", "analysis", "reports") for path in (ROOT / room).rglob("*.py"))
PARTS = {"dataset": "sst2", "positive": "positive", "ratio": 50, "seed": 0, "round": 1}

names = st.text("abcdefg", min_size=1, max_size=4)
parts = st.dictionaries(names, st.text(max_size=5) | st.integers(), max_size=4)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def test_golden_streams_never_change():
    """A changed value would silently change every result that was ever stored: change none of these."""
    assert seeds.stream("start", dataset="sst2", positive="positive", seed=0) == 286016029146503501768353498560168030248
    drawn = seeds.generator("priority", dataset="ag_news", ratio=50, round=3).random(3)
    np.testing.assert_array_equal(drawn, [0.30047341021805785, 0.1310010116737501, 0.693981423746518])
    assert seeds.torch_seed("head", seed=1) == 5770519438842202126
    assert seeds.pair_key({"dataset": "sst2", "seed": 3, "start": "warm"}) == "1f58ad96c5d67e5d55a6e997d2bbc943"


def test_a_stream_is_the_hash_of_its_purpose_and_parts():
    spelt = b'{"dataset":"sst2","positive":"positive","purpose":"start","seed":0}'
    expected = int.from_bytes(hashlib.sha256(spelt).digest()[:16], "big")
    assert seeds.stream("start", seed=0, positive="positive", dataset="sst2") == expected


def test_streams_of_all_purposes_differ():
    assert len({seeds.stream(purpose, **PARTS) for purpose in seeds.PURPOSES}) == len(seeds.PURPOSES)


@pytest.mark.parametrize("part", PARTS)
def test_streams_differ_by_any_part(part):
    value = PARTS[part]
    other = value + 1 if isinstance(value, int) else value + "x"
    assert seeds.stream("start", **PARTS) != seeds.stream("start", **{**PARTS, part: other})
    assert seeds.stream("start", **PARTS) != seeds.stream("start", **{k: v for k, v in PARTS.items() if k != part})


def test_a_number_and_its_text_are_different_parts():
    assert seeds.stream("start", seed=1) != seeds.stream("start", seed="1")


@given(a=parts, b=parts)
def test_streams_are_equal_only_if_their_parts_are(a, b):
    assert (seeds.stream("head", **a) == seeds.stream("head", **b)) == (a == b)


@given(parts=parts)
def test_seeds_lie_in_the_range_of_their_consumer(parts):
    assert 0 <= seeds.stream("head", **parts) < 2**128
    assert 0 <= seeds.torch_seed("head", **parts) < 2**63


def test_torch_seeds_use_their_whole_range():
    drawn = np.array([seeds.torch_seed("head", seed=seed) for seed in range(500)], dtype=float) / 2**63
    assert abs(drawn.mean() - 0.5) < 4 / math.sqrt(12 * len(drawn))
    assert len(set(drawn)) == len(drawn)


def test_generators_of_one_stream_start_afresh():
    first, second = (seeds.generator("select", **PARTS) for _ in range(2))
    first.random(10)
    np.testing.assert_array_equal(second.random(10), seeds.generator("select", **PARTS).random(10))


def test_an_undeclared_purpose_is_refused():
    with pytest.raises(ValueError, match=r"undeclared random stream 'luck'; declared: .*priority"):
        seeds.generator("luck")


@given(value=st.dictionaries(st.text(max_size=4), json_values, max_size=5), shuffle=st.randoms(use_true_random=False))
def test_canonical_spelling_does_not_depend_on_the_order_of_keys(value, shuffle):
    items = list(value.items())
    shuffle.shuffle(items)
    assert seeds.canonical(dict(items)) == seeds.canonical(value)
    assert json.loads(seeds.canonical(value)) == value
    assert seeds.canonical(value).isascii()
    assert seeds.canonical(value) == seeds.canonical(json.loads(seeds.canonical(value)))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_canonical_spelling_refuses_what_is_no_number(bad):
    with pytest.raises(ValueError, match="not JSON compliant"):
        seeds.canonical({"deep": [{"x": bad}]})


def test_digests_are_hex_of_the_length_asked_for():
    whole = hashlib.sha256(b'{"a":1}').hexdigest()
    assert seeds.digest({"a": 1}, 64) == whole
    assert seeds.digest({"a": 1}) == whole[:32]


def test_a_pair_key_is_no_stream_and_depends_on_every_part():
    assert seeds.pair_key({"seed": 1}) != seeds.digest({"seed": 1})
    assert seeds.pair_key({"seed": 1, "start": "warm"}) != seeds.pair_key({"seed": 2, "start": "warm"})


# Where randomness may be born or drawn outside bench/seeds.py: file -> {call: reason}.
SEEDED = "seeded by seeds.torch_seed"
BREAKS_A_LAW = "a specimen that breaks the law, for the test of the law"
AROUND = "global streams are seeded around code from outside, and put back"
ALLOWED = {
    "bench/seeds.py": {"np.random.default_rng": "the one home"},
    "bench/model/encoder.py": {
        "torch.Generator": SEEDED,
        "*.manual_seed": SEEDED,
        "torch.manual_seed": "dropout reads the global stream, which is forked",
    },
    "bench/model/shapes.py": {
        "torch.manual_seed": "transformers draws weights from the global stream, which is forked"
    },
    "bench/model/standard_state.py": dict.fromkeys(
        ("random.seed", "random.setstate", "np.random.seed", "np.random.set_state"), AROUND
    ),
    "bench/model/torch_state.py": dict.fromkeys(("*.manual_seed", "torch.default_generator.manual_seed"), AROUND),
    "bench/strategies/adapted.py": dict.fromkeys(
        ("random.seed", "random.setstate", "np.random.seed", "np.random.set_state", "torch.manual_seed"),
        "other libraries draw from the global streams, which are seeded by the view's generator and put back",
    ),
    "bench/strategies/checksum.py": {"np.random.default_rng": "fixed factors of a checksum, the same in every process"},
    "bench/perf/floors.py": {"torch.Generator": SEEDED, "*.manual_seed": SEEDED},
    "bench/perf/gpu_card.py": {"torch.Generator": SEEDED, "*.manual_seed": SEEDED},
    "bench/model/surprisal.py": {"torch.Generator": SEEDED, "*.manual_seed": SEEDED},
    "bench/model/fitting.py": {"torch.manual_seed": "dropout reads the global stream, which is forked"},
    "bench/strategies/dal.py": {
        "torch.Generator": "seeded by the view's generator",
        "*.manual_seed": "seeded by the view's generator",
    },
    "bench/testing/surroundings.py": dict.fromkeys(
        (
            *("random.seed", "np.random.seed", "np.random.set_state", "random.setstate"),
            *("torch.default_generator.manual_seed", "torch.cuda.manual_seed_all"),
        ),
        "shakes the global state, to show that a strategy is blind to it; restored",
    ),
    "bench/testing/learner_specimens.py": dict.fromkeys(("random.SystemRandom", "random.seed"), BREAKS_A_LAW),
    "bench/testing/specimens_of_answers.py": {"np.random.default_rng": BREAKS_A_LAW},
    "bench/testing/specimens_of_surroundings.py": {"torch.manual_seed": BREAKS_A_LAW},
}
READS_ONLY = {"np.random.get_state", "random.getstate", "torch.random.fork_rng", "torch.random.get_rng_state"}
DRAWS_OF_TORCH = {"rand", "rand_like", "randn", "randn_like", "randint", "randperm", "normal", "bernoulli"}
BIRTHS = {
    "default_rng", "RandomState", "Generator", "SeedSequence", "PCG64", "Philox", "manual_seed", "manual_seed_all",
    "seed_everything", "set_seed", "SystemRandom", "Random",
}  # fmt: skip


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "*"


@cache
def calls_of_file(path: Path) -> list[ast.Call]:
    """Return the calls in a file, which is read once for all tests that look at every file."""
    return calls_in(path.read_text("utf-8"))


def calls_in(source: str) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]


def random_calls(calls: list[ast.Call]) -> set[str]:
    """Return the calls in a module that give birth to a generator, seed one, or draw from global state."""
    found = set()
    for node in calls:
        name = dotted(node.func)
        head, _, last = name.rpartition(".")
        born = last in BIRTHS
        of_numpy = head in {"np.random", "numpy.random"}
        of_python = head == "random"
        of_torch = head == "torch" and last in DRAWS_OF_TORCH and "generator" not in {k.arg for k in node.keywords}
        if (born or of_numpy or of_python or of_torch) and name not in READS_ONLY:
            found.add(name)
    return found


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np\nnp.random.default_rng()",
        "from numpy.random import default_rng\ndef f():\n    return default_rng(3)",
        "import numpy as np\nnp.random.shuffle(x)",
        "import random\nrandom.shuffle(x)",
        "import torch\ntorch.randn(3)",
        "import torch\nrng = torch.Generator()",
        "import torch\ntorch.cuda.manual_seed_all(0)",
        "from transformers import set_seed\nset_seed(1)",
    ],
)
def test_the_scan_sees_randomness(code):
    assert random_calls(calls_in(code))


def test_the_scan_passes_draws_from_a_generator_that_was_handed_in():
    code = "torch.randn(3, generator=rng)\nview.generator.random(5)\nseeds.generator('head')"
    assert not random_calls(calls_in(code))


def test_generators_are_born_in_seeds_only():
    found = {str(path.relative_to(ROOT)): random_calls(calls_of_file(path)) for path in CODE}
    unexpected = {file: calls - set(ALLOWED.get(file, ())) for file, calls in found.items()}
    assert {file: calls for file, calls in unexpected.items() if calls} == {}
    idle = {file: set(calls) - found.get(file, set()) for file, calls in ALLOWED.items()}
    assert {file: calls for file, calls in idle.items() if calls} == {}, "these exceptions are needed no more"


def test_every_declared_purpose_is_used_and_every_used_one_declared():
    used = set()
    for path in CODE:
        if path.is_relative_to(ROOT / "bench/testing"):
            continue  # toys borrow purposes
        for node in calls_of_file(path):
            if dotted(node.func) in {"seeds.generator", "seeds.stream", "seeds.torch_seed"} and isinstance(
                node.args[0], ast.Constant
            ):
                used.add(node.args[0].value)
    assert used == set(seeds.PURPOSES)


def test_every_purpose_says_what_it_is_for():
    lines = inspect.getsource(seeds).splitlines()
    for purpose in seeds.PURPOSES:
        assert any(line.strip().startswith(f'"{purpose}",  # ') for line in lines), purpose
