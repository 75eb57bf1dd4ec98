"""An encoder and the tokens of a block's texts, loaded when they are first read; shared by learners that have one."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.arrays import IntArray
from bench.learners.base import Material, Which
from bench.records import ModelSettings

if TYPE_CHECKING:
    from bench.data.corpus import Split
    from bench.data.tokens import TokenTable
    from bench.model.encoder import Encoder
    from bench.model.surprisal import Surprisal


class Encoded:
    """A block's texts as an encoder reads them."""

    def __init__(self, material: Material) -> None:
        self.material = material

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder; one for all learners and blocks of this process."""
        model = self.material.settings.model
        return _encoder(_shared(model), self.material.device, self.material.cache_dir)

    @cached_property
    def tokens(self) -> dict[Which, TokenTable]:
        """The tokens of both splits."""
        return {"train": self._tokens(self.material.train), "test": self._tokens(self.material.test)}

    def _tokens(self, split: Split) -> TokenTable:
        from bench.data.tokens import tokenise

        length = min(self.material.settings.model.max_length, self.encoder.max_length)
        return tokenise(split, self.encoder.tokenizer, max_length=length, cache_dir=self.material.cache_dir)

    def surprisal(self, rows: IntArray) -> Surprisal:
        """Return the surprisal of rows of the train split, from the cache if it is there."""
        from bench.model.surprisal import SurprisalSource

        source = SurprisalSource(
            self.material.settings.model,
            self.encoder.hardware,
            self.tokens["train"],
            self.material.train.fingerprint,
            self.encoder.tokenizer,
            self.material.cache_dir,
        )
        return source.embeddings(rows)


def _shared(model: ModelSettings) -> ModelSettings:
    """Return what names an encoder: settings that only some strategies read must not have it loaded again."""
    return ModelSettings(**model.model_dump(include={"name", "revision", "content", "max_length", "precision"}))


@lru_cache(maxsize=1)
def _encoder(settings: ModelSettings, device: str, cache_dir: Path) -> Encoder:
    """Return the encoder of this content, loaded once per process whatever becomes of its files."""
    from bench.model.encoder import Encoder
    from bench.model.hardware import choose_hardware

    return Encoder(settings, choose_hardware(device, settings.precision), cache_dir)
