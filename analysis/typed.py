"""How strategies are written on a command line, and which strategy of a store such a name means."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import Field

from analysis.results import Results
from bench.errors import SpecError
from bench.records import Component, Option, Record, Strategy
from bench.seeds import canonical
from bench.words import name_and_options, scalar


class StrategyName(Record):
    """A strategy as a user names it: ``badge+invprop:bins=5``; options not named are left open.

    Values of options are text, until the type that a strategy declares or a store holds tells what they mean.
    """

    algorithm: str
    algorithm_options: dict[str, str] = Field(default_factory=dict)
    weighting: str
    weighting_options: dict[str, str] = Field(default_factory=dict)

    def __str__(self) -> str:
        parts = (self.algorithm, self.algorithm_options), (self.weighting, self.weighting_options)
        return "+".join(name + _options_text(options) for name, options in parts)


def parse_strategy(text: str) -> StrategyName:
    """Read ``random+invprop`` or ``badge+invprop:bins=5``; options stand after a colon, joined by commas.

    Raises:
        SpecError: if it does not read so.
    """
    algorithm, plus, weighting = text.partition("+")
    if not (algorithm and plus and weighting):
        raise SpecError(f"strategy {text!r} must read algorithm+weighting, e.g. random+invprop or dal+invprop:bins=5")
    parts: dict[str, object] = {}
    for kind, part in (("algorithm", algorithm), ("weighting", weighting)):
        name, options = name_and_options(part)
        parts[kind] = name
        pairs = list(map(_option, filter(None, options.split(","))))
        parts[f"{kind}_options"] = dict(pairs)
        if len(dict(pairs)) < len(pairs):
            raise SpecError(f"strategy {text!r} gives an option twice")
    return StrategyName.model_validate(parts)


def in_full(strategy: Strategy) -> str:
    """Return a strategy with all its options, as :func:`parse_strategy` reads it."""
    return "+".join(part.name + _options_text(part.options) for part in (strategy.algorithm, strategy.weighting))


def _options_text(options: Mapping[str, Option]) -> str:
    words = (f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in options.items())
    return ":" + ",".join(words) if options else ""


def means_value(value: Option, text: str) -> bool:
    """Return whether a text names an option's value: a word as it is, ``5``, ``1e-3`` or ``true`` as YAML reads it."""
    if isinstance(value, str):
        return text == value
    read = scalar(text)
    return isinstance(value, bool) == isinstance(read, bool) and read == value


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise SpecError(f"option {text!r} of a strategy must read name=value, e.g. bins=5")
    return name, value


def stored_strategy(results: Results, asked: StrategyName) -> Strategy:
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
    variants = sorted(f"{in_full(one)} (versions {one.algorithm.version}, {one.weighting.version})" for one in found)
    example = min(one.as_typed for one in found)
    raise SpecError(
        f"several settings of {asked} are stored: {'; '.join(variants)}; choose one, e.g. {example}, or move runs of "
        "another version of the code to another store"
    )


def _meant(part: Component, name: str, options: Mapping[str, str]) -> bool:
    named = (option in part.options and means_value(part.options[option], text) for option, text in options.items())
    return part.name == name and all(named)
