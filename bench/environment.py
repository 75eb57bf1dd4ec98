"""The environment that a result is made in: what may be said through variables, and what is left out.

The libraries below read hundreds of environment variables, many of which change what they compute: Lightning takes
every argument of its trainer from ``PL_TRAINER_*``, OpenBLAS and oneDNN choose other kernels. None is part of a run's
key or record, so a result must not depend on them. They are removed as soon as ``bench`` is imported, before any of
these libraries is; that reaches every worker, since a process inherits the environment of the one that starts it, and
a Dask worker started elsewhere imports ``bench`` before it computes. What is worth choosing has an option, and is
recorded: ``--threads``, ``--device``, ``--set model.precision=...``.

Patterns, not names, because each release of these libraries reads new ones. By hand: no library knows this list. What
the system's loader and the interpreter read before any of our code runs (``LD_PRELOAD``, ``PYTHONPATH``) is beyond it.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import sys
import warnings
from collections.abc import MutableMapping
from fnmatch import translate

LEFT_OUT = (
    *("PL_*", "LT_*", "LIGHTNING_*"),
    *("TORCH_*", "TORCHDYNAMO_*", "TORCHINDUCTOR_*", "TORCHELASTIC_*", "PYTORCH_*", "ATEN_*", "AOT*", "TRITON_*"),
    *("CUBLAS_*", "CUBLASLT_*", "CUDNN_*", "NVIDIA_TF32_OVERRIDE"),
    *("MKL_*", "MKLDNN_*", "DNNL_*", "ONEDNN_*", "OPENBLAS_*", "GOTO_*", "BLIS_*", "VECLIB_*", "NPY_*", "NUMPY_*"),
    *("OMP_*", "GOMP_*", "KMP_*"),
    *("TRANSFORMERS_*", "ACCELERATE_*", "FSDP_*", "XLA_*", "FLASH_ATTENTION_*", "HF_*", "TRUST_REMOTE_CODE"),
    *("USE_TF", "USE_TORCH", "USE_JAX", "USE_FLAX", "USE_TORCH_XLA", "USE_HUB_KERNELS"),
    "DISABLE_SAFETENSORS_CONVERSION",
    *("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"),
    *("SKLEARN_*", "SCIPY_*", "PANDAS_*", "ARROW_*", "JOBLIB_*", "LOKY_*"),
)
"""Variables that change what Lightning, torch, BLAS and OpenMP, transformers and datasets, or the others compute."""
KEPT = (
    # Where files come from, with what right, and how; what they are is fingerprinted.
    *("HF_HOME", "HF_HUB_*", "HF_TOKEN*", "HF_ENDPOINT", "HF_XET_*", "HF_ASSETS_CACHE", "HF_MODULES_CACHE"),
    *("HF_DATASETS_CACHE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE", "JOBLIB_TEMP_FOLDER", "TORCH_HOME"),
    # How memory is found.
    *("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"),
    # How many threads a process begins with: `bench.model.hardware.use_threads` sets the number that is recorded.
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
)
"""Those among them that stay."""
CUBLAS_WORKSPACE = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
"""What makes cuBLAS repeatable. Lightning sets it too, but only for what comes after the first fit of a process."""

_LEFT_OUT, _KEPT = (re.compile("|".join(map(translate, patterns))) for patterns in (LEFT_OUT, KEPT))


def leave_out_ambient(environment: MutableMapping[str, str] = os.environ) -> None:
    """Remove the variables that change what libraries compute; what is left, or set here, is the same for all."""
    for name in [name for name in environment if is_left_out(name)]:
        del environment[name]
    environment.update([CUBLAS_WORKSPACE])


def is_left_out(name: str) -> bool:
    """Return whether an environment variable changes what a library computes, and is therefore removed."""
    return bool(_LEFT_OUT.match(name)) and not _KEPT.match(name)


def leave_out_ambient_of_command() -> None:
    """Do what is right for the command line's own process and its children, and not for a program that imports us.

    Warnings are no errors, whatever ``PYTHONWARNINGS`` and ``-W`` say: a library's advice would end a run, and with it
    decide which runs there are. Figures are drawn without the backend that ``MPLBACKEND`` names.
    """
    for name in ("PYTHONWARNINGS", "MPLBACKEND"):
        os.environ.pop(name, None)
    if sys.warnoptions:
        sys.warnoptions.clear()  # they are handed to every process that this one starts
        usual_warnings()


def usual_warnings() -> None:
    """Let warnings do what they do in Python by default: be printed, but for those meant for developers."""
    warnings.resetwarnings()
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", category)


def processor() -> str:
    """Return the model of this machine's processor, as its maker calls it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - a kernel interface
            names = {line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")}
    except OSError:
        names = set()
    return ", ".join(sorted(names)) or platform.machine()


def process_peak_mb() -> float:
    """Return the most memory that this process has held so far; it cannot be reset."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
