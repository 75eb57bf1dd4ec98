"""``ib.dataset``: texts in memory become a dataset that workers read, by its content; ``ib.report``: the page."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from conftest import make_texts

import imbal_bench as ib
from bench.data.loading import load_user
from bench.errors import DataError, StoreError, UnknownNameError

TEXTS, NUMBERS = make_texts(240, 0)
LABELS = [("sport", "law", "food")[number] for number in NUMBERS]


def test_rows_are_divided_as_a_users_files_are(tmp_path):
    made = ib.dataset(TEXTS, LABELS, name="mine", test=0.25)
    assert (made.classes, made.train, made.test) == (("food", "law", "sport"), 180, 60)
    pd.DataFrame({"text": TEXTS, "label": LABELS}).to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "mine.yaml").write_text("name: mine\ntrain: rows.parquet\ntest_fraction: 0.25\n")
    assert load_user(made.path).fingerprint == load_user(tmp_path / "mine.yaml").fingerprint


def test_the_same_content_is_kept_once_and_other_content_elsewhere():
    one = ib.dataset(TEXTS, LABELS, name="mine")
    assert ib.dataset(pd.DataFrame({"text": TEXTS, "label": LABELS}), name="mine") == one
    assert ib.dataset(np.array(TEXTS), np.array(LABELS), name="mine") == one
    frame = pd.DataFrame({"words": TEXTS, "topic": LABELS})
    assert ib.dataset(frame, text="words", label="topic", name="mine") == one
    other = ib.dataset([*TEXTS[:-1], "another"], LABELS, name="mine")
    assert other.path != one.path
    assert len({load_user(it.path).fingerprint for it in (one, other)}) == 2


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)], ids=["this process", "workers"])
def test_it_is_a_task_for_this_process_and_for_workers(tiny, jobs):
    made = ib.dataset(TEXTS, [label == "law" for label in LABELS], name="mine", test=(TEXTS[:30], NUMBERS[:30]) and 0.2)
    runs = tiny(tasks=[made.task("true")], strategies=["random+uniform"], seeds=2, jobs=jobs)
    assert (len(runs), runs.failures) == (2, ())
    assert set(runs.frame()["dataset"]) == {"mine"}
    with pytest.raises(UnknownNameError, match="Did you mean 'true'"):
        made.task("tru")


def test_test_rows_may_be_given_and_all_classes_are_tasks(tiny):
    texts, numbers = make_texts(60, 1)
    made = ib.dataset(TEXTS, NUMBERS, name="mine", test=(texts, numbers), positive="1")
    assert (made.train, made.test) == (240, 60)
    runs = tiny(tasks=made, strategies="random+uniform", seeds=1)
    assert set(runs.frame()["positive"]) == {"1"}


@pytest.mark.parametrize(
    ("texts", "labels", "more", "says"),
    [
        (TEXTS, LABELS[:-1], {}, "240 texts and 239 labels"),
        (TEXTS, None, {}, "give labels, one for each text"),
        ([*TEXTS[:-1], None], LABELS, {}, "row 240 has no 'text'"),
        ([*TEXTS[:-1], 3.5], LABELS, {}, "texts are not of one type"),
        ([1] * 240, LABELS, {}, "column 'text' holds int64, not text"),
        (TEXTS, ["one"] * 240, {}, "only rows of the class 'one'"),
        ([], [], {}, "no rows|holds null"),
        ("a text", LABELS, {}, "texts is one text"),
        (TEXTS, LABELS, {"name": "sst2"}, "is that of a built-in dataset"),
        (TEXTS, LABELS, {"name": "my data"}, "name"),
        (TEXTS, LABELS, {"test": 1.5}, "test_fraction"),
        (TEXTS, LABELS, {"positive": "lawn"}, "Did you mean 'law'"),
        (pd.DataFrame({"txt": TEXTS, "label": LABELS}), None, {}, "unknown column 'text'.*Did you mean 'txt'"),
        (pd.DataFrame({"text": TEXTS, "label": LABELS}), LABELS, {}, "a DataFrame holds its labels"),
    ],
)
def test_unfit_rows_are_one_line_and_nothing_is_kept(tmp_path, texts, labels, more, says):
    with pytest.raises(DataError, match=says) as caught:
        ib.dataset(texts, labels, **{"name": "mine", **more})
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert not list((tmp_path / "cache").rglob("*.parquet"))


@pytest.mark.usefixtures("_undrawn")
@pytest.mark.usefixtures("no_figures")
def test_the_report_is_a_path_and_shows_itself(tiny, monkeypatch):
    page = ib.report(tiny(strategies=["random+uniform", "random+invprop"], seeds=2))
    assert os.fspath(page) == str(page)
    assert page.path.name == "report.html"
    html = page._repr_html_()
    assert html.startswith("<iframe srcdoc=")
    assert "&lt;html" in html
    with pytest.raises(StoreError, match="no result store at gone"):
        ib.report("gone")
