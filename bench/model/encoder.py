"""A checkpoint as a two-class classifier, held in memory by one worker and reset for every fit."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from bench import seeds
from bench.arrays import IntArray
from bench.data.tokens import TokenTable
from bench.errors import ModelError, RunError
from bench.model import checkpoint as checkpoints
from bench.model import content
from bench.model.attention import to_bf16
from bench.model.batching import Collate, in_smaller_batches, length_batches, pad, unsort_
from bench.model.first_token import first_token_only
from bench.model.fitting import fit_classifier
from bench.model.hardware import Hardware
from bench.model.replay import ReplayedSteps
from bench.model.standard_state import standard_state
from bench.records import ModelSettings, TrainSettings
from bench.seeds import StreamPart

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class EncoderScores:
    """What a pass over rows yields.

    Attributes:
        probabilities: (n,) float64, p(x), probability of the positive class.
        embeddings: (n, d) float32 on the model's device, the input of the last layer, or None if not asked for.
    """

    probabilities: npt.NDArray[np.float64]
    embeddings: torch.Tensor | None


def _in_smaller_batches(a_pass: Callable[Concatenate[Encoder, P], T]) -> Callable[Concatenate[Encoder, P], T]:
    """Make a pass that runs out of memory start again in smaller batches."""

    @wraps(a_pass)
    def repeated(encoder: Encoder, /, *args: P.args, **options: P.kwargs) -> T:
        def attempt(hardware: Hardware) -> T:
            encoder.hardware = hardware
            return a_pass(encoder, *args, **options)

        whole = encoder.hardware
        try:
            return in_smaller_batches(whole, attempt)
        finally:
            encoder.hardware = whole

    return repeated


class Encoder:
    """The classifier M: :meth:`reset` gives M_0's weights, :meth:`fit` M_t's, :meth:`score` applies the last ones."""

    @standard_state()
    def __init__(self, settings: ModelSettings, hardware: Hardware, cache_dir: Path | None = None) -> None:
        """Load a checkpoint once.

        Args:
            settings: which; ``content``, where it is given, must be what its files hold.
            hardware: where and how to compute.
            cache_dir: where hashes of its files are remembered.

        Raises:
            ModelError: if it cannot be reached or read, has other content than the settings say, has no padding token,
                or no linear last layer with two outputs.
        """
        self.settings, self.hardware = settings, hardware
        self.checkpoint = checkpoints.resolve(settings.name, settings.revision)
        self.tokenizer = checkpoints.load_tokenizer(self.checkpoint)
        if self.tokenizer.pad_token_id is None:
            raise ModelError(f"model {settings.name!r} has no padding token; use an encoder such as BERT")
        self.model, self._fresh = checkpoints.load_classifier(self.checkpoint)
        self.content = content.require(settings, self.checkpoint, cache_dir)  # after loading: of what was loaded
        self.model.to(hardware.device)
        self._weights = self.model.state_dict()
        self._pretrained = {name: value.clone() for name, value in self._weights.items()}
        self._last_layer = _last_layer(self.model, settings.name)
        self._in_bf16: Any = None
        self._replayed: ReplayedSteps | None = None

    @property
    def pad_id(self) -> int:
        """Number of the padding token."""
        return int(self.tokenizer.pad_token_id)

    @property
    def pads_left(self) -> bool:
        """Whether the classifier reads the last token, so that padding must stand before a text."""
        return bool(self.model.config.model_type == "xlnet")

    @property
    def max_length(self) -> int:
        """Longest text the model takes, in tokens, special tokens included."""
        return int(min(self.tokenizer.model_max_length, _positions(self.model)))

    @property
    def attention(self) -> str:
        """Which implementation of attention fits use: torch's own (sdpa) or, where there is none, the model's."""
        return str(self.model.config._attn_implementation)  # noqa: SLF001 - transformers says it nowhere else

    @property
    def flops_per_token(self) -> float:
        """Floating-point operations a token of a forward pass, attention left out: two a weight."""
        return 2.0 * sum(m.weight.numel() for m in self.model.modules() if isinstance(m, torch.nn.Linear))

    @standard_state()
    def reset(self, **parts: StreamPart) -> None:
        """Restore the pre-trained weights in memory, and draw the untrained head from the stream of ``parts``."""
        _copy(self._pretrained, self._weights)
        rng = torch.Generator().manual_seed(seeds.torch_seed("head", **parts))
        deviation = float(getattr(self.model.config, "initializer_range", 0.02))
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                if name in self._fresh:
                    parameter.copy_(_fresh_values(parameter.shape, deviation, rng))

    @standard_state()
    def fit(
        self, tokens: TokenTable, rows: IntArray, labels: IntArray, train: TrainSettings, **parts: StreamPart
    ) -> None:
        """Fine-tune from the pre-trained checkpoint on labelled rows (repeats allowed); random draws by ``parts``."""
        self.reset(**parts)
        fit_classifier(
            self.model,
            Collate(tokens, rows, labels, self.pad_id, self.pads_left),
            train,
            self.hardware,
            order=seeds.generator("batches", **parts),
            dropout_seed=seeds.torch_seed("dropout", **parts),
            replayed=self._steps(train),
        )

    def _steps(self, train: TrainSettings) -> ReplayedSteps | None:
        """Return the steps that fits of these settings replay, or None where they are not replayed."""
        if not self.hardware.replays:
            return None
        if self._replayed is None or self._replayed.settings != train:
            self._replayed = ReplayedSteps(self.model, train, self.hardware, self.max_length)
        return self._replayed

    @standard_state()
    @_in_smaller_batches
    @torch.no_grad()
    def score(
        self, tokens: TokenTable, rows: IntArray, *, embeddings: bool = False, dropout_seed: int | None = None
    ) -> EncoderScores:
        """Apply the classifier to rows in length-sorted token-budget batches.

        Args:
            tokens: of a split.
            rows: (n,) which of them to score.
            embeddings: return h(x) too.
            dropout_seed: leave dropout on, drawn from this seed (Monte-Carlo dropout); None for none.

        Raises:
            RunError: if the device runs out of memory even row by row, or a probability is not finite.
        """
        model = self._for_inference()
        logits = torch.empty(len(rows), 2, device=self.hardware.device)
        hidden: torch.Tensor | None = None
        captured: list[torch.Tensor] = []

        def capture(_layer: torch.nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
            captured[:] = [inputs[0].float()]  # the last layer is in fp32
            return (captured[0],)

        hook = model.get_submodule(self._last_layer).register_forward_pre_hook(capture)
        try:
            with (
                torch.random.fork_rng(self.hardware.gpus),
                first_token_only(model),
            ):
                model.train(dropout_seed is not None)
                if dropout_seed is not None:
                    torch.manual_seed(dropout_seed)
                for part, batch in self._batches(tokens, rows):
                    logits[part] = model(**batch).logits
                    if embeddings:
                        h = captured[0]
                        hidden = torch.empty(len(rows), h.shape[-1], device=h.device) if hidden is None else hidden
                        hidden[part] = h
        finally:
            hook.remove()
        for values in (logits,) if hidden is None else (logits, hidden):
            unsort_(values, tokens.lengths[rows], self.hardware.send)
        probabilities = torch.softmax(logits.double(), dim=1)[:, 1].cpu().numpy()
        if not np.isfinite(probabilities).all():
            raise RunError("the model's probabilities are not finite; use --set model.precision=fp32")
        return EncoderScores(probabilities, hidden)

    @standard_state()
    @_in_smaller_batches
    @torch.no_grad()
    def embed(self, tokens: TokenTable, rows: IntArray) -> npt.NDArray[np.float32]:
        """Return text embeddings by the *pre-trained* encoder, (n, e) float32: the mean over a text's tokens.

        That mean, not [CLS], is what sentence encoders such as all-MiniLM are trained for (Reimers & Gurevych 2019).
        The pre-trained weights are restored: a model fitted before is gone.

        Raises:
            RunError: if the device runs out of memory even row by row.
        """
        _copy(self._pretrained, self._weights)
        body = getattr(self._for_inference(), self.model.base_model_prefix).eval()
        out = torch.empty(len(rows), self.model.config.hidden_size, device=self.hardware.device)
        for part, batch in self._batches(tokens, rows):
            hidden = body(**batch).last_hidden_state.float()
            mask = batch.get("attention_mask", torch.ones_like(batch["input_ids"]))[:, :, None].float()
            out[part] = (hidden * mask).sum(1) / mask.sum(1)
        return unsort_(out, tokens.lengths[rows], self.hardware.send).cpu().numpy()

    def _for_inference(self) -> Any:
        """Return the model in the arithmetic of a pass: itself, or in bf16 a copy whose weights were cast just now.

        Casting once a pass spares what autocast would cast in every batch, and the whole pass stays in bf16. The last
        layer alone is in fp32: logits of 8 bits would make many probabilities equal.
        """
        if not self.hardware.bf16:
            return self.model
        if self._in_bf16 is None:
            self._in_bf16 = to_bf16(copy.deepcopy(self.model), self.hardware)
            self._in_bf16.get_submodule(self._last_layer).float()
        _copy(self._weights, self._in_bf16.state_dict())
        return self._in_bf16

    def _batches(self, tokens: TokenTable, rows: IntArray) -> Iterator[tuple[slice, dict[str, torch.Tensor]]]:
        """Yield which rows of the pass, in the order of their lengths, a batch holds, and the batch, on the device."""
        send, start = self.hardware.send, 0
        for at in length_batches(tokens.lengths[rows], self.hardware.token_budget, self.hardware.enough_tokens):
            batch = pad(tokens, rows[at], self.pad_id, left=self.pads_left)
            yield slice(start, start := start + len(at)), {name: send(value) for name, value in batch.items()}


def _fresh_values(shape: torch.Size, deviation: float, rng: torch.Generator) -> torch.Tensor:
    """BERT's initialisation of a new head: normal weights, zero biases."""
    return torch.randn(shape, generator=rng) * deviation if len(shape) > 1 else torch.zeros(shape)


@torch.no_grad()
def _copy(source: dict[str, torch.Tensor], target: dict[str, torch.Tensor]) -> None:
    """Copy weights into those of another model, in place; they are cast to its type."""
    for name, value in source.items():
        target[name].copy_(value)


def _last_layer(model: Any, name: str) -> str:
    """Return the name of the linear layer that makes the two logits; its input is the embedding h(x)."""
    linear: list[str] = [
        at for at, m in model.named_modules() if isinstance(m, torch.nn.Linear) and m.out_features == 2
    ]
    if not linear:
        raise ModelError(f"model {name!r} ends in no linear layer with two outputs; use an encoder such as BERT")
    return linear[-1]


def _positions(model: Any) -> int:
    """Return how many tokens a model has positions for.

    RoBERTa and its relatives number positions from the padding token's number + 1 on, so that of 514 rows of their
    table 512 are of use.
    """
    for name, module in model.named_modules():
        if (
            name.endswith("position_embeddings")
            and isinstance(module, torch.nn.Embedding)
            and module.padding_idx is not None
        ):
            return module.num_embeddings - module.padding_idx - 1
    said = getattr(model.config, "max_position_embeddings", None)
    return said if said is not None and said > 0 else 2**30  # XLNet says -1
