"""The receipt of a bulk run, `results.run.json`: what it was computed with, so that a row can be explained later.

Holds facts only: policy, engine, day, readings, roster and counts. Whether they still hold is for `engine.app.explain_bulk`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from engine import __version__
from engine.program import Program

ENDING = ".run.json"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A roster as it was: how many files, their bytes, the latest change (ns), and a hash over name, size and change of each."""

    path: str
    files: int
    size: int
    changed: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """`policy` and `uses` are id → sha256 of its file; `roster.path` is from the folder of the receipt if it can be."""

    policy: Mapping[str, str]
    uses: Mapping[str, str]
    engine: str
    version: str
    as_of: str
    data_date: str
    readings: Mapping[str, str]
    roster: Fingerprint
    results: Sequence[str]
    groups: Sequence[str]
    counts: Mapping[str, int]
    files: Sequence[str]
    identifier: str
    columns: Mapping[str, str] = field(default_factory=dict)
    format: int = 1

    def text(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"


def fingerprint(path: Path, files: Sequence[Path], seen_from: Path | None = None) -> Fingerprint:
    """A roster as it is now, its path from the folder `seen_from` where there is a way; raises OSError."""
    digest, size, changed = hashlib.sha256(), 0, 0
    for file in sorted(files):
        found = file.stat()
        name = file.relative_to(path).as_posix() if file != path else file.name
        digest.update(f"{name}\n{found.st_size}\n{found.st_mtime_ns}\n".encode())
        size += found.st_size
        changed = max(changed, found.st_mtime_ns)
    return Fingerprint(path_from(path, seen_from), len(files), size, changed, digest.hexdigest())


def path_from(path: Path, folder: Path | None) -> str:
    if folder is None:
        return str(path)
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return str(path.resolve())


def receipt_of(
    program: Program,
    as_of: date,
    readings: Mapping[str, str],
    engine: str,
    roster: Fingerprint,
    results: Sequence[str],
    groups: Sequence[str],
    counts: tuple[int, int, int],
    columns: Mapping[str, str],
    files: Sequence[str],
    data_date: date | None = None,
) -> Receipt:
    """`counts`: read, evaluated, rejected."""
    policy = program.policy
    versions = [version.policy for use in program.uses.values() for version in use.versions]
    return Receipt(
        policy={policy.meta.id: policy.sha256},
        uses={version.meta.id: version.sha256 for version in versions},
        engine=engine,
        version=__version__,
        as_of=as_of.isoformat(),
        data_date=(data_date or as_of).isoformat(),
        readings=dict(readings),
        roster=roster,
        results=list(results),
        groups=list(groups),
        counts=dict(zip(("read", "evaluated", "rejected"), counts, strict=True)),
        files=list(files),
        identifier=policy.meta.identifier,
        columns=dict(columns),
    )


def receipt_path(output: Path) -> Path:
    """`results.parquet` → `results.run.json`."""
    return output.with_name(output.stem + ENDING)


def read_receipt(path: Path) -> Receipt | None:
    """A receipt as it was written; None if it is none."""
    try:
        found: Any = json.loads(path.read_text("utf-8"))
        roster = Fingerprint(**found.pop("roster"))
        return Receipt(roster=roster, **found)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
