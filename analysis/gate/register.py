"""Plans on record: written into the candidate's store before the first look, so that none is changed after one.

``gates/<hash>.json`` holds a plan and the looks that were taken under it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import ValidationError

from analysis.gate.plan import Plan
from analysis.gate.verdict import Verdict
from bench.errors import StoreError
from bench.records import Record, Settings
from bench.store import Store
from bench.store.files import write_atomically

FOLDER = "gates"
VERSION: Literal[2] = 2


class RegisteredPlan(Record):
    """A plan on record and the numbers of seeds at which it was looked at."""

    schema_version: Literal[2] = VERSION
    plan: Plan
    looked_at: tuple[int, ...] = ()


def register(store: Store, plan: Plan) -> tuple[str, ...]:
    """Put a plan on record before it is looked at; return lines on other plans of the same comparison, if any.

    A plan that is on record already stays as it is. Only other plans with an interim analysis are reported: their
    looks have seen the same runs, and choosing among plans afterwards voids the error rate of each.

    Raises:
        StoreError: if an entry cannot be read or written.
    """
    path = store.path / FOLDER / f"{plan.hash}.json"
    if not path.exists():
        _write(store, RegisteredPlan(plan=plan))
    entries = [_read(store, path.stem) for path in sorted((store.path / FOLDER).glob("*.json"))]
    others = [it for it in entries if it.looked_at and it.plan.comparison == plan.comparison and it.plan != plan]
    if not others:
        return ()
    plans = "ANOTHER PLAN" if len(others) == 1 else f"{len(others)} OTHER PLANS"
    return (
        f"{plans} for this comparison looked at these runs before: the error rate holds for the plan that was first",
        *(f"plan {it.plan.hash[:12]}, at {_text(it.looked_at)} seeds: {_differs(it.plan, plan)}" for it in others),
    )


def note_looks(store: Store, verdict: Verdict) -> None:
    """Put on record which looks were taken.

    Raises:
        StoreError: if the entry cannot be read or written.
    """
    entry = _read(store, verdict.plan_hash)
    looked = tuple(look.seeds for look in verdict.looks[: verdict.taken])
    if len(looked) > len(entry.looked_at):
        _write(store, entry.model_copy(update={"looked_at": looked}))


def migrate_plans(
    store: Store,
    strategy: Callable[[Mapping[str, Any]], object],
    settings: Callable[[Mapping[str, Any]], Settings],
) -> int:
    """Bring plans of an earlier version to today's names, so that their looks still count; return how many.

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
            plan = fields["plan"]
            if fields["schema_version"] == VERSION:
                continue
            arms = {arm: strategy(plan[arm]) for arm in ("candidate", "baseline")}
            new = Plan.model_validate({**plan, **arms, "settings": settings(plan["settings"])})
            _write(store, RegisteredPlan(plan=new, looked_at=fields["looked_at"]))
        except OSError as error:
            raise StoreError(f"cannot read the plan on record {path}: {error.strerror}") from None
        except (ValueError, TypeError, KeyError):  # pydantic's errors are ValueErrors
            store.move_aside(path)
            continue
        if path.stem != new.hash:
            path.unlink()
        count += 1
    return count


def _differs(old: Plan, new: Plan) -> str:
    """Return what two plans differ in."""
    fields = [name for name in Plan.model_fields if getattr(old, name) != getattr(new, name)]
    return "; ".join(f"{name} was {_text(getattr(old, name))}, now {_text(getattr(new, name))}" for name in fields)


def _text(value: object) -> str:
    """Return a field of a plan in words."""
    if isinstance(value, dict):
        value = [f"{name}={own:g}" for name, own in value.items()]
    return (", ".join(map(str, value)) or "none") if isinstance(value, list | tuple) else str(value)


def _read(store: Store, name: str) -> RegisteredPlan:
    path = store.path / FOLDER / f"{name}.json"
    try:
        return RegisteredPlan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StoreError(f"cannot read the plan on record {path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise StoreError(
            f"cannot read the plan on record {path}: {where}: {first['msg']}; "
            "move it out of the folder if it is damaged or of another version"
        ) from None


def _write(store: Store, entry: RegisteredPlan) -> None:
    path = store.path / FOLDER / f"{entry.plan.hash}.json"
    write_atomically(path, entry.model_dump_json(indent=1).encode() + b"\n")
