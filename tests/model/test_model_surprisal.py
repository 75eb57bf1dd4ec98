"""Surprisal against a full forward pass of the masked LM, one row at a time, with masks drawn by brute force."""

import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from scipy.stats import binomtest, chisquare
from transformers import AutoModelForMaskedLM, AutoTokenizer

from bench import seeds
from bench.data.tokens import TokenTable
from bench.errors import RunError
from bench.model import checkpoint as checkpoints
from bench.model import masking as masking_module
from bench.model import surprisal as surprisal_module
from bench.model.masking import Masking, SurprisalModel
from bench.model.surprisal import HEAD_BATCH_ROWS, HeadBatches, SurprisalSource
from bench.records import ModelSettings

FINGERPRINT = "of the toy split"
ROWS = np.array([0, 3, 4, 17, 250, 251, 399, 598, 599])


@pytest.fixture(scope="module")
def masked_lm(tiny_bert):
    return AutoModelForMaskedLM.from_pretrained(tiny_bert).eval()


@pytest.fixture
def source(tiny_bert, hardware, train_tokens, tmp_path) -> SurprisalSource:
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    model = ModelSettings(name=str(tiny_bert), max_length=64)
    return SurprisalSource(model, hardware, train_tokens, FINGERPRINT, tokenizer, tmp_path / "cache")


def draws_of(tokens: TokenTable, row: int, mask_seed: int = 0) -> np.ndarray:
    """Return (3, tokens of the row) of the named stream of the row's chunk."""
    first = row // masking_module.CHUNK * masking_module.CHUNK
    last = min(first + masking_module.CHUNK, len(tokens))
    lengths = [len(ids) for ids in tokens.rows(range(first, last))]
    rng = seeds.generator("mask", data=FINGERPRINT, seed=mask_seed, chunk=int(row) // masking_module.CHUNK)
    everything = rng.random((3, sum(lengths)), dtype=np.float32)
    before = sum(lengths[: row - first])
    return everything[:, before : before + lengths[row - first]]


def positions_of(ids: np.ndarray, choose: np.ndarray, special: set[int]) -> list[int]:
    """Return the chosen positions: max(1, round(0.15 n)) of the n that are not special, those of the least draws."""
    ordinary = [at for at, token in enumerate(ids.tolist()) if token not in special]
    wanted = max(1, round(0.15 * len(ordinary))) if ordinary else 0
    return sorted(sorted(ordinary, key=lambda at: choose[at])[:wanted])


@torch.no_grad()
def vector_of(lm, tokens: TokenTable, row: int, tokenizer, *, masked: bool = True, mask_seed: int = 0) -> np.ndarray:
    """Return a row's surprisal vector from logits at every position of that row alone."""
    ids, (choose, kind, token) = tokens.rows([row])[0], draws_of(tokens, row, mask_seed)
    seen = ids.astype(np.int64)
    chosen = positions_of(ids, choose, set(tokenizer.all_special_ids))
    for at in chosen if masked else []:
        if kind[at] < 0.8:
            seen[at] = tokenizer.mask_token_id
        elif kind[at] < 0.9:
            seen[at] = int(token[at] * lm.config.vocab_size)
    log_p = lm(input_ids=torch.from_numpy(seen)[None]).logits[0].log_softmax(1)
    vector = np.zeros(64)
    for at in chosen:
        vector[at] = -log_p[at, ids[at]].item()
    return vector / np.linalg.norm(vector)


def vectors(surprisal):
    """The embeddings of all rows that were asked for."""
    return surprisal.of(np.arange(len(surprisal.at)))


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("chunk", [masking_module.CHUNK, 100])
def test_surprisal_is_that_of_a_full_forward_pass(source, masked_lm, masked, chunk, monkeypatch):
    monkeypatch.setattr(masking_module, "CHUNK", chunk)
    source = replace(source, settings=source.settings.model_copy(update={"masked_input": masked, "mask_seed": 3}))
    found = source.embeddings(ROWS)
    assert found.lm_head == "checkpoint"
    expected = [vector_of(masked_lm, source.tokens, row, source.tokenizer, masked=masked, mask_seed=3) for row in ROWS]
    np.testing.assert_allclose(vectors(found), expected, atol=1e-5)
    assert vectors(found).dtype == np.float32


def test_a_warm_cache_loads_no_model(source, monkeypatch):
    """A masked LM takes seconds to load, and blocks that share a train split each ask for its surprisal."""
    first = source.embeddings(ROWS)
    monkeypatch.setattr(checkpoints, "load_masked_lm", lambda *_: pytest.fail("the masked LM was loaded"))
    monkeypatch.setattr(SurprisalSource, "reader", lambda *_: pytest.fail("the masked LM was made ready"))
    assert np.array_equal(vectors(source.embeddings(ROWS)), vectors(first))


def test_each_kind_of_device_has_an_embedding_of_its_own(source, monkeypatch):
    """In fp32 the devices differ in rounding, and nobody should be able to tell which one filled the cache."""
    asked = []
    monkeypatch.setattr(surprisal_module, "cached_folder", lambda folder, *_: asked.append(folder) or (None, ""))
    for device in ("cpu", "cuda:0", "cuda:1"):
        replace(source, hardware=replace(source.hardware, device=torch.device(device))).embeddings(ROWS)
    assert asked[0] != asked[1] == asked[2]


def test_rows_have_unit_length_and_zeros_outside_the_chosen_positions(source):
    rows = np.arange(600)
    found = vectors(source.embeddings(rows))
    assert found.shape == (600, 64)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert (found >= 0).all()
    special = set(source.tokenizer.all_special_ids)
    for row in rows[::7]:
        ids = source.tokens.rows([row])[0]
        assert np.flatnonzero(found[row]).tolist() == positions_of(ids, draws_of(source.tokens, row)[0], special)


def test_a_row_has_the_same_vector_whichever_rows_are_asked_for_and_however_they_are_batched(source, tmp_path):
    everything = np.arange(600)
    whole = vectors(source.embeddings(everything))
    subset = np.random.default_rng(0).choice(600, 80, replace=False)  # not ascending
    large_batches = replace(source, hardware=replace(source.hardware, token_budget=5000), cache_dir=tmp_path / "other")
    for asked in (source.embeddings(subset), large_batches.embeddings(subset)):
        assert np.array_equal(vectors(asked) != 0, whole[subset] != 0)
        np.testing.assert_allclose(vectors(asked), whole[subset], atol=1e-5)


@pytest.mark.parametrize("change", [{"mask_seed": 1}, {"masked_input": False}])
def test_another_mask_is_another_embedding(source, change):
    first = vectors(source.embeddings(ROWS))
    other = vectors(replace(source, settings=source.settings.model_copy(update=change)).embeddings(ROWS))
    assert not np.allclose(first, other, atol=1e-3)
    if "masked_input" in change:
        assert np.array_equal(first != 0, other != 0)  # the same positions, another input


def test_a_row_without_ordinary_tokens_is_all_zeros(source):
    table = TokenTable(np.array([2, 3, 2, 3], dtype=np.int32), np.array([0, 2, 4]))  # [CLS] [SEP], as for ""
    assert set(table.ids.tolist()) <= set(source.tokenizer.all_special_ids)
    found = vectors(replace(source, tokens=table).embeddings(np.arange(2)))
    assert not found.any()


# --- masks ------------------------------------------------------------------------------------------------------------


def masking(**changes) -> Masking:
    facts = {"seed": 0, "fingerprint": "f", "special_ids": (0, 1, 2), "mask_id": 3, "vocabulary": 400}
    return Masking(**facts | {"masked_input": True} | changes)


@given(st.lists(st.lists(st.integers(0, 9), max_size=120), min_size=1, max_size=6), st.integers(0, 99))
def test_the_number_chosen_is_15_per_cent_of_the_ordinary_tokens_at_least_one(rows, seed):
    longest = max(len(row) for row in rows) + 1
    ids, attention = (torch.zeros(len(rows), longest, dtype=torch.int64) for _ in range(2))
    for at, row in enumerate(rows):
        ids[at, : len(row)], attention[at, : len(row)] = torch.tensor(row, dtype=torch.int64), 1
    draws = np.random.default_rng(seed).random((3, *ids.shape), dtype=np.float32)
    chosen, masked = masking().apply(ids, attention, draws)
    for at, row in enumerate(rows):
        expected = positions_of(np.array(row, dtype=int), draws[0, at], {0, 1, 2})
        assert chosen[at].nonzero()[:, 0].tolist() == expected
    assert torch.equal(masked[~chosen], ids[~chosen])
    assert torch.equal(masking(masked_input=False).apply(ids, attention, draws)[1], ids)


def test_the_number_chosen_is_exact_for_every_length():
    longest = 512
    counts = torch.arange(1, longest + 1)
    attention = (torch.arange(longest) < counts[:, None]).long()
    draws = np.random.default_rng(0).random((3, longest, longest), dtype=np.float32)
    chosen, _ = masking().apply(torch.full_like(attention, 7), attention, draws)
    assert chosen.sum(1).tolist() == [max(1, round(0.15 * n)) for n in counts.tolist()]


def test_80_per_cent_are_masked_10_replaced_and_10_kept():
    size, length = 2000, 64
    rng = np.random.default_rng(1)
    table = TokenTable(rng.integers(4, 400, size * length, dtype=np.int32), np.arange(0, size * length + 1, length))
    ids = torch.from_numpy(table.ids.reshape(size, length).astype(np.int64))
    draws = masking().chunk(table, 0).reshape(3, size, length)
    chosen, masked = masking().apply(ids, torch.ones_like(ids), draws)
    before, after = ids[chosen].numpy(), masked[chosen].numpy()
    n = len(after)
    assert n == 10 * size
    hidden, kept = after == 3, after == before
    assert binomtest(int(hidden.sum()), n, 0.8 + 0.1 / 400).pvalue > 1e-3
    assert binomtest(int(kept.sum()), n, 0.1 + 0.1 / 400).pvalue > 1e-3
    replaced = after[~hidden & ~kept]
    assert chisquare(np.histogram(replaced, bins=np.arange(0, 401, 40))[0]).pvalue > 1e-3  # any token, evenly
    assert (replaced.min(), replaced.max()) >= (0, 0)
    assert replaced.max() <= 399
    assert chisquare(chosen.sum(0).numpy()).pvalue > 1e-3  # every position alike


def test_masks_depend_on_data_seed_and_chunk():
    table = TokenTable(np.zeros(90, dtype=np.int32), np.arange(0, 91, 3))
    first = masking().chunk(table, 0)
    assert first.shape == (3, 90)
    assert np.array_equal(masking().chunk(table, 0), first)
    for other in (masking(seed=1), masking(fingerprint="g")):
        assert not np.array_equal(other.chunk(table, 0), first)


# --- cache ------------------------------------------------------------------------------------------------------------


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("computed again")


def only_file(source: SurprisalSource, name: str) -> Path:
    (path,) = source.cache_dir.rglob(name)
    return path


def test_a_second_call_reads_the_cache_and_another_set_of_rows_does_not(source, monkeypatch):
    first = np.array(vectors(source.embeddings(ROWS)))
    monkeypatch.setattr(SurprisalSource, "compute", refuse)
    assert np.array_equal(vectors(source.embeddings(ROWS)), first)
    for other in (ROWS[::-1], ROWS[:4]):
        with pytest.raises(AssertionError, match="computed again"):
            source.embeddings(other)


def test_pools_of_at_least_a_quarter_of_the_split_share_one_embedding_of_it(source, monkeypatch):
    """As the pools of sst2/positive do, which hold 45 % of their split, in each seed another part of it."""
    order = np.random.default_rng(0).permutation(600)
    first = source.embeddings(order[:150])
    monkeypatch.setattr(SurprisalSource, "compute", refuse)
    for asked in (order[100:250], order, np.arange(600)):
        found = source.embeddings(asked)
        assert np.array_equal(vectors(found), first.stored[asked])
    with pytest.raises(AssertionError, match="computed again"):
        source.embeddings(order[:149])


def test_a_pass_that_runs_out_of_memory_is_made_in_smaller_batches(source, monkeypatch):
    whole, inside = vectors(source.embeddings(ROWS)), SurprisalModel.surprisal
    sizes = []

    def surprisal_of(self, batch, draws):
        if batch["input_ids"].numel() > 100:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        sizes.append(batch["input_ids"].numel())
        return inside(self, batch, draws)

    monkeypatch.setattr(SurprisalModel, "surprisal", surprisal_of)
    for path in source.cache_dir.rglob("surprisal.npy"):
        path.unlink()
    np.testing.assert_allclose(vectors(source.embeddings(ROWS)), whole, atol=1e-5)
    assert 0 < max(sizes) <= 100


@pytest.mark.parametrize(
    "change", [{"fingerprint": "other texts"}, {"precision": "bf16"}, {"mask_seed": 1}, {"masked_input": False}]
)
def test_what_changes_the_numbers_changes_the_cached_name(source, change, monkeypatch):
    source.embeddings(ROWS)
    if "fingerprint" in change:
        other = replace(source, **change)
    elif "precision" in change:
        other = replace(source, hardware=replace(source.hardware, bf16=True))
    else:
        other = replace(source, settings=source.settings.model_copy(update=change))
    monkeypatch.setattr(SurprisalSource, "compute", refuse)
    with pytest.raises(AssertionError, match="computed again"):
        other.embeddings(ROWS)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "cut": cut,
    "flipped": flip,  # a number like any other
    "empty": lambda path: path.write_bytes(b""),
    "foreign": lambda path: path.write_text("no array"),
    "gone": Path.unlink,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_is_built_again(source, damage):
    first = np.array(vectors(source.embeddings(ROWS)))
    DAMAGE[damage](only_file(source, "surprisal.npy"))
    assert np.array_equal(vectors(source.embeddings(ROWS)), first)
    assert np.array_equal(np.load(only_file(source, "surprisal.npy")), first)


# --- a checkpoint without a head --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def headless(tiny_bert_without_head, hardware, train_tokens, tmp_path_factory) -> SurprisalSource:
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert_without_head)
    model = ModelSettings(name=str(tiny_bert_without_head), max_length=64, lm_head_steps=150)
    cache = tmp_path_factory.mktemp("headless")
    source = SurprisalSource(model, hardware, train_tokens, FINGERPRINT, tokenizer, cache)
    source.embeddings(ROWS)
    return source


@pytest.fixture(scope="module")
def with_trained_head(headless):
    """The checkpoint in plain transformers, with the trained head from the cache put in."""
    lm = AutoModelForMaskedLM.from_pretrained(headless.settings.name).eval()
    missing, unexpected = lm.load_state_dict(load_file(only_file(headless, "head.safetensors")), strict=False)
    assert unexpected == []
    assert all(not name.startswith("cls.predictions.transform") for name in missing)
    return lm


def test_a_missing_head_is_trained_and_said_to_be(headless, with_trained_head):
    found = headless.embeddings(ROWS)
    assert found.lm_head == "trained"
    expected = [vector_of(with_trained_head, headless.tokens, row, headless.tokenizer) for row in ROWS]
    np.testing.assert_allclose(vectors(found), expected, atol=1e-5)  # with the encoder as it is on disk


def test_the_trained_head_holds_no_weights_of_the_encoder(headless):
    assert all(name.startswith("cls.predictions.") for name in load_file(only_file(headless, "head.safetensors")))


@torch.no_grad()
def test_the_trained_head_makes_true_tokens_more_likely_on_held_out_rows(headless, with_trained_head, test_tokens):
    def mean_surprisal(lm) -> float:
        losses = []
        for ids in test_tokens.rows(range(90)):  # each ordinary token masked in turn
            n, true = len(ids) - 2, torch.from_numpy(ids.astype(np.int64))
            seen, at = true.repeat(n, 1), torch.arange(n)
            seen[at, at + 1] = headless.tokenizer.mask_token_id
            losses += (-lm(input_ids=seen).logits.log_softmax(2)[at, at + 1, true[1:-1]]).tolist()
        return float(np.mean(losses))

    with torch.random.fork_rng():
        torch.manual_seed(0)
        untrained = AutoModelForMaskedLM.from_pretrained(headless.settings.name).eval()
    knows_nothing = np.log(untrained.config.vocab_size)
    trained = mean_surprisal(with_trained_head)
    assert trained < mean_surprisal(untrained) - 0.5
    assert trained < knows_nothing - 0.1


def test_the_head_is_trained_once_and_the_same_everywhere(headless, tmp_path, monkeypatch):
    settings = headless.settings.model_copy(update={"lm_head_steps": 20})
    first, again = (replace(headless, settings=settings, cache_dir=tmp_path / name) for name in ("first", "again"))
    of_first = vectors(first.embeddings(ROWS))
    torch.manual_seed(8)
    state = torch.get_rng_state()
    again.embeddings(ROWS[:2])
    assert torch.equal(torch.get_rng_state(), state)
    one, other = (load_file(only_file(source, "head.safetensors")) for source in (first, again))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    monkeypatch.setattr(SurprisalSource, "_train_head", refuse)
    from_the_cache = vectors(again.embeddings(ROWS[2:4]))  # other rows, the same head
    np.testing.assert_allclose(from_the_cache, of_first[2:4], atol=1e-5)
    with pytest.raises(AssertionError, match="computed again"):
        replace(again, settings=again.settings.model_copy(update={"lm_head_steps": 9})).embeddings(ROWS)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_head_is_trained_again(headless, damage, tmp_path):
    quick = headless.settings.model_copy(update={"lm_head_steps": 2})
    source = replace(headless, cache_dir=tmp_path, settings=quick)
    first = np.array(vectors(source.embeddings(ROWS)))
    for path in (only_file(source, "head.safetensors"), only_file(source, "surprisal.npy")):
        DAMAGE[damage](path)
    assert np.array_equal(vectors(source.embeddings(ROWS)), first)


def test_the_head_learns_from_texts_alone(headless):
    """No label reaches it: a source holds none, and a batch is rows of the token table with fresh draws."""
    assert {field.name for field in fields(SurprisalSource)} == {
        "settings", "hardware", "tokens", "fingerprint", "tokenizer", "cache_dir",
    }  # fmt: skip
    texts = {tuple(ids.tolist()) for ids in headless.tokens.rows(range(600))}
    batches = HeadBatches(headless, np.random.default_rng(0), 2)
    first, second = batches[0], batches[1]
    assert (len(batches), set(first), set(first["rows"])) == (2, {"rows", "draws"}, {"input_ids", "attention_mask"})
    drawn = [tuple(ids[mask.bool()].tolist()) for ids, mask in zip(*first["rows"].values(), strict=True)]
    assert set(drawn) <= texts
    assert len(drawn) == HEAD_BATCH_ROWS
    assert first["draws"].shape == (3, *first["rows"]["input_ids"].shape)
    assert not np.array_equal(first["draws"][:, :, :5], second["draws"][:, :, :5])


def test_a_model_without_a_mask_token_cannot_serve_alps(source):
    source.tokenizer.mask_token = None
    with pytest.raises(RunError, match="has no mask token, so ALPS cannot be run on it"):
        source.embeddings(ROWS)


def test_a_process_loads_the_masked_lm_of_a_dataset_once_for_all_its_small_pools(source, monkeypatch):
    loads, load = [], checkpoints.load_masked_lm
    monkeypatch.setattr(checkpoints, "load_masked_lm", lambda *a: loads.append(a) or load(*a))
    surprisal_module._LAST.clear()
    one = replace(source, fingerprint="one")
    first, second = one.embeddings(ROWS), one.embeddings(ROWS[2:])
    assert len(loads) == 1
    assert np.allclose(vectors(first)[2:], vectors(second), atol=1e-6)  # in batches of other rows it rounds differently
    other = replace(source, fingerprint="other")
    said = vectors(other.embeddings(ROWS))
    assert len(loads) == 2
    assert not np.array_equal(vectors(first), said)
    anew = replace(one, cache_dir=one.cache_dir / "anew")  # after another dataset's head, nothing of it is left
    assert np.array_equal(vectors(first), vectors(anew.embeddings(ROWS)))
    assert len(loads) == 3


def test_a_masked_lm_whose_files_changed_is_loaded_anew(source, tiny_bert, tmp_path):
    folder = shutil.copytree(tiny_bert, tmp_path / "copy")
    mine = replace(source, settings=source.settings.model_copy(update={"name": str(folder)}))
    before = vectors(mine.embeddings(ROWS))
    weights = load_file(folder / "model.safetensors")
    save_file({name: value * 1.5 for name, value in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    assert not np.array_equal(before, vectors(mine.embeddings(ROWS)))


def test_a_head_is_trained_once_for_all_seeds_of_masks(headless, monkeypatch):
    monkeypatch.setattr(SurprisalSource, "_train_head", refuse)
    other = replace(headless, settings=headless.settings.masked_for(1)).embeddings(ROWS)
    assert not np.array_equal(vectors(other) != 0, vectors(headless.embeddings(ROWS)) != 0)
