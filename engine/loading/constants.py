"""参数: figures of the regulation, single, by date or by year; and words of the file as values of a type."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from engine.loading import problems
from engine.loading.kinds import PLAIN, UNKNOWN, Kind, Loading, read_kind, read_range
from engine.loading.section import Section, is_blank, iso_date, read_entries
from engine.names import normalize, suggest
from engine.nodes import Mapping, Node, Scalar
from engine.policy import Constant, Dated, NoCell, ParamDecl, Undecided
from engine.types import BOOL, DATE, AnyT, BoolT, DateT, EnumT, NumberT, TextT, Type, describe
from engine.units import BARE
from engine.values import Number, parse_number

_YEAR = re.compile(r"(?:1[89]|2\d)\d\d\Z", re.ASCII)
_MARKERS: dict[str, Constant] = {"信息不足": Undecided(), "不适用": NoCell()}


def constant_of(text: str, kind: Type) -> Constant | None:
    """A word of the file as a value of a type, or None."""
    word = normalize(text)
    match kind:
        case NumberT():
            return parse_number(word)
        case DateT():
            return iso_date(word)
        case BoolT():
            return {"是": True, "否": False}.get(word)
        case EnumT(members):
            return next((member for member in members if normalize(member) == word), None)
        case TextT():
            return text.strip() or None
    return None


def read_params(node: Node | None, loading: Loading) -> dict[str, ParamDecl]:
    params = {}
    for entry in read_entries(node, loading.found):
        name = normalize(entry.key.text)
        params[name] = _read_param(name, entry.key, loading.section(entry), loading)
    return params


def _read_param(name: str, key: Scalar, section: Section, loading: Loading) -> ParamDecl:
    section.require("值")
    value = section.get("值")
    by_year = section.word("类型") == "逐年"
    written = _written(value, section) if section.has("值") else []
    kind = _kind(section, name, [scalar for _, scalar, _ in written], by_year, loading)
    values: list[Dated] = []
    years: list[tuple[int, Dated]] = []
    for since, scalar, citation in written:
        constant = _read_constant(scalar, kind, loading)
        if by_year:
            year = _year(since, loading) if since is not None else None
            if since is None:
                loading.found.append(problems.wrong_shape(scalar, "「年份: 值」"))
            elif year is not None:
                years.append((year, Dated(None, constant, citation, scalar)))
            continue
        day = _since(since, loading) if since is not None else None
        if since is None or day is not None:
            values.append(Dated(day, constant, citation, scalar))
    _check_range(section, kind, [*values, *(dated for _, dated in years)], loading)
    return ParamDecl(
        name=name,
        key=key,
        citation=section.citation,
        note=section.note,
        type=kind.type,
        values=tuple(sorted(values, key=lambda dated: dated.since or date.min)),
        by_year=tuple(sorted(years, key=lambda pair: pair[0])) if by_year else None,
    )


def _check_range(section: Section, kind: Kind, values: Iterable[Dated], loading: Loading) -> None:
    """What is left to a lower level stays within its 范围."""
    limits = read_range(section.get("范围"), kind.type, loading.found)
    low, high = limits or (None, None)
    for dated in values:
        constant = dated.value
        if isinstance(constant, bool) or not isinstance(constant, int | Fraction | date):
            continue
        if (low is not None and constant < low) or (high is not None and constant > high):  # type: ignore[operator]
            loading.found.append(problems.outside(dated.node, section.get("范围") or section.node))


_Written = tuple[Scalar | None, Scalar, Scalar | None]


def _written(value: Node | None, section: Section) -> list[_Written]:
    """What 值 holds: (date or year as written, value, 依据)."""
    if isinstance(value, Scalar):
        return [(None, value, None)]
    if not isinstance(value, Mapping):
        section.found.append(problems.wrong_shape(value or section.node, "一个值，或「日期: 值」"))
        return []
    found: list[_Written] = []
    for entry in value.entries:
        scalar, citation = entry.value, None
        if isinstance(scalar, Mapping):
            inner = Section(scalar, section.found, entry.key)
            if not inner.require("值"):
                continue
            citation, scalar = inner.citation, inner.get("值") or scalar
        if isinstance(scalar, Scalar) and not is_blank(scalar):
            found.append((entry.key, scalar, citation))
        else:
            section.found.append(problems.wrong_shape(scalar, "一个值", "没有定的数写 信息不足"))
    return found


def _kind(section: Section, name: str, scalars: Iterable[Scalar], by_year: bool, loading: Loading) -> Kind:
    """The declared type, or the one that the first value shows."""
    unit = section.unit()
    if not by_year:
        declared = read_kind(section, name, (*PLAIN, "逐年"), loading)
        if declared is not None:
            return declared
    if unit is not None:
        return Kind(NumberT(unit))
    for scalar in scalars:
        word = normalize(scalar.text)
        if word in _MARKERS:
            continue
        if parse_number(word) is not None:
            break
        if iso_date(word) is not None:
            return Kind(DATE)
        if word in ("是", "否"):
            return Kind(BOOL)
        hint = "选项的成员请用「类型」写明选项组" if not any(char.isdigit() for char in word) else ""
        loading.found.append(problems.bad_constant(scalar, scalar.text, "数、日期或是否", hint))
        return UNKNOWN
    return Kind(NumberT(BARE))


def _read_constant(scalar: Scalar, kind: Kind, loading: Loading) -> Constant:
    marker = _MARKERS.get(normalize(scalar.text))
    if marker is not None or isinstance(kind.type, AnyT):
        return marker or Undecided()
    constant = constant_of(scalar.text, kind.type)
    if constant is None or (kind.integer and not isinstance(constant, int)):
        expected = "整数" if kind.integer else describe(kind.type)
        hint = ""
        if isinstance(kind.type, EnumT):
            hint = suggest(scalar.text, kind.type.members) or f"可用：{'、'.join(kind.type.members[:12])}"
        loading.found.append(problems.bad_constant(scalar, scalar.text, expected, hint))
        return Undecided()
    return constant


def _since(key: Scalar, loading: Loading) -> date | None:
    day = iso_date(key.text)
    if day is None:
        if _YEAR.match(normalize(key.text)):
            hint = "按年份的参数请写「类型: 逐年」"
        else:
            hint = "「值」下面按生效日期写，如 2021-10-01；按选项查的数请写成表"
        loading.found.append(problems.not_date(key, key.text, hint))
    return day


def _year(key: Scalar, loading: Loading) -> int | None:
    word = normalize(key.text)
    if not _YEAR.match(word):
        loading.found.append(problems.bad_year(key, key.text))
        return None
    return int(word)


def positive(scalar: Scalar, loading: Loading) -> Number | None:
    """A number above zero."""
    number = parse_number(normalize(scalar.text))
    if number is None or number <= 0:
        loading.found.append(problems.not_number(scalar, scalar.text, "大于 0 的数"))
        return None
    return number
