"""Which strategy of a store a name means; no code of the strategy is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pandas as pd

from analysis.frame import Results
from analysis.gate.spelling import Asked, is_spelt, spelt
from bench.errors import SpecError
from bench.records import Component, Strategy


def stored_strategy(results: Results, asked: Asked) -> Strategy:
    """Return the one strategy in a store that is meant.

    Raises:
        SpecError: if the store holds none, or several that differ in options or in the version of their code.
    """
    columns = [f"{kind}{tail}" for kind in ("algorithm", "weighting") for tail in ("", "_options", "_version")]
    tried = pd.concat([results.runs[columns], results.unfinished[columns]]).drop_duplicates()
    found = [
        strategy
        for strategy in (_strategy(*map(str, row)) for row in tried.itertuples(index=False, name=None))
        if _meant(strategy.algorithm, asked.algorithm, asked.algorithm_options)
        and _meant(strategy.weighting, asked.weighting, asked.weighting_options)
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        there = sorted({str(_strategy(*map(str, row))) for row in tried.itertuples(index=False, name=None)})
        raise SpecError(f"the store has no runs of {asked}; it has: {', '.join(there) or 'none'}")
    variants = sorted(f"{spelt(one)} (versions {one.algorithm.version}, {one.weighting.version})" for one in found)
    raise SpecError(
        f"the store holds {len(found)} variants of {asked}: {'; '.join(variants)}; name the options, or move runs of "
        "another version of the code to another store"
    )


def _strategy(*row: str) -> Strategy:
    parts = [Component(name=row[i], options=json.loads(row[i + 1]), version=row[i + 2]) for i in (0, 3)]
    return Strategy(algorithm=parts[0], weighting=parts[1])


def _meant(part: Component, name: str, options: Mapping[str, str]) -> bool:
    named = (option in part.options and is_spelt(part.options[option], text) for option, text in options.items())
    return part.name == name and all(named)
