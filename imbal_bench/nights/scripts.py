"""Scripts that start the nightly job: for Slurm, for cron, and as a workflow of GitHub."""

from __future__ import annotations

from importlib import resources
from typing import Literal, get_args

Script = Literal["slurm", "cron", "github"]
SCRIPTS: tuple[Script, ...] = get_args(Script)
_FILES: dict[Script, str] = {"slurm": "slurm.sh", "cron": "cron.sh", "github": "github.yaml"}


def script(kind: Script) -> str:
    """Return the text of a script; what is to be changed in it stands at its top."""
    return resources.files("imbal_bench.nights").joinpath("templates", _FILES[kind]).read_text(encoding="utf-8")
