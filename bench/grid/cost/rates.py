"""How fast a machine is, as one linear law a stage: what a calibration yields and a forecast reads."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from bench.errors import DataError
from bench.model.content import pinned_if_local
from bench.paths import file_name
from bench.records import ModelSettings, Record
from bench.store.files import write_atomically

FOLDER = "rates"


class LinearLaw(Record):
    """Seconds of a stage = call * calls + row * rows + token * tokens."""

    call: float = 0.0
    row: float = 0.0
    token: float = 0.0

    def seconds(self, calls: float, rows: float, tokens: float) -> float:
        """Return the time of so much work."""
        return self.call * calls + self.row * rows + self.token * tokens


class Rates(Record):
    """A calibration of one worker.

    Attributes:
        model: as specified. content: of its files; empty where another of its shape stood in. precision: as specified.
        device: in words. threads: of the worker. origin: where the numbers come from, in words.
        laws: ``start`` (a call: loading the model), ``fit`` (a call, and rows and tokens stepped over), ``score``,
            ``surprisal``, ``lm_head`` (a row: one step), ``select NAME`` for each algorithm; ``naive fit`` and
            ``naive score``: the same as the first loop one would write, every row padded to 128 tokens.
        flops_per_token: of a forward pass. flops_per_s: the machine's matrix products in the run's precision.
    """

    schema_version: Literal[1] = 1
    model: str
    content: str = ""
    precision: str = "auto"
    device: str
    threads: int
    origin: str
    laws: dict[str, LinearLaw]
    flops_per_token: float
    flops_per_s: float

    def is_of(self, model: ModelSettings) -> bool:
        """Return whether it is of this model: of its content where both are known, else of its name."""
        if self.content and model.content:
            return self.content == model.content
        return self.model == model.name


def rates_file(cache_dir: Path, rates: Rates) -> Path:
    """Return where a calibration is kept: by the content of the model, device, precision and threads."""
    parts = rates.content[:16] or rates.model, rates.device, rates.precision, rates.threads
    return cache_dir / FOLDER / f"{file_name('-'.join(map(str, parts)))}.json"


def find(cache_dir: Path, model: ModelSettings, device: str, threads: int) -> Path | None:
    """Return the latest calibration that is kept of a model on a device with so many threads; None if there is none.

    The content of a model on the Hub is not looked up: its name and the precision will do.
    """
    folder = cache_dir / FOLDER
    if not folder.is_dir():
        return None
    wanted, found = pinned_if_local(model, cache_dir), {}
    for path in folder.glob("*.json"):
        with suppress(OSError, ValidationError):
            rates = Rates.model_validate_json(path.read_bytes())
            if rates.is_of(wanted) and (rates.device, rates.precision, rates.threads) == (
                device, model.precision, threads,
            ):  # fmt: skip
                found[path] = path.stat().st_mtime_ns
    return max(found, key=found.__getitem__, default=None)


def save(rates: Rates, path: Path) -> None:
    """Keep a calibration for later plans, on this machine or another."""
    write_atomically(path, rates.model_dump_json(indent=1).encode())


def read(path: Path, model: ModelSettings) -> Rates:
    """Return a stored calibration of a model.

    Raises:
        DataError: if there is none that can be read, or it is of another model.
    """
    try:
        rates = Rates.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read the calibration {path}: {error.strerror}; make one with plan --measure") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path} is no calibration: {where}: {first['msg']}; make one with plan --measure") from None
    if not rates.is_of(model):
        other = f"other files of {model.name}" if rates.model == model.name else f"{rates.model}, not {model.name}"
        raise DataError(f"{path} was calibrated with {other}; make one with plan --measure")
    return rates
