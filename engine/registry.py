"""Policy files and folders of them, read into a `Registry`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.diagnostics import Diagnostic, Place
from engine.loader import load
from engine.policy import Policy
from engine.versions import Registry, check_versions, policy_files
from engine.yaml_nodes import read_text

__all__ = ["Registry", "load_file", "load_files", "load_folder", "policy_files"]


def load_file(path: Path, name: str | None = None) -> tuple[Policy | None, list[Diagnostic]]:
    source, diagnostics = read_text(path, name)
    if source is None:
        return None, diagnostics
    policy, found = load(source)
    return policy, [*diagnostics, *found]


def load_folder(folder: Path) -> tuple[Registry, list[Diagnostic]]:
    """Every policy of a folder, with what is wrong in each file and between the versions of a 系列."""
    if not folder.is_dir():
        return Registry(()), [Diagnostic("E101", "找不到政策文件夹", Place(str(folder)))]
    return load_files(policy_files(folder))


def load_files(paths: Iterable[Path]) -> tuple[Registry, list[Diagnostic]]:
    policies: list[Policy] = []
    broken: list[str] = []
    diagnostics: list[Diagnostic] = []
    for path in paths:
        policy, found = load_file(path)
        diagnostics += found
        if policy is None:
            broken.append(str(path))
        else:
            policies.append(policy)
    registry = Registry(tuple(policies), tuple(broken))
    return registry, [*diagnostics, *check_versions(registry)]
