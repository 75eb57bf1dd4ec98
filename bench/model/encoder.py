"""A checkpoint as a two-class classifier, held in memory by one worker and reset for every fit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from bench import seeds
from bench.data.tokens import TokenTable
from bench.errors import ModelError, RunError
from bench.model import checkpoint as checkpoints
from bench.model.batching import Collate, pad, token_budget_batches
from bench.model.fitting import fit_classifier
from bench.model.hardware import Hardware
from bench.records import ModelSettings, TrainSettings
from bench.seeds import Part

IntArray = npt.NDArray[np.int64]
P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger("bench")


@dataclass(frozen=True)
class Scores:
    """What a pass over rows yields.

    Attributes:
        probabilities: (n,) float64, p(x), probability of the positive class.
        embeddings: (n, d) float32 on the model's device, the input of the last layer, or None if not asked for.
    """

    probabilities: npt.NDArray[np.float64]
    embeddings: torch.Tensor | None


def _in_smaller_batches(a_pass: Callable[Concatenate[Encoder, P], T]) -> Callable[Concatenate[Encoder, P], T]:
    """Make a pass that runs out of memory start again with half the token budget, down to one row a batch."""

    @wraps(a_pass)
    def repeated(encoder: Encoder, /, *args: P.args, **options: P.kwargs) -> T:
        whole = encoder.hardware
        try:
            while True:
                try:
                    return a_pass(encoder, *args, **options)
                except RunError as error:
                    budget = encoder.hardware.token_budget // 2
                    if not budget or not isinstance(error.__cause__, torch.OutOfMemoryError):
                        raise
                log.warning("out of memory on %s; trying again with %d tokens a batch", whole.name, budget)
                encoder.hardware = replace(whole, token_budget=budget)
        finally:
            encoder.hardware = whole

    return repeated


class Encoder:
    """The classifier M: :meth:`reset` gives M_0's weights, :meth:`fit` M_t's, :meth:`score` applies the last ones."""

    def __init__(self, settings: ModelSettings, hardware: Hardware) -> None:
        """Load a checkpoint once.

        Raises:
            ModelError: if it cannot be reached or read, has no padding token, or no linear last layer with two outputs.
        """
        self.settings, self.hardware = settings, hardware
        self.checkpoint = checkpoints.resolve(settings.name, settings.revision)
        self.tokenizer = checkpoints.load_tokenizer(self.checkpoint)
        if self.tokenizer.pad_token_id is None:
            raise ModelError(f"model {settings.name!r} has no padding token; use an encoder such as BERT")
        self.model, self._fresh = checkpoints.load_classifier(self.checkpoint)
        self.fingerprint = checkpoints.fingerprint(self.model, self._fresh)
        self.model.to(hardware.device)
        self._pretrained = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self._last_layer = _last_layer(self.model, settings.name)

    @property
    def pad_id(self) -> int:
        """Number of the padding token."""
        return int(self.tokenizer.pad_token_id)

    @property
    def max_length(self) -> int:
        """Longest text the model takes, in tokens, special tokens included."""
        return int(min(self.tokenizer.model_max_length, getattr(self.model.config, "max_position_embeddings", 2**30)))

    def reset(self, **parts: Part) -> None:
        """Restore the pre-trained weights in memory, and draw the untrained head from the stream of ``parts``."""
        self.model.load_state_dict(self._pretrained)
        rng = torch.Generator().manual_seed(seeds.torch_seed("head", **parts))
        deviation = float(getattr(self.model.config, "initializer_range", 0.02))
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                if name in self._fresh:
                    parameter.copy_(_fresh_values(parameter.shape, deviation, rng))

    def fit(self, tokens: TokenTable, rows: IntArray, labels: IntArray, train: TrainSettings, **parts: Part) -> None:
        """Fine-tune from the pre-trained checkpoint on labelled rows (repeats allowed); random draws by ``parts``."""
        self.reset(**parts)
        fit_classifier(
            self.model,
            Collate(tokens, rows, labels, self.pad_id),
            train,
            self.hardware,
            order=seeds.generator("batches", **parts),
            dropout_seed=seeds.torch_seed("dropout", **parts),
        )

    @_in_smaller_batches
    @torch.no_grad()
    def score(
        self, tokens: TokenTable, rows: IntArray, *, embeddings: bool = False, dropout_seed: int | None = None
    ) -> Scores:
        """Apply the classifier to rows in length-sorted token-budget batches.

        Args:
            tokens: of a split.
            rows: (n,) which of them to score.
            embeddings: return h(x) too.
            dropout_seed: leave dropout on, drawn from this seed (Monte-Carlo dropout); None for none.

        Raises:
            RunError: if the device runs out of memory even row by row, or a probability is not finite.
        """
        self.model.to(self.hardware.device).train(dropout_seed is not None)
        logits = torch.empty(len(rows), 2, device=self.hardware.device)
        hidden: torch.Tensor | None = None
        captured: list[torch.Tensor] = []
        hook = self._last_layer.register_forward_pre_hook(lambda _module, inputs: captured.append(inputs[0]))
        try:
            with torch.random.fork_rng(self.hardware.gpus), self._clear_if_out_of_memory(len(rows)):
                if dropout_seed is not None:
                    torch.manual_seed(dropout_seed)
                for where, batch in self._batches(tokens, rows):
                    captured.clear()
                    with self.hardware.autocast():
                        logits[where] = self.model(**batch).logits.float()
                    if embeddings:
                        h = captured[-1].float()
                        hidden = torch.empty(len(rows), h.shape[-1], device=h.device) if hidden is None else hidden
                        hidden[where] = h
        finally:
            hook.remove()
        probabilities = torch.softmax(logits.double(), dim=1)[:, 1].cpu().numpy()
        if not np.isfinite(probabilities).all():
            raise RunError("the model's probabilities are not finite; use --set model.precision=fp32")
        return Scores(probabilities, hidden)

    @_in_smaller_batches
    @torch.no_grad()
    def embed(self, tokens: TokenTable, rows: IntArray) -> npt.NDArray[np.float32]:
        """Return text embeddings by the *pre-trained* encoder, (n, e) float32: the mean over a text's tokens.

        That mean, not [CLS], is what sentence encoders such as all-MiniLM are trained for (Reimers & Gurevych 2019).
        The pre-trained weights are restored: a model fitted before is gone.

        Raises:
            RunError: if the device runs out of memory even row by row.
        """
        self.model.load_state_dict(self._pretrained)
        body = getattr(self.model, self.model.base_model_prefix).to(self.hardware.device).eval()
        out = torch.empty(len(rows), self.model.config.hidden_size, device=self.hardware.device)
        with self._clear_if_out_of_memory(len(rows)):
            for where, batch in self._batches(tokens, rows):
                with self.hardware.autocast():
                    hidden = body(**batch).last_hidden_state.float()
                mask = batch["attention_mask"][:, :, None].float()
                out[where] = (hidden * mask).sum(1) / mask.sum(1)
        return out.cpu().numpy()

    def _batches(self, tokens: TokenTable, rows: IntArray) -> Iterator[tuple[torch.Tensor, dict[str, torch.Tensor]]]:
        """Yield where a batch's rows stand, and the batch, on the device."""
        device = self.hardware.device
        for at in token_budget_batches(tokens.lengths[rows], self.hardware.token_budget):
            batch = pad(tokens, rows[at], self.pad_id)
            yield torch.from_numpy(at).to(device), {name: value.to(device) for name, value in batch.items()}

    @contextmanager
    def _clear_if_out_of_memory(self, rows: int) -> Iterator[None]:
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise RunError(
                f"out of memory on {self.hardware.name} while scoring {rows} rows; lower model.max_length"
            ) from error


def _fresh_values(shape: torch.Size, deviation: float, rng: torch.Generator) -> torch.Tensor:
    """BERT's initialisation of a new head: normal weights, zero biases."""
    return torch.randn(shape, generator=rng) * deviation if len(shape) > 1 else torch.zeros(shape)


def _last_layer(model: Any, name: str) -> torch.nn.Linear:
    """Return the linear layer that makes the two logits; its input is the embedding h(x)."""
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear) and m.out_features == 2]
    if not linear:
        raise ModelError(f"model {name!r} ends in no linear layer with two outputs; use an encoder such as BERT")
    return linear[-1]
