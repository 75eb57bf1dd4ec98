from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from bench.data import tokens
from bench.data.corpus import Corpus, split_of
from bench.data.tokens import tokenise, tokenizer_fingerprint
from bench.errors import ModelError

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def train_tokenizer(texts: list[str], vocabulary: int = 120) -> PreTrainedTokenizerFast:
    """Return a tiny WordPiece in BERT's manner."""
    backend = Tokenizer(models.WordPiece(unk_token=SPECIAL[1]))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=vocabulary, special_tokens=SPECIAL, show_progress=False)
    backend.train_from_iterator(texts, trainer)
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    kinds = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    names = dict(zip(kinds, SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=backend, **names)


@pytest.fixture
def tokenizer(corpus: Corpus) -> PreTrainedTokenizerFast:
    return train_tokenizer(corpus.train.texts.to_pylist())


@pytest.mark.parametrize("max_length", [4, 9, 128])
def test_rows_are_what_the_tokenizer_gives_one_by_one(
    corpus: Corpus, tokenizer, tmp_path: Path, max_length: int
) -> None:
    table = tokenise(corpus.train, tokenizer, max_length=max_length, cache_dir=tmp_path)
    texts = corpus.train.texts.to_pylist()
    expected = [tokenizer(text, truncation=True, max_length=max_length)["input_ids"] for text in texts]
    assert [row.tolist() for row in table.rows(range(len(table)))] == expected
    assert table.lengths.tolist() == [len(ids) for ids in expected]
    assert [row.tolist() for row in table.rows([3, 0])] == [expected[3], expected[0]]
    assert (table.ids.dtype, table.offsets.dtype) == (np.int32, np.int64)


@settings(max_examples=20)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1, max_size=9))
def test_any_text_has_a_row_within_the_limit(tmp_path_factory, texts: list[str]) -> None:
    tokenizer = train_tokenizer(["some words", "to learn from"])
    split = split_of(texts, [0] * len(texts))
    table = tokenise(split, tokenizer, max_length=6, cache_dir=tmp_path_factory.mktemp("cache"))
    assert len(table) == len(texts)
    for row in table.rows(range(len(table))):
        assert 2 <= len(row) <= 6
        assert (row[0], row[-1]) == (2, 3)


def test_batches_do_not_show(corpus: Corpus, tokenizer, tmp_path: Path, monkeypatch) -> None:
    whole = tokenise(corpus.train, tokenizer, max_length=16, cache_dir=tmp_path / "a")
    batches = type(corpus.train).batches
    monkeypatch.setattr(type(corpus.train), "batches", lambda split: batches(split, 7))
    pieces = tokenise(corpus.train, tokenizer, max_length=16, cache_dir=tmp_path / "b")
    np.testing.assert_array_equal(whole.ids, pieces.ids)
    np.testing.assert_array_equal(whole.offsets, pieces.offsets)


def test_the_cache_is_used_and_read_only(corpus: Corpus, tokenizer, tmp_path: Path, monkeypatch) -> None:
    first = tokenise(corpus.train, tokenizer, max_length=16, cache_dir=tmp_path)
    monkeypatch.setattr(tokens, "_build", lambda *_args, **_kwargs: pytest.fail("built again"))
    again = tokenise(corpus.train, tokenizer, max_length=16, cache_dir=tmp_path)
    np.testing.assert_array_equal(first.ids, again.ids)
    with pytest.raises(ValueError, match="read-only"):
        again.ids[0] = 1


def test_texts_length_and_tokenizer_are_told_apart(corpus: Corpus, tokenizer, tmp_path: Path) -> None:
    tokenise(corpus.train, tokenizer, max_length=16, cache_dir=tmp_path)
    tokenise(corpus.test, tokenizer, max_length=16, cache_dir=tmp_path)
    tokenise(corpus.train, tokenizer, max_length=17, cache_dir=tmp_path)
    tokenise(corpus.train, train_tokenizer(["other words"]), max_length=16, cache_dir=tmp_path)
    assert len(list(tmp_path.glob("tokens/*/manifest.json"))) == 4


def test_earlier_calls_of_the_tokenizer_do_not_matter(corpus: Corpus, tokenizer, tmp_path: Path) -> None:
    before = tokenizer_fingerprint(tokenizer)
    clean = tokenise(corpus.train, tokenizer, max_length=16, cache_dir=tmp_path / "a")
    tokenizer(["a", "b c d"], padding="max_length", truncation=True, max_length=5)
    assert tokenizer_fingerprint(tokenizer) == before
    after = tokenise(corpus.train, tokenizer, max_length=16, cache_dir=tmp_path / "b")
    np.testing.assert_array_equal(clean.ids, after.ids)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["ids.int32", "offsets.int64", "manifest.json"])
@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
def test_damage_is_found_and_repaired(corpus: Corpus, tokenizer, tmp_path: Path, name: str, damage) -> None:
    sound = tokenise(corpus.train, tokenizer, max_length=16, cache_dir=tmp_path)
    ids, offsets = sound.ids.copy(), sound.offsets.copy()
    (path,) = tmp_path.glob(f"tokens/*/{name}")
    damage(path)
    repaired = tokenise(corpus.train, tokenizer, max_length=16, cache_dir=tmp_path)
    np.testing.assert_array_equal(repaired.ids, ids)
    np.testing.assert_array_equal(repaired.offsets, offsets)


def test_tokens_under_a_foreign_key_are_not_taken(corpus: Corpus, tokenizer, tmp_path: Path) -> None:
    expected = tokenise(corpus.test, tokenizer, max_length=16, cache_dir=tmp_path / "a").ids.tolist()
    tokenise(corpus.train, tokenizer, max_length=16, cache_dir=tmp_path / "b")
    (own,), (foreign,) = tmp_path.glob("a/tokens/*/manifest.json"), tmp_path.glob("b/tokens/*/manifest.json")
    foreign.parent.rename(tmp_path / "b" / "tokens" / own.parent.name)
    assert tokenise(corpus.test, tokenizer, max_length=16, cache_dir=tmp_path / "b").ids.tolist() == expected
    assert json.loads(own.read_text())["folder"] == own.parent.name


def test_concurrent_callers_build_once(corpus: Corpus, tokenizer, tmp_path: Path, monkeypatch) -> None:
    built: list[int] = []
    build = tokens._build

    def counted(*args, **kwargs) -> None:
        built.append(1)
        build(*args, **kwargs)

    monkeypatch.setattr(tokens, "_build", counted)
    options = {"max_length": 16, "cache_dir": tmp_path}
    threads = [threading.Thread(target=tokenise, args=(corpus.train, tokenizer), kwargs=options) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(built) == 1


def test_a_slow_tokenizer_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    class Slow:
        is_fast = False

    with pytest.raises(ModelError, match="Slow is not a fast tokenizer"):
        tokenise(corpus.train, Slow(), max_length=16, cache_dir=tmp_path)
