"""The state of this process that fits, passes and queries begin in, whatever anyone set before."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import sklearn
import torch

from bench.environment import leave_out_ambient, usual_warnings

Setting = tuple[Callable[[], Any], Callable[[Any], Any], Any]
"""How a setting is read and set, and its standard value."""
_CPU = torch.device("cpu")
_SDPA = {"flash": True, "mem_efficient": True, "math": True, "cudnn": False}
"""Which kernels attention may use. On Hopper torch >= 2.11 would prefer cuDNN's, which builds a plan for every new
(rows, length); a pass over texts of many lengths would build plans for longer than it computes."""
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
    whoever draws from them, against the contract, is repeatable at least. Also usable as a decorator.
    """
    environment, folder, threads = dict(os.environ), _folder(), torch.get_num_threads()
    settings = _settings()
    before = [read() for read, _, _ in settings]
    leave_out_ambient()
    try:
        with (
            _global_generators(),
            np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"),
            sklearn.config_context(**_SKLEARN),
            warnings.catch_warnings(),
            torch.inference_mode(mode=False),
        ):
            usual_warnings()
            torch.set_flush_denormal(False)  # there is no way to read it, so it stays
            for _, write, standard in settings:
                write(standard)
            yield
    finally:
        for (_, write, _), value in zip(settings, before, strict=True):
            write(value)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        if folder and _folder() != folder:
            os.chdir(folder)


def _settings() -> list[Setting]:
    """Return torch's process-wide settings that change what is computed.

    Repeatable kernels are for the GPU. Strictly so: where torch only warns, attention's backward pass is free to vary.
    Torch would fill fresh memory with NaN as well, hundreds of kernels a step, in case someone reads it.
    """
    cuda, mkldnn, cudnn = torch.backends.cuda, torch.backends.mkldnn, torch.backends.cudnn
    return [
        (torch.get_default_dtype, torch.set_default_dtype, torch.float32),
        (torch.get_default_device, _set_default_device, _CPU),
        (torch.is_grad_enabled, torch.set_grad_enabled, True),
        (_determinism, _set_determinism, (torch.cuda.is_initialized(), False)),
        _attribute(torch.utils.deterministic, "fill_uninitialized_memory", standard=False),
        *(_autocast(device) for device in ("cpu", "cuda")),
        _attribute(torch.backends, "fp32_precision", "none"),
        *(_attribute(library.matmul, "fp32_precision", "ieee") for library in (cuda, mkldnn)),
        _attribute(cuda.matmul, "allow_bf16_reduced_precision_reduction", standard=True),
        _attribute(mkldnn, "enabled", standard=True),
        _attribute(cudnn, "benchmark", standard=False),
        *(
            (getattr(cuda, f"{kind}_sdp_enabled"), getattr(cuda, f"enable_{kind}_sdp"), on)
            for kind, on in _SDPA.items()
        ),
    ]


def _set_default_device(device: torch.device) -> None:
    torch.set_default_device(None if device == _CPU else device)  # the CPU too, if set, would slow every call down


def _attribute(thing: Any, name: str, standard: object) -> Setting:
    return lambda: getattr(thing, name), lambda value: setattr(thing, name, value), standard


def _autocast(device: str) -> Setting:
    return lambda: torch.is_autocast_enabled(device), lambda value: torch.set_autocast_enabled(device, value), False


def _determinism() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_determinism(value: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(value[0], warn_only=value[1])


@contextmanager
def _global_generators() -> Iterator[None]:
    """Seed the global generators of Python, NumPy and torch, and put them back afterwards."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global state is what it is about
    gpus = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(gpus):
            random.seed(0)
            np.random.seed(0)  # noqa: NPY002
            torch.default_generator.manual_seed(0)
            for gpu in gpus:
                torch.cuda.default_generators[gpu].manual_seed(0)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def _folder() -> str:
    with suppress(OSError):  # someone may have removed it
        return os.getcwd()  # noqa: PTH109 - a string costs less
    return ""
