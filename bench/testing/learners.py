"""The laws of learners: functions that take one and raise AssertionError, as those of strategies do.

A learner is put to work on made-up texts of two topics; one that reads an encoder gets a tiny one of random weights. A
law that compares answers says nothing of a learner whose answers differ by themselves: another law rejects that one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench import seeds
from bench.arrays import IntArray
from bench.data.corpus import Split, split_of
from bench.foreign import foreign_code
from bench.learners.base import Learner, Material, Model, Which
from bench.records import ModelSettings, Settings, TrainSettings
from bench.seeds import Streams
from bench.testing.surroundings import global_state, global_state_of
from bench.testing.verdicts import Verdict, verdict

LearnerLaw = Callable[[Learner], None]
Probabilities = npt.NDArray[np.float64]
TRAIN, TEST, VOCABULARY = 48, 20, 12
POOL_ROWS, TEST_ROWS = np.arange(TRAIN), np.arange(0, TEST, 2)
ROUNDING = 1e-4
"""By how much a probability may change with the rows that it is computed beside: float32, in other batches."""


@dataclass(frozen=True)
class Fit:
    """A fit to be made: rows of the train split, their labels, and what its streams are named by."""

    rows: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    labels: tuple[int, ...] = (0, 1, 0, 1, 0, 1, 0, 1, 0, 1)
    parts: dict[str, seeds.StreamPart] = field(default_factory=lambda: {"round": 1})

    def make(self, model: Model) -> None:
        """Have a model fitted."""
        model.fit(*self.arrays(), Streams(self.parts))

    def arrays(self) -> tuple[IntArray, IntArray]:
        """Return rows and labels."""
        return np.array(self.rows, dtype=np.int64), np.array(self.labels, dtype=np.int64)


USUAL, OTHER = Fit(), Fit((10, 11, 12, 13, 14, 15), (1, 1, 0, 0, 0, 0), {"round": 2})
EMPTY, ONE_CLASS = Fit((), ()), Fit(labels=(0,) * 10)
MEMBER = Fit((0, 0, 4, 2, 2, 1, 3, 3, 7, 9), (0, 0, 0, 0, 0, 1, 1, 1, 1, 1), {"round": 1, "member": 1})


def toy_material(learner: Learner | None = None, *, labels: int = 0) -> Material:
    """Return made-up texts: rows are of two topics in turn.

    Args:
        learner: whom it is for: one that reads no encoder gets none.
        labels: is added to every label that nobody may read.
    """
    rng = seeds.generator("calibration", texts="toy")
    train, test = (_split(rng, n, labels) for n in (TRAIN, TEST))
    model = ModelSettings(max_length=16, precision="fp32")
    if learner is None or "encoder" in learner.reads:
        model = model.model_copy(update={"name": str(_encoder())})
    return Material(
        train=train,
        test=test,
        pool_rows=POOL_ROWS,
        test_rows=TEST_ROWS,
        settings=Settings(model=model, train=TrainSettings(epochs=1, learning_rate=1e-3)),
        cache_dir=_folder() / "cache",
        device="cpu",
    )


def _split(rng: np.random.Generator, n: int, labels: int) -> Split:
    topics = [rng.integers(VOCABULARY, size=rng.integers(4, 9)) + VOCABULARY * (row % 2) for row in range(n)]
    return split_of(
        [" ".join(f"w{word}" for word in words) for words in topics], [row % 2 + labels for row in range(n)]
    )


@lru_cache(1)
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="imbal-bench-")


def _folder() -> Path:
    return Path(_temporary().name)


@lru_cache(1)
def _encoder() -> Path:
    from bench.model.shapes import Shape, save_random

    folder = _folder() / "encoder"
    folder.mkdir()
    return save_random(Shape(layers=1, hidden=16, heads=2, inner=16), folder)


def begun(learner: Learner, material: Material | None = None) -> Model:
    """Return a new model of a learner on the toy texts."""
    with foreign_code(f"learner {learner.name!r}"):
        return learner.begin(material or toy_material(learner))


def answer(model: Model, *fits: Fit, seed: int = 0) -> Probabilities:
    """Return what a model says of pool and test set after these fits, with all global generators seeded."""
    with global_state_of(seed):
        for fit in fits:
            fit.make(model)
        said = [model.score("train", POOL_ROWS), model.score("test", TEST_ROWS)]
    return np.concatenate([scores.probabilities for scores in said])


def scores_are_valid(learner: Learner) -> None:
    """A probability in [0, 1] for every row: after a fit, after none (a cold start), with one class labelled."""
    model = begun(learner)
    for name, fit in {"a fit": USUAL, "a fit on no row": EMPTY, "a fit on one class": ONE_CLASS}.items():
        fit.make(model)
        for which, rows in (("train", POOL_ROWS), ("test", TEST_ROWS)):
            _fault(learner, f"after {name}", model, which, rows)  # type: ignore[arg-type]


def _fault(learner: Learner, when: str, model: Model, which: Which, rows: IntArray) -> None:
    try:
        model.score(which, rows, embeddings="embeddings" in learner.offered()).checked(len(rows))
    except Exception as error:
        raise AssertionError(f"{learner.name} fails {when}: {type(error).__name__}: {error}") from error


def same_fit_same_bits(learner: Learner) -> None:
    """Two equal fits, two equal models, to the last bit."""
    first, second = answer(begun(learner), USUAL), answer(begun(learner), USUAL)
    _check(np.array_equal(first, second), learner, "says something else after the same fit")


def nothing_is_left_of_an_earlier_fit(learner: Learner) -> None:
    """A fit depends on its rows, labels and streams alone."""
    if _repeats(learner):
        alone, after = answer(begun(learner), USUAL), answer(begun(learner), OTHER, USUAL)
        _check(np.array_equal(alone, after), learner, "says something else where another fit came before")


def order_of_scored_rows_is_irrelevant(learner: Learner) -> None:
    """What is said of a row does not depend on the rows beside it, but for rounding."""
    model, rows = begun(learner), POOL_ROWS
    USUAL.make(model)
    whole = model.score("train", rows).probabilities
    some = rows[::-3]
    moved = model.score("train", some).probabilities
    _check(np.abs(whole[some] - moved).max() <= ROUNDING, learner, "says something else of a row in another order")


def global_random_state_is_ignored(learner: Learner) -> None:
    """Fits do not depend on the global generators of Python, NumPy and torch."""
    if _repeats(learner):
        one, other = (answer(begun(learner), USUAL, seed=seed) for seed in (1, 2))
        _check(np.array_equal(one, other), learner, "draws from global random state, not from its streams")


def global_state_is_left_alone(learner: Learner) -> None:
    """Fits and passes change no global generator, default type, thread count or gradient mode."""
    with global_state_of(seed=2_147_480_009):
        model = begun(learner)
        before = global_state()
        USUAL.make(model)
        model.score("train", np.arange(TRAIN))
        _check(global_state() == before, learner, "changed global random state, threads or torch defaults")


def inputs_are_left_alone(learner: Learner) -> None:
    """A fit and a pass change neither rows nor labels."""
    model, given = begun(learner), USUAL.arrays()
    model.fit(*given, Streams(USUAL.parts))
    model.score("train", given[0])
    same = all(map(np.array_equal, given, USUAL.arrays()))
    _check(same, learner, "changed rows or labels that it was given")


def only_labels_that_are_handed_over_are_read(learner: Learner) -> None:
    """The labels of the splits are none of its business."""
    if _repeats(learner):
        one, other = (answer(begun(learner, toy_material(learner, labels=it)), USUAL) for it in (0, 1))
        _check(np.allclose(one, other, atol=ROUNDING), learner, "reads labels of the pool or the test set")


def what_is_offered_can_be_had(learner: Learner) -> None:
    """Each output that it offers comes for the rows asked for, and the members of an ensemble differ."""
    model, rows, offers = begun(learner), np.array([5, 3, 8]), learner.offered()
    USUAL.make(model)
    first = model.score("train", rows)
    shapes: dict[str, Callable[[], int]] = {
        "embeddings": lambda: _rows_of(model.score("train", rows, embeddings=True).embeddings),
        "dropout": lambda: len(model.dropout(rows, 1)),
        "pretrained": lambda: len(model.pretrained(rows)),
        "surprisal": lambda: len(model.surprisal(rows).of(np.arange(len(rows)))),
    }
    for need, count in shapes.items():
        if need in offers:
            _check(_number(count) == len(rows), learner, f"offers {need!r}, which cannot be had")
    if "ensemble" in offers:
        MEMBER.make(model)
        differs = not np.array_equal(model.score("train", rows).probabilities, first.probabilities)
        _check(differs, learner, "offers 'ensemble', but its members are all the same")


def _rows_of(values: object) -> int:
    return len(values) if hasattr(values, "__len__") else 0


def _number(count: Callable[[], int]) -> int:
    try:
        return count()
    except Exception:  # noqa: BLE001 - whatever a foreign learner raises, it was not to be had
        return -1


LEARNER_LAWS: tuple[LearnerLaw, ...] = (
    scores_are_valid,
    same_fit_same_bits,
    nothing_is_left_of_an_earlier_fit,
    order_of_scored_rows_is_irrelevant,
    global_random_state_is_ignored,
    global_state_is_left_alone,
    inputs_are_left_alone,
    only_labels_that_are_handed_over_are_read,
    what_is_offered_can_be_had,
)


def learner_verdicts(learner: Learner) -> list[Verdict]:
    """Hold a learner against every law; nothing it does is raised."""
    return [verdict(law, learner, learner.waived.get(law.__name__, "")) for law in LEARNER_LAWS]


def _repeats(learner: Learner) -> bool:
    """Return whether a learner says the same after the same fit; laws that compare say nothing of one that does not."""
    return np.array_equal(answer(begun(learner), USUAL), answer(begun(learner), USUAL))


def _check(holds: bool, learner: Learner, finding: str) -> None:
    if not holds:
        raise AssertionError(f"{learner.name} {finding}")
