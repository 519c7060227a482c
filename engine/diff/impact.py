"""Two evaluations of one roster side by side: per person, per result, per group of people, before and after.

Works for two versions of a policy as for two readings of one. A figure that either side does not have (不适用, 信息不足, a
record refused) is never counted as zero: it is counted by what happened to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, get_args

from engine.expr import tree
from engine.needs import closure, expressions, needs_of
from engine.program import Program
from engine.records.model import DatedFact, Record, Roster
from engine.results import Evaluation, RecordResult
from engine.types import EnumT, NumberT, Type
from engine.values import Grounds, NotApplicable, Number, Unknown, exact

#: How many times a year a figure of each 周期 is paid.
PER_YEAR = {"月": 12, "季": 4, "半年": 2, "年": 1}
#: Figures that no year repeats: paid once, and amounts that have no 周期.
ONCE = ("一次", "")
MOST_VALUES = 40

Status = Literal[
    "增加", "减少", "改变", "不变", "新不适用", "新信息不足", "仍信息不足", "变为适用", "变为已知"
]
#: In the order in which they are shown.
STATUSES: tuple[Status, ...] = get_args(Status)
#: Of which no change is known: where facts are missing on either side there may be one.
UNMOVED = frozenset(("不变", "仍信息不足"))


@dataclass(frozen=True, slots=True)
class Side:
    """One evaluation of the roster."""

    program: Program
    roster: Roster
    evaluation: Evaluation
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """One result of one person on both sides; `name` is as the new side calls it. `measures`: the unit and 周期 of
    either side where they are not the same, so that the two figures do not compare. `reached`: whether it can differ."""

    name: str
    type: Type | None
    before: Any
    after: Any
    measures: tuple[str, str] | None = None
    reached: bool = True

    @property
    def status(self) -> Status:
        before, after = self.before, self.after
        if self.reached and _is_open(before) and _is_open(after):
            return "仍信息不足"
        if same(before, after) and not (self.measures and before and _is_number(before)):
            return "不变"
        if _is_open(after) and not _is_open(before):
            return "新信息不足"
        if isinstance(after, NotApplicable):
            return "新不适用"
        if _is_open(before) and not _is_open(after):
            return "变为已知"
        if isinstance(before, NotApplicable):
            return "变为适用"
        change = self.change
        return "改变" if change is None else "增加" if change > 0 else "减少"

    @property
    def change(self) -> Number | None:
        """After less before, of numbers of one unit and 周期."""
        if self.measures is None and _is_number(self.before) and _is_number(self.after):
            return exact(self.after - self.before)
        return None


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `sums`: 周期 → (before, after) of the figures that stand for all of that 周期; None where one of them
    has no value on that side. `moves`: 周期 → the change of those of them that can differ; None where one has no value
    on either side. `reasons`: what else came out differently: (依据, name, before, after, type)."""

    id: str
    record: Record
    shifts: tuple[Shift, ...]
    sums: Mapping[str, tuple[Number | None, Number | None]]
    moves: Mapping[str, Number | None]
    reasons: tuple[tuple[str, str, Any, Any, Type | None], ...]

    @property
    def changed(self) -> tuple[Shift, ...]:
        return tuple(shift for shift in self.shifts if shift.status not in UNMOVED)

    @property
    def unsettled(self) -> bool:
        """Whether no change is known, but facts are missing on both sides of a result that can differ."""
        return not self.changed and any(shift.status == "仍信息不足" for shift in self.shifts)

    def yearly(self) -> Number | None:
        """The change of a year: each 周期 as often as a year has it; None if a figure is missing on either side."""
        return self._change(PER_YEAR)

    def once(self) -> Number | None:
        """The change of what no year repeats; None if a figure is missing on either side."""
        return self._change(dict.fromkeys(ONCE, 1))

    def _change(self, times: Mapping[str, int]) -> Number | None:
        total: Number = 0
        for period, change in self.moves.items():
            if period not in times:
                continue
            if change is None:
                return None
            total += change * times[period]
        return exact(total)

    def gain(self) -> int | None:
        """1 for one who gets more, -1 for less, by the year first and then by what is paid once; None if not known."""
        yearly, once = self.yearly(), self.once()
        if yearly is None or once is None:
            return None
        change = yearly or once
        return (change > 0) - (change < 0)


@dataclass(frozen=True, slots=True)
class Total:
    """One result over everybody: sums of those who have a figure on both sides, and how many fared how."""

    name: str
    type: Type | None
    period: str
    before: Number | None
    after: Number | None
    counts: Mapping[str, int]

    @property
    def change(self) -> Number | None:
        return None if self.before is None or self.after is None else exact(self.after - self.before)

    @property
    def changed(self) -> bool:
        """Whether it is known to change for anybody."""
        return bool(set(self.counts) - UNMOVED)


#: 周期 → results of the old and of the new side whose sum is all that is paid of it.
Roots = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Part:
    """People of one value of a field: how many, how many gain and lose, sums per 周期 over those without a gap."""

    value: str
    people: int
    gain: int
    lose: int
    open: int
    sums: Mapping[str, tuple[Number, Number]]
    yearly: Number
    once: Number


@dataclass(frozen=True, slots=True)
class GroupShift:
    """A figure of a 集体 that differs: `key` names the group, `label` the figure."""

    name: str
    key: tuple[str, ...]
    label: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Impact:
    """`only_old`, `only_new`: ids of records that one side refused. `roots`: 周期 → results that stand for all of it,
    on the old and on the new side, as the new side calls them."""

    as_of: date
    people: tuple[Person, ...]
    totals: tuple[Total, ...]
    roots: Roots
    parts: Mapping[str, tuple[Part, ...]]
    groups: tuple[GroupShift, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]

    @cached_property
    def changed(self) -> tuple[Person, ...]:
        return tuple(person for person in self.people if person.changed)

    @cached_property
    def unsettled(self) -> int:
        return sum(person.unsettled for person in self.people)

    @cached_property
    def whole(self) -> Part:
        return _part("全体", self.people, self.roots)

    def largest(self, most: int) -> list[Person]:
        """Those whose year changes most, then those to whom what is paid once does; of those without a sum, none."""
        known = [
            ((-abs(Fraction(yearly)), -abs(Fraction(once))), person)
            for person in self.people
            if (yearly := person.yearly()) is not None
            and (once := person.once()) is not None
            and (yearly or once)
        ]
        return [person for _, person in sorted(known, key=lambda pair: pair[0])[:most]]


def same(before: Any, after: Any) -> bool:
    """Whether two outcomes are one: of 不适用 and 信息不足 whatever the reason, of 情形 the grounds that hold, in
    whatever order."""
    if before is after:
        return True
    if isinstance(before, NotApplicable) or isinstance(after, NotApplicable):
        return isinstance(before, NotApplicable) and isinstance(after, NotApplicable)
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return isinstance(before, Unknown) and isinstance(after, Unknown)
    if isinstance(before, Grounds) and isinstance(after, Grounds):
        return set(before.holding) == set(after.holding) and bool(before.open) == bool(after.open)
    return (type(before) is type(after) and bool(before == after)) or (_is_number(before) and before == after)


def _is_open(outcome: Any) -> bool:
    """Whether facts are missing; of 情形, whether none is known to hold and some may."""
    return isinstance(outcome, Unknown) or (
        isinstance(outcome, Grounds) and not outcome.holding and bool(outcome.open)
    )


def impact(
    old: Side,
    new: Side,
    as_of: date,
    renamed: Mapping[str, str],
    by: Sequence[str] = (),
    reached: Set[str] | None = None,
) -> Impact:
    """What changes for whom. `reached`: results that can differ (None: any), so that a figure missing in another does
    not hide what is known. `by`: fields to group people by; else those that some 集体 groups by, and the options that
    results rest on."""
    roots = _roots(old, new, renamed)
    was = {now: before for before, now in renamed.items()}
    names = list(dict.fromkeys((*new.results, *(renamed.get(name, name) for name in old.results))))
    called = [_called(old.program, new.program, was.get(name, name), name) for name in names]
    before = {result.record.id: result for result in old.evaluation.records}
    people = []
    for result in new.evaluation.records:
        earlier = before.pop(result.record.id, None)
        if earlier is not None:
            people.append(_person(old.program, new.program, earlier, result, called, was, roots, reached))
    known = {person.id for person in people}
    fields = list(by) or grouping_fields(new.program)
    return Impact(
        as_of,
        tuple(people),
        tuple(_total(new.program, at, name, people) for at, name in enumerate(names)),
        roots,
        {field: parts for field in fields if (parts := _parts(field, people, roots, as_of, bool(by)))},
        tuple(group_shifts(old.evaluation, new.evaluation, was)),
        tuple(before),
        tuple(r.record.id for r in new.evaluation.records if r.record.id not in known),
    )


def group_shifts(old: Evaluation, new: Evaluation, was: Mapping[str, str]) -> Iterator[GroupShift]:
    """Figures of groups that differ, of groups that both sides have."""
    before = {(group.name, tuple(group.key.values())): group for group in old.groups}
    for group in new.groups:
        key = tuple(group.key.values())
        earlier = before.get((was.get(group.name, group.name), key))
        if earlier is None:
            continue
        for label in dict.fromkeys((*earlier.figures, *group.figures)):
            one, other = earlier.figures.get(label), group.figures.get(label)
            if (one is None) != (other is None) or (one is not None and not same(one, other)):
                yield GroupShift(group.name, key, label, one, other)


@dataclass(frozen=True, slots=True)
class _Called:
    """A result by its name on either side."""

    name: str
    was: str
    type: Type | None
    measures: tuple[str, str] | None


def _called(old: Program, new: Program, was: str, name: str) -> _Called:
    before, after = old.types.get(was), new.types.get(name)
    measures = None
    if isinstance(before, NumberT) and isinstance(after, NumberT):
        sides = [_measure(old, was, before), _measure(new, name, after)]
        measures = None if sides[0] == sides[1] else (sides[0], sides[1])
    return _Called(name, was, after or before, measures)


def _measure(program: Program, name: str, kind: NumberT) -> str:
    """「元/月，每月」."""
    period = _period(program, name)
    return "，".join(
        word for word in (str(kind.unit), f"每{period}" if period in PER_YEAR else period) if word
    )


def _period(program: Program, name: str) -> str:
    return program.rules[name].decl.period if name in program.rules else ""


def _roots(old: Side, new: Side, renamed: Mapping[str, str]) -> Roots:
    sides = []
    for side in (old, new):
        once = [name for name in side.results if _period(side.program, name) == "一次"]
        found = {
            **period_roots(side.program, side.results),
            "一次": tuple(name for name in once if _is_money(side.program.types.get(name))),
            "": _amounts_of_no_period(side),
        }
        sides.append(found)
    return {
        period: (tuple(renamed.get(name, name) for name in before), after)
        for period in (*PER_YEAR, *ONCE)
        if (before := sides[0].get(period, ())) or sides[1].get(period)
        for after in [sides[1].get(period, ())]
    }


def _amounts_of_no_period(side: Side) -> tuple[str, ...]:
    """Sums of money, not of money a month, that have no 周期 and that no other result is made of."""
    program = side.program
    inside = {used for name in side.results for used in _made_of(program, name)}
    return tuple(
        name
        for name in side.results
        if name in program.rules
        and not _period(program, name)
        and name not in inside
        and isinstance(kind := program.types[name], NumberT)
        and str(kind.unit) == "元"
    )


def period_roots(program: Program, results: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """周期 → its amounts that no other amount of the same 周期 is made of: summing them counts nothing twice."""
    periods: dict[str, list[str]] = {}
    for name in results:
        rule = program.rules.get(name)
        if rule is not None and rule.decl.period in PER_YEAR and _is_money(rule.type):
            periods.setdefault(rule.decl.period, []).append(name)
    found = {}
    for period, names in periods.items():
        inside = {used for name in names for used in _made_of(program, name)}
        found[period] = tuple(name for name in names if name not in inside)
    return found


def grouping_fields(program: Program) -> list[str]:
    """The fields by which some 集体 groups people, then the options that results rest on."""
    policy = program.policy
    found = [name for group in program.groups_by_name.values() for name in group.by]
    found += [decl.owner for decl in policy.fields.values() if decl.owner]
    used = {name for result in program.results for name in _rests_on(program, result)}
    found += [
        n
        for n, decl in policy.fields.items()
        if n in used and isinstance(decl.type, EnumT) and not decl.owner
    ]
    return [name for name in dict.fromkeys(found) if name in policy.fields]


def _made_of(program: Program, name: str) -> set[str]:
    """Names whose amounts pass into an amount; what only decides about it is none of them."""
    return closure(_amounts_in(program, name), lambda used: _amounts_in(program, used))


def _amounts_in(program: Program, name: str) -> set[str]:
    return {
        node.name
        for root in expressions(program, name)
        for node in _money_nodes(root)
        if isinstance(node, tree.Rule | tree.Reading | tree.Group)
    }


def _money_nodes(node: tree.Expr) -> Iterator[tree.Expr]:
    if _is_money(node.type):
        yield node
        for child in tree.children(node):
            yield from _money_nodes(child)


def _rests_on(program: Program, name: str) -> set[str]:
    return closure(needs_of(program, name), lambda used: needs_of(program, used))


def _is_money(kind: Type | None) -> bool:
    return isinstance(kind, NumberT) and kind.unit.is_money


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Fraction) and not isinstance(value, bool)


_NOT_YET, _NO_MORE = NotApplicable("旧版没有这一项"), NotApplicable("新版没有这一项")


def _person(
    old: Program,
    new: Program,
    before: RecordResult,
    after: RecordResult,
    names: Sequence[_Called],
    was: Mapping[str, str],
    roots: Roots,
    reached: Set[str] | None,
) -> Person:
    shifts = tuple(
        Shift(
            one.name,
            one.type,
            before.outcomes.get(one.was, _NOT_YET),
            after.outcomes.get(one.name, _NO_MORE),
            one.measures,
            reached is None or one.name in reached,
        )
        for one in names
    )
    by_name = {shift.name: shift for shift in shifts}
    sums, moves = {}, {}
    for period, (olds, news) in roots.items():
        sums[period] = _sum(by_name[n].before for n in olds), _sum(by_name[n].after for n in news)
        still = set(olds) & set(news) - reached if reached is not None else set()
        low = _sum(by_name[name].before for name in olds if name not in still)
        high = _sum(by_name[name].after for name in news if name not in still)
        moves[period] = None if low is None or high is None else exact(high - low)
    reasons: tuple[tuple[str, str, Any, Any, Type | None], ...] = ()
    if any(shift.status not in UNMOVED for shift in shifts):
        reasons = tuple(_reasons(old, new, before, after, was))
    return Person(after.record.id, after.record, shifts, sums, moves, reasons)


def _sum(values: Iterable[Any]) -> Number | None:
    """A sum in which 不适用 is nothing to pay; None if anything is not known."""
    total: Number = 0
    for value in values:
        if isinstance(value, NotApplicable):
            continue
        if not _is_number(value):
            return None
        total += value
    return exact(total)


def _reasons(
    old: Program, new: Program, before: RecordResult, after: RecordResult, was: Mapping[str, str]
) -> Iterable[tuple[str, str, Any, Any, Type | None]]:
    """Rules, figures and readings that came out differently on the way, in the order of the new policy, then what only
    the old one met; None on the side that did not meet it."""
    now = {was.get(name, name): name for name in new.order}
    olds = _met(old, before, lambda name: now.get(name) is None or now[name] in after.traces)
    news = _met(
        new, after, lambda name: was.get(name, name) not in old.types or was.get(name, name) in before.traces
    )
    told: set[str] = set()
    for (kind, name), (article, value) in news.items():
        earlier = olds.pop((kind, was.get(name, name)), ("", None))
        if name not in told and not same(earlier[1], value):
            told.add(name)
            yield article or earlier[0], name, earlier[1], value, new.types.get(name.split("[")[0])
    for (_, name), (article, value) in olds.items():
        if name not in told and now.get(name, name) not in told:
            told.add(name)
            yield article, name, value, None, old.types.get(name.split("[")[0])


def _met(
    program: Program, result: RecordResult, counts: Callable[[str], bool]
) -> dict[tuple[str, str], tuple[str, Any]]:
    """What a person's results rest on: parameters, cells, rules, with 依据 and outcome; of rules that count."""
    found: dict[tuple[str, str], tuple[str, Any]] = {}
    for name in program.order:
        trace = result.traces.get(name)
        if trace is None or not counts(name):
            continue
        for use in trace.uses:
            if use.kind in ("参数", "表", "口径", "集体", "引用"):
                decl = program.policy.declared(use.name)
                shown = f"{use.name}[{use.detail}]" if use.kind == "表" and use.detail else use.name
                found[use.kind, shown] = use.citation or (decl.article if decl else ""), use.value
        rule = program.policy.declared(name)
        found["规则", name] = (rule.article if rule else "", trace.outcome)
    return found


def _total(program: Program, at: int, name: str, people: Sequence[Person]) -> Total:
    """`at`: the place of the result among everybody's shifts."""
    counts: dict[str, int] = {}
    before: Number = 0
    after: Number = 0
    numbers = False
    kind = program.types.get(name)
    for person in people:
        shift = person.shifts[at]
        counts[shift.status] = counts.get(shift.status, 0) + 1
        if shift.change is not None:
            numbers = True
            before, after = before + shift.before, after + shift.after
    rule = program.rules.get(name)
    shown = numbers and isinstance(kind, NumberT)
    return Total(
        name,
        kind,
        rule.decl.period if rule else "",
        exact(before) if shown else None,
        exact(after) if shown else None,
        counts,
    )


def _parts(field: str, people: Sequence[Person], roots: Roots, as_of: date, asked: bool) -> tuple[Part, ...]:
    """People by the value of a field; nothing if it says nothing about them (one value, or as many as people)."""
    members: dict[str, list[Person]] = {}
    for person in people:
        members.setdefault(value_on(person.record, field, as_of), []).append(person)
    if not asked and not 1 < len(members) <= MOST_VALUES:
        return ()
    return tuple(_part(value, own, roots) for value, own in sorted(members.items()))


def value_on(record: Record, field: str, day: date) -> str:
    """A field's value on a day as a word; 「（未填）」 where there is none."""
    value = record.facts.get(field)
    if isinstance(value, DatedFact):
        value = value.on(day)
    return "（未填）" if value is None else str(value)


def _part(value: str, people: Sequence[Person], roots: Roots) -> Part:
    sums: dict[str, tuple[Number, Number]] = {}
    for period in roots:
        both = [person.sums[period] for person in people]
        known = [(a, b) for a, b in both if a is not None and b is not None]
        sums[period] = exact(sum(a for a, _ in known)), exact(sum(b for _, b in known))
    gains = [person.gain() for person in people]
    return Part(
        value,
        len(people),
        gains.count(1),
        gains.count(-1),
        gains.count(None),
        sums,
        exact(sum(change for person in people if (change := person.yearly()) is not None)),
        exact(sum(change for person in people if (change := person.once()) is not None)),
    )
