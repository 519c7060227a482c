"""What the names of a program stand for, as columns: rules with their 适用, 例外 and 触发日, 口径, 情形, facts, 参数,
results of other policies (language §4, §7, §8). The same as `engine.declared`, for all records at once.

A name is compiled once for each law's day that it can be asked under, and kept as a column of its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Any

from engine.compile.arithmetic import bits_for
from engine.compile.dialects import Dialect
from engine.compile.lists import Lists
from engine.compile.stages import Stages
from engine.compile.terms import NOTHING, NUMBER, CannotCompile, Facts, Term
from engine.declared import reason_of
from engine.diagnostics import Place
from engine.expr import tree
from engine.needs import closure, needs_of
from engine.policy import Dated, FieldDecl, NoCell, ParamDecl, ParamName, Undecided, in_force
from engine.program import CheckedGrounds, CheckedRule, CheckedUse, Program
from engine.records.typed import MISSING, constant
from engine.tables import show
from engine.types import BOOL, DATE, AnyT, EnumT, NumberT, RecordsT, SeriesT, Type

#: Whole digits of a number whose field says no 范围, and digits after the point where it says no 小数位.
MOST_DIGITS, MOST_DECIMALS = 12, 6
#: Facts of a name become a column of their own from so many characters on: rows that lack nothing pay for every column.
LONG = 300
_LOCAL = re.compile(r"\bx_\d")


@dataclass(slots=True)
class Common:
    """What all frames of one statement share."""

    dialect: Dialect
    as_of: date
    data_date: date
    given_readings: Mapping[str, str]
    #: 不适用 by number: the SQL of its reason
    reasons: list[str] = field(default_factory=list)
    #: what closes an 适用: the column of its reason → its conditions in order, each with the reason it gives
    closures: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    #: fields that formulas ask for and that are neither among the columns nor have a default
    lacking: dict[str, None] = field(default_factory=dict)
    #: the condition under which facts are wanted at all
    flag: str = "TRUE"

    def reason(self, sql: str) -> str:
        if sql not in self.reasons:
            self.reasons.append(sql)
        return str(self.reasons.index(sql))


Provider = Callable[[str], Term]


class Frame(Lists):
    """One program over the columns of one relation. `given` gives a fact as it was given, or None for one that is not
    among the columns."""

    def __init__(
        self, common: Common, program: Program, stages: Stages, given: Given, prefix: str = ""
    ) -> None:
        super().__init__(common.dialect)
        self.common, self.program, self.stages, self.given, self.prefix = (
            common,
            program,
            stages,
            given,
            prefix,
        )
        self.policy = program.policy
        self.today = self.const(common.as_of, DATE)
        self.law = self.today
        self.terms: dict[tuple[str, str], Term] = {}
        self.facts_columns: dict[str, str] = {}
        self.children: dict[tuple[str, str], Frame] = {}
        self.scopes = []
        self.groups: GroupFigures = NoFigures(self)
        self.readings = {
            name: common.given_readings.get(prefix + name, reading.decl.adopted)
            for name, reading in program.readings.items()
        }
        self.by_law = self.depending_on_law()

    # --- columns -------------------------------------------------------------------------------------

    def share(self, sql: str, hint: str = "") -> str:
        if not sql or (self.scopes and _LOCAL.search(sql)):
            return sql
        return self.stages.bind(
            self.prefix + hint if hint else f"{self.prefix}#{len(self.stages.columns) + 1}", sql
        )

    def reason(self, text: str) -> str:
        return self.common.reason(self.dialect.text(text))

    def reason_sql(self, sql: str) -> str:
        if _LOCAL.search(sql):
            return self.reason("表里写明不适用")
        return self.common.reason(sql)

    def named(self, name: str) -> Term:
        """A rule, 口径, 情形 or figure of a group as columns."""
        law = self.law.sql if name in self.by_law else ""
        key = (name, law)
        if key not in self.terms:
            scopes, self.scopes = self.scopes, []
            try:
                self.terms[key] = self.kept(name, self.declared(name), law)
            except CannotCompile as error:
                error.place = error.place or self.place_of(name, error.node)
                raise
            self.scopes = scopes
        return self.terms[key]

    def place_of(self, name: str, node: tree.Expr | None) -> Place:
        """Where a construct of a declaration stands in the file."""
        from engine.validate.formulas import (
            formulas,
        )  # all checks come with it; only what cannot be compiled asks

        formulas_ = [formula for formula in formulas(self.program) if formula.owner == name]
        own = next((f for f in formulas_ if node is not None and node in tree.walk(f.expr)), None)
        if own is not None:
            return own.place(node)
        return formulas_[0].place() if formulas_ else self.policy.declarations[name].place

    def declared(self, name: str) -> Term:
        program = self.program
        if name in program.rules:
            return self.rule(program.rules[name])
        if name in program.readings:
            return self.reading(name)
        if name in program.grounds:
            return self.grounds(program.grounds[name])
        return self.groups.figure(name)

    def kept(self, name: str, term: Term, law: str = "") -> Term:
        """A term as columns of a name."""
        label = self.prefix + name + ("@" if law and law != self.today.sql else "")
        if term.is_const:
            return replace(term, name=term.name or name)
        sql = self.stages.bind(label, term.sql)
        na = self.stages.bind(f"{label}·不适用", term.na) if term.na else ""
        over = self.stages.bind(f"{label}·除以", term.over) if term.over else ""
        bound = replace(term, sql=sql, na=na, over=over, name=term.name or name)
        if term.facts is None:
            return bound
        inner = term.facts
        made: list[str] = []

        def facts() -> str:
            if not made:
                wanted = "" if bound.kind == GROUNDS else self.is_open(bound)
                found = f"CASE WHEN {wanted} THEN {inner()} END" if wanted else inner()
                if len(found) > LONG:
                    found = self.stages.bind(f"{label}·缺", f"CASE WHEN {self.common.flag} THEN {found} END")
                made.append(found)
            return made[0]

        return replace(bound, facts=facts)

    # --- nodes ---------------------------------------------------------------------------------------

    def named_node(self, node: tree.Expr) -> Term:
        match node:
            case tree.AsOf():
                return self.today
            case tree.Field(name=name):
                return self.field(name)
            case tree.Param(name=name):
                return self.param(name)
            case tree.ParamYear(name=name, year=year):
                return self.param_year(self.policy.params[name], self.of(year), node.type)
            case tree.Rule(name=name) | tree.Reading(name=name) | tree.Group(name=name):
                return self.named(name)
            case tree.GroundsTrue(name=name):
                return self.grounds_true(name)
            case tree.Use(alias=alias, name=name):
                return self.used(self.program.uses[alias], name, node.type)
            case tree.Column(name=name):
                return self.column(name)
            case tree.Lookup(table=table, keys=keys, column=column):
                return self.lookup(
                    self.program.tables[table], [self.of(key) for key in keys], column, node.type
                )
            case tree.YearOf(series=series, year=year):
                return self.year_of(self.of(series), self.of(year))
            case tree.Latest(source=source):
                return self.latest(self.of(source))
            case tree.Select():
                return self.select(node)
            case tree.Aggregate():
                return self.aggregate(node)
            case tree.Run():
                return self.run(node)
            case tree.FirstDay():
                return self.first_day(node)
            case tree.OnDay(field=name, day=day):
                return self.on_day(name, self.of(day))
            case tree.Members():
                return self.groups.over_members(node)
        return super().named_node(node)

    # --- rules ---------------------------------------------------------------------------------------

    def scope(self, names: tuple[str, ...]) -> Term:
        """适用 as a truth value: TRUE where all hold; else the reason of the first that does not, or what is missing."""
        terms = [(name, self.named(name)) for name in names]
        closing = [
            (term.sql, self.reason(reason_of(self.policy.rules[name])))
            for name, term in terms
            if not (term.is_const and term.const)
        ]
        open_terms = [term for _, term in terms if not (term.is_const and term.const)]
        if not open_terms:
            return self.const(True, BOOL)
        whole = self.stages.bind(
            f"{self.prefix}适用（{'、'.join(names)}）", "(" + " AND ".join(t.sql for t in open_terms) + ")"
        )
        truth = f"CASE WHEN {whole} THEN TRUE END" if not self.stages.is_plain(whole) else whole
        na = "CASE " + " ".join(f"WHEN {sql} IS FALSE THEN {reason}" for sql, reason in closing)
        passed = self.first_na(open_terms)
        if passed:
            doubts = " OR ".join(self.is_open(term) for term in open_terms if term.open)
            na += (f" WHEN {doubts} THEN NULL" if doubts else "") + f" ELSE {passed}"
        na = self.stages.bind(f"{self.prefix}不适用（{'、'.join(names)}）", na + " END")
        if not self.stages.is_plain(na) or self.dialect.names_in(na):
            self.common.closures[na] = closing
        facts = self.unless(f"({whole} OR {na} IS NOT NULL)", self.facts_of(open_terms))
        return Term(BOOL, truth, na=na, facts=facts)

    def within(self, names: tuple[str, ...], make: Callable[[], Term]) -> Term:
        """What `make` gives where 适用 holds."""
        if not names:
            return make()
        scope = self.scope(names)
        if scope.is_const:
            return make()
        term = make()
        no = replace(self.none(term.kind), na=scope.na, facts=scope.facts)
        found = self.choice(term.kind, [(scope.sql, term)], no)
        na = found.na if term.na else scope.na
        closed = scope.na if scope.na in self.common.closures else ""
        return replace(found, na=na, closed=closed, pack=self.gated_pack(term.pack, scope.sql))

    def rule(self, rule: CheckedRule) -> Term:
        """适用, 例外, 公式, 触发日, in this order."""
        return self.within(rule.scope, lambda: self.opened(rule))

    def opened(self, rule: CheckedRule) -> Term:
        if rule.trigger is None:
            return self.body(rule)
        trigger = self.held(self.of(rule.trigger))
        zero = self.const(0, rule.type)
        if trigger.is_const:
            return (
                self.under(trigger, lambda: self.body(rule)) if trigger.const <= self.common.as_of else zero
            )
        law = trigger
        if not trigger.sure:
            law = replace(trigger, sql=f"COALESCE({trigger.sql}, {self.law.sql})", na="", facts=None)
        law = replace(law, sql=self.share(law.sql, f"{rule.decl.name}·触发日"))
        body = self.held(self.under(law, lambda: self.body(rule)))
        found = self.choice(rule.type, [(f"{trigger.sql} <= {self.today.sql}", body)], zero)
        if not trigger.open:
            return found
        agreed, either = self.agree(body, zero), (trigger, body)
        open_ = self.is_open(trigger)
        unsure = self.choice(rule.type, [(agreed, zero)], self.none(rule.type, facts=self.facts_of(either)))
        return self.choice(rule.type, [(open_, unsure)], found)

    def under(self, law: Term, work: Callable[[], Term]) -> Term:
        kept, self.law = self.law, law
        try:
            return work()
        finally:
            self.law = kept

    def body(self, rule: CheckedRule) -> Term:
        formula = self.of(rule.formula)
        if not rule.exceptions:
            return self.typed(formula, rule.type)
        if rule.decl.first_wins:
            for when, then in reversed(rule.exceptions):
                formula = self.if_else(
                    self.condition(when), self.held(self.of(then)), self.held(formula), rule.type
                )
            return formula
        return self.with_exceptions(rule, formula)

    def typed(self, term: Term, kind: Type) -> Term:
        return (
            self.recoded(term, kind) if isinstance(kind, EnumT) and not isinstance(term.kind, AnyT) else term
        )

    def condition(self, node: tree.Expr) -> Term:
        """When an exception holds: one that does not apply does not."""
        term = self.held(self.of(node))
        if not term.na:
            return term
        sql = self.share(f"CASE WHEN {term.na} IS NOT NULL THEN FALSE ELSE {term.sql} END")
        return replace(term, sql=sql, na="")

    def with_exceptions(self, rule: CheckedRule, formula: Term) -> Term:
        """Exceptions that hold, or may, must agree with each other and, where none holds, with the formula."""
        conditions = [self.condition(when) for when, _ in rule.exceptions]
        numbered = [
            (at, c, self.of(then))
            for at, (c, (_, then)) in enumerate(zip(conditions, rule.exceptions, strict=True), 1)
            if not (c.is_const and c.const is False)
        ]
        if not numbered:
            return self.typed(formula, rule.type)
        terms = self.fitted([*(then for *_, then in numbered), formula], rule.type)
        terms = [self.held(term) for term in terms]
        *outcomes, base = terms
        pairs = [(at, c, then) for (at, c, _), then in zip(numbered, outcomes, strict=True)]
        first = self.held(self.choice(rule.type, [(c.sql, then) for _, c, then in pairs], base))
        checks = []
        if len(pairs) > 1 or any(c.open for _, c, _ in pairs):
            for _, c, then in pairs:
                same = self.agree(then, first)
                checks.append(f"({c.sql} IS FALSE OR {same})" if c.sql != "TRUE" else same)
        if not checks:
            return first
        agreed = self.share("(" + " AND ".join(checks) + ")")
        sql = f"CASE WHEN {agreed} THEN {first.sql} END"
        na = f"CASE WHEN {agreed} THEN {first.na} END" if first.na else ""
        return replace(
            first, sql=sql, na=na, facts=self.exception_facts(pairs, base, first, agreed), const=NOTHING
        )

    def exception_facts(
        self, pairs: Sequence[tuple[int, Term, Term]], base: Term, first: Term, agreed: str
    ) -> Facts:
        def facts() -> str:
            held = [
                (at, c, then, f"({self.is_true(c)} AND NOT {self.is_open(then)})") for at, c, then in pairs
            ]
            clash = " OR ".join(
                f"({one} AND {two} AND NOT {self.agree(a, b)})"
                for i, (_, _, a, one) in enumerate(held) for _, _, b, two in held[i + 1 :]
            )  # fmt: skip
            parts = []
            for _, c, then in pairs:
                if c.facts is not None:
                    parts.append(c.facts())
                if then.facts is not None:
                    parts.append(f"CASE WHEN {c.sql} IS FALSE THEN {self.empty()} ELSE {then.facts()} END")
            if base.facts is not None:
                none = " AND ".join(f"({c.sql} IS NOT TRUE)" for _, c, _ in pairs)
                parts.append(f"CASE WHEN {none} THEN {base.facts()} ELSE {self.empty()} END")
            lacking = self.dialect.joined(parts) if parts else self.empty()
            if clash:
                numbers = " || ".join(
                    f"CASE WHEN {test} THEN {self.dialect.text(f'、{at}')} ELSE '' END"
                    for at, _, _, test in held
                )
                text = f"{self.dialect.text('例外冲突：')} || SUBSTRING({numbers}, 2)"
                lacking = f"CASE WHEN {clash} THEN {self.dialect.list_of([text])} ELSE {lacking} END"
            done = f"({first.sql} IS NOT NULL" + (f" OR {first.na} IS NOT NULL)" if first.na else ")")
            return f"CASE WHEN {agreed} AND {done} THEN {self.empty()} ELSE {lacking} END"

        return facts

    # --- 情形 and 口径 -------------------------------------------------------------------------------

    def grounds_terms(self, checked: CheckedGrounds) -> list[tuple[str, Term]]:
        return [(ground.label, self.condition(when)) for ground, when in checked.grounds]

    def grounds_true(self, name: str) -> Term:
        """Whether any ground holds, as Kleene's 或 over them."""
        key = (f"{name}·任一", self.law.sql if name in self.by_law else "")
        if key not in self.terms:
            scopes, self.scopes = self.scopes, []
            checked = self.program.grounds[name]
            make = lambda: self.joined([term for _, term in self.grounds_terms(checked)], True)  # noqa: E731
            self.terms[key] = self.kept(f"{name}·任一", self.within(checked.scope, make), key[1])
            self.scopes = scopes
        return self.terms[key]

    def grounds(self, checked: CheckedGrounds) -> Term:
        """The list of grounds that hold; a value also while others are open, unless none holds."""

        def make() -> Term:
            terms = self.grounds_terms(checked)
            labels = [f"CASE WHEN {term.sql} THEN {self.dialect.text(label)} END" for label, term in terms]
            holding = self.dialect.where(self.dialect.list_of(labels), "g", "g IS NOT NULL")
            any_true = " OR ".join(self.is_true(term) for _, term in terms)
            doubts = [self.is_open(term) for _, term in terms if term.open]
            if not doubts:
                return Term(GROUNDS, holding, name=checked.decl.name)
            facts = self.facts_of([term for _, term in terms])
            sql = f"CASE WHEN NOT ({any_true}) AND ({' OR '.join(doubts)}) THEN NULL ELSE {holding} END"
            return Term(GROUNDS, sql, facts=facts, name=checked.decl.name)

        return self.within(checked.scope, make)

    def grounds_open(self, name: str) -> str:
        """Whether a 情形 has grounds that wait for facts, whether or not others hold."""
        checked = self.program.grounds[name]
        doubts = [self.is_open(term) for _, term in self.grounds_terms(checked) if term.open]
        found = " OR ".join(doubts) or "FALSE"
        if checked.scope:
            scope = self.scope(checked.scope)
            found = f"CASE WHEN {scope.sql} THEN {found} ELSE {self.is_open(scope)} END"
        return self.share(f"COALESCE({found}, FALSE)")

    def reading(self, name: str) -> Term:
        reading = self.program.readings[name]
        chosen = self.readings[name]
        expr = reading.options[chosen]
        return self.const(chosen, reading.type) if expr is None else self.typed(self.of(expr), reading.type)

    # --- parameters ----------------------------------------------------------------------------------

    def param(self, name: str) -> Term:
        decl = self.policy.params[name]
        kind = decl.type
        if self.law.is_const:
            current: Dated | None = None
            for dated in decl.values:
                if dated.since is None or dated.since <= self.law.const:
                    current = dated
            return self.settled(decl, current, kind, name)
        found = self.none(kind, facts=lambda: self.facts_list(name))
        for dated in decl.values:
            value = self.settled(decl, dated, kind, name)
            since = "TRUE" if dated.since is None else f"{self.law.sql} >= {self.dialect.date(dated.since)}"
            found = value if since == "TRUE" else self.choice(kind, [(since, value)], found)
        return found

    def settled(self, decl: ParamDecl, dated: Dated | None, kind: Type, fact: str) -> Term:
        if dated is None or isinstance(dated.value, Undecided):
            return self.none(kind, facts=lambda: self.facts_list(fact))
        if isinstance(dated.value, NoCell):
            citation = dated.citation.text if dated.citation else decl.article
            return self.none(
                kind, na=self.reason((f"{citation}：" if citation else "") + f"「{decl.name}」不适用")
            )
        return self.const(dated.value, kind)

    def param_year(self, decl: ParamDecl, year: Term, kind: Type) -> Term:
        shown = f"{self.dialect.text(decl.name + '[')} || {self.shown(year)} || {self.dialect.text(']')}"
        found = self.none(kind, facts=lambda: self.dialect.list_of([shown]))
        for at, dated in decl.by_year or ():
            hit = self.compared("==", replace(year, na="", facts=None), self.numbers.const(at))
            value = self.settled(decl, dated, kind, f"{decl.name}[{at}]")
            found = (
                (value if hit.const else found)
                if hit.is_const
                else self.choice(kind, [(hit.sql, value)], found)
            )
        return self.gated(found, [year])

    def depending_on_law(self) -> set[str]:
        """Names whose value can differ by the law's day."""
        policy = self.policy

        def dated(name: str) -> bool:
            if name in policy.params:
                return any(value.since is not None for value in policy.params[name].values)
            if name in self.program.uses:
                return True
            table = self.program.tables.get(name)
            if table is None:
                return False
            named = [cell for row in table.rows for cell in row.cells.values()]
            named += [
                limit for row in table.rows for match in row.matches for part in match or ()
                for limit in ((part.low, part.high) if hasattr(part, "low") else (part,))
            ]  # fmt: skip
            return any(isinstance(limit, ParamName) and dated(limit.name) for limit in named)

        declared = [*self.program.rules, *self.program.readings, *self.program.grounds]
        needs = cache(lambda name: needs_of(self.program, name))

        return {name for name in declared if any(dated(used) for used in closure([name], needs))}

    # --- facts ---------------------------------------------------------------------------------------

    def field(self, name: str) -> Term:
        """A fact on 计算日: given, by default, or 信息不足."""
        key = (name, "字段")
        if key not in self.terms:
            scopes, self.scopes, law, self.law = self.scopes, [], self.law, self.today
            self.terms[key] = self.fact(name)
            self.scopes, self.law = scopes, law
        return self.terms[key]

    def fact(self, name: str) -> Term:
        decl = self.policy.fields[name]
        term = self.given.on(self, decl, self.today)
        if term is None:
            return self.default(name)
        if term.sure or name not in self.program.defaults:
            return term
        return self.with_default(name, term)

    def with_default(self, name: str, term: Term) -> Term:
        """A fact that says nothing for the day takes its default; one that is open for another reason stays so."""
        other = self.default(name)
        when = self.given.absent(self, name, term)
        found = self.choice(
            term.kind,
            [(when, other)],
            replace(term, facts=term.facts if when != self.is_open(term) else None),
        )
        found = self.kept(f"{name}·或缺省", found)
        return replace(found, name=name)

    def default(self, name: str) -> Term:
        expr = self.program.defaults.get(name)
        decl = self.policy.fields[name]
        if expr is None:
            if not self.prefix:
                self.common.lacking[name] = None
            return replace(self.none(decl.type, facts=lambda: self.facts_list(name)), name=name)
        return self.typed(self.of(expr), decl.type)

    def on_day(self, name: str, day: Term) -> Term:
        """取值: a field on another day."""
        decl = self.policy.fields[name]
        term = self.given.on(self, decl, replace(day, na="", facts=None))
        if term is None:
            return self.gated(self.default(name), [day])
        if name in self.program.defaults:
            other = self.default(name)
            when = self.given.absent(self, name, term)
            term = self.choice(
                decl.type,
                [(when, other)],
                replace(term, facts=term.facts if when != self.is_open(term) else None),
            )
        return self.gated(term, [day])

    def dated(self, field: str) -> str | None:
        return self.given.entries(self, field)

    def dated_value(self, field: str, sql: str) -> Term:
        return self.given.typed(self, self.policy.fields[field], self.policy.fields[field].type, sql)

    def column_extent(self, field: str, column: str, term: Term) -> Term:
        decl = self.policy.fields.get(field)
        if decl is None:
            return term
        own: FieldDecl | None = decl
        if isinstance(decl.type, RecordsT):
            own = next((part for part in decl.columns if part.name == column), None)
        return extent_of(self, own, term) if own is not None else term

    # --- other policies --------------------------------------------------------------------------------

    def used(self, use: CheckedUse, name: str, kind: Type) -> Term:
        """A result of another policy, by the version in force on the law's day."""
        if self.law.is_const:
            return self.of_version(use, use.on(self.law.const), name, kind, self.law)
        days = sorted({p.policy.meta.effective for p in use.versions} | {
            date.fromordinal(p.policy.meta.expires.toordinal() + 1) for p in use.versions if p.policy.meta.expires
        })  # fmt: skip
        found = self.of_version(use, None, name, kind, self.law)
        for day in days:
            version = in_force([p.policy for p in use.versions], day)
            program = next((p for p in use.versions if p.policy is version), None)
            own = self.of_version(use, program, name, kind, self.law)
            found = self.choice(kind, [(f"{self.law.sql} >= {self.dialect.date(day)}", own)], found)
        return found

    def of_version(self, use: CheckedUse, program: Program | None, name: str, kind: Type, law: Term) -> Term:
        alias = use.decl.name
        if program is None:
            d = self.dialect
            day = d.cast(law.sql, d.string)
            text = f"{d.text(f'{use.decl.series} 在 ')} || {day} || {d.text(' 没有施行的版本')}"
            return self.none(kind, na=self.reason_sql(text))
        if name not in program.types or program.policy.declared(name) is None:
            return self.none(kind, facts=lambda: self.facts_list(f"{alias}.{name}"))
        child = self.child(use, program)
        kept, child.law = child.law, law
        try:
            term = child.grounds_true(name) if name in program.grounds else child.named(name)
        finally:
            child.law = kept
        return self.typed(term, kind)

    def child(self, use: CheckedUse, program: Program) -> Frame:
        key = (use.decl.name, program.policy.meta.id)
        if key not in self.children:
            prefix = f"{self.prefix}{use.decl.name}."
            several = len(use.versions) > 1
            child = Frame(self.common, program, self.stages, Mapped(self, use), prefix)
            if several:
                child.prefix = f"{prefix[:-1]}（{program.policy.meta.id}）."
            self.children[key] = child
        return self.children[key]


GROUNDS = RecordsT(())


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


class GroupFigures:
    """Figures of groups as columns: of the record's own group, or over a group's members."""

    def figure(self, name: str) -> Term:
        raise NotImplementedError

    def over_members(self, node: tree.Members) -> Term:
        raise NotImplementedError


class NoFigures(GroupFigures):
    """A record given alone: there is no roster to compute a group from. `asked` are the groups that it would need."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.asked: dict[str, None] = {}

    def figure(self, name: str) -> Term:
        self.asked[name] = None
        kind = self.frame.program.types.get(name, AnyT())
        return self.frame.none(kind, facts=lambda: self.frame.facts_list("名册"))

    def over_members(self, node: tree.Members) -> Term:
        return self.frame.none(node.type, facts=lambda: self.frame.facts_list("名册"))
