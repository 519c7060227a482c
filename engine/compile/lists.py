"""逐年 series and 记录 as SQL lists: 选取, 次数, 合计 …, 连续, 段数, over one item after another.

The general way, for every source and condition. `engine.compile.packed` does what it can with bits instead, and falls
back to this for the series that do not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.compile.arithmetic import bits_for
from engine.compile.packed import Masks, Packed
from engine.compile.terms import NOTHING, NUMBER, CannotCompile, Facts, Term
from engine.expr import tree
from engine.types import BOOL, EnumT, NumberT, RecordsT, SeriesT, TextT, Type
from engine.units import BARE

#: More rows of a 记录, or years of a series, than any record has.
MOST_ITEMS = 100_000
_WHOLE = NumberT(BARE)
YEAR, VALUE = "年份", "值"


class Lists(Packed):
    """`scopes` are the columns of the items being gone through, the innermost last."""

    depth = 0

    # --- items ---------------------------------------------------------------------------------------

    def item_columns(self, source: Term, name: str) -> dict[str, Term]:
        """The columns of one item, as terms over the lambda's variable."""
        field = self.dialect.field
        if isinstance(source.kind, SeriesT):
            year = Term(_WHOLE, field(name, YEAR), low=1800, high=2999)
            return {
                YEAR: year,
                VALUE: self.item_value(source, VALUE, source.kind.item, field(name, VALUE), ""),
            }
        assert isinstance(source.kind, RecordsT)
        return {
            column: self.item_value(
                source, column, kind, field(name, column), self.cell_named(source, name, column)
            )
            for column, kind in source.kind.columns
        }

    def cell_named(self, source: Term, name: str, column: str) -> str:
        """「假[1].类」 as SQL: a cell of a row."""
        d = self.dialect
        if not source.rows_of:
            return d.text(column)
        number = d.cast(d.field(name, NUMBER), d.string)
        return f"{d.text(f'{source.rows_of}[')} || {number} || {d.text(f'].{column}')}"

    def item_value(self, source: Term, column: str, kind: Type, sql: str, cell: str) -> Term:
        """A column's value; bounds as the field declares them (`column_extent`). `cell` is what it is called where it may be
        missing."""
        term = self.column_extent(source.name, column, Term(kind, sql))
        if not cell:
            return term
        listed = self.dialect.list_of([cell])
        return replace(
            term, facts=lambda: f"CASE WHEN {term.sql} IS NULL THEN {listed} ELSE {self.empty()} END"
        )

    def column_extent(self, field: str, column: str, term: Term) -> Term:
        raise NotImplementedError

    def blank(self, sql: str, fact: str) -> str:
        return f"CASE WHEN {sql} IS NULL THEN {self.facts_list(fact)} ELSE {self.empty()} END"

    def column(self, name: str) -> Term:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return self.none(_WHOLE, facts=lambda: self.facts_list(name))

    def over(self, source: Term, node: tree.Expr) -> tuple[str, Term]:
        """A formula over one item: the lambda's variable and the term."""
        self.depth += 1
        variable = f"x_{self.depth}"
        self.scopes.append(self.item_columns(source, variable))
        try:
            return variable, self.of(node)
        finally:
            self.scopes.pop()
            self.depth -= 1

    # --- 选取, 最近, a year ------------------------------------------------------------------------------

    def slow(self, source: Term, packed: bool) -> Term:
        """The source for the general way: of a series that is also packed only what does not fit."""
        return replace(source, sql=source.pack.rest) if packed and source.pack is not None else source

    def select(self, node: tree.Select) -> Term:
        source = self.of(node.source)
        variable, holds = self.over(source, node.condition)

        def where(items: str) -> str:
            return self.dialect.where(items, variable, self.is_true(holds))

        found = replace(source, sql=self.share(where(source.sql)), pack=None)
        masks = self.packed_condition(source, node.condition)
        if masks is not None and source.pack is not None:
            rest, written = self.share(where(source.pack.rest)), where(source.pack.written)
            found = replace(found, pack=self.selected_pack(source.pack, masks, rest, written))
        return self.with_doubt(found, source, variable, [holds], masks)

    def null(self, kind: Type) -> str:
        """NULL; of a series one whose years and values can be named, for a column that is not there."""
        if not isinstance(kind, SeriesT):
            return super().null(kind)
        d = self.dialect
        value = d.string if isinstance(kind.item, EnumT | TextT) else self.sql_type(kind.item)
        return d.cast("NULL", d.list_type(d.struct_type(((YEAR, d.whole[32]), (VALUE, value)))))

    def latest(self, source: Term) -> Term:
        """最近: the value of the last year; nothing of an empty series."""
        assert isinstance(source.kind, SeriesT)
        slow = self.slow(source, True)
        last = self.last_year(slow)
        packed = self.packed_latest(source)
        return self.strict(
            self.value_where(slow, f"{self.year('x')} = {last}", packed), (source,), source.name
        )

    def year_of(self, source: Term, year: Term) -> Term:
        year = self.held(year)
        packed = self.packed_year(source, year)
        slow = self.slow(source, bool(packed))
        test = self.compared_sql("==", Term(_WHOLE, self.year("x"), low=1800, high=2999), year, None)
        shown = f"{self.dialect.text(source.name + '[')} || {self.shown(year)} || {self.dialect.text(']')}"
        return self.strict(
            self.value_where(slow, test, packed), (source, year), self.dialect.list_of([shown])
        )

    def value_where(self, source: Term, test: str, packed: str) -> Term:
        """The value of the one year that meets a test."""
        assert isinstance(source.kind, SeriesT)
        kept = self.dialect.item(self.dialect.where(source.sql, "x", test), "1")
        found = self.column_extent(
            source.name, VALUE, Term(source.kind.item, self.dialect.field(f"({kept})", VALUE))
        )
        return replace(found, sql=self.packed_or(source, packed, found.sql))

    def year(self, variable: str) -> str:
        return self.dialect.field(variable, YEAR)

    def last_year(self, source: Term) -> str:
        return self.share(self.dialect.largest(self.dialect.each(source.sql, "y", self.year("y"))))

    # --- what is in doubt ----------------------------------------------------------------------------------

    def with_doubt(
        self, found: Term, source: Term, variable: str, inner: Sequence[Term], masks: Masks | None
    ) -> Term:
        """`found`, unless a condition or value of any item is open."""
        tests = " OR ".join(self.is_open(term) for term in inner if term.open)
        if not tests:
            return found
        doubt = self.dialect.any_true(self.slow(source, masks is not None).sql, variable, tests)
        if masks is not None:
            doubt = self.packed_or(source, self.any_open(masks), doubt)
        return self.doubted(found, source, doubt, variable, self.facts_of(inner))

    def doubted(self, found: Term, source: Term, doubt: str, variable: str, inner: Facts) -> Term:
        """`found`, unless it is in doubt: then what the items lack is missing."""
        doubt = self.share(f"COALESCE({doubt}, FALSE)")
        outer, items = found.facts, source.pack.written if source.pack is not None else source.sql

        def facts() -> str:
            assert inner is not None
            own = self.dialect.flat(self.dialect.each(items, variable, inner()))
            return f"CASE WHEN {doubt} THEN {own} ELSE {outer() if outer is not None else self.empty()} END"

        gate = f"NOT {doubt}"
        sql = f"CASE WHEN {gate} THEN {found.sql} END"
        return replace(found, sql=sql, facts=facts, pack=self.gated_pack(found.pack, gate))

    # --- aggregates ------------------------------------------------------------------------------------

    def aggregate(self, node: tree.Aggregate) -> Term:
        source = self.of(node.source)
        return self.count(source, node) if node.function == "次数" else self.combined(source, node)

    def count(self, source: Term, node: tree.Aggregate) -> Term:
        found = Term(node.type, "", low=0, high=MOST_ITEMS)
        if node.condition is None:
            slow = self.slow(source, True)
            sql = self.packed_or(source, self.packed_size(source), self.size(slow.sql))
            return self.strict(replace(found, sql=sql), (source,))
        variable, holds = self.over(source, node.condition)
        masks = self.packed_condition(source, node.condition)
        slow = self.slow(source, masks is not None)
        kept = self.dialect.where(slow.sql, variable, self.is_true(holds))
        sql = self.packed_or(source, self.bit_count(masks.holds) if masks else "", self.size(kept))
        found = self.strict(replace(found, sql=sql), (source,))
        return self.with_doubt(found, source, variable, [holds], masks)

    def combined(self, source: Term, node: tree.Aggregate) -> Term:
        """合计 最大 最小 平均 of the values of the items whose condition holds; 不适用 left out."""
        assert node.value is not None
        variable, value = self.over(source, node.value)
        holds = self.const(True, BOOL) if node.condition is None else self.over(source, node.condition)[1]
        if value.over:
            said = f"「{node.function}」的值是除法的结果，批量计算不能精确求和"
            raise CannotCompile(said, "先取整，例如 四舍五入(…, 2)", node)
        # an item counts where its condition holds and its value applies
        tests = [] if holds.is_const and holds.const else [f"({holds.sql} IS TRUE)"]
        if value.na:
            tests.append(f"{value.na} IS NULL")
        items = (
            self.share(self.dialect.where(source.sql, variable, " AND ".join(tests))) if tests else source.sql
        )
        found = self.of_values(
            node.function, self.dialect.each(items, variable, value.sql), items, value, node.type
        )
        found = self.strict(found, (source,), source.name if node.function != "合计" else "")
        # it is in doubt where its condition is open, or may hold and its value is open
        applies = f" AND {value.na} IS NULL" if value.na else ""
        reached = f"{holds.sql} IS NOT FALSE" + (f" AND {holds.na} IS NULL" if holds.na else "")
        doubts = [f"({self.is_open(holds)}{applies})"] if holds.open else []
        doubts += [f"({self.is_open(value)} AND {reached})"] if value.open else []
        if not doubts:
            return found
        out = f"NOT ({reached})" + (f" OR {value.na} IS NOT NULL" if value.na else "")
        doubt = self.dialect.any_true(source.sql, variable, " OR ".join(doubts))
        return self.doubted(found, source, doubt, variable, self.unless(out, self.facts_of([holds, value])))

    def of_values(self, function: str, values: str, items: str, value: Term, kind: Type) -> Term:
        if function not in ("合计", "平均"):
            choose = self.dialect.largest if function == "最大" else self.dialect.smallest
            return replace(value, sql=choose(values), na="", facts=None, pack=None, const=NOTHING)
        low, high = min(value.low, 0) * MOST_ITEMS, max(value.high, 0) * MOST_ITEMS
        total = f"CASE WHEN {items} IS NOT NULL THEN {self.dialect.total(values, bits_for(low, high))} END"
        found = Term(kind, total, den=value.den, low=low, high=high)
        if function == "合计":
            return found
        count = self.share(self.size(items))
        sql = f"CASE WHEN {count} > 0 THEN {total} END"
        return replace(found, sql=sql, over=f"NULLIF({count}, 0)", over_high=MOST_ITEMS)

    def size(self, items: str) -> str:
        return self.dialect.cast(self.dialect.length(items), self.dialect.whole[32])

    # --- runs of years -----------------------------------------------------------------------------------

    def run(self, node: tree.Run) -> Term:
        source = self.of(node.source)
        extra = [self.of(part) for part in (node.length, node.first_year) if part is not None]
        variable, holds = self.over(source, node.condition)
        masks = self.packed_condition(source, node.condition)
        if node.function == "连续":
            return self.current_run(source, node, variable, holds, masks)
        length = extra[0]
        if not length.is_const:
            raise CannotCompile(f"「{node.function}」的年数要是写定的数或只有一个值的参数", node=node)
        if not isinstance(length.const, int) or length.const < 1:
            lack = f"{node.function}的年数应为 1 以上的整数"
            return self.strict(self.none(node.type), (source, *extra), lack)
        packed = self.packed_runs(source, masks, node.function, length.const, extra[1:])
        good = self.good_years(self.slow(source, bool(packed)), variable, holds)
        sql = self.packed_or(source, packed, self.general_runs(node.function, good, length.const, extra[1:]))
        found = Term(node.type, sql, low=0, high=MOST_ITEMS)
        return self.with_doubt(self.strict(found, (source, *extra)), source, variable, [holds], masks)

    def good_years(self, source: Term, variable: str, holds: Term) -> str:
        kept = self.dialect.where(source.sql, variable, self.is_true(holds))
        return self.share(self.dialect.each(kept, "y", self.year("y")))

    def general_runs(self, function: str, good: str, length: int, first: list[Term]) -> str:
        """Of the years that are good: blocks of `length`, or years at which the last `length` are."""
        d = self.dialect
        if first:
            start = first[0]
            begins = f"y >= {start.sql} AND (y - {start.sql}) % {length} = 0"
            whole = " AND ".join(d.contains(good, f"y + {at}") for at in range(length))
            return self.size(d.where(good, "y", f"{begins} AND {whole}"))
        starts = self.share(self.first_years(good))
        place = f"(y - {d.largest(d.where(starts, 't', 't <= y'))} + 1)"
        return self.size(
            d.where(good, "y", f"{place} % {length} = 0" if function == "段数" else f"{place} >= {length}")
        )

    def first_years(self, good: str) -> str:
        """The years in which runs begin."""
        return self.dialect.where(good, "s", f"NOT {self.dialect.contains(good, 's - 1')}")

    def current_run(
        self, source: Term, node: tree.Run, variable: str, holds: Term, masks: Masks | None
    ) -> Term:
        """连续: adjacent years up to the last present; an open year at which the run would end leaves it open."""
        d = self.dialect
        slow = self.slow(source, masks is not None)
        good, last = self.good_years(slow, variable, holds), self.last_year(slow)
        count = f"CASE WHEN {d.contains(good, last)} THEN {last} - {d.largest(self.first_years(good))} + 1 ELSE 0 END"
        count = self.share(
            f"CASE WHEN {slow.sql} IS NULL THEN NULL WHEN {last} IS NULL THEN 0 ELSE {count} END"
        )
        sql = self.packed_or(source, self.packed_current(source, masks), count)
        found = self.strict(Term(node.type, sql, low=0, high=MOST_ITEMS), (source,))
        if not holds.open:
            return found
        stop = f"{self.year(variable)} = {last} - {count}"
        doubt = d.any_true(slow.sql, variable, f"{stop} AND {self.is_open(holds)}")
        if masks is None:
            return self.doubted(found, source, doubt, variable, self.unless(f"NOT ({stop})", holds.facts))
        assert source.pack is not None
        packed = self.packed_or(source, self.packed_current_doubt(source, masks), doubt)
        stop = f"{self.year(variable)} = {d.largest(d.each(source.pack.written, 'y', self.year('y')))} - {found.sql}"
        return self.doubted(found, source, packed, variable, self.unless(f"NOT ({stop})", holds.facts))

    # --- values by date ------------------------------------------------------------------------------------

    def first_day(self, node: tree.FirstDay) -> Term:
        """首日: the first day up to 计算日 on which the condition holds; open if an earlier one is."""
        entries = self.dated(node.field)
        kind = node.type
        if entries is None:
            return self.none(kind, facts=lambda: self.facts_list(node.field))
        d = self.dialect
        self.depth += 1
        variable = f"x_{self.depth}"
        value = self.dated_value(node.field, d.field(variable, "value"))
        self.scopes.append({VALUE: value})
        holds = self.of(node.condition)
        self.scopes.pop()
        self.depth -= 1
        day = d.field(variable, "key")
        reached = self.share(d.where(entries, variable, f"{day} <= {self.today.sql}"))

        def days(test: str) -> str:
            return d.smallest(d.each(d.where(reached, variable, test), "e", d.field("e", "key")))

        held = self.share(days(self.is_true(holds)))
        never = self.reason(f"「{node.field}」到 {self.today.const} 从未达到")
        low, high = 1, self.today.high
        if not holds.open:
            na = f"CASE WHEN {entries} IS NOT NULL AND {held} IS NULL THEN {never} END"
            return Term(kind, held, na=na, facts=lambda: self.blank(entries, node.field), low=low, high=high)
        doubtful = self.share(days(self.is_open(holds)))
        first = f"({doubtful} IS NOT NULL AND ({held} IS NULL OR {doubtful} < {held}))"
        sql = f"CASE WHEN NOT {first} THEN {held} END"
        na = f"CASE WHEN {entries} IS NOT NULL AND {held} IS NULL AND {doubtful} IS NULL THEN {never} END"
        inner = holds.facts

        def facts() -> str:
            assert inner is not None
            at = d.where(reached, variable, f"{day} = {doubtful}")
            own = d.flat(d.each(at, variable, inner()))
            return f"CASE WHEN {entries} IS NULL THEN {self.facts_list(node.field)} WHEN {first} THEN {own} ELSE {self.empty()} END"

        return Term(kind, sql, na=na, facts=facts, low=low, high=high)

    today: Term

    def dated(self, field: str) -> str | None:
        """A field's values by date as a list of key and value, or None if it is not given so."""
        raise NotImplementedError

    def dated_value(self, field: str, sql: str) -> Term:
        raise NotImplementedError
