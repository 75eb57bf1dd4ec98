"""The tokenised cache: every text of a split is tokenised once per tokenizer and length, then memory-mapped.

A table is a cached folder ``<cache_dir>/tokens/<key>`` of raw little-endian arrays. They are written raw because the
number of tokens is known only at the end, and an ``.npy`` file wants its shape at the beginning. Nothing is ever
pickled.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench import seeds
from bench.data.corpus import Split
from bench.data.folders import cached_folder
from bench.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_VERSION = 1
_IDS, _OFFSETS = "ids.int32", "offsets.int64"


@dataclass(frozen=True)
class TokenTable:
    """The token ids of n texts, special tokens included, cut at ``max_length``, without padding.

    Attributes:
        ids: flat token ids of all texts, memory-mapped, read-only.
        offsets: (n + 1,) text i is ``ids[offsets[i]:offsets[i + 1]]``.
    """

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(n,) tokens of each text."""
        return np.diff(self.offsets)

    def rows(self, numbers: Iterable[int]) -> list[npt.NDArray[np.int32]]:
        """Return the token ids of some texts, read-only views, in the order asked for."""
        return [self.ids[self.offsets[number] : self.offsets[number + 1]] for number in numbers]


def tokenise(split: Split, tokenizer: PreTrainedTokenizerBase, *, max_length: int, cache_dir: Path) -> TokenTable:
    """Return the tokens of a split, from the cache if they are there and whole.

    Args:
        split: the texts.
        tokenizer: a fast tokenizer (one with a Rust backend); how it pads and cuts is set here.
        max_length: texts are cut to this many tokens, special tokens included.
        cache_dir: the cache; several processes may use it at once.

    Raises:
        ModelError: if the tokenizer is not a fast one.
        DataError: if the cache cannot be written.
    """
    if not tokenizer.is_fast:
        raise ModelError(f"{type(tokenizer).__name__} is not a fast tokenizer; choose a model that has one")
    key = seeds.digest(
        {
            "version": _VERSION,
            "texts": split.fingerprint,
            "tokenizer": tokenizer_fingerprint(tokenizer),
            "max_length": max_length,
        }
    )
    return cached_folder(
        cache_dir / "tokens" / key,
        build=partial(_build, split=split, tokenizer=tokenizer, max_length=max_length),
        load=_load,
    )


def tokenizer_fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return a hash of what a fast tokenizer does to a text.

    Padding and truncation are left out: each call sets them anew, so they tell of the last call only.
    """
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    content.update(padding=None, truncation=None)
    return seeds.digest({"backend": content, "truncation_side": tokenizer.truncation_side})


def _build(folder: Path, *, split: Split, tokenizer: PreTrainedTokenizerBase, max_length: int) -> None:
    lengths: list[int] = []
    with (folder / _IDS).open("wb") as file:
        for batch in split.batches():
            encoded = tokenizer(
                batch,
                add_special_tokens=True,
                truncation=True,
                max_length=max_length,
                padding=False,
                return_attention_mask=False,
                return_token_type_ids=False,
            )["input_ids"]
            lengths.extend(len(ids) for ids in encoded)
            for ids in encoded:
                file.write(np.asarray(ids, dtype="<i4").tobytes())
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype("<i8")
    (folder / _OFFSETS).write_bytes(offsets.tobytes())


def _load(folder: Path) -> TokenTable:
    offsets = np.fromfile(folder / _OFFSETS, dtype="<i8")
    return TokenTable(np.memmap(folder / _IDS, dtype="<i4", mode="r"), offsets)
