"""Where and with what a run was made."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import bench
from bench.loop.shared import SharedBlock
from bench.records import Provenance, RunSpec

RECORDED_PACKAGES = ("torch", "pytorch-lightning", "transformers", "tokenizers", "numpy", "scikit-learn")


def provenance(run: RunSpec, shared: SharedBlock, data_source: str, threads: int) -> Provenance:
    """Return where and with what this process works."""
    made = shared.model.made_with
    commit, dirty = _git()
    return Provenance(
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        host=socket.gethostname(),
        device=made.device,
        precision=made.precision,
        threads=threads,
        versions=_versions(),
        git_commit=commit,
        git_dirty=dirty,
        data_source=data_source,
        model_source=made.model_source,
        lm_head=shared.surprisal.lm_head if "surprisal" in run.strategy.algorithm.needs else "unused",
        attention=made.attention,
        token_budget=made.token_budget,
    )


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "imbal-bench": bench.__version__}
    for name in RECORDED_PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@lru_cache(maxsize=1)
def _git() -> tuple[str | None, bool | None]:
    """Commit and dirtiness of the checkout this code runs from; None where it is installed without one."""
    root = Path(bench.__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None, None
    try:
        commit = _git_output(root, "rev-parse", "HEAD")
        status = _git_output(root, "status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=none")
    except (OSError, subprocess.CalledProcessError):
        return None, None
    return commit, bool(status)


def _git_output(root: Path, *words: str) -> str:
    """Return the output of a git command on the checkout itself.

    Variables of git could name another repository, index or folder, and a user's own configuration could hide files.
    A checkout that belongs to someone else is read all the same: this very code comes from it.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0"}
    settings = (f"safe.directory={root}", f"core.excludesFile={os.devnull}", "core.fsmonitor=false")
    command = ["git", *(word for setting in settings for word in ("-c", setting)), *words]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True).stdout.strip()
