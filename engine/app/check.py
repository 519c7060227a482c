"""`check`: policy and cases files, folders of them, with everything that is wrong in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.build import build
from engine.choose import Folder
from engine.diagnostics import Diagnostic, Place, in_order, place_of
from engine.folder import registry_for
from engine.policy import Policy
from engine.registry import in_amendment, load_file, load_files, load_folder, policy_files
from engine.testing.cases import cases_paths, read_cases
from engine.versions import Registry, check_versions, with_repeals


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` looked at."""

    files: int
    diagnostics: tuple[Diagnostic, ...]


def check(folder: Folder | None, paths: Sequence[Path], beside: Path | None = None) -> Checked:
    """Every policy and cases file among `paths` (files or folders); without paths, of the folder in use.

    The base of a 修订 named alone is looked for beside it, then in the folder `beside`. A folder's cases are read with it; of a policy named alone only whether they are there.
    """
    files: list[Path] = []
    diagnostics: list[Diagnostic] = []
    for path in paths or ([folder.path] if folder else []):
        if path.is_dir():
            registry, found = load_folder(path)
            inside = policy_files(path)
            if not inside:
                found = [
                    Diagnostic("E120", "文件夹里没有政策文件", Place(str(path)), "政策文件以 .yaml 结尾")
                ]
            files += inside
            diagnostics += found
            said: set[Diagnostic] = set()
            for policy in sorted(registry.policies, key=lambda p: len(p.layers)):
                diagnostics += _check_policy(policy, registry, said)
                for _, file in cases_paths(policy, Path(policy.source.name)):
                    if file.is_file() and file not in files:
                        files.append(file)
                        diagnostics += read_cases(file)[1]
        elif is_cases(path):
            files.append(path)
            diagnostics += read_cases(path)[1]
        else:
            files.append(path)
            policy_read, found = load_file(path, near=policy_files(beside) if beside else ())
            diagnostics += found
            if policy_read is not None:
                registry, found = registry_for(policy_read, path, None)
                diagnostics += [*found, *_check_policy(policy_read, registry, set())]
                diagnostics += _among_versions(policy_read, path, beside)
    return Checked(len(files), tuple(in_order(diagnostics)))


def is_cases(path: Path) -> bool:
    return path.name.endswith((".cases.yaml", ".cases.yml"))


def _among_versions(policy: Policy, path: Path, beside: Path | None) -> list[Diagnostic]:
    """What an amendment named alone brings about between the versions beside it and in the folder `beside`."""
    if not policy.meta.relation:
        return []
    places = (path.parent, *([beside] if beside else []))
    files = {file.resolve(): file for place in places for file in policy_files(place)}
    known = load_files(file for real, file in files.items() if real != path.resolve())[0].policies
    others = [other for other in known if other.meta.id != policy.meta.id]
    before = set(check_versions(Registry(with_repeals(others))))
    after = check_versions(Registry(with_repeals([*others, policy])))
    return [problem for problem in after if problem not in before]


def _check_policy(policy: Policy, registry: Registry, said: set[Diagnostic]) -> list[Diagnostic]:
    """A policy's own checks but what has been `said` of its base, and whether the cases files that it names are there."""
    meta = policy.meta
    _, found = build(policy, registry)
    diagnostics = [in_amendment(p, meta.id, meta.relation, meta.key) for p in found if p not in said]
    said.update(found)
    for word, path in cases_paths(policy, Path(policy.source.name)):
        if not path.is_file():
            place = place_of(word.source, word.span)
            diagnostics.append(
                Diagnostic("E751", f"找不到用例文件「{word.text}」", place, "路径从政策文件所在的文件夹算起")
            )
    return diagnostics
