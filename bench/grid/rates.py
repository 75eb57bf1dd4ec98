"""How fast a machine is, as one linear law a stage: what a calibration yields and a forecast reads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from bench.errors import DataError
from bench.paths import file_name
from bench.records import Record
from bench.store.files import write_atomically


class Law(Record):
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
        model: as specified. device: in words. threads: of the worker. origin: where the numbers come from, in words.
        laws: ``start`` (a call: loading the model), ``fit`` (a call, and rows and tokens stepped over), ``score``,
            ``surprisal``, ``lm_head`` (a row: one step), ``select NAME`` for each algorithm; ``naive fit`` and
            ``naive score``: the same as the first loop one would write, every row padded to 128 tokens.
        flops_per_token: of a forward pass. flops_per_s: the machine's matrix products in the run's precision.
    """

    schema_version: Literal[1] = 1
    model: str
    device: str
    threads: int
    origin: str
    laws: dict[str, Law]
    flops_per_token: float
    flops_per_s: float


def rates_file(cache_dir: Path, model: str, device: str, threads: int) -> Path:
    """Return where the calibration of a model on a device with so many threads is kept."""
    return cache_dir / "rates" / f"{file_name(f'{model}-{device}-{threads}')}.json"


def save(rates: Rates, path: Path) -> None:
    """Keep a calibration for later plans, on this machine or another."""
    write_atomically(path, rates.model_dump_json(indent=1).encode())


def read(path: Path, model: str) -> Rates:
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
    if rates.model != model:
        raise DataError(f"{path} was calibrated with {rates.model}, not {model}; make one with plan --measure")
    return rates
