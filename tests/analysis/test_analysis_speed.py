"""The paper's whole grid is tabulated; `imbal-bench perf report` says how fast."""

import pytest

from analysis import sections


@pytest.mark.slow
def test_tables_of_the_papers_whole_grid(factory):
    results = factory.results(factory.paper_grid(10), rounds=5)
    assert (len(results.runs), len(results.rounds)) == (12_820, 76_920)
    (section,) = sections(results)
    assert len(section.numbered) == 11
