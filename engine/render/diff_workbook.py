"""A comparison of versions → a workbook: 改动, and with a roster 逐人, 各项结果, 分组, 依据."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from engine import __version__
from engine.app.compare import Compared
from engine.diff.impact import STATUSES, Impact
from engine.render.diff import article_of, period_title
from engine.render.sheet_writer import Book
from engine.render.text_results import title_field
from engine.types import NumberT
from engine.units import parse_unit

_YUAN = NumberT(parse_unit("元") or NumberT().unit)


def write_diff(compared: Compared, path: Path) -> None:
    """The whole workbook; `compared` must have a difference."""
    found = compared.difference
    assert found is not None
    day = compared.impact.as_of if compared.impact else found.new.meta.effective
    with Book(path, day, f"{found.old.meta.id} → {found.new.meta.id}") as book:
        if compared.impact is not None:
            _people(book, compared, compared.impact)
            _results(book, compared.impact)
            _groups(book, compared.impact)
        _edits(book, compared)
        _grounds(book, compared, day)


def _edits(book: Book, compared: Compared) -> None:
    assert compared.difference is not None
    headings = [
        "条文",
        "类别",
        "动作",
        "种类",
        "名称",
        "部分",
        "旧",
        "新",
        "单位",
        "影响到",
        "效果",
        "修改条文的写法",
    ]
    sheet = book.sheet("改动", headings)
    for edit in compared.difference.edits:
        words = [article_of(edit), edit.kind, edit.action, edit.section, edit.name, edit.part]
        sides = [edit.before if edit.old is None else edit.old, edit.after if edit.new is None else edit.new]
        sheet.add([*words, *sides, edit.unit, "、".join(edit.reaches), edit.effect, edit.sentence])
    sheet.done()


def _people(book: Book, compared: Compared, impact: Impact) -> None:
    """A row per person and changed result; the change of the person's year on the first of them."""
    program = compared.new
    assert program is not None
    title = title_field(program, [person.record for person in impact.people])
    who = [program.policy.meta.identifier, *([title] if title else [])]
    by = list(impact.parts)
    sheet = book.sheet(
        "逐人",
        [*who, *by, "结果", "情况", "旧", "新", "变化", "全年变化（元）", "一次性和其他变化（元）"],
        kept=len(who),
    )
    for person in impact.changed:
        facts = [str(person.record.facts.get(name, "")) for name in by]
        first = True
        for shift in person.changed:
            name = [person.id, *([str(person.record.facts.get(title, ""))] if title else [])]
            sums = ["？" if x is None else x for x in (person.yearly(), person.once())] if first else ["", ""]
            row = [*name, *facts, shift.name, shift.status, shift.before, shift.after]
            change = "" if shift.change is None else shift.change
            kinds = [*(None for _ in range(len(row) - 2)), shift.type, shift.type, shift.type, _YUAN, _YUAN]
            sheet.add([*row, change, *sums], kinds)
            first = False
    sheet.done()


def _results(book: Book, impact: Impact) -> None:
    sheet = book.sheet(
        "各项结果", ["结果", "周期", "旧合计", "新合计", "变化", *(f"{s}（人）" for s in STATUSES)]
    )
    for total in impact.totals:
        figures = ["" if x is None else x for x in (total.before, total.after, total.change)]
        counts = [total.counts.get(status, 0) for status in STATUSES]
        kinds = [None, None, total.type, total.type, total.type, *(None for _ in counts)]
        sheet.add([total.name, total.period, *figures, *counts], kinds)
    sheet.done()


def _groups(book: Book, impact: Impact) -> None:
    periods = list(impact.roots)
    titles = [f"{period_title(period)}{side}（元）" for period in periods for side in ("旧", "新")]
    sheet = book.sheet(
        "分组",
        [
            "字段",
            "值",
            "人数",
            "增加",
            "减少",
            "信息不足",
            *titles,
            "全年变化（元）",
            "一次性和其他变化（元）",
        ],
    )
    for field, parts in (("全体", (impact.whole,)), *impact.parts.items()):
        for part in parts:
            sums = [x for period in periods for x in part.sums[period]]
            row = [
                field,
                part.value,
                part.people,
                part.gain,
                part.lose,
                part.open,
                *sums,
                part.yearly,
                part.once,
            ]
            sheet.add(row, [*(None for _ in range(6)), *(_YUAN for _ in range(len(sums) + 2))])
    sheet.done()


def _grounds(book: Book, compared: Compared, day: date) -> None:
    found = compared.difference
    assert found is not None
    sheet = book.sheet("依据", ["项目", "内容", "说明"])
    for side, policy in (("旧版", found.old), ("新版", found.new)):
        sheet.add([side, f"{policy.meta.id} {policy.meta.number}".strip(), policy.sha256])
    for name, (old, new) in compared.readings.items():
        sheet.add(["口径", name, f"{old} → {new}"])
    if compared.impact is not None and compared.rosters is not None:
        sheet.add(["计算日", day, ""])
        sheet.add(["名册", compared.rosters[1].file, compared.rosters[1].sha256])
        for words, ids in (
            ("只有旧版能算", compared.impact.only_old),
            ("只有新版能算", compared.impact.only_new),
        ):
            for id_ in ids:
                sheet.add([words, id_, ""])
    sheet.add(["结论", found.kind or "完全相同", "含义相同" if found.same_meaning else "含义不同"])
    sheet.add(["引擎", __version__, ""])
    for problem in compared.diagnostics:
        sheet.add([problem.code, problem.message, str(problem.place or "")])
    sheet.done()
