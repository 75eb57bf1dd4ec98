"""What tests of grids compare and change."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.config import GridSpec
from bench.records import RunRecord
from bench.store import Store


def override(spec: GridSpec, **fields: object) -> GridSpec:
    """Return a specification with some fields replaced, checked."""
    return GridSpec.model_validate({**spec.model_dump(), **fields})


def science(record: RunRecord) -> dict[str, object]:
    """Return what must be equal between two executions of a run: all but times, memory and provenance."""
    content = record.model_dump(mode="json", exclude={"seconds", "provenance"})
    for entry in content["rounds"]:
        del entry["seconds"], entry["peak_memory_mb"]
        entry["rows"].pop("surprisal", None)  # whoever comes first in a block computes it
    return content


def assert_same_results(a: Path, b: Path) -> None:
    """Two stores hold the same runs, bit for bit."""
    one, two = Store(a), Store(b)
    assert one.keys() == two.keys()
    for key in sorted(one.keys()):
        assert science(one.read(key)) == science(two.read(key))
        np.testing.assert_array_equal(one.test_probabilities(one.read(key)), two.test_probabilities(two.read(key)))
