from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench.data.facts import DATASETS

HUB = [facts for facts in DATASETS.values() if facts.hub is not None]


def test_the_paper_has_fourteen_tasks() -> None:
    assert sum(len(facts.paper_tasks) for facts in DATASETS.values()) == 14


@pytest.mark.parametrize("facts", DATASETS.values(), ids=DATASETS)
def test_counts_are_per_class_and_tasks_are_classes(facts) -> None:
    assert len(set(facts.classes)) == len(facts.classes)
    assert len(facts.train_rows_per_class) == len(facts.test_rows_per_class) == len(facts.classes)
    assert set(facts.paper_tasks) <= set(facts.classes)
    assert 2 < facts.mean_tokens < 128


@pytest.mark.parametrize(
    ("name", "train", "test"),
    [
        ("ag_news", 120_000, 7_600),
        ("dbpedia_14", 560_000, 70_000),
        ("sst2", 67_349, 872),
        ("pubmed_20k_rct", 176_642, 29_578),
    ],
)
def test_totals_are_those_of_the_canonical_sets(name, train, test) -> None:
    facts = DATASETS[name]
    assert (sum(facts.train_rows_per_class), sum(facts.test_rows_per_class)) == (train, test)


@pytest.mark.parametrize("facts", HUB, ids=lambda facts: facts.name)
def test_hub_datasets_are_pinned_to_a_commit(facts) -> None:
    assert re.fullmatch(r"[0-9a-f]{40}", facts.hub.revision)
    assert re.fullmatch(r"[\w-]+/[\w.-]+", facts.hub.id)


@pytest.mark.real
@pytest.mark.parametrize("facts", HUB, ids=lambda facts: facts.name)
def test_classes_have_the_order_of_the_mirror(facts, data_dir: Path) -> None:
    info = json.loads((data_dir / facts.name / "info.json").read_text())
    assert tuple(info["labels"]) == facts.classes
