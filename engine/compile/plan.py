"""The whole statement: results of every record as one row, exact columns, with why and what is missing beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from engine.compile.arithmetic import MOST, bits_for, exact_digits
from engine.compile.dialects import DIALECTS, Dialect
from engine.compile.frame import GROUNDS, Common, Frame, Given
from engine.compile.stages import Relation, Stages
from engine.compile.terms import Term
from engine.program import Program
from engine.types import BoolT, DateT, EnumT, NumberT, SeriesT

ROSTER = "名册"
NOT_APPLICABLE, MISSING_FACTS = "不适用", "信息不足"


@dataclass(frozen=True, slots=True)
class Plan:
    """`relations` end in the results; `columns` are the results in order, as SQL types."""

    relations: tuple[Relation, ...]
    columns: Mapping[str, str]


def compiled(
    program: Program,
    as_of: date,
    readings: Mapping[str, str],
    results: Sequence[str],
    shapes: Mapping[str, str],
    dialect: str = "duckdb",
    data_date: date | None = None,
) -> Plan:
    """Results of every row of the relation 名册, whose columns `shapes` lists."""
    d = DIALECTS[dialect]
    common = Common(d, as_of, data_date or as_of, readings)
    stages = Stages(d, ROSTER, shapes)
    frame = Frame(common, program, stages, Given(shapes))
    return of_records(frame, results)


def of_records(frame: Frame, results: Sequence[str]) -> Plan:
    program, d = frame.program, frame.dialect
    terms = {name: frame.named(name) for name in results}
    opens = {
        name: frame.grounds_open(name) if name in program.grounds else frame.is_open(term)
        for name, term in terms.items() if term.open
    }  # fmt: skip
    opens = {name: sql for name, sql in opens.items() if sql != "FALSE"}
    if opens:
        frame.common.flag = frame.stages.bind("·有缺", "(" + " OR ".join(opens.values()) + ")")
    identifier = d.quote(program.policy.meta.identifier)
    outputs = [(program.policy.meta.identifier, identifier)]
    columns: dict[str, str] = {}
    for name, term in terms.items():
        sql, kind = output(frame, term)
        outputs.append((name, sql))
        columns[name] = kind
    outputs.append((NOT_APPLICABLE, reasons(frame, terms)))
    outputs.append((MISSING_FACTS, missing(frame, terms, opens)))
    return Plan(tuple(frame.stages.relations("结果", outputs)), columns)


def output(frame: Frame, term: Term) -> tuple[str, str]:
    """A term as a column of the results, and its SQL type: exact, NULL unless there is a value."""
    d = frame.dialect
    match term.kind:
        case NumberT():
            return number(frame, term)
        case EnumT():
            return frame.member_text(term), d.string
        case BoolT():
            return d.cast(term.sql, d.truth), d.truth
        case DateT():
            return d.cast(term.sql, d.day), d.day
        case SeriesT():
            return term.sql, "list"
    if term.kind == GROUNDS:
        return d.cast(term.sql, d.list_type(d.string)), d.list_type(d.string)
    return d.cast(term.sql, d.string) if term.sql == "NULL" else term.sql, d.string


def number(frame: Frame, term: Term) -> tuple[str, str]:
    """A whole number, a decimal as narrow as its bounds allow, or a fraction as 分子 and 分母."""
    d = frame.dialect
    assert isinstance(term.kind, NumberT)
    digits = None if term.over else exact_digits(term.den)
    if digits is None:
        bits = bits_for(min(term.low, -1), max(term.high, term.den * term.over_high))
        whole = d.whole[bits]
        bottom = f"{term.den} * {d.cast(term.over, whole)}" if term.over else str(term.den)
        parts = (("分子", d.cast(term.sql, whole)), ("分母", d.cast(bottom, whole)))
        sql = f"CASE WHEN {term.sql} IS NOT NULL THEN {d.struct(parts)} END"
        return sql, d.struct_type((("分子", whole), ("分母", whole)))
    money = term.kind.unit.is_money
    places = max(digits, 2 if money else 0)
    if not places:
        kind = d.whole[bits_for(term.low, term.high)]
        return d.cast(term.sql, kind), kind
    scaled = frame.numbers.times(replace(term, const=term.const), 10**digits // term.den)
    whole_digits = max(len(str(abs(scaled.low))), len(str(abs(scaled.high))), digits + 1)
    if whole_digits + places - digits > 38 or max(abs(scaled.low), abs(scaled.high)) > MOST:
        bits_for(MOST + 1, MOST + 1)
    kind = f"DECIMAL({max(whole_digits + places - digits, places + 1)},{places})"
    if not digits:
        return d.cast(scaled.sql, kind), kind
    unit = f"CAST(0.{'0' * (digits - 1)}1 AS DECIMAL({digits},{digits}))"
    return d.cast(f"CAST({scaled.sql} AS DECIMAL({whole_digits},0)) * {unit}", kind), kind


def reasons(frame: Frame, terms: Mapping[str, Term]) -> str:
    """不适用: result → reason."""
    d = frame.dialect
    pairs = [(name, term.na) for name, term in terms.items() if term.na]
    if not pairs:
        return d.empty_map(d.string)
    texts = frame.common.reasons
    plain = all(not d.names_in(text) for text in texts)
    at = d.list_of(texts)

    def text(na: str) -> str:
        if plain:
            return d.item(at, f"{na} + 1")
        return f"CASE {na} " + " ".join(f"WHEN {i} THEN {text}" for i, text in enumerate(texts)) + " END"

    found = d.map_of([(f"{na} IS NOT NULL", d.text(name), text(na)) for name, na in pairs], d.string)
    any_ = " OR ".join(f"{na} IS NOT NULL" for _, na in pairs)
    return f"CASE WHEN {any_} THEN {found} ELSE {d.empty_map(d.string)} END"


def missing(frame: Frame, terms: Mapping[str, Term], opens: Mapping[str, str]) -> str:
    """信息不足: result → facts."""
    d = frame.dialect
    texts = d.list_type(d.string)
    if not opens:
        return d.empty_map(texts)
    pairs = []
    for name, sql in opens.items():
        facts = terms[name].facts
        assert facts is not None
        pairs.append((sql, d.text(name), d.distinct(facts())))
    return f"CASE WHEN {frame.common.flag} THEN {d.map_of(pairs, texts)} ELSE {d.empty_map(texts)} END"


def dialect_of(name: str) -> Dialect:
    return DIALECTS[name]
