"""Hold strategies, learners and metrics against the laws, and a store against its data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.testing.everything import failures, kind_of, parts_named, verdicts_on
from bench.testing.verdicts import Verdict

if TYPE_CHECKING:
    from bench.grid.stored.audit import Audit
    from bench.grid.world import World


@dataclass(frozen=True)
class Checked:
    """A part, and what became of each law that it stands under."""

    name: str
    kind: str
    verdicts: Sequence[Verdict]

    @property
    def broken(self) -> bool:
        """Whether it breaks any."""
        return any(verdict.outcome == "broken" for verdict in self.verdicts)


def check(names: Sequence[str] = ()) -> Iterator[Checked]:
    """Yield parts by name as they are checked; without names, all there are.

    Raises:
        UnknownNameError: if a name is none of a part.
    """
    for part in parts_named(names):
        yield Checked(part.name, kind_of(part), verdicts_on(part))


def unloaded(names: Sequence[str] = ()) -> list[str]:
    """Return a line for each part that failed to load, unless names were given: what was asked for has loaded."""
    return [] if names else failures()


def audit(store: Path, world: World) -> Audit:
    """Return whether every run of a store is what it must be, by itself and by its data.

    Raises:
        StoreError: if there is no store.
    """
    from bench.grid.stored.audit import audit as audit_store
    from bench.store import Store

    return audit_store(Store(store), world)
