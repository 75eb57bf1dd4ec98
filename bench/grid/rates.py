"""How fast this machine was, by its own stored runs: the basis of a plan's expected time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.records import RunRecord
from bench.store.store import write_atomically


@dataclass(frozen=True)
class Rates:
    """Tokens a second of one worker.

    Attributes:
        fit_tokens_per_s: useful tokens stepped over while fine-tuning. score_tokens_per_s: while scoring.
        origin: where the numbers come from, in words.
    """

    fit_tokens_per_s: float
    score_tokens_per_s: float
    origin: str


def _file(cache_dir: Path, model: str, device: str, threads: int) -> Path:
    name = "".join(c if c.isalnum() else "_" for c in f"{model}-{device}-{threads}")
    return cache_dir / "rates" / f"{name}.json"


def measure(records: Iterable[RunRecord], mean_tokens: dict[str, float], origin: str) -> Rates | None:
    """Return the rates that stored runs show, or None if there is no run to learn from."""
    seconds = {"fit": 0.0, "score": 0.0}
    tokens = {"fit": 0.0, "score": 0.0}
    count = 0
    for record in records:
        length = mean_tokens.get(record.spec.block.task.dataset)
        if record.provenance is None or length is None:
            continue
        count += 1
        for entry in record.rounds[1:]:
            for stage, kind in (("fit", "fit"), ("score_pool", "score"), ("score_test", "score")):
                seconds[kind] += entry.seconds.get(stage, 0.0)
                tokens[kind] += entry.rows.get(stage, 0) * length
    if not count or not all(seconds.values()):
        return None
    return Rates(tokens["fit"] / seconds["fit"], tokens["score"] / seconds["score"], f"{count} stored runs of {origin}")


def save(rates: Rates, cache_dir: Path, model: str, device: str, threads: int) -> None:
    """Keep rates for later plans on this machine."""
    write_atomically(_file(cache_dir, model, device, threads), json.dumps(asdict(rates)).encode())


def recall(cache_dir: Path, model: str, device: str, threads: int) -> Rates | None:
    """Return the rates kept for a model on this device with this many threads, or None."""
    try:
        return Rates(**json.loads(_file(cache_dir, model, device, threads).read_text()))
    except (OSError, ValueError, TypeError):
        return None
