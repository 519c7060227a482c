"""The policies folder in use, read from its files, and policies named by their files."""

from __future__ import annotations

from pathlib import Path

from engine.choose import Chosen, Folder, folder_in_use
from engine.diagnostics import Diagnostic, Place, has_errors
from engine.policy import Policy
from engine.registry import load_file, load_files, load_folder
from engine.versions import Registry, policy_files


def open_folder(given: Path | None, here: Path) -> Folder:
    """`given`, else `here`/policies, else the policies that came with the engine."""
    path, origin = folder_in_use(given, here)
    registry, diagnostics = load_folder(path)
    return Folder(path, origin, registry, tuple(diagnostics))


def by_path(folder: Folder, path: Path) -> tuple[Chosen | None, list[Diagnostic]]:
    """A policy named by its file, with the registry in which its 引用 are found."""
    policy, diagnostics = load_file(path, near=policy_files(folder.path))
    if policy is None:
        return None, diagnostics
    registry, found = registry_for(policy, path, folder)
    diagnostics += found
    if has_errors(diagnostics):
        return None, [d for d in diagnostics if d.severity == "error"]
    return Chosen(policy, registry), diagnostics


def registry_for(policy: Policy, path: Path, folder: Folder | None) -> tuple[Registry, list[Diagnostic]]:
    """Where the 引用 of a policy given by path are found: the folder in use, else the file's own folder and those of
    the files that it amends."""
    others: list[Policy] = []
    diagnostics: list[Diagnostic] = []
    if policy.uses:
        if folder is not None:
            others += folder.registry.policies
            diagnostics += (d for d in folder.diagnostics if not _same_file(d.place, path))
        known = {p.meta.series for p in others}
        if any(use.series not in known for use in policy.uses.values()):
            places = {path.parent, *(Path(name).parent for name in policy.layers)}
            files = {file.resolve(): file for place in sorted(places) for file in policy_files(place)}
            beside, _ = load_files(file for real, file in files.items() if real != path.resolve())
            others += [p for p in beside.policies if p.meta.series not in known]
    kept = tuple(p for p in others if p.meta.id != policy.meta.id)
    return Registry((*kept, policy)), diagnostics


def _same_file(place: Place | None, path: Path) -> bool:
    return place is not None and Path(place.file).resolve() == path.resolve()
