"""Strategies as they are written whole: ``badge+invprop:bins=5``."""

from __future__ import annotations

from bench.config.overrides import typed
from bench.errors import SpecError
from bench.options import worded
from bench.records import Component, Strategy
from bench.strategies.base import ALGORITHMS, WEIGHTINGS
from bench.strategies.catalogue import component, option_type


def strategy(text: str) -> Strategy:
    """Return the strategy that ``algorithm+weighting`` means; either may have options: ``dal:epochs=5+invprop``.

    Raises:
        SpecError: if it does not read so, or an option has a value that is not allowed.
        UnknownNameError: if there is no such algorithm, weighting or option.
    """
    algorithm, plus, weighting = text.partition("+")
    if not (algorithm and plus and weighting):
        raise SpecError(f"strategy {text!r} must read algorithm+weighting, e.g. random+invprop or dal+invprop:bins=5")
    return Strategy(algorithm=_part(algorithm, of_weighting=False), weighting=_part(weighting, of_weighting=True))


def algorithm(text: str) -> Component:
    """Return the algorithm that ``name`` or ``name:option=value`` means; raises as :func:`strategy` does."""
    return _part(text, of_weighting=False)


def _part(text: str, *, of_weighting: bool) -> Component:
    name, words = worded("weighting" if of_weighting else "algorithm", text)
    options = {option: typed(value, option_type(name, option)) for option, value in words.items()}
    return component(WEIGHTINGS, name, options) if of_weighting else component(ALGORITHMS, name, options)
