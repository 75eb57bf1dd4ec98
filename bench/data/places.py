"""Where a dataset lies, by its name alone; nothing is read, and no library is loaded for it."""

from __future__ import annotations

import os
from pathlib import Path

from bench.errors import DataError
from bench.paths import expanded

DATA_DIR_VARIABLE = "IMBAL_BENCH_DATA"


def is_user_file(name_or_path: str) -> bool:
    """Return whether a dataset is given by the path of a YAML file rather than by name."""
    return name_or_path.endswith((".yaml", ".yml"))


def mirrored_names(data_dir: Path | None) -> tuple[str, ...]:
    """Return the names of the datasets in the local mirror, sorted; none without a mirror.

    Raises:
        DataError: if the mirror that was asked for does not exist.
    """
    place = data_dir or os.environ.get(DATA_DIR_VARIABLE)
    if not place:
        return ()
    mirror_folder("any", data_dir)  # raises where there is no such folder
    return tuple(sorted(info.parent.name for info in expanded(place).glob("*/info.json")))


def mirror_folder(name: str, data_dir: Path | None) -> Path | None:
    """Return the folder of a dataset in the local mirror, or None if there is no mirror or it lacks it.

    Raises:
        DataError: if the mirror that was asked for does not exist.
    """
    place = data_dir or os.environ.get(DATA_DIR_VARIABLE)
    if not place or Path(name).name != name or name in {"", ".."}:
        return None
    mirror = expanded(place)
    if not mirror.is_dir():
        asked = "--data-dir" if data_dir else DATA_DIR_VARIABLE
        raise DataError(f"there is no folder {mirror}; {asked} must name a folder with one folder per dataset")
    return mirror / name if (mirror / name / "info.json").is_file() else None
