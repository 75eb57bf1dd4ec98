"""Hold strategies, learners and metrics against the laws, and a store against its data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import SpecError
from bench.grid.expansion.pairs import algorithm
from bench.strategies.base import ALGORITHMS, Stateful
from bench.strategies.catalogue import build
from bench.testing.everything import failures, kind_of, parts_named, verdicts_on
from bench.testing.verdicts import LawVerdict

if TYPE_CHECKING:
    from bench.grid.stored.audit import Audit
    from bench.grid.world import World
    from bench.testing.agreement import Agreements


@dataclass(frozen=True)
class Checked:
    """A part, and what became of each law that it stands under."""

    name: str
    kind: str
    verdicts: Sequence[LawVerdict]

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


def agree(names: Sequence[str], *, pools: int, draws: int, rows: int, k: int) -> Agreements:
    """Return how far algorithms, implementations of one method as a rule, select the same rows of the same pools.

    Args:
        names: two or more, with options if they have any: ``badge``, ``skactiveml:Badge``.
        pools: made-up pools to select from.
        draws: selections from each.
        rows: of a pool.
        k: rows of a batch.

    Raises:
        UnknownNameError, PluginError: if there is no such algorithm. SpecError: if fewer than two are named.
    """
    from bench.testing.agreement import agreements

    found = [build(ALGORITHMS, algorithm(name)) for name in dict.fromkeys(names)]
    if len(found) < 2:
        raise SpecError(f"{' '.join(names)}: name two algorithms or more, e.g. badge skactiveml:Badge")
    for one in found:
        if isinstance(one, Stateful):
            raise SpecError(f"{one.name} learns from round to round, and these are single selections; leave it out")
    if k >= rows:
        raise SpecError(f"a batch of {k} is all of a pool of {rows} rows; give fewer, or --rows")
    return agreements(found, pools=pools, draws=draws, rows=rows, k=k)


def audit(store: Path, world: World, data: Sequence[str] = ()) -> Audit:
    """Return whether every run of a store is what it must be, by itself and by its data.

    Args:
        store: its folder.
        world: where data are.
        data: YAML files of users' datasets, which the names in a store do not tell; other names are passed over.

    Raises:
        DataError: if such a file cannot be read. StoreError: if there is no store.
    """
    from bench.data.places import is_user_file
    from bench.grid.stored.audit import audit as audit_store
    from bench.store import Store

    files = {world.corpus(path).name: path for path in data if is_user_file(path)}
    return audit_store(Store(store), world, files)
