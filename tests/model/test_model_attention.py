"""The attention of a pass on a CPU, against its definition in double precision and against torch's own."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from bench.model import attention
from bench.model.attention import short_texts, to_bf16
from bench.model.hardware import choose_hardware

ENCODER_LAYER = SimpleNamespace(is_causal=False)


def by_definition(query, key, value, mask):
    """Return softmax(Q K' / sqrt(d)) V row by row in double precision, (b, L, heads, d)."""
    b, heads, length, d = query.shape
    out = np.zeros((b, length, heads, d))
    q, k, v = (x.double().numpy() for x in (query, key, value))
    for text, head, row in np.ndindex(b, heads, length):
        seen = np.arange(length) if mask is None else np.flatnonzero(mask[text, 0, row].numpy())
        scores = [math.fsum(q[text, head, row] * k[text, head, at]) / math.sqrt(d) for at in seen]
        shares = np.exp(np.array(scores) - max(scores))
        out[text, row, head] = shares @ v[text, head, seen] / shares.sum()
    return torch.from_numpy(out)


@st.composite
def batches(draw):
    """Queries, keys and values of a few short texts, laid out as an encoder's are, and a padding mask or none."""
    b, heads, length, d = (draw(st.integers(1, most)) for most in (3, 2, 9, 8))
    rng = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    spread = draw(st.sampled_from([0.1, 1.0, 4.0]))
    made = [(spread * torch.randn(b, length, heads, d, generator=rng)).transpose(1, 2) for _ in range(3)]
    lengths = torch.tensor(draw(st.lists(st.integers(1, length), min_size=b, max_size=b)))
    mask = (torch.arange(length) < lengths[:, None])[:, None, None, :].expand(b, 1, length, length)
    return *made, draw(st.sampled_from([None, mask]))


@given(batches())
def test_attention_is_as_defined(batch):
    out, none = short_texts(ENCODER_LAYER, *batch)
    assert none is None
    torch.testing.assert_close(out.double(), by_definition(*batch), atol=1e-5, rtol=1e-5)


@given(batches())
def test_in_bf16_it_is_as_near_to_the_definition_as_eight_bits_allow(batch):
    query, key, value, mask = batch
    rounded = [x.bfloat16() for x in (query, key, value)]
    out, _ = short_texts(ENCODER_LAYER, *rounded, mask)
    right = by_definition(*(x.float() for x in rounded), mask)
    # A score s is off by 2^-9 |s|, its exponential by as much again; a result by that share of the largest value.
    largest_score = float((query.norm(dim=-1).amax() * key.norm(dim=-1).amax()) / math.sqrt(query.shape[-1]))
    allowed = 4 * 2**-8 * (1 + largest_score) * float(value.abs().max())
    assert (out.double() - right).abs().max() <= allowed


def specimen(shape=(2, 3, 5, 8)):
    rng = torch.Generator().manual_seed(1)
    return [torch.randn(*shape, generator=rng) for _ in range(3)]


def test_a_query_far_below_the_others_keeps_its_digits():
    """Its exponentials would all be 0, and 0 / 0 no number; torch's kernel, which shifts row by row, does the batch."""
    query, key, value = specimen()
    key[..., 0] = 40.0
    query[..., 0] = 40.0
    query[:, :, 2, 0] = -40.0
    out, _ = short_texts(ENCODER_LAYER, query, key, value, None)
    assert out.isfinite().all()
    torch.testing.assert_close(out.double(), by_definition(query, key, value, None), atol=1e-4, rtol=1e-4)


def additive(length):
    return torch.zeros(2, 1, length, length)


@pytest.mark.parametrize(
    ("layer", "mask", "options"),
    [
        (SimpleNamespace(is_causal=True), None, {}),
        (SimpleNamespace(), None, {}),
        (ENCODER_LAYER, additive(5).index_fill(3, torch.tensor([4]), -1e9), {}),
        (ENCODER_LAYER, None, {"position_bias": torch.ones(1, 3, 5, 5).triu()}),
        (ENCODER_LAYER, None, {"dropout": 0.5}),
    ],
    ids=["causal", "causal by default", "additive mask", "position bias", "dropout"],
)
def test_what_it_is_not_made_for_is_done_by_torch(layer, mask, options):
    results = []
    for function in (short_texts, sdpa_attention_forward):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            results.append(function(layer, *specimen(), mask, **options)[0])
    assert torch.equal(*results)


def test_keys_shared_by_heads_are_left_to_torch():
    query, key, value = specimen()
    layer = SimpleNamespace(is_causal=False, num_key_value_groups=3)
    out, _ = short_texts(layer, query, key[:, :1], value[:, :1], None)
    shared = [x[:, :1].expand_as(query) for x in (key, value)]
    torch.testing.assert_close(out.double(), by_definition(query, *shared, None), atol=1e-5, rtol=1e-5)


SIZES = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
FAMILIES = {
    "Bert": (SIZES, True),
    "Roberta": (SIZES, True),
    "Electra": (SIZES, True),
    "DistilBert": ({"dim": 64, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}, True),
    "ModernBert": (SIZES | {"pad_token_id": 0, "cls_token_id": 1, "sep_token_id": 2}, False),  # sliding windows
}


@pytest.mark.parametrize("family", FAMILIES)
def test_encoders_of_every_family_give_what_they_gave(family, monkeypatch):
    sizes, ours = FAMILIES[family]
    config = getattr(transformers, f"{family}Config")(vocab_size=100, **sizes)
    config.tie_word_embeddings = False
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = getattr(transformers, f"{family}ForSequenceClassification")(config).eval()
    ids = torch.randint(5, 90, (4, 9), generator=torch.Generator().manual_seed(0))
    batch = {"input_ids": ids, "attention_mask": (torch.arange(9) < torch.tensor([[9], [5], [2], [7]])).long()}
    left_to_torch = []
    monkeypatch.setattr(
        attention, "sdpa_attention_forward", lambda *a, **k: left_to_torch.append(1) or sdpa_attention_forward(*a, **k)
    )
    with torch.no_grad():
        before = model(**batch).logits
        after = to_bf16(model, choose_hardware("cpu"))(**batch).logits
    assert model.dtype is torch.bfloat16
    assert bool(left_to_torch) != ours
    torch.testing.assert_close(after.float(), before, atol=0.01, rtol=0.02)
