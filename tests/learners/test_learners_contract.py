"""Every learner meets every law, and each law can fail."""

from __future__ import annotations

import pytest

from bench.learners.base import LEARNERS
from bench.learners.catalogue import learner
from bench.testing.learner_specimens import LEARNER_SPECIMENS, Counts
from bench.testing.learners import LEARNER_LAWS, learner_verdicts

SHIPPED = ["fine-tune", "probe", "tfidf", "tfidf:svd=8"]


def test_no_shipped_learner_escapes_the_laws():
    assert {text.partition(":")[0] for text in SHIPPED} == set(LEARNERS)
    assert not LEARNERS.failures


@pytest.mark.parametrize(
    "text", [pytest.param(text, marks=pytest.mark.slow) if text == "fine-tune" else text for text in SHIPPED]
)
def test_a_learner_meets_every_law(text):
    found = learner_verdicts(learner(text))
    assert [(it.law, it.outcome, it.why) for it in found if it.outcome != "holds"] == []


def test_the_smallest_learner_meets_every_law():
    assert {it.outcome for it in learner_verdicts(Counts())} == {"holds"}


@pytest.mark.parametrize(("law", "broken"), LEARNER_SPECIMENS, ids=lambda it: getattr(it, "__name__", ""))
def test_a_specimen_breaks_its_law_and_no_other(law, broken):
    assert [it.law for it in learner_verdicts(broken) if it.outcome == "broken"] == [law.__name__]


def test_each_law_has_a_specimen():
    assert {law for law, _ in LEARNER_SPECIMENS} == set(LEARNER_LAWS)
