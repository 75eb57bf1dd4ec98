"""Which strategies a specification names, and which of its learners can run them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.config.spec import GridSpec
from bench.errors import SpecError, UnknownNameError
from bench.grid.expansion.pairs import strategy as strategy_of
from bench.learners.base import Learner
from bench.learners.catalogue import component as describe
from bench.learners.catalogue import learner, not_offered
from bench.records import Component, Settings, Strategy
from bench.strategies.base import ALGORITHMS, WEIGHTINGS
from bench.strategies.catalogue import component

UNIFORM = "uniform"


@dataclass(frozen=True)
class Suited:
    """A learner with what it can run: strategies and the settings that they read."""

    learner: Component
    judge: Component | None
    strategies: tuple[tuple[Strategy, Settings], ...]


def learners_of(spec: GridSpec) -> tuple[list[Learner], Learner | None]:
    """Return the learners of a grid, and its judge.

    Raises:
        SpecError: if there is none of that name or option, one is named twice, or the judge is one of the learners.
    """
    found = [learner(text) for text in spec.learners]
    judge = None if spec.judge is None else learner(spec.judge)
    twice = [one for one, times in Counter(found).items() if times > 1]
    if twice:
        raise SpecError(f"learners names {describe(twice[0]).as_typed!r} twice")
    if judge in found:
        raise SpecError(
            f"judge {spec.judge!r} is also one of the learners; it is to judge what was selected with another: name "
            "another, or leave judge out"
        )
    return found, judge


def components_of(spec: GridSpec) -> tuple[Component, ...]:
    """Return the learners of a grid, and its judge, as they are recorded."""
    learners, judge = learners_of(spec)
    return tuple(describe(part) for part in (*learners, *([judge] if judge else [])))


def why_unsuited(strategy: Strategy, part: Learner) -> str:
    """Return why a strategy cannot be run with a learner; empty if it can."""
    algorithm, weighting = strategy.algorithm.name, strategy.weighting.name
    if weighting != UNIFORM and not ALGORITHMS.get(algorithm).weighted:
        return f"{algorithm} takes no weights: it is run under {UNIFORM} ones, not under {weighting}"
    for one in (strategy.algorithm, strategy.weighting):
        if lacks := not_offered(part, one.needs):
            return f"{one.name} needs {', '.join(lacks)}, which learner {describe(part).as_typed} does not offer"
    return ""


def suited(spec: GridSpec, learners: list[Learner], judge: Learner | None) -> tuple[list[Suited], tuple[str, ...]]:
    """Return the learners with their strategies, and a line for each strategy that one cannot run."""
    strategies, found, lines = list(_strategies(spec)), [], []
    for one in learners:
        own, its_judge, can = describe(one), describe(judge) if judge else None, []
        reads = {*own.needs, *(its_judge.needs if its_judge else ())}
        for strategy in strategies:
            if why := why_unsuited(strategy, one):
                lines += [] if why in lines else [why]
            else:
                can.append((strategy, spec.settings.read_with({*strategy.needs, *reads})))
        found += [Suited(own, its_judge, tuple(can))] if can else []
    return found, tuple(lines)


def _strategies(spec: GridSpec) -> Iterable[Strategy]:
    return _product(spec) if not spec.strategies else _pairs(spec)


def _pairs(spec: GridSpec) -> list[Strategy]:
    """Return the strategies that a specification names whole."""
    if spec.options:
        raise SpecError(
            "options belong to algorithms and weightings; write those of strategies as badge+invprop:bins=5"
        )
    found: list[Strategy] = []
    for text in spec.strategies:
        one = strategy_of(text)
        if one in found:
            raise SpecError(f"strategy {one.as_typed} is named twice in strategies: {', '.join(spec.strategies)}")
        found.append(one)
    return found


def _product(spec: GridSpec) -> Iterator[Strategy]:
    algorithms, weightings = _named(spec.algorithms, ALGORITHMS), _named(spec.weightings, WEIGHTINGS)
    unused = set(spec.options) - set(algorithms) - set(weightings)
    if unused:
        raise UnknownNameError("algorithm or weighting in options", min(unused), (*algorithms, *weightings))
    for algorithm, weighting in itertools.product(algorithms, weightings):
        for a_options, w_options in itertools.product(_option_sets(spec, algorithm), _option_sets(spec, weighting)):
            yield Strategy(
                algorithm=component(ALGORITHMS, algorithm, a_options),
                weighting=component(WEIGHTINGS, weighting, w_options),
            )


def _named(names: tuple[str, ...], registry: Iterable[str]) -> tuple[str, ...]:
    """Return the names, or all there are, plug-ins too, for ``all``."""
    return tuple(registry) if names == ("all",) else names


def _option_sets(spec: GridSpec, name: str) -> Iterator[dict[str, bool | int | float | str]]:
    values = spec.options.get(name, {})
    for combination in itertools.product(*values.values()):
        yield dict(zip(values, combination, strict=True))
