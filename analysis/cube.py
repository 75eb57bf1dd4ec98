"""The runs of a condition as one labelled array, and the part of it that a table takes.

This is the one place that pairs runs: two runs stand at the same task, seed and whatever else their arms share, or
they are no pair. It is also the one place that says which runs are expected.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Literal, cast, get_args

import numpy as np
import pandas as pd

from analysis.names import NATURAL_LEVEL, label_variants, ratio_label, title_of
from analysis.stats.design import TaskName
from analysis.stats.interval import BoolArray
from bench.arrays import FloatArray, IntArray
from bench.errors import PairingError
from bench.seeds import canonical

Level = int | str
RowAxis = Literal["ratio", "start", "dataset", "algorithm", "weighting", "bins"]
Values = Mapping[RowAxis, tuple[Level, ...]]
Axis = Literal["ratio", "start", "task", "seed", "algorithm", "weighting"]
AXES: tuple[Axis, ...] = get_args(Axis)
COLUMNS: Mapping[Axis, list[str]] = {
    "ratio": ["ratio"],
    "start": ["start"],
    "task": ["dataset", "positive"],
    "seed": ["seed"],
    "algorithm": ["algorithm", "algorithm_options", "algorithm_version"],
    "weighting": ["weighting", "weighting_options", "weighting_version"],
}
"""The columns of the runs frame that tell the levels of an axis apart."""
BLOCK: tuple[Axis, ...] = AXES[:4]
PARTS: tuple[Axis, ...] = ("ratio", "start", "algorithm", "weighting")
"""The axes that a table may lay out as rows and columns; it always summarises tasks and seeds."""
ALWAYS_SHOWN = ("ratio", "start", "weighting", "bins")
"""Axes whose listed values are shown also where nothing was run; of the others only what was tried is."""


@dataclass(frozen=True)
class Cube:
    """The runs of a condition by ratio, start, task, seed, algorithm and weighting.

    Attributes:
        runs: the finished runs, as :class:`analysis.results.Results` has them.
        levels: axis -> its levels, sorted; a task is (dataset, class), an algorithm or a weighting is (name, options as
            JSON, version).
        finished: by ``AXES``, the number of the run there (its line of ``runs``), or -1.
        failed: by ``AXES``, whether a run failed there.
        infeasible: by ratio, start, task and seed, whether the block was only ever skipped, so that no run is expected.
    """

    runs: pd.DataFrame
    levels: Mapping[Axis, list[Any]]
    finished: IntArray
    failed: BoolArray
    infeasible: BoolArray

    @classmethod
    def of(cls, runs: pd.DataFrame, failed: pd.DataFrame, skipped: pd.DataFrame) -> Cube:
        """Return the cube of finished, failed and skipped runs.

        Raises:
            PairingError: if two finished runs claim one place.
        """
        tried = pd.concat([runs, failed])
        levels = {axis: _levels(tried[columns]) for axis, columns in COLUMNS.items()}
        shape = [len(levels[axis]) for axis in AXES]
        lost, never = np.zeros(shape, dtype=bool), np.zeros(shape[: len(BLOCK)], dtype=bool)
        lost[_places(failed, levels, AXES)] = True
        at = _places(skipped, levels, BLOCK)
        known = np.logical_and.reduce([numbers >= 0 for numbers in at])
        never[tuple(numbers[known] for numbers in at)] = True
        finished = placed(runs, _places(runs, levels, AXES), shape)
        return cls(runs, levels, finished, lost, never & ~((finished >= 0) | lost).any(axis=(-2, -1)))

    @cached_property
    def keys(self) -> np.ndarray:
        """The key of each run."""
        return self.runs["key"].to_numpy()

    @cached_property
    def pair_codes(self) -> IntArray:
        """A number for the pair key of each run; -1 where it has none, so that it must not be paired."""
        codes = pd.factorize(self.runs["pair_key"])[0]
        return np.where(self.runs["pair_key"].to_numpy() == "", -1, codes)

    def values(self, metric: str, runs: IntArray) -> FloatArray:
        """Return a metric of runs by their numbers; NaN where there is none (-1), or the run has no value."""
        return self.column(metric)[runs]

    def column(self, metric: str) -> FloatArray:
        """Return a metric of all runs, and at the end NaN, which the number -1 of no run stands for."""
        if metric not in self._columns:
            self._columns[metric] = np.append(self.runs[metric].to_numpy(np.float64), np.nan)
        return self._columns[metric]

    @cached_property
    def _columns(self) -> dict[str, FloatArray]:
        return {}

    def why_unpaired(self, a: IntArray, b: IntArray) -> str:
        """Return why runs (n,) that stand at the same places must not be paired; empty if they may be."""
        codes, keys = self.pair_codes, self.keys
        differ = np.flatnonzero((codes[a] != codes[b]) | (codes[a] < 0))
        if not len(differ):
            return ""
        first = differ[0]
        return (
            f"{len(differ)} of {len(a)} matched runs do not share a pair key, so they are no pairs "
            f"(first: {keys[a[first]]} and {keys[b[first]]}); run both arms again with one version of data and model"
        )

    def unpaired_blocks(self) -> pd.DataFrame:
        """Return the blocks whose runs do not share one pair key, or have none: ratio, start, task and seed."""
        columns = [name for axis in BLOCK for name in COLUMNS[axis]]
        keys = self.runs.groupby(columns)["pair_key"].agg(["nunique", "min"])
        return keys[(keys["nunique"] > 1) | (keys["min"] == "")].reset_index()[columns]


def placed(runs: pd.DataFrame, at: tuple[IntArray, ...], shape: Sequence[int]) -> IntArray:
    """Return an array with the number of the run at each place, and -1 where there is none.

    Args:
        runs: a line for each.
        at: the place of each run, an array of numbers an axis.
        shape: of the result.

    Raises:
        PairingError: if two runs claim one place.
    """
    found = np.full(shape, -1)
    found[at] = np.arange(len(runs))
    lost = found[at] != np.arange(len(runs))
    if lost.any():
        keys = runs["key"].to_numpy()
        names = ", ".join(sorted({*keys[lost], *keys[found[at][lost]]}))
        raise PairingError(f"runs stored twice for one place: {names}; remove one of each from the store")
    return found


def _levels(frame: pd.DataFrame) -> list[Any]:
    rows = set(frame.itertuples(index=False, name=None))
    alone = frame.shape[1] == 1
    return sorted((row[0] if alone else row for row in rows), key=order)


def order(level: Any) -> tuple[Any, ...]:
    """Return what sorts levels as the paper does: numbers by size, names by letter, warm before cold."""
    if isinstance(level, tuple):
        return level
    if isinstance(level, str):
        return (level == "cold", level.lower(), level)
    return (int(level), "", "")


def _places(frame: pd.DataFrame, levels: Mapping[Axis, list[Any]], axes: Sequence[Axis]) -> tuple[IntArray, ...]:
    """Return the number of each line's level on each axis; -1 where it is none of them."""
    return tuple(numbers_of(frame[COLUMNS[axis]], levels[axis]) for axis in axes)


def numbers_of(frame: pd.DataFrame, levels: Sequence[Hashable]) -> IntArray:
    """Return for each line of a frame which of some levels it is, (n,); -1 where it is none of them."""
    number = {level: at for at, level in enumerate(levels)}
    rows = frame.itertuples(index=False, name=None) if frame.shape[1] > 1 else frame.iloc[:, 0].tolist()
    return np.fromiter((number.get(row, -1) for row in rows), dtype=np.int64, count=len(frame))


@dataclass(frozen=True)
class Selection:
    """The runs that a table takes, laid out.

    The arrays are by row, column, task, seed, and whatever else a cell summarises (``pooled``). Two cells are compared
    place by place: runs that share task, seed and the pooled parts are a pair.

    Attributes:
        cube: what it is of.
        axes: of the rows. column_axis: of the columns.
        rows: a value for each axis, for each row. columns: the values of the columns.
        pooled: what each level of the last axis stands for: axis -> value.
        tasks, seeds: that were tried in it.
        runs: numbers of finished runs, -1 where there is none.
        expected: where a run should be: every task with every seed that was tried in the table, in each row and column,
            but for blocks that were only ever skipped.
        failed: where a run failed.
        tried: axis -> the values that were tried in it.
    """

    cube: Cube
    axes: tuple[RowAxis, ...]
    column_axis: RowAxis
    rows: tuple[tuple[Level, ...], ...]
    columns: tuple[Level, ...]
    pooled: tuple[Mapping[Axis, Level], ...]
    tasks: tuple[TaskName, ...]
    seeds: tuple[int, ...]
    runs: IntArray
    expected: BoolArray
    failed: BoolArray
    tried: Mapping[Axis, tuple[Level, ...]]

    @property
    def missing(self) -> BoolArray:
        """Where a run is expected and none has finished."""
        return self.expected & (self.runs < 0)

    @property
    def held(self) -> IntArray:
        """(rows, columns): how many runs have finished."""
        return np.asarray((self.runs >= 0).sum(axis=(2, 3, 4)))

    @cached_property
    def rows_tried(self) -> BoolArray:
        """(rows,): whether anything of a row finished or failed; a row that is only listed was not planned."""
        return np.asarray(((self.runs >= 0) | self.failed).any(axis=(1, 2, 3, 4)))

    @property
    def frame(self) -> pd.DataFrame:
        """The finished runs that it holds, in the order of the store."""
        return self.cube.runs.iloc[np.unique(self.runs[self.runs >= 0])]

    @cached_property
    def share(self) -> float | None:
        """The share of positives at the natural ratio, where all runs of that ratio have the same."""
        own = self.frame[self.frame["ratio"] == NATURAL_LEVEL]
        shares = (own["pool_positives"] / own["pool_rows"]).unique()
        return float(shares[0]) if len(shares) == 1 else None

    @cached_property
    def row_labels(self) -> tuple[tuple[str, ...], ...]:
        """The values of the rows as they are printed."""
        spell = [self._spell if axis == "ratio" else str for axis in self.axes]
        return tuple(tuple(own(value) for own, value in zip(spell, row, strict=True)) for row in self.rows)

    def _spell(self, ratio: Level) -> str:
        return ratio_label(int(ratio), self.share)

    @cached_property
    def column_labels(self) -> tuple[str, ...]:
        """The values of the columns as they are printed."""
        if self.column_axis == "ratio":
            return tuple(map(self._spell, self.columns))
        return tuple(title_of(value) if self.column_axis == "start" else str(value) for value in self.columns)

    def keys(self, runs: IntArray) -> tuple[str, ...]:
        """Return the keys of runs by their numbers, of those that are there."""
        return tuple(self.cube.keys[runs[runs >= 0]])

    def absent(self) -> pd.DataFrame:
        """Return a line for each missing run.

        Returns:
            ratio, start, dataset, positive, seed, algorithm and weighting (as they are printed), row, column, and
            whether it failed; sorted.
        """
        at = np.argwhere(self.missing)
        rows = [
            {
                **self._place(row, column, pooled),
                "dataset": self.tasks[task][0],
                "positive": self.tasks[task][1],
                "seed": self.seeds[seed],
                "row": row,
                "column": column,
            }
            for row, column, task, seed, pooled in at.tolist()
        ]
        columns = ["ratio", "start", "dataset", "positive", "seed", "algorithm", "weighting", "row", "column"]
        frame = pd.DataFrame(rows, columns=pd.Index(columns))
        return frame.assign(failed=self.failed[tuple(at.T)]).sort_values(columns, ignore_index=True)

    def _place(self, row: int, column: int, pooled: int) -> dict[str, Level]:
        there: dict[str, Level] = dict(zip(self.axes, self.rows[row], strict=True))
        there.pop("dataset", None)
        there[self.column_axis if self.column_axis != "bins" else "weighting"] = self.columns[column]
        return {**there, **dict[str, Level](self.pooled[pooled].items())}

    def where(self, values: Mapping[RowAxis, str]) -> tuple[int | None, int] | None:
        """Return row and column of the cells of parts with these names; None where no run of them has finished.

        There is no row where the names are of columns alone, so that each row has such a cell of its own.
        """
        column = [number for number, value in enumerate(self.columns) if _is_of(value, values.get(self.column_axis))]
        own = [(at, values[axis]) for at, axis in enumerate(self.axes) if axis in values]
        rows = [number for number, row in enumerate(self.rows) if all(_is_of(row[at], name) for at, name in own)]
        if not column or not rows or not (self.runs[rows][:, column[:1]] >= 0).any():
            return None
        return (rows[0] if own else None), column[0]


def _is_of(value: Level, name: str | None) -> bool:
    """Return whether a value is that of a name, with whatever tells its variants apart; every value is of None."""
    return name is None or str(value).partition(" (")[0] == title_of(name)


def part_of(axis: RowAxis) -> Axis:
    """Return the axis of a cube that an axis of a table lays out."""
    parts: dict[RowAxis, Axis] = {"bins": "weighting", "dataset": "task"}
    return parts.get(axis, cast("Axis", axis))


def select(
    cube: Cube,
    rows: Sequence[RowAxis],
    columns: RowAxis = "weighting",
    where: Values | None = None,
    unless: Values | None = None,
) -> Selection | None:
    """Return the runs of a cube that a table takes, laid out; None if none of them has finished.

    Args:
        cube: the runs of a condition.
        rows: axes; a row is a combination of their values that was tried, or that ``where`` lists.
        columns: the axis of the columns.
        where: axis -> the values taken, in the order shown; an axis that is not named is open: all that was run.
        unless: runs that have all of these take no part.
    """
    where = where or {}
    mask = _mask(cube, where) & ~_mask(cube, unless) if unless else _mask(cube, where)
    finished, failed = np.where(mask, cube.finished, -1), cube.failed & mask
    tried = (finished >= 0) | failed
    if not (finished >= 0).any():
        return None
    shown = {axis: _shown(cube, _along(tried, axis), axis, columns, where) for axis in PARTS}
    task, seed = (np.flatnonzero(_along(tried, axis)) for axis in ("task", "seed"))
    tasks = [cube.levels["task"][number] for number in task]
    never = np.broadcast_to(cube.infeasible[..., None, None], cube.finished.shape)
    parts = [part_of(axis) for axis in rows if axis != "dataset"]
    pooled = [axis for axis in PARTS if axis not in parts and axis != part_of(columns)]

    def laid_out(array: Any) -> Any:
        """Return (*rows' parts, columns, tasks, seeds, pooled)."""
        nothing = -1 if array.dtype != bool else 0
        padded = np.pad(array, [(0, int(axis in PARTS)) for axis in AXES], constant_values=nothing)
        at: dict[Axis, Any] = {"task": task, "seed": seed}
        at |= {axis: [level for _, level in shown[axis]] for axis in PARTS}
        own = padded[np.ix_(*(at[axis] for axis in AXES))]
        moved = own.transpose([AXES.index(axis) for axis in (*parts, part_of(columns), "task", "seed", *pooled)])
        return moved.reshape(*moved.shape[: len(parts) + 3], -1)

    def values_of(axis: Axis) -> list[Level]:
        return [value for value, _ in shown[axis]]

    arrays = (laid_out(finished), ~laid_out(never), laid_out(failed))
    there = laid_out(tried)
    found = [
        (values, at, of_dataset)
        for values, at, of_dataset, open_at in _rows(rows, shown, tasks, where)
        if there[open_at][..., of_dataset, :, :].any()
    ]
    of_row = (tuple(_of_tasks(array[at], own) for _, at, own in found) for array in arrays)
    runs, expected, lost = (np.stack(parts) for parts in of_row)
    return Selection(
        cube=cube,
        axes=tuple(rows),
        column_axis=columns,
        rows=tuple(values for values, _, _ in found),
        columns=tuple(values_of(part_of(columns))),
        pooled=tuple(dict(zip(pooled, own, strict=True)) for own in product(*map(values_of, pooled))),
        tasks=tuple(tasks),
        seeds=tuple(cube.levels["seed"][number] for number in seed),
        runs=runs,
        expected=expected,
        failed=lost,
        tried={
            axis: tuple(value for value, level in shown[axis] if level >= 0 and _along(tried, axis)[level])
            for axis in PARTS
        },
    )


FoundRows = Iterator[tuple[tuple[Level, ...], tuple[int, ...], BoolArray, tuple[int | slice, ...]]]


def _rows(
    rows: Sequence[RowAxis], shown: Mapping[Axis, ShownValues], tasks: Sequence[TaskName], where: Values
) -> FoundRows:
    """Yield for each row that there may be its values, its place among the rows' parts, and its tasks (a mask).

    The last item is the place with all values of an axis whose values are always shown: a row is kept if anything of
    its other values was tried.
    """
    names = sorted({name for name, _ in tasks}, key=order)
    axes = [[(name, -1) for name in names] if axis == "dataset" else list(shown[part_of(axis)]) for axis in rows]
    for own in product(*(enumerate(axis) for axis in axes)):
        values = tuple(value for _, (value, _) in own)
        dataset = values[rows.index("dataset")] if "dataset" in rows else None
        at = [number for axis, (number, _) in zip(rows, own, strict=True) if axis != "dataset"]
        fixed = [axis in ALWAYS_SHOWN and axis in where for axis in rows if axis != "dataset"]
        open_at = tuple(slice(None) if always else number for always, number in zip(fixed, at, strict=True))
        of_dataset = np.array([dataset in {None, name} for name, _ in tasks], dtype=bool)
        yield values, tuple(at), of_dataset, open_at


def _of_tasks(array: Any, tasks: BoolArray) -> Any:
    """Return (columns, tasks, seeds, pooled) with nothing at other tasks."""
    return np.where(tasks[:, None, None], array, -1 if array.dtype != bool else False)


def _mask(cube: Cube, values: Values) -> BoolArray:
    """Return where runs have one of the values on each of these axes, by ``AXES``."""
    mask = np.ones(cube.finished.shape, dtype=bool)
    for axis, wanted in values.items():
        at = AXES.index(part_of(axis))
        own = np.array([_named(level, axis) in wanted for level in cube.levels[part_of(axis)]], dtype=bool)
        mask &= own.reshape([-1 if number == at else 1 for number in range(len(AXES))])
    return mask


def _named(level: Any, axis: RowAxis) -> Level:
    """Return what definitions name a level by: a task by its dataset, a part by its name or its number of bins."""
    if axis == "bins":
        return str(json.loads(level[1]).get("bins", ""))
    value: Level = level[0] if isinstance(level, tuple) else level
    return value


def _along(array: BoolArray, axis: Axis) -> BoolArray:
    return np.asarray(array.any(axis=tuple(number for number, name in enumerate(AXES) if name != axis)))


ShownValues = list[tuple[Level, int]]
"""The values of an axis in the order shown, each with its level in the cube (-1: none, it was not run)."""


def _shown(cube: Cube, tried: BoolArray, axis: Axis, columns: RowAxis, where: Values) -> ShownValues:
    levels = {number: cube.levels[axis][number] for number in np.flatnonzero(tried).tolist()}
    named = cast("RowAxis", "bins" if axis == "weighting" and columns == "bins" else axis)
    labels = levels if axis in ("ratio", "start") else _labels(levels, with_bins=named == "bins")
    found = sorted(((label, number) for number, label in labels.items()), key=lambda one: order(one[0]))
    if named not in ALWAYS_SHOWN or named not in where:
        return found
    shown: ShownValues = []
    for value in where[named]:
        own = [one for one in found if _named(levels[one[1]], named) == value]
        shown += own or [(value if axis in ("ratio", "start") else title_of(value), -1)]
    return shown


def _labels(variants: Mapping[int, Any], *, with_bins: bool) -> dict[int, Level]:
    """Return what variants of a part are printed as; in a table of numbers of bins, by their number."""
    if not with_bins:
        printed = label_variants(set(variants.values()))
        return {number: printed[variant] for number, variant in variants.items()}
    plain = {
        number: (name, canonical({key: own for key, own in json.loads(options).items() if key != "bins"}), version)
        for number, (name, options, version) in variants.items()
    }
    printed = label_variants(set(plain.values()))
    extra = {number: printed[variant].removeprefix(title_of(variant[0])) for number, variant in plain.items()}
    return {number: f"{_named(variant, 'bins')}{extra[number]}" for number, variant in variants.items()}
