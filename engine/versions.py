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
        """What had been issued by a day: a version goes by its 印发, one without by its 施行. A repeal issued later
        is not known either."""
        known = (p for p in self.policies if p.meta.known_from <= day)
        return Registry(with_repeals(known), self.broken)

    def in_force(self, series: str, day: date) -> Policy | None:
        return in_force(self.series.get(series, ()), day)


def policy_files(folder: Path) -> list[Path]:
    """The policy files of a folder, by name; cases are none."""
    found = [*folder.glob("*.yaml"), *folder.glob("*.yml")]
    return sorted(p for p in found if not p.name.endswith((".cases.yaml", ".cases.yml")))


def with_repeals(policies: Iterable[Policy]) -> tuple[Policy, ...]:
    """Policies with the 失效 that another 系列's 废止文件 gives them: the day before it takes effect. It names the 编号
    or 文号 of a version, or of what the version is a 修订 of: with a document go its amendments."""
    known = list(policies)
    found = []
    for policy in known:
        names = _names_of(policy)
        days = [
            other.meta.effective - timedelta(1)
            for other in known
            if other.meta.series != policy.meta.series and names & set(other.meta.repeals)
        ]
        last = policy.meta.written_expires
        for day in days:
            if policy.meta.effective <= day < (last or date.max):
                last = day
        found.append(replace(policy, meta=replace(policy.meta, expires=last)))
    return tuple(found)


def _names_of(policy: Policy) -> set[str]:
    """By what a 废止文件 may call a version: itself and, down through 修订, what it amends."""
    names: set[str] = set()
    for meta in reversed(policy.layers.values()):
        names |= {meta.id, meta.number} - {""}
        if meta.relation != "修订":
            break
    return names


def check_versions(registry: Registry) -> list[Diagnostic]:
    """Two policies of one 编号 (E410), overlaps of versions (E411), gaps between them (W811), versions that rest on
    outdated ones (W813, W814)."""
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
            elif _overlap(older.meta.written_expires, newer):
                message = f"{older.meta.id} 到 {older.meta.written_expires} 才失效，与 {newer.meta.effective} 施行的 {newer.meta.id} 重叠"
                hint = "前一版的失效日应早于后一版的施行日，或不写失效"
                if newer.meta.relation == "修订":
                    hint += "；修订后仍到期失效的，写在修订里"
                found.append(Diagnostic("E411", message, _place(newer), hint))
            elif older.meta.expires is not None and (newer.meta.effective - older.meta.expires).days > 1:
                message = f"{older.meta.id} 于 {older.meta.expires} 失效，{newer.meta.id} 到 {newer.meta.effective} 才施行，中间没有版本"
                found.append(Diagnostic("W811", message, _place(newer)))
        for newer in versions:
            found += _left_behind(newer, versions)
    for policy in registry.policies:
        found += _above_moved_on(policy, registry)
    return found


def _overlap(expires: date | None, newer: Policy) -> bool:
    return expires is not None and expires >= newer.meta.effective


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
    earlier = [meta for meta in between if meta.known_from <= policy.meta.known_from]
    replaced = any(
        other.meta.effective == policy.meta.effective and by_time(other) > by_time(policy)
        for other in versions
    )
    left = earlier if replaced else between
    if not left:
        return []
    listed = "、".join(meta.id for meta in left)
    fact = f"它修订的是「{policy.meta.base}」，此前施行的 {listed} 所作的修改没有带入"
    if earlier:
        hint = f"请写「修订: {earlier[-1].id}」；确要取消那些修改的，把它写进「废止文件」"
    else:
        hint = (
            f"{left[-1].id} 印发在后：请另写一个修订「{policy.meta.id}」的文件，施行也写 {policy.meta.effective}，"
            f"印发写 {left[-1].known_from}，把那些修改写进去"
        )
    return [Diagnostic("W813", fact, _place(policy), hint)]


def _above_moved_on(policy: Policy, registry: Registry) -> list[Diagnostic]:
    """W814: a version that fills in an older version of the higher level's than the one in force beside it."""
    layers = [*policy.layers.values()]
    above = next((up for up, own in reversed([*itertools.pairwise(layers)]) if own.relation == "细化"), None)
    if above is None:
        return []
    made_of = {meta.id for meta in layers}
    for newer in registry.series.get(above.series, ()):
        day = max(policy.meta.effective, newer.meta.effective)
        if (
            newer.meta.id not in made_of
            and (newer.meta.effective, newer.meta.known_from) > (above.effective, above.known_from)
            and registry.in_force(policy.meta.series, day) is policy
            and registry.in_force(above.series, day) is newer
        ):
            fact = f"{day} 起「{above.series}」施行的是「{newer.meta.id}」，它细化的还是「{above.id}」"
            hint = f"请另写一个「细化: {newer.meta.id}」的版本，{day} 起施行"
            return [Diagnostic("W814", fact, _place(policy), hint)]
    return []


def _place(policy: Policy) -> Place:
    return place_of(policy.meta.key.source, policy.meta.key.span)
