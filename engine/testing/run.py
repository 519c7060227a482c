"""Cases files → passed, failed and covered: which files to run, for which policy.

Owns finding the policy that names a file; a single case is run by `engine.testing.one`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.build import build
from engine.choose import Folder
from engine.diagnostics import Diagnostic, Place, has_errors, in_order, place_of
from engine.folder import registry_for
from engine.nodes import Scalar
from engine.policy import Policy
from engine.program import Program
from engine.registry import Registry, load_file, load_folder, policy_files
from engine.testing.cases import CasesFile, cases_paths, read_cases
from engine.testing.coverage import Coverage, Part, coverage
from engine.testing.one import CaseRun


@dataclass(frozen=True, slots=True)
class TestedFile:
    """One cases file run for one policy; `failed` are the names of the cases that did not pass."""

    path: Path
    policy: Policy
    total: int
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tested:
    """`coverage` is by policy, over all its cases files that were run."""

    files: tuple[TestedFile, ...]
    coverage: tuple[tuple[Policy, Coverage], ...]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class _Target:
    policy: Policy
    registry: Registry
    path: Path
    word: Scalar | None


def run_files(folder: Folder, paths: Sequence[Path]) -> Tested:
    """Runs cases files, or the cases of policy files; without paths, of every policy in the folder."""
    targets, diagnostics = _targets(folder, paths)
    programs: dict[str, Program | None] = {}
    reached: dict[str, set[Part]] = {}
    files: list[TestedFile] = []
    for target in targets:
        name = target.policy.source.name
        if name not in programs:
            programs[name], found = build(target.policy, target.registry)
            diagnostics += (d for d in found if d.severity == "error")
        program = programs[name]
        if target.word is not None and not target.path.is_file():
            place = place_of(target.word.source, target.word.span)
            fact = f"找不到用例文件「{target.word.text}」"
            diagnostics.append(Diagnostic("E751", fact, place, "路径从政策文件所在的文件夹算起"))
            continue
        cases, found = read_cases(target.path)
        diagnostics += found
        if cases is None or program is None:
            continue
        tested, parts, found = run_cases(program, cases)
        diagnostics += found
        files.append(tested)
        reached.setdefault(name, set()).update(parts)
    covered = [
        (program.policy, coverage(program, reached[name]))
        for name, program in programs.items()
        if program is not None and name in reached
    ]
    return Tested(tuple(files), tuple(covered), tuple(in_order(diagnostics)))


def _targets(folder: Folder, paths: Sequence[Path]) -> tuple[list[_Target], list[Diagnostic]]:
    """Which cases files to run, each with the policy that names it."""
    if not paths:
        found = [
            _Target(p, folder.registry, file, word)
            for p in folder.registry.policies
            for word, file in _named(p)
        ]
        return found, list(folder.diagnostics)
    targets: list[_Target] = []
    diagnostics: list[Diagnostic] = []
    for path in paths:
        if path.is_dir():
            registry, found_wrong = load_folder(path)
            diagnostics += found_wrong
            targets += [
                _Target(p, registry, file, word) for p in registry.policies for word, file in _named(p)
            ]
        elif path.name.endswith((".cases.yaml", ".cases.yml")):
            owners = _owners(folder, path) if path.is_file() else []
            targets += owners
            if not path.is_file():
                diagnostics.append(Diagnostic("E101", "找不到文件", Place(str(path)), "请检查路径和权限"))
            elif not owners:
                hint = "请在政策文件的「用例」里写上它，或用 --policies 指定政策所在的文件夹"
                diagnostics.append(
                    Diagnostic("E752", "没有一个政策的「用例」指向这个文件", Place(str(path)), hint)
                )
        else:
            policy, found_wrong = load_file(path, near=policy_files(folder.path))
            diagnostics += found_wrong
            if policy is not None:
                registry, found_wrong = registry_for(policy, path, folder)
                diagnostics += found_wrong
                targets += [_Target(policy, registry, file, word) for word, file in _named(policy)]
                if not policy.cases:
                    diagnostics.append(Diagnostic("W821", "这个政策没有写用例", Place(str(path))))
    return targets, diagnostics


def _named(policy: Policy) -> list[tuple[Scalar, Path]]:
    return cases_paths(policy, Path(policy.source.name))


def _owners(folder: Folder, path: Path) -> list[_Target]:
    """The policies whose 用例 name a file: beside it, else in the folder in use."""
    beside, _ = load_folder(path.parent)
    for registry in (beside, folder.registry):
        found = [
            _Target(policy, registry_for(policy, Path(policy.source.name), folder)[0], path, None)
            for policy in registry.policies
            if any(file.resolve() == path.resolve() for _, file in _named(policy))
        ]
        if found:
            return found
    return []


def run_cases(program: Program, cases: CasesFile) -> tuple[TestedFile, set[Part], list[Diagnostic]]:
    """Every case of a file."""
    failed: list[str] = []
    reached: set[Part] = set()
    diagnostics: list[Diagnostic] = []
    for case in cases.cases:
        run = CaseRun(program, case, cases.path)
        run.run()
        reached |= run.reached
        diagnostics += run.diagnostics
        if has_errors(run.diagnostics):
            failed.append(case.name)
    return TestedFile(cases.path, program.policy, len(cases.cases), tuple(failed)), reached, diagnostics
