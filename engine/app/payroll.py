"""`statement`, `backpay`, `replay`: what is due in a range of months, what remains to be paid of it, whether a ledger holds.

Return data and diagnostics and print nothing; a `Misuse` is a request that cannot be carried out as asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from engine.app.evaluate import choose_readings, program_of, read
from engine.choose import Chosen, Folder, Misuse, choose_policy, describe_versions, known_on
from engine.diagnostics import Diagnostic, Place, has_errors, in_order, place_of
from engine.evaluation import evaluate
from engine.names import normalize
from engine.payroll.ledger import Entry, Head, Ledger, missing_months, read_ledger
from engine.payroll.periods import Period, read_period, read_range
from engine.payroll.statement import Item, Line, Statement, fingerprint, statement
from engine.policy import Policy
from engine.program import Program
from engine.records.model import DatedFact, Roster
from engine.types import NumberT, Type
from engine.values import NotApplicable, Number, Unknown, exact

Progress = Callable[[int, int], None]

MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked: `period` as written, `known_on` None for everything that has been issued."""

    roster: Path | bytes
    period: str
    policy: str | None = None
    readings: tuple[str, ...] = ()
    known_on: date | None = None


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement with what it rests on; without a `statement`, `diagnostics` say why. `programs` by 编号."""

    diagnostics: tuple[Diagnostic, ...]
    series: str = ""
    months: tuple[Period, ...] = ()
    known_on: date | None = None
    readings: Mapping[str, str] = field(default_factory=dict)
    roster: Roster | None = None
    programs: Mapping[str, Program] = field(default_factory=dict)
    statement: Statement | None = None

    @property
    def head(self) -> Head:
        """The head of the ledger that this statement makes."""
        assert self.roster is not None
        data_date = self.roster.data_date
        return Head(
            self.series,
            tuple(str(month) for month in self.months),
            str(self.known_on or ""),
            self.roster.file,
            self.roster.sha256,
            str(data_date or ""),
            self.readings,
        )


def state(folder: Folder, request: Request, progress: Progress | None = None) -> Stated | Misuse:
    """What is due in every month of a range."""
    months = read_range(request.period)
    if months is None:
        return Misuse(f"--period 不能写「{request.period}」", "写作 2024、2024-03 或 2024-01..2024-06")
    folder = known_on(folder, request.known_on)
    last = months[-1].last
    chosen, said = choose_policy(folder, request.policy, last, whenever=True)
    if isinstance(chosen, Misuse):
        return chosen
    if chosen is None:
        return Stated(tuple(in_order(said)))
    versions = chosen.registry.series.get(chosen.policy.meta.series, (chosen.policy,))
    found = _line(folder, chosen, versions, months, request)
    if isinstance(found, Misuse):
        return found
    line, more, roster = found
    said += more
    if line is None or roster is None:
        return Stated(tuple(in_order(said)))
    told = statement(line, months, progress)
    readings = {name: option for own in line.readings.values() for name, option in own.items()}
    return Stated(
        tuple(in_order([*said, *told.diagnostics])),
        chosen.policy.meta.series,
        tuple(months),
        request.known_on,
        readings,
        roster,
        {program.policy.meta.id: program for program in line.programs},
        told,
    )


def _line(
    folder: Folder, chosen: Chosen, versions: Sequence[Policy], months: Sequence[Period], request: Request
) -> tuple[Line | None, list[Diagnostic], Roster | None] | Misuse:
    """The versions that can matter as programs, each with its reading of the roster."""
    said: list[Diagnostic] = []
    begun = [policy for policy in versions if policy.meta.effective <= months[-1].last]
    early = [month for month in months if not any(p.meta.effective <= month.last for p in begun)]
    if early:
        return None, [_too_early(chosen.policy, versions, early)], None
    programs: list[Program] = []
    for policy in begun:
        program, found = program_of(folder, Chosen(policy, chosen.registry))
        said += found
        if program is not None:
            programs.append(program)
    if len(programs) < len(begun):
        return None, said, None
    readings: dict[str, dict[str, str]] = {}
    for program in programs:
        own = [word for word in request.readings if _reading_of(program, word)]
        if program is programs[-1]:
            own += [w for w in request.readings if not any(_reading_of(p, w) for p in programs)]
        picked = choose_readings(program, own, months[-1].last)
        if isinstance(picked, Misuse):
            return picked
        readings[program.policy.meta.id] = picked
    rosters: dict[str, Roster] = {}
    for program in programs:
        roster, found = read(request.roster, program.policy)
        said += found
        if roster is None:
            return None, said, None
        rosters[program.policy.meta.id] = _dated(roster, months)
    last = rosters[programs[-1].policy.meta.id]
    said += _remarks(last, rosters.values(), months)
    return Line(programs, rosters, readings), said, last


def _reading_of(program: Program, word: str) -> bool:
    return normalize(word).partition("=")[0].strip() in program.policy.readings


def _dated(roster: Roster, months: Sequence[Period]) -> Roster:
    """A roster without 数据日期 stands as on the last day of the range."""
    return roster if roster.data_date is not None else replace(roster, data_date=months[-1].last)


def _remarks(last: Roster, rosters: Iterable[Roster], months: Sequence[Period]) -> Iterator[Diagnostic]:
    """W780: what a roster of one moment means for the months of a range."""
    dated = any(isinstance(fact, DatedFact) for record in last.records for fact in record.facts.values())
    if len(months) > 1 and not dated and last.records:
        fact = "名册只有一个时点的值，没有按日期给出的事实：各月都按这些值计算"
        hint = "期间有变化的事实请按日期填写，写作 字段: {2018-07-01: 原来的值, 2024-07-01: 后来的值}"
        yield Diagnostic("W780", fact, Place(last.file), hint)


def _too_early(policy: Policy, versions: Sequence[Policy], early: Sequence[Period]) -> Diagnostic:
    """E785: months before any version."""
    span = f"{early[0]}" if len(early) == 1 else f"{early[0]} 到 {early[-1]}"
    fact = f"{span} 没有施行的版本，不能计算"
    hint = f"现有版本：{describe_versions(versions)}"
    return Diagnostic("E785", fact, place_of(policy.meta.key.source, policy.meta.key.span), hint)


# --- ledgers ---------------------------------------------------------------------------------------------


def entries_of(stated: Stated) -> Iterator[Entry]:
    """The entries of a statement, one for each figure and each figure that could not be stated."""
    if stated.statement is not None:
        for item in stated.statement.items:
            yield entry_of(item)


def entry_of(item: Item) -> Entry:
    status, note = "值", ""
    if isinstance(item.outcome, NotApplicable):
        status, note = "不适用", item.outcome.reason
    elif isinstance(item.outcome, Unknown):
        status, note = "信息不足", "、".join(item.outcome.missing)
    return Entry(
        item.id,
        item.name,
        "应发",
        str(item.period),
        str(item.month),
        str(item.trigger or ""),
        status,
        item.outcome if status == "值" else None,
        unit_of(item.type),
        item.counted,
        item.version.id,
        item.sha256,
        str(item.law),
        item.inputs,
        note,
    )


def unit_of(kind: Type | None) -> str:
    return str(kind.unit) if isinstance(kind, NumberT) and not kind.unit.is_bare else ""


@dataclass(frozen=True, slots=True)
class Correction:
    """What remains to be paid (or to be taken back) of one figure. `item` is what is due now, None if nothing is any more;
    `paid` are the entries that stated or corrected it before."""

    id: str
    rule: str
    period: str
    trigger: str
    was: Number
    due: Number
    item: Item | None
    paid: tuple[Entry, ...]
    note: str

    @property
    def change(self) -> Number:
        return exact(self.due - self.was)

    @property
    def counted(self) -> bool:
        return self.item.counted if self.item is not None else self.paid[-1].counted

    @property
    def month(self) -> str:
        return str(self.item.month) if self.item is not None else self.paid[-1].month


@dataclass(frozen=True, slots=True)
class Backpay:
    """`settled`: due and paid could be compared. `pending`: figures whose difference cannot be told, with why. `corrected`: the ledgers' entries and the corrections,
    as a ledger that goes on from them."""

    diagnostics: tuple[Diagnostic, ...]
    stated: Stated | None = None
    ledgers: tuple[Ledger, ...] = ()
    corrections: tuple[Correction, ...] = ()
    pending: tuple[tuple[str, str, str, str], ...] = ()
    settled: bool = False

    def corrected(self) -> tuple[Head, list[Entry]]:
        assert self.stated is not None
        months = dict.fromkeys(month for ledger in self.ledgers for month in ledger.head.months)
        sources = tuple(ledger.last for ledger in self.ledgers)
        head = replace(self.stated.head, months=tuple(sorted(months)), sources=sources)
        old = [entry for ledger in self.ledgers for entry in ledger.entries]
        return head, [*old, *map(correction_entry, self.corrections)]


def correction_entry(found: Correction) -> Entry:
    last, item = (found.paid[-1] if found.paid else None), found.item
    like = entry_of(item) if item is not None else last
    assert like is not None
    before = (last.policy, last.sha256) if last is not None else ("", "")
    return replace(
        like,
        kind="补发",
        status="值",
        amount=found.change,
        note=found.note,
        was=found.was,
        basis=(before, (like.policy, like.sha256)),
    )


def backpay(
    folder: Folder, request: Request, paid: Sequence[Path], progress: Progress | None = None
) -> Backpay | Misuse:
    """What a statement of today owes against what ledgers say was paid."""
    ledgers: list[Ledger] = []
    problems: list[Diagnostic] = []
    for path in paid:
        ledger, found = read_ledger(path)
        problems += found
        if ledger is not None:
            ledgers.append(ledger)
    if problems:
        return Backpay(tuple(problems))
    stated = state(folder, request, progress)
    if isinstance(stated, Misuse):
        return stated
    if stated.statement is None or stated.roster is None:
        return Backpay(stated.diagnostics, stated)
    problems = [*_foreign(ledgers, stated), *_twice(ledgers)]
    gaps = missing_months(stated.months, ledgers)
    if gaps:
        listed = "、".join(map(str, gaps[:MOST_NAMED])) + ("…" if len(gaps) > MOST_NAMED else "")
        fact = f"账里没有 {listed} 这 {len(gaps)} 个月，不知道发了多少"
        hint = "请把这些月的账也用 --paid 给出；没有记的月不能当作没有发过"
        problems.append(Diagnostic("E787", fact, Place(ledgers[0].path if ledgers else ""), hint))
    if problems:
        return Backpay((*stated.diagnostics, *problems), stated, tuple(ledgers))
    corrections, pending, said = _settled(stated, ledgers)
    return Backpay(
        tuple(in_order([*stated.diagnostics, *said])),
        stated,
        tuple(ledgers),
        tuple(corrections),
        tuple(pending),
        True,
    )


def _foreign(ledgers: Iterable[Ledger], stated: Stated) -> Iterator[Diagnostic]:
    """E786: a ledger of another regulation."""
    for ledger in ledgers:
        if ledger.head.series != stated.series:
            fact = f"这本账是系列「{ledger.head.series}」的，现在算的是「{stated.series}」"
            yield Diagnostic("E786", fact, Place(ledger.path, 1))


def _twice(ledgers: Sequence[Ledger]) -> Iterator[Diagnostic]:
    """E784 over several ledgers: one figure stated in two of them."""
    seen: dict[tuple[str, ...], Ledger] = {}
    for ledger in ledgers:
        for entry, line in zip(ledger.entries, ledger.lines, strict=True):
            if entry.kind != "应发":
                continue
            first = seen.setdefault(entry.key, ledger)
            if first is not ledger:
                fact = f"{entry.id} 的「{entry.rule}」{entry.trigger or entry.period} 在两本账里都有"
                yield Diagnostic("E784", fact, Place(ledger.path, line), f"另一本：{first.path}")
                break


def _settled(
    stated: Stated, ledgers: Sequence[Ledger]
) -> tuple[list[Correction], list[tuple[str, str, str, str]], list[Diagnostic]]:
    assert stated.statement is not None
    months = {str(month) for month in stated.months}
    paid: dict[tuple[str, str, str, str], list[Entry]] = {}
    for ledger in ledgers:
        for entry in ledger.entries:
            if entry.month in months:
                paid.setdefault(entry.key, []).append(entry)
    due = {item.key: item for item in stated.statement.items}
    open_triggers = {
        (item.id, item.name)
        for item in stated.statement.items
        if isinstance(item.outcome, Unknown) and _is_once(stated, item)
    }
    known = set(stated.statement.ids)
    corrections: list[Correction] = []
    pending: list[tuple[str, str, str, str]] = []
    strangers: dict[str, None] = {}
    for key in dict.fromkeys((*due, *paid)):
        item, before = due.get(key), paid.get(key, [])
        id_, rule, period, trigger = key
        if id_ not in known:
            strangers.setdefault(id_)
            continue
        when = trigger or period
        if item is not None and isinstance(item.outcome, Unknown):
            if before and not (len(before) == 1 and before[0].status == "信息不足"):
                pending.append((id_, rule, when, f"缺 {'、'.join(item.outcome.missing)}"))
            elif item.counted:
                pending.append((id_, rule, when, f"还没有发，缺 {'、'.join(item.outcome.missing)}"))
            continue
        if item is None and (id_, rule) in open_triggers:
            pending.append((id_, rule, when, "触发日现在不能确定"))
            continue
        was = exact(sum((entry.amount for entry in before if entry.amount is not None), 0))
        amount = item.outcome if item is not None and not isinstance(item.outcome, NotApplicable) else 0
        if amount != was:
            corrections.append(
                Correction(
                    id_, rule, period, trigger, was, amount, item, tuple(before), _note(item, before, stated)
                )
            )
    said = []
    for id_ in strangers:
        entry = next(entry for key, own in paid.items() if key[0] == id_ for entry in own)
        fact = f"账里的「{id_}」不在名册里（或记录被退回），不能算应发"
        hint = "名册里也要有已经离开的人，并写明离开的情况"
        where = next(ledger for ledger in ledgers if entry in ledger.entries)
        said.append(
            Diagnostic("E788", fact, Place(where.path, where.lines[where.entries.index(entry)]), hint)
        )
    return corrections, pending, said


def _is_once(stated: Stated, item: Item) -> bool:
    return stated.programs[item.version.id].rules[item.name].decl.period == "一次"


def _note(item: Item | None, before: Sequence[Entry], stated: Stated) -> str:
    """Which documents a correction rests on, and why."""
    old = _document(before[-1].policy, stated) if before else ""
    if item is None:
        return f"原按{old}发放，现在没有这一项" if old else ""
    new = f"{item.version.number or item.version.id}"
    article = _article(item, stated)
    if isinstance(item.outcome, NotApplicable):
        return f"现不适用：{item.outcome.reason}" + (f"；原按{old}发放" if old else "")
    if not before:
        return f"按{new}{article}应发，原来没有发"
    if old == new:
        return f"按{new}{article}重新计算"
    return f"按{new}{article}，原按{old}发放"


def _article(item: Item, stated: Stated) -> str:
    return stated.programs[item.version.id].rules[item.name].decl.article


def _document(id_: str, stated: Stated) -> str:
    program = stated.programs.get(id_)
    return (program.policy.meta.number or id_) if program is not None else id_


# --- replay ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Differing:
    """An entry that comes out differently: what the ledger says, what is computed now, and why, if it can be told."""

    entry: Entry
    line: int
    now: Any
    why: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """`checked` entries were computed again, of which `found` came out differently."""

    diagnostics: tuple[Diagnostic, ...]
    ledger: Ledger | None = None
    checked: int = 0
    found: tuple[Differing, ...] = ()


def replay(
    folder: Folder, path: Path, roster: Path | None = None, progress: Progress | None = None
) -> Replayed:
    """Every entry of a ledger computed again with the policy, the readings and the law's day that it names."""
    ledger, problems = read_ledger(path)
    if ledger is None:
        return Replayed(tuple(problems))
    head = ledger.head
    folder = known_on(folder, date.fromisoformat(head.as_known_on) if head.as_known_on else None)
    source = roster or _beside(path, head.roster)
    by_id = {policy.meta.id: policy for policy in folder.registry.policies}
    programs: dict[str, tuple[Program, Roster, dict[str, str]]] = {}
    said: list[Diagnostic] = []
    for id_, sha256 in dict.fromkeys((entry.policy, entry.sha256) for entry in ledger.entries):
        found = _recorded(folder, by_id.get(id_), id_, sha256, source, ledger)
        if isinstance(found, Diagnostic):
            said.append(found)
        else:
            program, own, more = found
            said += more
            if own is not None:
                programs[id_] = program, own, _readings_for(program, head)
    if has_errors(said):
        return Replayed(tuple(in_order(said)), ledger)
    differing = list(_differing(ledger, programs, progress))
    return Replayed(tuple(in_order(said)), ledger, len(ledger.entries), tuple(differing))


def _beside(path: Path, file: str) -> Path:
    """The roster as the ledger names it, else beside the ledger."""
    named = Path(file)
    return named if named.is_file() or not (path.parent / named.name).is_file() else path.parent / named.name


def _recorded(
    folder: Folder, policy: Policy | None, id_: str, sha256: str, source: Path, ledger: Ledger
) -> tuple[Program, Roster | None, list[Diagnostic]] | Diagnostic:
    """The policy that entries name, exactly as it was, with the roster as it reads it (E789 otherwise)."""
    line = next(n for n, entry in zip(ledger.lines, ledger.entries, strict=True) if entry.policy == id_)
    place = Place(ledger.path, line)
    if policy is None:
        return Diagnostic(
            "E789", f"政策文件夹里没有账上的政策「{id_}」", place, "请用 --policies 指定当时的政策文件夹"
        )
    if policy.sha256 != sha256:
        return Diagnostic("E789", f"政策「{id_}」的文件与记账时不同", place, "请用当时的政策文件重算")
    program, found = program_of(folder, Chosen(policy, folder.registry))
    if program is None:
        return Diagnostic("E789", f"政策「{id_}」有错误，不能重算", place)
    roster, more = read(source, policy)
    if roster is not None:
        given = ledger.head.data_date
        roster = replace(roster, data_date=date.fromisoformat(given) if given else roster.data_date)
    return program, roster, [*found, *more]


def _readings_for(program: Program, head: Head) -> dict[str, str]:
    return {name: head.readings.get(name, decl.adopted) for name, decl in program.policy.readings.items()}


def _differing(
    ledger: Ledger, programs: Mapping[str, tuple[Program, Roster, dict[str, str]]], progress: Progress | None
) -> Iterator[Differing]:
    jobs: dict[tuple[str, date, date], list[int]] = {}
    for at, entry in enumerate(ledger.entries):
        period = read_period(entry.period)
        assert period is not None
        day = date.fromisoformat(entry.trigger) if entry.trigger else period.last
        jobs.setdefault((entry.policy, day, date.fromisoformat(entry.law)), []).append(at)
    for number, ((id_, day, law), own) in enumerate(jobs.items()):
        if progress is not None:
            progress(number, len(jobs))
        program, roster, readings = programs[id_]
        names = tuple(
            dict.fromkeys(ledger.entries[at].rule for at in own if ledger.entries[at].rule in program.types)
        )
        results = evaluate(program, roster, day, readings, only=names, basis=law).records
        by_id = {result.record.id: result for result in results}
        for at in own:
            entry = ledger.entries[at]
            result = by_id.get(entry.id)
            if result is None or entry.rule not in result.outcomes:
                yield Differing(
                    entry,
                    ledger.lines[at],
                    None,
                    "名册里没有这个人" if result is None else "政策里没有这一项",
                )
                continue
            now = result.outcomes[entry.rule]
            if not _agrees(entry, now):
                changed = fingerprint(result.record) != entry.inputs
                yield Differing(entry, ledger.lines[at], now, "这个人在名册里的事实变了" if changed else "")


def _agrees(entry: Entry, now: Any) -> bool:
    if entry.kind == "补发":
        due = (entry.was or 0) + (entry.amount or 0)
        return bool(now == due) if not isinstance(now, NotApplicable | Unknown) else due == 0
    if isinstance(now, NotApplicable):
        return entry.status == "不适用"
    if isinstance(now, Unknown):
        return entry.status == "信息不足"
    return entry.status == "值" and bool(entry.amount == now)
