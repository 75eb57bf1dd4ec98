"""Facts of the registered datasets: pinned origin, classes, counts, licence.

``plan`` reads the counts when the data is not available; tables, ``list`` and the README read the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Hub:
    """Where a dataset lies on the Hugging Face Hub, pinned to a commit.

    Attributes:
        id: ``owner/name``. revision: the full commit hash.
        text: column of the texts. label: column of the labels (class numbers, or class names in any case).
        train, test: glob patterns of the files (parquet or jsonl) inside the repository.
    """

    id: str
    revision: str
    text: str
    label: str
    train: str
    test: str


@dataclass(frozen=True)
class DatasetFacts:
    """What is known of a dataset before it is loaded.

    Attributes:
        name: what users type. title: what tables print.
        classes: names of the classes; a label is a position in it.
        paper_tasks: the classes the paper makes rare; empty if the paper does not use the dataset.
        train_rows_per_class, test_rows_per_class: rows, in the order of ``classes``.
        mean_tokens: mean length of a training text in tokens of BERT's uncased WordPiece, special tokens
            included, cut at 128.
        licence, citation: one line each.
        rows_per_class_approximate: the counts are estimates.
        hub: where it is downloaded from; None if it is built here.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    paper_tasks: tuple[str, ...]
    train_rows_per_class: tuple[int, ...]
    test_rows_per_class: tuple[int, ...]
    mean_tokens: float
    licence: str
    citation: str
    rows_per_class_approximate: bool = False
    hub: Hub | None = None


AG_NEWS = DatasetFacts(
    name="ag_news",
    title="AG News",
    classes=("World", "Sports", "Business", "Sci/Tech"),
    paper_tasks=("World", "Sports", "Business", "Sci/Tech"),
    train_rows_per_class=(30_000,) * 4,
    test_rows_per_class=(1_900,) * 4,
    mean_tokens=52.5,
    licence="research and other non-commercial use",
    citation="Zhang, Zhao, LeCun: Character-level Convolutional Networks for Text Classification, NIPS 2015",
    hub=Hub(
        id="fancyzhx/ag_news",
        revision="eb185aade064a813bc0b7f42de02595523103ca4",
        text="text",
        label="label",
        train="data/train-*.parquet",
        test="data/test-*.parquet",
    ),
)

DBPEDIA_14 = DatasetFacts(
    name="dbpedia_14",
    title="DBpedia",
    classes=(
        *("Company", "EducationalInstitution", "Artist", "Athlete", "OfficeHolder", "MeanOfTransportation"),
        *("Building", "NaturalPlace", "Village", "Animal", "Plant", "Album", "Film", "WrittenWork"),
    ),
    paper_tasks=("Company", "Animal", "Album"),
    train_rows_per_class=(40_000,) * 14,
    test_rows_per_class=(5_000,) * 14,
    mean_tokens=63.5,
    licence="CC BY-SA 3.0 and GFDL",
    citation="Zhang, Zhao, LeCun: Character-level Convolutional Networks for Text Classification, NIPS 2015",
    hub=Hub(
        id="fancyzhx/dbpedia_14",
        revision="9abd46cf7fc8b4c64290f26993c540b92aa145ac",
        text="content",
        label="label",
        train="dbpedia_14/train-*.parquet",
        test="dbpedia_14/test-*.parquet",
    ),
)

SST2 = DatasetFacts(
    name="sst2",
    title="SST-2",
    classes=("negative", "positive"),
    paper_tasks=("negative", "positive"),
    train_rows_per_class=(29_780, 37_569),
    test_rows_per_class=(428, 444),
    mean_tokens=13.4,
    licence="as distributed with GLUE",
    citation="Socher et al.: Recursive Deep Models for Semantic Compositionality, EMNLP 2013 (in GLUE)",
    hub=Hub(
        id="stanfordnlp/sst2",
        revision="8d51e7e4887a4caaa95b3fbebbf53c0490b58bbb",
        text="sentence",
        label="label",
        train="data/train-*.parquet",
        test="data/validation-*.parquet",  # the labels of its test files are hidden
    ),
)

# The totals are those of the Hub's files (176,642 and 29,578 sentences); the shares of the classes are those
# counted in the first 1,000 training abstracts (11,738 sentences).
PUBMED_20K_RCT = DatasetFacts(
    name="pubmed_20k_rct",
    title="PubMed 20k RCT",
    classes=("BACKGROUND", "OBJECTIVE", "METHODS", "RESULTS", "CONCLUSIONS"),
    paper_tasks=("BACKGROUND", "OBJECTIVE", "METHODS", "RESULTS", "CONCLUSIONS"),
    train_rows_per_class=(18_360, 14_341, 59_096, 56_583, 28_262),
    test_rows_per_class=(3_074, 2_401, 9_896, 9_475, 4_732),
    mean_tokens=35.1,
    licence="as distributed by its authors",
    citation="Dernoncourt, Lee: PubMed 200k RCT, a Dataset for Sequential Sentence Classification, IJCNLP 17",
    rows_per_class_approximate=True,
    hub=Hub(
        id="armanc/pubmed-rct20k",
        revision="091aec1e2384a20b2b36eb96177755ca13dd0b42",
        text="text",
        label="label",
        train="train.jsonl",
        test="test.jsonl",
    ),
)

PYDOCS = DatasetFacts(
    name="pydocs",
    title="PyDocs",
    classes=("matplotlib", "numpy", "pandas", "scikit-learn", "scipy", "torch", "transformers"),
    paper_tasks=(),
    train_rows_per_class=(2_408, 1_307, 2_825, 1_872, 2_726, 3_000, 3_000),
    test_rows_per_class=(255, 276, 429, 390, 696, 750, 750),
    mean_tokens=44.5,
    licence="those of the packages (BSD, Apache-2.0, matplotlib's); built here, not redistributed",
    citation="docstrings of the installed dependencies of imbal-bench",
    rows_per_class_approximate=True,  # they vary with the installed versions
)

DATASETS: Mapping[str, DatasetFacts] = {
    facts.name: facts for facts in (AG_NEWS, DBPEDIA_14, SST2, PUBMED_20K_RCT, PYDOCS)
}
"""Every dataset that is known by name."""
