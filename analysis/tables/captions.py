"""What a caption says: what the numbers are, how they were tested, on what, and from how many runs."""

from __future__ import annotations

from collections import Counter

from analysis.comparisons import Numbers, in_family
from analysis.condition import Condition
from analysis.definitions import TableDefinition
from analysis.names import lower_is_better, metric_title
from analysis.stats import ALPHA, UNITS
from analysis.summaries import ESTIMAND, BestAlgorithm
from analysis.tables.headings import shared
from analysis.tables.model import DISAGREE, SEED_LEVEL
from analysis.tables.published import printed
from analysis.text import count, pairs_of
from bench.records import NATURAL, Settings


def mark(numbers: Numbers) -> str:
    """Return what bold means in a table; empty if nothing is tested."""
    if not len(numbers.comparisons):
        return ""
    if numbers.two_sided:
        return f"p < {ALPHA} or p > {1 - ALPHA}"
    return f"larger than every other column of its row and metric, p < {ALPHA}"


def seed_mark(numbers: Numbers) -> str:
    """Return what the seed-level test's mark means: question, unit, n, correction; empty if nothing was tested."""
    definition, every = numbers.definition, numbers.comparisons
    found = every[(every["seed_note"] != "") | (every["units"] > 0)]
    if not len(found):
        return ""
    low, high, unit = int(found["units"].min()), int(found["units"].max()), UNITS[ESTIMAND]
    n = f"n = {low}" if low == high else f"n = {low} to {high}"
    n += " in both halves together, each of which is tested by itself" * isinstance(definition.summary, BestAlgorithm)
    pooled = "tasks and algorithms" if _pools_algorithms(definition) else "tasks"
    family = int(in_family(numbers.selection, every).sum()) * (1 + numbers.two_sided) // len(definition.metrics)
    what = "two-sided difference" if numbers.two_sided else "larger than every other column of its row"
    return (
        f"{what} by one-sided t-tests over {unit}s (a unit is a {unit}, its value the mean difference over {pooled}; "
        f"{n}){definition.summary.of_seeds}, p < {ALPHA} after Holm over all {count(family, 'test')} of a metric; "
        "conclusions hold for these tasks only"
    )


def _pools_algorithms(definition: TableDefinition) -> bool:
    return "algorithm" in definition.shared and "algorithm" not in definition.rows


def caption(numbers: Numbers) -> str:
    """Return what the numbers are: of which runs; the test's side, unit, pairs and correction; data; runs held."""
    definition, selection = numbers.definition, numbers.selection
    data = selection.frame.groupby("dataset")["fingerprint"].first()
    expected, missing = int(selection.expected.sum()), int(selection.missing.sum())
    sentences = [
        f"Table {definition.number} of the paper" if definition.number else "",
        definition.says,
        _extent(numbers),
        *_test(numbers),
        *_seed_level(numbers),
        _direction(definition),
        f"{_trained(numbers.condition)}; {extent(numbers.condition.settings)}",
        f"Data: {', '.join(f'{name} {fingerprint[:8]}' for name, fingerprint in data.items())}",
        f"Runs: {expected - missing:,} of {expected:,}; a dagger marks cells that lack some",
        "" if printed(definition.number) or not definition.number else "No published values to compare with",
    ]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def _trained(condition: Condition) -> str:
    """Return what was trained; the paper's learner, where there is no other, is known by its encoder."""
    learner = f"Learner: {condition.learner}; encoder: " if condition.learner else "Encoder: "
    return learner + condition.encoder


def _extent(numbers: Numbers) -> str:
    """Return of which tasks, seeds and algorithms the numbers are."""
    selection, loop = numbers.selection, numbers.condition.settings.loop
    ratio, start = (shared(numbers).get(axis) for axis in ("ratio", "start"))
    tasks = Counter(dataset for dataset, _ in selection.tasks)
    names = [] if "algorithm" in selection.axes else sorted(map(str, selection.tried["algorithm"]))
    parts = [
        _share_of_positives(ratio),
        start or "",
        f"{count(tasks.total(), 'task')} ({', '.join(f'{n} of {name}' for name, n in sorted(tasks.items()))})",
        count(len(selection.seeds), "seed"),
        f"{count(len(names), 'algorithm')} ({', '.join(names)})" if names else "",
        f"{count(loop.rounds, 'round')} of {count(loop.batch, 'row')}",
    ]
    return f"Here: {'; '.join(filter(None, parts))}"


def _share_of_positives(ratio: str | None) -> str:
    """Return what a ratio in words means for the pool; empty for none."""
    if ratio is None:
        return ""
    if ratio.startswith(NATURAL):
        return f"{ratio}, positives and negatives as the data have them, nothing dropped"
    return f"positives are {ratio.removeprefix('ratio ')} of the pool"


def _test(numbers: Numbers) -> list[str]:
    """Return what was tested how, with the unit and the number of pairs."""
    definition, marked = numbers.definition, mark(numbers)
    if not marked:
        return ["No test" + ": there is one column" * definition.summary.tested]
    *first, last = ["task", "seed", *definition.shared]
    unit = f"two runs of one {', '.join(first)} and {last}{definition.summary.of_pairs}"
    pairs = f"no correction, {pairs_of(numbers.comparisons['pairs'])}; a pair (the unit) is {unit}"
    frank = "As in the paper this run-level test takes runs as independent, though runs of one task are not"
    if not numbers.two_sided:
        return [f"Bold: {marked} in a paired one-sided t-test (greater), {pairs}", frank]
    tested = numbers.comparisons["p"].dropna()
    between = f"{int(tested.between(ALPHA, 1 - ALPHA).sum())} of {count(len(tested), 'test')}"
    no_difference = "there is no significant difference, which does not show equality"
    return [
        f"One-sided (greater), {pairs}",
        f"Where p lies in [{ALPHA}, {1 - ALPHA}], in {between}, {no_difference}; bold: {marked}",
        frank,
    ]


def _direction(definition: TableDefinition) -> str:
    """Return how differences are signed, where the smaller values of a metric are better; empty if of none."""
    lower = [metric_title(metric) for metric in definition.metrics if lower_is_better(metric)]
    sense = "tests ask whether it is smaller, and differences are positive where it is"
    return f"{', '.join(lower)}: {sense}" if lower else ""


def _seed_level(numbers: Numbers) -> list[str]:
    meaning = seed_mark(numbers)
    return (
        [f"{SEED_LEVEL} (seed-level test): {meaning}", f"{DISAGREE}: bold and {SEED_LEVEL} disagree"] if meaning else []
    )


def extent(settings: Settings) -> str:
    """Return whether pools and test sets are whole, or what they are limited to."""
    pool = settings.pool
    limits = [
        f"{what} limited to {rows:,} rows"
        for what, rows in (("pool", pool.limit), ("test set", pool.test_limit))
        if rows is not None
    ]
    return f"a subset, {' and '.join(limits)}" if limits else "whole pool and test set"
