"""Columns of a file as the fields of a policy: what each is read as, and the check that finds its bad cells.

Only texts are made here. What a bad cell is told is left to `engine.records`, which reads the bad rows once more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from engine.bulk.formats import birth_in, is_formed, sex_in
from engine.compile.dialects import Dialect
from engine.compile.frame import MOST_DECIMALS, MOST_DIGITS, words_of
from engine.diagnostics import Diagnostic, Place
from engine.names import normalize
from engine.policy import FieldDecl, Policy
from engine.records import problems
from engine.records.row import Fields
from engine.records.typed import FORBIDDEN
from engine.tables import show
from engine.types import BoolT, DateT, EnumT, NumberT, RecordsT, SeriesT, TextT, Type
from engine.values import MAX_DIGITS

_WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?\Z")
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)\Z")
#: As DuckDB's regular expressions write it.
_STRANGE = re.sub(r"\\u([0-9a-f]{4})", r"\\x{\1}", FORBIDDEN)
#: Blanks that only the reader of records takes off.
_BLANKS = r"\t-\r\x1c-\x1f\x{85}\x{2028}\x{2029}"
#: What is not in texts that stay as they are when they are normalised.
_NOT_PLAIN = r"[^ -~\x{b7}\x{3400}-\x{4dbf}\x{4e00}-\x{9fff}]"
#: Digits of a number that may have lost some.
_SAFE = 15
#: The four ways of writing a day.
_PARTS = "[0-9]{4}%s[0-9]{1,2}%s[0-9]{1,2}"
_DAY = "|".join((_PARTS.replace("%s", "-"), _PARTS.replace("%s", "/"), _PARTS.replace("%s", r"\."))) + (
    "|[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日"
)
#: The type of a column without a value.
NULLS = '"NULL"'
_WIDE_CHARS, _NARROW_CHARS = "０１２３４５６７８９．－＋／年　", "0123456789.-+/年 "


@dataclass(frozen=True, slots=True)
class Cell:
    """A column of single texts: the field it is of, its type, what it is read as, and its check."""

    field: str
    kind: Type
    typed: str
    bad: str


@dataclass(slots=True)
class Reading:
    """A file's columns for one policy. `typed`: field → SQL over the file's columns; `bad`: field → its check, never
    NULL; `shapes` as `engine.compile.frame.Given` has them; `raw`: field → the file's columns."""

    typed: dict[str, str] = field(default_factory=dict)
    bad: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, str] = field(default_factory=dict)
    raw: dict[str, list[str]] = field(default_factory=dict)
    #: exact checks of series over the typed column, for where a packed reading shows something
    doubtful: dict[str, str] = field(default_factory=dict)
    #: columns of single texts, whose bad cells the reader of records may know better
    cells: dict[str, Cell] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)


class ColumnReader:
    """Columns with their SQL types → `Reading`. `more_words`: field → other ways of writing a member → the member;
    `known`: column → (whether its text is one that the reader of records has read, what it read), in SQL."""

    def __init__(
        self,
        policy: Policy,
        dialect: Dialect,
        file: str,
        more_words: Mapping[str, Mapping[str, str]],
        known: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self.policy, self.dialect, self.file, self.more_words = policy, dialect, file, more_words
        self.known = known or {}
        owners = {decl.owner for decl in policy.fields.values() if decl.owner}
        #: texts that are one if they are alike when normalised
        self.normal = owners | {normalize(key.text) for group in policy.groups.values() for key in group.by}
        self.fields = Fields(policy)
        self.found = Reading()

    def read(self, columns: Mapping[str, str]) -> Reading:
        wide: dict[str, list[tuple[int, str, str]]] = {}
        for heading, kind in columns.items():
            slot = self.fields.slot(heading)
            if not slot.name:
                problem = problems.unknown_column(slot.label, self.fields.headings, slot.label[:40])
                self.say(problem.code, problem.said, problem.hint, heading)
            elif kind == NULLS:
                continue  # nothing in it, as if it were not there
            elif slot.year is not None:
                wide.setdefault(slot.name, []).append((slot.year, heading, kind))
            elif slot.name in self.found.typed:
                self.say(
                    "E790",
                    f"「{slot.name}」有两列：「{self.found.raw[slot.name][0]}」和「{heading}」",
                    "留下一列",
                    heading,
                )
            else:
                self.column(self.policy.fields[slot.name], heading, kind)
        for name, parts in wide.items():
            self.wide(self.policy.fields[name], parts)
        for decl in self.policy.fields.values():
            if decl.agrees and self.found.shapes.get(decl.name) == "plain":
                self.agreement(decl)
        return self.found

    def say(self, code: str, said: str, hint: str, heading: str) -> None:
        self.found.diagnostics.append(Diagnostic(code, said, Place(self.file, locator=heading), hint))

    def keep(self, name: str, typed: str, bad: str, shape: str, raw: list[str]) -> None:
        found = self.found
        found.typed[name], found.bad[name], found.shapes[name], found.raw[name] = typed, bad, shape, raw

    # --- whole fields ----------------------------------------------------------------------------------

    def column(self, decl: FieldDecl, heading: str, kind: str) -> None:
        column = self.dialect.quote(heading)
        match decl.type:
            case SeriesT():
                made = self.series(decl, column, kind)
            case RecordsT():
                made = self.rows(decl, column, kind)
            case _ if kind.startswith("MAP("):
                made = self.dated(decl, column, kind)
            case _:
                read = self.known_cell(decl, decl.type, heading, kind)
                made = None if read is None else (*read, "plain")
        if made is None:
            said = f"「{heading}」列的类型是 {kind}，不能读作{self.wanted(decl)}"
            self.say("E791", said, self.advice(decl.type, kind), heading)
            return
        typed, bad, shape = made
        self.keep(decl.name, typed, bad, shape, [heading])

    @staticmethod
    def wanted(decl: FieldDecl) -> str:
        match decl.type:
            case SeriesT():
                return "逐年的值"
            case RecordsT():
                return "记录"
            case NumberT():
                return "数"
            case DateT():
                return "日期"
            case BoolT():
                return "是否"
        return "文字"

    @staticmethod
    def advice(kind: Type, found: str) -> str:
        if found == "JSON":
            return "各行的写法不一样，有的是一组值，或者是没有加引号的长数字；请统一写法，长数字加上引号"
        if found in ("FLOAT", "DOUBLE", "REAL"):
            return "浮点数不精确，请改存为 DECIMAL、整数或文字"
        match kind:
            case SeriesT():
                return "应为 LIST<STRUCT<年份, 值>> 或 MAP<年份, 值>，或者每年一列"
            case RecordsT():
                return "应为 LIST<STRUCT<…>>，栏目与政策的「栏目」同名"
            case DateT():
                return "应为 DATE、没有时刻的 TIMESTAMP 或文字"
        return "应为文字，或与字段类型相符的列"

    # --- single values ---------------------------------------------------------------------------------

    def known_cell(self, decl: FieldDecl, kind: Type, heading: str, found: str) -> tuple[str, str] | None:
        """A cell that is a column of its own: texts that were read before are taken as they were read."""
        read = self.cell(decl, kind, self.dialect.quote(heading), found)
        if read is None or found != "VARCHAR":
            return read
        self.found.cells[heading] = Cell(decl.name, kind, *read)
        if heading not in self.known:
            return read
        is_known, value = self.known[heading]
        return f"CASE WHEN {is_known} THEN {value} ELSE {read[0]} END", f"(NOT {is_known} AND {read[1]})"

    def text(self, decl: FieldDecl, raw: str, found: str) -> tuple[str, str] | None:
        """A text; whole numbers are texts too, unless digits may have been lost."""
        d, decimal = self.dialect, _DECIMAL.match(found)
        word, wrong = f"NULLIF(trim({raw}), '')", ""
        if _WHOLE.match(found) or (decimal is not None and decimal[2] == "0"):
            number = raw if decimal is None else d.cast(raw, d.whole[128])
            word = d.cast(number, d.string)
            wrong = f"length(ltrim({word}, '-')) > {_SAFE}"
        elif found != "VARCHAR":
            return None
        if decl.format:
            word = f"upper({word})"
            wrong = f"NOT {is_formed(d, decl.format, word)}" + (f" OR {wrong}" if wrong else "")
        elif not wrong:
            same = decl.name == self.policy.meta.identifier or decl.name in self.normal
            wrong = d.has_match(raw, _NOT_PLAIN if same else f"[{_STRANGE}{_BLANKS}]")
            if simple := d.is_simple(raw):
                wrong = f"CASE WHEN {simple} THEN FALSE ELSE {wrong} END"
                word = f"CASE WHEN {simple} AND {raw} <> '' THEN {raw} ELSE {word} END"
        return word, f"COALESCE({wrong}, FALSE)"

    def agreement(self, decl: FieldDecl) -> None:
        """对照: an identity number against the fields that give the day of birth and the sex, where both are given."""
        found = self.found
        number, wrong = found.typed[decl.name], []
        for part, scalar in decl.agrees:
            name = normalize(scalar.text)
            if found.shapes.get(name) != "plain":
                continue
            given, other = found.typed[name], self.policy.fields[name]
            if part == "出生":
                wrong.append(f"COALESCE({birth_in(self.dialect, number)} <> {given}, FALSE)")
            elif isinstance(other.type, EnumT):
                words = words_of(other, other.type) | dict(self.more_words.get(name, {}))
                arms = [(w, m[:1]) for w, m in words.items() if m[:1] in ("男", "女")]
                if arms:
                    cases = " ".join(f"WHEN {self.dialect.text(w)} THEN '{sex}'" for w, sex in arms)
                    wrong.append(f"COALESCE(CASE {given} {cases} END <> {sex_in(number)}, FALSE)")
        if wrong:
            found.bad[decl.name] = f"({found.bad[decl.name]} OR {' OR '.join(wrong)})"

    def cell(self, decl: FieldDecl, kind: Type, raw: str, found: str) -> tuple[str, str] | None:
        """What one value is read as, and whether it is bad; None if the column's type does not serve."""
        is_text = found == "VARCHAR" or found.startswith("ENUM(")
        if found.startswith("ENUM("):
            raw = self.dialect.cast(raw, self.dialect.string)
        if found == NULLS:
            return self.dialect.cast("NULL", self.natural(decl, kind)), "FALSE"
        blank = f"trim({raw}) = ''"
        match kind:
            case EnumT():
                if not is_text:
                    return None
                words = words_of(decl, kind) | dict(self.more_words.get(decl.name, {}))
                typed = raw
                if more := self.more_words.get(decl.name):
                    arms = " ".join(
                        f"WHEN {self.dialect.text(w)} THEN {self.dialect.text(m)}" for w, m in more.items()
                    )
                    typed = f"CASE {raw} {arms} ELSE {raw} END"
                known = self.dialect.is_among(raw, words)
                return typed, f"CASE WHEN {known} THEN FALSE ELSE COALESCE(NOT {blank}, FALSE) END"
            case TextT():
                return self.text(decl, raw, found)
            case BoolT():
                if found == "BOOLEAN":
                    return raw, "FALSE"
                if not is_text:
                    return None
                word = f"lower(trim({raw}))"
                typed = f"CASE WHEN {word} IN ('是', 'true') THEN TRUE WHEN {word} IN ('否', 'false') THEN FALSE END"
                return typed, f"({typed} IS NULL AND NOT COALESCE({blank}, TRUE))"
            case DateT():
                return self.day(decl, raw, found, is_text)
            case NumberT():
                return self.number(decl, raw, found, is_text)
        return None

    def natural(self, decl: FieldDecl, kind: Type) -> str:
        match kind:
            case NumberT():
                return "BIGINT" if decl.integer else f"DECIMAL(18,{self.digits(decl)})"
            case BoolT():
                return "BOOLEAN"
            case DateT():
                return self.dialect.day
        return self.dialect.string

    @staticmethod
    def digits(decl: FieldDecl) -> int:
        return 0 if decl.integer else MOST_DECIMALS if decl.decimals is None else decl.decimals

    def day(self, decl: FieldDecl, raw: str, found: str, is_text: bool) -> tuple[str, str] | None:
        if is_text:
            text = self.narrow(raw)
            day = self.dialect.try_cast(f"translate({text}, '/.年月日', '----')", self.dialect.day)
            typed = f"CASE WHEN {self.dialect.full_match(text, _DAY)} THEN {day} END"
            wrong = f"({typed} IS NULL AND NOT COALESCE(trim({raw}) = '', TRUE))"
        elif found == "DATE":
            typed, wrong = raw, "FALSE"
        elif found.startswith("TIMESTAMP") and "ZONE" not in found:
            typed = f"CAST({raw} AS DATE)"
            wrong = f"COALESCE(CAST({raw} AS TIMESTAMP) <> CAST({typed} AS TIMESTAMP), FALSE)"
        else:
            return None
        low, high = decl.range or (None, None)
        first = low if isinstance(low, date) else date(1800, 1, 1)
        last = high if isinstance(high, date) else date(2999, 12, 31)
        return self.within(typed, wrong, self.dialect.date(first), self.dialect.date(last))

    @staticmethod
    def within(typed: str, wrong: str, low: str, high: str) -> tuple[str, str]:
        """Nothing of what is out of range goes on into formulas, whose columns are only wide enough for what is within."""
        outside = f"COALESCE({typed} NOT BETWEEN {low} AND {high}, FALSE)"
        inside = f"CASE WHEN {typed} BETWEEN {low} AND {high} THEN {typed} END"
        return inside, outside if wrong == "FALSE" else f"({wrong} OR {outside})"

    def narrow(self, raw: str) -> str:
        return f"translate(trim({raw}), '{_WIDE_CHARS}', '{_NARROW_CHARS}')"

    def number(self, decl: FieldDecl, raw: str, found: str, is_text: bool) -> tuple[str, str] | None:
        d, digits = self.dialect, self.digits(decl)
        decimal = _DECIMAL.match(found)
        if is_text:
            text = self.narrow(raw)
            tail = rf"(\.[0-9]{{1,{digits}}}0*)?" if digits else r"(\.0+)?"
            form = f"[+-]?0*[0-9]{{1,{MOST_DIGITS}}}{tail}"
            good = f"{d.full_match(text, form)} AND length({text}) <= {MAX_DIGITS}"
            kind = f"DECIMAL({min(38, MOST_DIGITS + digits + 1)},{digits})" if digits else "BIGINT"
            number = f"CASE WHEN {good} THEN {d.try_cast(text, f'DECIMAL(38,{digits})')} END"
            typed = f"CAST({number} AS {kind})"
            wrong = f"({typed} IS NULL AND NOT COALESCE(trim({raw}) = '', TRUE))"
        elif _WHOLE.match(found):
            typed, wrong = raw, "FALSE"
            if found != "BIGINT":  # narrow ones overflow when they are scaled
                typed = f"TRY_CAST({raw} AS BIGINT)"
            if found.startswith(("U", "HUGE")):
                wrong = f"({typed} IS NULL AND {raw} IS NOT NULL)"
        elif decimal is not None:
            width, scale = int(decimal[1]), int(decimal[2])
            typed, wrong = raw, "FALSE"
            if scale > digits or width <= 18 < width + digits + 1:  # the second overflows when it is scaled
                kind = f"DECIMAL({min(38, MOST_DIGITS + digits + 1)},{digits})"
                typed = f"TRY_CAST({raw} AS {kind})"
                wrong = f"COALESCE({typed} IS NULL OR {typed} <> {raw}, FALSE) AND {raw} IS NOT NULL"
        else:
            return None
        low, high = decl.range or (None, None)
        most = 10**MOST_DIGITS
        bounds = (str(-most) if low is None else show(low), str(most) if high is None else show(high))
        return self.within(typed, wrong, *bounds)

    # --- groups of values --------------------------------------------------------------------------------

    def series(self, decl: FieldDecl, raw: str, found: str) -> tuple[str, str, str] | None:
        assert isinstance(decl.type, SeriesT)
        inner = list_of_years(found)
        if inner is None:
            return None
        (year, year_kind), (value, value_kind), is_map = inner
        read = self.cell(decl, decl.type.item, self.dialect.field("x", value), value_kind)
        if read is None or not (_WHOLE.match(year_kind) or year_kind == "VARCHAR"):
            return None
        d = self.dialect
        items = d.entries(raw) if is_map else raw
        key = d.field("x", year)
        number = key
        if not _WHOLE.match(year_kind):
            year_text = f"CASE WHEN {d.full_match(key, '[0-9]{4}年?')} THEN substr({key}, 1, 4) END"
            number = d.cast(year_text, d.whole[32])
        as_is = (
            (year, value) == ("年份", "值") and number == key and read[0] == self.dialect.field("x", value)
        )
        typed = items
        if not as_is or is_map:
            typed = d.each(items, "x", d.struct((("年份", d.cast(number, d.whole[32])), ("值", read[0]))))
        if isinstance(decl.type.item, EnumT):
            own, year_ = d.quote(decl.name), d.field("x", "年份")
            again = self.cell(decl, decl.type.item, d.field("x", "值"), "VARCHAR")
            assert again is not None
            wrong = f"NOT COALESCE({year_} BETWEEN 1800 AND 2999, FALSE) OR {again[1]}"
            twice = d.has_twice(d.each(own, "x", year_))
            exact = f"COALESCE({d.any_true(own, 'x', wrong)} OR {twice}, FALSE)"
            self.found.doubtful[decl.name] = exact
            return typed, "FALSE", "plain"
        wrong = f"NOT COALESCE({number} BETWEEN 1800 AND 2999, FALSE) OR {read[1]}"
        twice = d.has_twice(d.each(items, "x", number))
        bad = f"COALESCE({d.any_true(items, 'x', wrong)} OR {twice}, FALSE)"
        return typed, bad, "plain"

    def wide(self, decl: FieldDecl, parts: Sequence[tuple[int, str, str]]) -> None:
        """A column a year, as one list; blank years are not written."""
        assert isinstance(decl.type, SeriesT)
        if decl.name in self.found.typed or len({year for year, *_ in parts}) < len(parts):
            said = f"「{decl.name}」有几列说的是同样的年份"
            self.say("E790", said, "一年留下一列", parts[0][1])
            return
        items, bads = [], []
        for year, heading, kind in sorted(parts):
            read = self.known_cell(decl, decl.type.item, heading, kind)
            if read is None:
                said = f"「{heading}」列的类型是 {kind}，不能读作「{decl.name}」的值"
                self.say("E791", said, self.advice(decl.type.item, kind), heading)
                return
            items.append(self.dialect.struct((("年份", str(year)), ("值", read[0]))))
            bads.append(read[1])
        value = self.dialect.field("x", "值")
        given = f"{value} IS NOT NULL"
        if isinstance(decl.type.item, EnumT | TextT):
            given += f" AND {value} <> ''"
        whole = self.dialect.where(self.dialect.list_of(items), "x", given)
        self.keep(
            decl.name, whole, f"({' OR '.join(bads)})", "plain", [heading for _, heading, _ in sorted(parts)]
        )

    def rows(self, decl: FieldDecl, raw: str, found: str) -> tuple[str, str, str] | None:
        parts = struct_list(found)
        if parts is None and found == "VARCHAR[]" and len(decl.columns) == 1:
            parts = {"": "VARCHAR"}
        if parts is None and found.endswith("[]"):  # a type that says nothing: all lists may be empty
            d = self.dialect
            kinds = [(column.name, self.natural(column, column.type)) for column in decl.columns]
            none = f"CASE WHEN {raw} IS NOT NULL THEN {d.cast(d.list_of([]), d.list_type(d.struct_type(kinds)))} END"
            return none, f"COALESCE({d.length(raw)} > 0, FALSE)", "plain"
        if parts is None:
            return None
        d, made, bads = self.dialect, [], []
        for column in decl.columns:
            heading = next((h for h in (column.name, *column.headings, "") if h in parts), None)
            if heading is None:
                made.append((column.name, d.cast("NULL", self.natural(column, column.type))))
                continue
            inner = d.field("x", heading) if heading else "x"
            read = self.cell(column, column.type, inner, parts[heading])
            if read is None:
                return None
            made.append((column.name, read[0]))
            bads.append(read[1])
        wrong = " OR ".join(bad for bad in bads if bad != "FALSE")
        bad = f"COALESCE({d.any_true(raw, 'x', wrong)}, FALSE)" if wrong else "FALSE"
        return d.each(raw, "x", d.struct(made)), bad, "plain"

    def dated(self, decl: FieldDecl, raw: str, found: str) -> tuple[str, str, str] | None:
        """A MAP from day to value."""
        key_kind, value_kind = map_parts(found)
        days = FieldDecl(name="日期", key=decl.key, type=DateT())
        key = self.cell(days, DateT(), self.dialect.field("x", "key"), key_kind)
        value = self.cell(decl, decl.type, self.dialect.field("x", "value"), value_kind)
        if key is None or value is None:
            return None
        d = self.dialect
        entries = d.entries(raw)
        pairs = d.each(entries, "x", d.struct((("k", key[0]), ("v", value[0]))))
        typed = f"CASE WHEN {d.length(entries)} > 0 THEN map_from_entries({pairs}) END"
        wrong = f"{key[0]} IS NULL OR {key[1]} OR {value[1]}"
        twice = d.has_twice(d.each(entries, "x", key[0]))
        bad = f"COALESCE({d.any_true(entries, 'x', wrong)} OR {twice}, FALSE)"
        return f"CASE WHEN {bad} THEN NULL ELSE {typed} END", bad, "dated"


# --- what types of nested columns say ----------------------------------------------------------------------


def split_top(text: str) -> list[str]:
    """Parts between the commas that are in no bracket and no quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for at, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif not quoted and char in "([":
            depth += 1
        elif not quoted and char in ")]":
            depth -= 1
        elif not quoted and char == "," and not depth:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]


def map_parts(kind: str) -> tuple[str, str]:
    key, value = split_top(kind[len("MAP(") : -1])
    return key, value


def struct_list(kind: str) -> dict[str, str] | None:
    """The fields of a list of structs, or None."""
    if not (kind.startswith("STRUCT(") and kind.endswith(")[]")):
        return None
    found = {}
    for part in split_top(kind[len("STRUCT(") : -3]):
        if part.startswith('"'):
            end = part.index('"', 1)
            found[part[1:end]] = part[end + 1 :].strip()
        else:
            name, _, rest = part.partition(" ")
            found[name] = rest
    return found


def list_of_years(kind: str) -> tuple[tuple[str, str], tuple[str, str], bool] | None:
    """(year's name and type, value's name and type, whether it is a map) of a column that can be a series."""
    if kind.startswith("MAP("):
        key_kind, value_kind = map_parts(kind)
        return ("key", key_kind), ("value", value_kind), True
    parts = struct_list(kind)
    if parts is None or len(parts) != 2:
        return None
    year = next((name for name in parts if name in ("年份", "年度", "year")), None)
    value = next((name for name in parts if name != year), None)
    if year is None or value is None:
        return None
    return (year, parts[year]), (value, parts[value]), False
