"""Policies read and checked, kept between runs under a fingerprint of everything they were made from.

A run that finds its folder here starts without reading YAML, schemas and formulas again. Kept in the user's own cache
folder, as pickles of our own data; GUIZHANG_CACHE names another folder, or `off`. Whatever goes wrong here only costs
time: nothing is reported, and the folder is read anew.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from engine import __version__
from engine.choose import Folder, folder_in_use
from engine.versions import policy_files

MOST_KEPT = 16


def open_kept(given: Path | None, here: Path) -> Folder:
    """The policies folder in use, with the programs that earlier runs have checked."""
    path, origin = folder_in_use(given, here)
    key = fingerprint([str(path), origin], policy_files(path)) if _place() else ""
    found = _load(key) if key else None
    if found is None:
        from engine.folder import (
            open_folder,  # the whole of reading and checking, not needed for what is kept
        )

        found = replace(open_folder(given, here), key=key)
    return found


def keep(folder: Folder) -> None:
    """Keeps a folder with the programs it has by now."""
    place = _place()
    if not folder.key or place is None:
        return
    with suppress(OSError, RecursionError, pickle.PickleError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=place, suffix=".tmp")
        with os.fdopen(handle, "wb") as stream:
            pickle.dump(folder, stream, 5)
        os.replace(temporary, place / f"{folder.key}.pickle")
        for old in sorted(place.glob("*.pickle"), key=lambda p: p.stat().st_mtime)[:-MOST_KEPT]:
            old.unlink()


def fingerprint(words: Iterable[str], files: Iterable[Path]) -> str:
    """SHA-256 of words, of files by name and content, and of the engine that reads them; "" if one cannot be read."""
    digest = hashlib.sha256(repr((__version__, sys.version, *words, *_engine())).encode())
    try:
        for file in files:
            content = file.read_bytes()
            digest.update(f"\0{file}\0{len(content)}\0".encode())
            digest.update(content)
    except OSError:
        return ""
    return digest.hexdigest()


def _engine() -> list[tuple[str, int, int]]:
    """The engine's own files, and the schemas of a checkout, by name, size and time of change."""
    root = Path(__file__).parent
    found = []
    for start in (root, root.parent / "schemas"):
        for folder, _, names in os.walk(start):
            for path in (os.path.join(folder, name) for name in names if name.endswith((".py", ".json"))):
                state = os.stat(path)
                found.append((path, state.st_size, state.st_mtime_ns))
    return sorted(found)


def _place() -> Path | None:
    named = os.environ.get("GUIZHANG_CACHE", "")
    if named == "off":
        return None
    if named:
        return Path(named)
    base = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME", "")
    with suppress(RuntimeError):
        return Path(base or Path.home() / ".cache") / "guizhang"
    return None


def _load(key: str) -> Folder | None:
    place = _place()
    if place is None:
        return None
    try:
        found = pickle.loads((place / f"{key}.pickle").read_bytes())
    except Exception:  # a damaged or foreign file: read the folder anew
        return None
    return found if isinstance(found, Folder) and found.key == key else None
