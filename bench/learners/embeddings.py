"""Mean-pooled embeddings of a split's texts by the frozen encoder: computed once, memory-mapped, shared by processes.

Those of the whole split, so that all tasks and ratios share them; but where a limit leaves a pool under a quarter of
it, those of the pool's rows alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench import seeds
from bench.arrays import IntArray
from bench.data.folders import cached_folder
from bench.learners.base import MadeWith, Which
from bench.learners.encoders import Encoded
from bench.learners.linear import Source
from bench.model.sharing import rows_shared

if TYPE_CHECKING:
    from bench.model.hardware import Hardware

FOLDER = "embeddings"
_VALUES, _MADE = "embeddings.npy", "made.json"


@dataclass(frozen=True)
class _Asked:
    folder: Path
    texts: Encoded = field(compare=False)
    which: Which = field(compare=False)
    rows: IntArray = field(compare=False)


def embeddings_of(texts: Encoded, which: Which) -> tuple[Source, MadeWith]:
    """Return the embeddings of the rows of a split that matter, not scaled, and with what they were computed.

    They come from the cache if they are there; then no encoder is loaded. They are named by texts, encoder content,
    longest text, and the arithmetic: precision and kind of device.
    """
    from bench.model.hardware import choose_hardware

    material = texts.material
    model, hardware = material.settings.model, choose_hardware(material.device, material.settings.model.precision)
    split, rows = (material.train, material.pool_rows) if which == "train" else (material.test, material.test_rows)
    if rows_shared(len(rows), len(split)) == len(split):
        rows = np.arange(len(split))
    name = seeds.digest(
        {
            "texts": split.fingerprint,
            "rows": hashlib.sha256(np.ascontiguousarray(rows, dtype="<i8").tobytes()).hexdigest(),
            "max_length": model.max_length,
            "precision": hardware.precision,
            "device": hardware.device.type,
        }
    )
    content = model.content or texts.encoder.content
    return _opened(_Asked(material.cache_dir / FOLDER / f"{content}-{name}", texts, which, rows))


def has_embedded(content: str, cache_dir: Path) -> bool:
    """Return whether an encoder of this content has embedded texts before."""
    return bool(content) and any((cache_dir / FOLDER).glob(f"{content}-*"))


@lru_cache(maxsize=4)  # cached_folder reads the whole of a folder to check it: once a process is enough
def _opened(asked: _Asked) -> tuple[Source, MadeWith]:
    def build(folder: Path) -> None:
        encoder, tokens = asked.texts.encoder, asked.texts.tokens[asked.which]
        np.save(folder / _VALUES, encoder.embed(tokens, asked.rows), allow_pickle=False)
        made = made_by(encoder.hardware, encoder.checkpoint.source, encoder.attention)
        (folder / _MADE).write_text(json.dumps(asdict(made)), encoding="utf-8")

    def load(folder: Path) -> tuple[Source, MadeWith]:
        values: npt.NDArray[np.float32] = np.load(folder / _VALUES, mmap_mode="r", allow_pickle=False)
        made = MadeWith(**json.loads((folder / _MADE).read_bytes()))
        return Source(folder.name, asked.rows, values, unit=True), made

    return cached_folder(asked.folder, build, load)


def made_by(hardware: Hardware, source: str, attention: str) -> MadeWith:
    """Return what an encoder computes with."""
    from bench.model.batching import lowered_budget

    return MadeWith(hardware.name, hardware.precision, source, attention, lowered_budget(hardware))
