"""Our packages come first: users have modules of their own called ``analysis``, ``reports`` or ``bench``.

They stand in folders that Python searches before ours: on ``PYTHONPATH``, beside a script or a notebook, or in the
current folder. To search the folder of our packages first is no remedy: as a rule that is ``site-packages``, and all
that is installed would come before the standard library and before what a user meant to come first. So where, and only
where, one of our names would mean another module, a folder is searched first that holds doors to our packages and
nothing else (``imbal_bench/first``). Processes that this one starts inherit the search path.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

NAMES = ("bench", "analysis", "reports")
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
DOORS = str(HERE / "first")


def come_first() -> None:
    """Make sure that each of our names means our package, here and in the processes that this one starts.

    Raises:
        ImportError: if another module of that name is loaded already.
    """
    for name in NAMES:
        loaded = sys.modules.get(name)
        if loaded is not None and not _is_ours(name, getattr(loaded, "__file__", None)):
            raise ImportError(
                f"a module {name!r} from {getattr(loaded, '__file__', None) or 'elsewhere'} is loaded already, and "
                "imbal_bench has a package of that name: import imbal_bench first, or rename that module"
            )
    if DOORS not in sys.path and any(_is_taken(name) for name in NAMES):
        sys.path.insert(0, DOORS)


def load(name: str) -> None:
    """Put our package in the place of the door that is being imported under its name."""
    folder = ROOT / name
    spec = spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None:
        raise ImportError(f"no package at {folder}")
    sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])


def _is_taken(name: str) -> bool:
    """Return whether the search path leads to another module of a name; not, if to none (there are other ways)."""
    found = PathFinder.find_spec(name)
    return found is not None and not _is_ours(name, found.origin)


def _is_ours(name: str, file: str | None) -> bool:
    """Return whether a file is our package of a name, or the door to it."""
    return file is not None and Path(file).resolve() in {ROOT / name / "__init__.py", HERE / "first" / f"{name}.py"}
