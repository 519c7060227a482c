"""What is due to whom in each month: every periodic figure under the version in force for its period (language §7).

A figure of a 月 goes by the law of its first day, of a longer 周期 by that of its last day, unless its rule says 依据日; facts
go by the period's last day. A version that begins within a month governs that month's rules with 首期: 当期. 一次 figures
are due in the month that holds their 触发日, under the version, the facts and the 适用 of that day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from engine.diagnostics import Diagnostic
from engine.diff.impact import period_roots
from engine.evaluation import evaluate, prepared
from engine.expr.tree import Expr
from engine.payroll.periods import LENGTHS, Period, ending_in, period_of, previous_month
from engine.policy import Meta, RuleDecl, in_force
from engine.program import Program
from engine.records.model import DatedFact, Record, Roster
from engine.types import NumberT, Type
from engine.values import NotApplicable, Unknown

#: How many months a figure may be paid before or after the end of its period (发放日).
MOST_LATE = 24


@dataclass(frozen=True, slots=True)
class Item:
    """One figure of one person: rule `name` for `period`, due in `month`. `trigger` only of a 一次. `counted`: it stands
    for itself in totals, and is in no other figure of the same 周期. `law` is the day whose version and parameters hold."""

    id: str
    name: str
    period: Period
    month: Period
    trigger: date | None
    outcome: Any
    type: Type
    counted: bool
    version: Meta
    sha256: str
    law: date
    inputs: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes two entries about the same thing: person, rule, period, and of a 一次 its 触发日 instead."""
        return self.id, self.name, "" if self.trigger else str(self.period), str(self.trigger or "")


@dataclass(frozen=True, slots=True)
class Coverage:
    """Somebody whom a month's figures begin or cease to cover within it."""

    id: str
    month: Period
    change: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """`versions`: month → the versions under which its figures stand. `ids`: everybody in the roster."""

    months: tuple[Period, ...]
    items: tuple[Item, ...]
    coverage: tuple[Coverage, ...]
    versions: Mapping[Period, tuple[Meta, ...]]
    ids: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(slots=True)
class Line:
    """The versions of one 系列 as checked programs, with the roster as each of them reads it."""

    programs: Sequence[Program]
    rosters: Mapping[str, Roster]
    readings: Mapping[str, Mapping[str, str]]
    inputs: dict[str, str] = field(default_factory=dict)
    _counted: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def counted(self, program: Program, kind: str) -> frozenset[str]:
        """The amounts of a 周期 that stand for themselves in totals."""
        key = program.policy.meta.id, kind
        if key not in self._counted:
            names = due_rules(program, kind)
            own = names if kind == "一次" else period_roots(program, names).get(kind, ())
            self._counted[key] = frozenset(own)
        return self._counted[key]

    def on(self, day: date) -> Program | None:
        """The version in force on a day."""
        found = in_force([program.policy for program in self.programs], day)
        return next((program for program in self.programs if program.policy is found), None)

    def within(self, first: date, last: date) -> list[Program]:
        """The versions in force on any day of a range, in order."""
        days = {first, last, *(program.policy.meta.effective for program in self.programs)}
        days |= {p.policy.meta.expires for p in self.programs if p.policy.meta.expires is not None}
        found = [self.on(day) for day in sorted(day for day in days if first <= day <= last)]
        return list({id(program): program for program in found if program is not None}.values())

    def roster(self, program: Program) -> Roster:
        return self.rosters[program.policy.meta.id]


@dataclass(frozen=True, slots=True)
class _Job:
    """Rules of one version to be evaluated on one day under the law of another."""

    program: Program
    period: Period
    law: date
    names: tuple[str, ...]


def statement(
    line: Line, months: Sequence[Period], progress: Callable[[int, int], None] | None = None
) -> Statement:
    """Everything due in `months`, in the order of the roster, then of the policy."""
    items: list[Item] = []
    coverage: list[Coverage] = []
    versions: dict[Period, tuple[Meta, ...]] = {}
    problems: list[Diagnostic] = []
    before: dict[str, set[str]] | None = None
    for number, month in enumerate(months):
        if progress is not None:
            progress(number, len(months))
        used: dict[str, Meta] = {}
        found: list[Item] = []
        for job in _jobs(line, month):
            made, said = _evaluated(line, job, month)
            found += made
            problems += said
            used[job.program.policy.meta.id] = job.program.policy.meta
        if before is None:
            before = _covered(_previous(line, month))
        now = _covered(item for item in found if item.period.kind == "月")
        coverage += _changes(line, month, before, now)
        before = now
        late = [item for period in _late(line, month) for item in period]
        once = list(_once(line, month, number == len(months) - 1))
        for item in (*late, *once):
            used[item.version.id] = item.version
        kept = [item for item in found if not _paid_elsewhere(line, item)]
        items += [*kept, *late, *once]
        versions[month] = tuple(sorted(used.values(), key=lambda meta: meta.effective))
    order = {record.id: at for roster in line.rosters.values() for at, record in enumerate(roster.records)}
    items.sort(key=lambda item: (order.get(item.id, 0), item.month))
    return Statement(tuple(months), tuple(items), tuple(coverage), versions, tuple(order), tuple(problems))


def due_rules(program: Program, kind: str) -> list[str]:
    """The amounts of a 周期 that people see."""
    return [
        name
        for name, rule in ((name, program.rules[name]) for name in program.policy.rules)
        if rule.decl.period == kind and not rule.decl.internal and isinstance(rule.type, NumberT)
    ]


def _jobs(line: Line, month: Period) -> Iterator[_Job]:
    """The figures of every 周期 that ends with a month, by version and law's day."""
    for period in ending_in(month):
        chosen: dict[tuple[str, date], tuple[Program, list[str]]] = {}
        first, last = line.on(period.first), line.on(period.last)
        names = dict.fromkeys(
            name
            for program in (last, first)
            if program is not None
            for name in due_rules(program, period.kind)
        )
        for name in names:
            decl = _decl(last, name) or _decl(first, name)
            law = _law(decl, period, first, last) if decl is not None else None
            if law is None:
                continue
            program = line.on(law)
            if program is not None and name in due_rules(program, period.kind):
                chosen.setdefault((program.policy.meta.id, law), (program, []))[1].append(name)
        for (_, law), (program, own) in chosen.items():
            yield _Job(program, period, law, tuple(own))


def _decl(program: Program | None, name: str) -> RuleDecl | None:
    return program.rules[name].decl if program is not None and name in program.rules else None


def _law(decl: RuleDecl, period: Period, first: Program | None, last: Program | None) -> date | None:
    """The day whose law a figure goes by; None if no version governs it."""
    if decl.law_day == "期末" or (not decl.law_day and period.kind != "月"):
        return period.last if last is not None else None
    begins = last.policy.meta.effective if last is not None and last is not first else None
    if begins is not None and last is not None and period.first < begins <= period.last:
        own = _decl(last, decl.name)
        if own is not None and own.first_period:
            return begins
    return period.first if first is not None else None


def _evaluated(line: Line, job: _Job, month: Period) -> tuple[list[Item], list[Diagnostic]]:
    roster = line.roster(job.program)
    readings = line.readings[job.program.policy.meta.id]
    found = evaluate(job.program, roster, job.period.last, readings, only=job.names, basis=job.law)
    items = [
        _item(line, job.program, result.record, name, result.outcomes[name], job.period, month, None, job.law)
        for result in found.records
        for name in job.names
    ]
    return items, list(found.diagnostics)


def _item(
    line: Line,
    program: Program,
    record: Record,
    name: str,
    outcome: Any,
    period: Period,
    month: Period,
    trigger: date | None,
    law: date,
) -> Item:
    if record.id not in line.inputs:
        line.inputs[record.id] = fingerprint(record)
    return Item(
        record.id,
        name,
        period,
        month,
        trigger,
        outcome,
        program.types[name],
        name in line.counted(program, program.rules[name].decl.period),
        program.policy.meta,
        program.policy.sha256,
        law,
        line.inputs[record.id],
    )


def fingerprint(record: Record) -> str:
    """SHA-256 of everything a roster says of somebody, in an order of its own."""
    facts = sorted((name, repr(value)) for name, value in record.facts.items())
    return hashlib.sha256(repr((record.id, facts)).encode("utf-8")).hexdigest()


# --- 发放日 ------------------------------------------------------------------------------------------------


def _paid_elsewhere(line: Line, item: Item) -> bool:
    program = line.on(item.law)
    return program is not None and program.rules[item.name].paid_on is not None


def _late(line: Line, month: Period) -> Iterator[list[Item]]:
    """Figures of other periods that are paid in this month, and those of its own with a 发放日 in it."""
    programs = line.within(period_of(month.first, "年").first, month.last)
    dated = [
        (program, name)
        for program in programs
        for kind in LENGTHS
        for name in due_rules(program, kind)
        if program.rules[name].paid_on is not None
    ]
    if not dated:
        return
    at = month
    for _ in range(MOST_LATE):
        at = previous_month(at)
    for _ in range(2 * MOST_LATE + 1):
        for job in _jobs(line, at):
            names = tuple(n for p, n in dated if p is job.program and n in job.names)
            for name in names:
                paid = _paid_days(line, replace_names(job, (name,)))
                if any(month.first <= day <= month.last for day in paid.values()):
                    made, _ = _evaluated(line, replace_names(job, (name,)), month)
                    yield [
                        i
                        for i in made
                        if (d := paid.get(i.id)) is not None and month.first <= d <= month.last
                    ]
        at = period_of(at.last + timedelta(1), "月")


def replace_names(job: _Job, names: tuple[str, ...]) -> _Job:
    return replace(job, names=names)


def _paid_days(line: Line, job: _Job) -> dict[str, date]:
    """发放日 of a figure for everybody, where it is known."""
    formula = job.program.rules[job.names[0]].paid_on
    if formula is None:
        return {}
    readings = line.readings[job.program.policy.meta.id]
    return days_of(job.program, line.roster(job.program), job.period.last, readings, job.law, formula)


def days_of(
    program: Program, roster: Roster, day: date, readings: Mapping[str, str], law: date, formula: Expr
) -> dict[str, date]:
    """The date that a formula gives for everybody for whom it gives one."""
    found: dict[str, date] = {}
    with prepared(program, roster, day, readings, law) as (run, states):
        for state in states:
            value = run.within(state, lambda: run.value(formula))
            if isinstance(value, date) and state.record is not None:
                found[state.record.id] = value
    return found


# --- 一次 -------------------------------------------------------------------------------------------------


def _once(line: Line, month: Period, last: bool) -> Iterator[Item]:
    """一次 figures whose 触发日 lies in a month; those whose 触发日 is not known are told with the `last` month."""
    for program in line.within(month.first, month.last):
        names = due_rules(program, "一次")
        if not names:
            continue
        days: dict[date, list[tuple[str, str]]] = {}
        readings = line.readings[program.policy.meta.id]
        roster = line.roster(program)
        with prepared(program, roster, month.last, readings) as (run, states):
            for state in states:
                for name in names:
                    trigger = program.rules[name].trigger
                    assert trigger is not None
                    formula = trigger
                    day = run.within(state, lambda formula=formula: run.value(formula))  # type: ignore[misc]
                    assert state.record is not None
                    if isinstance(day, date) and month.first <= day <= month.last and line.on(day) is program:
                        days.setdefault(day, []).append((state.record.id, name))
                    elif isinstance(day, Unknown) and last and line.on(month.last) is program:
                        outcome = run.within(state, lambda name=name: run.value_of(name))  # type: ignore[misc]
                        if isinstance(outcome, Unknown):
                            period = replace(month, kind="月")
                            yield _item(
                                line, program, state.record, name, outcome, period, month, None, month.last
                            )
        for day, wanted in sorted(days.items()):
            yield from _on_trigger(line, program, month, day, wanted)


def _on_trigger(
    line: Line, program: Program, month: Period, day: date, wanted: Sequence[tuple[str, str]]
) -> Iterator[Item]:
    asked: dict[str, list[str]] = {}
    for id_, name in wanted:
        asked.setdefault(id_, []).append(name)
    readings = line.readings[program.policy.meta.id]
    with prepared(program, line.roster(program), day, readings) as (run, states):
        for state in states:
            record = state.record
            if record is None or record.id not in asked:
                continue
            for name in asked[record.id]:
                outcome = run.within(state, lambda name=name: run.value_of(name))  # type: ignore[misc]
                if not isinstance(outcome, NotApplicable):
                    yield _item(line, program, record, name, outcome, month, month, day, day)


# --- who is covered -----------------------------------------------------------------------------------------


def _previous(line: Line, month: Period) -> list[Item]:
    """The monthly figures at the end of the month before, under the version of that time."""
    before = previous_month(month)
    found = []
    for job in _jobs(line, before):
        if job.period.kind == "月":
            found += _evaluated(line, job, before)[0]
    return found


def _covered(items: Iterable[Item]) -> dict[str, set[str]]:
    """Person → monthly figures that cover them."""
    found: dict[str, set[str]] = {}
    for item in items:
        own = found.setdefault(item.id, set())
        if not isinstance(item.outcome, NotApplicable):
            own.add(item.name)
    return found


def _changes(
    line: Line, month: Period, before: Mapping[str, set[str]], now: Mapping[str, set[str]]
) -> Iterator[Coverage]:
    """Who begins or ceases to be covered within a month, or does both."""
    inside = _dates_inside(line, month)
    for id_, covered in now.items():
        earlier = before.get(id_)
        if earlier is None:
            continue
        begun, ceased = covered - earlier, earlier - covered
        if begun:
            yield Coverage(id_, month, "开始", tuple(sorted(begun)))
        if ceased:
            yield Coverage(id_, month, "停止", tuple(sorted(ceased)))
        if not covered and not earlier and id_ in inside:
            between = _covered_on(line, id_, inside[id_])
            if between:
                yield Coverage(id_, month, "月内开始又停止", tuple(sorted(between)))


def _dates_inside(line: Line, month: Period) -> dict[str, set[date]]:
    """Person → days within a month that their facts name, but the last, on which somebody may be covered for a while."""
    found: dict[str, set[date]] = {}
    for roster in line.rosters.values():
        for record in roster.records:
            for value in record.facts.values():
                days = [since for since, _ in value.items] if isinstance(value, DatedFact) else [value]
                for day in days:
                    if isinstance(day, date) and month.first <= day < month.last:
                        found.setdefault(record.id, set()).add(day)
    return {id_: days for id_, days in found.items() if len(days) > 1}


def _covered_on(line: Line, id_: str, days: Iterable[date]) -> set[str]:
    found: set[str] = set()
    for day in sorted(days):
        program = line.on(day)
        if program is None:
            continue
        roster = line.roster(program)
        alone = replace(roster, records=tuple(record for record in roster.records if record.id == id_))
        names = due_rules(program, "月")
        readings = line.readings[program.policy.meta.id]
        for result in evaluate(program, alone, day, readings, only=names).records:
            found |= {name for name in names if not isinstance(result.outcomes[name], NotApplicable)}
    return found
