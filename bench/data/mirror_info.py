"""What ``info.json`` of a local mirror says, without the libraries that read its texts (:mod:`bench.data.mirror`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.errors import DataError, shortened


class SplitInfo(BaseModel):
    """What ``info.json`` says of a split."""

    model_config = ConfigDict(frozen=True)

    rows: int
    per_label: tuple[int, ...] | None = None


class MirrorInfo(BaseModel):
    """What ``info.json`` must hold; further keys are facts for people."""

    model_config = ConfigDict(frozen=True)

    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    splits: dict[str, SplitInfo]
    fingerprint: str | None = None


def read_info(folder: Path) -> MirrorInfo:
    """Return the content of ``info.json`` (or raise :class:`DataError`)."""
    path = folder / "info.json"
    try:
        info = MirrorInfo.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path} does not describe a mirror: {where}: {first['msg']}") from None
    if len(set(info.labels)) < len(info.labels):
        raise DataError(f"{path} names a class twice: {shortened(info.labels)}")
    missing = {"train", "test"} - set(info.splits)
    if missing:
        raise DataError(f"{path} says nothing of the split {min(missing)!r}")
    return info
