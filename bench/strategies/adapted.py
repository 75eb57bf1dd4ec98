"""Query strategies of other libraries, by name: ``skactiveml:TypiClust``, ``small-text:GreedyCoreset``.

They see what a view shows, under the view's seed, and what they leave behind in global generators is put back. Rows are
handed to them in the order of ``view.priority``, by which ties go that a library breaks by place.
"""

from __future__ import annotations

import random
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, make_dataclass
from importlib.metadata import PackageNotFoundError, version
from inspect import Parameter, signature
from typing import Any, ClassVar

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.errors import PluginError
from bench.strategies.base import ALGORITHMS, Algorithm
from bench.strategies.view import PoolView

ADAPTER = 1
"""Version of the adapters' own code; raise it when a change of it changes results."""
_UNWEIGHTED = "the library's strategies know no weights; it runs under uniform ones"
WAIVED = {
    "weights_matter": _UNWEIGHTED,
    "zero_weights_come_last": _UNWEIGHTED,
    "scores_are_multiplied_by_weights": _UNWEIGHTED,
    "hard_pools_are_survived": "what a library makes of degenerate pools is its own; in a run it is a failure record",
}


@dataclass(frozen=True)
class Adapted(Algorithm):
    """A strategy of another library.

    Class attributes:
        original: the library's class. family: the prefix of its name.
    """

    weighted: ClassVar[bool] = False
    waived: ClassVar[dict[str, str]] = WAIVED
    original: ClassVar[type]

    @abstractmethod
    def ask(self, view: PoolView, k: int, seed: int) -> Any:
        """Return the library's answer: k row numbers of a view whose rows are in the order of their priority."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:  # noqa: ARG002 - see WAIVED
        """Return what the library selects."""
        order = np.argsort(view.priority, kind="stable")
        seed = int(view.generator.integers(2**31))
        with seeded(seed):
            answer = np.asarray(self.ask(view.rows(order), k, seed)).ravel()
        picks: IntArray = order[answer.astype(np.int64)]
        return picks

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel by name, since the class is made when it is asked for."""
        return _again, (type(self).name, asdict(self))


def _again(name: str, options: Mapping[str, Any]) -> Algorithm:
    return ALGORITHMS.get(name)(**options)


def adapted(base: type[Adapted], prefix: str, library: str, original: type, **facts: Any) -> type[Algorithm]:
    """Return the class of a library's strategy: its options are the simple ones of the original, with its defaults.

    Args:
        base: says how the library is asked.
        prefix: of the name.
        library: its distribution, whose version is part of the strategy's.
        original: the library's class.
        facts: class attributes, such as ``needs``.
    """
    options = [(name, type(default), field(default=default)) for name, default in simple_options(original).items()]
    own = {
        "name": f"{prefix}:{original.__name__}",
        "title": f"{original.__name__} ({library})",
        "paper": f"see {library}'s documentation of {original.__name__}",
        "version": f"{ADAPTER} ({library} {version(library)})",
        "original": original,
        "__doc__": f"{original.__name__} of {library}.",
        "__module__": base.__module__,
        **facts,
    }
    return make_dataclass(original.__name__, options, bases=(base,), frozen=True, namespace=own)


def simple_options(original: type) -> dict[str, bool | int | float | str]:
    """Return the options of a library's class that are single values, with their defaults."""
    return {
        name: parameter.default
        for name, parameter in signature(original).parameters.items()
        if type(parameter.default) in {bool, int, float, str} and parameter.default == parameter.default  # no NaN
    }


def required(original: type) -> set[str]:
    """Return the parameters without which a library's class cannot be made."""
    kinds = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    parameters = signature(original).parameters.values()
    return {it.name for it in parameters if it.default is Parameter.empty and it.kind not in kinds}


def lacking(prefix: str, library: str, error: ImportError) -> PluginError:
    """Return what to say where a library is not installed, or fails to load."""
    try:
        version(library)
    except PackageNotFoundError:
        return PluginError(f"{prefix}:... needs {library}, which is not installed: pip install 'imbal-bench[{prefix}]'")
    return PluginError(f"{prefix}:... needs {library}, which fails to load: {' '.join(str(error).split())}")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the global generators of Python, NumPy and torch for the body; put all of them, and warnings, back."""
    import torch

    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - what libraries draw from
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            torch.manual_seed(seed)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


def as_matrix(tensor: Any) -> FloatArray:
    """Return embeddings as a matrix of float64 that may be written."""
    found: FloatArray = np.array(tensor.float().cpu().numpy(), dtype=np.float64)
    return found


def two_columns(p: FloatArray) -> FloatArray:
    """Return (n, 2) probabilities of the negative and of the positive class."""
    return np.column_stack([1 - p, p])
