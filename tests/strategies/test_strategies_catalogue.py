"""Components, plug-ins and the door through which the loop selects."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import PluginError, RunError, SpecError, UnknownNameError
from bench.plugins import add_plugin
from bench.records import Component
from bench.strategies.base import ALGORITHMS, WEIGHTINGS, Algorithm, ScoreBased, Weighting
from bench.strategies.catalogue import build, component, facts
from bench.strategies.invprop import InvProp
from bench.strategies.random_sampling import RandomSampling
from bench.strategies.strategy import choose, needs_of
from bench.strategies.uniform import Uniform
from bench.testing import laws_for, toy_pool

PLUGIN = '''
from dataclasses import dataclass
from typing import ClassVar
from bench.strategies.base import ScoreBased

@dataclass(frozen=True)
class LeastConfident(ScoreBased):
    """Uncertainty."""
    name: ClassVar[str] = "least_confident"
    title: ClassVar[str] = "LC"
    paper: ClassVar[str] = "Lewis & Gale 1994"
    needs = frozenset({"probabilities"})
    power: float = 1.0

    def scores(self, view):
        return (1 - abs(2 * view.probabilities - 1)) ** self.power
'''


@pytest.fixture
def _registries_restored(monkeypatch):
    for registry in (ALGORITHMS, WEIGHTINGS):
        monkeypatch.setattr(registry, "_found", dict(registry.items()))


@pytest.mark.parametrize("registry", [ALGORITHMS, WEIGHTINGS], ids=["algorithms", "weightings"])
def test_a_component_spells_out_all_options_and_builds_the_default(registry):
    for name, cls in registry.items().items():
        described = component(registry, name)
        assert described.options.keys() == vars(cls()).keys()
        assert build(registry, described) == cls()


def test_facts_cover_every_part():
    assert [fact.name for fact in facts(WEIGHTINGS)] == list(WEIGHTINGS)
    assert {fact.name: fact.options for fact in facts(WEIGHTINGS)}["invprop"] == {"bins": 10}


def test_options_that_mean_the_same_are_spelt_the_same():
    whole, real = (component(ALGORITHMS, "dal", {"learning_rate": value}) for value in (1, 1.0))
    assert repr(whole) == repr(real)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"bins": "ten"}, SpecError, "option 'bins' of weighting 'invprop' is 'ten': .*integer .*default 10"),
        ({"bins": 2.5}, SpecError, "option 'bins' .* is 2.5"),
        ({"bins": True}, SpecError, "option 'bins' .* is True"),
        ({"bins": 0}, SpecError, "option 'bins' of invprop is 0; allowed: >= 1"),
        ({"bin": 5}, UnknownNameError, "option of weighting 'invprop' 'bin'. Did you mean 'bins'"),
    ],
)
def test_bad_options_are_named(options, error, message):
    with pytest.raises(error, match=message):
        component(WEIGHTINGS, "invprop", options)


def test_a_component_of_another_version_is_refused():
    with pytest.raises(SpecError, match="is at version 1, but version 0 was requested"):
        build(WEIGHTINGS, Component(name="uniform", version="0"))


@pytest.mark.usefixtures("_registries_restored")
def test_a_plug_in_is_one_file_and_meets_the_laws(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    before = len(list(ALGORITHMS))
    assert add_plugin(file) == ("least_confident",)
    assert len(list(ALGORITHMS)) == before + 1
    described = component(ALGORITHMS, "least_confident", {"power": 2})
    assert described.version not in ("", "1")
    for law in laws_for(build(ALGORITHMS, described)):
        law(build(ALGORITHMS, described))


@pytest.mark.usefixtures("_registries_restored")
def test_another_state_of_a_plug_in_has_another_version(tmp_path, monkeypatch):
    versions = set()
    for text in (PLUGIN, PLUGIN.replace("1.0", "2.0")):
        monkeypatch.setattr(ALGORITHMS, "_found", dict(ALGORITHMS.items()))
        (tmp_path / "mine.py").write_text(text)
        ALGORITHMS.items()
        add_plugin(tmp_path / "mine.py")
        versions.add(component(ALGORITHMS, "least_confident").version)
        monkeypatch.undo()
    assert len(versions) == 2


@pytest.mark.usefixtures("_registries_restored")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "defines no algorithm or weighting"),
        ("1 / 0", "ZeroDivisionError"),
        (PLUGIN.replace('"least_confident"', '"badge"'), "two algorithms are called 'badge'"),
    ],
)
def test_plug_ins_that_cannot_be_used_are_refused(tmp_path, text, message):
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(PluginError, match=message):
        add_plugin(tmp_path / "bad.py")


@pytest.mark.usefixtures("_registries_restored")
def test_an_option_without_default_is_refused(tmp_path):
    (tmp_path / "bare.py").write_text(PLUGIN.replace("power: float = 1.0", "power: float"))
    add_plugin(tmp_path / "bare.py")
    with pytest.raises(PluginError, match="option 'power' of 'least_confident' has no default"):
        component(ALGORITHMS, "least_confident")


@dataclass(frozen=True)
class Fixed(Algorithm):
    """Returns what it was made with."""

    name: ClassVar[str] = "fixed"
    answer: object = ()

    def select(self, view, w, k):
        return self.answer


@dataclass(frozen=True)
class Given(Weighting):
    """Weights that the test decides."""

    name: ClassVar[str] = "given"
    values: object = ()

    def weights(self, view):
        return np.asarray(self.values)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ([0, 1], r"shape \(2,\) instead of \(3,\)"),
        ([0.0, 1.0, 2.0], "float64 values instead of integers"),
        ([0, 1, 24], "row 24 of a pool of 24"),
        ([-1, 1, 2], "row -1 of a pool of 24"),
        ([1, 1, 2], "only 2 distinct rows"),
    ],
)
def test_a_broken_answer_names_the_algorithm_and_the_fault(answer, fault):
    with pytest.raises(RunError, match=f"algorithm 'fixed' was asked for 3 distinct rows .* {fault}"):
        choose(Fixed(np.array(answer)), None, toy_pool().view(), 3)


def test_choose_gives_the_algorithm_the_scaled_weights_and_records_the_same():
    values = np.arange(24.0)
    choice = choose(RandomSampling(), Given(values), toy_pool().view(), 23)
    picks, w = choice.picks, choice.w
    assert w.tolist() == (values / 23).tolist()
    assert 0 not in picks
    assert picks.dtype == np.int64
    assert not w.flags.writeable


@pytest.mark.parametrize("k", [24, 25, 100])
def test_a_pool_of_no_more_than_k_rows_is_taken_whole_by_priority(k):
    pool = toy_pool()
    choice = choose(Fixed(), InvProp(), pool.view(), k)
    assert choice.picks.tolist() == np.argsort(pool.priority).tolist()
    assert choice.w.max() == 1


def test_an_empty_pool_yields_nothing():
    choice = choose(RandomSampling(), Uniform(), toy_pool(n=0).view(), 5)
    assert choice.picks.size == choice.w.size == 0


def test_without_a_weighting_weights_are_uniform_and_need_no_pass():
    view = toy_pool().view(needs_of(RandomSampling(), None))
    choice = choose(RandomSampling(), None, view, 4)
    assert choice.w.tolist() == [1.0] * 24
    assert choice.picks.tolist() == np.argsort(toy_pool().priority)[:4].tolist()


def test_weights_that_are_all_zero_mean_no_preference():
    zero, ones = (choose(RandomSampling(), Given(np.full(24, value)), toy_pool().view(), 5) for value in (0.0, 1.0))
    assert zero.picks.tolist() == ones.picks.tolist()


@dataclass(frozen=True)
class Probable(ScoreBased):
    """The top of the probabilities."""

    name: ClassVar[str] = "probable"

    def scores(self, view):
        return view.probabilities


@given(
    st.floats(1e-200, 1e200),
    st.lists(st.integers(0, 3), min_size=24, max_size=24),
    st.sampled_from([Probable(), RandomSampling()]),
)
def test_scaling_weights_by_any_constant_changes_no_pick(factor, values, algorithm):
    pool = replace(toy_pool(), probabilities=np.arange(24) % 4 / 4)
    plain, scaled = (choose(algorithm, Given(np.array(values, float) * c), pool.view(), 6).picks for c in (1.0, factor))
    assert plain.tolist() == scaled.tolist()


def test_needs_are_those_of_both_parts():
    dal = ALGORITHMS.get("dal")()
    assert needs_of(dal, InvProp()) == {"embeddings", "probabilities"}
    assert needs_of(dal, Uniform()) == {"embeddings"}
    assert needs_of(RandomSampling(), Uniform()) == frozenset()
