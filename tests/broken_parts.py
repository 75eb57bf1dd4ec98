"""Ten subtly broken parts, written before the laws that reject them; a plug-in like any other.

None of them shows its fault on 24 rows, in round 1, in one process.
"""

import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.records import Record
from bench.strategies.base import Algorithm, ScoreBased, Stateful, Weighting
from bench.strategies.select import top_k

PROBABILITIES = frozenset({"probabilities"})


@dataclass(frozen=True)
class Part(Algorithm):
    title: ClassVar[str] = "Broken"
    paper: ClassVar[str] = "none"
    needs = PROBABILITIES


class FirstHundred(Part):
    """Looks at the first hundred rows of a large pool."""

    name = "first_hundred"

    def select(self, view, w, k):
        rows = np.arange(min(view.size, max(100, k)))
        rows = rows[np.argsort(w[rows] == 0, kind="stable")]
        return rows[top_k(view.probabilities[rows], w[rows], k, view.priority[rows])]


class LaterByPlace(Part):
    """Breaks ties by position once the first round is over."""

    name = "later_by_place"

    def select(self, view, w, k):
        luck = view.priority if view.round == 1 else np.arange(view.size) / view.size
        return top_k(np.ones(view.size), (w > 0) * 1.0 + w, k, luck)


class ByHash(Part):
    """Breaks ties by the hash of a text, which another process salts otherwise."""

    name = "by_hash"

    def select(self, view, w, k):
        luck = np.array([hash(f"{p:.6f}") % 1000 for p in view.priority]) / 1000
        return top_k(np.ones(view.size), w, k, luck)


@dataclass(frozen=True)
class Squared(ScoreBased):
    """Squares the weights."""

    name: ClassVar[str] = "squared"
    title: ClassVar[str] = "Broken"
    paper: ClassVar[str] = "none"
    needs = PROBABILITIES

    def scores(self, view):
        return view.probabilities

    def select(self, view, w, k):
        return top_k(self.scores(view), w**2, k, view.priority)


class AllOrNothing(Part):
    """Weights decide only whether a row may be taken, not how soon."""

    name = "all_or_nothing"

    def select(self, view, w, k):
        return top_k(view.probabilities, (w > 0).astype(float), k, view.priority)


class Quiet(Part):
    """Silences NumPy and the warnings of everyone, and says how many threads there are."""

    name = "quiet"

    def select(self, view, w, k):
        np.seterr(all="ignore")
        warnings.simplefilter("ignore")
        os.environ["MKL_NUM_THREADS"] = "1"
        return top_k(view.probabilities, w, k, view.priority)


class Overnight(Part):
    """Picks otherwise on another day."""

    name = "overnight"

    def select(self, view, w, k):
        return top_k(view.probabilities + int(time.time() // 86_400 % 2), w, k, view.priority)


class Notes(Part):
    """Would read the answers from a file, were there one."""

    name = "notes"

    def select(self, view, w, k):
        try:
            bonus = float(Path("answers.txt").read_text(encoding="utf-8"))
        except OSError:
            bonus = 0.0
        return top_k(view.probabilities + bonus, w, k, view.priority)


MEANS = {}


class Remembers(Part):
    """Computes a mean once for each size of pool."""

    name = "remembers"

    def select(self, view, w, k):
        mean = MEANS.setdefault(view.size, float(view.probabilities.mean()))
        return top_k(1 / (1 + np.abs(view.probabilities - mean)), w, k, view.priority)


class Nothing(Record):
    pass


AIM = {}


@dataclass(frozen=True)
class Forgetful(Stateful[Nothing]):
    """Keeps what it learnt in the first round where no stored run can find it."""

    name: ClassVar[str] = "forgetful"
    title: ClassVar[str] = "Broken"
    paper: ClassVar[str] = "none"
    needs = PROBABILITIES
    state_type: ClassVar[type[Record]] = Nothing

    def step(self, view, state, w, k):
        if state is None:
            AIM["p"] = float(np.median(view.probabilities))
        aim = AIM.get("p", 0.0)
        return top_k(1 / (1 + np.abs(view.probabilities - aim)), w, k, view.priority), Nothing()


@dataclass(frozen=True)
class WithLabelled(Weighting):
    """InvProp whose bins count the labelled rows too, and whose last bin is none."""

    name: ClassVar[str] = "with_labelled"
    title: ClassVar[str] = "Broken"
    paper: ClassVar[str] = "none"
    bins: int = 10

    def weights(self, view):
        everyone = np.concatenate([view.probabilities, view.labelled_probabilities])
        bin_of = np.minimum(everyone * self.bins, self.bins - 1).astype(int)
        return 1 / np.bincount(bin_of, minlength=self.bins)[bin_of[: view.size]]
