"""The linear learners against scikit-learn, conditions of optimality, and their caches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from bench import seeds
from bench.errors import DataError, SpecError, UnknownNameError
from bench.learners import embeddings, encoders, linear
from bench.learners.base import Learner, MadeWith, Model
from bench.learners.catalogue import component, learner
from bench.learners.linear import LinearModel, Source, logistic_regression
from bench.model.content import pinned
from bench.seeds import Streams
from bench.tasks import bootstrap
from bench.testing.learners import toy_material

STREAMS = Streams({"round": 1})


def made_up(n: int, d: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)).astype(np.float32)
    y = (X[:, 0] + rng.normal(0, 0.5, n) > 0).astype(np.int64)
    return X, y


@given(st.integers(0, 50), st.sampled_from([0.1, 1.0, 30.0]))
def test_weights_meet_the_conditions_of_the_optimum(seed, C):
    X, y = made_up(40, 6, seed)
    counts = np.random.default_rng(seed).integers(1, 4, len(y))
    w, b = logistic_regression(X, y, counts, C)
    residual = counts * (y - expit(X.astype(float) @ w + b))
    np.testing.assert_allclose(w, C * X.T.astype(float) @ residual, atol=2e-3 * C)
    assert residual.sum() == pytest.approx(0, abs=2e-3)


def test_a_row_given_twice_counts_twice_and_a_sparse_matrix_is_none_the_worse():
    X, y = made_up(30, 5)
    X[X < 0.3] = 0
    rows = np.r_[np.arange(30), [3, 3, 7]]
    ours = logistic_regression(X, y, np.bincount(rows), 10.0)
    theirs = LogisticRegression(C=10.0, tol=1e-8, max_iter=1000).fit(X[rows].astype(float), y[rows])
    np.testing.assert_allclose(ours[0], theirs.coef_[0], atol=1e-3)
    wide = np.zeros((30, 9), dtype=np.float32)
    wide[:, 2:7] = X
    sparse = logistic_regression(csr_matrix(wide), y, np.bincount(rows), 10.0)
    np.testing.assert_allclose(sparse[0], np.r_[0, 0, ours[0], 0, 0], atol=1e-3)


@pytest.fixture
def model() -> LinearModel:
    X, _ = made_up(len(toy_material().pool_rows), 5)
    pool = Source("pool", np.arange(len(X)), X, unit=True)
    test = Source("test", np.arange(20), X[:20], unit=True)
    return LinearModel(toy_material(), pool, test, 10.0, MadeWith("cpu", "fp32"))


def test_the_order_of_labelled_rows_is_irrelevant_to_the_last_bit(model):
    rows, labels = np.array([4, 1, 9, 1, 7]), np.array([1, 0, 1, 0, 0])
    model.fit(rows, labels, STREAMS)
    first = model.score("train", np.arange(40)).probabilities
    model.fit(rows[::-1], labels[::-1], STREAMS)
    np.testing.assert_array_equal(model.score("train", np.arange(40)).probabilities, first)


@pytest.mark.parametrize(("labels", "p"), [((0, 0, 0), 1 / 5), ((1, 1, 1), 4 / 5), ((0,), 1 / 3)])
def test_one_class_gives_a_constant_by_the_rule_of_succession(model, labels, p):
    model.fit(np.arange(len(labels)), np.array(labels), STREAMS)
    np.testing.assert_allclose(model.score("test", np.arange(0, 20, 2)).probabilities, p)


def test_a_cold_start_has_a_head_drawn_from_its_stream(model):
    def said(parts):
        model.fit(np.array([], dtype=np.int64), np.array([], dtype=np.int64), Streams(parts))
        return model.score("train", np.arange(40)).probabilities

    first = said({"seed": 0})
    assert np.abs(first - 0.5).max() < 0.05
    assert len(np.unique(first)) == len(first)
    np.testing.assert_array_equal(said({"seed": 0}), first)
    assert not np.array_equal(said({"seed": 1}), first)


def test_embeddings_are_of_unit_length_and_nobody_elses_memory(model):
    model.fit(np.arange(6), np.array([0, 1] * 3), STREAMS)
    h = model.score("train", np.arange(9, 2, -1), embeddings=True).embeddings
    np.testing.assert_allclose(h.norm(dim=1), 1.0, atol=1e-6)
    h[:] = 0
    assert model.score("train", np.arange(9, 2, -1), embeddings=True).embeddings.norm() > 1


@given(st.lists(st.integers(0, 1), max_size=30), st.integers(0, 99))
def test_a_bootstrap_sample_keeps_the_number_of_each_class(labels, seed):
    y = np.array(labels, dtype=np.int64)
    at = bootstrap(y, seeds.generator("bootstrap", seed=seed))
    assert np.bincount(y[at], minlength=2).tolist() == np.bincount(y, minlength=2).tolist()


# The caches


@pytest.fixture
def material(tmp_path):
    toy = toy_material()
    settings = toy.settings.model_copy(update={"model": pinned(toy.settings.model)})
    return replace(toy, settings=settings, cache_dir=tmp_path)


def forget():
    """As a new process would."""
    embeddings._opened.cache_clear()
    linear._take.cache_clear()


def test_embeddings_are_those_of_the_encoder_and_computed_once(material, monkeypatch):
    probed = learner("probe").begin(material)
    texts = encoders.Encoded(material)
    expected = texts.encoder.embed(texts.tokens["train"], material.pool_rows)
    np.testing.assert_allclose(probed.pretrained(material.pool_rows), expected, atol=1e-6)
    probed.fit(np.arange(6), np.array([0, 1] * 3), STREAMS)
    h = probed.score("train", material.pool_rows, embeddings=True).embeddings
    np.testing.assert_allclose(h, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-5)
    forget()
    monkeypatch.setattr(encoders, "_encoder", None)  # whoever wants the encoder fails
    again = learner("probe:C=3").begin(material)
    np.testing.assert_array_equal(again.pretrained(material.pool_rows), probed.pretrained(material.pool_rows))
    assert again.made_with == probed.made_with


def test_of_a_small_pool_its_rows_alone_are_embedded(material):
    small = replace(material, pool_rows=material.pool_rows[5:9])
    part, _ = embeddings.embeddings_of(encoders.Encoded(small), "train")
    whole, _ = embeddings.embeddings_of(encoders.Encoded(material), "train")
    assert (part.values.shape[0], whole.values.shape[0]) == (4, len(material.train))
    np.testing.assert_allclose(part.of(np.array([8, 6])), whole.of(np.array([8, 6])), atol=1e-5)


def test_tfidf_is_scikit_learns(material):
    model = learner("tfidf").begin(material)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    expected = words.fit_transform(material.train.texts.to_pylist())
    np.testing.assert_allclose(model.features["train"].values.toarray(), expected.toarray(), atol=1e-6)
    expected = words.transform(material.test.texts.to_pylist())[material.test_rows]
    np.testing.assert_allclose(model.features["test"].values.toarray(), expected.toarray(), atol=1e-6)


def test_texts_without_words_are_refused(material, tmp_path):
    from bench.data.corpus import split_of

    bare = split_of(["a", "b c", "- -"], [0, 1, 0])
    with pytest.raises(DataError, match="no word of two letters"):
        learner("tfidf").begin(replace(material, train=bare, test=bare, pool_rows=np.arange(3)))
    with pytest.raises(DataError, match="svd=999"):
        learner("tfidf:svd=999").begin(material)


# Names and options


def test_a_learner_is_spelt_as_it_is_typed():
    assert component(learner("tfidf:svd=8,C=3")).as_typed == "tfidf:C=3.0,svd=8"
    assert component(learner("tfidf:svd=0")).as_typed == "tfidf"
    assert learner(component(learner("tfidf:svd=8,C=0.5")).as_typed) == learner("tfidf:C=0.5,svd=8")


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("prob", UnknownNameError, "Did you mean 'probe'"),
        ("probe:c=3", UnknownNameError, "unknown option of learner 'probe' 'c'"),
        ("probe:C=0", SpecError, "allowed: a number above 0"),
        ("probe:C=much", SpecError, "valid number"),
        ("tfidf:svd=1.5", SpecError, "valid integer"),
        ("tfidf:svd=-1", SpecError, "or 0 for none"),
        ("probe:C", SpecError, "must read name or name:option=value"),
        ("probe:C=1,C=2", SpecError, "each option once"),
    ],
)
def test_what_is_no_learner_is_refused_in_a_line(text, error, says):
    with pytest.raises(error, match=says.replace("(", r"\(")):
        learner(text)


def test_what_a_model_lacks_is_said():
    class Bare(Model):
        def fit(self, rows, labels, streams): ...
        def score(self, which, rows, *, embeddings=False): ...

    with pytest.raises(Exception, match="offers 'dropout'"):
        Bare().dropout(np.arange(2), 0)
    assert Learner.offers == {"probabilities"}
