"""Types as declarations write them: built-in words, 选项组, options in place, units.

Owns members and their aliases; collects every member with its place for `engine.loading.namespace`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

from engine.diagnostics import Diagnostic
from engine.loading import problems
from engine.loading.section import Section, is_blank, read_day, read_entries, read_number
from engine.names import normalize
from engine.nodes import Entry, Mapping, Node, Scalar, Sequence
from engine.types import ANYTYPE, BOOL, DATE, TEXT, AnyT, DateT, EnumT, NumberT, Type
from engine.units import BARE, Unit
from engine.values import Number

Aliases = tuple[tuple[str, str], ...]

#: Types that a value can have without more being said.
PLAIN = ("文字", "是否", "整数", "数", "日期")
TYPE_WORDS = (*PLAIN, "逐年", "记录")
#: Types of figures in tables and of parameters by year: no free text.
FIGURES = ("数", "整数", "日期", "是否")


@dataclass(frozen=True, slots=True)
class Kind:
    """A type with what only its declaration knows."""

    type: Type
    aliases: Aliases = ()
    integer: bool = False


UNKNOWN = Kind(ANYTYPE)


@dataclass(slots=True)
class Loading:
    """What one run collects: mistakes, 选项组, and words that no declaration may take as its name."""

    found: list[Diagnostic]
    groups: dict[str, Kind] = field(default_factory=dict)
    words: list[tuple[str, Scalar]] = field(default_factory=list)

    def section(self, entry: Entry) -> Section:
        return Section(entry.value, self.found, entry.key)


def read_option_groups(node: Node | None, loading: Loading) -> dict[str, Scalar]:
    """选项组 into `loading.groups`; their names with places."""
    keys: dict[str, Scalar] = {}
    for entry in read_entries(node, loading.found):
        name = normalize(entry.key.text)
        loading.groups[name] = read_options(loading.section(entry), name, loading)
        keys[name] = entry.key
    return keys


def read_options(section: Section, name: str, loading: Loading) -> Kind:
    """{选项, 有序, 别名} → an enum."""
    members: list[str] = []
    seen: dict[str, Scalar] = {}
    for scalar in _option_scalars(section):
        word = normalize(scalar.text)
        if not word:
            loading.found.append(problems.empty_member(scalar))
        elif word in seen:
            loading.found.append(problems.member_twice(scalar, word, seen[word]))
        else:
            seen[word] = scalar
            members.append(scalar.text.strip())
            loading.words.append(("选项", scalar))
    kind = EnumT(tuple(members), section.flag("有序"), name)
    return Kind(kind, read_aliases(section, kind, (), loading.found))


def _option_scalars(section: Section) -> list[Scalar]:
    node = section.get("选项")
    if not isinstance(node, Sequence):
        section.found.append(problems.wrong_shape(node or section.node, "选项的列表", "选项写作 [甲, 乙]"))
        return []
    scalars = [item for item in node.items if isinstance(item, Scalar)]
    strange = (item for item in node.items if not isinstance(item, Scalar))
    section.found.extend(problems.wrong_shape(item, "选项") for item in strange)
    if not node.items:
        section.found.append(problems.empty_member(node))
    return scalars


def read_aliases(section: Section, kind: EnumT, inherited: Aliases, found: list[Diagnostic]) -> Aliases:
    """别名 of an enum, added to those of its 选项组."""
    members = {normalize(member): member for member in kind.members}
    known = {normalize(alias): target for alias, target in inherited}
    aliases = list(inherited)
    for entry in section.entries("别名"):
        alias = normalize(entry.key.text)
        if not isinstance(entry.value, Scalar):
            found.append(problems.wrong_shape(entry.value, "选项"))
            continue
        target = members.get(normalize(entry.value.text))
        if target is None:
            found.append(problems.alias_target(entry.value, alias, entry.value.text, kind.members))
        elif alias in members:
            found.append(problems.alias_collides(entry.key, alias, "与选项相同"))
        elif known.get(alias, target) != target:
            found.append(problems.alias_collides(entry.key, alias, f"在选项组里指「{known[alias]}」"))
        elif alias not in known:
            aliases.append((entry.key.text.strip(), target))
    return tuple(aliases)


def kind_of_word(scalar: Scalar, unit: Unit | None, allowed: Collection[str], loading: Loading) -> Kind:
    """A type's name, built in or a 选项组, as a type."""
    word = normalize(scalar.text)
    if word in allowed:
        match word:
            case "数":
                return Kind(NumberT(unit or BARE))
            case "整数":
                return Kind(NumberT(unit or BARE), integer=True)
            case "文字":
                return Kind(TEXT)
            case "是否":
                return Kind(BOOL)
            case "日期":
                return Kind(DATE)
    if word in loading.groups:
        return loading.groups[word]
    known = (*allowed, *loading.groups)
    loading.found.append(problems.unknown_type(scalar, scalar.text, known, word in TYPE_WORDS))
    return UNKNOWN


def read_kind(section: Section, name: str, allowed: Collection[str], loading: Loading) -> Kind | None:
    """{类型 | 选项, 单位} → a type; None if neither is written and no 单位 either."""
    unit = section.unit()
    if section.has("选项"):
        section.refuse("类型", "没有写「选项」的声明")
        section.refuse("单位", "数")
        return read_options(section, name, loading)
    section.refuse("有序", "写了「选项」的声明")
    scalar = section.scalar("类型")
    if scalar is None:
        return Kind(NumberT(unit)) if unit is not None else None
    kind = kind_of_word(scalar, unit, allowed, loading)
    if not isinstance(kind.type, NumberT | AnyT):
        section.refuse("单位", "数")
    return kind


def read_inline(node: Node | None, name: str, unit: Unit | None, section: Section, loading: Loading) -> Kind:
    """The 值 of a 逐年: a type's name, or {选项: […]} in place."""
    if isinstance(node, Mapping):
        kind = read_kind(Section(node, loading.found, section.node), name, PLAIN, loading)
        return kind or UNKNOWN
    if not isinstance(node, Scalar):
        loading.found.append(problems.wrong_shape(node or section.node, "类型"))
        return UNKNOWN
    return kind_of_word(node, unit, PLAIN, loading)


Range = tuple[Number | date | None, Number | date | None]


def read_range(node: Node | None, kind: Type, found: list[Diagnostic]) -> Range | None:
    """[lo, hi] of numbers or dates, either side open."""
    if node is None or is_blank(node) or not isinstance(kind, NumberT | DateT):
        return None
    if not isinstance(node, Sequence) or len(node.items) != 2:
        found.append(problems.bad_range(node, "范围要写两端"))
        return None
    low, high = (_read_limit(item, kind, found) for item in node.items)
    if low is not None and high is not None and low > high:  # type: ignore[operator]
        found.append(problems.bad_range(node, "范围的最小大于最大"))
        return None
    return low, high


def _read_limit(node: Node, kind: Type, found: list[Diagnostic]) -> Number | date | None:
    if is_blank(node):
        return None
    if not isinstance(node, Scalar):
        found.append(problems.bad_range(node, "范围的一端应是一个值"))
        return None
    return read_day(node, found) if isinstance(kind, DateT) else read_number(node, found)
