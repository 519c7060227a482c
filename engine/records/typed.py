"""One raw cell → one typed value, by the type of its field.

A reader is made once per field and remembers what it has read: rosters repeat themselves. A cell gives a value,
`MISSING`, or a `Bad` that says why; groups of cells are `engine.records.shapes`' matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from engine.names import normalize
from engine.policy import FieldDecl
from engine.records import problems
from engine.records.formats import READERS
from engine.records.problems import Bad
from engine.records.raw import DayText, NumberText
from engine.types import AnyT, BoolT, DateT, EnumT, NumberT, RecordsT, SeriesT, TextT, Type
from engine.values import MAX_DIGITS, Number, decimals_of, exact, parse_date

#: How many different cells a reader remembers.
REMEMBERED = 20_000
#: A number of more digits, read as text, may have lost some on its way through a spreadsheet.
SAFE_DIGITS = 15

#: Characters that cannot be seen, control the terminal, or show that a text was damaged.
FORBIDDEN = "\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\\u200b\\u2060\\ufeff\\ufffd"
_FORBIDDEN = re.compile(rf"[{FORBIDDEN}\ud800-\udfff]")
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_DECIMAL = re.compile(r"[+-]?(\d+)(?:\.(\d+))?\Z", re.ASCII)
_PLAIN_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z", re.ASCII)
_DATE_SHAPE = re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}\Z|\d{4}年\d{1,2}月\d{1,2}日\Z", re.ASCII)
_TRUTH = {"是": True, "否": False, "true": True, "false": False}


class Missing:
    """The type of `MISSING`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


def narrow(text: str) -> str:
    """Full-width digits, signs and letters as half-width ones, without surrounding blanks."""
    return text.strip() if text.isascii() else text.translate(_NARROW).strip()


def plain(raw: Any) -> Any:
    """Values that Python code gives in place, as the sources would have written them."""
    if raw is None or isinstance(raw, bool | NumberText | dict | list):
        return raw
    if isinstance(raw, str):
        return str(raw)
    if isinstance(raw, int):
        return NumberText(raw if abs(raw) < 10**MAX_DIGITS else "9" * (MAX_DIGITS + 1))
    if isinstance(raw, Decimal):
        small = raw.is_finite() and abs(raw.adjusted()) <= MAX_DIGITS
        return NumberText(format(raw, "f") if small else str(raw))
    if isinstance(raw, date):
        return raw.isoformat()[:10]
    return list(raw) if isinstance(raw, tuple) else NumberText(raw)


class CellReader:
    """Reads the cells of one field, column or series."""

    __slots__ = ("cells", "kind", "parse", "texts")

    def __init__(self, decl: FieldDecl, kind: Type, parse: Callable[[str], Any] | None = None) -> None:
        self.kind = kind
        self.parse = parse or parser(decl, kind)
        self.texts = isinstance(kind, TextT)
        self.cells: dict[str, Any] = {}

    def read(self, raw: Any) -> Any:
        """A value, MISSING or Bad."""
        written = raw.__class__
        if written is str or (written is NumberText and not self.texts):
            found = self.cells.get(raw)
            if found is None:
                found = self.parse(raw) if raw.strip() else MISSING
                if len(self.cells) < REMEMBERED:
                    self.cells[raw] = found
            return found
        if raw is None:
            return MISSING
        if written is bool:
            return raw if isinstance(self.kind, BoolT) else self.wrong(raw)
        if written is NumberText:
            return self.parse(str(raw)) if not (bad := bad_number_for_text(raw)) else bad
        if isinstance(raw, dict | list):
            return problems.not_single(raw)
        if written is Bad:
            return raw
        if written is DayText:
            return self.parse(str(raw)) if isinstance(self.kind, DateT) else problems.day_cell(raw)
        return self.read(plain(raw))

    def wrong(self, raw: bool) -> Any:
        """What true and false are told where no truth value belongs."""
        return problems.not_text(raw) if self.texts else self.parse("true" if raw else "false")


def bad_number_for_text(raw: NumberText) -> Bad | None:
    """A JSON number in a 文字 field is its decimal text, unless digits may have been lost before it got here."""
    if not _PLAIN_NUMBER.match(raw):
        return problems.not_text(raw)
    return problems.number_for_text(raw) if sum(char.isdigit() for char in raw) > SAFE_DIGITS else None


def parser(decl: FieldDecl, kind: Type) -> Callable[[str], Any]:
    """The function that reads a cell that is not blank."""
    match kind:
        case EnumT():
            return _members(kind, decl.aliases)
        case NumberT():
            return lambda text: _number(decl, text)
        case DateT():
            return lambda text: _day(decl, text)
        case BoolT():
            return _truth
        case TextT() if decl.format:
            return READERS[decl.format]
    return _text


def member_words(kind: EnumT, aliases: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What may be written (NFKC) → the member."""
    words = {normalize(alias): member for alias, member in aliases}
    return words | {normalize(member): member for member in kind.members}


def _members(kind: EnumT, aliases: Iterable[tuple[str, str]]) -> Callable[[str], Any]:
    words = member_words(kind, aliases)

    def read(text: str) -> Any:
        member = words.get(normalize(text))
        return member if member is not None else problems.not_member(text, kind.members, words)

    return read


def _truth(text: str) -> Any:
    word = narrow(text).lower()
    return _TRUTH[word] if word in _TRUTH else problems.not_flag(text)


def _text(text: str) -> Any:
    if bad := _FORBIDDEN.search(text):
        return problems.unreadable_character(text, bad.group())
    return text.strip()


def identifier(text: str) -> Any:
    """A 标识: as a text, with full-width letters and digits as half-width ones."""
    read = _text(text)
    return normalize(read) if isinstance(read, str) else read


def _number(decl: FieldDecl, text: str) -> Any:
    word = narrow(text)
    found = _DECIMAL.match(word)
    if found is None:
        return problems.not_number(text, decl.integer)
    if len(word) > MAX_DIGITS:
        return problems.too_long(text, MAX_DIGITS)
    decimals = found[2] or ""
    value: Number = int(word) if not decimals else exact(Fraction(word))
    fineness = decimals_of(value) or 0
    if decl.decimals is not None and fineness > decl.decimals:
        return problems.not_number(text, True) if decl.integer else problems.too_fine(text, decl.decimals)
    return value if _within(decl, value) else problems.out_of_range(text, *decl.range or (None, None))


def _day(decl: FieldDecl, text: str) -> Any:
    word = narrow(text)
    day = parse_date(word)
    if day is None:
        return problems.not_date(text, bool(_DATE_SHAPE.match(word)))
    return day if _within(decl, day) else problems.out_of_range(text, *decl.range or (None, None))


def _within(decl: FieldDecl, value: Any) -> bool:
    low, high = decl.range or (None, None)
    return (low is None or value >= low) and (high is None or value <= high)


def constant(column: FieldDecl) -> Any:
    """The 缺省 of a column of a 记录, if it is written as a constant; else MISSING."""
    if column.default is None:
        return MISSING
    text = column.default.text.strip()
    if isinstance(column.type, AnyT | SeriesT | RecordsT):
        return MISSING
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    read = CellReader(column, column.type).read(text)
    return MISSING if isinstance(read, Bad) else read
