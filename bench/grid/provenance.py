"""A finished run as it is stored: its result, what it may be paired with, where and with what it was made."""

from __future__ import annotations

import platform
import socket
import subprocess
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench import __version__, seeds
from bench.loop import RunResult, SharedBlock
from bench.records import METRIC_VERSION, Informativeness, Provenance, RunRecord, RunSpec
from bench.strategies.catalogue import build_strategy

RECORDED_PACKAGES = ("torch", "pytorch-lightning", "transformers", "tokenizers", "numpy", "scikit-learn")


def make_record(
    run: RunSpec,
    fingerprint: str,
    shared: SharedBlock,
    result: RunResult,
    found: Informativeness,
    made: Provenance,
    seconds: float,
) -> RunRecord:
    """Return a finished run as it is stored."""
    start = shared.first.state
    start_rows = tuple(shared.task.rows[start.labelled].tolist())
    pair = {
        "block": run.block.model_dump(mode="json"),
        "settings": run.settings.model_dump(mode="json"),
        "data": fingerprint,
        "pool": seeds.digest(shared.task.rows.tolist()),
        "start": start_rows,
        "weights": shared.encoder.fingerprint,
        "metrics": METRIC_VERSION,
    }
    return RunRecord(
        key=run.key(fingerprint),
        spec=run,
        status="ok",
        fingerprint=fingerprint,
        pair_key=seeds.pair_key(pair),
        pool=shared.task.facts,
        start_rows=start_rows,
        rounds=result.rounds,
        positives_ratio=result.positives_ratio,
        informativeness=found,
        seconds=round(seconds, 3),
        provenance=made,
    )


def provenance(run: RunSpec, shared: SharedBlock, data_source: str, threads: int) -> Provenance:
    """Return where and with what this process works."""
    encoder = shared.encoder
    algorithm, _ = build_strategy(run.strategy)
    commit, dirty = _git()
    return Provenance(
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        host=socket.gethostname(),
        device=encoder.hardware.name,
        precision=encoder.hardware.precision,
        threads=threads,
        versions=_versions(),
        git_commit=commit,
        git_dirty=dirty,
        data_source=data_source,
        model_source=encoder.checkpoint.source,
        model_fingerprint=encoder.fingerprint,
        lm_head=shared.surprisal.lm_head if "surprisal" in algorithm.needs else "unused",
        attention=encoder.attention,
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
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True)
        status = subprocess.run(["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None, None
    return commit.stdout.strip(), bool(status.stdout.strip())
