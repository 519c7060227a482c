"""Where the files that come with the engine are: schemas and policies.

In an installed package they are `engine/_data/…`; in a checkout, which has no `_data`, they are the repository's.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def schemas_dir() -> Path:
    """The folder of `policy.schema.json` and `cases.schema.json`."""
    return _folder("schemas")


def policies_dir() -> Path:
    """The folder of the policies that come with the engine."""
    return _folder("policies")


def _folder(name: str) -> Path:
    package = Path(str(files("engine")))
    installed = package / "_data" / name
    return installed if installed.is_dir() else package.parent / name
