"""Torch's share of the state that fits, passes and queries begin in; see :mod:`bench.model.standard_state`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

TorchSetting = tuple[Callable[[], Any], Callable[[Any], Any], Any]
"""How a setting is read and set, and its standard value."""
_CPU = torch.device("cpu")
_SDPA = {"flash": True, "mem_efficient": True, "math": True, "cudnn": False}
"""Which kernels attention may use. On Hopper torch >= 2.11 would prefer cuDNN's, which builds a plan for every new
(rows, length); a pass over texts of many lengths would build plans for longer than it computes."""


@contextmanager
def standard_torch() -> Iterator[None]:
    """While this lasts, torch's settings are what they are in a new process; afterwards what they were before."""
    threads, settings = torch.get_num_threads(), _settings()
    before = [read() for read, _, _ in settings]
    try:
        with _generators(), torch.inference_mode(mode=False):
            torch.set_flush_denormal(False)  # there is no way to read it, so it stays
            for _, write, standard in settings:
                write(standard)
            yield
    finally:
        for (_, write, _), value in zip(settings, before, strict=True):
            write(value)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


@contextmanager
def _generators() -> Iterator[None]:
    """Seed torch's global generators, and put them back afterwards."""
    gpus = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(gpus):
        torch.default_generator.manual_seed(0)
        for gpu in gpus:
            torch.cuda.default_generators[gpu].manual_seed(0)
        yield


def _settings() -> list[TorchSetting]:
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
        # First of the precisions, since to set it sets those of GPUs and oneDNN, too.
        (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
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


def _attribute(thing: Any, name: str, standard: object) -> TorchSetting:
    return lambda: getattr(thing, name), lambda value: setattr(thing, name, value), standard


def _autocast(device: str) -> TorchSetting:
    return lambda: torch.is_autocast_enabled(device), lambda value: torch.set_autocast_enabled(device, value), False


def _determinism() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_determinism(value: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(value[0], warn_only=value[1])
