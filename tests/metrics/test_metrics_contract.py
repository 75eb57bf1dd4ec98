"""Every metric meets the laws, and each law has a specimen that breaks it."""

import pytest

from bench.metrics.catalogue import every
from bench.testing.metric_specimens import BROKEN_METRICS
from bench.testing.metrics import LAWS, verdicts_of


@pytest.mark.parametrize("name", every())
def test_every_metric_meets_the_laws(name):
    assert [verdict for verdict in verdicts_of(every()[name]) if verdict.outcome == "broken"] == []


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_each_law_has_a_specimen_that_breaks_it_and_no_law_before_it(law):
    found = {verdict.law: verdict.outcome for verdict in verdicts_of(BROKEN_METRICS[law]())}
    assert found[law.__name__] == "broken"


def test_a_specimen_breaks_as_few_laws_as_can_be():
    """What is broken is named: a law that every specimen broke would tell nothing."""
    broken = {law.__name__: 0 for law in LAWS}
    for specimen in BROKEN_METRICS.values():
        for verdict in verdicts_of(specimen()):
            broken[verdict.law] += verdict.outcome == "broken"
    assert all(count < len(LAWS) for name, count in broken.items() if name != "knowing_nothing_is_chance")


def test_a_waived_law_is_shown_with_its_reason():
    specimen = BROKEN_METRICS[LAWS[-1]]()
    specimen.waived = {LAWS[-1].__name__: "because"}
    assert verdicts_of(specimen)[-1].outcome == "waived"
