"""Figures over groups of records: who is in which group, aggregates over members, and 分配 (language §9).

A group that a left-out row belongs or may belong to has no figures: a pool short of one person pays all others wrongly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from engine.diagnostics import Diagnostic, Place
from engine.expr import tree
from engine.facts import State
from engine.interpret import Interpreter
from engine.needs import needed_fields, needs_of
from engine.outcomes import combine, first_outcome
from engine.program import CheckedGroup
from engine.records.model import DatedFact, Roster
from engine.results import GroupResult, Use
from engine.types import NumberT, Type
from engine.units import BARE
from engine.values import NotApplicable, Number, Unknown, exact, format_number, unknown

Key = tuple[str, ...]


@dataclass(slots=True)
class _Figures:
    """What has been computed for one group of one 集体."""

    state: State
    figures: dict[str, Any] = field(default_factory=dict)
    noted: dict[Any, Use] = field(default_factory=dict)
    shares: dict[str, Any] | Unknown | None = None


@dataclass(slots=True)
class _Placed:
    """All records by their values of some 按: group → records; `stray` lack one of the values."""

    inside: dict[Key, list[State]]
    stray: list[State]


class RosterGroups:
    """The groups of one roster on one day. Figures are computed when first asked for."""

    def __init__(self, interpreter: Interpreter, roster: Roster, states: Sequence[State]) -> None:
        self.run, self.roster, self.states = interpreter, roster, states
        self.program = interpreter.program
        self.placed: dict[Key, _Placed] = {}
        self.computed: dict[tuple[str, Key], _Figures] = {}
        self.members_of: dict[tuple[str, Key], list[tuple[State, Any]]] = {}
        self.touching: dict[tuple[str, Key], Unknown | None] = {}
        self.reported: set[tuple[str, str]] = set()
        self.strays: list[tuple[int, Diagnostic]] = []

    # --- asked by the interpreter -----------------------------------------------------------------

    def figure(self, name: str, state: State) -> Any:
        """The figure of the group that a record (or a finer group) belongs to; of a 分配 the record's own share."""
        group = self.program.groups_by_name[name]
        places = self.values(state, group.by)
        outcome = first_outcome(places)
        if outcome is not None:
            return outcome
        key = tuple(places)
        if group.decl.shares is None or state.record is None:
            label = "总额" if group.decl.shares is not None else ""
            return self.own(self.outcome(group, key, label), state)
        return self.own(self.share(group, key, state), state)

    def over_members(self, node: tree.Members, state: State) -> Any:
        """人数 合计 … over the members of the group whose figures are being computed."""
        assert state.group is not None
        name, key = state.group
        group = self.program.groups_by_name[name]
        members, noted = self.members(group, key), self.figures(group, key).noted
        if node.value is None and node.condition is None and not any(type(m) is Unknown for _, m in members):
            return len(members)
        pairs = []
        for member, belongs in members:
            holds = belongs
            if node.condition is not None:
                holds = self.also(belongs, self.of_member(member, node.condition, noted))
            if holds is True or type(holds) is Unknown:
                value = 1 if node.value is None else self.of_member(member, node.value, noted)
                pairs.append((holds, value))
        return combine("合计" if node.function == "人数" else node.function, pairs, node.type, name)

    @staticmethod
    def also(belongs: Any, condition: Any) -> Any:
        """Member and condition, by Kleene; what does not apply to someone does not hold for them."""
        if condition is False or type(condition) is NotApplicable:
            return False
        return (
            condition
            if belongs is True
            else unknown(*(x for x in (belongs, condition) if type(x) is Unknown))
        )

    def of_member(self, member: State, node: tree.Expr, noted: dict[Any, Use] | None = None) -> Any:
        """A formula on a member's facts, its missing facts under the member's name; `noted` takes what it used."""
        kept, member.uses = member.uses, []
        value = self.run.within(member, lambda: self.run.value(node))
        if noted is not None:
            noted.update(((use.kind, use.name, use.detail), use) for use in member.uses if use.kind != "字段")
        member.uses = kept
        return self.named(value, member)

    # --- who belongs ------------------------------------------------------------------------------

    def place(self, by: Key) -> _Placed:
        """Records (and units without any) by their values of 按."""
        if by in self.placed:
            return self.placed[by]
        inside: dict[Key, list[State]] = {}
        stray: list[State] = []
        for state in self.states:
            values = self.values(state, by)
            if first_outcome(values) is None:
                inside.setdefault(tuple(values), []).append(state)
            else:
                stray.append(state)
        for row in self.roster.rejected:
            known = [self.written(row.facts.get(name)) for name in by]
            if all(known):
                inside.setdefault(tuple(str(value) for value in known), [])
        if len(by) == 1:
            for unit in self.roster.units.get(by[0], {}):
                inside.setdefault((unit,), [])
        if not by:
            inside.setdefault((), [])
        found = self.placed[by] = _Placed(inside, stray)
        return found

    def values(self, state: State, by: Key) -> list[Any]:
        """A record's (or group's) values of 按."""
        return self.run.within(state, lambda: [self.run.field(name) for name in by])  # type: ignore[no-any-return]

    def written(self, fact: Any) -> str | None:
        value = fact.on(self.run.as_of) if isinstance(fact, DatedFact) else fact
        return value if isinstance(value, str) else None

    def belongs(self, group: CheckedGroup, state: State) -> Any:
        """Whether a record is a 成员: 是, 否 or 信息不足; a condition that does not apply to it is 否."""
        if group.member is None:
            return True
        found = self.of_member(state, group.member)
        return False if type(found) is NotApplicable else found

    def members(self, group: CheckedGroup, key: Key) -> list[tuple[State, Any]]:
        """Records in a group that are members (True) or may be (Unknown)."""
        at = (group.decl.name, key)
        if at not in self.members_of:
            inside = self.place(group.by).inside.get(key, [])
            pairs = ((state, self.belongs(group, state)) for state in inside)
            self.members_of[at] = [(state, belongs) for state, belongs in pairs if belongs is not False]
        return self.members_of[at]

    def touched(self, group: CheckedGroup, key: Key) -> Unknown | None:
        """The rows left out of the roster, or out of every group, that belong or may belong to a group."""
        at = (group.decl.name, key)
        if at in self.touching:
            return self.touching[at]
        rows: list[int] = []
        for row in self.roster.rejected:
            known = (self.written(row.facts.get(name)) for name in group.by)
            if all(value in (None, part) for value, part in zip(known, key, strict=True)):
                rows.append(row.row)
        for state in self.place(group.by).stray:
            assert state.record is not None
            values = self.values(state, group.by)
            fits = all(
                type(value) is Unknown or value == part for value, part in zip(values, key, strict=True)
            )
            if fits and self.belongs(group, state) is not False:
                rows.append(state.record.row)
                self.report_stray(group, state, values)
        found = Unknown(tuple(f"名册第 {row} 行" for row in sorted(rows))) if rows else None
        self.touching[at] = found
        return found

    # --- figures ----------------------------------------------------------------------------------

    def figures(self, group: CheckedGroup, key: Key) -> _Figures:
        at = (group.decl.name, key)
        found = self.computed.get(at)
        if found is None:
            facts = dict(zip(group.by, key, strict=True))
            found = self.computed[at] = _Figures(State(facts.get, None, group=at))
        return found

    def state_of(self, group: CheckedGroup, key: Key) -> State:
        """What the formulas of a group are evaluated on."""
        return self.figures(group, key).state

    def outcome(self, group: CheckedGroup, key: Key, label: str) -> Any:
        """A figure by its label: "" for the 公式 or 校验, 总额, or one of 列示. 适用 comes first."""
        computed = self.figures(group, key)
        if label in computed.figures:
            return computed.figures[label]
        node = dict(group.shown).get(label, group.total if label == "总额" else group.formula)
        assert node is not None
        run, touched = self.run, self.touched(group, key)

        def work() -> Any:
            closed = run.applicability(group.scope)
            if closed is not None:
                return closed
            return run.value(node) if touched is None else touched

        value = computed.figures[label] = run.within(computed.state, work)
        return value

    def share(self, group: CheckedGroup, key: Key, state: State) -> Any:
        closed = self.run.within(self.figures(group, key).state, lambda: self.run.applicability(group.scope))
        if closed is not None:
            return closed
        assert state.record is not None
        if self.belongs(group, state) is False:
            return NotApplicable(f"不是「{group.decl.name}」的成员")
        shares = self.shares(group, key)
        return shares if isinstance(shares, Unknown) else shares[state.record.id]

    def shares(self, group: CheckedGroup, key: Key) -> dict[str, Any] | Unknown:
        """分配: shares of all members by 标识, or what is missing."""
        computed = self.figures(group, key)
        if computed.shares is None:
            computed.shares = self.divided(group, key)
        return computed.shares

    def divided(self, group: CheckedGroup, key: Key) -> dict[str, Any] | Unknown:
        total = self.outcome(group, key, "总额")
        touched = self.touched(group, key)
        if touched is not None:
            return touched
        assert group.weight is not None
        computed_noted = self.figures(group, key).noted
        weights: dict[str, Any] = {}
        absent: list[Unknown] = [total] if isinstance(total, Unknown) else []
        for member, belongs in self.members(group, key):
            assert member.record is not None
            weight = self.of_member(member, group.weight, computed_noted)
            if isinstance(weight, NotApplicable):
                weight = 0
            absent += [x for x in (belongs, weight) if isinstance(x, Unknown)]
            weights[member.record.id] = weight
        without = [id_ for id_, weight in weights.items() if isinstance(weight, Unknown)]
        if without:
            self.report(group, key, "W852", f"{some(without)}没有权重", "补齐以后才能分配")
        if absent:
            return unknown(*absent)
        if isinstance(total, NotApplicable):
            return unknown(Unknown(("总额",)))
        negative = [id_ for id_, weight in weights.items() if weight < 0]
        if negative:
            self.report(group, key, "W852", f"{some(negative)}的权重是负数", "权重应为 0 或正数")
            return Unknown(tuple(f"{id_}.{fact}" for id_ in negative for fact in self.weight_facts(group)))
        if weights and not sum(weights.values()):
            self.report(group, key, "W853", "各人的权重都是 0，总额无法分配", "请核对权重")
            return Unknown(self.weight_facts(group))
        steps = Fraction(total) / Fraction(group.step)
        if steps.denominator != 1:
            fact = f"总额 {format_number(total)} 不是 {format_number(group.step)} 的整数倍"
            self.report(group, key, "W854", fact, "请把总额取整，或把「精确到」写得更细")
            return Unknown(("总额",))
        return largest_remainder(int(steps), weights, group.step)

    def weight_facts(self, group: CheckedGroup) -> tuple[str, ...]:
        """The fields that the weight rests on."""
        assert group.weight is not None
        names = {node.name for node in tree.walk(group.weight) if isinstance(node, tree.Field)}
        if not names:
            mentioned = needs_of(self.program, group.decl.name)
            names = {n for n in needed_fields(self.program, mentioned) if n in self.program.personal}
        return tuple(sorted(names)) or ("权重",)

    # --- results ----------------------------------------------------------------------------------

    def results(self, name: str) -> list[GroupResult]:
        """Every group of a 集体 with its figures, in the order of the roster."""
        group = self.program.groups_by_name[name]
        return [self.result(group, key) for key in self.place(group.by).inside]

    def result(self, group: CheckedGroup, key: Key) -> GroupResult:
        named = dict(zip(group.by, key, strict=True))
        label = "总额" if group.decl.shares is not None else ""
        main = self.outcome(group, key, label)
        if isinstance(main, NotApplicable) and group.scope:
            closed = self.run.within(
                self.figures(group, key).state, lambda: self.run.applicability(group.scope)
            )
            if isinstance(closed, NotApplicable):
                return GroupResult(group.decl.name, named, {}, closed.reason, None)
        figures = {shown: self.outcome(group, key, shown) for shown, _ in group.shown}
        finding = None
        if group.decl.shares is not None:
            shares = self.shares(group, key)
            handed = shares if isinstance(shares, Unknown) else exact(sum(shares.values(), Fraction(0)))
            figures |= {"总额": main, "分配": handed}
        elif group.decl.is_check:
            figures["结论"] = main
            finding = "信息不足" if isinstance(main, Unknown) else group.decl.level if main is False else None
        else:
            figures["值"] = main
        computed = self.figures(group, key)
        own = {(use.kind, use.name, use.detail): use for use in computed.state.uses}
        uses = tuple((own | computed.noted).values())
        return GroupResult(group.decl.name, named, figures, None, finding, uses)

    def told(self, group: CheckedGroup, key: Key, state: State) -> list[tuple[str, Any, Type]]:
        """A group's figures for an explanation: members, those of 列示, and how the own share comes about."""
        members = self.members(group, key)
        found: list[tuple[str, Any, Type]] = [("成员", len(members), NumberT(BARE))]
        found += [(label, self.outcome(group, key, label), node.type) for label, node in group.shown]
        if group.weight is None or state.record is None:
            return found
        weights = [self.of_member(member, group.weight) for member, _ in members]
        sums = combine("合计", [(True, weight) for weight in weights], group.weight.type, "权重")
        own = self.own(self.of_member(state, group.weight), state)
        total = self.outcome(group, key, "总额")
        found += [
            ("总额", total, group.type),
            ("权重合计", sums, group.weight.type),
            ("本人权重", own, group.weight.type),
        ]
        if first_outcome((total, sums, own)) is None and sums:
            found.append(("按权重应得", exact(Fraction(total) * own / sums), group.type))
        return found

    def remarks(self) -> list[Diagnostic]:
        """Records that are in no group for want of their 按, in the order of the roster."""
        return [remark for _, remark in sorted(self.strays, key=lambda stray: stray[0])]

    # --- what is missing, in whose name --------------------------------------------------------------

    def named(self, value: Any, state: State) -> Any:
        """Missing facts of one person as 「标识.字段」; facts of units, parameters and rows keep their names."""
        if type(value) is not Unknown or state.record is None:
            return value
        fields = self.program.policy.fields
        facts = []
        for fact in value.missing:
            decl = fields.get(fact.partition("[")[0])
            facts.append(f"{state.record.id}.{fact}" if decl is not None and not decl.owner else fact)
        return Unknown(tuple(facts))

    @staticmethod
    def own(value: Any, state: State) -> Any:
        """A group's missing facts as one of its members reads them: the member's own without the 标识."""
        if type(value) is not Unknown or state.record is None:
            return value
        prefix = f"{state.record.id}."
        if not any(fact.startswith(prefix) for fact in value.missing):
            return value
        return Unknown(tuple(dict.fromkeys(fact.removeprefix(prefix) for fact in value.missing)))

    def report(self, group: CheckedGroup, key: Key, code: str, fact: str, hint: str) -> None:
        where = "，".join(f"{name} {part}" for name, part in zip(group.by, key, strict=True))
        name = f"「{group.decl.name}」" + (f"（{where}）" if where else "")
        self.run.diagnostics.append(
            Diagnostic(code, f"{name}{fact}，各人的份额为信息不足", Place(self.roster.file), hint)
        )

    def report_stray(self, group: CheckedGroup, state: State, values: list[Any]) -> None:
        """W851: a record without its 按 is in no group, and said once."""
        assert state.record is not None
        lacking = "、".join(
            name for name, value in zip(group.by, values, strict=True) if type(value) is Unknown
        )
        if (state.record.id, lacking) in self.reported:
            return
        self.reported.add((state.record.id, lacking))
        fact = f"「{state.record.id}」没有{lacking}，不能归入集体，可能涉及的集体为信息不足"
        self.strays.append(
            (state.record.row, Diagnostic("W851", fact, state.record.place, f"请补填{lacking}"))
        )


def some(ids: Sequence[str], most: int = 5) -> str:
    listed = "、".join(f"「{id_}」" for id_ in ids[:most])
    return f"{listed}等 {len(ids)} 人" if len(ids) > most else listed


def largest_remainder(steps: int, weights: dict[str, Number], step: Number) -> dict[str, Number]:
    """Shares of `steps` units of `step` by weight: rounded down, the rest one unit each by largest remainder, ties by
    标识 ascending. The shares add up to steps × step exactly (Hamilton's method)."""
    whole = sum(weights.values())
    quotas = {id_: Fraction(steps) * Fraction(weight) / Fraction(whole) for id_, weight in weights.items()}
    units = {id_: quota.numerator // quota.denominator for id_, quota in quotas.items()}
    by_remainder = sorted(quotas, key=lambda id_: (units[id_] - quotas[id_], id_))
    for id_ in by_remainder[: steps - sum(units.values())]:
        units[id_] += 1
    return {id_: exact(Fraction(count) * Fraction(step)) for id_, count in units.items()}
