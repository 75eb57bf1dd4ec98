"""pydocs: an embedded dataset for machines that reach nothing. Which package is a docstring from?

The texts are the docstrings of the installed dependencies, read with ``ast``: nothing is imported and nothing
is redistributed. Package names and import aliases are masked, texts are de-duplicated, and the docstrings of
a source file are all on one side of the split. The content follows the installed versions, and so does its
fingerprint; export it as a mirror to compare runs across machines.
"""

from __future__ import annotations

import ast
import gc
import importlib.metadata
import importlib.util
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from bench import seeds
from bench.data.corpus import Corpus, split_of
from bench.data.facts import PYDOCS
from bench.data.folders import cached_folder
from bench.data.mirror import read_mirror, write_mirror
from bench.errors import DataError

BUILDER_VERSION = 1
TRAIN_CAP, TEST_CAP = 3000, 750  # rows per class
_TEST_SHARE = 5  # one file in five is a test file
_MIN_CHARACTERS, _MAX_CHARACTERS = 40, 400
_SKIPPED = {"tests", "test", "testing", "externals", "_vendor", "conftest.py"}
_Documented: TypeAlias = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_BODIES = ("body", "handlers", "orelse", "finalbody", "cases")  # fields that hold statements, in the order of the text
_MODULES = {"scikit-learn": "sklearn"}  # class = distribution -> module, where they differ

_NAMES = ("matplotlib", "pyplot", "numpy", "pandas", "scikit[- ]?learn", "sklearn", "scipy")
_MORE_NAMES = ("pytorch", "torch", "transformers", "hugging ?face")
_ALIASES = ("np", "pd", "plt", "mpl", "sp", "hf")
_MASKED = re.compile(
    rf"{'|'.join((*_NAMES, *_MORE_NAMES))}|(?<![a-z0-9_])(?:{'|'.join(_ALIASES)})(?![a-z0-9_])", re.IGNORECASE
)
_SECTION = re.compile(
    r"(?:parameters|other parameters|args|arguments|attributes|methods|returns?|yields|raises|see also|notes?"
    r"|references|examples?|shape|inputs?|outputs?|keyword arguments|keyword args)\s*:*\s*$"
    r"|>>>|\.\. |[-=~]{3,}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Doc:
    """A text, with what it is sorted by."""

    package: int
    file: str
    line: int
    text: str


def load_pydocs(cache_dir: Path) -> Corpus:
    """Return pydocs, from the cache if it was built for the installed versions before (else some seconds).

    Raises:
        DataError: if a package is missing or the cache cannot be written.
    """
    versions = {name: _version(name) for name in PYDOCS.classes}
    key = seeds.digest({"builder": BUILDER_VERSION, "versions": versions})
    source = f"embedded pydocs, {', '.join(f'{name} {version}' for name, version in versions.items())}"

    def build(folder: Path) -> None:
        facts = {"builder": BUILDER_VERSION, "versions": versions}
        write_mirror(build_pydocs({name: _root(name) for name in versions}), folder, facts)

    corpus = cached_folder(cache_dir / "pydocs" / key, build, read_mirror)
    return replace(corpus, name=PYDOCS.name, source=source)


def build_pydocs(roots: dict[str, Path]) -> Corpus:
    """Return the corpus of the docstrings below some folders.

    Args:
        roots: class -> folder of its package. Files are taken in a hashed order until a class has
            ``TRAIN_CAP`` and ``TEST_CAP`` rows; rows are then sorted by class, file and line.
    """
    seen: set[str] = set()
    sides: tuple[list[_Doc], list[_Doc]] = ([], [])
    with _no_garbage_collection():
        for number, (name, root) in enumerate(roots.items()):
            train, test = _package(number, name, root, seen)
            sides[0].extend(train)
            sides[1].extend(test)
    train_split, test_split = (
        split_of([doc.text for doc in side], [doc.package for doc in side])
        for side in (sorted(docs, key=lambda doc: (doc.package, doc.file, doc.line)) for docs in sides)
    )
    return Corpus(PYDOCS.name, tuple(roots), train_split, test_split, "embedded pydocs")


def prose(docstring: str) -> str | None:
    """Return the opening prose of a docstring as one masked line, or None if too little is left.

    Paragraphs are taken up to the first section (``Parameters``, ``Args:``, an example, a directive) and cut
    at a word's end at 400 characters.
    """
    opening: list[str] = []
    for paragraph in re.split(r"\n\s*\n", docstring.strip()):
        lines = paragraph.splitlines()
        heads = [number for number, line in enumerate(lines) if _SECTION.match(line.strip())]
        opening.extend(lines[: heads[0]] if heads else lines)
        if heads:
            break
    text = _MASKED.sub("package", " ".join(" ".join(opening).split()))
    if len(text) > _MAX_CHARACTERS:
        text = text[: _MAX_CHARACTERS + 1].rsplit(" ", 1)[0][:_MAX_CHARACTERS]
    return text if len(text) >= _MIN_CHARACTERS else None


def _package(number: int, name: str, root: Path, seen: set[str]) -> tuple[list[_Doc], list[_Doc]]:
    """Return (train, test) texts of a package. A file's random number orders it and picks its side."""
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*.py")}
    draws = {
        file: seeds.stream("split", dataset=PYDOCS.name, package=name, file=file)
        for file in files
        if not _SKIPPED & set(file.split("/"))
    }
    sides: tuple[list[_Doc], list[_Doc]] = ([], [])
    caps = (TRAIN_CAP, TEST_CAP)
    for file in sorted(draws, key=draws.__getitem__):
        side = int(draws[file] % _TEST_SHARE == 0)
        if len(sides[side]) < caps[side]:
            sides[side].extend(_Doc(number, file, line, text) for line, text in _new(files[file], seen))
        if all(len(docs) >= cap for docs, cap in zip(sides, caps, strict=True)):
            break
    return sides[0][:TRAIN_CAP], sides[1][:TEST_CAP]


def _new(path: Path, seen: set[str]) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of each docstring of a file that was not seen before, in any case of its letters."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other people's code
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # templates, and files for other versions of Python
        return
    for node in _documented(tree):
        text = prose(ast.get_docstring(node) or "")
        if text and text.casefold() not in seen:
            seen.add(text.casefold())
            yield getattr(node, "lineno", 0), text


def _documented(tree: ast.Module) -> Iterator[_Documented]:
    """Yield what may have a docstring. Unlike :func:`ast.walk` this enters statements alone: much quicker."""
    open_nodes: list[ast.AST] = [tree]
    while open_nodes:
        node = open_nodes.pop()
        if isinstance(node, _Documented):
            yield node
        fields = vars(node)
        for field in _BODIES:
            if field in fields:
                open_nodes.extend(fields[field])


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Keep Python from looking for reference cycles, of which a syntax tree has none, while it makes millions of nodes.

    That takes as long as the parsing itself.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _root(name: str) -> Path:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(_MODULES.get(name, name))
    if spec is None or not spec.submodule_search_locations:
        raise DataError(f"pydocs is built from {name}, which is not installed; install imbal-bench's dependencies")
    return Path(spec.submodule_search_locations[0])


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        raise DataError(
            f"pydocs is built from {name}, which is not installed; install imbal-bench's dependencies"
        ) from None
