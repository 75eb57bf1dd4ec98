"""Mean-pooled embeddings of a split's texts by the frozen encoder: computed once, memory-mapped, shared by processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench import seeds
from bench.data.folders import cached_folder
from bench.learners.base import MadeWith, Which
from bench.learners.encoders import Encoded

if TYPE_CHECKING:
    from bench.model.hardware import Hardware

FOLDER = "embeddings"
_VALUES, _MADE = "embeddings.npy", "made.json"


@dataclass(frozen=True)
class Embeddings:
    """Of all rows of a split.

    Attributes:
        name: of their content. values: (n, d) float32, memory-mapped; means over a text's tokens, not scaled.
        made: with what they were computed.
    """

    name: str
    values: npt.NDArray[np.float32] = field(compare=False)
    made: MadeWith = field(compare=False)


@dataclass(frozen=True)
class _Asked:
    folder: Path
    texts: Encoded = field(compare=False)
    which: Which = field(compare=False)


def embeddings_of(texts: Encoded, which: Which) -> Embeddings:
    """Return the embeddings of a split, from the cache if they are there; then no encoder is loaded.

    They are named by texts, encoder content, longest text, and the arithmetic: precision and kind of device.
    """
    from bench.model.hardware import choose_hardware

    material = texts.material
    model, split = material.settings.model, material.train if which == "train" else material.test
    hardware = choose_hardware(material.device, model.precision)
    content = model.content or texts.encoder.content
    what = {"texts": split.fingerprint, "max_length": model.max_length}
    name = f"{content}-{seeds.digest({**what, 'precision': hardware.precision, 'device': hardware.device.type})}"
    return _opened(_Asked(material.cache_dir / FOLDER / name, texts, which))


def has_embedded(content: str, cache_dir: Path) -> bool:
    """Return whether an encoder of this content has embedded texts before."""
    return bool(content) and any((cache_dir / FOLDER).glob(f"{content}-*"))


@lru_cache(maxsize=4)  # cached_folder reads the whole of a folder to check it: once a process is enough
def _opened(asked: _Asked) -> Embeddings:
    def build(folder: Path) -> None:
        encoder, tokens = asked.texts.encoder, asked.texts.tokens[asked.which]
        np.save(folder / _VALUES, encoder.embed(tokens, np.arange(len(tokens))), allow_pickle=False)
        made = made_by(encoder.hardware, encoder.checkpoint.source, encoder.attention)
        (folder / _MADE).write_text(json.dumps(asdict(made)), encoding="utf-8")

    def load(folder: Path) -> Embeddings:
        values = np.load(folder / _VALUES, mmap_mode="r", allow_pickle=False)
        made = MadeWith(**json.loads((folder / _MADE).read_bytes()))
        return Embeddings(folder.name, values, made)

    return cached_folder(asked.folder, build, load)


def made_by(hardware: Hardware, source: str, attention: str) -> MadeWith:
    """Return what an encoder computes with."""
    from bench.model.batching import lowered_budget

    return MadeWith(hardware.name, hardware.precision, source, attention, lowered_budget(hardware))
