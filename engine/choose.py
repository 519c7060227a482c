"""Which policies folder is used, and which policy of it a request means on a day.

Owns the rules of design.md: 系列, 编号 or path; by default the only 系列 that no other refers to; the version
in force, never the nearest. What to do with the policy is left to `engine.app`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from engine.diagnostics import Diagnostic, Place, has_errors, place_of
from engine.names import normalize, suggest
from engine.policy import Policy
from engine.program import Program
from engine.versions import Registry


@dataclass(frozen=True, slots=True)
class Misuse:
    """A request that cannot be carried out as asked (exit 2); `hint` says what could be written."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Folder:
    """The policies folder in use; `origin` says why this one. `programs`: those of its policies (by file) that have
    been checked; `key` is what they are kept under between runs, or ""."""

    path: Path
    origin: str
    registry: Registry
    diagnostics: tuple[Diagnostic, ...]
    programs: dict[str, Program] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A policy with the registry in which its 引用 are found."""

    policy: Policy
    registry: Registry


def folder_in_use(given: Path | None, here: Path) -> tuple[Path, str]:
    """`given`, else `here`/policies, else the policies that came with the engine; and why this one."""
    if given is not None:
        return given, "--policies"
    if (here / "policies").is_dir():
        return Path("policies"), "当前文件夹"
    from engine import resources  # looked for only where there is no folder at hand

    return resources.policies_dir(), "随软件安装"


def known_on(folder: Folder, day: date | None) -> Folder:
    """The folder as it was known on a day: without versions issued later. Its programs are not kept between runs."""
    if day is None:
        return folder
    return Folder(folder.path, folder.origin, folder.registry.known_on(day), folder.diagnostics)


def candidates(registry: Registry) -> list[str]:
    """The 系列 that no policy of another 系列 refers to."""
    used = {
        use.series
        for policy in registry.policies
        for use in policy.uses.values()
        if use.series != policy.meta.series
    }
    return [series for series in registry.series if series not in used]


def describe_versions(versions: Iterable[Policy]) -> str:
    """「a（2021-05-27 施行）、b（2022-01-01 施行，2023-12-31 失效）」."""
    return "、".join(
        f"{p.meta.id}（{p.meta.effective} 施行{f'，{p.meta.expires} 失效' if p.meta.expires else ''}）"
        for p in versions
    )


def choose_policy(
    folder: Folder, word: str | None, as_of: date, whenever: bool = False
) -> tuple[Chosen | Misuse | None, list[Diagnostic]]:
    """The policy that `word` (系列, 编号 or path; None: the only candidate) means on a day; `whenever`: one named by 编号
    or path need not be in force."""
    registry = folder.registry
    name = normalize(word) if word is not None else None
    if word is not None and name is not None and _is_path(word) and name not in registry.series:
        from engine.folder import by_path  # reads files, which a policy in the folder has behind it

        named, diagnostics = by_path(folder, Path(word))
        if named is None or whenever:
            return named, diagnostics
        chosen, remarks = _on_day(named, as_of)
        return chosen, [*diagnostics, *remarks]
    if has_errors(folder.diagnostics):
        return None, [d for d in folder.diagnostics if d.severity == "error"]
    if not registry.policies:
        return Misuse(f"文件夹 {folder.path} 里没有政策", "请用 --policies 指定政策所在的文件夹"), []
    if name is None:
        open_series = candidates(registry)
        if len(open_series) != 1:
            listed = "、".join(open_series or registry.series)
            return Misuse(
                f"文件夹 {folder.path} 里有 {len(open_series)} 个可用的系列，请用 --policy 选一个",
                f"系列：{listed}",
            ), []
        name = open_series[0]
    if name in registry.series:
        found = registry.in_force(name, as_of)
        if found is None:
            versions = registry.series[name]
            fact = f"系列「{name}」在 {as_of} 没有施行的版本"
            return None, [
                Diagnostic("E420", fact, _place(versions[0]), f"现有版本：{describe_versions(versions)}")
            ]
        return Chosen(found, registry), []
    for policy in registry.policies:
        if policy.meta.id == name:
            own = Chosen(policy, registry)
            return (own, []) if whenever else _on_day(own, as_of)
    known = [*registry.series, *(policy.meta.id for policy in registry.policies)]
    return Misuse(
        f"没有系列、编号或文件「{word}」", suggest(name, known) or f"现有系列：{'、'.join(registry.series)}"
    ), []


def choose_version(folder: Folder, word: str, as_of: date) -> tuple[Chosen | Misuse | None, list[Diagnostic]]:
    """The version that `word` means where versions are compared, in force or not: a first version gives its 编号 to its
    系列 too, and is meant before that."""
    named = [p for p in folder.registry.policies if p.meta.id == normalize(word)]
    if named and not has_errors(folder.diagnostics):
        return Chosen(named[0], folder.registry), []
    return choose_policy(folder, word, as_of, whenever=True)


def _is_path(word: str) -> bool:
    return "/" in word or "\\" in word or word.endswith((".yaml", ".yml")) or Path(word).is_file()


def _on_day(chosen: Chosen, as_of: date) -> tuple[Chosen | None, list[Diagnostic]]:
    """A version named by 编号 or path must be in force too; one already replaced is a warning."""
    meta = chosen.policy.meta
    versions = chosen.registry.series.get(meta.series, (chosen.policy,))
    if as_of < meta.effective or (meta.expires is not None and as_of > meta.expires):
        state = "尚未施行" if as_of < meta.effective else "已经失效"
        fact = f"政策「{meta.id}」在 {as_of} {state}"
        return None, [
            Diagnostic("E421", fact, _place(chosen.policy), f"现有版本：{describe_versions(versions)}")
        ]
    newer = chosen.registry.in_force(meta.series, as_of)
    if newer is not None and newer is not chosen.policy:
        fact = f"{as_of} 施行的是「{newer.meta.id}」，这里按指定的「{meta.id}」计算"
        return chosen, [Diagnostic("W820", fact, _place(chosen.policy))]
    return chosen, []


def _place(policy: Policy) -> Place:
    return place_of(policy.meta.key.source, policy.meta.key.span)
