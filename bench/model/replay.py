"""Fits whose steps have one shape, so that a GPU replays a step as one CUDA graph.

A step of eight short texts is some two thousand kernels that each take microseconds. Launched one by one they keep a
GPU waiting for its CPU for nine tenths of the time (`perf gpu` measures it); replayed, they are one launch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from bench.model.attention import with_mask_in_full
from bench.model.batching import Collate, EpochSampler, pad
from bench.model.hardware import Hardware, out_of_memory
from bench.records import TrainSettings

FILLER = -100
"""The label of rows that only fill a batch up: torch's cross-entropy passes over it."""
LENGTHS = 16
"""Texts are padded to multiples of this, so that few graphs serve all fits."""
WARM_UP = 3
"""Steps before one is captured, as torch wants it."""
log = logging.getLogger("bench")


def of_one_shape(collate: Collate, batches: list[list[int]], rows: int, length: int) -> dict[str, torch.Tensor]:
    """Return all batches of a fit, padded to one length and filled up to one number of rows.

    Args:
        collate: the labelled rows.
        batches: positions among them, at most ``rows`` of them a batch.
        rows: of every batch; those that fill one up repeat its first row and carry the label :data:`FILLER`.
        length: of every row.

    Returns:
        ``input_ids`` and ``attention_mask`` (batches, rows, length), and ``labels`` (batches, rows), all int64.
    """
    filled = np.asarray([batch + batch[:1] * (rows - len(batch)) for batch in batches])
    real = np.arange(rows)[None, :] < np.asarray([[len(batch)] for batch in batches])
    padded = pad(collate.tokens, collate.rows[filled.ravel()], collate.pad_id, left=collate.pads_left, length=length)
    mask = padded.get("attention_mask", torch.ones_like(padded["input_ids"]))
    shape = (len(batches), rows, length)
    return {
        "input_ids": padded["input_ids"].view(shape),
        "attention_mask": mask.view(shape),
        "labels": torch.from_numpy(np.where(real, collate.labels[filled], FILLER).astype(np.int64)),
    }


@dataclass
class ReplayedSteps:
    """The optimizer of a model and its captured steps, one for each padded length, kept from fit to fit.

    Attributes:
        model: whose weights keep their place in memory.
        settings: of the fits.
        hardware: on a CPU nothing is captured, and the same steps are done one by one.
        longest: most tokens that the model takes.
        steps: what to fill in and what to call, by padded length.
        refused: whether the model turned out to do what cannot be captured.
    """

    model: Any
    settings: TrainSettings
    hardware: Hardware
    longest: int
    steps: dict[int, tuple[dict[str, torch.Tensor], Callable[[], object]]] = field(default_factory=dict)
    refused: bool = False

    def __post_init__(self) -> None:
        """Make the optimizer, whose learning rate and moments stay where they are."""
        self.learning_rate, self.loss_sum = (torch.zeros((), device=self.hardware.device) for _ in range(2))
        self.trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self._pool: Any = None
        self.optimizer = torch.optim.AdamW(
            self.trained,
            lr=self.learning_rate,
            weight_decay=self.settings.weight_decay,
            fused=True,
            capturable=bool(self.hardware.gpus),
        )

    def padded_length(self, collate: Collate) -> int:
        """Return the length to which the rows of a fit are padded."""
        longest = int(collate.tokens.lengths[collate.rows].max())
        return max(min(-(-longest // LENGTHS) * LENGTHS, self.longest), longest)

    def can_be(self, length: int) -> bool:
        """Make a step of this length ready; where the model does what cannot be captured, say so and return False.

        Raises:
            RunError: if the device runs out of memory.
        """
        if self.refused:
            return False
        try:
            self._prepare(length)
        except torch.OutOfMemoryError as error:
            raise out_of_memory(self.hardware) from error
        except RuntimeError as error:
            why = str(error).partition("\n")[0]
            kind = self.model.config.model_type
            log.warning("a step of %s cannot be replayed (%s); its kernels are launched one by one", kind, why)
            self.refused = True
        return not self.refused

    def _prepare(self, length: int) -> None:
        """Capture the step of a length, unless that is done, and set moments and losses to 0; weights stay."""
        self.model.train()
        if length not in self.steps:
            rows, device = self.settings.batch_size, self.hardware.device
            ones = torch.ones(rows, length, dtype=torch.int64, device=device)
            inputs = {"input_ids": ones, "attention_mask": ones.clone(), "labels": torch.zeros_like(ones[:, 0])}
            self.learning_rate.zero_()  # steps before a capture leave the weights as they are
            self.steps[length] = inputs, self._captured(inputs)
        self.loss_sum.zero_()
        for state in self.optimizer.state.values():
            for value in state.values():
                value.zero_()

    def _captured(self, inputs: dict[str, torch.Tensor]) -> Callable[[], object]:
        def step() -> None:
            self._step(inputs)

        if not self.hardware.gpus:
            return step
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                step()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):  # one pool for all: no two of them run at the same time
            step()
        self._pool = graph.pool()
        return graph.replay

    def _step(self, inputs: dict[str, torch.Tensor]) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        precision = torch.autocast(
            self.hardware.device.type, torch.bfloat16, enabled=self.hardware.bf16, cache_enabled=False
        )
        with precision:
            loss = self.model(**with_mask_in_full(self.model, inputs)).loss
        loss.backward()
        if self.settings.gradient_clip > 0:
            torch.nn.utils.clip_grad_norm_(self.trained, self.settings.gradient_clip)
        self.optimizer.step()
        self.loss_sum.add_(loss.detach())


class ReplayedFineTuning(pl.LightningModule):
    """The same fine-tuning as :class:`~bench.model.fitting.FineTuning`, in steps that are replayed."""

    def __init__(self, steps: ReplayedSteps, collate: Collate, length: int, order: np.random.Generator) -> None:
        super().__init__()
        self.automatic_optimization = False
        settings, device = steps.settings, steps.hardware.device
        sampler = EpochSampler(len(collate.rows), settings.batch_size, order)
        batches = [batch for _ in range(settings.epochs) for batch in sampler]
        self.an_epoch = len(sampler)
        content = of_one_shape(collate, batches, settings.batch_size, length)
        self._content = {name: values.to(device) for name, values in content.items()}
        decay = torch.arange(len(batches), 0, -1, dtype=torch.float64) / len(batches)
        self._learning_rates = (settings.learning_rate * decay).float().to(device)
        self._steps, self._done = steps, 0
        self._inputs, self._replay = steps.steps[length]

    @property
    def loss_sum(self) -> torch.Tensor:
        """Return the sum of the losses of all steps so far, ()."""
        return self._steps.loss_sum

    def training_step(self, *_: Any) -> None:
        """Hand the next batch and its learning rate to the step, and do it."""
        for name, place in self._inputs.items():
            place.copy_(self._content[name][self._done])
        self._steps.learning_rate.copy_(self._learning_rates[self._done])
        self._replay()
        self._done += 1

    def configure_optimizers(self) -> None:
        """Leave it to the step."""

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the numbers of an epoch's steps; what they hold is on the device already."""
        numbers: Any = range(self.an_epoch)
        return DataLoader(numbers, batch_size=None)
