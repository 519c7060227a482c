"""The bytes of a workbook → sheets of cells; what is no readable workbook is refused with one message.

Owns the kinds of file (.xlsx .xls .ods), the bounds on what they may unpack to, and the error cells, which calamine
gives out as blank. What the cells mean is left to `engine.records.workbook_source`.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.diagnostics import Diagnostic, Place
from engine.records.csv_source import decode_table
from engine.records.problems import bad_file
from engine.records.workbook_scan import Scanned, column_letters, scan_ods, scan_xlsx

SUFFIXES = (".xlsx", ".xls", ".ods")
MAX_UNPACKED = 200_000_000
#: Sheets repeat themselves and pack well, about 10 to 60 times; a file built to burst packs 1,000 times.
MAX_RATIO, RATIO_FROM = 250, 20_000_000
MAX_PARTS = 5_000
#: Cells of all sheets up to the last that hold something, blank ones among them included: they are all held.
MAX_CELLS = 20_000_000

_ZIP, _OLE = b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_SAVE_AS = "请用 Excel 或 WPS 打开，另存为「Excel 工作簿（.xlsx）」"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet; `rows()` gives the cells of each row from row 1 on, as calamine gives them."""

    name: str
    visible: bool
    source: Any = field(repr=False)
    errors: dict[int, dict[int, str]]

    def rows(self) -> Iterator[list[Any]]:
        return iter(self.source.iter_rows())

    @property
    def merged(self) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """First and last cell of every merged range, as (row, column) from 0."""
        return self.source.merged_cell_ranges or []


def open_sheets(raw: bytes, name: str, suffix: str) -> tuple[list[Sheet], list[Diagnostic]]:
    """Sheets that hold cells, in order; none with one E701 if the file cannot be read."""
    refused = _refused(raw, suffix)
    if refused is not None:
        return [], [bad_file(Place(name), *refused)]
    scanned: list[Scanned] = []
    if raw.startswith(_ZIP):
        scanned, refused = _inspect(raw, suffix)
        if refused is not None:
            return [], [bad_file(Place(name), *refused)]
        if sum(sheet.cells for sheet in scanned) > MAX_CELLS:
            widest = max(scanned, key=lambda sheet: sheet.cells)
            last = f"{column_letters(widest.last_column - 1)}{widest.last_row}"
            fact = f"第 {scanned.index(widest) + 1} 个工作表的内容一直到 {last} 格，范围太大"
            hint = f"请删去多余的内容，或另存为 CSV；所有工作表合起来的上限是 {MAX_CELLS // 10_000} 万格"
            return [], [bad_file(Place(name), fact, hint)]
    return _load(raw, name, scanned)


def _refused(raw: bytes, suffix: str) -> tuple[str, str] | None:
    """Why bytes are no workbook of the kind their name says: fact and advice."""
    if not raw:
        return "文件是空的", ""
    if raw.startswith(_OLE):
        if _ENCRYPTED in raw:
            return "工作簿有打开密码，不能读取", "请在 Excel 或 WPS 里去掉密码再另存"
        return (
            None
            if suffix == ".xls"
            else ("文件其实是旧的 .xls 工作簿", f"请把后缀改成 .xls，或{_SAVE_AS[1:]}")
        )
    if raw.startswith(_ZIP):
        return ("文件其实是 .xlsx 或 .ods 工作簿", "请改正文件的后缀") if suffix == ".xls" else None
    start = raw[:2000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        return "文件其实是网页（HTML）或 XML，不是工作簿", _SAVE_AS
    text = decode_table(raw[:100_000] if len(raw) <= 100_000 else raw[:100_000].rpartition(b"\n")[0])
    if text and not any(char < " " and char not in "\t\r\n" for char in text):
        return "文件其实是文本（如 CSV），不是工作簿", "请把后缀改成 .csv，或用 Excel 打开后另存为 .xlsx"
    return "文件已经损坏，或不是工作簿", _SAVE_AS


def _inspect(raw: bytes, suffix: str) -> tuple[list[Scanned], tuple[str, str] | None]:
    """Looks through an archive before it is unpacked: sizes first, then every part in pieces."""
    damaged = ("文件已经损坏，不是完整的工作簿", "请重新复制或另存一份")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            if any(part.flag_bits & 1 for part in parts):
                return [], ("工作簿有打开密码，不能读取", "请去掉密码再另存")
            if (
                unpacked > MAX_UNPACKED
                or len(parts) > MAX_PARTS
                or (unpacked > RATIO_FROM and unpacked > MAX_RATIO * len(raw))
            ):
                fact = f"工作簿解压后有 {unpacked / 1_000_000:.0f} MB、{len(parts)} 个部分，超出上限"
                return [], (fact, f"上限是 {MAX_UNPACKED // 1_000_000} MB；请分成几个文件，或另存为 CSV")
            names = set(archive.namelist())
            if "xl/workbook.xml" in names or "[Content_Types].xml" in names:
                if "xl/workbook.bin" in names or "word/document.xml" in names:
                    return [], ("文件不是 .xlsx 工作簿", _SAVE_AS)
                if suffix == ".ods":
                    return [], ("文件其实是 .xlsx 工作簿", "请把后缀改成 .xlsx")
                return scan_xlsx(archive), None
            if "content.xml" in names:
                if suffix == ".xlsx":
                    return [], ("文件其实是 .ods 工作簿", "请把后缀改成 .ods")
                if b"encryption-data" in archive.read("META-INF/manifest.xml"):
                    return [], ("工作簿有打开密码，不能读取", "请去掉密码再另存")
                return scan_ods(archive), None
            return [], ("文件是压缩包，不是工作簿", _SAVE_AS)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, NotImplementedError, OSError):
        return [], damaged


def _load(raw: bytes, name: str, scanned: list[Scanned]) -> tuple[list[Sheet], list[Diagnostic]]:
    import python_calamine as calamine  # a native module, wanted by workbooks only

    try:
        book = calamine.load_workbook(io.BytesIO(raw))
        found = []
        for at, about in enumerate(book.sheets_metadata):
            if about.typ != calamine.SheetTypeEnum.WorkSheet:
                continue
            errors = scanned[at].errors if at < len(scanned) else {}
            visible = about.visible == calamine.SheetVisibleEnum.Visible
            found.append(Sheet(about.name, visible, book.get_sheet_by_index(at), errors))
    except calamine.PasswordError:
        return [], [bad_file(Place(name), "工作簿有打开密码，不能读取", "请在 Excel 或 WPS 里去掉密码再另存")]
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:  # a panic of the native module is no Exception
        return [], [bad_file(Place(name), "文件已经损坏，不是完整的工作簿", _SAVE_AS)]
    if not found:
        return [], [bad_file(Place(name), "工作簿里没有工作表", _SAVE_AS)]
    return found, []
