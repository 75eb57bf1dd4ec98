"""A card under measurement: its device, its floors, and the model and texts that parts of `perf gpu` share."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench import seeds
from bench.data.tokens import TokenTable
from bench.errors import BenchError
from bench.model.hardware import Hardware, choose_hardware, use_threads
from bench.model.shapes import SHAPES, Shape, save_random
from bench.perf.clock import time_in_turns
from bench.perf.floors import products
from bench.perf.report import Measure
from bench.perf.stages import Bench
from bench.perf.texts import LOG_NORMAL, made_up

TINY = Shape(2, 32, 2, 64)
SCORED_TOKENS, TURNS = 2_500_000, 2


class SkippedError(BenchError):
    """A part cannot be measured here, for a reason that is nobody's fault."""


@dataclass(frozen=True)
class Options:
    """How a card is measured.

    Attributes:
        dry_run: on a CPU, in sizes that take seconds: to see that every part runs.
        folder: for a model of random weights. out: for what is found.
        patience: factor of the parts' time limits, for a machine that others use too.
    """

    dry_run: bool
    folder: Path
    out: Path
    patience: float = 1.0


@dataclass(frozen=True)
class Card:
    """The device in use, and what its parts share."""

    options: Options
    hardware: Hardware
    shape: Shape
    bench: Bench

    @classmethod
    def made(cls, options: Options) -> Card:
        """Choose the device, and save a model once for all processes."""
        hardware = choose_hardware("cpu" if options.dry_run else "cuda")
        shape = SHAPES["bert-base"]
        if options.dry_run:
            use_threads(1)  # tiny work on several threads is mostly waiting
            hardware, shape = replace(hardware, token_budget=512, enough_tokens=128), TINY
        folder = options.folder / "model"
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=options.folder) as made:
                save_random(shape, Path(made)).rename(folder)
        tokens = 600 if options.dry_run else SCORED_TOKENS
        return cls(options, hardware, shape, Bench(hardware, shape, folder, TURNS, tokens))

    @property
    def facts(self) -> dict[str, Any]:
        """What the device is, in words."""
        facts: dict[str, Any] = {"device": self.hardware.name, "precision": self.hardware.precision}
        facts["torch"] = f"torch {torch.__version__}"
        if self.hardware.device.type == "cuda":
            known = torch.cuda.get_device_properties(self.hardware.device)
            facts["memory"] = f"{known.total_memory / 1e9:.0f} GB"
            facts["cudnn"] = f"cuDNN {torch.backends.cudnn.version()}"
        return facts

    @property
    def threads(self) -> int:
        """Threads of a worker on its CPU."""
        return torch.get_num_threads()

    @cached_property
    def texts(self) -> dict[str, TokenTable]:
        """Texts as long as real ones, enough for a pass that is timed."""
        rng, tokens = seeds.generator("calibration"), self.bench.tokens
        mean = {name: float(np.exp(mu + sd**2 / 2)) for name, (mu, sd) in LOG_NORMAL.items()}
        return {name: made_up(name, max(int(tokens / mean[name]), 256), rng) for name in LOG_NORMAL}

    @cached_property
    def flops_per_s(self) -> float:
        """The card's rate of the matrix products of a layer, in the precision of passes."""
        multiply, operations = products(self.shape.hidden, self.shape.inner, self.hardware)
        return operations / self.seconds(multiply)

    def noise(self, *size: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Return normal numbers on the device, since a GPU multiplies constants faster."""
        return torch.randn(*size, generator=self._rng, device=self.hardware.device, dtype=dtype)

    def words(self, rows: int, length: int) -> torch.Tensor:
        """Return token numbers (rows, length) on the device."""
        return torch.randint(1000, 30_000, (rows, length), generator=self._rng, device=self.hardware.device)

    @cached_property
    def _rng(self) -> torch.Generator:
        return torch.Generator(self.hardware.device).manual_seed(seeds.torch_seed("calibration", card=0))

    def linear(self, rows: int, d: int, f: int) -> float:
        """Return the rate of a product (rows, d) x (d, f) in the precision of passes, in FLOP/s."""
        dtype = torch.bfloat16 if self.hardware.bf16 else torch.float32
        x, weight = (self.noise(*size, dtype=dtype) for size in ((rows, d), (f, d)))
        return 2.0 * rows * d * f / self.seconds(lambda: torch.nn.functional.linear(x, weight))

    def seconds(self, work: Callable[[], object], turns: int = TURNS) -> float:
        """Return the shortest of some times of a piece of work, after a first that does not count."""
        return time_in_turns({"work": work}, self.hardware, turns)["work"]


@dataclass(frozen=True)
class GpuPart:
    """A part: what it does, and the seconds it may take."""

    work: Callable[[Card], Iterator[Measure]]
    seconds: float
    gpu_only: bool = False
