"""Plans on record: written into the candidate's store before the first look, so that none is changed after one.

``gates/<hash>.json`` holds a plan and the looks that were taken under it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ValidationError

from analysis.gate.plan import Plan
from analysis.gate.verdict import VERSION, Verdict
from bench.errors import StoreError
from bench.records import Record
from bench.store import Store
from bench.store.files import write_atomically

FOLDER = "gates"


class Entry(Record):
    """A plan on record and the numbers of seeds at which it was looked at."""

    schema_version: Literal[1] = VERSION
    plan: Plan
    looked_at: tuple[int, ...] = ()


def register(store: Store, plan: Plan) -> tuple[str, ...]:
    """Put a plan on record before it is looked at; return a line for each other plan of the same comparison.

    A plan that is on record already stays as it is. Only other plans that have been looked at are told of: their
    looks have seen the same runs, and choosing among plans afterwards voids the error rate of each.

    Raises:
        StoreError: if an entry cannot be read or written.
    """
    path = store.path / FOLDER / f"{plan.hash}.json"
    if not path.exists():
        _write(store, Entry(plan=plan))
    lines = []
    for other in sorted((store.path / FOLDER).glob("*.json")):
        entry = _read(store, other.stem)
        if entry.looked_at and entry.plan.comparison == plan.comparison and entry.plan.hash != plan.hash:
            lines.append(
                f"ANOTHER PLAN for this comparison was looked at before this one: {_differs(entry.plan, plan)} "
                f"(plan {entry.plan.hash[:12]}, looks at {', '.join(map(str, entry.looked_at))} seeds); "
                "the error rate holds for a plan that is fixed before the first look"
            )
    return tuple(lines)


def note_looks(store: Store, verdict: Verdict) -> None:
    """Put on record which looks were taken.

    Raises:
        StoreError: if the entry cannot be read or written.
    """
    entry = _read(store, verdict.plan_hash)
    looked = tuple(look.seeds for look in verdict.looks[: verdict.taken])
    if len(looked) > len(entry.looked_at):
        _write(store, entry.model_copy(update={"looked_at": looked}))


def _differs(old: Plan, new: Plan) -> str:
    """Return what two plans differ in."""
    fields = [name for name in Plan.model_fields if getattr(old, name) != getattr(new, name)]
    return "; ".join(f"{name} was {getattr(old, name)}, now {getattr(new, name)}" for name in fields)


def _read(store: Store, name: str) -> Entry:
    path = store.path / FOLDER / f"{name}.json"
    try:
        return Entry.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StoreError(f"cannot read the plan on record {path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise StoreError(
            f"cannot read the plan on record {path}: {where}: {first['msg']}; "
            "move it out of the folder if it is damaged or of another version"
        ) from None


def _write(store: Store, entry: Entry) -> None:
    path = store.path / FOLDER / f"{entry.plan.hash}.json"
    write_atomically(path, entry.model_dump_json(indent=1).encode() + b"\n")
