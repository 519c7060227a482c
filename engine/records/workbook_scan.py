"""A look at the XML of a workbook before its cells are read: how far they reach, and which of them are errors.

The reader of workbooks holds every cell between the first and the last, and gives error cells out as blank; so both
are found here, in pieces of bounded size. Sheets come in the order of the workbook.
"""

from __future__ import annotations

import html
import posixpath
import re
import xml.parsers.expat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

_PIECE = 4_000_000
#: Attributes hold no `<`, so that no pattern looks further than its tag.
_TAG = rb"<(?:\w+:)?"
_CELL = re.compile(_TAG + rb"c\s[^<>]*?\br=[\"']([A-Z]{1,3}\d{1,7})[\"'][^<>]*(?<!/)>")
_ANY_CELL = re.compile(_TAG + rb"c(?:\s[^<>]*)?(?<!/)>")
_FORMULA = rb"(?:<(?:\w+:)?f(?:[^<>]*/>|[^<>]*>[^<]*</(?:\w+:)?f>))?"
_ERROR = re.compile(
    _TAG
    + rb"c\s(?=[^<>]*\bt=[\"']e[\"'])[^<>]*?\br=[\"']([A-Z]{1,3})(\d{1,7})[\"'][^<>]*>"
    + _FORMULA
    + rb"(?:<(?:\w+:)?v>([^<]*)<)?"
)
_DIGITS, _LETTERS = b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ROW = re.compile(_TAG + rb"row[\s>]")
_SHEET = re.compile(_TAG + rb"sheet\s[^<>]*?\b\w+:id=[\"']([^\"']+)[\"']")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\s[^<>]*>")
_ATTRIBUTE = re.compile(rb"\b(Id|Target)=[\"']([^\"']*)[\"']")


@dataclass(slots=True)
class Scanned:
    """`errors`: row → column → the error, both from 0; the last cell that holds something, from 1."""

    last_row: int = 0
    last_column: int = 0
    errors: dict[int, dict[int, str]] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        return self.last_row * self.last_column

    def reach(self, row: int, column: int) -> None:
        self.last_row, self.last_column = max(self.last_row, row), max(self.last_column, column)

    def error(self, row: int, column: int, text: str) -> None:
        self.errors.setdefault(row, {})[column] = text


def column_number(letters: str) -> int:
    """A → 1, AA → 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(column: int) -> str:
    """0 → A, 26 → AA."""
    letters, left = "", column + 1
    while left:
        left, digit = divmod(left - 1, 26)
        letters = chr(65 + digit) + letters
    return letters


def _pieces(archive: zipfile.ZipFile, name: str, cut: bytes) -> Iterator[bytes]:
    """A part in pieces that end before `cut`, or before a tag where there is none."""
    rest = b""
    with archive.open(name) as stream:
        while chunk := stream.read(_PIECE):
            rest += chunk
            end = max(rest.rfind(cut), 0) or max(rest.rfind(b"<"), 0) or len(rest)
            yield rest[:end]
            rest = rest[end:]
    yield rest


def _unpack(archive: zipfile.ZipFile, but: set[str]) -> None:
    """Reads the other parts in pieces, so that a damaged one is known."""
    for part in archive.infolist():
        if part.filename not in but:
            with archive.open(part) as stream:
                while stream.read(_PIECE):
                    pass


def scan_xlsx(archive: zipfile.ZipFile) -> list[Scanned]:
    """Every sheet of an .xlsx; raises what `zipfile` raises for a damaged archive."""
    paths = _sheet_paths(archive)
    found = [_scan_sheet(archive, path) if path else Scanned() for path in paths]
    _unpack(archive, set(paths))
    return found


def _sheet_paths(archive: zipfile.ZipFile) -> list[str]:
    """The part of each sheet, in the order of the workbook; "" for one that is not there."""
    names = set(archive.namelist())
    targets = {}
    for relation in _RELATION.findall(archive.read("xl/_rels/workbook.xml.rels")):
        given = dict(_ATTRIBUTE.findall(relation))
        target = html.unescape(given.get(b"Target", b"").decode("utf-8", "replace"))
        path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        targets[given.get(b"Id", b"")] = path if path in names else ""
    return [targets.get(key, "") for key in _SHEET.findall(archive.read("xl/workbook.xml"))]


def _scan_sheet(archive: zipfile.ZipFile, path: str) -> Scanned:
    found = Scanned()
    rows = 0
    for piece in _pieces(archive, path, b"<row"):
        rows += len(_ROW.findall(piece))
        cells = _CELL.findall(piece)
        if cells:
            columns = {cell.rstrip(_DIGITS) for cell in cells}
            numbers = {cell.lstrip(_LETTERS) for cell in cells}
            found.reach(max(map(int, numbers)), max(column_number(word.decode()) for word in columns))
        if len(_ANY_CELL.findall(piece)) > len(cells):  # cells without an address follow one another
            widest = max(len(_ANY_CELL.findall(row)) for row in _ROW.split(piece))
            found.reach(rows, widest + found.last_column)
        if b'"e"' in piece or b"'e'" in piece:
            for letters, number, text in _ERROR.findall(piece):
                word = html.unescape(text.decode("utf-8", "replace")) or "错误值"
                found.error(int(number) - 1, column_number(letters.decode()) - 1, word)
    return found


class _OdsScan:
    """Follows rows and cells of content.xml with their repetitions."""

    def __init__(self) -> None:
        self.sheets: list[Scanned] = []
        self.row = self.column = self.rows_repeated = 1
        self.error: tuple[int, int] | None = None
        self.text = ""

    def start(self, name: str, given: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        if name == "table:table":
            self.sheets.append(Scanned())
            self.row = 0
            self.rows_repeated = 1
        elif not self.sheets:
            return
        elif tag == "table-row":
            self.row += self.rows_repeated if self.row else 1
            self.rows_repeated = int(given.get("table:number-rows-repeated", "1"))
            self.column = 0
        elif tag in ("table-cell", "covered-table-cell"):
            repeated = int(given.get("table:number-columns-repeated", "1"))
            if "office:value-type" in given:
                self.sheets[-1].reach(self.row + self.rows_repeated - 1, self.column + repeated)
            if given.get("calcext:value-type") == "error":
                self.error, self.text = (self.row - 1, self.column), ""
            self.column += repeated

    def data(self, text: str) -> None:
        if self.error is not None:
            self.text += text[:40]

    def end(self, name: str) -> None:
        if self.error is not None and name.endswith(":table-cell"):
            self.sheets[-1].error(*self.error, self.text.strip() or "错误值")
            self.error = None


def scan_ods(archive: zipfile.ZipFile) -> list[Scanned]:
    """Every sheet of an .ods; raises ValueError if its content is not well-formed or declares entities."""
    scan = _OdsScan()
    parser = xml.parsers.expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = scan.start, scan.end
    parser.CharacterDataHandler = scan.data
    parser.EntityDeclHandler = _no_entities
    try:
        with archive.open("content.xml") as stream:
            while chunk := stream.read(_PIECE):
                parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except xml.parsers.expat.ExpatError as error:
        raise ValueError(str(error)) from error
    _unpack(archive, {"content.xml"})
    return scan.sheets


def _no_entities(*_: object) -> None:
    raise ValueError("entities")
