"""The encoder's scores against a naive loop, its reset against the checkpoint's file, and its manners."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig, BertForSequenceClassification

from bench.errors import RunError
from bench.model.batching import pad
from bench.model.checkpoint import resolve
from bench.model.content import content_of
from bench.model.encoder import Encoder
from bench.model.first_token import first_token_only
from bench.records import ModelSettings, TrainSettings

PARTS = {"dataset": "toy", "positive": "sport", "ratio": 10, "seed": 0, "start": "warm", "round": 1}
QUICK = TrainSettings(learning_rate=1e-3)
EVERY_TEST_ROW = np.arange(90)


def weights(encoder: Encoder) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in encoder.model.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def head(encoder: Encoder) -> torch.Tensor:
    return encoder.model.classifier.weight.detach().clone()


def fit_a_little(encoder: Encoder, tokens, labels, **parts) -> None:
    rows = np.arange(24)
    encoder.fit(tokens, rows, labels[0][rows], QUICK, **PARTS | parts)


def score_one_by_one(encoder: Encoder, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return p and h of texts, each tokenised and run alone, h from the pooler's published formula."""
    model, tokenizer = encoder.model.eval(), AutoTokenizer.from_pretrained(encoder.settings.name)
    p, h = [], []
    with torch.no_grad():
        for text in texts:
            out = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True)
            first = out.hidden_states[-1][0, 0]
            h.append(torch.tanh(model.bert.pooler.dense.weight @ first + model.bert.pooler.dense.bias).numpy())
            odds = (out.logits[0, 1] - out.logits[0, 0]).item()
            p.append(1 / (1 + np.exp(-odds)))
    return np.array(p), np.array(h)


def test_scores_are_those_of_a_loop_over_single_rows(encoder, train_tokens, test_tokens, is_sport, toy_corpus):
    fit_a_little(encoder, train_tokens, is_sport)
    rows = np.random.default_rng(0).permutation(90)[:70]
    scores = encoder.score(test_tokens, rows, embeddings=True)
    texts = toy_corpus.test.texts.to_pylist()
    p, h = score_one_by_one(encoder, [texts[row] for row in rows])
    assert np.ptp(p) > 0.05  # the model tells rows apart, so that the comparison says something
    np.testing.assert_allclose(scores.probabilities, p, atol=1e-6)
    np.testing.assert_allclose(scores.embeddings.numpy(), h, atol=1e-5)
    assert (scores.probabilities.dtype, scores.embeddings.dtype) == (np.float64, torch.float32)


def test_the_classifier_layer_turns_embeddings_into_the_probabilities(encoder, test_tokens):
    encoder.reset(**PARTS)
    scores = encoder.score(test_tokens, EVERY_TEST_ROW, embeddings=True)
    with torch.no_grad():
        logits = encoder.model.classifier(scores.embeddings)
    np.testing.assert_allclose(logits.softmax(1)[:, 1].numpy(), scores.probabilities, atol=1e-6)


def test_the_order_of_rows_and_the_wish_for_embeddings_change_nothing(encoder, test_tokens):
    encoder.reset(**PARTS)
    order = np.random.default_rng(1).permutation(90)
    whole = encoder.score(test_tokens, EVERY_TEST_ROW, embeddings=True)
    shuffled = encoder.score(test_tokens, order, embeddings=True)
    np.testing.assert_allclose(shuffled.probabilities, whole.probabilities[order], atol=1e-6)
    torch.testing.assert_close(shuffled.embeddings, whole.embeddings[order], atol=1e-5, rtol=0)
    plain = encoder.score(test_tokens, EVERY_TEST_ROW)
    assert plain.embeddings is None
    assert np.array_equal(plain.probabilities, whole.probabilities)


def test_bf16_scores_lie_within_a_few_roundings_of_fp32(still_encoder, train_tokens, test_tokens, is_sport):
    """BF16 keeps 8 bits of a number (2^-8 = 0.4 %); a pass rounds some dozen times, in an order that each CPU chooses.

    So h is bounded as a whole, in its norm, where one rounding more or less of one processor does not show; and p, a
    function of h, in its mean.
    """
    fit_a_little(still_encoder, train_tokens, is_sport)
    exact = still_encoder.score(test_tokens, EVERY_TEST_ROW, embeddings=True)
    still_encoder.hardware = replace(still_encoder.hardware, bf16=True)
    rough = still_encoder.score(test_tokens, EVERY_TEST_ROW, embeddings=True)
    assert 0 < np.abs(rough.probabilities - exact.probabilities).mean() < 0.02
    assert (rough.embeddings - exact.embeddings).norm() < 0.04 * exact.embeddings.norm()
    assert rough.embeddings.dtype == torch.float32


def test_no_rows_have_no_scores(encoder, test_tokens):
    assert encoder.score(test_tokens, np.empty(0, dtype=np.int64), embeddings=True).probabilities.shape == (0,)


def test_probabilities_that_are_not_finite_are_refused(encoder, test_tokens):
    with torch.no_grad():
        encoder.model.classifier.bias[0] = torch.nan
    with pytest.raises(RunError, match="not finite") as error:
        encoder.score(test_tokens, EVERY_TEST_ROW)
    assert "\n" not in str(error.value)


def test_reset_brings_back_the_weights_of_the_checkpoint_after_a_fit(encoder, tiny_bert, train_tokens, is_sport):
    fresh = {"bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias"}
    on_disk = AutoModelForSequenceClassification.from_pretrained(tiny_bert, num_labels=2).state_dict()
    fit_a_little(encoder, train_tokens, is_sport)
    fitted = weights(encoder)
    encoder.reset(**PARTS)
    restored = weights(encoder)
    for name, value in on_disk.items():
        if name not in fresh:
            assert torch.equal(restored[name], value), name
    assert not torch.equal(
        fitted["bert.encoder.layer.0.output.dense.weight"], restored["bert.encoder.layer.0.output.dense.weight"]
    )


def test_a_checkpoint_that_has_a_pooler_keeps_it(tiny_bert_without_head, hardware):
    encoder = Encoder(ModelSettings(name=str(tiny_bert_without_head)), hardware)
    on_disk = AutoModelForSequenceClassification.from_pretrained(tiny_bert_without_head, num_labels=2)
    encoder.reset(**PARTS)
    assert torch.equal(encoder.model.bert.pooler.dense.weight, on_disk.bert.pooler.dense.weight)


def test_the_head_is_drawn_from_the_stream_of_its_parts_alone(encoder, tiny_bert, hardware, train_tokens, is_sport):
    encoder.reset(**PARTS)
    first = weights(encoder)
    fit_a_little(encoder, train_tokens, is_sport)  # what happened in between does not matter
    torch.manual_seed(99)
    encoder.reset(**PARTS)
    assert same(weights(encoder), first)
    other_process = Encoder(ModelSettings(name=str(tiny_bert)), hardware)
    other_process.reset(**PARTS)
    assert same(weights(other_process), first)


@pytest.mark.parametrize("part", [{"seed": 1}, {"round": 2}, {"ratio": 20}, {"positive": "law"}, {"start": "cold"}])
def test_other_parts_give_another_head(encoder, part):
    encoder.reset(**PARTS)
    first = head(encoder)
    encoder.reset(**PARTS | part)
    assert not torch.equal(head(encoder), first)


def test_a_fresh_head_is_initialised_as_bert_initialises_it(tmp_path, tiny_bert, hardware):
    """Normal weights of the configured deviation, zero biases: checked on a layer wide enough to measure."""
    config = BertConfig.from_pretrained(tiny_bert, hidden_size=256, num_hidden_layers=1)
    BertForSequenceClassification(config).bert.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path)
    encoder = Encoder(ModelSettings(name=str(tmp_path)), hardware)
    heads = []
    for seed in range(8):
        encoder.reset(**PARTS | {"seed": seed})
        heads.append(head(encoder).flatten())
        assert not encoder.model.classifier.bias.any()
    values = torch.cat(heads)
    assert abs(values.mean()) < 4 * 0.2 / len(values) ** 0.5
    assert values.std() == pytest.approx(0.2, rel=0.05)


def test_the_encoder_neither_reads_nor_moves_global_random_state(encoder, train_tokens, test_tokens, is_sport):
    def states():
        return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002

    def outcome():
        fit_a_little(encoder, train_tokens, is_sport)
        return encoder.score(test_tokens, EVERY_TEST_ROW).probabilities

    before = states()
    first = outcome()
    assert states() == before
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    assert np.array_equal(outcome(), first)


def test_a_scoring_pass_leaves_weights_and_the_next_fit_alone(encoder, train_tokens, test_tokens, is_sport):
    fit_a_little(encoder, train_tokens, is_sport)
    fitted = weights(encoder)
    encoder.score(test_tokens, EVERY_TEST_ROW, embeddings=True)  # evaluation mode, which a fit has to leave
    assert same(weights(encoder), fitted)
    fit_a_little(encoder, train_tokens, is_sport)
    assert same(weights(encoder), fitted)


def test_facts_come_from_the_checkpoint(encoder, still_encoder, tiny_bert, tiny_bert_without_head, hardware):
    assert encoder.pad_id == AutoTokenizer.from_pretrained(tiny_bert).pad_token_id
    assert encoder.max_length == 64
    assert encoder.content != still_encoder.content  # the same weights under another configuration
    assert encoder.content == content_of(resolve(str(tiny_bert)))
    other = Encoder(ModelSettings(name=str(tiny_bert_without_head)), hardware)
    assert other.content != encoder.content


def test_text_embeddings_are_the_means_of_single_texts_by_the_pretrained_encoder(
    encoder, train_tokens, test_tokens, is_sport, toy_corpus, tiny_bert
):
    fit_a_little(encoder, train_tokens, is_sport)  # must leave no trace
    rows = np.random.default_rng(0).permutation(90)[:40]
    embeddings = encoder.embed(test_tokens, rows)
    body = AutoModelForSequenceClassification.from_pretrained(tiny_bert).bert.eval()
    tokenizer, texts = AutoTokenizer.from_pretrained(tiny_bert), toy_corpus.test.texts.to_pylist()
    with torch.no_grad():
        alone = [body(**tokenizer(texts[row], return_tensors="pt")).last_hidden_state[0].mean(0) for row in rows]
    np.testing.assert_allclose(embeddings, torch.stack(alone).numpy(), atol=1e-5)
    assert embeddings.dtype == np.float32


def test_dropout_seeds_name_their_masks(encoder, train_tokens, test_tokens, is_sport):
    fit_a_little(encoder, train_tokens, is_sport)
    rows = np.arange(30)

    def votes(seed):
        return encoder.score(test_tokens, rows, dropout_seed=seed).probabilities

    plain = encoder.score(test_tokens, rows).probabilities
    before = torch.get_rng_state()
    one, again, other = votes(1), votes(1), votes(2)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(one, again)
    assert (one != other).all()
    assert (one != plain).all()
    np.testing.assert_array_equal(encoder.score(test_tokens, rows).probabilities, plain)


def test_a_model_without_dropout_has_only_one_opinion(still_encoder, test_tokens):
    still_encoder.reset(**PARTS)
    rows = np.arange(30)
    np.testing.assert_array_equal(
        still_encoder.score(test_tokens, rows, dropout_seed=3).probabilities,
        still_encoder.score(test_tokens, rows).probabilities,
    )


def test_a_pass_in_bf16_uses_the_weights_of_the_moment(still_encoder, train_tokens, test_tokens, is_sport):
    """The copy in bf16 is made once and brought up to date for every pass."""
    still_encoder.hardware = replace(still_encoder.hardware, bf16=True)
    still_encoder.reset(**PARTS)
    untrained = still_encoder.score(test_tokens, EVERY_TEST_ROW).probabilities
    fit_a_little(still_encoder, train_tokens, is_sport)
    trained = still_encoder.score(test_tokens, EVERY_TEST_ROW, embeddings=True)
    assert np.abs(trained.probabilities - untrained).max() > 0.05
    with torch.no_grad():
        logits = still_encoder.model.classifier(trained.embeddings)  # the last layer is in fp32
    np.testing.assert_allclose(logits.softmax(1)[:, 1].numpy(), trained.probabilities, atol=1e-6)


@pytest.mark.parametrize("padding", [False, True])
def test_the_last_layer_for_the_first_token_is_that_of_all_tokens(still_encoder, test_tokens, padding):
    model = still_encoder.model.eval()
    rows = np.arange(90) if padding else np.flatnonzero(test_tokens.lengths == test_tokens.lengths[0])
    batch = pad(test_tokens, rows, still_encoder.pad_id)
    assert ("attention_mask" in batch) == padding
    with torch.no_grad():
        whole = model(**batch).logits
        with first_token_only(model):
            short = model(**batch, output_hidden_states=False).logits
            assert model.bert(**batch).last_hidden_state.shape[1] == 1
        again = model(**batch).logits
    torch.testing.assert_close(short, whole, atol=1e-6, rtol=0)
    assert torch.equal(again, whole)


def test_dropout_of_the_last_layer_is_on_where_it_is_asked_for(encoder, test_tokens):
    """With dropout in that layer alone, votes still differ."""
    encoder.reset(**PARTS)
    for name, module in encoder.model.named_modules():
        if isinstance(module, torch.nn.Dropout) and "layer.1.attention.self" not in name:
            module.p = 0.0
    plain, vote = (encoder.score(test_tokens, EVERY_TEST_ROW, dropout_seed=seed).probabilities for seed in (None, 1))
    assert (plain != vote).mean() > 0.9
