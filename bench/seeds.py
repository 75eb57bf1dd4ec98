"""The only place where random generators are born.

Every draw comes from a stream named by its purpose and by the parts it depends on, never from global state and
never from a strategy's name. Two strategies of one block therefore use common random numbers,
and a run's result does not depend on which runs came before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

StreamPart = str | int
Purpose = Literal[
    "positives",  # the permutation of a class's positives; depends on dataset and class alone
    "negatives",  # the permutation of its negatives
    "start",  # the start set of a run seed
    "priority",  # one uniform draw a row: ties, Gumbel noise, draw order
    "select",  # whatever else an algorithm draws in a round
    "head",  # initialisation of the classification head
    "batches",  # order of the training rows
    "oversample",  # which positives are replicated
    "bootstrap",  # which labelled rows a further member of an ensemble is fitted on
    "dropout",  # the global torch stream during a fit
    "mc_dropout",  # the same during a pass over the pool under a dropout mask
    "mask",  # masked positions for the surprisal
    "lm_head",  # training of a masked-LM head for a checkpoint that has none
    "test_limit",  # which test rows a small machine keeps
    "calibration",  # tokens to be timed
    "svd",  # the random projections of a truncated singular value decomposition
    "split",  # which files of an embedded dataset are test files
    "sign_flip",  # the sign flips of a permutation test with too many to enumerate
    "bootstrap_seeds",  # which seeds a resample of runs holds
    "simulation",  # the simulated grids by which the suite validates its own tests
]
PURPOSES: tuple[str, ...] = get_args(Purpose)


def canonical(value: object) -> str:
    """Return the one JSON spelling of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: object, length: int = 32) -> str:
    """Return the first ``length`` hex digits of the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:length]


def stream(purpose: Purpose, **parts: StreamPart) -> int:
    """Return a 128-bit seed for the stream of this purpose and these parts.

    Raises:
        ValueError: if the purpose is not declared in :data:`Purpose`.
    """
    if purpose not in PURPOSES:
        raise ValueError(f"undeclared random stream {purpose!r}; declared: {', '.join(PURPOSES)}")
    return int(digest({"purpose": purpose, **parts}), 16)


def generator(purpose: Purpose, **parts: StreamPart) -> np.random.Generator:
    """Return the NumPy generator of a named stream."""
    return np.random.default_rng(stream(purpose, **parts))


def torch_seed(purpose: Purpose, **parts: StreamPart) -> int:
    """Return a seed in the range torch accepts (63 bits) for a named stream."""
    return stream(purpose, **parts) >> 65


@dataclass(frozen=True)
class Streams:
    """The random streams of one piece of work, such as a fit, by their purpose.

    Attributes:
        parts: what the work depends on.
    """

    parts: Mapping[str, StreamPart]

    def generator(self, purpose: Purpose) -> np.random.Generator:
        """Return the NumPy generator of a stream."""
        return generator(purpose, **self.parts)

    def torch_seed(self, purpose: Purpose) -> int:
        """Return a stream's seed for torch."""
        return torch_seed(purpose, **self.parts)


def pair_key(parts: Mapping[str, object]) -> str:
    """Return the hash of all that two runs must share before their results may be paired."""
    return digest({"pair": dict(parts)})
