"""Several tests at once: one error rate for a declared family, and in how many of them something holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bench.arrays import FloatArray
from bench.errors import SpecError


def holm(p_values: Sequence[float] | npt.NDArray[np.float64]) -> FloatArray:
    """Return Holm's step-down adjusted p-values of a family, in the order given.

    Rejecting where the adjusted p is below alpha keeps the chance of any false rejection in the family below alpha,
    however the tests depend on each other (Holm 1979). Written out in four lines because scipy offers only the
    false discovery rate, and statsmodels is a large dependency for them.

    Args:
        p_values: (m,). NaN is a test that could not be made: it stays NaN and still counts in the family, since
            a family that was declared does not shrink.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(np.where(np.isnan(p), np.inf, p), kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def partial_conjunction(p_values: Sequence[float] | npt.NDArray[np.float64], least: int) -> float:
    """Return the p of the hypothesis that fewer than so many of some effects are there (Benjamini and Heller 2008).

    A small p says that an effect holds in at least ``least`` of them, without saying in which. It is Bonferroni's over
    the largest p: valid however the tests depend on each other, as those of datasets that share seeds may.

    Args:
        p_values: (m,) of one test each. NaN, a test that could not be made, counts as 1.
        least: from 1 (somewhere) to m (everywhere).

    Raises:
        SpecError: if least is not among these.
    """
    p = np.sort(np.nan_to_num(np.asarray(p_values, dtype=np.float64), nan=1.0))
    if not 1 <= least <= len(p):
        raise SpecError(f"an effect in at least {least} of {len(p)} tests is no question; give 1 to {len(p)}")
    return float(min(1.0, (len(p) - least + 1) * p[least - 1]))
