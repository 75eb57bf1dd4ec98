"""What a caption says: what the numbers are, how they were tested, on what, and from how many runs."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan

from analysis.condition import Condition
from analysis.definitions import TableDefinition
from analysis.inference import ALPHA
from analysis.layout import Layout
from analysis.model import DISAGREE, SOUND, Cell
from analysis.names import NATURAL_LEVEL, lower_is_better, metric_title, ratio_words
from analysis.paper import printed
from analysis.sound import ESTIMAND
from bench.records import FINE_TUNE, Settings


def mark(definition: TableDefinition, cells: Iterable[Cell]) -> str:
    """Return what bold means in a table; empty if nothing is tested."""
    if not any(cell.against for cell in cells):
        return ""
    if definition.summary == "p":
        return f"p < {ALPHA} or p > {1 - ALPHA}"
    return f"larger than every other column of its row and metric, p < {ALPHA}"


def sound_mark(definition: TableDefinition, cells: Iterable[Cell]) -> str:
    """Return what the mark of sound mode means: question, test, unit, n, correction; empty if nothing was tested."""
    every = [comparison.sound for cell in cells for comparison in cell.against]
    found = [one for one in every if one]
    if not found:
        return ""
    low, high = (pick(one.n for one in found) for pick in (min, max))
    n = f"n = {low}" if low == high else f"n = {low} to {high}"
    pooled = "tasks and algorithms" if "algorithm" in definition.pair else "tasks"
    unit = f"a unit is a {found[0].unit}, its value the mean difference over {pooled}; {n}"
    halves = {"best": ", algorithms chosen on one half of the seeds and tested on the other, both ways, Bonferroni"}
    family = len(every) * (1 + (definition.summary == "p")) // len(definition.metrics)
    what = "different on either side" if definition.summary == "p" else "larger than every other column of its row"
    return (
        f"{what} on these tasks (estimand {ESTIMAND}) by one-sided t-tests over {found[0].unit}s ({unit})"
        f"{halves.get(definition.summary, '')}, p < {ALPHA} after Holm over all {count(family, 'test')} of a metric"
    )


def caption(layout: Layout, cells: list[Cell]) -> str:
    """Return what the numbers are: of which runs; the test's side, unit, pairs and correction; data; runs held."""
    data = layout.runs.groupby("dataset")["fingerprint"].first()
    asked, missing = len(layout.asked), len(layout.absent)
    sentences = [
        f"Table {layout.definition.number} of the paper",
        layout.definition.says,
        _extent(layout),
        *_test(layout, cells),
        *_sound(layout.definition, cells),
        _direction(layout.definition),
        f"{_trained(layout.condition)}; {extent(layout.condition.settings)}",
        f"Data: {', '.join(f'{name} {fingerprint[:8]}' for name, fingerprint in data.items())}",
        f"Runs: {asked - missing:,} of {asked:,}; a dagger marks cells that lack some",
        "" if printed(layout.definition.number) else "The paper's printed values of this table are not at hand",
    ]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def _trained(condition: Condition) -> str:
    """Return what was trained: the paper's learner is known by its encoder."""
    learner = "" if condition.learner == FINE_TUNE.name else f"Learner: {condition.learner}; encoder: "
    return f"{learner or 'Encoder: '}{condition.encoder}"


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def shared(layout: Layout) -> dict[str, str]:
    """Return ratio and start by axis, where all runs of a table share them and no header shows them."""
    definition = layout.definition
    shown = {axis for axis in (*definition.rows, definition.columns) if axis in definition.where}
    of = {axis: layout.tried[axis].unique() for axis in ("ratio", "start") if axis not in shown}
    same = {axis: values[0] for axis, values in of.items() if len(values) == 1}
    return {axis: ratio_words(value) if axis == "ratio" else f"{value} start" for axis, value in same.items()}


def _extent(layout: Layout) -> str:
    """Return of which tasks, seeds and algorithms the numbers are."""
    tried, loop = layout.tried, layout.condition.settings.loop
    ratio, start = (shared(layout).get(axis) for axis in ("ratio", "start"))
    tasks = tried[["dataset", "positive"]].drop_duplicates()["dataset"].value_counts().sort_index()
    names = [] if "algorithm" in layout.definition.rows else sorted(tried["algorithm_label"].unique())
    parts = [
        _share_of_positives(ratio),
        start or "",
        f"{count(int(tasks.sum()), 'task')} ({', '.join(f'{n} of {name}' for name, n in tasks.items())})",
        count(tried["seed"].nunique(), "seed"),
        f"{count(len(names), 'algorithm')} ({', '.join(names)})" if names else "",
        f"{count(loop.rounds, 'round')} of {count(loop.batch, 'row')}",
    ]
    return f"Here: {'; '.join(filter(None, parts))}"


def _share_of_positives(ratio: str | None) -> str:
    """Return what a ratio in words means for the pool; empty for none."""
    said = "positives and negatives as the data have them, nothing dropped"
    return (
        said
        if ratio == ratio_words(NATURAL_LEVEL)
        else f"positives are {ratio.split()[1]} of the pool"
        if ratio
        else ""
    )


def _test(layout: Layout, cells: list[Cell]) -> list[str]:
    """Return what was tested how, with the unit and the number of pairs."""
    definition, marked = layout.definition, mark(layout.definition, cells)
    if not marked:
        return ["No test" + ": there is one column" * (definition.summary != "half-width")]
    apart = definition.reference.where if definition.reference else ()
    shared_axes = {*definition.pair, *(axis for axis in definition.rows if axis not in apart)}
    more = [axis for axis in ("algorithm", "ratio", "start") if axis in shared_axes]
    *first, last = ["task", "seed", *more]
    unit = f"two runs of one {', '.join(first)} and {last}"
    chosen = ", of the algorithms chosen" if definition.summary == "best" else ""
    sizes = [comparison.paper.n for cell in cells for comparison in cell.against]
    pairs = f"no correction, {pairs_of(sizes)}; a pair (the unit) is {unit}{chosen}"
    frank = "As in the paper the test takes runs as independent, though runs of one task are not"
    if definition.summary != "p":
        return [f"Bold: {marked} in a paired one-sided t-test (greater), {pairs}", frank]
    tested = [cell.value for cell in cells if not isnan(cell.value)]
    between = f"{sum(ALPHA <= p <= 1 - ALPHA for p in tested)} of {count(len(tested), 'test')}"
    return [
        f"One-sided (greater), {pairs}",
        f"p lies in [{ALPHA}, {1 - ALPHA}], which shows no difference, in {between}; bold: {marked}",
        frank,
    ]


def _direction(definition: TableDefinition) -> str:
    """Return how differences are signed, where the smaller values of a metric are better; empty if of none."""
    lower = [metric_title(metric) for metric in definition.metrics if lower_is_better(metric)]
    said = "tests ask whether it is smaller, and differences are positive where it is"
    return f"{', '.join(lower)}: {said}" if lower else ""


def _sound(definition: TableDefinition, cells: list[Cell]) -> list[str]:
    meaning = sound_mark(definition, cells)
    return [f"{SOUND} (sound mode): {meaning}", f"{DISAGREE}: bold and {SOUND} disagree"] if meaning else []


def pairs_of(sizes: Iterable[int]) -> str:
    """Return how many pairs tests have, but for those that have none."""
    made = [size for size in sizes if size]
    if not made:
        return "no pairs"
    low, high = min(made), max(made)
    return f"{count(low, 'pair')} in each test" if low == high else f"{low} to {high} pairs in a test"


def extent(settings: Settings) -> str:
    """Return whether pools and test sets are whole, or what they are limited to."""
    pool = settings.pool
    limits = [
        f"{what} limited to {rows:,} rows"
        for what, rows in (("pool", pool.limit), ("test set", pool.test_limit))
        if rows is not None
    ]
    return f"a subset, {' and '.join(limits)}" if limits else "whole pool and test set"
