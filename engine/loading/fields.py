"""字段: facts of records, of units and of years."""

from __future__ import annotations

from engine.diagnostics import Diagnostic
from engine.loading import problems
from engine.loading.kinds import (
    PLAIN,
    TYPE_WORDS,
    UNKNOWN,
    Kind,
    Loading,
    read_aliases,
    read_inline,
    read_kind,
    read_range,
)
from engine.loading.section import Section, read_entries
from engine.names import normalize
from engine.nodes import Entry, Node, Scalar
from engine.policy import FieldDecl
from engine.types import DateT, EnumT, NumberT, RecordsT, SeriesT, TextT, Type

IDENTITY = "居民身份证号"
FORMATS = (IDENTITY, "手机号码", "统一社会信用代码")
_AGREES = ("出生", "性别")


def read_fields(node: Node | None, loading: Loading) -> dict[str, FieldDecl]:
    """All fields; what they say of each other is checked once all are known."""
    fields = {}
    for entry in read_entries(node, loading.found):
        decl = _read_field(entry, loading, column=False)
        fields[decl.name] = decl
    for entry in read_entries(node, []):
        section = Section(entry.value, [], entry.key)
        _check_owner(section, fields, loading.found)
        _check_agrees(fields[normalize(entry.key.text)], fields, loading.found)
    return fields


def _read_field(entry: Entry, loading: Loading, column: bool) -> FieldDecl:
    name, section = normalize(entry.key.text), loading.section(entry)
    columns: tuple[FieldDecl, ...] = ()
    word = section.word("类型")
    if word == "逐年" and not column:
        kind = UNKNOWN
        if section.require("值", "类型为逐年的字段"):
            kind = read_inline(section.get("值"), name, section.unit(), section, loading)
    elif word == "记录" and not column:
        columns = tuple(_read_field(inner, loading, column=True) for inner in section.entries("栏目"))
        loading.words.extend(("栏目", decl.key) for decl in columns)
        kind = Kind(RecordsT(tuple((decl.name, decl.type) for decl in columns)))
    else:
        found = read_kind(section, name, PLAIN if column else TYPE_WORDS, loading)
        if found is None or not (section.has("类型") or section.has("选项")):
            section.require("类型")
        kind = found or UNKNOWN
    _check_keys(section, kind, word, column)
    integer = kind.integer
    aliases = kind.aliases
    if isinstance(kind.type, EnumT) and not section.has("选项"):
        aliases = read_aliases(section, kind.type, aliases, loading.found)
    return FieldDecl(
        name=name,
        key=entry.key,
        citation=section.citation,
        note=section.note,
        type=SeriesT(kind.type) if word == "逐年" and not column else kind.type,
        aliases=aliases,
        headings=section.texts("列名"),
        default=section.formula("缺省"),
        decimals=0 if integer else section.whole("小数位"),
        range=read_range(section.get("范围"), kind.type, loading.found),
        yearly=section.flag("年度"),
        owner=section.word("对象"),
        format=section.choice("格式", FORMATS),
        agrees=_read_agrees(section) if section.word("格式") == IDENTITY else (),
        register=section.choice("用途", ("登记",)) == "登记",
        integer=integer,
        provider=section.text("提供"),
        columns=columns,
    )


def _check_keys(section: Section, kind: Kind, word: str, column: bool) -> None:
    """Keys that do not go with the type; a type that could not be read is not blamed twice."""
    if kind is UNKNOWN:
        return
    number = isinstance(kind.type, NumberT)
    if not number and word in ("逐年", "记录"):
        section.refuse("单位", "数")
    if not number or kind.integer:
        section.refuse("小数位", "类型为数的字段")
    if not number and not isinstance(kind.type, DateT):
        section.refuse("范围", "数和日期")
    if not isinstance(kind.type, EnumT):
        section.refuse("别名", "选项")
    if word != "逐年":
        section.refuse("值", "逐年的字段")
    if word != "记录":
        section.refuse("栏目", "记录")
    else:
        section.require("栏目", "类型为记录的字段")
    if not isinstance(kind.type, TextT):
        section.refuse("格式", "文字")
    if section.word("格式") != IDENTITY:
        section.refuse("对照", f"「格式: {IDENTITY}」的字段")
    if word in ("逐年", "记录"):
        section.refuse("年度", "逐年和记录以外的字段")
        section.refuse("选项", "没有写「类型」的字段")
        section.refuse("有序", "写了「选项」的字段")
    if column:
        section.refuse("对象", "字段，不用于栏目")
        section.refuse("年度", "字段，不用于栏目")


def _read_agrees(section: Section) -> tuple[tuple[str, Scalar], ...]:
    """对照: which parts of the number agree with which fields."""
    pairs = []
    for entry in section.entries("对照"):
        part = normalize(entry.key.text)
        if part not in _AGREES:
            section.found.append(problems.not_choice(entry.key, entry.key.text, _AGREES))
        elif isinstance(entry.value, Scalar):
            pairs.append((part, entry.value))
        else:
            section.found.append(problems.wrong_shape(entry.value, "字段的名称"))
    return tuple(pairs)


def _check_owner(section: Section, fields: dict[str, FieldDecl], found: list[Diagnostic]) -> None:
    """对象 names a field by which records belong to units."""
    scalar = section.scalar("对象")
    if scalar is None:
        return
    owner = fields.get(normalize(scalar.text))
    if owner is None:
        found.append(problems.unknown_field(scalar, "对象", scalar.text, fields))
    elif not isinstance(owner.type, TextT | EnumT) or owner.owner:
        found.append(problems.unfit_field(scalar, "对象", owner.name, "文字或选项"))


def _check_agrees(decl: FieldDecl, fields: dict[str, FieldDecl], found: list[Diagnostic]) -> None:
    """对照: 出生 agrees with a date, 性别 with options."""
    for part, scalar in decl.agrees:
        other = fields.get(normalize(scalar.text))
        expected: type[Type] = DateT if part == "出生" else EnumT
        if other is None:
            found.append(problems.unknown_field(scalar, "对照", scalar.text, fields))
        elif not isinstance(other.type, expected):
            wanted = "日期" if part == "出生" else "选项"
            found.append(problems.unfit_field(scalar, "对照", other.name, wanted))
