"""Sound mode's evidence behind a table, in full: a row for each metric and pair of its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from math import isnan

from analysis.captions import count
from analysis.inference import ALPHA, Effect
from analysis.inference.design import Design, Factor
from analysis.inference.effect import effect_of
from analysis.inference.robustness import bounds_of, leave_one_out_of
from analysis.layout import Layout
from analysis.model import NO_VALUE, SOUND, Cell, Comparison, Group, Row, Table, p_text, signed
from analysis.notes import comparisons, holes
from analysis.sound import ESTIMAND, Place, Sound

SIDE = ALPHA / 2
"""Level of a test on the side that the estimate lies on: one that looks at both sides has ``ALPHA``."""
GROUPS = (
    Group("Difference and 95 % CI", ("estimate", "from", "to", "units", "p (Holm)")),
    Group("Size and cross-checks", ("d_z", "Wilcoxon p", "sign-flip p")),
    Group("Same answer without", ("a dataset", "a task", "a seed", "missing runs")),
)


@dataclass(frozen=True)
class Claim:
    """Two places of a table that it compares on a metric: a - b.

    Attributes:
        title: names both. metric. a, b. runs: behind both.
        tests: the comparisons that the table holds of them: of a with b, and of b with a if that is tested too.
    """

    title: str
    metric: str
    a: Place
    b: Place
    runs: tuple[str, ...]
    tests: tuple[Comparison, ...]

    @property
    def p_holm(self) -> float:
        """The corrected p of the side that the estimate lies on."""
        return min(test.p_holm for test in self.tests)


def effects(layout: Layout, table: Table) -> Table | None:
    """Return the evidence on each comparison of a table; None for one whose cells are not tested."""
    sound, titles = Sound(layout), dict(zip(layout.definition.metrics, table.groups, strict=True))
    rows = [
        Row((*row.labels, titles[claim.metric].title, claim.title), _cells(sound, claim))
        for number, row in enumerate(table.rows)
        for claim in _claims(layout, table, number)
    ]
    if not table.sound_mark or not rows:
        return None
    return Table(
        name=f"{table.name}-effects",
        address=f"{table.address}-effects",
        title=f"Effects in sound mode: {table.title}",
        caption=_caption(layout),
        headers=(*table.headers, "Metric", "Claim"),
        groups=GROUPS,
        rows=tuple(rows),
        notes=holes(rows, GROUPS),
        mark=f"p < {ALPHA} after Holm, as {SOUND} in {table.address}",
    )


def _caption(layout: Layout) -> str:
    chosen = (
        "Algorithms are chosen on one half of the seeds and tested on the other, both ways; the estimate is the mean "
        "of both halves', so d_z, cross-checks, leave-one-out tests and bounds are not to be had (dashes). "
    )
    return (
        f"Mean difference of the first minus the second on these tasks (estimand {ESTIMAND}), its two-sided 95 % "
        "t-interval, and the units it is over. p-values are one-sided, on the side of the estimate; Holm's corrects "
        "for all tests of the metric in the table, on both sides; Wilcoxon's and the sign-flip permutation's are not "
        "corrected. d_z: estimate / standard deviation of the units. Without a dataset, a task, a seed: in how many "
        f"leave-one-out tests the uncorrected answer (p < {SIDE} on that side) is the same. Missing runs: whether that "
        "test is marked or not marked whatever they had yielded, or open. A dash: there is one only, or none missing. "
        + chosen * (layout.definition.summary == "best")
        + f"Bold: p < {ALPHA} after Holm."
    )


def _claims(layout: Layout, table: Table, row: int) -> Iterator[Claim]:
    definition, own = layout.definition, table.rows[row]
    tests, cells = comparisons(own, table.groups), dict(zip(table.columns, own.cells, strict=True))
    number = {name: place for place, name in enumerate(layout.columns)}
    for metric, group in zip(definition.metrics, table.groups, strict=True):
        if layout.reference:
            lone_row, reference = layout.reference
            for column in group.columns:
                for test in tests[group.title, column].values():
                    held = (column, (row, number[column]))
                    against = (test.other, (row if lone_row is None else lone_row, reference))
                    (one, a), (other, b) = (against, held) if definition.turned else (held, against)
                    yield Claim(f"{one} − {other}", metric, a, b, cells[group.title, column].runs, (test,))
        else:
            for one, other in combinations(group.columns, 2):
                pair = (group.title, one), (group.title, other)
                both = tests[pair[0]].get(other), tests[pair[1]].get(one)
                runs = cells[pair[0]].runs + cells[pair[1]].runs
                found = tuple(test for test in both if test)
                if found:
                    yield Claim(f"{one} − {other}", metric, (row, number[one]), (row, number[other]), runs, found)


def _cells(sound: Sound, claim: Claim) -> tuple[Cell, ...]:
    found, cell = claim.tests[0].sound, partial(Cell, runs=claim.runs)
    if found is None:
        return (cell(NO_VALUE, note=claim.tests[0].paper.note), *_dashes(GROUPS)[1:])
    return (
        cell(signed(found.estimate), found.estimate, note=found.note),
        *(cell(signed(end), end) for end in (found.low, found.high)),
        cell(count(found.n, found.unit), float(found.n)),
        cell(p_text(claim.p_holm), claim.p_holm, bold=claim.p_holm < ALPHA),
        *(
            _hangs_on(found, sound.design(claim.a, claim.b, claim.metric), cell)
            if isinstance(found, Effect)
            else _dashes(GROUPS[1:])
        ),
    )


def _dashes(groups: tuple[Group, ...]) -> tuple[Cell, ...]:
    return tuple(Cell(NO_VALUE) for group in groups for _ in group.columns)


def _hangs_on(found: Effect, laid: Design, cell: Callable[..., Cell]) -> Iterator[Cell]:
    """Yield d_z, the cross-checks on the estimate's side, and what the answer on that side hangs on."""
    laid = -laid if found.estimate < 0 else laid
    toward = effect_of(laid, found.estimand)
    yield cell(NO_VALUE if isnan(found.d_z) else f"{found.d_z:.2f}".replace("-", "−"), found.d_z)
    yield from (cell(p_text(p), p) for p in (toward.p_wilcoxon, toward.p_sign_flip))
    factors: tuple[Factor, ...] = ("dataset", "task", "seed")
    yield from (_stands(laid, found, factor, cell) for factor in factors)
    verdict = bounds_of(laid, found.estimand).verdict(SIDE) if found.missing else NO_VALUE
    yield cell(verdict, float(found.missing), note=found.hole)


def _stands(laid: Design, found: Effect, factor: Factor, cell: Callable[..., Cell]) -> Cell:
    """Return in how many tests without one level of a factor the answer is the same."""
    levels = len(laid.levels(factor))
    if levels < 2 or isnan(found.p):
        return Cell(NO_VALUE)
    same = levels - len(leave_one_out_of(laid, found.estimand, factor, SIDE).flips)
    return cell(f"{same} of {levels}", same / levels)
