"""Tokens with the lengths of real texts: the texts themselves where they are available, a stated likeness elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from bench import seeds
from bench.data.sources import load_corpus
from bench.data.tokens import TokenTable, tokenise
from bench.model.checkpoint import OFFLINE_NAME, load_tokenizer, resolve
from bench.model.shapes import VOCABULARY
from bench.perf.naive import BATCH_ROWS

LONGEST = 128
FIRST_WORD = 1_000
"""Numbers below are special or unused tokens and single characters in BERT's vocabulary."""

ENDS = (101, 102)
"""[CLS] and [SEP]."""

LOG_NORMAL = MappingProxyType({"sst2": (2.07, 0.89), "ag_news": (3.88, 0.30)})
"""Mean and deviation of log(tokens - 2) of the training texts; two tokens are special. Fitted to all 67,349 texts of
sst2 and to 30,197 of ag_news: the mean lengths come out as 13.3 and 52.7 (real: 13.3 and 52.9)."""


@dataclass(frozen=True)
class Sample:
    """Texts to be timed. ``origin`` says in words where they come from."""

    tokens: TokenTable
    origin: str


def sample(dataset: str, size: int, data_dir: Path | None, cache_dir: Path) -> Sample:
    """Return texts of a dataset, or texts that look like them to a machine, of about so many tokens together.

    With a mirror, its texts (all of them, if it holds fewer), in the tokens of the offline encoder, which are
    bert-base-uncased's too.

    Args:
        dataset: one of :data:`LOG_NORMAL` if there is no mirror.
        size: tokens of all texts together.
        data_dir: the mirror; None for texts that are made up.
        cache_dir: for tokens of the mirror.

    Raises:
        DataError: if the mirror does not hold the dataset. ModelError: if the offline encoder is not installed.
    """
    rng = seeds.generator("calibration", dataset=dataset)
    if data_dir is not None:
        corpus = load_corpus(dataset, data_dir=data_dir, cache_dir=cache_dir)
        tokenizer = load_tokenizer(resolve(OFFLINE_NAME))
        tokens = tokenise(corpus.train, tokenizer, max_length=LONGEST, cache_dir=cache_dir)
        some = rng.choice(len(tokens), min(_rows_of(size, tokens.lengths.mean()), len(tokens)), replace=False)
        return Sample(table(tokens.rows(some)), f"{len(some)} of {corpus.source}")
    tokens = made_up(dataset, _rows_of(size, _mean_length(dataset)), rng)
    return Sample(tokens, f"made up, log-normal lengths (mean {tokens.lengths.mean():.1f}), Zipf's tokens")


def _rows_of(size: int, mean: float) -> int:
    """Return how many texts of a mean length hold about so many tokens; at least a batch of the plain loop."""
    return max(round(size / mean), BATCH_ROWS)


def _mean_length(dataset: str) -> float:
    """Return the mean tokens of texts that are made up, but for what is cut at either end: a few in a hundred."""
    mean, deviation = LOG_NORMAL[dataset]
    return float(np.exp(mean + deviation**2 / 2)) + 2


def made_up(
    dataset: str,
    rows: int,
    rng: np.random.Generator,
    vocabulary: int = VOCABULARY,
    ends: tuple[int, int] = ENDS,
    longest: int = LONGEST,
) -> TokenTable:
    """Return so many texts as long as a dataset's, of tokens drawn by Zipf's law between the two of ``ends``."""
    mean, deviation = LOG_NORMAL[dataset]
    lengths = np.clip(np.rint(rng.lognormal(mean, deviation, rows)).astype(np.int64) + 2, 3, longest)
    first = min(FIRST_WORD, vocabulary // 2)
    ranks = np.arange(1, vocabulary - first + 1)
    ids = first + rng.choice(len(ranks), size=int(lengths.sum()), p=(1 / ranks) / (1 / ranks).sum())
    texts = np.split(ids.astype(np.int32), np.cumsum(lengths)[:-1])
    for text in texts:
        text[[0, -1]] = ends
    return table(texts)


def table(texts: list[npt.NDArray[np.int32]]) -> TokenTable:
    """Return texts as one table."""
    return TokenTable(np.concatenate(texts), np.concatenate([[0], np.cumsum([len(text) for text in texts])]))
