"""A finished run as it is stored: its result, what it may be paired with, where and with what it was made."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench import __version__
from bench.control import control_of
from bench.loop import RunResult, SharedBlock
from bench.metrics.base import RunCourse
from bench.metrics.catalogue import run_values
from bench.records import Informativeness, Provenance, RunRecord, RunSpec
from bench.strategies.catalogue import build_strategy

RECORDED_PACKAGES = ("torch", "pytorch-lightning", "transformers", "tokenizers", "numpy", "scikit-learn")


def make_record(
    run: RunSpec,
    fingerprint: str,
    shared: SharedBlock,
    result: RunResult,
    found: Informativeness | None,
    made: Provenance,
    seconds: float,
) -> RunRecord:
    """Return a finished run as it is stored."""
    record = RunRecord(
        key=run.key(fingerprint),
        spec=run,
        status="ok",
        fingerprint=fingerprint,
        pool=shared.task.facts,
        start_rows=tuple(shared.task.rows[shared.first.state.labelled].tolist()),
        rounds=result.rounds,
        metrics=run_values(RunCourse.of(result.rounds, shared.task.facts)),
        informativeness=found,
        seconds=round(seconds, 3),
        provenance=made,
        control=control_of(result.test_probabilities),
    )
    return record.model_copy(update={"pair_key": record.pairing()})


def provenance(run: RunSpec, shared: SharedBlock, data_source: str, threads: int) -> Provenance:
    """Return where and with what this process works."""
    made = shared.model.made_with
    algorithm, _ = build_strategy(run.strategy)
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
        lm_head=shared.surprisal.lm_head if "surprisal" in algorithm.needs else "unused",
        attention=made.attention,
        token_budget=made.token_budget,
    )


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "imbal-bench": __version__}
    for name in RECORDED_PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@lru_cache(maxsize=1)
def _git() -> tuple[str | None, bool | None]:
    """Commit and dirtiness of the checkout this code runs from; None where it is installed without one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None, None
    try:
        commit = _ask_git(root, "rev-parse", "HEAD")
        status = _ask_git(root, "status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=none")
    except (OSError, subprocess.CalledProcessError):
        return None, None
    return commit, bool(status)


def _ask_git(root: Path, *words: str) -> str:
    """Return what git says of the checkout itself.

    Variables of git could name another repository, index or folder, and a user's own configuration could hide files.
    A checkout that belongs to someone else is read all the same: this very code comes from it.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0"}
    settings = (f"safe.directory={root}", f"core.excludesFile={os.devnull}", "core.fsmonitor=false")
    command = ["git", *(word for setting in settings for word in ("-c", setting)), *words]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True).stdout.strip()
