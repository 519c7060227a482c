"""`statement`, `backpay`, `replay`: what is due in a range of months, what remains to be paid of it, whether a ledger holds.

Return data and diagnostics and print nothing; a `Misuse` is a request that cannot be carried out as asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from engine.app.evaluate import choose_readings, program_of, read
from engine.choose import Chosen, Folder, Misuse, choose_policy, describe_versions, known_on
from engine.diagnostics import Diagnostic, Place, in_order, place_of
from engine.diff.meaning import meaning_fingerprint, meanings
from engine.names import normalize
from engine.payroll.ledger import Entry, Head, Ledger, Origin, Used, missing_months, read_ledger
from engine.payroll.periods import Period, read_range, written_spans
from engine.payroll.statement import Item, Line, Statement, statement
from engine.policy import Policy, in_force
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
    """A statement with what it rests on; without a `statement`, `diagnostics` say why. `programs` and `readings` by 编号."""

    diagnostics: tuple[Diagnostic, ...]
    series: str = ""
    months: tuple[Period, ...] = ()
    known_on: date | None = None
    readings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    roster: Roster | None = None
    programs: Mapping[str, Program] = field(default_factory=dict)
    statement: Statement | None = None

    @property
    def head(self) -> Head:
        """The head of the ledger that this statement makes."""
        return Head(self.series, (self.origin,))

    @property
    def origin(self) -> Origin:
        assert self.roster is not None
        policies = {
            id_: Used(program.policy.sha256, meaning_fingerprint(meanings(program)), dict(self.readings[id_]))
            for id_, program in self.programs.items()
        }
        days = [month.last for month in self.months]
        return Origin(
            tuple(str(month) for month in self.months),
            str(self.known_on or ""),
            self.roster.file,
            self.roster.sha256,
            str(self.roster.data_date or ""),
            policies,
            {id_: used.sha256 for id_, used in _referred(self.programs.values(), days).items()},
        )


def _referred(programs: Iterable[Program], days: Sequence[date]) -> dict[str, Policy]:
    """The policies that some refer to on any of the days, by 编号."""
    found = (used for program in programs for day in days for _, used in program.uses_on(day))
    return {used.meta.id: used for used in found if used is not None}


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
    said += _other_years(told, roster, line.programs[-1].policy)
    return Stated(
        tuple(in_order([*said, *told.diagnostics])),
        chosen.policy.meta.series,
        tuple(months),
        request.known_on,
        line.readings,
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
    bare = [month for month in months if not _governed(begun, month)]
    if bare:
        return None, [_ungoverned(chosen.policy, versions, bare)], None
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
    said += _remarks(last, months)
    return Line(programs, rosters, readings), said, last


def _reading_of(program: Program, word: str) -> bool:
    return normalize(word).partition("=")[0].strip() in program.policy.readings


def _dated(roster: Roster, months: Sequence[Period]) -> Roster:
    """A roster without 数据日期 stands as on the last day of the range."""
    return roster if roster.data_date is not None else replace(roster, data_date=months[-1].last)


def _remarks(last: Roster, months: Sequence[Period]) -> Iterator[Diagnostic]:
    """W780: what a roster of one moment means for the months asked for."""
    dated = any(isinstance(fact, DatedFact) for record in last.records for fact in record.facts.values())
    day = last.data_date
    here = day is None or months[-1].first <= day <= months[-1].last
    if (len(months) > 1 or not here) and not dated and last.records:
        moment = "一个时点" if here else f" {day} "
        fact = f"名册只有{moment}的值，没有按日期给出的事实：{'各月' if len(months) > 1 else f'{months[0]} '}都按这些值计算"
        hint = f"期间有变化的事实{_by_date(last.file, '{2018-07-01: 原来的值, 2024-07-01: 后来的值}')}"
        yield Diagnostic("W780", fact, Place(last.file), hint)


def _by_date(file: str, example: str) -> str:
    """How a roster of this kind says what a fact was on which day."""
    sheet = "另加一张以字段命名的工作表，列是标识、日期、值"
    match Path(file).suffix.lower():
        case ".xlsx" | ".xls" | ".ods":
            return f"请{sheet}"
        case ".csv":
            return f"在 CSV 里写不下，请用工作簿，{sheet}"
        case _:
            return f"请按日期填写，写作 字段: {example}"


def _other_years(told: Statement, roster: Roster, policy: Policy) -> Iterator[Diagnostic]:
    """W784: years of whose facts (年度: 是) the roster says nothing, where figures wait for them."""
    yearly = {name for name, decl in policy.fields.items() if decl.yearly}
    day = roster.data_date
    years = {
        item.period.last.year
        for item in told.items
        if isinstance(item.outcome, Unknown) and not yearly.isdisjoint(item.outcome.missing)
    }
    others = sorted(years - {day.year}) if day is not None else []
    if day is not None and others:
        listed = "、".join(map(str, others))
        fact = f"名册的年度事实是 {day.year} 年的，{listed} 年要用到它们的项目是信息不足"
        hint = f"其他年度的{_by_date(roster.file, f'{{{others[0]}-12-31: 那一年的数}}')}"
        yield Diagnostic("W784", fact, Place(roster.file), hint)


def _governed(versions: Sequence[Policy], month: Period) -> bool:
    """Whether a version is in force on any day of a month."""
    days = [month.first, *(policy.meta.effective for policy in versions)]
    return any(in_force(versions, day) is not None for day in days if month.first <= day <= month.last)


def _ungoverned(policy: Policy, versions: Sequence[Policy], bare: Sequence[Period]) -> Diagnostic:
    """E785: months before any version, or between two."""
    fact = f"{written_spans(bare)} 没有施行的版本，不能计算"
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
    `paid` are the entries that stated or corrected it before; `policy`: 编号 and SHA-256 of the version that says so now."""

    id: str
    rule: str
    period: str
    trigger: str
    was: Number
    due: Number
    item: Item | None
    paid: tuple[Entry, ...]
    policy: tuple[str, str]
    note: str

    @property
    def change(self) -> Number:
        return exact(self.due - self.was)

    @property
    def due_alone(self) -> Number:
        """What is due of it in totals: nothing if it is in another figure."""
        return self.due if self.item is not None and self.item.counted else 0

    @property
    def was_alone(self) -> Number:
        """What was paid of it in totals: nothing if it was in another figure."""
        return self.was if self.paid and self.paid[-1].counted else 0

    @property
    def change_alone(self) -> Number:
        """What it adds to a total of back pay."""
        return exact(self.due_alone - self.was_alone)

    @property
    def is_open(self) -> bool:
        """Whether anything is to be written down: a difference, or that a figure stands for itself now or no longer does."""
        return self.change != 0 or self.change_alone != 0

    @property
    def month(self) -> str:
        return str(self.item.month) if self.item is not None else self.paid[-1].month


@dataclass(frozen=True, slots=True)
class Backpay:
    """`settled`: due and paid could be compared. `pending`: figures whose difference cannot be told, with why.
    `corrected`: the ledgers' entries and the corrections, as a ledger that goes on from them."""

    diagnostics: tuple[Diagnostic, ...]
    stated: Stated | None = None
    ledgers: tuple[Ledger, ...] = ()
    corrections: tuple[Correction, ...] = ()
    pending: tuple[tuple[str, str, str, str], ...] = ()
    settled: bool = False

    def corrected(self) -> tuple[Head, list[Entry]]:
        assert self.stated is not None
        origins: list[Origin] = []
        entries: list[Entry] = []
        for ledger in self.ledgers:
            entries += [replace(entry, origin=entry.origin + len(origins)) for entry in ledger.entries]
            origins += ledger.head.origins
        entries += [replace(correction_entry(found), origin=len(origins)) for found in self.corrections]
        sources = tuple(ledger.last for ledger in self.ledgers)
        return Head(self.stated.series, (*origins, self.stated.origin), sources), entries


def correction_entry(found: Correction) -> Entry:
    last, item = (found.paid[-1] if found.paid else None), found.item
    like = entry_of(item) if item is not None else last
    assert like is not None
    return replace(
        like,
        kind="补发",
        status="值",
        amount=found.change,
        policy=found.policy[0],
        sha256=found.policy[1],
        note=found.note,
        was=found.was,
        basis=((last.policy, last.sha256) if last is not None else ("", ""), found.policy),
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
    said = list(_other_policies(folder, ledgers, stated.programs))
    problems += [one for one in said if one.severity == "error"]
    gaps = missing_months(stated.months, ledgers)
    if gaps:
        listed = "、".join(map(str, gaps[:MOST_NAMED])) + ("…" if len(gaps) > MOST_NAMED else "")
        fact = f"账里没有 {listed} 这 {len(gaps)} 个月，不知道发了多少"
        hint = "请把这些月的账也用 --paid 给出；没有记的月不能当作没有发过"
        problems.append(Diagnostic("E787", fact, Place(ledgers[0].path if ledgers else ""), hint))
    if problems:
        return Backpay((*stated.diagnostics, *problems), stated, tuple(ledgers))
    corrections, pending, more = _settled(stated, ledgers)
    said += more
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


def _other_policies(
    folder: Folder, ledgers: Iterable[Ledger], programs: Mapping[str, Program]
) -> Iterator[Diagnostic]:
    """E789: entries by a policy of another meaning than the file that bears its 编号 now; W783: of other words."""
    for ledger in ledgers:
        for at, origin in enumerate(ledger.head.origins):
            for id_ in origin.policies:
                found = as_recorded(folder, ledger, at, id_, programs.get(id_))
                if found is not None and found[1] is not None:
                    yield found[1]


def as_recorded(
    folder: Folder, ledger: Ledger, origin: int, id_: str, program: Program | None = None
) -> tuple[Program | None, Diagnostic | None] | None:
    """The policy of an origin as its entries were computed with it, and what is to be said of it: E789 if its file is
    gone or means something else (no program then), W783 if only words were changed. None if no entry rests on it."""
    line = next(
        (
            n
            for n, entry in zip(ledger.lines, ledger.entries, strict=True)
            if (entry.origin, entry.policy) == (origin, id_)
        ),
        0,
    )
    if not line:
        return None
    place, used = Place(ledger.path, line), ledger.head.origins[origin].policies[id_]
    if program is None:
        policy = next((policy for policy in folder.registry.policies if policy.meta.id == id_), None)
        if policy is None:
            hint = "请用 --policies 指定当时的政策文件夹"
            return None, Diagnostic("E789", f"政策文件夹里没有账上的政策「{id_}」", place, hint)
        program, _ = program_of(folder, Chosen(policy, folder.registry))
        if program is None:
            return None, Diagnostic("E789", f"政策「{id_}」有错误，不能和账核对", place)
    if program.policy.sha256 == used.sha256:
        return program, None
    if meaning_fingerprint(meanings(program)) == used.meaning:
        return program, Diagnostic("W783", f"政策「{id_}」的文件在记账以后改过文字，含义没有变", place)
    hint = "请恢复当时的文件；要改数，另写一个修订（guizhang new）"
    return None, Diagnostic("E789", f"政策「{id_}」的文件与记账时不同", place, hint)


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
    due = {item.key: item for item in stated.statement.items}
    paid: dict[tuple[str, str, str, str], list[Entry]] = {}
    for ledger in ledgers:
        for entry in ledger.entries:
            if entry.key in due or entry.month in months:
                paid.setdefault(entry.key, []).append(entry)
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
        found = Correction(
            id_,
            rule,
            period,
            trigger,
            was,
            amount,
            item,
            tuple(before),
            _policy_now(item, before, stated),
            _note(item, before, stated),
        )
        if found.is_open:
            corrections.append(found)
    said = list(_never_paid(corrections, ledgers))
    for id_ in strangers:
        entry = next(entry for key, own in paid.items() if key[0] == id_ for entry in own)
        fact = f"账里的「{id_}」不在名册里（或记录被退回），不能算应发"
        hint = "名册里也要有已经离开的人，并写明离开的情况"
        where = next(ledger for ledger in ledgers if entry in ledger.entries)
        said.append(
            Diagnostic("E788", fact, Place(where.path, where.lines[where.entries.index(entry)]), hint)
        )
    return corrections, pending, said


def _never_paid(corrections: Iterable[Correction], ledgers: Sequence[Ledger]) -> Iterator[Diagnostic]:
    """W782: people with months of which no ledger that states the month says anything."""
    told = {
        (id_, month)
        for ledger in ledgers
        for id_, origin in {(entry.id, entry.origin) for entry in ledger.entries}
        for month in ledger.head.origins[origin].months
    }
    found: dict[str, dict[str, None]] = {}
    for one in corrections:
        if (one.id, one.month) not in told:
            found.setdefault(one.id, {}).setdefault(one.month)
    if found:
        some = "、".join(f"{id_}（{'、'.join(own)}）" for id_, own in list(found.items())[:MOST_NAMED])
        more = f" 等 {len(found)} 人" if len(found) > MOST_NAMED else ""
        fact = f"账里完全没有记过 {some}{more}，按没有发过计算"
        yield Diagnostic("W782", fact, Place(ledgers[0].path), "请核对是不是还有别的账没有给出")


def _policy_now(item: Item | None, before: Sequence[Entry], stated: Stated) -> tuple[str, str]:
    """编号 and SHA-256 of the version that an item rests on; of nothing, of the one whose law would hold."""
    if item is not None:
        return item.version.id, item.sha256
    versions = [program.policy for program in stated.programs.values()]
    now = in_force(versions, date.fromisoformat(before[-1].law)) or versions[0]
    return now.meta.id, now.sha256


def _is_once(stated: Stated, item: Item) -> bool:
    return stated.programs[item.version.id].rules[item.name].decl.period == "一次"


def _note(item: Item | None, before: Sequence[Entry], stated: Stated) -> str:
    """Which documents a correction rests on, and why."""
    old = _document(before[-1].policy, stated) if before else ""
    if item is None:
        now = _document(_policy_now(item, before, stated)[0], stated)
        return f"原按{old}发放，现在没有这一项" if now == old else f"按{now}没有这一项，原按{old}发放"
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
