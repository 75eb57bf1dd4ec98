"""What was declared and analysed of which runs, on record for good: in the candidate's store, and with the baseline.

Each plan is written down before its first analysis, and each analysis after it, with the keys of its runs, a digest of
their differences, every p and the decision. Plans are held against each other by the arms they compare and the runs
that they share, wherever those are stored and however the plan is written: who changes the margin, the tasks, the seeds
or the runs after an analysis does not get a pass.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, ValidationError

from analysis.condition import WHOLE_BLOCK
from analysis.gate.evidence import Evidence, Obstacle
from analysis.gate.plan import Plan
from analysis.gate.procedure import DECISIONS, Decision, Look
from analysis.gate.words import DECISION_WORDS
from analysis.names import ratio_words
from bench.arrays import FloatArray
from bench.errors import CorruptRecordError, StoreError
from bench.records import Record, Settings
from bench.store import Baseline, Store
from bench.store.files import write_atomically
from bench.store.ledger import FOLDER, Ledger

VERSION: Literal[1] = 1
DECIMALS = 12
"""To which differences are rounded before they are digested: they are computed anew each time."""
MOST_LISTED = 3
"""Values of a plan's field that are written out; of more, such as seeds and places, the number is given."""
MOST_NAMED = 3
"""Unused pairs that a line names; the others are counted."""


class LedgerEntry(Record):
    """A line of the ledger.

    Attributes:
        kind: whether a plan was declared, or analysed.
        time: of the entry. plan, plan_hash: what was declared. arms: what tells candidate and baseline from others.
        seeds: how many were analysed; 0 of a declaration.
        candidate, baseline: keys of the runs that were, each list sorted; empty of one from before keys were noted.
        differences: digest of the differences. p: metric -> p of the claim, of this analysis alone.
        decision: what it came to. again: the reason that was given for analysing runs again under another plan.
    """

    schema_version: Literal[1] = VERSION
    kind: Literal["declared", "analysed"]
    time: str
    plan: Plan
    plan_hash: str
    arms: tuple[str, str]
    seeds: int = 0
    candidate: tuple[str, ...] = ()
    baseline: tuple[str, ...] = ()
    differences: str = ""
    p: dict[str, float | None] = Field(default_factory=dict)
    decision: Decision | Literal[""] = ""
    again: str = ""

    @property
    def runs(self) -> frozenset[str]:
        """The keys of all runs that were analysed."""
        return frozenset((*self.candidate, *self.baseline))


@dataclass(frozen=True)
class History:
    """All that is on record where the runs of a plan are.

    Attributes:
        ledgers: in which further entries go; the first is that of the candidate's store.
        entries: of all of them, without repetitions.
    """

    ledgers: tuple[Ledger, ...]
    entries: tuple[LedgerEntry, ...]

    @classmethod
    def of(cls, store: Store, baseline: Store | Baseline | None = None) -> History:
        """Return what is on record in the candidate's store, and with the baseline where that is elsewhere.

        Raises:
            CorruptRecordError: if a ledger was changed, cut off or removed.
            StoreError: if it cannot be read.
        """
        places = [Ledger.of(store)]
        if baseline is not None and Ledger.of(baseline).path.resolve() != places[0].path.resolve():
            places.append(Ledger.of(baseline))
        found: dict[str, LedgerEntry] = {}
        for ledger in places:
            for line in ledger.read():
                fields = _fields(line)
                found.setdefault(json.dumps(fields, sort_keys=True), _entry(fields, ledger.path))
        for entry in _registered(store):
            found.setdefault(f"registered {entry.plan_hash}", entry)
        return cls(tuple(places), tuple(sorted(found.values(), key=lambda it: it.time)))

    def declared(self, plan: Plan) -> str:
        """Return when a plan was declared; empty if it is not on record."""
        return next((it.time for it in self.entries if it.plan_hash == plan.hash), "")

    def declare(self, plan: Plan) -> History:
        """Put a plan on record, unless it is; return what is on record then."""
        if self.declared(plan):
            return self
        entry = LedgerEntry(kind="declared", time=_now(), plan=plan, plan_hash=plan.hash, arms=plan.arms)
        return self._with([entry])

    def note(self, plan: Plan, evidence: Evidence, looks: Sequence[Look], again: str) -> History:
        """Put the analyses of a plan on record that are not; return what is on record then."""
        new = []
        for look in looks:
            digest = digest_of(evidence.differences[..., : look.seeds])
            if not any(it.seeds == look.seeds and it.differences == digest for it in self._under(plan)):
                keys = [tuple(sorted(map(str, own[:, : look.seeds].ravel()))) for own in evidence.keys]
                p = (None if np.isnan(own) else float(own) for own in look.raw.claim)
                new.append(
                    LedgerEntry(
                        kind="analysed",
                        time=_now(),
                        plan=plan,
                        plan_hash=plan.hash,
                        arms=plan.arms,
                        seeds=look.seeds,
                        candidate=keys[0],
                        baseline=keys[1],
                        differences=digest,
                        p=dict(zip(plan.metrics, p, strict=True)),
                        decision=DECISIONS[int(look.decision)],
                        again=again,
                    )
                )
        return self._with(new) if new else self

    def objections(self, plan: Plan, evidence: Evidence) -> Iterator[Obstacle]:
        """Yield why a verdict under a plan would not err as rarely as it says: what was seen before, or left out."""
        keys = frozenset(map(str, evidence.keys.ravel()))
        seen = [it for it in self._analysed() if set(it.arms) == set(plan.arms) and it.plan_hash != plan.hash]
        shared = [it for it in seen if (it.runs & keys if it.runs else _shares_blocks(it, plan))]
        for name in dict.fromkeys(it.plan_hash for it in shared):
            yield _seen_under([it for it in shared if it.plan_hash == name], plan)
        if self._exchanged(plan, evidence.differences):
            text = "these are not the runs that this plan was analysed on before: results were exchanged since"
            yield Obstacle(kind="exchanged", text=text)
        yield from self._left_out(plan, evidence.unused, frozenset().union(*(it.runs for it in seen)))

    def candidates(self, plan: Plan, evidence: Evidence) -> int:
        """Return how many candidates were held against these runs of the baseline, this one included."""
        keys = frozenset(map(str, evidence.keys[1].ravel()))
        others = {it.arms[0] for it in self._analysed() if it.arms[1] == plan.arms[1] and keys & set(it.baseline)}
        return len(others | {plan.arms[0]})

    def plans(self, plan: Plan) -> int:
        """Return how many plans were analysed that compare these arms, this one included."""
        return len({it.plan_hash for it in self._analysed() if set(it.arms) == set(plan.arms)} | {plan.hash})

    def _analysed(self) -> list[LedgerEntry]:
        return [it for it in self.entries if it.kind == "analysed"]

    def _under(self, plan: Plan) -> list[LedgerEntry]:
        return [it for it in self._analysed() if it.plan_hash == plan.hash]

    def _exchanged(self, plan: Plan, differences: FloatArray) -> bool:
        known = [it for it in self._under(plan) if it.differences and it.seeds <= differences.shape[-1]]
        return any(digest_of(differences[..., : it.seeds]) != it.differences for it in known)

    def _left_out(self, plan: Plan, unused: pd.DataFrame, analysed: frozenset[str]) -> Iterator[Obstacle]:
        """Yield a line on pairs that were stored when the plan was declared, and that no other plan analysed."""
        declared = self.declared(plan) or _now()
        finished = pd.to_datetime(unused["finished"], utc=True, errors="coerce", format="ISO8601")
        before = ~(finished > pd.Timestamp(declared))
        chosen = unused[before & ~unused["key"].isin(analysed)]
        if len(chosen):
            names = [
                f"{dataset}/{positive}, {ratio_words(int(ratio))}, {start} start, seed {seed}"
                for ratio, start, dataset, positive, seed in chosen[WHOLE_BLOCK].head(MOST_NAMED).to_numpy()
            ]
            more = f"; and {len(chosen) - MOST_NAMED} more" if len(chosen) > MOST_NAMED else ""
            yield Obstacle(
                kind="unused",
                text=f"{len(chosen)} pairs of the same comparison were stored when the plan was declared, and it "
                f"leaves them out ({'; '.join(names)}{more}): "
                "take all of them, or declare the plan before its runs are made",
            )

    def carried_to(self, store: Store) -> int:
        """Put what is on record here on record in a store that takes the runs over, too; return how much was new."""
        known = {json.dumps(_fields(line), sort_keys=True) for line in Ledger.of(store).read()}
        lines = [entry.model_dump(mode="json") for entry in self.entries]
        new = [line for line in lines if json.dumps(line, sort_keys=True) not in known]
        if new:
            Ledger.of(store).append(new)
        return len(new)

    def _with(self, entries: list[LedgerEntry]) -> History:
        for number, ledger in enumerate(self.ledgers):
            lines = [entry.model_dump(mode="json") for entry in entries]
            if number == 0:
                ledger.append(lines)
                continue
            with suppress(StoreError, OSError):  # a baseline on a disk that others own is no reason not to judge
                ledger.append(lines)
        return History(self.ledgers, (*self.entries, *entries))


def _fields(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of a ledger without what links it to that ledger."""
    return {name: value for name, value in line.items() if name not in ("hash", "previous")}


def digest_of(differences: FloatArray) -> str:
    """Return what tells differences from others."""
    return hashlib.sha256((np.round(differences, DECIMALS) + 0.0).tobytes()).hexdigest()[:32]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _entry(fields: Mapping[str, Any], path: Path) -> LedgerEntry:
    try:
        return LedgerEntry.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise CorruptRecordError(
            f"{path} is of another version of imbal-bench: {'.'.join(map(str, first['loc']))}: {first['msg']}; use the "
            "version that wrote it"
        ) from None


def _shares_blocks(entry: LedgerEntry, plan: Plan) -> bool:
    """Return whether an analysis of which no keys are known was of some of a plan's places and seeds."""
    return bool(set(entry.plan.places) & set(plan.places) and set(entry.plan.seeds[: entry.seeds]) & set(plan.seeds))


def _seen_under(entries: Sequence[LedgerEntry], plan: Plan) -> Obstacle:
    old = entries[0].plan
    counts = ", ".join(str(count) for count in dict.fromkeys(it.seeds for it in entries))
    return Obstacle(
        kind="analysed",
        text=f"these runs were analysed before under another plan, {old.hash[:12]}, at {counts} seeds "
        f"({DECISION_WORDS[entries[-1].decision]}): {_differs(old, plan)}",
    )


def _differs(old: Plan, new: Plan) -> str:
    """Return what two plans differ in."""
    fields = [name for name in Plan.model_fields if getattr(old, name) != getattr(new, name)]
    return "; ".join(f"{name} was {_text(getattr(old, name))}, now {_text(getattr(new, name))}" for name in fields)


def _text(value: object) -> str:
    """Return a field of a plan in words."""
    if isinstance(value, dict):
        value = [f"{name}={own:g}" for name, own in value.items()]
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none" if len(value) <= MOST_LISTED else f"{len(value)} of them"
    return str(value)


# Plans on record from before there was a ledger: a file each, with the numbers of seeds at which it was analysed.


def _registered(store: Store) -> Iterator[LedgerEntry]:
    for path in sorted((store.path / FOLDER).glob("*.json")):
        try:
            fields = json.loads(path.read_bytes())
            plan = Plan.model_validate(fields["plan"])
            looks = tuple(fields["looked_at"])
        except OSError as error:
            raise StoreError(f"cannot read the plan on record {path}: {error.strerror}") from None
        except (ValueError, TypeError, KeyError):
            raise StoreError(
                f"cannot read the plan on record {path}; move it out of the folder if it is damaged"
            ) from None
        if looks:
            time = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="microseconds")
            same = {"time": time, "plan": plan, "plan_hash": plan.hash, "arms": plan.arms}
            yield LedgerEntry(kind="analysed", seeds=max(looks), **same)


def migrate_plans(
    store: Store,
    strategy: Callable[[Mapping[str, Any]], object],
    settings: Callable[[Mapping[str, Any]], Settings],
) -> int:
    """Bring plans of an earlier version of the store to today's names, so that they still count; return how many.

    Args:
        store: to which they belong.
        strategy: converts the strategies of such a plan.
        settings: converts its settings.

    Raises:
        StoreError: if an entry cannot be read or written.
    """
    count = 0
    for path in sorted((store.path / FOLDER).glob("*.json")):
        try:
            fields = json.loads(path.read_bytes())
            if fields["schema_version"] == 2:
                continue
            arms = {arm: strategy(fields["plan"][arm]) for arm in ("candidate", "baseline")}
            plan = Plan.model_validate({**fields["plan"], **arms, "settings": settings(fields["plan"]["settings"])})
        except OSError as error:
            raise StoreError(f"cannot read the plan on record {path}: {error.strerror}") from None
        except (ValueError, TypeError, KeyError):  # pydantic's errors are ValueErrors
            store.move_aside(path)
            continue
        new = {"schema_version": 2, "plan": plan.model_dump(mode="json"), "looked_at": fields["looked_at"]}
        write_atomically(path.with_name(f"{plan.hash}.json"), json.dumps(new, indent=1).encode() + b"\n")
        if path.stem != plan.hash:
            path.unlink()
        count += 1
    return count
