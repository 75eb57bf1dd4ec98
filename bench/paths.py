"""From what is given as a place, or names one, to a path."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path, PureWindowsPath

_ABSOLUTE = re.compile(r"(?:^|(?<=[\s'\"(=]))(?:~|/|[A-Za-z]:[\\/]).*", re.DOTALL)
_MOST_HEAD = 40
_SAFE = re.compile(r"[A-Za-z0-9+_-][A-Za-z0-9+._-]{0,99}")


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path as it was meant: a leading ``~`` or ``~user`` is that user's home folder.

    Every path that comes from outside (command line, environment, specification, Python) passes through here, so that
    all parts of the suite speak of the same place. The name of an unknown user is left as it is; what was read once
    reads the same when it is read again.
    """
    text = os.fspath(path)
    with suppress(ValueError):  # a zero byte in a user's name; whoever opens the path refuses it
        text = os.path.expanduser(text)  # noqa: PTH111 - Path.expanduser raises where there is no such user
    found = Path(text)
    # "./~" is a folder of that name, but a Path drops the "./": made absolute, it cannot be taken for a home folder
    return Path.cwd() / found if str(found).startswith("~") and not text.startswith("~") else found


def without_folders(source: str) -> str:
    """Return where data or a model came from with an absolute path in it cut to its last part, which may hold spaces.

    Where somebody's folder lies says nothing of the result and may name its owner.
    """
    return _ABSOLUTE.sub(lambda path: PureWindowsPath(path[0]).name, source)


def file_name(text: str) -> str:
    """Return a file name for any text: the text itself if it is short and plain, else a readable head and a hash.

    Different texts have different names, whatever they hold. A name is ASCII, of at most 100 characters, and has no
    meaning to a file system or a shell.
    """
    if _SAFE.fullmatch(text):
        return text
    head = re.sub(r"[^A-Za-z0-9]+", "-", text)[:_MOST_HEAD].strip("-")
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{head}-{digest}" if head else digest
