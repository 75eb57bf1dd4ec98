"""The run-level test, as in the paper: a paired one-sided t-test that takes all pairs of runs as independent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import nan

from analysis.stats.interval import t_test, why_no_test
from bench.arrays import FloatArray


@dataclass(frozen=True)
class RunLevelTest:
    """Evidence that arm a is larger than arm b.

    Attributes:
        n: pairs. unpaired: runs of either arm without a partner; they take no part, and are to be reported.
        difference: mean of a - b over the pairs, in the metric's unit.
        t, p: the paired t-statistic and its one-sided p (small = a is larger); NaN where there is no test.
        note: why there is no test; empty if there is one.
    """

    n: int
    unpaired: int
    difference: float
    t: float
    p: float
    note: str = ""


def run_level_test(differences: FloatArray, unpaired: int = 0) -> RunLevelTest:
    """Test whether the mean difference of pairs is above 0.

    The p is that of ``scipy.stats.ttest_rel(..., alternative="greater")``, except that there is no test (NaN) where all
    differences are the same number: with no spread t is undefined, while scipy returns p of 1e-31 for two differences
    that are equal but for rounding. A NaN among the differences makes p NaN; it is never left out.

    Args:
        differences: (n,) a - b of matched runs.
        unpaired: runs of either arm without a partner.
    """
    n = len(differences)
    found = RunLevelTest(n, unpaired, float(differences.mean()) if n else nan, nan, nan, why_no_test(differences))
    if found.note:
        return found
    t, p = t_test(differences)
    return replace(found, t=float(t), p=float(p))
