"""Known regressions against a baseline: each with a reason, and only until a day."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, TypeAdapter, ValidationError

from bench.errors import CorruptRecordError, SpecError, StoreError, UnknownNameError
from bench.records import Record
from bench.store.baseline import SUFFIX, Baseline
from bench.store.files import write_atomically


def _stated(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text.strip()


Stated = Annotated[str, AfterValidator(_stated)]


class Acknowledgement(Record):
    """A regression that is known: it is shown, and fails no gate, up to and including the day ``until``.

    ``candidate`` is the strategy that it excuses; empty: any. ``size`` is the loss up to which it does, in the metric's
    unit; None, of one from before sizes were recorded: it excuses nothing.
    """

    task: Stated
    metric: Stated
    candidate: str = ""
    size: float | None = None
    reason: Stated
    since: date
    until: date

    def in_force(self, today: date) -> bool:
        """Return whether it still holds."""
        return today <= self.until

    def __str__(self) -> str:
        of = f" of {self.candidate}" if self.candidate else ""
        size = "without a size, so that it excuses nothing" if self.size is None else f"up to {self.size:g}"
        return f"{self.metric} on {self.task}{of}, {size}, until {self.until}: {self.reason}"


_FILE = TypeAdapter(tuple[Acknowledgement, ...])


def acknowledgements(baseline: Baseline) -> tuple[Acknowledgement, ...]:
    """Return all that were ever made of a baseline, expired ones too.

    Raises:
        CorruptRecordError: if the file next to the baseline does not read as such.
    """
    path = _file(baseline)
    try:
        return _FILE.validate_json(path.read_bytes())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"]))
        raise CorruptRecordError(f"{path} is no list of acknowledged regressions: {at} {first['msg']}") from None


def acknowledge(
    baseline: Baseline,
    *,
    task: str,
    metric: str,
    size: float,
    reason: str,
    until: date,
    today: date,
    candidate: str = "",
) -> Acknowledgement:
    """Write down that a regression is known, and how large it is at most.

    Raises:
        SpecError: if the size is no loss, there is no reason, the day is not in the future, the candidate
            cannot name a strategy, or the baseline has no such task or metric.
    """
    tasks = {str(record.spec.block.task) for record in baseline.records()}
    if task not in tasks:
        raise UnknownNameError("task of the baseline", task, tasks)
    known = {name for record in baseline.records() for name in record.outcome}
    if metric not in known:
        raise UnknownNameError("metric of the baseline", metric, known)
    if candidate and not all(candidate.partition("+")):
        raise SpecError(f"--candidate {candidate!r} must read algorithm+weighting, e.g. badge+invprop")
    if not (size > 0 and isfinite(size)):
        raise SpecError(f"--size {size:g} is no loss; give the largest one that is known, above 0 in the metric's unit")
    if not reason.strip():
        raise SpecError("an acknowledged regression needs a --reason that others will understand")
    if until <= today:
        raise SpecError(f"--until {until} is not in the future (today is {today}); give the day by which it is mended")
    new = Acknowledgement(
        task=task, metric=metric, candidate=candidate, size=size, reason=reason, since=today, until=until
    )
    content = _FILE.dump_json((*acknowledgements(baseline), new), indent=1)
    write_atomically(_file(baseline), content + b"\n")
    return new


def accepted_losses(
    baseline: Baseline, candidate: Collection[str], today: date
) -> tuple[tuple[str, ...], dict[tuple[str, str], float]]:
    """Return what is acknowledged of a candidate: a line for each, and (task, metric) -> the loss accepted today.

    Args:
        baseline: what it is held against.
        candidate: its names, such as ``badge+invprop`` and ``badge+invprop:bins=5``.
        today: day on which an acknowledgement must hold.
    """
    known = [one for one in acknowledgements(baseline) if one.candidate in {"", *candidate}]
    lines = tuple(f"acknowledged{'' if one.in_force(today) else ' no longer'}: {one}" for one in known)
    losses: dict[tuple[str, str], float] = {}
    for one in known:
        if one.in_force(today) and one.size is not None:
            at = (one.task, one.metric)
            losses[at] = max(one.size, losses.get(at, 0.0))
    return lines, losses


def _file(baseline: Baseline) -> Path:
    return baseline.path.with_name(baseline.path.name.removesuffix(SUFFIX) + ".acknowledged.json")
