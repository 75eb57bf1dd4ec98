"""The paper's learner: the whole encoder is fine-tuned, from the pre-trained checkpoint in every round."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.arrays import FloatArray, IntArray
from bench.learners.base import Learner, MadeWith, Material, Model, Scores, Which
from bench.learners.embeddings import made_by
from bench.learners.encoders import Encoded
from bench.records import Reads, Settings
from bench.seeds import Streams
from bench.strategies.view import Need

if TYPE_CHECKING:
    from bench.model.surprisal import Surprisal


@dataclass(frozen=True)
class FineTune(Learner):
    """Fine-tunes a checkpoint with a new two-class head; how is said by the settings ``model`` and ``train``."""

    name: ClassVar[str] = "fine-tune"
    title: ClassVar[str] = "Fine-tuning"
    summary: ClassVar[str] = "the whole encoder, from the pre-trained checkpoint in every round; the paper's"
    paper: ClassVar[str] = "Devlin et al. 2019; Fairstein et al. 2024"
    offers: ClassVar[frozenset[Need]] = frozenset(
        {"probabilities", "embeddings", "ensemble", "dropout", "pretrained", "surprisal"}
    )
    reads: ClassVar[frozenset[Reads]] = frozenset({"encoder", "training"})
    seconds_a_fit: ClassVar[float | None] = None
    rows_a_second: ClassVar[float | None] = None

    def begin(self, material: Material) -> Model:
        """Return the encoder on these texts."""
        return FineTuned(Encoded(material))

    def rehearse(self, settings: Settings, cache_dir: Path, *, surprisal: bool) -> None:
        """Make sure that the checkpoint can be had and can be a classifier."""
        from bench.model.architecture import refuse_unfit

        refuse_unfit(settings.model, surprisal=surprisal, cache_dir=cache_dir)


class FineTuned(Model):
    """The classifier M on a block's texts."""

    def __init__(self, texts: Encoded) -> None:
        self._texts, self._train = texts, texts.material.settings.train
        self._encoder, self._tokens = self._texts.encoder, self._texts.tokens
        self.epochs = self._train.epochs

    @property
    def made_with(self) -> MadeWith:  # type: ignore[override]  # memory may run out later, and the budget change
        """Device and precision of the encoder, and where it comes from."""
        return made_by(self._encoder.hardware, self._encoder.checkpoint.source, self._encoder.attention)

    def fit(self, rows: IntArray, labels: IntArray, streams: Streams) -> None:
        """Fine-tune from the pre-trained checkpoint."""
        if len(rows):
            self._encoder.fit(self._tokens["train"], rows, labels, self._train, **streams.parts)
        else:
            self._encoder.reset(**streams.parts)

    def score(self, which: Which, rows: IntArray, *, embeddings: bool = False) -> Scores:
        """Apply the classifier."""
        found = self._encoder.score(self._tokens[which], rows, embeddings=embeddings)
        return Scores(found.probabilities, found.embeddings)

    def dropout(self, rows: IntArray, seed: int) -> FloatArray:
        """Apply the classifier with dropout left on."""
        return self._encoder.score(self._tokens["train"], rows, dropout_seed=seed).probabilities

    def pretrained(self, rows: IntArray) -> FloatArray:
        """Return mean-pooled embeddings by the pre-trained encoder."""
        return self._encoder.embed(self._tokens["train"], rows)

    def surprisal(self, rows: IntArray) -> Surprisal:
        """Return the surprisal by the checkpoint's masked language model."""
        return self._texts.surprisal(rows)

    def peak_memory_mb(self) -> float:
        """Return the peak of the GPU's allocator, or of the process."""
        return self._encoder.hardware.peak_memory_mb()

    def reset_peak(self) -> None:
        """Start a new peak."""
        self._encoder.hardware.reset_peak()
