"""A run of `eval` → a workbook: 结果, 不适用与信息不足, 校验与提示, 集体, 依据. Every row is data, so totals are left out.

What a row per person holds is `engine.render.person_rows`; how a value is written, `engine.render.sheet_writer`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine import __version__
from engine.app.evaluate import Run
from engine.program import Program
from engine.render.cells import NOT_APPLICABLE
from engine.render.diagnostics import SEVERITIES
from engine.render.json_results import figure_types
from engine.render.person_rows import People, people_of
from engine.render.sheet_writer import Book
from engine.render.table import clean
from engine.types import Type
from engine.values import Grounds, NotApplicable, Unknown, missing_of

RESULTS, OPEN, FINDINGS, GROUPS, GROUNDS = "结果", "不适用与信息不足", "校验与提示", "集体", "依据"
ABSENT, MISSING = "不适用", "信息不足"


def write_results(run: Run, path: Path) -> None:
    """The whole workbook; nothing is left out for want of room on a screen."""
    people = people_of(run)
    if people is None:
        return
    program = people.program
    with Book(path, run.as_of, f"{program.policy.meta.title} {run.as_of}") as book:
        _results(book, people)
        _open(book, people)
        _findings(book, people)
        _groups(book, run, program)
        _grounds(book, run, program)


def _results(book: Book, people: People) -> None:
    sheet = book.sheet(RESULTS, people.headings, kept=1)
    types = people.types
    for row in people.rows():
        sheet.add(row, types)
    sheet.done()


def _who(people: People) -> list[str]:
    fields = people.program.policy.fields
    return [people.fixed[0], *(name for name in people.fixed[1:] if fields[name].register)]


def _open(book: Book, people: People) -> None:
    """Every result without a value, and grounds that wait for facts: which, and why."""
    sheet = book.sheet(OPEN, [*_who(people), "结果", "类别", "理由或缺少的信息"], kept=1)
    assert people.run.evaluation is not None
    for result in people.run.evaluation.records:
        who = people.who(result)
        for name in people.names:
            if name not in result.outcomes:
                continue
            outcome = result.outcomes[name]
            if isinstance(outcome, NotApplicable):
                sheet.add([*who, name, ABSENT, clean(outcome.reason)])
            elif isinstance(outcome, Unknown) or (isinstance(outcome, Grounds) and outcome.open):
                sheet.add([*who, name, MISSING, clean("、".join(missing_of(outcome)))])
    sheet.done()


def _findings(book: Book, people: People) -> None:
    sheet = book.sheet(FINDINGS, [*_who(people), "校验", "级别", "说明"], kept=1)
    assert people.run.evaluation is not None
    for result in people.run.evaluation.records:
        for finding in result.findings:
            sheet.add([*people.who(result), finding.rule, finding.level, clean(finding.text)])
    sheet.done()


def _groups(book: Book, run: Run, program: Program) -> None:
    """A row per figure of a group."""
    groups = run.evaluation.groups if run.evaluation else ()
    by = list(dict.fromkeys(field for group in groups for field in group.key))
    sheet = book.sheet(GROUPS, ["集体", *by, "项目", "值", "单位", "理由或缺少的信息", "校验"])
    for group in groups:
        types = figure_types(program, group.name)
        at = [group.key.get(field, "") for field in by]
        if not group.figures:
            sheet.add(
                [
                    group.name,
                    *at,
                    "",
                    NOT_APPLICABLE,
                    "",
                    clean(group.not_applicable or ""),
                    group.finding or "",
                ]
            )
        for label, value in group.figures.items():
            kind = types.get(label)
            row = [group.name, *at, label, value, _unit(kind), _why(value, group.not_applicable)]
            sheet.add(
                [*row, group.finding or ""], [*(None for _ in range(len(at) + 2)), kind, None, None, None]
            )
    sheet.done()


def _unit(kind: Type | None) -> str:
    unit = getattr(kind, "unit", None)
    return str(unit) if unit is not None and not unit.is_bare and unit.top != "*" else ""


def _why(value: Any, not_applicable: str | None) -> str:
    if isinstance(value, NotApplicable):
        return clean(value.reason)
    return clean("、".join(missing_of(value)) or not_applicable or "")


def _grounds(book: Book, run: Run, program: Program) -> None:
    """What the figures rest on: policy, readings, roster, and all that was said of it."""
    sheet = book.sheet(GROUNDS, ["项目", "内容", "说明"])
    for row in _grounds_rows(run, program):
        sheet.add(row)
    sheet.done()


def _grounds_rows(run: Run, program: Program) -> Iterator[list[Any]]:
    meta, roster = program.policy.meta, run.roster
    yield ["政策", clean(meta.title), ""]
    yield ["编号", meta.id, f"系列 {meta.series}"]
    yield ["文号", clean(meta.number), ""]
    yield ["施行", meta.effective, ""]
    yield ["政策文件 sha256", program.policy.sha256, ""]
    for alias, used in program.uses_on(run.as_of):
        words = f"{used.meta.id}，{used.meta.number}" if used else "当日没有施行的版本"
        yield [f"引用：{alias}", clean(words), used.sha256 if used else ""]
    yield ["计算日", run.as_of, ""]
    yield ["软件", f"guizhang {__version__}", ""]
    if roster is not None:
        yield ["名册", clean(roster.file), roster.sha256]
        yield ["数据日期", roster.data_date or "未写，按计算日", ""]
        yield ["读入", roster.read, ""]
        yield ["计算", len(run.evaluation.records) if run.evaluation else 0, ""]
        yield ["退回", len(roster.rejected), ""]
    for name, option in run.readings.items():
        decl = program.policy.readings.get(name)
        adopted = decl.adopted if decl else ""
        mark = "政策采用" if option == adopted else f"改选（政策采用：{adopted}）" if adopted else "改选"
        yield [f"口径：{name}", option, mark]
    for row in roster.rejected if roster else ():
        yield ["退回的记录", clean(row.id or "（没有标识）"), clean(str(row.place))]
    for diagnostic in run.diagnostics:
        hint = f"（{diagnostic.hint}）" if diagnostic.hint else ""
        place = clean(str(diagnostic.place)) if diagnostic.place else ""
        word = f"{SEVERITIES[diagnostic.severity]} {diagnostic.code}"
        yield [word, clean(diagnostic.message + hint), place]
