"""Statements, corrections and replays as pages and ledgers; workbooks and CSV are `payroll_sheets`, JSON `payroll_json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from engine.app.payroll import Backpay, Correction, Stated, entries_of
from engine.app.replay import Differing, Replayed
from engine.payroll.ledger import Entry, ledger_lines
from engine.payroll.periods import Period, written_range
from engine.payroll.statement import Item, Statement
from engine.records.model import Record
from engine.render.cells import text_value
from engine.render.page import Block, Heading, Page, Paragraph, Table
from engine.render.text_results import title_field
from engine.types import NumberT
from engine.units import parse_unit
from engine.values import NotApplicable, Number, Unknown, exact, format_number

MOST_ROWS = 200

_YUAN = NumberT(parse_unit("元") or NumberT().unit)


# --- statement ---------------------------------------------------------------------------------------------


def statement_page(stated: Stated) -> Page:
    """The whole statement; `stated` must have one."""
    found = stated.statement
    assert found is not None
    title = f"应发清单：{written_range(list(stated.months))}"
    blocks = [
        Heading(1, title),
        *_statement_head(stated, found),
        *_people(stated, found),
        *_by_month(stated, found),
    ]
    return Page(title, (*blocks, *_coverage(stated, found), *_open(found)))


def _statement_head(stated: Stated, found: Statement) -> Iterator[Block]:
    roster = stated.roster
    assert roster is not None
    yield Paragraph(f"{roster.file}：读入 {roster.read} 条，退回 {len(roster.rejected)} 条", "名册")
    if stated.known_on is not None:
        yield Paragraph(f"只看 {stated.known_on} 以前印发的文件", "文件")
    spans: list[tuple[str, str]] = []
    for month, versions in found.versions.items():
        words = (
            "、".join(f"{meta.id}（{meta.number}）" if meta.number else meta.id for meta in versions)
            or "没有"
        )
        if spans and spans[-1][1] == words:
            spans[-1] = (f"{spans[-1][0].split('—')[0]}—{month}", words)
        else:
            spans.append((str(month), words))
    yield Table(("月份", "按哪个版本"), tuple(spans))


def totals_of(items: Iterable[Item]) -> tuple[dict[str, Number], int]:
    """Sums by rule of the figures that have a value, and how many have none for want of facts."""
    sums: dict[str, Fraction] = {}
    missing = 0
    for item in items:
        if isinstance(item.outcome, Unknown):
            missing += 1
        elif not isinstance(item.outcome, NotApplicable):
            sums[item.name] = sums.get(item.name, Fraction(0)) + Fraction(item.outcome)
    return {name: exact(value) for name, value in sums.items()}, missing


def by_person(found: Statement) -> dict[str, list[Item]]:
    people: dict[str, list[Item]] = {id_: [] for id_ in found.ids}
    for item in found.items:
        people.setdefault(item.id, []).append(item)
    return people


def amounts_of(found: Statement, counted: bool) -> list[str]:
    """Figures that somebody has, in the order met."""
    return list(dict.fromkeys(item.name for item in found.items if item.counted or not counted))


def identifier_of(stated: Stated) -> str:
    return next(iter(stated.programs.values())).policy.meta.identifier


def called_in(stated: Stated) -> dict[str, str]:
    """标识 → the name that stands beside it, where the roster has one."""
    assert stated.roster is not None
    program = list(stated.programs.values())[-1]
    records: Sequence[Record] = stated.roster.records
    title = title_field(program, records)
    return {record.id: str(record.facts.get(title, "")) for record in records} if title else {}


def _people(stated: Stated, found: Statement) -> Iterator[Block]:
    names, called = amounts_of(found, counted=True), called_in(stated)
    rows = []
    whole: dict[str, Fraction] = {}
    lacking = 0
    for id_, items in by_person(found).items():
        sums, missing = totals_of(item for item in items if item.counted)
        for name, value in sums.items():
            whole[name] = whole.get(name, Fraction(0)) + value
        lacking += missing
        if not any(not isinstance(item.outcome, NotApplicable) for item in items):
            continue
        figures = [money(sums[name]) if name in sums else "—" for name in names]
        total = sum((Fraction(value) for value in sums.values()), Fraction(0))
        rows.append((id_, called.get(id_, ""), *figures, money(total), f"{missing} 项" if missing else ""))
    yield Heading(2, "每人合计（元）")
    sums_ = [money(whole.get(name, Fraction(0))) for name in names]
    rows.append(
        ("合计", "", *sums_, money(sum(whole.values(), Fraction(0))), f"{lacking} 项" if lacking else "")
    )
    titles = (identifier_of(stated), "", *names, "合计", "信息不足")
    yield Table(titles, tuple(rows), frozenset(range(2, len(titles))))
    idle = len(found.ids) - len(rows) + 1
    if idle:
        yield Paragraph(f"另有 {idle} 人各项都不适用，没有列出")


def _by_month(stated: Stated, found: Statement) -> Iterator[Block]:
    cells: dict[tuple[Period, str], Fraction] = {}
    missing: Counter[Period] = Counter()
    for item in found.items:
        if isinstance(item.outcome, Unknown):
            missing[item.month] += item.counted
        elif not isinstance(item.outcome, NotApplicable):
            key = (item.month, item.name)
            cells[key] = cells.get(key, Fraction(0)) + Fraction(item.outcome)

    def whole(name: str) -> str:
        return money(sum((value for (_, own), value in cells.items() if own == name), Fraction(0)))

    names = amounts_of(found, counted=True)
    if len(stated.months) > 1:
        yield Heading(2, "每月合计（元）")
        rows = []
        for month in stated.months:
            figures = (money(cells[month, name]) if (month, name) in cells else "—" for name in names)
            rows.append((str(month), *figures, f"{missing[month]} 项" if missing[month] else ""))
        rows.append(("合计", *map(whole, names), ""))
        yield Table(("月份", *names, "信息不足"), tuple(rows), frozenset(range(1, len(names) + 2)))
    inside = [name for name in amounts_of(found, counted=False) if name not in names]
    if inside:
        yield Heading(2, "含在合计项里的各项（元）")
        yield Table(("项目", "合计"), tuple((name, whole(name)) for name in inside), frozenset((1,)))


def _coverage(stated: Stated, found: Statement) -> Iterator[Block]:
    if not found.coverage:
        return
    called = called_in(stated)
    yield Heading(2, f"期间开始或停止适用的 {len(found.coverage)} 人次")
    rows = tuple(
        (c.id, called.get(c.id, ""), str(c.month), c.change, "、".join(c.names))
        for c in found.coverage[:MOST_ROWS]
    )
    yield Table((identifier_of(stated), "", "月份", "", "项目"), rows)
    yield from _rest(len(found.coverage), "人次", "在 -o 文件.xlsx 里")


def _open(found: Statement) -> Iterator[Block]:
    lacking = [item for item in found.items if isinstance(item.outcome, Unknown) and item.counted]
    if not lacking:
        return
    yield Heading(2, f"信息不足的 {len(lacking)} 项，不在合计里")
    facts: dict[str, set[str]] = {}
    for item in lacking:
        for fact in item.outcome.missing:
            facts.setdefault(fact, set()).add(item.id)
    rows = sorted(((fact, f"{len(ids)} 人") for fact, ids in facts.items()), key=lambda row: row[0])
    yield Table(("缺的事实", "人数"), tuple(rows[:MOST_ROWS]), frozenset((1,)))
    yield from _rest(len(rows), "种", "在 -o 文件.xlsx 的明细里")


def _rest(count: int, unit: str, where: str) -> Iterator[Block]:
    """What a table of at most MOST_ROWS leaves out."""
    if count > MOST_ROWS:
        yield Paragraph(f"其余 {count - MOST_ROWS} {unit}{where}")


def money(value: Number | Fraction) -> str:
    return format_number(value, 2)


def statement_ledger(stated: Stated) -> str:
    """The statement as a ledger."""
    return "".join(f"{line}\n" for line in ledger_lines(stated.head, entries_of(stated)))


# --- back pay ------------------------------------------------------------------------------------------------


def backpay_page(found: Backpay) -> Page:
    """The corrections; `found` must have a statement that could be compared."""
    stated = found.stated
    assert stated is not None
    title = f"补发清单：{written_range(list(stated.months))}"
    blocks: list[Block] = [Heading(1, title)]
    blocks.append(Paragraph("、".join(ledger.path for ledger in found.ledgers), "已发的账"))
    if not found.corrections:
        blocks.append(Paragraph("应发和已发相同，没有要补发或扣回的"))
    else:
        blocks += _corrections(found, stated)
    if found.pending:
        blocks.append(Heading(2, f"现在不能确定的 {len(found.pending)} 项"))
        blocks.append(Table((identifier_of(stated), "项目", "期间", "原因"), found.pending[:MOST_ROWS]))
        blocks += _rest(len(found.pending), "项", "在 -o 文件.xlsx 里")
    return Page(title, tuple(blocks))


def _corrections(found: Backpay, stated: Stated) -> Iterator[Block]:
    called = called_in(stated)
    people: dict[str, list[Correction]] = {}
    for correction in found.corrections:
        people.setdefault(correction.id, []).append(correction)
    yield Heading(2, f"每人合计（{len(people)} 人）")
    rows: list[tuple[str, ...]] = []
    whole = Fraction(0)
    for id_, own in people.items():
        change = alone(own)
        whole += change
        rows.append((id_, called.get(id_, ""), str(len({c.month for c in own})), signed(change)))
    rows.append(("合计", "", "", signed(whole)))
    yield Table(
        (identifier_of(stated), "", "涉及月数", "补发（元，负数为扣回）"), tuple(rows), frozenset((2, 3))
    )
    own = [c for c in found.corrections if c.due_alone or c.was_alone]
    yield Heading(2, f"明细（{len(own)} 项）")
    details = tuple(
        (
            *(c.id, c.rule, c.trigger or c.period),
            *(money(c.was_alone), money(c.due_alone), signed(c.change_alone), c.note),
        )
        for c in own[:MOST_ROWS]
    )
    yield Table(
        (identifier_of(stated), "项目", "期间", "已发", "应发", "补发", "依据"), details, frozenset((3, 4, 5))
    )
    rest = len(found.corrections) - min(len(own), MOST_ROWS)
    if rest:
        yield Paragraph(f"其余 {rest} 项（含在合计项里的各项等）在 -o 文件.xlsx 或 .jsonl 里")


def alone(corrections: Iterable[Correction]) -> Fraction:
    """What corrections add up to, each figure once."""
    return sum((Fraction(c.change_alone) for c in corrections), Fraction(0))


def signed(value: Number | Fraction) -> str:
    return f"{'+' if value > 0 else ''}{money(value)}"


def corrected_ledger(found: Backpay) -> str:
    """The ledgers and the corrections as one ledger that goes on from them."""
    head, entries = found.corrected()
    return "".join(f"{line}\n" for line in ledger_lines(head, entries))


# --- replay --------------------------------------------------------------------------------------------------


def replay_page(found: Replayed) -> Page:
    """What a ledger says against what is computed now."""
    ledger = found.ledger
    assert ledger is not None
    title = f"重算账：{ledger.path}"
    whole = f"重算 {found.checked} 条，{len(found.found)} 条不同"
    blocks: list[Block] = [
        Heading(1, title),
        Paragraph(whole if found.found else f"重算 {found.checked} 条，全部相同"),
    ]
    if found.found:
        rows = tuple(_differing_row(one) for one in found.found[:MOST_ROWS])
        titles = ("账的行", "标识", "项目", "期间", "账上", "重算", "原因")
        blocks.append(Table(titles, rows, frozenset((0, 4, 5))))
        blocks += _rest(len(found.found), "条", "在 --format json 里")
    return Page(title, tuple(blocks))


def _differing_row(one: Differing) -> tuple[str, ...]:
    entry = one.entry
    return (
        str(one.line),
        entry.id,
        entry.rule,
        entry.trigger or entry.period,
        said(entry),
        "" if one.now is None else text_value(one.now, _YUAN),
        one.why,
    )


def said(entry: Entry) -> str:
    """What an entry says was due."""
    if entry.kind == "补发":
        return money(exact(Fraction(entry.was or 0) + Fraction(entry.amount or 0)))
    return money(entry.amount) if entry.amount is not None else entry.status
