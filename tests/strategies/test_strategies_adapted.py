"""Query strategies of other libraries under our views: by name, seeded, and leaving global state alone."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from bench.errors import PluginError, SpecError, UnknownNameError
from bench.grid.expansion.pairs import strategy
from bench.grid.expansion.suited import why_unsuited
from bench.learners.catalogue import learner
from bench.options import worded
from bench.strategies.adapted import seeded
from bench.strategies.base import ALGORITHMS
from bench.strategies.strategy import needs_of, select_checked
from bench.testing import laws, toy_pool
from bench.testing.agreement import agreements
from bench.testing.surroundings import global_state
from bench.testing.verdicts import verdict

K = 5
OF_SKACTIVEML = [
    f"skactiveml:{name}" for name in ("Badge", "CoreSet", "UncertaintySampling", "QueryByCommittee", "Quire")
]
OF_SMALL_TEXT = [f"small-text:{name}" for name in ("BADGE", "GreedyCoreset", "BreakingTies", "RandomSampling")]


def algorithm(name: str):
    pytest.importorskip({"skactiveml": "skactiveml", "small-text": "small_text"}[name.partition(":")[0]])
    return ALGORITHMS.get(name)()


def selected(name: str, seed: int = 0) -> list[int]:
    it, pool = algorithm(name), toy_pool(40, seed=seed)
    return select_checked(it, pool.view(needs_of(it)), np.ones(40), K).picks.tolist()


@pytest.mark.parametrize("name", [*OF_SKACTIVEML, *OF_SMALL_TEXT])
def test_a_strategy_of_another_library_selects_by_our_seeds_and_restores_global_state(name):
    first, before = selected(name), global_state()
    with seeded(7):
        assert selected(name) == first
    after = global_state()
    assert {what for what in before if before[what] != after[what]} <= {"the environment", "the filters of warnings"}
    assert len(set(first)) == K


@pytest.mark.parametrize("name", ["skactiveml:Badge", "small-text:GreedyCoreset"])
@pytest.mark.parametrize("law", [laws.row_order_is_irrelevant, laws.needs_are_declared, laws.inputs_are_left_alone])
def test_it_stands_under_the_laws(name, law):
    it = algorithm(name)
    assert verdict(law, it, "").outcome == "holds"


def test_uncertainty_is_ours_whatever_the_library():
    """On binary probabilities they all take the rows nearest to one half."""
    pool = toy_pool(40)
    nearest = set(np.argsort(abs(pool.probabilities - 0.5))[:K].tolist())
    assert set(selected("skactiveml:UncertaintySampling")) == nearest
    for name in ("BreakingTies", "LeastConfidence", "PredictionEntropy"):
        assert set(selected(f"small-text:{name}")) == nearest


def test_what_cannot_be_run_is_said_with_the_reason():
    pytest.importorskip("skactiveml")
    with pytest.raises(UnknownNameError, match="Did you mean 'TypiClust'"):
        ALGORITHMS.get("skactiveml:TypiCluster")
    with pytest.raises(PluginError, match="is for regression"):
        ALGORITHMS.get("skactiveml:GreedySamplingTarget")
    with pytest.raises(PluginError, match="wraps another strategy"):
        ALGORITHMS.get("skactiveml:SubSamplingWrapper")
    pytest.importorskip("small_text")
    with pytest.raises(PluginError, match="needs more than probabilities and embeddings"):
        ALGORITHMS.get("small-text:DiscriminativeActiveLearning")


def test_its_name_may_have_options_and_its_version_names_the_library():
    pytest.importorskip("skactiveml")
    assert worded("algorithm", "skactiveml:UncertaintySampling:method=entropy") == (
        "skactiveml:UncertaintySampling", {"method": "entropy"},
    )  # fmt: skip
    assert worded("learner", "probe:C=3") == ("probe", {"C": "3"})
    with pytest.raises(SpecError, match="must read name"):
        worded("algorithm", "dal:epochs")
    made = strategy("skactiveml:UncertaintySampling:method=entropy+uniform")
    assert made.algorithm.changed == {"method": "entropy"}
    assert "scikit-activeml 1." in made.algorithm.version
    carried = pickle.dumps(algorithm("skactiveml:Badge"))
    assert pickle.loads(carried) == algorithm("skactiveml:Badge")  # noqa: S301 - our own


def test_it_is_run_under_uniform_weights_alone():
    pytest.importorskip("skactiveml")
    said = why_unsuited(strategy("skactiveml:UncertaintySampling+invprop"), learner("tfidf"))
    assert said == "skactiveml:UncertaintySampling takes no weights: it is run under uniform ones, not under invprop"
    assert not why_unsuited(strategy("skactiveml:UncertaintySampling+uniform"), learner("tfidf"))


def test_agreement_is_whole_with_itself_and_chance_with_what_is_unlike():
    names = ("entropy", "margin", "random")
    found = agreements([ALGORITHMS.get(name)() for name in names], pools=2, draws=4, rows=100, k=10)
    by_pair = {(it.first, it.second): it for it in found.pairs}
    assert by_pair["entropy", "margin"].shared == 1
    assert found.alone["entropy"].shared == 1
    assert found.alone["random"].shared == pytest.approx(found.chance, abs=0.1)
    assert abs(by_pair["entropy", "random"].shared - found.chance) < 0.2
