"""The state of this process that fits, passes and queries begin in, whatever anyone set before."""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import sklearn

from bench.environment import leave_out_ambient, usual_warnings

_SKLEARN: dict[str, Any] = {
    "assume_finite": False,
    "working_memory": 1024,
    "pairwise_dist_chunk_size": 256,
    "enable_cython_pairwise_dist": True,
    "array_api_dispatch": False,
    "transform_output": "default",
    "skip_parameter_validation": False,
}


@contextmanager
def standard_state() -> Iterator[None]:
    """While this lasts, process-wide settings are what they are in a new process; afterwards what they were before.

    A notebook's default type or TF32 must not change a fit, and what a plug-in sets, seeds or changes in the
    environment while it is asked for a batch must not change the runs after it. Global generators are seeded, so that
    whoever draws from them, against the contract, is repeatable at least. Torch is left alone where nobody has loaded
    it. Also usable as a decorator.
    """
    environment, folder = dict(os.environ), _folder()
    leave_out_ambient()
    try:
        with (
            _global_generators(),
            np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"),
            sklearn.config_context(**_SKLEARN),
            warnings.catch_warnings(),
            _torch(),
        ):
            usual_warnings()
            yield
    finally:
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        if folder and _folder() != folder:
            os.chdir(folder)


@contextmanager
def _torch() -> Iterator[None]:
    """The same for torch, if this process has loaded it; what the body loads is as in a new process anyway."""
    if "torch" not in sys.modules:
        yield
        return
    from bench.model.torch_state import standard_torch

    with standard_torch():
        yield


@contextmanager
def _global_generators() -> Iterator[None]:
    """Seed the global generators of Python and NumPy, and put them back afterwards."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global state is what it is about
    try:
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def _folder() -> str:
    with suppress(OSError):  # someone may have removed it
        return os.getcwd()  # noqa: PTH109 - a string costs less
    return ""
