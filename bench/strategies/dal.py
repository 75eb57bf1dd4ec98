"""DAL: discriminative active learning."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.base import Algorithm, check_option
from bench.strategies.discriminator import Discriminator
from bench.strategies.select import top_k
from bench.strategies.view import Need, PoolView

if TYPE_CHECKING:
    import torch

SCORED_ROWS, _GPU_SCORED_ROWS = 512, 65_536
"""Rows scored at a time: on a CPU so few that what the network makes of them stays in a core's cache."""
HIDDEN = 256  # width of each of the three hidden layers
UNLABELLED_PER_LABELLED = 10
_TARGET_ACCURACY = 0.98
_PATIENCE = 20, 50  # epochs, and steps, at the majority rate after which a network is given up
_ROUNDING = 1 + 2.0**-38  # products that differ by less are ties (bench.strategies.select)


class Training(NamedTuple):
    """How a batch is divided and a network trained.

    Attributes:
        sub_batches: parts of a batch; rows of one count as labelled when the network of the next is trained.
        batch_size: training rows a step.
        learning_rate: of Adam.
        epochs: limit, should the training accuracy never exceed 0.98.
    """

    sub_batches: int
    batch_size: int
    learning_rate: float
    epochs: int


SETTINGS = {
    "authors": Training(sub_batches=10, batch_size=32, learning_rate=1e-3, epochs=1000),
    "ibm": Training(sub_batches=5, batch_size=100, learning_rate=1e-4, epochs=10),
    "fast": Training(sub_batches=3, batch_size=128, learning_rate=1e-3, epochs=1000),
}
"""Named settings: of the authors' code, of Ein-Dor et al.'s code for BERT, and of this suite."""


@dataclass(frozen=True)
class Dal(Algorithm):
    """Takes the rows that a small network is surest are *not* like the labelled ones, in sub-batches.

    Attributes:
        settings: name of a set of values for the other options: ``authors``, ``ibm`` or ``fast``.
        sub_batches, batch_size, learning_rate, epochs: see :class:`Training`; 0: as ``settings`` has it.
    """

    name: ClassVar[str] = "dal"
    title: ClassVar[str] = "DAL"
    paper: ClassVar[str] = "Gissin & Shalev-Shwartz 2019, Algorithm 1; weights: Fairstein et al. 2024, Algorithm 2"
    version: ClassVar[str] = "4"
    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})
    open_points: ClassVar[str] = (
        "Inputs are h as it is: standardised ones are memorised in a few epochs. Accuracy is the running one of an "
        "epoch, the loss unweighted, as in the authors' code; all unlabelled rows are scored, not only the sample "
        "trained on. Settings: authors (Adam 1e-3, batch 32, limit 1000, 10 sub-batches); ibm (Ein-Dor et al. 2020 "
        "for BERT: 1e-4, 100, 10, 5); fast, this suite's and the default (1e-3, 128, 1000, 3). One query of 50 rows on "
        "frozen MiniLM embeddings of sst2/negative and pubmed/OBJECTIVE at 1/50, 60 rows labelled, uniform weights: "
        "networks of authors and fast always pass accuracy 0.98, and what they select lies 1.18-1.20 from the nearest "
        "labelled row (the pool at 1.07), with 9-21 % in common between two draws; those of ibm never pass, and "
        "select rows as near as the pool's (0.96-1.14 on pubmed and dbpedia/Company, the pool at 1.07-1.17). With 260 "
        "labelled a query of fast takes a fifth of authors'. Under InvProp two draws share 81-97 % with any. With "
        "nothing labelled the first sub-batch goes by w and priority."
    )

    settings: str = "fast"
    sub_batches: int = 0
    batch_size: int = 0
    learning_rate: float = 0.0
    epochs: int = 0

    def __post_init__(self) -> None:
        check_option(self, "settings", self.settings in SETTINGS, ", ".join(SETTINGS))
        for option in ("sub_batches", "batch_size", "epochs"):
            check_option(self, option, getattr(self, option) >= 0, ">= 1, or 0 for that of the settings")
        check_option(
            self, "learning_rate", 0 <= self.learning_rate < math.inf, "> 0 and finite, or 0 for that of the settings"
        )

    @property
    def training(self) -> Training:
        """The named settings, with the options that are given in their place."""
        given = {option: getattr(self, option) for option in Training._fields if getattr(self, option)}
        return SETTINGS[self.settings]._replace(**given)

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return k rows, sub-batch after sub-batch, each the top of w * P(unlabelled)."""
        import torch

        rng = torch.Generator().manual_seed(int(view.generator.integers(2**63 - 1)))
        # Rows are kept in the order of their priorities, so that the pool's own order is irrelevant.
        left = np.argsort(view.priority, kind="stable")
        taken = left[:0]
        # The loop may score the pool in inference mode; the network here is trained.
        with torch.inference_mode(mode=False), torch.no_grad():
            for part in np.array_split(np.arange(k), min(k, self.training.sub_batches)):
                network = self._network(view, taken, left, rng)
                best = _best(view, network, w, left, len(part))
                taken = np.append(taken, left[best])
                left = np.delete(left, best)
        return taken

    def _network(self, view: PoolView, taken: IntArray, left: IntArray, rng: torch.Generator) -> Discriminator | None:
        """Return a network that tells labelled rows, and those taken, from the rows left; None: nothing is labelled."""
        import torch

        h = view.embeddings
        labelled = torch.cat([view.labelled_embeddings.float(), _rows(h, taken)])
        if len(labelled) == 0:
            return None
        sample = torch.randperm(len(left), generator=rng)[: UNLABELLED_PER_LABELLED * len(labelled)]
        X = torch.cat([labelled, _rows(h, left[sample.numpy()])])
        y = torch.ones(len(X), device=X.device)
        y[: len(labelled)] = 0
        network = Discriminator([X.shape[1], *[HIDDEN] * 3, 2], self.training.learning_rate, rng, X.device)
        _train(network, X, y, self.training, rng)
        return network


def _train(network: Discriminator, X: torch.Tensor, y: torch.Tensor, training: Training, rng: torch.Generator) -> None:
    """Train until an epoch's running accuracy exceeds the target, or it stays at the rate of the larger class.

    An epoch is shuffled as a whole, and its accuracy read once: on a GPU each further call would cost as much as the
    arithmetic.
    """
    import torch

    ones = int(y.sum())
    majority, idle = max(ones, len(y) - ones) / len(y), 0
    for _ in range(training.epochs):
        order = torch.randperm(len(X), generator=rng).to(X.device)
        batches = X.index_select(0, order).split(training.batch_size), y[order].split(training.batch_size)
        said = [network.step(rows, kinds) for rows, kinds in zip(*batches, strict=True)]
        accuracy = float(((torch.cat(said) > 0) == (y[order] > 0)).double().mean())
        idle = idle + 1 if accuracy <= majority else 0
        if accuracy > _TARGET_ACCURACY or (idle >= _PATIENCE[0] and idle * len(said) >= _PATIENCE[1]):
            break


def _best(view: PoolView, network: Discriminator | None, w: FloatArray, left: IntArray, k: int) -> IntArray:
    """Return which k of the rows left have the largest w * P(unlabelled), as positions in ``left``.

    P is at most 1. Rows are therefore scored in the order of their weights, largest first, and only until no weight
    left reaches the k-th best product: exact, and under InvProp most of a pool is never scored.
    """
    weights, priority = w[left], view.priority[left]
    if network is None:
        return top_k(np.ones(len(left)), weights, k, priority)
    chunk = SCORED_ROWS if view.embeddings.device.type == "cpu" else _GPU_SCORED_ROWS
    order = np.argsort(-weights, kind="stable")
    scores = np.zeros(len(left))
    best = order[:0]
    for start in range(0, len(order), chunk):
        part = order[start : start + chunk]
        if len(best) == k and weights[part[0]] * _ROUNDING < weights[best[-1]] * scores[best[-1]]:
            break
        # In float64, or all sure rows would tie at exactly 1.
        scores[part] = network.logits(_rows(view.embeddings, left[part])).double().sigmoid().cpu().numpy()
        rows = np.concatenate([best, part])
        best = rows[top_k(scores[rows], weights[rows], min(k, len(rows)), priority[rows])]
    return best


def _rows(h: torch.Tensor, rows: IntArray) -> torch.Tensor:
    """Return rows of h as float32."""
    import torch

    return h.index_select(0, torch.from_numpy(rows).to(h.device)).float()
