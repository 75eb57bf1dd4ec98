"""Small corpora, and the local mirror where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from bench.data.corpus import Corpus, split_of


@pytest.fixture
def corpus() -> Corpus:
    """Three classes, 40 train and 12 test rows; texts with quotes, commas, line breaks and other scripts."""
    rng = np.random.default_rng(0)
    words = ["naïve", 'a "quoted" word', "comma, here", "line\nbreak", "日本語", "", " leading", "plain"]
    sizes = {"train": 40, "test": 12}
    splits = {
        name: split_of([f"{name} {i} {' '.join(rng.choice(words, 3))}" for i in range(size)], np.arange(size) % 3)
        for name, size in sizes.items()
    }
    return Corpus("toy", ("red", "green", "blue"), splits["train"], splits["test"], "made up")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The local mirror of the paper's datasets; skips where there is none."""
    beside = Path(__file__).parents[2].parent / "shared" / "datasets"
    folder = Path(os.environ.get("IMBAL_BENCH_DATA") or beside)
    if not folder.is_dir():
        pytest.skip("no local dataset mirror")
    return folder
