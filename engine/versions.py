"""Policies as lines of versions: what stands in a folder, and what is wrong between the versions of one line."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from engine.diagnostics import Diagnostic, Place, place_of
from engine.policy import Policy, by_time, in_force


@dataclass(frozen=True)
class Registry:
    """`policies` in the order of their files; `broken` names the files that did not load."""

    policies: tuple[Policy, ...]
    broken: tuple[str, ...] = ()

    @property
    def series(self) -> dict[str, tuple[Policy, ...]]:
        """系列 → its versions by 施行, then 印发."""
        found: dict[str, list[Policy]] = {}
        for policy in self.policies:
            found.setdefault(policy.meta.series, []).append(policy)
        return {name: tuple(sorted(line, key=by_time)) for name, line in found.items()}

    def known_on(self, day: date) -> Registry:
        """What had been issued by a day: a version goes by its 印发, one without by its 施行."""
        known = (p for p in self.policies if (p.meta.issued or p.meta.effective) <= day)
        return Registry(tuple(known), self.broken)

    def in_force(self, series: str, day: date) -> Policy | None:
        return in_force(self.series.get(series, ()), day)


def policy_files(folder: Path) -> list[Path]:
    """The policy files of a folder, by name; cases are none."""
    found = [*folder.glob("*.yaml"), *folder.glob("*.yml")]
    return sorted(p for p in found if not p.name.endswith((".cases.yaml", ".cases.yml")))


def with_repeals(policies: Iterable[Policy]) -> tuple[Policy, ...]:
    """Policies with the 失效 that another 系列's 废止文件 (编号 or 文号) gives them: the day before it takes effect."""
    known = list(policies)
    found = []
    for policy in known:
        names = {policy.meta.id, policy.meta.number} - {""}
        days = [
            other.meta.effective - timedelta(1)
            for other in known
            if other.meta.series != policy.meta.series and names & set(other.meta.repeals)
        ]
        last = min(days, default=None)
        if last is not None and last >= policy.meta.effective and last < (policy.meta.expires or date.max):
            policy = replace(policy, meta=replace(policy.meta, expires=last))
        found.append(policy)
    return tuple(found)


def check_versions(registry: Registry) -> list[Diagnostic]:
    """Two policies of one 编号 (E410), overlaps of versions (E411), gaps between them (W811)."""
    found: list[Diagnostic] = []
    seen: dict[str, Policy] = {}
    for policy in registry.policies:
        first = seen.setdefault(policy.meta.id, policy)
        if first is not policy:
            found.append(
                Diagnostic(
                    "E410",
                    f"编号「{policy.meta.id}」与 {Path(first.source.name).name} 相同",
                    _place(policy),
                    "每个版本用不同的编号",
                )
            )
    for series, versions in registry.series.items():
        for older, newer in itertools.pairwise(versions):
            if by_time(older) == by_time(newer):
                message = f"系列「{series}」有两个版本同日施行、同日印发：{older.meta.id} 与 {newer.meta.id}"
                found.append(Diagnostic("E411", message, _place(newer), "请改施行日期，或分为两个系列"))
            elif older.meta.expires is not None and older.meta.expires >= newer.meta.effective:
                message = f"{older.meta.id} 到 {older.meta.expires} 才失效，与 {newer.meta.effective} 施行的 {newer.meta.id} 重叠"
                found.append(
                    Diagnostic(
                        "E411", message, _place(newer), "前一版的失效日应早于后一版的施行日，或不写失效"
                    )
                )
            elif older.meta.expires is not None and (newer.meta.effective - older.meta.expires).days > 1:
                message = f"{older.meta.id} 于 {older.meta.expires} 失效，{newer.meta.id} 到 {newer.meta.effective} 才施行，中间没有版本"
                found.append(Diagnostic("W811", message, _place(newer)))
        for newer in versions:
            found += _left_behind(newer, versions)
    return found


def _left_behind(policy: Policy, versions: Iterable[Policy]) -> list[Diagnostic]:
    """W813: versions between an amendment and its base whose changes it does not carry on."""
    if policy.meta.relation != "修订":
        return []
    made_of = {meta.id for meta in policy.layers.values()}
    base = next((other for other in versions if other.meta.id == policy.meta.base), None)
    between = [
        other.meta
        for other in versions
        if base is not None
        and by_time(base) < by_time(other) < by_time(policy)
        and other.meta.id not in made_of
        and not {other.meta.id, other.meta.number} & set(policy.meta.repeals)
    ]
    if not between:
        return []
    listed = "、".join(meta.id for meta in between)
    fact = f"它修订的是「{policy.meta.base}」，此前施行的 {listed} 所作的修改没有带入"
    hint = f"请写「修订: {between[-1].id}」；确要取消那些修改的，把它写进「废止文件」"
    return [Diagnostic("W813", fact, _place(policy), hint)]


def _place(policy: Policy) -> Place:
    return place_of(policy.meta.key.source, policy.meta.key.span)
