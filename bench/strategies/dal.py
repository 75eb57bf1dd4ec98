"""DAL: discriminative active learning."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bench.strategies.base import Algorithm, check_option
from bench.strategies.select import top_k
from bench.strategies.view import FloatArray, IntArray, Need, PoolView

if TYPE_CHECKING:
    import torch
    from torch import nn

_CHUNK = 8192  # rows scored at a time
_UNLABELLED_PER_LABELLED = 10
_TARGET_ACCURACY = 0.98


@dataclass(frozen=True)
class Dal(Algorithm):
    """Takes the rows that a small network is surest are *not* like the labelled ones, in sub-batches.

    Attributes:
        sub_batches: parts of a batch; rows of one count as labelled when the network of the next is trained.
        hidden: width of each of the three hidden layers.
        learning_rate: of Adam.
        epochs: limit, should the training accuracy never exceed 0.98.
        batch_size: training rows a step.
    """

    name: ClassVar[str] = "dal"
    title: ClassVar[str] = "DAL"
    paper: ClassVar[str] = "Gissin & Shalev-Shwartz 2019, Algorithm 1; weights: Fairstein et al. 2024, Algorithm 2"
    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})
    open_points: ClassVar[str] = (
        "Inputs are standardised per feature: embeddings of small spread otherwise train to the epoch limit "
        "and rank nothing. Adam at 1e-3 with batches of 128 and at most 100 epochs (the authors' code varies "
        "them by dataset: 1e-4 to 1e-3, 32 to 1024, 200 to 1000). Accuracy is the running one of an epoch, "
        "the loss unweighted, as there; all unlabelled rows are scored, not only the sample trained on. With "
        "nothing labelled the first sub-batch goes by w and priority."
    )

    sub_batches: int = 10
    hidden: int = 256
    learning_rate: float = 1e-3
    epochs: int = 100
    batch_size: int = 128

    def __post_init__(self) -> None:
        for option in ("sub_batches", "hidden", "epochs", "batch_size"):
            check_option(self, option, getattr(self, option) >= 1, ">= 1")
        check_option(self, "learning_rate", 0 < self.learning_rate < math.inf, "> 0 and finite")

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return k rows, sub-batch after sub-batch, each the top of w * P(unlabelled)."""
        import torch

        rng = torch.Generator().manual_seed(int(view.generator.integers(2**63 - 1)))
        # Rows are kept in the order of their priorities, so that the pool's own order is irrelevant.
        left = np.argsort(view.priority, kind="stable")
        taken = left[:0]
        # The loop may score the pool in inference mode; the network here is trained.
        with torch.inference_mode(mode=False), torch.enable_grad():
            for part in np.array_split(np.arange(k), min(k, self.sub_batches)):
                scores = self._scores(view, taken, left, rng)
                best = top_k(scores, w[left], len(part), view.priority[left])
                taken = np.append(taken, left[best])
                left = np.delete(left, best)
        return taken

    def _scores(self, view: PoolView, taken: IntArray, left: IntArray, rng: torch.Generator) -> FloatArray:
        """Return P(unlabelled) of the rows left, given the labelled ones and those taken in this round."""
        import torch

        h = view.embeddings
        labelled = torch.cat([view.labelled_embeddings.float(), _rows(h, taken)])
        if len(labelled) == 0:
            return np.ones(len(left))
        sample = torch.randperm(len(left), generator=rng)[: _UNLABELLED_PER_LABELLED * len(labelled)]
        X = torch.cat([labelled, _rows(h, left[sample.numpy()])])
        y = torch.ones(len(X), dtype=torch.long, device=X.device)
        y[: len(labelled)] = 0
        # correction=0 keeps a single training row finite; a constant feature stays 0 instead of 0 / 0.
        std, mean = torch.std_mean(X, dim=0, correction=0)
        std = torch.where(std > 0, std, 1.0)
        network = self._trained((X - mean) / std, y, rng)
        # In float64, or all sure rows would tie at exactly 1. Written into one place: small results kept between the
        # large chunks would break the heap into pieces that no later chunk fits, and memory would grow with the pool.
        margins = torch.empty(len(left), dtype=torch.double, device=X.device)
        with torch.no_grad():
            for start in range(0, len(left), _CHUNK):
                logits = network((_rows(h, left[start : start + _CHUNK]) - mean) / std).double()
                margins[start : start + _CHUNK] = logits[:, 1] - logits[:, 0]
        return torch.sigmoid(margins).cpu().numpy()

    def _trained(self, X: torch.Tensor, y: torch.Tensor, rng: torch.Generator) -> nn.Module:
        """Return a new network trained until an epoch's running accuracy exceeds the target."""
        import torch
        from torch import nn
        from torch.nn.functional import cross_entropy

        network = nn.Sequential(*_layers([X.shape[1], *[self.hidden] * 3, 2], rng)).to(X.device)
        adam = torch.optim.Adam(network.parameters(), lr=self.learning_rate, fused=True)
        for _ in range(self.epochs):
            correct = torch.zeros((), dtype=torch.long, device=X.device)
            for batch in torch.randperm(len(X), generator=rng).to(X.device).split(self.batch_size):
                logits = network(X[batch])
                adam.zero_grad()
                cross_entropy(logits, y[batch]).backward()
                adam.step()
                correct += (logits.argmax(1) == y[batch]).sum()
            if correct.item() / len(X) > _TARGET_ACCURACY:
                break
        return network


def _rows(h: torch.Tensor, rows: IntArray) -> torch.Tensor:
    """Return rows of h as float32."""
    import torch

    return h[torch.from_numpy(rows).to(h.device)].float()


def _layers(widths: list[int], rng: torch.Generator) -> Iterator[nn.Module]:
    """Yield linear layers with ReLU between, drawn from ``rng`` as the authors' library (Keras) does."""
    from torch import nn

    for depth, (inputs, outputs) in enumerate(pairwise(widths)):
        if depth:
            yield nn.ReLU()
        # skip_init, because the usual constructor draws from the global generator.
        layer = nn.utils.skip_init(nn.Linear, inputs, outputs)
        nn.init.xavier_uniform_(layer.weight, generator=rng)
        nn.init.zeros_(layer.bias)
        yield layer
