"""Statements and corrections as workbooks, and their lists as CSV: what payroll staff sum, sort and hand on.

In every list the amounts of one column may be summed where its heading says 合计; sums stand below the filter's range.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from engine import __version__
from engine.app.payroll import Backpay, Correction, Stated, entries_of
from engine.diagnostics import Diagnostic
from engine.payroll.ledger import Ledger
from engine.payroll.periods import written_range
from engine.render.cells import text_value
from engine.render.payroll import (
    alone,
    amounts_of,
    by_person,
    called_in,
    identifier_of,
    totals_of,
)
from engine.render.person_rows import harmless
from engine.render.sheet_writer import Book
from engine.types import NumberT, Type
from engine.units import parse_unit
from engine.values import exact

#: A row of values with the type of each.
Row = tuple[list[Any], list[Type | None]]

_YUAN = NumberT(parse_unit("元") or NumberT().unit)
_DETAILS = ("发放月份", "项目", "期间", "触发日", "金额", "单位", "计入合计", "情况", "政策", "依据日")
_CORRECTIONS = ("项目", "期间", "触发日", "月份", "已发", "应发", "补发", "计入合计的补发", "依据")


def write_statement(stated: Stated, path: Path) -> None:
    """A workbook: 合计, 每月, 明细, 起止变动, 依据."""
    found = stated.statement
    assert found is not None
    with Book(path, stated.months[-1].last, f"应发清单 {written_range(list(stated.months))}") as book:
        called, names = called_in(stated), amounts_of(found, counted=True)
        who = [identifier_of(stated), "姓名或名称"]
        counted = [item for item in found.items if item.counted]
        people = by_person(found)
        own = [[item for item in people[id_] if item.counted] for id_ in people]
        rows = [([id_, called.get(id_, "")], items) for id_, items in zip(people, own, strict=True)]
        _sums(book, "合计", who, names, [*rows, (["合计", ""], counted)])
        months = [([str(month)], [i for i in counted if i.month == month]) for month in stated.months]
        _sums(book, "每月", ["发放月份"], names, [*months, (["合计"], counted)])
        _list(book, "明细", [*who, *_DETAILS], _details(stated))
        changes = (
            [c.id, called.get(c.id, ""), str(c.month), c.change, "、".join(c.names)] for c in found.coverage
        )
        _list(book, "起止变动", [*who, "月份", "变化", "项目"], ((row, [None] * 5) for row in changes))
        _grounds(book, stated, stated.diagnostics)


def statement_csv(stated: Stated) -> str:
    """明细 as one table, to be written as UTF-8 with BOM."""
    return _csv([identifier_of(stated), "姓名或名称", *_DETAILS], _details(stated))


def write_backpay(found: Backpay, path: Path) -> None:
    """A workbook: 合计, 补发, 待定, 依据."""
    stated = found.stated
    assert stated is not None
    with Book(path, stated.months[-1].last, f"补发清单 {written_range(list(stated.months))}") as book:
        who = [identifier_of(stated), "姓名或名称"]
        people: dict[str, list[Correction]] = {}
        for correction in found.corrections:
            people.setdefault(correction.id, []).append(correction)
        called = called_in(stated)
        sheet = book.sheet("合计", [*who, "涉及月数", "补发合计"], kept=2)
        for id_, own in people.items():
            change = exact(alone(own))
            sheet.add(
                [id_, called.get(id_, ""), len({c.month for c in own}), change], [None, None, None, _YUAN]
            )
        sheet.done()
        sheet.add(["合计", "", "", exact(alone(found.corrections))], [None, None, None, _YUAN])
        _list(book, "补发", [*who, *_CORRECTIONS], _corrections(found, stated))
        _list(
            book,
            "待定",
            [identifier_of(stated), "项目", "期间", "原因"],
            ((list(row), [None] * 4) for row in found.pending),
        )
        _grounds(book, stated, found.diagnostics, found.ledgers)


def backpay_csv(found: Backpay) -> str:
    """补发 as one table, to be written as UTF-8 with BOM."""
    assert found.stated is not None
    headings = [identifier_of(found.stated), "姓名或名称", *_CORRECTIONS]
    return _csv(headings, _corrections(found, found.stated))


def _sums(
    book: Book, name: str, who: Sequence[str], names: Sequence[str], rows: Sequence[tuple[list[str], Any]]
) -> None:
    """A row of sums for each of `rows`; the last is their sum."""
    sheet = book.sheet(name, [*who, *names, "合计", "信息不足（项）"], kept=len(who))
    types = [*(None for _ in who), *(_YUAN for _ in names), _YUAN, None]
    for number, (heads, items) in enumerate(rows, 1):
        if number == len(rows):
            sheet.done()
        sums, missing = totals_of(items)
        total = exact(sum((Fraction(value) for value in sums.values()), Fraction(0)))
        sheet.add([*heads, *(sums.get(name, "") for name in names), total, missing], types)


def _list(book: Book, name: str, headings: Sequence[str], rows: Iterable[Row]) -> None:
    sheet = book.sheet(name, headings, kept=2)
    for values, types in rows:
        sheet.add(values, types)
    sheet.done()


def _csv(headings: Sequence[str], rows: Iterable[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(map(harmless, headings))
    for values, types in rows:
        writer.writerow(harmless(text_value(value, kind)) for value, kind in zip(values, types, strict=True))
    return out.getvalue()


def _details(stated: Stated) -> Iterator[Row]:
    found = stated.statement
    assert found is not None
    called = called_in(stated)
    for item, entry in zip(found.items, entries_of(stated), strict=True):
        why = entry.status if not entry.note else f"{entry.status}：{entry.note}"
        row: list[Any] = [item.id, called.get(item.id, ""), str(item.month), item.name, str(item.period)]
        row += [item.trigger or "", "" if entry.amount is None else entry.amount, entry.unit]
        row += ["是" if item.counted else "否", why, item.version.id, item.law]
        yield row, [item.type if at == 6 else None for at in range(len(row))]


def _corrections(found: Backpay, stated: Stated) -> Iterator[Row]:
    called = called_in(stated)
    for c in found.corrections:
        row: list[Any] = [c.id, called.get(c.id, ""), c.rule, c.period, c.trigger, c.month]
        row += [c.was, c.due, c.change, c.change_alone, c.note]
        yield row, [_YUAN if 6 <= at <= 9 else None for at in range(len(row))]


def _grounds(
    book: Book, stated: Stated, diagnostics: Iterable[Diagnostic], paid: Iterable[Ledger] = ()
) -> None:
    sheet = book.sheet("依据", ["项目", "内容", "说明"])
    roster = stated.roster
    assert roster is not None
    for program in stated.programs.values():
        meta = program.policy.meta
        sheet.add([f"政策 {meta.id}", f"{meta.number} {meta.effective} 施行".strip(), program.policy.sha256])
    for id_, readings in stated.readings.items():
        for name, option in readings.items():
            sheet.add([f"口径 {id_}", name, option])
    known = f"只看 {stated.known_on} 以前印发的" if stated.known_on else ""
    sheet.add(["期间", written_range(list(stated.months)), known])
    sheet.add(["名册", roster.file, roster.sha256])
    sheet.add(["数据日期", str(roster.data_date or ""), ""])
    sheet.add(["引擎", __version__, ""])
    for ledger in paid:
        sheet.add(["已发的账", ledger.path, ledger.last])
    for problem in diagnostics:
        sheet.add([problem.code, problem.message, str(problem.place or "")])
    sheet.done()
