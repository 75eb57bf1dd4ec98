"""Fine-tuning with PyTorch Lightning: one module, one data module, one way to build a trainer."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.accelerators import CUDAAccelerator
from pytorch_lightning.strategies import SingleDeviceStrategy
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch.utils.data import DataLoader
from transformers import get_linear_schedule_with_warmup

from bench.errors import RunError
from bench.model.attention import with_mask_in_full
from bench.model.batching import Collate, EpochSampler
from bench.model.hardware import Hardware, out_of_memory
from bench.model.replay import ReplayedFineTuning, ReplayedSteps
from bench.model.vocabulary import occurring_tokens
from bench.records import TrainSettings

for _name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
    logging.getLogger(_name).setLevel(logging.ERROR)


class FineTuning(pl.LightningModule):
    """A Hugging Face model trained on its own loss: AdamW, linear decay to zero without warm-up."""

    def __init__(
        self,
        model: torch.nn.Module,
        steps: int,
        learning_rate: float,
        weight_decay: float,
        gradient_clip: float,
    ) -> None:
        super().__init__()
        self.model = model
        self.steps, self.learning_rate, self.weight_decay = steps, learning_rate, weight_decay
        self.gradient_clip = gradient_clip
        self.loss_sum = torch.zeros(())

    def training_step(self, batch: dict[str, torch.Tensor], _index: int) -> torch.Tensor:
        """Return the loss of a batch."""
        loss: torch.Tensor = self.model(**with_mask_in_full(self.model, batch)).loss
        # A NaN anywhere stays visible. What is added to first is a number of the CPU, for which no GPU has to wait.
        self.loss_sum = self.loss_sum + loss.detach()
        return loss

    def configure_optimizers(self) -> Any:
        """Return AdamW (fused: one pass over the weights a step) and its schedule, stepped per batch."""
        trained = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=self.learning_rate, weight_decay=self.weight_decay, fused=True)
        schedule = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=0, num_training_steps=self.steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        """Clip by norm.

        By hand, since Lightning refuses a fused optimizer under mixed precision, for the sake of a loss scaler that
        bf16 does not have.
        """
        if self.gradient_clip > 0:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.gradient_clip)


class LabelledRows(pl.LightningDataModule):
    """The labelled rows of a round as batches; the order of an epoch comes from a named stream."""

    def __init__(self, collate: Collate, batch_size: int, order: np.random.Generator) -> None:
        super().__init__()
        self.collate = collate
        self.sampler = EpochSampler(len(collate.rows), batch_size, order)

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the loader; batches are padded to their own longest row."""
        positions: Any = range(len(self.collate.rows))
        return DataLoader(positions, batch_sampler=self.sampler, collate_fn=self.collate)


class StaysOnDevice(SingleDeviceStrategy):
    """One device, and the model is still there when a fit has ended.

    Lightning would move model, gradients and moments to the CPU, and the next pass would move the model back: on a GPU
    that takes longer than a small fit.
    """

    def teardown(self) -> None:
        """Leave everything where it is."""


class KeepsMemory(CUDAAccelerator):
    """A GPU whose allocator keeps its memory from fit to fit.

    Lightning would empty the allocator's cache before every fit, which waits for the GPU and has the next steps ask the
    driver for memory again, and would set ``CUDA_DEVICE_ORDER``, which renumbers GPUs for child processes.
    """

    def setup(self, trainer: pl.Trainer) -> None:
        """Leave everything as it is."""


def train(
    module: FineTuning | ReplayedFineTuning, data: Any, hardware: Hardware, *, epochs: int, dropout_seed: int
) -> None:
    """Train a module in place, with dropout from a stream of its own; write nothing to disk.

    Raises:
        RunError: if the loss is not finite or the device runs out of memory.
    """
    devices = hardware.gpus
    with torch.random.fork_rng(devices), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice on worker counts and log intervals that does not apply to tiny fits
        torch.manual_seed(dropout_seed)
        trainer = pl.Trainer(
            strategy=StaysOnDevice(hardware.device),
            accelerator=KeepsMemory() if devices else "cpu",
            devices=devices or 1,
            precision="bf16-mixed" if hardware.bf16 else "32-true",
            max_epochs=epochs,
            deterministic=True if devices else None,  # as standard_state has it
            plugins=[LightningEnvironment()],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        if devices:
            _resume_nothing(trainer)
        try:
            with _signals_end_it():
                trainer.fit(module, data)
        except torch.OutOfMemoryError as error:
            raise out_of_memory(hardware) from error
        finally:
            _free(trainer, module)
    if not torch.isfinite(module.loss_sum):
        raise RunError("the training loss is not finite; lower train.learning_rate or use --set model.precision=fp32")


def _resume_nothing(trainer: pl.Trainer) -> None:
    """Let a trainer skip the end of resuming from a checkpoint.

    There is none, and all that is left of it is that the GPU's allocator is emptied (see :class:`KeepsMemory`), for
    which Lightning has no switch.
    """
    connector: Any = trainer._checkpoint_connector  # noqa: SLF001
    connector.resume_end = lambda: None


@contextmanager
def _signals_end_it() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM do within a fit what they do elsewhere.

    Lightning 2.6 takes both over: the process would end with exit code 1 or 0, and a terminated job would pass for a
    finished one (Lightning's issue 19916).
    """
    try:
        yield
    except SIGTERMException:
        signal.raise_signal(signal.SIGTERM)
        raise
    except SystemExit:
        raise KeyboardInterrupt from None


def _free(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    """Let go of gradients and moments at once.

    Trainer, module and optimizer refer to each other in circles, so the optimizer's state, twice the model's size,
    would otherwise stay until the garbage collector happens to come by; a worker's memory then grew by gigabytes.
    """
    for optimizer in trainer.optimizers:
        optimizer.state.clear()
    module.zero_grad(set_to_none=True)


def fit_classifier(
    model: torch.nn.Module,
    collate: Collate,
    settings: TrainSettings,
    hardware: Hardware,
    order: np.random.Generator,
    dropout_seed: int,
    replayed: ReplayedSteps | None = None,
) -> None:
    """Fine-tune a classifier in place on the rows of a collate function (SPEC: epochs, AdamW, linear decay, clip).

    In steps that are ``replayed``, if they are given and this model's can be.
    """
    if replayed is not None and replayed.can_be(length := replayed.padded_length(collate)):
        again = ReplayedFineTuning(replayed, collate, length, order)
        train(again, again.train_dataloader(), hardware, epochs=settings.epochs, dropout_seed=dropout_seed)
        return
    compact = occurring_tokens(model, collate) if settings.weight_decay == 0 else nullcontext(collate)
    with compact as data:
        rows = LabelledRows(data, settings.batch_size, order)
        steps = len(rows.sampler) * settings.epochs
        module = FineTuning(model, steps, settings.learning_rate, settings.weight_decay, settings.gradient_clip)
        model.train()
        train(module, rows, hardware, epochs=settings.epochs, dropout_seed=dropout_seed)
