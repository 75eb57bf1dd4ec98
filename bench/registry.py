"""Name -> thing and its facts, found on disk, in entry points and in plug-in files.

An addition is one new file: every module of a package that defines a concrete subclass of the registry's base
class with a ``name`` is found; so is every entry point of the registry's group, and every file handed over with
``--plugin``. Two things of one name raise. A module that fails to load is reported when it is needed, with its
file and the reason.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.machinery
import importlib.util
import inspect
import linecache
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.abc import ExecutionLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from bench.errors import PluginError, UnknownNameError
from bench.foreign import foreign_code
from bench.paths import expanded

T = TypeVar("T")
_PLUGIN_MODULE = "imbal_bench_plugin_"


@dataclass(frozen=True)
class Family:
    """Things of another library, each made when it is asked for by name: ``prefix:Name``.

    Attributes:
        base: what they are. prefix: of their names.
        find: returns the class of a name, and raises a :class:`PluginError` where the library cannot be had.
    """

    base: type[Any]
    prefix: str
    find: Callable[[str], type[Any]]


class Registry(Generic[T]):
    """The concrete subclasses of ``base`` found in a package, an entry-point group, and plug-in files."""

    def __init__(self, kind: str, base: type[T], package: str, group: str) -> None:
        self.kind, self.base, self.package, self.group = kind, base, package, group
        self._found: dict[str, type[T]] | None = None
        self._broken: dict[str, str] = {}
        self._families: dict[str, Family] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._classes()))

    def __contains__(self, name: object) -> bool:
        return name in self._classes() or self._family(name) is not None

    def _family(self, name: object) -> Family | None:
        """Return the family that a name such as ``prefix:Name`` belongs to."""
        prefix, colon, rest = str(name).partition(":")
        self._classes()
        return self._families.get(prefix) if colon and rest else None

    def get(self, name: str) -> type[T]:
        """Return the class registered under a name.

        Raises:
            UnknownNameError: names the nearest spelling, what there is, and any plug-in that failed to load.
        """
        classes = self._classes()
        if family := self._family(name):
            made: type[T] = family.find(name.partition(":")[2])
            return made
        if name not in classes:
            today = self.today(name)
            renamed = [f"{name!r} is called {today!r} now."] if today != name else []
            raise UnknownNameError(self.kind, name, classes, "; ".join([*renamed, *self.failures]))
        return classes[name]

    def today(self, name: str) -> str:
        """Return what is called so, or was ``formerly``, by the name that it has now; else the name itself."""
        classes = self._classes()
        names = [new for new, cls in classes.items() if name in getattr(cls, "formerly", ())]
        return name if name in classes or not names else names[0]

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

    def add_class(self, cls: type[T]) -> None:
        """Register a class that no file defines, such as one in a notebook; it is known in this process alone.

        Raises:
            PluginError: if it is not concrete and named, or takes a name that is in use.
        """
        if not self._is_ours(cls):
            raise PluginError(f"{cls.__qualname__} is not a concrete subclass of {self.base.__name__} with a `name`")
        name = str(cls.__dict__["name"])
        found = {key: own for key, own in self._classes().items() if key != name or own.__module__ != "__main__"}
        self._add(found, cls)
        self._found = found

    def forget_plugins(self, like: ModuleType | None = None) -> None:
        """Forget what plug-ins and notebooks have added; or of that only what a module defines anew."""
        names = None if like is None else {str(cls.__dict__["name"]) for cls in self.defined_in(like)}
        known = self._classes().items()
        self._found = {
            name: cls for name, cls in known if not is_added(cls) or (names is not None and name not in names)
        }

    def _add_all(self, found: dict[str, type[T]], module: ModuleType) -> int:
        ours = self.defined_in(module)
        for cls in ours:
            self._add(found, cls)
        for value in vars(module).values():
            if isinstance(value, Family) and value.base is self.base:
                self._families[value.prefix] = value
        return len(ours)

    def defined_in(self, module: ModuleType) -> list[type[T]]:
        """Return the concrete subclasses that a module defines."""
        return [c for c in vars(module).values() if self._is_ours(c) and c.__module__ == module.__name__]

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
                with foreign_code("its code", ImportError):
                    module = importlib.import_module(info.name)
                self._add_all(found, module)
        for entry in entry_points(group=self.group):
            with self._broken_is_noted(f"entry point {entry.name} = {entry.value}"):
                with foreign_code("its code", ImportError):
                    cls = entry.load()
                if not self._is_ours(cls):
                    raise TypeError(f"it is not a concrete subclass of {self.base.__name__} with a `name`")
                self._add(found, cls)
        return found

    @contextmanager
    def _broken_is_noted(self, where: str) -> Iterator[None]:
        """Keep the reason why something failed to load, to be reported when it is needed."""
        try:
            yield
        except PluginError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a foreign module raises
            self._broken[where] = _reason(error)


def plugin_of(cls: type[Any]) -> PluginFile | None:
    """Return the plug-in that a class was loaded from, as it was read then; None if from none."""
    spec = getattr(sys.modules.get(cls.__module__), "__spec__", None)
    loader = getattr(spec, "loader", None)
    return loader.plugin if isinstance(loader, _ContentLoader) else None


def file_of(cls: type[Any]) -> str | None:
    """Return the file of the module that defines a class; None where it has none."""
    return getattr(sys.modules.get(cls.__module__), "__file__", None)


def is_added(cls: type[Any]) -> bool:
    """Return whether a class came from a plug-in file, or from a notebook or a script itself."""
    return cls.__module__.startswith(_PLUGIN_MODULE) or cls.__module__ == "__main__"


def _reason(error: Exception) -> str:
    """Return an exception in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


@dataclass(frozen=True)
class PluginFile:
    """A plug-in file as it was read once: what is loaded, what its version is made of, and what workers are handed.

    Attributes:
        path: where it was read. content: all of it.
        neighbours: files beside it that it imports, and those that these import; read at the same time.
    """

    path: str
    content: bytes = field(repr=False)
    neighbours: tuple[PluginFile, ...] = ()

    @property
    def version(self) -> str:
        """The version of its code: a hash of its content, and of its neighbours' if it has any."""
        return _version(b"\0".join([self.content, *(it.content for it in self.neighbours)]))

    @property
    def module_name(self) -> str:
        """The name under which it is imported."""
        return f"{_PLUGIN_MODULE}{Path(self.path).stem}_{self.version}"


def read_plugin(path: str | Path) -> PluginFile:
    """Read a plug-in file.

    Raises:
        PluginError: if there is no such file, it cannot be read, or its name is not that of a Python file.
    """
    file = expanded(path).resolve()
    if not file.is_file():
        raise PluginError(f"no plug-in file {str(path)!r}; give the path of a Python file")
    if file.suffix != ".py":
        raise PluginError(f"plug-in {str(path)!r} is not a Python file")
    try:
        content = file.read_bytes()
        found: dict[str, PluginFile] = {}
        _read_neighbours(file.parent, content, found)
        found.pop(file.stem, None)
        return PluginFile(str(file), content, tuple(found[name] for name in sorted(found)))
    except OSError as error:
        raise PluginError(f"plug-in {str(path)!r} cannot be read: {error.strerror}") from error


def _read_neighbours(folder: Path, content: bytes, found: dict[str, PluginFile]) -> None:
    """Read the files of a folder that a file imports by name, and those that these import.

    What can be imported from elsewhere is not a neighbour: an installed package is not replaced by a file that happens
    to lie there.
    """
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return  # whoever loads it says so
    for node in ast.walk(tree):
        names = [it.name for it in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            file = folder / f"{name}.py"
            if name.isidentifier() and name not in found and file.is_file() and _is_neighbour(name):
                found[name] = PluginFile(str(file), file.read_bytes())
                _read_neighbours(folder, found[name].content, found)


def _is_neighbour(name: str) -> bool:
    """Return whether a name means no module but one beside a plug-in."""
    loaded = sys.modules.get(name)
    if loaded is not None:
        return isinstance(getattr(loaded.__spec__, "loader", None), _ContentLoader)
    return importlib.machinery.PathFinder.find_spec(name) is None and name not in sys.builtin_module_names


class _Neighbours(MetaPathFinder):
    """Finds the neighbours of the plug-ins that were loaded, after all else, as they were read with these."""

    def __init__(self) -> None:
        self.files: dict[str, PluginFile] = {}

    def offer(self, plugin: PluginFile) -> None:
        """Find the neighbours of a plug-in from now on; it gets modules of its own, whatever others are called so."""
        for file in plugin.neighbours:
            name = Path(file.path).stem
            sys.modules.pop(name, None)
            self.files[name] = file
        if self not in sys.meta_path:
            sys.meta_path.append(self)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        """Return how a neighbour is loaded; None for all else."""
        file = self.files.get(fullname)
        if file is None:
            return None
        return importlib.util.spec_from_file_location(fullname, file.path, loader=_ContentLoader(file))


_NEIGHBOURS = _Neighbours()


class _ContentLoader(ExecutionLoader):
    """Imports the content that was read, whatever has become of its file, and never a stale ``.pyc`` next to it."""

    def __init__(self, plugin: PluginFile) -> None:
        self.plugin = plugin

    def get_filename(self, fullname: str) -> str:  # noqa: ARG002 - importlib's signature
        """Return where it was read."""
        return self.plugin.path

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - importlib's signature
        """Return the content as text."""
        return importlib.util.decode_source(self.plugin.content)


def load_file(plugin: str | Path | PluginFile) -> ModuleType:
    """Import a plug-in file under a name derived from its content, once per process.

    Raises:
        PluginError: if there is no such file or it cannot be imported; the message names file and reason.
    """
    plugin = plugin if isinstance(plugin, PluginFile) else read_plugin(plugin)
    name = plugin.module_name
    if name in sys.modules:
        return sys.modules[name]
    loader = _ContentLoader(plugin)
    module = importlib.util.module_from_spec(ModuleSpec(name, loader, origin=plugin.path))
    module.__file__ = plugin.path
    sys.modules[name] = module
    _NEIGHBOURS.offer(plugin)
    try:
        with foreign_code("its code"):
            lines = loader.get_source(name).splitlines(keepends=True)
            # Without a time of change, tracebacks show these lines, and not those that the file has by then.
            linecache.cache[plugin.path] = (len(plugin.content), None, lines, plugin.path)
            loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        reason = str(error) if isinstance(error, PluginError) else _reason(error)
        raise PluginError(f"plug-in {plugin.path} failed to load: {reason}") from error
    return module


def file_version(path: str | Path) -> str:
    """Return the version of code that lives outside the package: a hash of its file."""
    return _version(expanded(path).read_bytes())


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
