"""Folders of nights: one that was cut off is finished before another is begun.

``nightly/2026-11-23/`` holds ``begun.json`` (what is run, fixed when the night begins), ``store/``, ``report/``,
``gate/`` and, once the night is over, ``summary.txt`` and ``summary.json``. A night without a summary was cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

from pydantic import ValidationError

from bench.config import GridSpec
from bench.errors import CorruptRecordError, StoreError
from bench.paths import file_name
from bench.records import Record
from bench.store.files import write_atomically


class Begun(Record):
    """What a night runs, and notes on how that was settled."""

    grid: GridSpec
    notes: tuple[str, ...]


@dataclass(frozen=True)
class NightFolder:
    """The folder of a night."""

    path: Path

    @property
    def name(self) -> str:
        """The day it began; with a number, if it is not the first of that day."""
        return self.path.name

    @property
    def store(self) -> Path:
        """Its runs."""
        return self.path / "store"

    @property
    def begun(self) -> bool:
        """Whether it is fixed what it runs."""
        return (self.path / "begun.json").is_file()

    @property
    def over(self) -> bool:
        """Whether it came to its end."""
        return (self.path / "summary.json").is_file()

    def evidence(self, candidate: str) -> Path:
        """Return where the evidence on a candidate that did not pass goes."""
        return self.path / "gate" / file_name(candidate)

    def begin(self, what: Begun) -> None:
        """Fix what the night runs."""
        write_atomically(self.path / "begun.json", what.model_dump_json(indent=1).encode() + b"\n")

    def read(self) -> Begun:
        """Return what the night runs.

        Raises:
            CorruptRecordError: if the file cannot be read as that.
        """
        path = self.path / "begun.json"
        try:
            return Begun.model_validate_json(path.read_bytes())
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from error
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise CorruptRecordError(f"{path} is no grid: {reason}; remove the night's folder to begin anew") from None

    def end(self, text: str, json: str) -> None:
        """Write the summary, which ends the night; the JSON comes last."""
        write_atomically(self.path / "summary.txt", text.encode())
        write_atomically(self.path / "summary.json", json.encode())


def tonight(folder: Path, today: date) -> NightFolder:
    """Return the night that was cut off, or a new one of today."""
    nights = [NightFolder(path) for path in sorted(folder.iterdir())] if folder.is_dir() else []
    cut_off = [night for night in nights if night.begun and not night.over]
    if cut_off:
        return cut_off[-1]
    names = (today.isoformat() + (f"-{number}" if number > 1 else "") for number in count(1))
    return next(night for night in (NightFolder(folder / name) for name in names) if not night.over)
