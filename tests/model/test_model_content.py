"""A model is the content of its files: not their folder, their name, or the branch they came from."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.hashes import FileHashes
from bench.errors import ModelError
from bench.model import content as contents
from bench.model.checkpoint import folder_of, resolve
from bench.model.content import content_of, pinned, require
from bench.model.encoder import Encoder
from bench.model.surprisal import SurprisalSource
from bench.records import ModelSettings

IRRELEVANT = (
    "README.md", ".gitattributes", "pytorch_model.bin", "tf_model.h5", "optimizer.pt", "rng_state.pth", "LICENSE",
    "generation_config.json", "trainer_state.json", "model.onnx",
)  # fmt: skip


@pytest.fixture
def copy(tiny_bert, tmp_path) -> Path:
    """A copy of the tiny BERT that a test may change."""
    return Path(shutil.copytree(tiny_bert, tmp_path / "copy"))


def of(folder: Path) -> str:
    return content_of(resolve(str(folder)))


def test_the_same_files_are_the_same_model_wherever_they_lie(copy, tiny_bert, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(copy)
    assert of(copy) == of(tiny_bert) == of(link)


def test_each_file_that_can_change_an_output_is_part_of_it(copy):
    whole = of(copy)
    names = [path.name for path in copy.iterdir()]
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(names)
    for name in names:
        before = (copy / name).read_bytes()
        (copy / name).write_bytes(before + b" ")
        assert (of(copy) == whole) == (name in IRRELEVANT), name
        (copy / name).write_bytes(before)
    assert of(copy) == whole


@given(name=st.sampled_from(["vocab.txt", "merges.txt", "added_tokens.json", "spiece.model", "model-2.safetensors"]))
def test_a_file_that_is_added_or_renamed_makes_another_model(tiny_bert, tmp_path_factory, name):
    folder = Path(shutil.copytree(tiny_bert, tmp_path_factory.mktemp("models") / "it"))
    (folder / name).write_bytes(b"x")
    one = of(folder)
    (folder / name).rename(folder / f"z{name}")
    assert len({of(tiny_bert), one, of(folder)}) == 3


@pytest.mark.parametrize("name", IRRELEVANT)
def test_what_nothing_reads_is_no_part_of_it(copy, name):
    whole = of(copy)
    (copy / name).write_bytes(b"x")
    (copy / "checkpoint-500").mkdir()
    (copy / "checkpoint-500" / "model.safetensors").write_bytes(b"x")
    assert of(copy) == whole


# --- hashes are remembered --------------------------------------------------------------------------------------------


@pytest.fixture
def reads(monkeypatch) -> list[Path]:
    """The files that are read to be hashed."""
    seen: list[Path] = []
    real = Path.open

    def counted(path: Path, mode: str = "r", *arguments, **options):
        if mode == "rb" and path.name != "hashes.json":
            seen.append(path)
        return real(path, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", counted)
    return seen


@pytest.fixture
def _aged(monkeypatch):
    """Let all files be older than any clock's tick."""
    monkeypatch.setattr("bench.data.hashes.RACY_NS", -(10**18))


@pytest.mark.usefixtures("_aged")
def test_a_second_look_reads_nothing(copy, tmp_path, reads):
    settings = ModelSettings(name=str(copy))
    first = pinned(settings, tmp_path / "cache")
    assert reads
    reads.clear()
    assert pinned(settings, tmp_path / "cache") == first
    assert reads == []


def test_a_file_that_was_only_just_written_is_read_again(copy, tmp_path, reads):
    pinned(ModelSettings(name=str(copy)), tmp_path / "cache")
    reads.clear()
    pinned(ModelSettings(name=str(copy)), tmp_path / "cache")
    assert reads


@pytest.mark.usefixtures("_aged")
@pytest.mark.parametrize("how", ["replace", "overwrite"])
def test_a_file_exchanged_for_one_of_the_same_size_and_time_is_noticed(copy, tmp_path, how):
    weights, hashes = copy / "model.safetensors", FileHashes(tmp_path)
    stat, before = weights.stat(), hashes.sha256(weights)
    other = bytes([weights.read_bytes()[0] ^ 1]) + weights.read_bytes()[1:]
    target = weights.with_suffix(".new") if how == "replace" else weights
    target.write_bytes(other)
    os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    target.replace(weights)
    assert (weights.stat().st_size, weights.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    assert hashes.sha256(weights) != before


@pytest.mark.parametrize("notes", [b"", b"[]", b"{", b'{"x": 1}', b"\xff", b'{"%s": [1]}', b'{"%s": []}'])
def test_notes_that_are_damaged_are_made_anew(copy, tmp_path, notes):
    weights = copy / "model.safetensors"
    (tmp_path / "hashes.json").write_bytes(notes.replace(b"%s", str(weights).encode()))
    assert FileHashes(tmp_path).sha256(weights) == FileHashes().sha256(weights)


def test_a_cache_that_cannot_be_written_costs_time_only(copy, tmp_path):
    (tmp_path / "cache").write_text("a file")
    assert pinned(ModelSettings(name=str(copy)), tmp_path / "cache").content == of(copy)


# --- what is loaded is what was meant ---------------------------------------------------------------------------------


def test_a_specification_may_name_the_content_that_it_means(copy):
    right = pinned(ModelSettings(name=str(copy)))
    assert pinned(right) == right
    with pytest.raises(ModelError, match=f"is {right.content}, but model.content asks for 0123"):
        pinned(ModelSettings(name=str(copy), content="0123"))


def test_files_that_change_after_the_grid_was_expanded_are_not_used(copy, hardware):
    settings = pinned(ModelSettings(name=str(copy)))
    assert Encoder(settings, hardware).content == settings.content
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"hidden_dropout_prob": 0.3}))
    with pytest.raises(ModelError, match="changed since the grid was expanded"):
        Encoder(settings, hardware)


def test_surprisal_under_another_tokenizer_is_not_taken_from_the_cache(copy, toy_tokens, hardware, tmp_path):
    """The tokenizer's mask and special tokens are read, so a warm cache must not answer for another one."""
    tokens, _ = toy_tokens

    def surprisal() -> np.ndarray:
        settings = pinned(ModelSettings(name=str(copy), max_length=64))
        encoder = Encoder(settings, hardware)
        source = SurprisalSource(settings, hardware, tokens, "toy", encoder.tokenizer, tmp_path / "cache")
        return np.array(source.embeddings(np.arange(40)).of(np.arange(40)))

    before = surprisal()
    file = copy / "tokenizer_config.json"
    config = json.loads(file.read_text())
    vocabulary = json.loads((copy / "tokenizer.json").read_text())["model"]["vocab"]
    other = next(word for word in vocabulary if word.isalpha())
    file.write_text(json.dumps(config | {"mask_token": other}))
    warm = surprisal()
    shutil.rmtree(tmp_path / "cache")
    np.testing.assert_array_equal(warm, surprisal())
    assert not np.array_equal(warm, before)


# --- hub ids ----------------------------------------------------------------------------------------------------------

ONE, TWO = "1" * 40, "2" * 40


@pytest.fixture
def hub(tmp_path, monkeypatch, tiny_bert, tiny_bert_without_head):
    """The Hub's cache with two commits of one repository; returns a function that moves its branch ``main``."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    repository = tmp_path / "hub" / "models--org--tiny"
    for commit, source in ((ONE, tiny_bert), (TWO, tiny_bert_without_head)):
        shutil.copytree(source, repository / "snapshots" / commit)
    (repository / "refs").mkdir()

    def move(commit: str) -> None:
        (repository / "refs" / "main").write_text(commit)

    move(ONE)
    return move


def test_a_hub_id_is_pinned_to_the_commit_that_its_branch_stands_for_today(hub, tiny_bert):
    before = pinned(ModelSettings(name="org/tiny"))
    assert (before.revision, before.content) == (ONE, of(tiny_bert))
    hub(TWO)
    after = pinned(ModelSettings(name="org/tiny"))
    assert after.revision == TWO
    assert after.content != before.content
    assert pinned(before) == before  # who has the commit is not moved by the branch


def test_workers_load_the_pinned_commit(hub, hardware):
    settings = pinned(ModelSettings(name="org/tiny"))
    hub(TWO)
    encoder = Encoder(settings, hardware)
    assert encoder.checkpoint.source == f"org/tiny@{ONE}"
    assert require(settings, encoder.checkpoint) == settings.content
    assert folder_of(encoder.checkpoint).name == ONE


def test_a_hub_model_and_a_folder_of_the_same_content_are_one_model(hub, tiny_bert):
    hub(ONE)
    assert pinned(ModelSettings(name="org/tiny")).content == pinned(ModelSettings(name=str(tiny_bert))).content


def test_files_that_cannot_be_read_are_one_line(copy, monkeypatch):
    def refuse(*_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(contents.FileHashes, "sha256", refuse)
    with pytest.raises(ModelError, match=r"cannot read model .*: Permission denied"):
        of(copy)
