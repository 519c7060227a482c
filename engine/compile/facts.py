"""Facts of a record as columns of the relation that it stands in: as they were given, on a day, or as formulas of the policy
that uses another. What a fact is where nothing is given (缺省) is `engine.compile.frame`'s matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from engine.compile.arithmetic import bits_for
from engine.compile.terms import NUMBER, Term
from engine.policy import FieldDecl
from engine.program import CheckedUse
from engine.records.typed import MISSING, constant
from engine.tables import show
from engine.types import DATE, EnumT, NumberT, RecordsT, SeriesT, Type

if TYPE_CHECKING:
    from engine.compile.frame import Frame

#: Whole digits of a number whose field says no 范围, and digits after the point where it says no 小数位.
MOST_DIGITS, MOST_DECIMALS = 12, 6


def extent_of(frame: Frame, decl: FieldDecl, term: Term) -> Term:
    """A raw column's value as a term: scaled to a whole number, with bounds; a member as its rank."""
    kind = term.kind
    if isinstance(kind, NumberT):
        digits = 0 if decl.integer else MOST_DECIMALS if decl.decimals is None else decl.decimals
        den = 10**digits
        low, high = number_range(decl)
        found = replace(term, den=den, low=low * den, high=high * den)
        if digits:
            bits = bits_for(found.low, found.high)
            found = replace(found, sql=frame.dialect.cast(f"{term.sql} * {den}", frame.dialect.whole[bits]))
        return found
    if isinstance(kind, EnumT):
        return frame.ranked(term, kind, words_of(decl, kind))
    if kind == DATE:
        low_, high_ = decl.range or (None, None)
        first = low_ if isinstance(low_, date) else date(1800, 1, 1)
        last = high_ if isinstance(high_, date) else date(2999, 12, 31)
        return replace(term, low=first.toordinal(), high=last.toordinal())
    return term


def number_range(decl: FieldDecl) -> tuple[int, int]:
    """Whole numbers between which a field's numbers lie."""
    low, high = decl.range or (None, None)
    most = 10**MOST_DIGITS
    return (
        -most if low is None or isinstance(low, date) else int(low // 1),
        most if high is None or isinstance(high, date) else int(-(-high // 1)),
    )


def words_of(decl: FieldDecl, kind: EnumT) -> dict[str, str]:
    """What may be written for a member → the member."""
    return {alias: member for alias, member in decl.aliases if member in kind.members} | {
        m: m for m in kind.members
    }


class Given:
    """Facts as columns of the relation. `shapes`: field → 「plain」 or 「dated」; a field that is not there is missing."""

    def __init__(self, shapes: Mapping[str, str]) -> None:
        self.shapes = shapes

    def on(self, frame: Frame, decl: FieldDecl, day: Term) -> Term | None:
        """A fact as it stands on a day (not NULL), before its default; None if it is never given."""
        shape = self.shapes.get(decl.name)
        if shape is None:
            return self.of_unit(frame, decl, None)
        column = frame.dialect.quote(decl.name)
        if shape == "dated":
            return self.of_unit(frame, decl, self.of_day(frame, decl, column, day))
        if decl.yearly:
            if day.is_const and day.const.year != frame.common.data_date.year:
                return self.of_unit(frame, decl, None)
            if not day.is_const:
                same = f"{frame.part(day, 'year')} = {frame.common.data_date.year}"
                column = f"CASE WHEN {same} THEN {column} END"
        return self.of_unit(
            frame, decl, self.lacking(frame, decl, self.typed(frame, decl, decl.type, column))
        )

    def of_unit(self, frame: Frame, decl: FieldDecl, own: Term | None) -> Term | None:
        return own

    def lacking(self, frame: Frame, decl: FieldDecl, term: Term) -> Term:
        sql, name = frame.known(term), decl.name
        if frame.stages.is_plain(term.sql) or isinstance(term.kind, SeriesT | RecordsT):
            found = term
        else:
            found = replace(term, sql=frame.share(term.sql, f"{name}·值"))
            sql = found.sql
        return replace(found, facts=lambda: frame.blank(sql, name), name=name)

    def of_day(self, frame: Frame, decl: FieldDecl, column: str, day: Term) -> Term:
        """A fact given by date: its last value up to a day; of one of a year, within that year."""
        d = frame.dialect
        key = d.field("e", "key")
        test = f"{key} <= {day.sql}"
        if decl.yearly:
            test += f" AND {d.part('year', key)} = {frame.part(day, 'year')}"
        reached = frame.share(d.where(d.entries(column), "e", test))
        last = d.largest(d.each(reached, "f", d.field("f", "key")))
        at = frame.share(last)
        picked = d.item(d.where(reached, "g", d.field("g", "key") + f" = {at}"), "1")
        value = d.field(f"({picked})", "value")
        return self.lacking(frame, decl, self.typed(frame, decl, decl.type, value))

    def typed(self, frame: Frame, decl: FieldDecl, kind: Type, sql: str) -> Term:
        match kind:
            case SeriesT():
                return self.series(frame, decl, kind, sql)
            case RecordsT():
                return self.rows(frame, decl, kind, sql)
        return extent_of(frame, decl, Term(kind, sql, name=decl.name))

    def series(self, frame: Frame, decl: FieldDecl, kind: SeriesT, sql: str) -> Term:
        """A series up to 计算日's year; blank years are not written."""
        d = frame.dialect
        year, value = d.field("x", "年份"), d.field("x", "值")
        kept = d.where(sql, "x", f"{year} <= {frame.common.as_of.year} AND {value} IS NOT NULL")
        pack = None
        if isinstance(kind.item, EnumT):
            words, now = words_of(decl, kind.item), frame.common.as_of.year
            pack = frame.pack(decl.name, sql, kept, kind, now, words, ("年份", "值"))
        return Term(kind, frame.share(kept, f"{decl.name}·读"), pack=pack, name=decl.name)

    def rows(self, frame: Frame, decl: FieldDecl, kind: RecordsT, sql: str) -> Term:
        """Rows with the constants of 缺省 where a column is blank; numbered if anything may be missing in them."""
        d = frame.dialect
        defaults = {column.name: constant(column) for column in decl.columns}
        numbered = any(value is MISSING for value in defaults.values())
        parts = []
        for column in decl.columns:
            own = d.field("x", column.name)
            value = defaults[column.name]
            if value is not MISSING:
                own = f"COALESCE({own}, {raw_literal(frame, column, value)})"
            parts.append((column.name, own))
        if numbered:
            read = d.each_numbered(sql, "x", lambda number: d.struct((*parts, (NUMBER, number))))
        else:
            read = d.each(sql, "x", d.struct(parts))
        return Term(
            kind, frame.share(read, f"{decl.name}·读"), name=decl.name, rows_of=decl.name if numbered else ""
        )

    def entries(self, frame: Frame, field: str) -> str | None:
        if self.shapes.get(field) != "dated":
            return None
        column = frame.dialect.quote(field)
        return frame.share(f"CASE WHEN {column} IS NOT NULL THEN {frame.dialect.entries(column)} END")

    def absent(self, frame: Frame, name: str, term: Term) -> str:
        """Where a default takes the place of a fact."""
        return frame.is_open(term)


def raw_literal(frame: Frame, decl: FieldDecl, value: Any) -> str:
    """A constant as a column of the relation holds it."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return frame.dialect.text(value)
    if isinstance(value, date):
        return frame.dialect.date(value)
    return show(value)


class Mapped(Given):
    """Facts of another policy: formulas of ours, or our fields of the same name."""

    def __init__(self, parent: Frame, use: CheckedUse) -> None:
        super().__init__({})
        self.parent, self.use = parent, use

    def on(self, frame: Frame, decl: FieldDecl, day: Term) -> Term | None:
        parent = self.parent
        expr = self.use.fields.get(decl.name)
        scopes, parent.scopes, law, parent.law = parent.scopes, [], parent.law, parent.today
        try:
            if expr is not None:
                term = parent.kept(f"{self.use.decl.name}·{decl.name}", parent.of(expr))
            elif decl.name in parent.policy.fields:
                is_dated = parent.dated(decl.name) is not None
                term = (
                    parent.on_day(decl.name, day)
                    if is_dated and not day.is_const
                    else parent.field(decl.name)
                )
            else:
                return None
        finally:
            parent.scopes, parent.law = scopes, law
        if (
            decl.yearly
            and day.is_const
            and day.const.year != frame.common.data_date.year
            and parent.dated(decl.name) is None
        ):
            return None
        if isinstance(decl.type, EnumT):
            term = frame.recoded(term, decl.type)
        return replace(term, name=decl.name if isinstance(term.kind, SeriesT | RecordsT) else term.name)

    def absent(self, frame: Frame, name: str, term: Term) -> str:
        return "FALSE"

    def entries(self, frame: Frame, field: str) -> str | None:
        if field in self.use.fields or field not in self.parent.policy.fields:
            return None
        return self.parent.dated(field)
