"""One error rate for a declared family of tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bench.arrays import FloatArray


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
