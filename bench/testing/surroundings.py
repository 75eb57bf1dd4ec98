"""What all code of a process shares: global generators, settings of libraries, environment, folder, warnings."""

from __future__ import annotations

import locale
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

GlobalSetting = tuple[Callable[[], Any], Callable[[Any], Any]]
"""How something global is read, as a value that can be compared, and how it is put back."""
CHANGED_BY_IMPORTS = frozenset({"the environment", "the filters of warnings", "sys.path"})
"""What the first import of a library may change for good: no fault of whoever imports it where it is used."""


@contextmanager
def global_state_of(seed: int) -> Iterator[None]:
    """Seed the global generators of Python, NumPy and torch, and put all global state back afterwards."""
    import torch

    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    before = [(read, write, read()) for read, write in _settings().values()]
    try:
        with torch.random.fork_rng(), warnings.catch_warnings():
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002 - the global state is what is tested
            _seed_torch(seed)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        for read, write, value in before:
            if read() != value:  # some take seconds to be set, whatever to
                write(value)


def _seed_torch(seed: int) -> None:
    """Seed torch's generators as ``torch.manual_seed`` does, but for kinds of accelerators that are not there.

    For each of those that keeps a queue, with the stack of whoever called, which takes longer than most answers.
    """
    import torch

    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)


def global_state() -> dict[str, object]:
    """Return all of it, under names for people, to be compared."""
    import torch

    _, keys, *rest = np.random.get_state()  # noqa: NPY002
    return {
        "Python's generator": random.getstate(),
        "NumPy's generator": (np.asarray(keys).tobytes(), *rest),
        "torch's generator": torch.get_rng_state().numpy().tobytes(),
        "the filters of warnings": list(warnings.filters),
        **{name: read() for name, (read, _) in _settings().items()},
    }


def _settings() -> dict[str, GlobalSetting]:
    """Return what is neither a generator nor a filter of warnings, for which there are contexts."""
    settings: dict[str, GlobalSetting] = {
        "the environment": (lambda: dict(os.environ), _set_environment),
        "the working directory": (os.getcwd, os.chdir),
        "sys.path": (lambda: list(sys.path), lambda value: sys.path.__setitem__(slice(None), value)),
        "the recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
        "the locale": (lambda: locale.setlocale(locale.LC_ALL), lambda value: locale.setlocale(locale.LC_ALL, value)),
        "NumPy's error state": (np.geterr, lambda value: np.seterr(**value)),
        "NumPy's print options": (np.get_printoptions, lambda value: np.set_printoptions(**value)),
    }
    if threading.current_thread() is threading.main_thread():
        settings["the handler of Ctrl-C"] = (
            lambda: signal.getsignal(signal.SIGINT),
            lambda handler: signal.signal(signal.SIGINT, handler),
        )
    return settings | _of_scikit_learn() | _of_torch()


def _of_scikit_learn() -> dict[str, GlobalSetting]:
    import sklearn

    return {"scikit-learn's settings": (sklearn.get_config, lambda value: sklearn.set_config(**value))}


def _of_torch() -> dict[str, GlobalSetting]:
    """Return torch's settings that change what is computed, or how fast."""
    import torch

    cuda, cudnn = torch.backends.cuda, torch.backends.cudnn
    mkldnn: Any = torch.backends.mkldnn  # its types say less than it has
    flags = {
        "precision": (torch.backends, "fp32_precision"),
        "precision on GPUs": (cuda.matmul, "fp32_precision"),
        "precision in oneDNN": (mkldnn.matmul, "fp32_precision"),
        "reduction in bfloat16": (cuda.matmul, "allow_bf16_reduced_precision_reduction"),
        "use of oneDNN": (mkldnn, "enabled"),
        "choice of cuDNN's kernels": (cudnn, "benchmark"),
        "filling of fresh memory": (torch.utils.deterministic, "fill_uninitialized_memory"),
    }
    return {
        # First, since to set it sets those of GPUs and oneDNN, too.
        "torch's precision of products": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        "torch's threads": (torch.get_num_threads, torch.set_num_threads),
        "torch's default type": (torch.get_default_dtype, torch.set_default_dtype),
        "torch's gradient mode": (torch.is_grad_enabled, torch.set_grad_enabled),
        "torch's anomaly mode": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
        "torch's determinism": (
            lambda: (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            ),
            lambda value: torch.use_deterministic_algorithms(value[0], warn_only=value[1]),
        ),
        "torch's autocast": (
            lambda: torch.is_autocast_enabled("cpu"),
            lambda value: torch.set_autocast_enabled("cpu", value),
        ),
        **{f"torch's {name}": _attribute(*place) for name, place in flags.items()},
    }


def _attribute(thing: Any, name: str) -> GlobalSetting:
    return lambda: getattr(thing, name), lambda value: setattr(thing, name, value)


def _set_environment(value: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(value)
