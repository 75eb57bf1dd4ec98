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
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from bench.errors import PluginError, UnknownNameError

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
            broken = "; ".join(f"{where} failed to load: {why}" for where, why in self._broken.items())
            raise UnknownNameError(self.kind, name, classes, broken)
        return classes[name]

    def items(self) -> Mapping[str, type[T]]:
        """Return all names with their classes, sorted by name."""
        return dict(sorted(self._classes().items()))

    def add_module(self, module: ModuleType) -> int:
        """Register every concrete subclass that a module defines; return how many there were."""
        found = self._classes()
        count = 0
        for cls in vars(module).values():
            if self._is_ours(cls) and cls.__module__ == module.__name__:
                self._add(found, cls)
                count += 1
        return count

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
            self._found = {}
            package = importlib.import_module(self.package)
            for info in pkgutil.iter_modules(package.__path__, self.package + "."):
                try:
                    self.add_module(importlib.import_module(info.name))
                except PluginError:
                    raise
                except Exception as error:  # noqa: BLE001 - reported at use, with the file's name
                    self._broken[info.name] = f"{type(error).__name__}: {error}"
            for entry in entry_points(group=self.group):
                try:
                    self._add(self._found, entry.load())
                except PluginError:
                    raise
                except Exception as error:  # noqa: BLE001 - reported at use, with the entry point's name
                    self._broken[f"entry point {entry.value}"] = f"{type(error).__name__}: {error}"
        return self._found


def load_file(path: str | Path) -> ModuleType:
    """Import a plug-in file under a name derived from its content, once per process.

    Raises:
        PluginError: if there is no such file or it cannot be imported; the message names file and reason.
    """
    file = Path(path).expanduser().resolve()
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
        raise PluginError(f"plug-in {file} failed to load: {type(error).__name__}: {error}") from error
    return module


def file_version(path: str | Path) -> str:
    """Return the version of code that lives outside the package: a hash of its file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
