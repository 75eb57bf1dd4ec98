"""What a strategy is lent for a query, so that nothing it writes reaches the runs after it, or the record."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any

import numpy as np

from bench.errors import RunError
from bench.strategies.checksum import checksum
from bench.strategies.view import Need, PoolOutputs, PoolView, read_only

_PASS: frozenset[Need] = frozenset({"probabilities", "embeddings"})
_GATHERED: frozenset[str] = frozenset({"pretrained", "surprisal", "features"})
"""What the loop gathers for each query anew."""


class SpoiltError(RunError):
    """A strategy wrote into what other strategies read too."""


def lent(view: PoolView) -> PoolView:
    """Return a view of the same round that shows private, read-only copies.

    What the view's needs do not declare is left out altogether. Embeddings alone are not copied, since they are as
    large as all else together; see :func:`unchanged`. Text embeddings, features and surprisal, which the loop
    gathers for each query anew, are private as they are.
    """
    return replace(
        view,
        labels=read_only(view.labels.copy()),
        priority=read_only(view.priority),
        outputs=_outputs(view.outputs, view.needs),
        state=copy.deepcopy(view.state),
    )


def _outputs(outputs: PoolOutputs, needs: frozenset[Need]) -> PoolOutputs:
    shown: dict[str, Any] = {}
    for name in (field.name for field in fields(outputs)):
        value, need = getattr(outputs, name), name.removeprefix("labelled_")
        if value is None or not (need in needs or (need == "probabilities" and needs & _PASS)):
            shown[name] = None
        elif isinstance(value, np.ndarray):
            shown[name] = read_only(value if need in _GATHERED else value.copy())
        elif isinstance(value, tuple):  # texts, which nobody can write into
            shown[name] = value
        else:  # a tensor
            shown[name] = value.clone() if name.startswith("labelled_") else value.detach()
    return PoolOutputs(**shown)


@contextmanager
def unchanged(outputs: PoolOutputs, needs: frozenset[Need], algorithm: str) -> Iterator[None]:
    """Make sure that the body leaves the embeddings alone, which cannot be lent read-only.

    Raises:
        SpoiltError: if it wrote into them, whatever else it raised.
        RunError: if it tried to write into an array, which can only be read.
    """
    h = outputs.embeddings if "embeddings" in needs else None
    before, failure = 0 if h is None else outputs.checksum, None
    try:
        yield
    except Exception as error:  # noqa: BLE001 - it is raised below, unless there is worse to say
        failure = error
    if h is not None and checksum(h) != before:
        raise SpoiltError(
            f"algorithm {algorithm!r}, or its weighting, wrote into view.embeddings, which other strategies read too; "
            "let it work on a copy: view.embeddings.clone()"
        ) from failure
    if isinstance(failure, ValueError) and any(word in str(failure) for word in ("read-only", "WRITEABLE")):
        raise RunError(
            f"algorithm {algorithm!r}, or its weighting, writes into what it was given ({failure}), which other "
            "strategies read too; let it work on a copy"
        ) from failure
    if failure is not None:
        raise failure
