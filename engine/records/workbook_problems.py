"""One function per mistake or remark that only a workbook can hold. E701 a file, E702 a cell, E704 a row of a joined
sheet without its 标识, W801 what is not read; W861 rows of totals, W862 rows of strangers, W863 merged cells, W864 .xls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.diagnostics import Diagnostic, Place
from engine.names import suggest
from engine.records.problems import Bad, bad_file, listed, one_field_twice, quoted


def cell_of(file: str, sheet: str, cell: str) -> Place:
    """`roster.xlsx:花名册!F12`."""
    return Place(file, locator=f"{sheet}!{cell}")


# --- E701


def empty_sheet(file: str, sheet: str) -> Diagnostic:
    return bad_file(
        Place(file, locator=sheet), f"第一个工作表「{sheet}」是空的", "第一个工作表放人员，一人一行"
    )


def no_headings(file: str, sheet: str, identifier: str, like: tuple[int, Sequence[str]] | None) -> Diagnostic:
    """`like`: a row that holds other headings, and which."""
    hint = f"前 20 行里要有一行表头，写着「{identifier}」和其他字段名"
    if like is not None:
        hint = f"第 {like[0]} 行像是表头（{listed(like[1])}），缺「{identifier}」一列"
    return bad_file(Place(file, locator=sheet), f"第一个工作表「{sheet}」里没有找到表头", hint)


def no_rows(file: str, sheet: str, row: int) -> Diagnostic:
    return bad_file(
        cell_of(file, sheet, f"A{row}"), "名册只有表头，没有记录", f"请在第 {row + 1} 行起填写，一人一行"
    )


def headings_twice(file: str, sheet: str, cell: str, both: tuple[str, str]) -> Diagnostic:
    return bad_file(cell_of(file, sheet, cell), one_field_twice(*both), "请只留一列")


def joined_headings(file: str, sheet: str, needed: Sequence[str]) -> Diagnostic:
    return bad_file(
        Place(file, locator=sheet),
        f"工作表「{sheet}」里没有找到表头",
        f"前 20 行里要有一行写着：{listed(needed)}；不用这个工作表请删去",
    )


def given_twice(file: str, sheet: str, name: str, where: str) -> Diagnostic:
    """A field both in columns and in a sheet, or in two sheets."""
    fact = f"「{name}」既在{where}，又在工作表「{sheet}」"
    return bad_file(Place(file, locator=sheet), fact, "请只留一处")


# --- E702, E704


def error_cell(text: str) -> Bad:
    return Bad("E702", f"的单元格是公式错误「{text}」", "请改正公式，或填写数值")


def time_cell(text: str) -> Bad:
    return Bad("E702", f"的单元格带有时刻（{text}），应为日期", "请只填日期")


def early_day(text: str) -> Bad:
    fact = f"的单元格显示为 {text}，早于 1900-03-01"
    return Bad("E702", fact, "多半是数被设成了日期格式；确实是这一天的，请设为文本格式再填写")


def lost_digits(text: str) -> Bad:
    fact = f"的值{quoted(text)}超过 15 位，位数可能已经丢失"
    return Bad("E702", fact, "号码请设为文本格式重新录入；算出来的数请先四舍五入（ROUND）")


def no_key(file: str, sheet: str, cell: str, row: int, name: str) -> Diagnostic:
    fact = f"工作表「{sheet}」第 {row} 行没有填「{name}」，不知道属于谁"
    return Diagnostic("E704", fact, cell_of(file, sheet, cell), "这一行没有读取；请补上，或删去这一行")


def bad_key(file: str, sheet: str, cell: str, row: int, name: str, bad: Bad) -> Diagnostic:
    fact = f"工作表「{sheet}」第 {row} 行「{name}」{bad.said}"
    return Diagnostic(bad.code, fact, cell_of(file, sheet, cell), bad.hint)


# --- W8


def unnamed(file: str, sheet: str, cell: str, number: int) -> Diagnostic:
    fact = f"工作表「{sheet}」第 {number} 列没有列名，没有读取"
    return Diagnostic("W801", fact, cell_of(file, sheet, cell), "请在表头写上列名")


def unread_column(file: str, sheet: str, cell: str, label: str, known: Iterable[str]) -> Diagnostic:
    fact = f"工作表「{sheet}」的列{quoted(label)}没有读取"
    return Diagnostic("W801", fact, cell_of(file, sheet, cell), suggest(label, known))


def unread_sheets(file: str, names: Sequence[str], known: Sequence[str]) -> Diagnostic:
    hints = [hint for name in names if (hint := suggest(name, known))]
    fact = f"工作表{''.join(f'「{name}」' for name in names[:12])}{'等' if len(names) > 12 else ''}没有读取"
    usual = f"可以读的工作表：{listed(known)}" if known else "本政策的名册只用第一个工作表"
    return Diagnostic("W801", fact, Place(file, locator=names[0]), "".join(hints[:3]) or usual)


def blank_sheet(file: str, sheet: str) -> Diagnostic:
    fact = f"工作表「{sheet}」是空的，按没有这个工作表处理"
    return Diagnostic("W801", fact, Place(file, locator=sheet), "确实都没有的，请写上表头")


def rows_listed(rows: Sequence[int]) -> str:
    return "、".join(f"第 {row} 行" for row in rows[:5]) + (f" 等 {len(rows)} 行" if len(rows) > 5 else "")


def totals_left_out(file: str, sheet: str, rows: Sequence[int]) -> Diagnostic:
    """W861: rows of totals, headings once more, and notes that run across merged cells."""
    fact = f"工作表「{sheet}」{rows_listed(rows)}是合计、重复的表头或跨列合并的说明，没有当作记录"
    return Diagnostic("W861", fact, cell_of(file, sheet, f"A{rows[0]}"), "是人员的，请拆开合并并填写标识")


def strangers(file: str, sheet: str, people: str, rows: Sequence[tuple[int, str]], cell: str) -> Diagnostic:
    """W862: rows of a joined sheet for people who are not on the first sheet."""
    named = "、".join(f"第 {row} 行{quoted(id_)}" for row, id_ in rows[:5])
    more = f" 等 {len(rows)} 行" if len(rows) > 5 else ""
    fact = f"工作表「{sheet}」里的人不在「{people}」里，没有读取：{named}{more}"
    return Diagnostic("W862", fact, cell_of(file, sheet, cell), "请核对标识，或在第一个工作表补上")


def merged_filled(file: str, sheet: str, cell: str) -> Diagnostic:
    """W863: a value merged over several rows."""
    fact = f"工作表「{sheet}」里有跨行合并的单元格，其中的值按所含的每一行读取"
    return Diagnostic("W863", fact, cell_of(file, sheet, cell), "每行都填写，就不必靠合并")


def old_format(file: str) -> Diagnostic:
    """W864: errors of formulas cannot be told from blank cells in .xls."""
    fact = "旧的 .xls 工作簿里，公式错误（如 #N/A）的单元格按空白读取"
    return Diagnostic("W864", fact, Place(file), "有公式的请另存为 .xlsx")
