"""The whole statement: results of every record as one row, exact columns, with why and what is missing beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product

from engine.compile.arithmetic import bits_for, exact_digits
from engine.compile.dialects import DIALECTS, MOST, Dialect
from engine.compile.frame import GROUNDS, Common, Frame, Given
from engine.compile.groups import BAD, ROSTER, ROW, Groups, OwnGroups, RestsOn, asked_of, by_column
from engine.compile.stages import Relation, Stages
from engine.compile.terms import Term
from engine.program import Program
from engine.types import BoolT, DateT, EnumT, NumberT, RecordsT, SeriesT

_LITERAL = re.compile(r"'(?:[^']|'')*'")
NOT_APPLICABLE, MISSING_FACTS = "不适用", "信息不足"
#: Ways to be closed are listed for so many conditions and columns of reasons; what is beyond is put together row by row.
MOST_CONDITIONS, MOST_COLUMNS = 10, 10


@dataclass(frozen=True, slots=True)
class Plan:
    """`relations` end in the results; `columns` are the results in order, as SQL types; `groups` is a SELECT of the
    figures of groups over the relations, "" for none."""

    relations: tuple[Relation, ...]
    columns: Mapping[str, str]
    groups: str = ""


def compiled(
    program: Program,
    as_of: date,
    readings: Mapping[str, str],
    results: Sequence[str],
    shapes: Mapping[str, str],
    dialect: str = "duckdb",
    data_date: date | None = None,
    shown: Sequence[str] = (),
    rejected: str = "",
    units: Mapping[str, tuple[str, Mapping[str, str]]] | None = None,
    checks: Checks | None = None,
    asked: RestsOn | None = None,
) -> Plan:
    """Results of every row of the relation 名册, whose columns `shapes` lists, and the figures of the 集体 `shown`; `asked` is
    what `asked_of` has found, if it has been asked.

    With groups the roster has a column `·行`, the number of the row; `rejected` names the relation of rows left out,
    `units` those of units by their field, each with its columns. Rows that `checks` find are left out.
    """
    d = DIALECTS[dialect]
    if asked is None:
        asked = asked_of(Common(d, as_of, data_date or as_of, readings), program, results, shapes, shown)
    if not asked.groups and not units:
        return of_records(asked.frame, results, checks)
    common = Common(d, as_of, data_date or as_of, readings)
    made = Groups(common, program, shapes, ROSTER, rejected, units)
    made.build(asked.groups)
    stages = Stages(d, "记录·全", made.all_columns())
    frame = Frame(common, program, stages, made.given())
    frame.groups = OwnGroups(made, frame)
    found = of_records(frame, results, None)
    whole = Relation("记录·全", made.joined())
    figures = made.results(shown)
    return Plan((*made.relations, whole, *found.relations), found.columns, figures)


@dataclass(frozen=True, slots=True)
class Checks:
    """What makes a row one to be left out: a truth value over the columns of 名册, and for series that are packed, whose
    reading shows most mistakes by itself, the exact check for where it shows something."""

    bad: str
    doubtful: Mapping[str, str]


def found_bad(frame: Frame, checks: Checks) -> str:
    """Whether a row is one to be left out, as a column."""
    d = frame.dialect
    tests = [] if checks.bad == "FALSE" else [checks.bad]
    for name, exact in checks.doubtful.items():
        pack = frame.field(name).pack
        if pack is None:
            tests.append(exact)
            continue
        whole = f"{frame.bit_count(pack.present)} = {d.length(d.quote(name))}"
        tests.append(f"CASE WHEN {pack.fits} AND {whole} THEN FALSE ELSE {exact} END")
    return frame.stages.bind("·弃", f"({' OR '.join(tests)})") if tests else "FALSE"


def rows_left_out(
    program: Program,
    as_of: date,
    shapes: Mapping[str, str],
    checks: Checks,
    places: Sequence[str],
    dialect: str = "duckdb",
) -> tuple[Relation, ...]:
    """The numbers of the rows of 名册 that `checks` find, with what is known of their place in `places`."""
    d = DIALECTS[dialect]
    frame = Frame(Common(d, as_of, as_of, {}), program, Stages(d, ROSTER, [*shapes, ROW, BAD]), Given(shapes))
    bad = found_bad(frame, checks)
    outputs = [(ROW, d.quote(ROW))]
    outputs += [(by_column(name), frame.member_text(frame.field(name))) for name in places]
    return tuple(frame.stages.relations("退回行", outputs, where=bad))


def of_records(frame: Frame, results: Sequence[str], checks: Checks | None) -> Plan:
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
    why, listed, join = reasons(frame, terms)
    outputs.append((NOT_APPLICABLE, why))
    outputs.append((MISSING_FACTS, missing(frame, terms, opens)))
    where = ""
    if checks is not None and (bad := found_bad(frame, checks)) != "FALSE":
        where = f"NOT {bad}"
    return Plan((*listed, *frame.stages.relations("结果", outputs, where=where, join=join)), columns)


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
        case SeriesT(item=item):
            value = d.truth if isinstance(item, BoolT) else d.day if isinstance(item, DateT) else d.string
            return term.sql, d.list_type(d.struct_type((("年份", d.whole[32]), ("值", value))))
        case RecordsT(columns=columns) if columns:
            row = d.struct([(name, d.field("x", name)) for name, _ in columns])
            return term.sql if term.sql == "NULL" else d.each(term.sql, "x", row), d.string
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


def reasons(frame: Frame, terms: Mapping[str, Term]) -> tuple[str, list[Relation], str]:
    """不适用, result → reason; with the relation that it is looked up in, and the join.

    Making a map costs more than the figures in it. What 适用 closes makes few different maps, so those are made once,
    for every way in which the conditions can hold or not.
    """
    d, stages = frame.dialect, frame.stages
    pairs = [(name, term.na, term.closed) for name, term in terms.items() if term.na]
    if not pairs:
        return d.empty_map(d.string), [], ""
    texts = frame.common.reasons
    written = [text for text in texts if not d.names_in(text)]

    def text(na: str, among: Sequence[str]) -> str:
        if among is written and known:
            return d.item(d.list_of(texts), f"{na} + 1")
        return f"CASE {na} " + " ".join(f"WHEN {texts.index(text)} THEN {text}" for text in among) + " END"

    # names, and reasons known beforehand, are written as places in a list of words
    known = len(written) == len(texts) and all(_LITERAL.fullmatch(text) for text in texts)
    kind = d.map_type(d.word(d.text(name) for name, *_ in pairs), d.word(texts) if known else d.string)

    def maps(of: Sequence[tuple[str, str]], among: Sequence[str]) -> str:
        any_ = " OR ".join(dict.fromkeys(f"{na} IS NOT NULL" for _, na in of))
        found = d.map_of([(f"{na} IS NOT NULL", d.text(name), text(na, among)) for name, na in of], d.string)
        return d.cast(f"CASE WHEN {any_} THEN {found} ELSE {d.empty_map(d.string)} END", kind)

    columns = foreseen(frame, [closed for *_, closed in pairs if closed])
    regular = [(name, closed) for name, _, closed in pairs if closed in columns]
    one_by_one = maps([(name, na) for name, na, _ in pairs], written if known else texts)
    if not regular:
        return one_by_one, [], ""
    base = len(texts) + 1
    digits = {closed: f"(COALESCE({closed}, -1) + 1) * {base**at}" for at, closed in enumerate(columns)}
    number = stages.bind("·因", d.cast(" + ".join(digits.values()), d.whole[64]))
    rows = ways(frame, columns)
    values = ", ".join(
        "(" + ", ".join([str(sum((-1 if code is None else int(code)) * base**at + base**at for at, code in enumerate(row))),
                         *("CAST(NULL AS INTEGER)" if code is None else code for code in row)]) + ")"
        for row in rows
    )  # fmt: skip
    names = ", ".join([d.quote("·号"), *columns])
    made = f"SELECT {d.quote('·号')}, {maps(regular, written)} AS {d.quote('·图')}\nFROM (VALUES {values}) AS t({names})"
    join = f"\nLEFT JOIN {d.quote('不适用情形')} ON {number} = {d.quote('·号')}"
    odd = [
        f"({na} IS NOT NULL AND {closed} IS NULL)" if closed in columns else f"{na} IS NOT NULL"
        for _, na, closed in pairs if na != closed or closed not in columns
    ]  # fmt: skip
    looked_up = d.quote("·图")
    if odd:
        looked_up = f"CASE WHEN {' OR '.join(dict.fromkeys(odd))} THEN {one_by_one} ELSE {looked_up} END"
    return looked_up, [Relation("不适用情形", made, kept=True)], join


def foreseen(frame: Frame, closed: Sequence[str]) -> list[str]:
    """The columns of reasons whose ways to come about are few enough to be listed."""
    found: list[str] = []
    conditions: set[str] = set()
    for column in dict.fromkeys(closed):
        more = conditions | {condition for condition, _ in frame.common.closures[column]}
        if len(more) <= MOST_CONDITIONS and len(found) < MOST_COLUMNS:
            found.append(column)
            conditions = more
    return found


def ways(frame: Frame, columns: Sequence[str]) -> list[tuple[str | None, ...]]:
    """The reasons that can come together: one tuple for each way in which conditions are false or not."""
    closures = [frame.common.closures[column] for column in columns]
    conditions = list(dict.fromkeys(condition for closing in closures for condition, _ in closing))
    found: dict[tuple[str | None, ...], None] = {}
    for state in product((False, True), repeat=len(conditions)):
        false = {condition for condition, is_false in zip(conditions, state, strict=True) if is_false}
        row = tuple(
            next((reason for condition, reason in closing if condition in false), None)
            for closing in closures
        )
        found[row] = None
    return list(found)


def missing(frame: Frame, terms: Mapping[str, Term], opens: Mapping[str, str]) -> str:
    """信息不足: result → facts."""
    d = frame.dialect
    texts = d.texts
    if not opens:
        return d.empty_map(texts)
    pairs = []
    for name, sql in opens.items():
        facts = terms[name].facts
        assert facts is not None
        pairs.append((sql, d.text(name), facts()))
    flag = frame.common.flag
    items = frame.stages.bind("·缺", f"CASE WHEN {flag} THEN {d.items_of(pairs, texts)} END")
    return f"CASE WHEN {flag} THEN {d.map_from(items, texts)} ELSE {d.empty_map(texts)} END"


def dialect_of(name: str) -> Dialect:
    return DIALECTS[name]
