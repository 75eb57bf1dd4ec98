"""Name -> thing and its facts, found on disk, in entry points and in plug-in files.

An addition is one new file: every module of a package that defines a concrete subclass of the registry's base
class with a ``name`` is found; so is every entry point of the registry's group, and every file handed over with
``--plugin``. Two things of one name raise. A module that fails to load is reported when it is needed, with its
file and the reason.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from bench.errors import PluginError, UnknownNameError
from bench.paths import expanded

T = TypeVar("T")


class Registry(Generic[T]):
    """The concrete subclasses of ``base`` found in a package, an entry-point group, and plug-in files."""

    def __init__(self, kind: str, base: type[T], package: str, group: str) -> None:
        self.kind, self.base, self.package, self.group = kind, base, package, group
        self._found: dict[str, type[T]] | None = None
        self._broken: dict[str, str] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._classes()))

    def __contains__(self, name: object) -> bool:
        return name in self._classes()

    def get(self, name: str) -> type[T]:
        """Return the class registered under a name.

        Raises:
            UnknownNameError: names the nearest spelling, what there is, and any plug-in that failed to load.
        """
        classes = self._classes()
        if name not in classes:
            raise UnknownNameError(self.kind, name, classes, "; ".join(self.failures))
        return classes[name]

    def items(self) -> Mapping[str, type[T]]:
        """Return all names with their classes, sorted by name."""
        return dict(sorted(self._classes().items()))

    @property
    def failures(self) -> list[str]:
        """A line for each module and entry point that failed to load, with the reason."""
        self._classes()
        return [f"{where} failed to load: {why}" for where, why in self._broken.items()]

    def add_module(self, module: ModuleType) -> int:
        """Register every concrete subclass that a module defines; return how many there were."""
        found = dict(self._classes())
        count = self._add_all(found, module)
        self._found = found  # only now: a module that is refused leaves nothing behind
        return count

    def _add_all(self, found: dict[str, type[T]], module: ModuleType) -> int:
        ours = [c for c in vars(module).values() if self._is_ours(c) and c.__module__ == module.__name__]
        for cls in ours:
            self._add(found, cls)
        return len(ours)

    def _is_ours(self, cls: object) -> bool:
        return (
            inspect.isclass(cls)
            and issubclass(cls, self.base)
            and not inspect.isabstract(cls)
            and isinstance(cls.__dict__.get("name"), str)
        )

    def _add(self, found: dict[str, type[T]], cls: type[T]) -> None:
        name = str(cls.__dict__["name"])
        other = found.get(name)
        if other is not None and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise PluginError(
                f"two {self.kind}s are called {name!r}: {other.__module__}.{other.__qualname__} and "
                f"{cls.__module__}.{cls.__qualname__}; rename one of them"
            )
        found[name] = cls

    def _classes(self) -> dict[str, type[T]]:
        if self._found is None:
            self._found = self._discover()
        return self._found

    def _discover(self) -> dict[str, type[T]]:
        found: dict[str, type[T]] = {}
        package = importlib.import_module(self.package)
        for info in pkgutil.iter_modules(package.__path__, self.package + "."):
            spec = importlib.util.find_spec(info.name)
            with self._broken_is_noted(str(spec.origin if spec else info.name)):
                self._add_all(found, importlib.import_module(info.name))
        for entry in entry_points(group=self.group):
            with self._broken_is_noted(f"entry point {entry.name} = {entry.value}"):
                cls = entry.load()
                if not self._is_ours(cls):
                    raise TypeError(f"it is not a concrete subclass of {self.base.__name__} with a `name`")
                self._add(found, cls)
        return found

    @contextmanager
    def _broken_is_noted(self, where: str) -> Iterator[None]:
        """Keep the reason why something failed to load, to be reported when it is asked for."""
        try:
            yield
        except PluginError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a foreign module raises
            self._broken[where] = _reason(error)


def _reason(error: Exception) -> str:
    """Return an exception in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def load_file(path: str | Path) -> ModuleType:
    """Import a plug-in file under a name derived from its content, once per process.

    Raises:
        PluginError: if there is no such file or it cannot be imported; the message names file and reason.
    """
    file = expanded(path).resolve()
    if not file.is_file():
        raise PluginError(f"no plug-in file {str(path)!r}; give the path of a Python file")
    name = f"imbal_bench_plugin_{file.stem}_{file_version(file)}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginError(f"plug-in {str(path)!r} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise PluginError(f"plug-in {file} failed to load: {_reason(error)}") from error
    return module


def file_version(path: str | Path) -> str:
    """Return the version of code that lives outside the package: a hash of its file."""
    return hashlib.sha256(expanded(path).read_bytes()).hexdigest()[:12]
