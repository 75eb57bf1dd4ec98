"""Everything that laws hold for, by name: algorithms, weightings, learners and metrics."""

from __future__ import annotations

from collections.abc import Iterable

from bench.errors import UnknownNameError
from bench.learners.base import LEARNERS, Learner
from bench.learners.catalogue import learners_named
from bench.metrics.base import REGISTRY as METRICS
from bench.metrics.base import Metric
from bench.metrics.catalogue import every
from bench.strategies import catalogue
from bench.strategies.base import ALGORITHMS, WEIGHTINGS, Algorithm, Weighting
from bench.testing.learners import learner_verdicts
from bench.testing.metrics import verdicts_of
from bench.testing.verdicts import LawVerdict, verdicts

Anything = Algorithm | Weighting | Learner | Metric


def parts_named(names: Iterable[str] = ()) -> list[Anything]:
    """Return parts of all kinds by name, each once, with default options unless a learner's name has others.

    Without names: all there are.

    Raises:
        UnknownNameError: if a name is none of them.
        PluginError: if an option has no default.
    """
    wanted, metrics = list(dict.fromkeys(names)), every()
    known = [*ALGORITHMS, *WEIGHTINGS, *LEARNERS, *metrics]
    for name in wanted:
        if name.partition(":")[0] not in known and name not in ALGORITHMS:
            kinds = "algorithm, weighting, learner or metric"
            raise UnknownNameError(kinds, name, dict.fromkeys(known), "; ".join(failures()))
    strategies = [name for name in wanted if name in ALGORITHMS or name in WEIGHTINGS]
    learners = [name for name in wanted if name.partition(":")[0] in LEARNERS]
    return [
        *(catalogue.parts_named(strategies) if strategies or not wanted else ()),
        *(learners_named(learners) if learners or not wanted else ()),
        *(metric for name, metric in metrics.items() if not wanted or name in wanted),
    ]


def verdicts_on(part: Anything) -> list[LawVerdict]:
    """Hold a part against every law of its kind; nothing it does is raised."""
    if isinstance(part, Learner):
        return learner_verdicts(part)
    return verdicts_of(part) if isinstance(part, Metric) else verdicts(part)


def kind_of(part: Anything) -> str:
    """Return what a part is, in a word."""
    kinds = (ALGORITHMS, WEIGHTINGS, LEARNERS, METRICS)
    return next(registry.kind for registry in kinds if isinstance(part, registry.base))


def failures() -> list[str]:
    """Return a line for each module, entry point and plug-in of any kind that failed to load."""
    return list(dict.fromkeys([*catalogue.failures(), *LEARNERS.failures, *METRICS.failures]))
