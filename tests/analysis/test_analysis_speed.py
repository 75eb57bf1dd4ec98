"""12,000 runs are tabulated in seconds."""

import time

from analysis import sections


def test_tables_of_the_papers_whole_grid(factory):
    """About 7 s on one idle core, 4 of them sound mode; per-cell filters over the frame took minutes."""
    results = factory.results(factory.paper_grid(10), rounds=5)
    assert (len(results.runs), len(results.rounds)) == (12_820, 76_920)
    started = time.process_time()
    (section,) = sections(results)
    assert len(section.numbered) == 11
    assert time.process_time() - started < 30
