"""Small workbooks for the tests: .xlsx by XlsxWriter, .ods and .xls by hand, and empty templates filled in."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter

from engine.records.workbook_scan import column_letters

Rows = Sequence[Sequence[Any]]


class Error(str):
    """A cell whose formula went wrong."""


def xlsx(sheets: Mapping[str, Rows], more: Callable[[Any, dict[str, Any]], None] | None = None) -> bytes:
    """Sheets of rows; `more` may go on with the workbook and its sheets by name."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    made = {}
    for name, rows in sheets.items():
        made[name] = sheet = book.add_worksheet(name)
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                match value:
                    case None:
                        pass
                    case Error():
                        sheet.write_formula(at, column, "=NA()", None, str(value))
                    case str():
                        sheet.write_string(at, column, value)
                    case bool():
                        sheet.write_boolean(at, column, value)
                    case date() | time():
                        sheet.write_datetime(at, column, value, day)
                    case _:
                        sheet.write_number(at, column, value)
    if more is not None:
        more(book, made)
    book.close()
    return out.getvalue()


def edited(raw: bytes, part: str, change: Callable[[str], str]) -> bytes:
    """A workbook with one of its parts changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data.decode()).encode() if name == part else data)
    return out.getvalue()


# --- .ods

_NAMES = "office table text"
_SPACES = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in _NAMES.split())
_CALC = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
_MIME = "application/vnd.oasis.opendocument.spreadsheet"


def _ods_cell(value: Any) -> str:
    match value:
        case None:
            return "<table:table-cell/>"
        case Error():
            given = 'office:value-type="string" office:string-value="" calcext:value-type="error"'
        case str():
            given = 'office:value-type="string"'
        case bool():
            given = f'office:value-type="boolean" office:boolean-value="{str(value).lower()}"'
        case date():
            given = f'office:value-type="date" office:date-value="{value.isoformat()}"'
        case _:
            given = f'office:value-type="float" office:value="{value!r}"'
    return f"<table:table-cell {given}><text:p>{escape(str(value))}</text:p></table:table-cell>"


def ods(sheets: Mapping[str, Rows], extra: str = "") -> bytes:
    """As a spreadsheet program writes it, with the empty rest of each sheet repeated; `extra` ends the first row."""
    body = ""
    for name, rows in sheets.items():
        lines = ""
        for at, row in enumerate(rows):
            cells = "".join(map(_ods_cell, row)) + (extra if not at else "")
            lines += f'<table:table-row>{cells}<table:table-cell table:number-columns-repeated="16000"/></table:table-row>'
        rest = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
        body += f'<table:table table:name="{name}">{lines}{rest}</table:table>'
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_SPACES} {_CALC} office:version="1.2">'
        f"<office:body><office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_MIME}"/></manifest:manifest>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", _MIME, zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr("content.xml", content)
    return out.getvalue()


# --- .xls: a compound file with one stream of BIFF8 records


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _bof(kind: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 0, 0, 0x0600))


def _xls_cell(row: int, column: int, value: Any) -> bytes:
    at = struct.pack("<HH", row, column)
    match value:
        case Error():
            return _record(0x0205, at + struct.pack("<HBB", 0, 42, 1))
        case str():
            return _record(0x0204, at + struct.pack("<HHB", 0, len(value), 1) + value.encode("utf-16-le"))
        case bool():
            return _record(0x0205, at + struct.pack("<HBB", 0, value, 0))
        case date():
            return _record(0x0203, at + struct.pack("<Hd", 1, (value - date(1899, 12, 30)).days))
    return _record(0x0203, at + struct.pack("<Hd", 0, value))


def xls(sheets: Mapping[str, Rows]) -> bytes:
    formats = [_record(0x00E0, struct.pack("<HH16x", 0, number)) for number in (0, 14)]
    bodies = []
    for rows in sheets.values():
        cells = [
            _xls_cell(at, column, value)
            for at, row in enumerate(rows)
            for column, value in enumerate(row)
            if value is not None
        ]
        bodies.append(_bof(0x10) + b"".join(cells) + _record(0x0A, b""))
    head = _bof(0x05) + _record(0x0042, struct.pack("<H", 1200)) + b"".join(formats)
    names = [name.encode("utf-16-le") for name in sheets]
    offset = len(head) + sum(12 + len(name) for name in names) + 4
    for name, body in zip(names, bodies, strict=True):
        head += _record(0x0085, struct.pack("<IBBBB", offset, 0, 0, len(name) // 2, 1) + name)
        offset += len(body)
    return _compound(head + _record(0x0A, b"") + b"".join(bodies))


def _compound(stream: bytes) -> bytes:
    free, last, table = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    count = len(stream) // 512
    assert count <= 120
    chain = [table, last, *range(3, 2 + count), last]
    fat = struct.pack("<128I", *chain, *[free] * (128 - len(chain)))

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        words = (name + "\0").encode("utf-16-le")
        head = words.ljust(64, b"\0") + struct.pack("<HBB", len(words), kind, 1)
        return head + struct.pack("<III36xIQ", free, free, child, start, size)

    folder = entry("Root Entry", 5, 1, last, 0) + entry("Workbook", 2, free, 2, len(stream)) + b"\0" * 256
    head = bytes.fromhex("d0cf11e0a1b11ae1") + struct.pack("<16xHHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, last, 0, last, 0)
    return head + struct.pack("<109I", 0, *[free] * 108) + fat + folder + stream


# --- templates filled in


def filled(raw: bytes, sheets: Mapping[str, Rows], first: Mapping[str, int]) -> bytes:
    """An .xlsx with rows typed in from row `first` of each sheet on, every cell in the format of its column."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = re.findall(r'<sheet name="([^"]*)"', archive.read("xl/workbook.xml").decode())
    for name, rows in sheets.items():
        part = f"xl/worksheets/sheet{names.index(name) + 1}.xml"
        raw = edited(raw, part, lambda text, rows=rows, name=name: _typed_in(text, rows, first[name]))  # type: ignore[misc]
    return raw


def _typed_in(text: str, rows: Rows, first: int) -> str:
    styles = {
        column - 1: style
        for first_, last_, style in re.findall(r'<col min="(\d+)" max="(\d+)"[^>]*? style="(\d+)"', text)
        for column in range(int(first_), int(last_) + 1)
    }
    lines = ""
    for at, row in enumerate(rows, first):
        cells = "".join(
            _xml_cell(f"{column_letters(column)}{at}", value, styles.get(column, ""))
            for column, value in enumerate(row)
            if value is not None
        )
        lines += f'<row r="{at}">{cells}</row>'
    return text.replace("</sheetData>", f"{lines}</sheetData>") if rows else text


def _xml_cell(at: str, value: Any, style: str) -> str:
    given = f'r="{at}"' + (f' s="{style}"' if style else "")
    if isinstance(value, str):
        return f'<c {given} t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    if isinstance(value, date):
        value = (datetime(value.year, value.month, value.day) - datetime(1899, 12, 30)).days
    return f"<c {given}><v>{float(value)!r}</v></c>"
