"""Words of the SQL that reads files: names of the columns added to them, literals and paths."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

#: The row's number over all files, added to every relation that is read.
ROW = "·行"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")


def quoted(text: str) -> str:
    """A text literal."""
    return "'" + text.replace("'", "''") + "'"


def named(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'


def pattern(path: Path) -> str:
    """A path as a literal that stands for this one file, whatever stars and brackets are in its name; of a folder of
    results, as Spark writes them, for its files."""
    one = re.sub(r"([\[*?])", r"[\1]", str(path))
    return quoted(f"{one}/*.parquet" if path.is_dir() else one)


def texts(paths: Iterable[Path]) -> str:
    return "[" + ", ".join(pattern(path) for path in paths) + "]"


def location(path: Path) -> str:
    """A path as Spark takes it: of a URL, of which `Path` keeps one slash, the whole; else the file on this machine."""
    text = path.as_posix()
    if is_remote(path):
        slashes = ":///" if text.startswith("file:") else "://"
        return _SCHEME.sub(lambda found: found[1] + slashes, text, count=1)
    return f"file://{path.absolute().as_posix()}"


def is_remote(path: Path) -> bool:
    """Whether a path is a URL (one letter before a colon is a drive)."""
    return _SCHEME.match(path.as_posix()) is not None
