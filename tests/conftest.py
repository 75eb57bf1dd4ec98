"""What every room's tests share: a tiny learnable dataset, a tiny BERT, and the command line in a process."""

from __future__ import annotations

import gc
import hashlib
import os
import string
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from chromium_tools import CHROMIUM
from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test may wait for a network
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=25)
settings.register_profile("thorough", deadline=None, max_examples=1000)  # pytest --hypothesis-profile thorough
settings.load_profile("repeatable")

gc.disable()  # until all modules are imported: what they hold is there to stay


def pytest_collection_finish() -> None:
    """Leave what was imported out of every garbage collection to come; it is a million objects."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a browser where there is none."""
    if item.get_closest_marker("browser") and CHROMIUM is None:
        pytest.skip("Chromium is not installed")


@pytest.fixture(scope="session", autouse=True)
def _no_sync():
    """No test cuts the power, and a kill loses nothing that the operating system was handed: no wait for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


ROOT = Path(__file__).parents[1]
TOPICS = {
    "sport": "match goal team coach season league player score stadium referee",
    "law": "court judge trial lawyer verdict appeal statute witness clause jury",
    "food": "bread cheese oven recipe pepper sauce dinner salad kitchen butter",
}
FILLER = "the a of and in on with was has new old after before some many very quite still often"


def make_texts(size: int, seed: int) -> tuple[list[str], list[int]]:
    """Return texts whose topic words tell their label, among filler; classes in turn, lengths from 4 to 20 words."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for i in range(size):
        label = i % len(TOPICS)
        topic, filler = list(TOPICS.values())[label].split(), FILLER.split()
        words = [*rng.choice(topic, rng.integers(2, 6)), *rng.choice(filler, rng.integers(2, 15))]
        texts.append(" ".join(rng.permutation(words)) + f" {i}")
        labels.append(label)
    return texts, labels


@pytest.fixture(scope="session")
def toy_corpus():
    """600 train and 90 test rows of three topics."""
    from bench.data.corpus import Corpus, split_of

    train, test = make_texts(600, 0), make_texts(90, 1)
    return Corpus("toy", tuple(TOPICS), split_of(*train), split_of(*test), "made for tests")


@pytest.fixture(scope="session")
def toy_mirror(toy_corpus, tmp_path_factory) -> Path:
    """A local mirror that holds the toy corpus as dataset ``toy``."""
    from bench.data.export import export_mirror

    folder = tmp_path_factory.mktemp("mirror")
    export_mirror(toy_corpus, folder / "toy")
    return folder


def wordpieces() -> list[str]:
    """Return a vocabulary of the toy texts' words, and of characters for others; a trained one differs by chance."""
    special, words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], " ".join([*TOPICS.values(), FILLER]).split()
    characters = string.ascii_lowercase + string.digits
    return list(dict.fromkeys([*special, *characters, *(f"##{it}" for it in characters), *words]))


def save_tiny_bert(folder: Path, *, with_lm_head: bool) -> Path:
    """Save a BERT of random weights and a WordPiece tokenizer of the toy texts' words, as save_pretrained does."""
    import torch
    from transformers import BertConfig, BertForMaskedLM, BertModel, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = wordpieces()
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        pad_token_id=vocabulary.index("[PAD]"),
        initializer_range=0.2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertForMaskedLM(config) if with_lm_head else BertModel(config)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory) -> Path:
    """A tiny BERT with a masked-LM head."""
    return save_tiny_bert(tmp_path_factory.mktemp("tiny-bert"), with_lm_head=True)


@pytest.fixture(scope="session")
def tiny_bert_without_head(tmp_path_factory) -> Path:
    """A tiny BERT whose checkpoint has no masked-LM head, as all-MiniLM-L6-v2."""
    return save_tiny_bert(tmp_path_factory.mktemp("tiny-bert-headless"), with_lm_head=False)


@pytest.fixture
def _undrawn(monkeypatch):
    """Figures are blank: a report has dozens, each takes most of a second to draw, and they are tested elsewhere."""
    blank = {"svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9pt" height="9pt"/>', "pdf": b"%PDF-1.4"}
    monkeypatch.setattr("reports.picture._drawn", lambda figures, *_: [dict(blank) for _ in figures])


Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cli(tmp_path, toy_mirror) -> Cli:
    """Run ``imbal-bench`` in a process of its own, in a temporary folder, with the toy mirror and a fresh cache."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "imbal_bench", *map(str, arguments)],
            cwd=tmp_path,
            env=cli_environment(toy_mirror, tmp_path, **environment),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def cli_environment(mirror: Path, folder: Path, **more: str) -> dict[str, str]:
    """Return the environment in which tests run the command line."""
    ours = {
        "PYTHONPATH": str(ROOT),
        "IMBAL_BENCH_DATA": str(mirror),
        "IMBAL_BENCH_CACHE": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    return {**os.environ, **ours, **more}


@pytest.fixture
def no_figures(monkeypatch):
    """Reports without figures, which take seconds to draw."""
    blank = lambda report, kinds: lambda: {section.suffix: () for section in report.sections}  # noqa: E731
    monkeypatch.setattr("reports.report._begun", blank)


@pytest.fixture
def figures_as_hashes(monkeypatch):
    """Reports whose figures are the hashes of their numbers, which takes no time; the names of those drawn so far."""
    names: list[str] = []

    def draw(figure, width, kinds):
        names.append(figure.name)
        said = hashlib.sha256(repr([(name, frame.to_csv()) for name, frame in figure.data.items()]).encode())
        svg = f'<svg width="9" height="9"><text>{said.hexdigest()}</text></svg>'
        return {kind: {"svg": svg, "pdf": said.hexdigest()}[kind].encode() for kind in kinds}

    monkeypatch.setattr("reports.figures.draw", draw)
    monkeypatch.setattr("reports.picture._FEW", 99)
    return names
