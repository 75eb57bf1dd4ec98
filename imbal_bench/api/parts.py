"""Strategies as Python objects: from classes and instances to names that a specification and workers understand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.errors import PluginError, SpecError
from bench.grid.expansion.pairs import strategy
from bench.options import at_default
from bench.plugins import REGISTRIES, replace_plugin
from bench.records import Component, Strategy
from bench.registry import PluginFile, Registry, file_of, is_added, plugin_of, read_plugin
from bench.strategies.base import ALGORITHMS, WEIGHTINGS, Algorithm, Weighting
from imbal_bench.api.content import content_of

StrategyPart = str | Algorithm | Weighting | type[Algorithm] | type[Weighting]
StrategyLike = StrategyPart | Strategy | tuple[StrategyPart, StrategyPart]
"""``"badge+invprop"``, an algorithm (class or instance; with uniform weights), or a pair of algorithm and weighting."""


@dataclass
class Parts:
    """What the strategies of a call are defined by.

    Attributes:
        plugins: files that workers load too. classes: those of them that were given.
        here: classes that only this process knows, defined in a notebook or the script itself.
    """

    plugins: dict[str, PluginFile] = field(default_factory=dict)
    here: list[type[Any]] = field(default_factory=list)
    classes: list[tuple[type[Any], Registry[Any]]] = field(default_factory=list)

    def add(self, cls: type[Any], registry: Registry[Any]) -> None:
        """Note what defines a class, unless every process knows it."""
        name = getattr(cls, "name", None)
        if not isinstance(name, str):
            raise SpecError(f"{cls.__qualname__} has no class attribute `name`; give it one, by which tables call it")
        if registry.items().get(name) is cls and not is_added(cls):
            return
        file = file_of(cls)
        if plugin := plugin_of(cls):
            self.plugins.setdefault(plugin.path, plugin)
        elif cls.__module__ == "__main__" or file is None:
            self.here += [] if cls in self.here else [cls]
        else:
            self.add_file(file)
            self.classes.append((cls, registry))

    def add_file(self, path: Any) -> None:
        """Note a plug-in file."""
        plugin = read_plugin(path)
        self.plugins[plugin.path] = plugin

    def add_known(self, names: Iterable[str]) -> None:
        """Note what earlier calls have brought of these names, as they did, so that workers load it too."""
        for name, registry in ((name.partition(":")[0], registry) for name in names for registry in REGISTRIES):
            cls = registry.items().get(name)
            if cls is not None and is_added(cls):
                self.add(cls, registry)

    def register(self) -> None:
        """Make the names of all parts known in this process, as their code is now.

        Raises:
            PluginError: if a file cannot be loaded, or takes a name that is in use.
        """
        for plugin in self.plugins.values():
            replace_plugin(plugin)
        for cls, registry in self.classes:
            found = registry.items().get(cls.name)
            if found is None or not is_added(found) or found.__qualname__ != cls.__qualname__:
                raise PluginError(
                    f"{cls.__qualname__} of {file_of(cls)} is not what {cls.name!r} means; define it at the top of the "
                    "file, with a `name` that nothing else has"
                )
        for cls in self.here:
            cls.version = content_of(cls)
            _registry_of(cls).add_class(cls)

    def refuse_workers(self, executor: str) -> None:
        """Make sure that whoever runs blocks knows the parts.

        Raises:
            SpecError: if one is known in this process alone, and blocks are run in others.
        """
        if self.here and executor != "inline":
            names = ", ".join(repr(cls.name) for cls in self.here)
            raise SpecError(
                f"{names}: defined in a notebook or in the script itself, which other processes cannot load; write it "
                "into a .py file and import it from there, or leave out what asks for worker processes"
            )


def parts_of(strategies: Iterable[StrategyLike], plugins: Iterable[Any] = ()) -> Parts:
    """Return what defines strategies, further plug-in files included.

    Raises:
        SpecError: if something is no strategy. PluginError: if a file cannot be read.
    """
    found = Parts()
    for path in plugins:
        found.add_file(path)
    for one in strategies:
        for part, registry in _pair(one) if not isinstance(one, Strategy) else ():
            if not isinstance(part, str):
                found.add(part if isinstance(part, type) else type(part), registry)
    return found


def strategy_of(given: StrategyLike) -> Strategy:
    """Return the strategy that a name, an object or a pair means; its parts must be registered.

    Raises:
        SpecError, UnknownNameError: if there is none of that name or with these options.
    """
    return given if isinstance(given, Strategy) else strategy(written(given))


def written(given: StrategyLike) -> str:
    """Return how a strategy is written in a specification; its parts need not be registered."""
    if isinstance(given, Strategy):
        return given.as_typed
    (algorithm, _), (weighting, _) = _pair(given)
    return f"{_name(algorithm)}+{_name(weighting)}"


def _pair(given: Any) -> tuple[tuple[Any, Registry[Any]], tuple[Any, Registry[Any]]]:
    """Return algorithm and weighting, each with the registry of its kind."""
    if isinstance(given, str) and "+" in given:
        algorithm, _, weighting = given.partition("+")
    elif isinstance(given, tuple) and len(given) == 2:
        algorithm, weighting = given
    elif _is_part(given, Algorithm):
        algorithm, weighting = given, "uniform"
    else:
        raise SpecError(
            f"strategy {given!r}: give a name such as 'badge+invprop', a class or an instance of Algorithm, or a pair "
            "such as (MyAlgorithm, 'invprop')"
        )
    for part, base in ((algorithm, Algorithm), (weighting, Weighting)):
        if not isinstance(part, str) and not _is_part(part, base):
            raise SpecError(f"{part!r} in the strategy {given!r} is neither a name nor of {base.__name__}")
    return (algorithm, ALGORITHMS), (weighting, WEIGHTINGS)


def _is_part(given: Any, base: type[Any]) -> bool:
    return isinstance(given, base) or (isinstance(given, type) and issubclass(given, base))


def _name(part: Any) -> str:
    """Return how a part is written: its name, and the options of an instance that differ from their defaults."""
    if isinstance(part, str):
        return part
    if isinstance(part, type):
        return str(part.name)  # type: ignore[attr-defined]
    options = asdict(part)
    return Component(name=part.name, options=options, at_default=at_default(part)).as_typed


def _registry_of(cls: type[Any]) -> Registry[Any]:
    return ALGORITHMS if issubclass(cls, Algorithm) else WEIGHTINGS
