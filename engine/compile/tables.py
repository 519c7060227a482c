"""A table's figure for given keys as SQL: which rows take them in, by 方式 (language §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.compile.formulas import Formulas
from engine.compile.terms import Term
from engine.policy import Band, Constant, NoCell, ParamName, Undecided
from engine.program import Row, Table
from engine.tables import show
from engine.types import BOOL, EnumT, NumberT, Type
from engine.units import BARE


class Tables(Formulas):
    """`param` gives a 参数 on the law's day."""

    def param(self, name: str) -> Term:
        raise NotImplementedError

    def lookup(self, table: Table, keys: Sequence[Term], column: str, kind: Type) -> Term:
        keys = [self.held(self.fitted_key(key, own)) for key, (_, own) in zip(keys, table.keys, strict=True)]
        name = self.key_shown(table, keys, column)
        if table.decl.mode == "累进":
            return self.progressive(table, keys[0], column, name, kind)
        rows = [
            (self.hit(row, keys, table), self.cell(row.cells[column], table.columns[column], name))
            for row in table.rows
        ]
        if table.decl.mode == "合计":
            return self.sum_of(rows, keys, kind)
        missing = self.none(kind, facts=lambda: self.dialect.list_of([name]))
        if table.decl.mode != "首个" and any(
            not hit.is_const and self.depends(row) for (hit, _), row in zip(rows, table.rows, strict=True)
        ):
            found = self.only_one(rows, missing, kind)
        else:
            found = missing
            for hit, cell in reversed(rows):
                found = self.step(hit, cell, found, kind)
        return self.gated(found, keys)

    def fitted_key(self, key: Term, kind: Type) -> Term:
        return self.recoded(key, kind) if isinstance(kind, EnumT) else key

    @staticmethod
    def depends(row: Row) -> bool:
        """Whether limits of a row are 参数, so that checking could not rule out that two rows take one key."""
        limits = [
            limit for match in row.matches for part in match or ()
            for limit in ((part.low, part.high) if isinstance(part, Band) else (part,))
        ]  # fmt: skip
        return any(isinstance(limit, ParamName) for limit in limits)

    def step(self, hit: Term, cell: Term, rest: Term, kind: Type) -> Term:
        """A row before the rest; a row that is open decides."""
        if hit.is_const:
            return cell if hit.const else rest
        found = self.choice(kind, [(hit.sql, cell)], rest)
        if hit.sure:
            return found
        hit = self.held(hit)
        return self.choice(
            kind, [(hit.sql, cell), (f"{hit.sql} IS NULL", self.none(kind, hit.na, hit.facts))], rest
        )

    def only_one(self, rows: Sequence[tuple[Term, Term]], missing: Term, kind: Type) -> Term:
        """唯一 where limits are 参数: the row, if it is the only one."""
        held = [(self.held(hit), cell) for hit, cell in rows]
        count = " + ".join(f"CASE WHEN {hit.sql} THEN 1 ELSE 0 END" for hit, _ in held)
        found = self.choice(kind, [(f"{hit.sql} AND ({count}) = 1", cell) for hit, cell in held], missing)
        for hit, _ in reversed(held):
            if not hit.sure:
                found = self.choice(kind, [(f"{hit.sql} IS NULL", self.none(kind, hit.na, hit.facts))], found)
        return found

    def gated(self, found: Term, keys: Sequence[Term]) -> Term:
        """The outcomes of the keys come first."""
        if all(key.sure for key in keys):
            return found
        valued = " AND ".join(f"{key.sql} IS NOT NULL" for key in keys if not key.sure)
        outcome = self.strict(self.none(found.kind), keys)
        return self.choice(found.kind, [(valued, found)], outcome)

    def key_shown(self, table: Table, keys: Sequence[Term], column: str) -> str:
        """「表[甲, 乙]」 as SQL."""
        if all(key.is_const for key in keys):
            return self.dialect.text(
                f"{table.decl.name}[{', '.join([*(show(k.const) for k in keys), *([column] if column else [])])}]"
            )
        parts = [self.dialect.text(f"{table.decl.name}[")]
        for at, key in enumerate(keys):
            parts += [self.dialect.text(", ")] if at else []
            parts.append(f"({self.shown(key)})")
        parts.append(self.dialect.text((f", {column}" if column else "") + "]"))
        return " || ".join(parts)

    def cell(self, constant: Constant, kind: Type, name: str) -> Term:
        if isinstance(constant, ParamName):
            return self.param(constant.name)
        if isinstance(constant, Undecided):
            return self.none(kind, facts=lambda: self.dialect.list_of([name]))
        if isinstance(constant, NoCell):
            before, after = self.dialect.text("「"), self.dialect.text("」不适用")
            return self.none(kind, na=self.reason_sql(f"{before} || {name} || {after}"))
        return self.const(constant, kind)

    def reason_sql(self, sql: str) -> str:
        """The number of a reason that is made of columns."""
        raise NotImplementedError

    # --- whether a row takes keys in -------------------------------------------------------------------

    def hit(self, row: Row, keys: Sequence[Term], table: Table) -> Term:
        tests: list[Term] = []
        for key, alternatives, (_, kind) in zip(keys, row.matches, table.keys, strict=True):
            if alternatives is not None:
                tests.append(self.joined([self.matches(part, key, kind) for part in alternatives], True))
        return self.joined(tests, False) if tests else self.const(True, BOOL)

    def matches(self, part: Constant | Band, key: Term, kind: Type) -> Term:
        bare = replace(key, na="", facts=None)  # the keys' own outcomes are asked first
        order = kind if isinstance(kind, EnumT) else None
        if not isinstance(part, Band):
            return self.compared("==", bare, self.limit(part, kind))
        tests = []
        if part.low is not None:
            tests.append(
                self.compared(">=" if part.low_included else ">", bare, self.limit(part.low, kind), order)
            )
        if part.high is not None:
            tests.append(
                self.compared("<=" if part.high_included else "<", bare, self.limit(part.high, kind), order)
            )
        return self.joined(tests, False) if tests else self.const(True, BOOL)

    def limit(self, constant: Constant, kind: Type) -> Term:
        return self.param(constant.name) if isinstance(constant, ParamName) else self.const(constant, kind)

    # --- sums ------------------------------------------------------------------------------------------

    def sum_of(self, rows: Sequence[tuple[Term, Term]], keys: Sequence[Term], kind: Type) -> Term:
        """合计: the cells of all rows that match, 0 if none does."""
        zero = self.const(0, kind)
        total = zero
        for hit, cell in rows:
            own = self.step(hit, cell, zero, kind)
            both = (total, own)
            if total.is_const and own.is_const:
                total = self.const(total.const + own.const, kind)
            else:
                total = self.strict(self.numbers.add(total, own, kind), both)
        return self.gated(total, keys)

    def progressive(self, table: Table, key: Term, column: str, name: str, kind: Type) -> Term:
        """累进: each band's part of the key times its value, summed; bands below which the key stays are not entered."""
        bare = replace(key, na="", facts=None)
        plain = NumberT(BARE)
        zero = self.const(0, kind)
        total = zero
        for row in table.rows:
            for band in row.matches[0] or ():
                if not isinstance(band, Band):
                    continue
                low = self.const(0, plain) if band.low is None else self.limit(band.low, plain)
                high = bare if band.high is None else self.limit(band.high, plain)
                value = self.cell(row.cells[column], table.columns[column], name)
                top = bare if high is bare else self.extreme([bare, high], False, plain)
                part = self.strict(self.numbers.add(top, low, plain, minus=True), (top, low))
                own = self.strict(self.numbers.multiply(part, value, kind), (part, value))
                entered = self.compared(">", bare, low)
                if low.sure:
                    own = self.if_else(entered, own, zero, kind)
                if total.is_const and own.is_const:
                    total = self.const(total.const + own.const, kind)
                else:
                    total = self.strict(self.numbers.add(total, own, kind), (total, own))
        return self.gated(total, [key])
