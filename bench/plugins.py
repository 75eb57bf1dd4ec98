"""Plug-in files: whatever they define is registered in the registry of its kind."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.errors import PluginError
from bench.learners.base import LEARNERS
from bench.metrics.base import REGISTRY as METRICS
from bench.registry import PluginFile, Registry, load_file, read_plugin
from bench.strategies.base import ALGORITHMS, WEIGHTINGS

REGISTRIES: tuple[Registry[Any], ...] = (ALGORITHMS, WEIGHTINGS, LEARNERS, METRICS)


def use_plugins(plugins: Iterable[PluginFile]) -> None:
    """Register these plug-ins and forget all others, as a worker must that serves one driver after the other.

    Raises:
        PluginError: as :func:`add_plugin` does.
    """
    for registry in REGISTRIES:
        registry.forget_plugins()
    for plugin in plugins:
        add_plugin(plugin)


def replace_plugin(plugin: PluginFile) -> tuple[str, ...]:
    """Register a plug-in in the place of others that define the same names; as :func:`add_plugin` otherwise."""
    module = load_file(plugin)
    for registry in REGISTRIES:
        registry.forget_plugins(module)
    return add_plugin(plugin)


def add_plugin(plugin: str | Path | PluginFile) -> tuple[str, ...]:
    """Register the algorithms, weightings, learners and metrics that a Python file defines; return their names.

    Their version is a hash of the file, so that results of different states of it are never mixed up.

    Raises:
        PluginError: if the file cannot be loaded, defines none, or takes a name that is in use.
    """
    plugin = plugin if isinstance(plugin, PluginFile) else read_plugin(plugin)
    module = load_file(plugin)
    names: list[str] = []
    for registry in REGISTRIES:
        registry.add_module(module)
        for name, cls in registry.items().items():
            if cls.__module__ == module.__name__:
                cls.version = plugin.version
                names.append(name)
    if not names:
        kinds = " or ".join(registry.kind for registry in REGISTRIES)
        bases = ", ".join(registry.base.__name__ for registry in REGISTRIES)
        raise PluginError(
            f"plug-in {plugin.path!r} defines no {kinds}; define a subclass of one of {bases} that has a `name` "
            "(a frozen dataclass, but for metrics)"
        )
    return tuple(names)
