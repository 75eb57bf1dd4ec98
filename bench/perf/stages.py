"""The stages of the model room, each measured beside its floor and beside the loop that one would write first."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bench import seeds
from bench.data.tokens import TokenTable
from bench.model import checkpoint as checkpoints
from bench.model.batching import Collate
from bench.model.encoder import Encoder
from bench.model.fitting import fit_classifier
from bench.model.hardware import Hardware
from bench.model.masking import CHOSEN_FRACTION
from bench.model.shapes import Shape
from bench.model.surprisal import SurprisalSource
from bench.perf import naive
from bench.perf.clock import time_in_turns
from bench.perf.floors import memory_copy, products
from bench.perf.report import Measure
from bench.perf.texts import ENDS
from bench.records import ModelSettings, TrainSettings

TRAIN = TrainSettings(epochs=1)
FIT_STEPS, FIT_PARTS = 8, {"perf": 0}


@dataclass(frozen=True)
class Bench:
    """What is measured, and how often.

    Attributes:
        hardware: device and precision. shape: of the encoder. folder: of its checkpoint, with random weights.
        turns: of which the best counts. tokens: scored in one turn, about.
    """

    hardware: Hardware
    shape: Shape
    folder: Path
    turns: int
    tokens: int

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder under measurement."""
        encoder = Encoder(ModelSettings(name=str(self.folder)), self.hardware)
        encoder.reset(**FIT_PARTS)
        return encoder

    def time(self, **work: Callable[[], object]) -> dict[str, float]:
        """Return the seconds that pieces of work take in turns."""
        return time_in_turns(work, self.hardware, self.turns)

    def rows(self, tokens: TokenTable) -> npt.NDArray[np.int64]:
        """Return as many rows as hold about :attr:`tokens` tokens."""
        return np.arange(min(len(tokens), max(int(self.tokens / tokens.lengths.mean()), naive.BATCH_ROWS)))


def scoring(bench: Bench, name: str, tokens: TokenTable) -> list[Measure]:
    """Measure a pass over the pool: against the matrix rate, against the padded loop, and its distance from fp32."""
    encoder, rows = bench.encoder, bench.rows(tokens)
    encoder.reset(**FIT_PARTS)
    few = rows[:: max(len(rows) // naive.BATCH_ROWS, 1)][: naive.BATCH_ROWS]
    multiply, operations = products(bench.shape.hidden, bench.shape.inner, bench.hardware)
    padded = partial(naive.score, encoder.model, tokens, few, encoder.pad_id)
    took = bench.time(score=lambda: encoder.score(tokens, rows, embeddings=True), multiply=multiply, padded=padded)
    useful = sum(map(bench.shape.forward_flops, tokens.lengths[rows].tolist())) / took["score"]
    rate, rows_per_s, naive_per_s = operations / took["multiply"], len(rows) / took["score"], len(few) / took["padded"]
    stage = f"score {name}"
    distance = float(np.abs(encoder.score(tokens, few).probabilities - padded()).max())
    return [
        Measure(
            stage=f"{stage}: useful FLOPs", value=useful / 1e12, unit="TFLOP/s",
            floor=f"{bench.hardware.precision} matrix products at {rate / 1e12:.3g} TFLOP/s",
            ratio=useful / rate, better="higher",
        ),
        Measure(
            stage=f"{stage}: rows", value=rows_per_s, unit="rows/s",
            floor=f"fp32 loop padded to {naive.PADDED_LENGTH} at {naive_per_s:.3g} rows/s",
            ratio=rows_per_s / naive_per_s, better="higher",
        ),
        Measure(
            stage=f"{stage}: largest |dp|", value=distance, unit="", ratio=distance, better=None,
            floor="the same loop; 1 would be all",
        ),
    ]  # fmt: skip


def embedding(bench: Bench, name: str, tokens: TokenTable) -> list[Measure]:
    """Measure mean-pooled embeddings, which a probe has computed once, against the matrix rate."""
    rows = bench.rows(tokens)
    multiply, operations = products(bench.shape.hidden, bench.shape.inner, bench.hardware)
    took = bench.time(embed=lambda: bench.encoder.embed(tokens, rows), multiply=multiply)
    useful = sum(map(bench.shape.encoding_flops, tokens.lengths[rows].tolist()))
    at_best = useful / operations * took["multiply"]
    return [
        Measure(
            stage=f"embed {name}: rows", value=len(rows) / took["embed"], unit="rows/s", better="higher",
            floor=f"{bench.hardware.precision} matrix products alone at {len(rows) / at_best:.3g} rows/s",
            ratio=at_best / took["embed"],
        )
    ]  # fmt: skip


def fitting(bench: Bench, name: str, tokens: TokenTable) -> list[Measure]:
    """Measure fine-tuning at the paper's batch of 8 against a plain fp32 AdamW loop, in time and in results."""
    encoder, size = bench.encoder, FIT_STEPS * TRAIN.batch_size
    rows = np.arange(size) % len(tokens)
    labels = (rows % 4 == 0).astype(np.int64)

    def ours() -> None:
        encoder.fit(tokens, rows, labels, TRAIN, **FIT_PARTS)

    def plain() -> None:
        encoder.reset(**FIT_PARTS)
        data = Collate(tokens, rows, labels, encoder.pad_id)
        naive.fit(encoder.model, data, TRAIN, seeds.generator("batches", **FIT_PARTS))

    took = bench.time(ours=ours, plain=plain)
    distance = _distance_without_dropout(encoder, [ours, plain], tokens, rows)
    return [
        Measure(
            stage=f"fit {name}: rows", value=size / took["ours"], unit="rows/s",
            floor=f"plain fp32 AdamW loop at {size / took['plain']:.3g} rows/s",
            ratio=took["plain"] / took["ours"], better="higher",
        ),
        Measure(
            stage=f"fit {name}: largest |dp|", value=distance, unit="", ratio=distance, better=None,
            floor=f"the same loop after {FIT_STEPS} steps, both without dropout",
        ),
    ]  # fmt: skip


def _distance_without_dropout(
    encoder: Encoder, fits: list[Callable[[], None]], tokens: TokenTable, rows: npt.NDArray[np.int64]
) -> float:
    layers = [module for module in encoder.model.modules() if isinstance(module, torch.nn.Dropout)]
    kept = [layer.p for layer in layers]
    for layer in layers:
        layer.p = 0.0
    said = []
    for fit in fits:
        fit()
        said.append(naive.score(encoder.model, tokens, rows, encoder.pad_id))
    for layer, p in zip(layers, kept, strict=True):
        layer.p = p
    return float(np.abs(said[0] - said[1]).max())


class _Tiny(torch.nn.Module):
    """Next to no computation, so that what is left is what a trainer does around it."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(8, 2)

    def get_input_embeddings(self) -> torch.nn.Embedding:
        return self.table

    def forward(self, input_ids: torch.Tensor, labels: torch.Tensor, **_: Any) -> Any:
        return SimpleNamespace(loss=torch.nn.functional.cross_entropy(self.table(input_ids).mean(1), labels))


def overhead(bench: Bench) -> list[Measure]:
    """Measure what Lightning adds to a fit: a fit of next to nothing against the same as a bare loop."""
    model, size = _Tiny().to(bench.hardware.device), FIT_STEPS * TRAIN.batch_size
    tokens = TokenTable(np.ones(size, dtype=np.int32), np.arange(size + 1))
    data = Collate(tokens, np.arange(size), np.arange(size) % 2, 0)

    def lightning() -> None:
        fit_classifier(model, data, TRAIN, bench.hardware, seeds.generator("batches", **FIT_PARTS), dropout_seed=0)

    def bare() -> None:
        naive.fit(model, data, TRAIN, seeds.generator("batches", **FIT_PARTS))

    took = bench.time(lightning=lightning, bare=bare)
    return [
        Measure(
            stage="fit: Lightning", value=1e3 * (took["lightning"] - took["bare"]), unit="ms a fit",
            floor=f"{1e3 * took['bare']:.3g} ms for a bare loop of {FIT_STEPS} steps over nothing",
            ratio=took["lightning"] / took["bare"], better="lower",
        ),
    ]  # fmt: skip


def resetting(bench: Bench) -> list[Measure]:
    """Measure the return to the pre-trained weights against a plain copy of as many bytes."""
    copy, moved = memory_copy(bench.hardware)
    size = sum(value.nbytes for value in bench.encoder.model.state_dict().values())
    took = bench.time(reset=lambda: bench.encoder.reset(**FIT_PARTS), copy=copy)
    bandwidth = moved / took["copy"]
    return [
        Measure(
            stage="reset of weights", value=1e3 * took["reset"], unit="ms", better="lower",
            floor=f"{size / 1e6:.0f} MB read and written at {bandwidth / 1e9:.3g} GB/s",
            ratio=took["reset"] / (2 * size / bandwidth),
        ),
    ]  # fmt: skip


def surprisal(bench: Bench, name: str, tokens: TokenTable) -> list[Measure]:
    """Measure surprisal against a whole pass of the encoder, of all layers for all tokens, over the same rows."""
    encoder, rows = bench.encoder, bench.rows(tokens)
    with tempfile.TemporaryDirectory() as cache:
        source = SurprisalSource(encoder.settings, bench.hardware, tokens, "perf", encoder.tokenizer, Path(cache))
        reader = source.reader(checkpoints.load_masked_lm(encoder.checkpoint)[0])
        took = bench.time(surprisal=lambda: source.compute(reader, rows), whole=lambda: encoder.embed(tokens, rows))
    lengths = tokens.lengths[rows]
    chosen = np.maximum(np.round(CHOSEN_FRACTION * (lengths - len(ENDS))), 1).sum()
    logits = chosen * bench.shape.logits_flops / sum(map(bench.shape.encoding_flops, lengths.tolist()))
    return [
        Measure(
            stage=f"surprisal {name}", value=len(rows) / took["surprisal"], unit="rows/s",
            ratio=took["surprisal"] / took["whole"], better="lower",
            floor=f"encoder pass over the same rows at {len(rows) / took['whole']:.3g} rows/s; "
            f"FLOPs alone: {1 + logits:.3f}",
        ),
    ]  # fmt: skip
