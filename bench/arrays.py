"""Types of arrays that all rooms name alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
Float32Array = npt.NDArray[np.float32]
"""Such as test probabilities, as they are stored."""
IntArray = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int64]
"""1 = positive (minority), 0 = negative."""
