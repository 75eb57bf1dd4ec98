"""Strategies that see texts, and vectors that their user brings: in a run, and nobody else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import imbal_bench as ib
from bench.data.loading import load_user
from bench.errors import DataError
from bench.plugins import REGISTRIES

STRATEGY = '''
from dataclasses import dataclass
import numpy as np
from bench.strategies.base import ScoreBased

@dataclass(frozen=True)
class Longest(ScoreBased):
    """The longest texts first, and of these the ones whose own vector is largest."""
    name, title, paper = "longest", "Longest", "a test"
    needs = frozenset({"texts", "features"})
    def scores(self, view):
        assert len(view.texts) == view.size and view.features.shape == (view.size, 2)
        assert len(view.labelled_texts) == len(view.labelled_features) == len(view.labels)
        assert (view.features[:, 0] == [len(text) for text in view.texts]).all()
        return view.features[:, 0]
'''


@pytest.fixture(autouse=True)
def _own_parts_are_forgotten(monkeypatch):
    for registry in REGISTRIES:
        monkeypatch.setattr(registry, "_found", dict(registry.items()))


def texts_and_labels() -> tuple[list[str], list[str]]:
    texts = [f"message {i} " + "word " * (i % 17) for i in range(160)]
    return texts, ["rare" if i % 5 == 0 else "usual" for i in range(160)]


def lengths(texts: list[str]) -> np.ndarray:
    return np.array([[len(text), 1] for text in texts])


def test_a_run_selects_by_texts_and_by_the_user_s_own_vectors(tmp_path):
    """Of a drawn test set too: the vectors are those of the rows that were left for training."""
    (tmp_path / "longest.py").write_text(STRATEGY)
    data = ib.dataset(*texts_and_labels(), name="own", features=lengths, cache_dir=tmp_path / "cache")
    runs = ib.run(
        tasks=[data.task("rare")], ratios="natural", seeds=1, learner="tfidf", strategies=["longest+uniform"],
        loop_rounds=1, loop_batch=5, plugins=[tmp_path / "longest.py"], store=tmp_path / "s",
        cache_dir=tmp_path / "cache",
    )  # fmt: skip
    assert runs.frame()["key"].nunique() == 1
    plain = ib.dataset(*texts_and_labels(), name="own", cache_dir=tmp_path / "cache")
    assert load_user(plain.path).fingerprint != load_user(data.path).fingerprint
    assert load_user(plain.path).train.fingerprint == load_user(data.path).train.fingerprint


def described(folder: Path, features: str) -> Path:
    texts, labels = texts_and_labels()
    rows = "".join(f"{text},{label}\n" for text, label in zip(texts, labels, strict=True))
    (folder / "rows.csv").write_text(f"text,label\n{rows}")
    fields = {"name": "own", "train": "rows.csv", "test_fraction": 0.25, "features": features}
    (folder / "own.yaml").write_text("".join(f"{name}: {value}\n" for name, value in fields.items()))
    return folder / "own.yaml"


def test_vectors_come_from_a_file_or_a_function_and_are_the_same(tmp_path):
    np.save(tmp_path / "own.npy", lengths(texts_and_labels()[0]))
    (tmp_path / "embed.py").write_text("def embed(texts):\n    return [[len(text), 1] for text in texts]\n")
    of_file, of_function = (
        load_user(described(tmp_path, given), cache_dir=tmp_path / "cache") for given in ("own.npy", "embed.py:embed")
    )
    assert of_file.features.values[:, 0].tolist() == [len(text) for text in of_file.train.texts.to_pylist()]
    assert of_file.fingerprint == of_function.fingerprint
    (tmp_path / "embed.py").write_text("def embed(texts):\n    raise OSError\n")
    with pytest.raises(DataError, match=r"features \(embed.py:embed\) failed: OSError"):
        load_user(tmp_path / "own.yaml", cache_dir=tmp_path / "cache")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones((3, 2)), "3 rows for 160 texts"),
        (np.ones(160), "give a matrix of numbers"),
        (np.full((160, 2), np.nan), "row 1 .* nan or infinity"),
        (np.full((160, 2), "a"), "give a matrix of numbers"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(tmp_path, values, message):
    np.save(tmp_path / "own.npy", values)
    with pytest.raises(DataError, match=message):
        load_user(described(tmp_path, "own.npy"))
