"""Which strategy of a store a name means; no code of the strategy is needed."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.gate.spelling import Asked, is_spelt, spelt
from analysis.results import Results
from bench.errors import SpecError
from bench.records import Component, Strategy
from bench.seeds import canonical


def stored_strategy(results: Results, asked: Asked) -> Strategy:
    """Return the one strategy in a store that is meant.

    Raises:
        SpecError: if the store holds none, or several that differ in options or in the version of their code.
    """
    every = {
        canonical([one.algorithm.canonical(), one.weighting.canonical()]): one for one in results.strategies.values()
    }
    found = [
        strategy
        for strategy in every.values()
        if _meant(strategy.algorithm, asked.algorithm, asked.algorithm_options)
        and _meant(strategy.weighting, asked.weighting, asked.weighting_options)
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        there = sorted(set(map(str, results.strategies.values())))
        raise SpecError(f"the store has no runs of {asked}; it has: {', '.join(there) or 'none'}")
    variants = sorted(f"{spelt(one)} (versions {one.algorithm.version}, {one.weighting.version})" for one in found)
    raise SpecError(
        f"the store holds {len(found)} variants of {asked}: {'; '.join(variants)}; name the options, or move runs of "
        "another version of the code to another store"
    )


def _meant(part: Component, name: str, options: Mapping[str, str]) -> bool:
    named = (option in part.options and is_spelt(part.options[option], text) for option, text in options.items())
    return part.name == name and all(named)
