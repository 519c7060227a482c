"""`sql`: a policy as one statement for a warehouse, and what it expects of the tables that it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from engine.app.evaluate import settle
from engine.choose import Folder, Misuse
from engine.compile.dialects import DIALECTS, Dialect
from engine.compile.frame import Common
from engine.compile.groups import ROSTER, ROW, asked_of
from engine.compile.plan import compiled
from engine.compile.stages import statement
from engine.compile.terms import CannotCompile, told_uncompiled
from engine.diagnostics import Diagnostic
from engine.needs import needed_fields
from engine.policy import FieldDecl
from engine.program import Program
from engine.types import BoolT, DateT, NumberT, RecordsT, SeriesT, Type


@dataclass(frozen=True, slots=True)
class Table:
    """A table that the statement reads: its columns with their types, and what each is."""

    name: str
    columns: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Sql:
    """Without a `program`, `diagnostics` say why. `columns` are those of the result, by their SQL types."""

    as_of: date
    diagnostics: tuple[Diagnostic, ...]
    dialect: str
    program: Program | None = None
    text: str = ""
    tables: tuple[Table, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    readings: Mapping[str, str] = field(default_factory=dict)


def sql(
    folder: Folder,
    word: str | None,
    as_of: date,
    dialect: str,
    readings: Sequence[str] = (),
    only: Sequence[str] = (),
    internal: bool = False,
) -> Sql | Misuse:
    """The statement of the version in force on a day, for the results asked for."""
    run = settle(folder, word, as_of, readings, only, internal)
    if isinstance(run, Misuse):
        return run
    program, results = run.program, run.results
    if program is None:
        return Sql(as_of, run.diagnostics, dialect)
    if only and run.groups:
        return Misuse(f"「{run.groups[0]}」是集体，这条语句只给出每个人的结果", "集体用 guizhang eval 计算")
    d = DIALECTS[dialect]
    fields = program.policy.fields
    needed = needed_fields(program, results) | {program.policy.meta.identifier}
    shapes = {name: "plain" for name, decl in fields.items() if not decl.owner and name in needed}
    facts: dict[str, list[str]] = {}
    for name in sorted(needed, key=list(fields).index):
        if fields[name].owner:
            facts.setdefault(fields[name].owner, []).append(name)
    try:
        common = Common(d, as_of, as_of, run.readings)
        asked = asked_of(common, program, results, shapes, ())
        units = units_of(facts) if asked.groups or any(fields[name].owner for name in common.lacking) else {}
        plan = compiled(program, as_of, run.readings, results, shapes, dialect, units=units, asked=asked)
    except CannotCompile as error:
        return Sql(as_of, (told_uncompiled(program.policy, error),), dialect)
    text = statement(plan.relations, d)
    used = d.names_in(text)
    own = tuple(described(d, fields[name]) for name in shapes if name in used)
    if ROW in used:
        own += ((ROW, d.whole[64], "每条记录一个号，从 1 起"),)
    tables = [Table(ROSTER, own)]
    for owner, (table, names_) in units.items():
        key = (owner, d.string, "每个单位一行")
        tables.append(Table(table, (key, *(described(d, fields[name]) for name in names_))))
    return Sql(as_of, run.diagnostics, dialect, program, text, tuple(tables), plan.columns, run.readings)


def units_of(facts: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, Mapping[str, str]]]:
    """Tables of units as `compiled` takes them: their facts by the field that names the unit."""
    return {owner: (f"单位·{owner}", dict.fromkeys(names, "plain")) for owner, names in facts.items()}


def described(d: Dialect, decl: FieldDecl) -> tuple[str, str, str]:
    kind = decl.type.item if isinstance(decl.type, SeriesT) else decl.type
    members = getattr(kind, "members", ())
    return decl.name, column_type(d, decl, decl.type), "、".join(members)


def column_type(d: Dialect, decl: FieldDecl, kind: Type) -> str:
    """The type of a column that holds a field's values exactly."""
    match kind:
        case SeriesT():
            return d.list_type(
                d.struct_type((("年份", d.whole[32]), ("值", column_type(d, decl, kind.item))))
            )
        case RecordsT():
            parts = tuple((column.name, column_type(d, column, column.type)) for column in decl.columns)
            return d.list_type(d.struct_type(parts))
        case NumberT():
            digits = 6 if decl.decimals is None else decl.decimals
            return d.whole[64] if decl.integer else f"DECIMAL(18,{digits})"
        case BoolT():
            return d.truth
        case DateT():
            return d.day
    return d.string
