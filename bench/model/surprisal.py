"""Surprisal embeddings for ALPS (Yuan, Lin and Boyd-Graber 2020, section 3): the pre-trained masked LM's loss.

15 % of a row's tokens are chosen (at least one, as in BERT's own pre-training), masked 80/10/10, and the
cross-entropy of the true token is taken at those positions; everywhere else the embedding is 0. Rows are
L2-normalised. The LM's logits are computed at the chosen positions only. Nothing here depends on a strategy, a
round or a ratio, so one embedding for each mask seed (by default the seed of a run) serves all of them; it is cached:
for the whole train split where a pool is at least half of it, so that all such pools share it, else for the pool's rows
alone.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file

from bench import seeds
from bench.arrays import IntArray
from bench.data.folders import cached_folder
from bench.data.tokens import TokenTable
from bench.errors import RunError
from bench.model import checkpoint as checkpoints
from bench.model import content
from bench.model.attention import to_bf16
from bench.model.batching import in_smaller_batches, length_batches, pad
from bench.model.fitting import FineTuning, train
from bench.model.hardware import Hardware
from bench.model.masking import Masking, SurprisalModel
from bench.model.sharing import rows_shared
from bench.model.standard_state import standard_state
from bench.records import ModelSettings

HEAD_BATCH_ROWS = 32
HEAD_LEARNING_RATE = 1e-3
log = logging.getLogger(__name__)
_LAST: dict[tuple[Path, str], tuple[SurprisalModel, str]] = {}
"""The masked LM that this process used last, by the cache of its head and by name."""


@dataclass(frozen=True)
class Surprisal:
    """Surprisal of rows.

    Attributes:
        stored: (s, max_length) float32, memory-mapped, rows of unit length.
        at: (n,) where the rows asked for stand in it.
        lm_head: ``checkpoint``, or ``trained`` where the checkpoint has none.
        device: that computed it, in torch's words, for what is computed of it.
    """

    stored: npt.NDArray[np.float32]
    at: IntArray
    lm_head: str
    device: str = "cpu"

    def of(self, positions: IntArray) -> npt.NDArray[np.float32]:
        """Return the embeddings of some of the rows asked for, by their positions among them."""
        return self.stored[self.at[positions]]


@dataclass(frozen=True)
class SurprisalSource:
    """Computes and caches surprisal embeddings of a dataset's train split under one checkpoint.

    Attributes:
        tokens: the train split's tokens. fingerprint: of the split. tokenizer: the checkpoint's.
    """

    settings: ModelSettings
    hardware: Hardware
    tokens: TokenTable
    fingerprint: str
    tokenizer: Any
    cache_dir: Path

    @standard_state()
    def embeddings(self, rows: IntArray) -> Surprisal:
        """Return the surprisal of rows of the split, computing it if no process has done so yet.

        The LM head is ``checkpoint``, or ``trained`` when the checkpoint has none: then a head is trained on the
        split's texts (no label is read) with the encoder frozen.
        """
        checkpoint = checkpoints.resolve(self.settings.name, self.settings.revision)
        name, head_name = (
            seeds.digest(
                {
                    "model": content.require(self.settings, checkpoint, self.cache_dir),
                    "data": self.fingerprint,
                    "settings": self.settings.model_dump(include=cached_by),
                    "precision": self.hardware.precision,
                    "device": self.hardware.device.type,
                }
            )
            for cached_by in (_CACHED_BY, _CACHED_BY - {"mask_seed"})  # no mask of a row is read to train a head
        )
        whole = rows_shared(len(rows), len(self.tokens)) == len(self.tokens)
        wanted = np.arange(len(self.tokens)) if whole else rows
        rows_name = hashlib.sha256(np.ascontiguousarray(wanted, dtype="<i8").tobytes()).hexdigest()[:16]

        def build(folder: Path) -> None:
            model, head = self._ready(checkpoint, head_name)
            np.save(folder / "surprisal.npy", self.compute(model, wanted), allow_pickle=False)
            (folder / _HEAD).write_text(head, encoding="utf-8")

        def load(folder: Path) -> tuple[npt.NDArray[np.float32], str]:
            stored: npt.NDArray[np.float32] = np.load(folder / "surprisal.npy", mmap_mode="r", allow_pickle=False)
            return stored, (folder / _HEAD).read_text(encoding="utf-8")

        stored, head = cached_folder(self.cache_dir / "surprisal" / f"{name}-{rows_name}", build, load)
        return Surprisal(stored, rows if whole else np.arange(len(rows)), head, str(self.hardware.device))

    def _ready(self, checkpoint: checkpoints.Checkpoint, name: str) -> tuple[SurprisalModel, str]:
        """Return the masked LM with its head, and where that is from.

        The process keeps the one it used last, for the blocks to come: one with another seed of masks, or whose pool
        is small, needs surprisal of its own, by the model of the blocks before it.

        Args:
            checkpoint: where to load it from.
            name: of all that decides what it is: content, data, settings but the seed of masks, device and precision.
        """
        key = self.cache_dir, name
        if key not in _LAST:
            _LAST.clear()  # first, since memory may not hold two
            model, fresh = checkpoints.load_masked_lm(checkpoint)
            content.require(self.settings, checkpoint, self.cache_dir)
            reader = self.reader(model)
            if fresh:
                self._use_trained_head(reader, fresh, name)
            _LAST[key] = reader, "trained" if fresh else "checkpoint"
        reader, head = _LAST[key]
        reader.masking = replace(reader.masking, seed=self.settings.mask_seed)
        return reader, head

    def reader(self, model: Any) -> SurprisalModel:
        """Return a masked LM as the model that :meth:`compute` asks; it is taken apart for that."""
        if self.tokenizer.mask_token_id is None:
            raise RunError(f"model {self.settings.name!r} has no mask token, so ALPS cannot be run on it")
        masking = Masking(
            seed=self.settings.mask_seed,
            fingerprint=self.fingerprint,
            special_ids=tuple(self.tokenizer.all_special_ids),
            mask_id=int(self.tokenizer.mask_token_id),
            vocabulary=int(model.config.vocab_size),
            masked_input=self.settings.masked_input,
        )
        return SurprisalModel(model, masking, self.hardware.send)

    @standard_state()
    def compute(self, model: SurprisalModel, rows: IntArray) -> npt.NDArray[np.float32]:
        """Return the surprisal of rows of the split, (n, max_length), asking no cache; rows have unit length.

        Raises:
            RunError: if the device runs out of memory even row by row.
        """
        return in_smaller_batches(self.hardware, lambda hardware: self._compute(model, rows, hardware))

    @torch.no_grad()
    def _compute(self, model: SurprisalModel, rows: IntArray, hardware: Hardware) -> npt.NDArray[np.float32]:
        model.to(hardware.device).eval()
        if hardware.bf16:
            to_bf16(model.lm, hardware)
        out = np.zeros((len(rows), self.settings.max_length), dtype=np.float32)
        for inside, draws in model.masking.chunks(self.tokens, rows):
            for batch_at in length_batches(
                self.tokens.lengths[rows[inside]], hardware.token_budget, hardware.enough_tokens
            ):
                at = inside[batch_at]
                batch = pad(self.tokens, rows[at], int(self.tokenizer.pad_token_id))
                chosen, losses = model.surprisal(batch, draws.of(rows[at], batch["input_ids"].shape[1]))
                values = np.zeros(tuple(chosen.shape), dtype=np.float32)
                values[chosen.numpy()] = losses.float().cpu().numpy()
                out[at, : values.shape[1]] = values
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        np.divide(out, norms, out=out, where=norms > 0)
        return out

    def _use_trained_head(self, model: SurprisalModel, fresh: frozenset[str], name: str) -> None:
        """Give the masked LM a head trained on the dataset's texts; one per dataset and checkpoint, cached."""
        head = {key: value for key, value in model.lm.named_parameters() if key in fresh}

        def build(folder: Path) -> None:
            log.info("training a masked-LM head of %d steps: the checkpoint has none", self.settings.lm_head_steps)
            self._train_head(model, head)
            save_file({k: v.detach().cpu().contiguous() for k, v in head.items()}, folder / "head.safetensors")

        def load(folder: Path) -> dict[str, torch.Tensor]:
            return load_file(folder / "head.safetensors")

        stored = cached_folder(self.cache_dir / "lm_head" / name, build, load)
        with torch.no_grad():
            for key, value in stored.items():
                head[key].copy_(value)

    def _train_head(self, model: SurprisalModel, head: dict[str, torch.nn.Parameter]) -> None:
        rng = seeds.generator("lm_head", data=self.fingerprint)
        torch_rng = torch.Generator().manual_seed(seeds.torch_seed("lm_head", data=self.fingerprint))
        for key, parameter in model.named_parameters():
            parameter.requires_grad_(any(parameter is p for p in head.values()))
            if parameter.requires_grad:
                _initialise(key, parameter, torch_rng)
        steps = self.settings.lm_head_steps
        data = HeadBatches(self, rng, steps)
        module = FineTuning(model, steps, HEAD_LEARNING_RATE, weight_decay=0.0, gradient_clip=1.0)
        seed = seeds.torch_seed("dropout", data=self.fingerprint, purpose_of="lm_head")
        loader = torch.utils.data.DataLoader(data, batch_size=None, collate_fn=_as_is)
        train(module, loader, self.hardware, epochs=1, dropout_seed=seed)


_CACHED_BY = {"max_length", "mask_seed", "masked_input", "lm_head_steps"}
_HEAD = "lm_head.txt"


class HeadBatches(torch.utils.data.Dataset[dict[str, Any]]):
    """Random rows of the split with fresh masks, for training a masked-LM head."""

    def __init__(self, source: SurprisalSource, rng: np.random.Generator, steps: int) -> None:
        self.source, self.rng, self.steps = source, rng, steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, _step: int) -> dict[str, Any]:
        tokens = self.source.tokens
        size = min(HEAD_BATCH_ROWS, len(tokens.lengths))
        rows = self.rng.choice(len(tokens.lengths), size=size, replace=False).astype(np.int64)
        batch = pad(tokens, rows, int(self.source.tokenizer.pad_token_id))
        shape = tuple(batch["input_ids"].shape)
        return {"rows": batch, "draws": self.rng.random((3, *shape), dtype=np.float32)}


def _as_is(batch: Any) -> Any:
    """Keep the draws NumPy arrays; torch's default would convert them."""
    return batch


def _initialise(name: str, parameter: torch.nn.Parameter, rng: torch.Generator) -> None:
    """Normal matrices, unit norm scales, zero biases: BERT's own initialisation."""
    with torch.no_grad():
        if parameter.ndim > 1:
            parameter.copy_(torch.randn(parameter.shape, generator=rng) * 0.02)
        else:
            parameter.fill_(1.0 if name.endswith("weight") else 0.0)
