"""CSV bytes → raw records: encoding, separator, headings, and the line on which each record begins."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

from engine.diagnostics import Diagnostic, Place
from engine.names import normalize
from engine.records.problems import Problem, bad_file, cell_count, one_field_twice, unnamed_column
from engine.records.raw import RawRecord, RawRoster

_SEPARATORS = (",", "\t", ";", "；", "，")
WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")


def decode_table(raw: bytes) -> str | None:
    """Text by BOM, else strict UTF-8, else GB18030; None if it is none of them."""
    if raw.startswith(WIDE_BOMS):
        return None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            if raw.startswith(b"\xef\xbb\xbf"):
                return None
    return None


def read_csv(
    raw: bytes, name: str, columns: Callable[[str], tuple[str, ...]]
) -> tuple[RawRoster | None, list[Diagnostic]]:
    """One table under one line of headings; None with E701 if it has no headings, no rows, or cannot be parted.

    `columns` says which column of the policy a heading is: two headings of one column refuse the file.
    """
    text = decode_table(raw)
    if text is None:
        return None, [bad_file(Place(name), "文件不是 UTF-8 或 GB18030 编码", "请另存为「CSV UTF-8」")]
    if not text.strip():
        return None, [bad_file(Place(name), "文件是空的")]
    if "\0" in text:
        return None, [bad_file(Place(name), "文件里有空字符，不是 CSV", "请另存为「CSV UTF-8」")]
    return _read_table(text, name, columns)


def separator_of(text: str) -> str:
    """The comma, unless the line of headings has none and has another."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return next((mark for mark in _SEPARATORS if mark in header), ",")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with something in them, each with the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator_of(text), strict=True)
    line = 1
    for row in reader:
        if any(cell.strip() for cell in row):
            yield line, row
        line = reader.line_num + 1


def _read_table(
    text: str, name: str, columns: Callable[[str], tuple[str, ...]]
) -> tuple[RawRoster | None, list[Diagnostic]]:
    records: list[RawRecord] = []
    headings: list[str] = []
    header_line = at = 0
    unnamed: dict[int, None] = {}
    try:
        for at, row in _rows(text):
            if not headings:
                header_line, headings = at, _trimmed(row)
                both = twice(headings, columns)
                if both:
                    return None, [bad_file(Place(name, at), one_field_twice(*both), "请只留一列")]
                continue
            records.append(_record(at, row, headings, unnamed))
    except csv.Error as error:
        return None, [_bad_csv(name, at + 1, str(error))]
    if not records:
        return None, [bad_file(Place(name, header_line), "名册只有表头，没有记录")]
    notes: list[Problem] = [unnamed_column(number + 1) for number in unnamed]
    return RawRoster(records, noun="行", header_line=header_line, notes=notes[:20]), []


def _trimmed(row: list[str]) -> list[str]:
    """Headings normalised, without the empty ones at the end."""
    words = [normalize(cell) for cell in row]
    while words and not words[-1]:
        words.pop()
    return words


def twice(headings: list[str], columns: Callable[[str], tuple[str, ...]]) -> tuple[str, str] | None:
    """Two headings that are one column; the years of a field do not go with the field as a whole."""
    seen: dict[tuple[str, ...], str] = {}
    for word in headings:
        if not word:
            continue
        column = columns(word)
        first = seen.get(column) or (seen.get(column[:1]) if len(column) > 1 else seen.get((column[0], "")))
        if first is not None:
            return first, word
        seen[column] = word
        if len(column) > 1:
            seen.setdefault((column[0], ""), word)
    return None


def _record(line: int, row: list[str], headings: list[str], unnamed: dict[int, None]) -> RawRecord:
    """Cells by heading. A row of another length may be shifted: nothing of it is taken."""
    width = len(headings)
    if len(row) != width:
        if len(row) < width or any(cell.strip() for cell in row[width:]):
            filled = max(at for at, cell in enumerate(row, 1) if cell.strip())
            count = len(row) if len(row) < width else filled
            return RawRecord(line, None, problems=[cell_count(count, width)])
        row = row[:width]
    cells = dict(zip(headings, row, strict=True))
    if "" in cells:
        for at, word in enumerate(headings):
            if not word and row[at].strip():
                unnamed[at] = None
        del cells[""]
    return RawRecord(line, cells)


def _bad_csv(name: str, line: int, message: str) -> Diagnostic:
    """E701: quotes that do not pair, or a cell without end."""
    if "field larger" in message:
        return bad_file(Place(name, line), "一格的内容太长", "多半是引号没有成对")
    if "unexpected end" in message:
        return bad_file(Place(name, line), "引号到文件末尾也没有闭合", "请把引号成对写好")
    return bad_file(Place(name, line), "引号的写法有误", "内容里的引号要写两个，整格再加引号")
