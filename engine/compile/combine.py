"""Outcomes of several terms as one (language §4): 不适用 before 信息不足, Kleene's 且 and 或, open conditions.

What `engine.outcomes` does for one record; both are tried against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from engine.compile.arithmetic import Numbers
from engine.compile.dialects import Dialect
from engine.compile.terms import NOTHING, Facts, Term, same_members
from engine.types import AnyT, BoolT, DateT, EnumT, NumberT, RecordsT, SeriesT, TextT, Type


class Combiner:
    """Ways to put terms together; knows no names."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect, self.numbers = dialect, Numbers(dialect)

    # --- constants and types -----------------------------------------------------------------------

    def const(self, value: Any, kind: Type) -> Term:
        match kind:
            case BoolT():
                return Term(kind, "TRUE" if value else "FALSE", const=value)
            case DateT():
                day = value.toordinal()
                return Term(kind, self.dialect.date(value), low=day, high=day, const=value)
            case EnumT():
                return Term(
                    kind, str(kind.rank(value)), low=kind.rank(value), high=kind.rank(value), const=value
                )
            case TextT():
                return Term(kind, self.dialect.text(value), const=value)
        if isinstance(value, str):
            return Term(TextT(), self.dialect.text(value), const=value)
        return self.numbers.const(value, kind)

    def none(self, kind: Type, na: str = "", facts: Facts = None) -> Term:
        """No value, for one reason or the other."""
        return Term(kind, self.null(kind), na=na, facts=facts)

    def null(self, kind: Type) -> str:
        found = self.sql_type(kind)
        return self.dialect.cast("NULL", found) if found else "NULL"

    def sql_type(self, kind: Type) -> str:
        """The SQL type of values inside the statement; "" for one that depends on bounds or on nothing."""
        match kind:
            case BoolT():
                return self.dialect.truth
            case DateT():
                return self.dialect.day
            case TextT():
                return self.dialect.string
            case NumberT() | EnumT():
                return self.dialect.whole[32]
        return ""

    def empty(self) -> str:
        """No facts: NULL, which costs nothing."""
        return self.dialect.cast("NULL", self.dialect.texts)

    def facts_list(self, *facts: str) -> str:
        return self.dialect.list_of([self.dialect.text(fact) for fact in facts])

    # --- what an outcome is ------------------------------------------------------------------------

    def is_open(self, term: Term) -> str:
        """Whether it is 信息不足."""
        if not term.open:
            return "FALSE"
        own = self.known(term)
        return f"({own} IS NULL AND {term.na} IS NULL)" if term.na else f"({own} IS NULL)"

    @staticmethod
    def known(term: Term) -> str:
        """What is NULL where the term has no value, and cheaper to look at than a list."""
        return term.pack.present if term.pack is not None else term.sql

    def has_value(self, term: Term) -> str:
        return "TRUE" if term.sure else f"({self.known(term)} IS NOT NULL)"

    def is_true(self, term: Term) -> str:
        """Whether it is 是, never NULL."""
        return term.sql if term.sure else f"({term.sql} IS TRUE)"

    def first_na(self, terms: Sequence[Term]) -> str:
        """The reason of the first that does not apply."""
        found = list(dict.fromkeys(term.na for term in terms if term.na))
        return found[0] if len(found) == 1 else f"COALESCE({', '.join(found)})" if found else ""

    def facts_of(self, terms: Sequence[Term]) -> Facts:
        """The facts of all that are open."""
        open_terms = [term for term in terms if term.facts is not None]
        if not open_terms:
            return None

        def found() -> str:
            return self.dialect.joined(list(dict.fromkeys(term.facts() for term in open_terms if term.facts)))

        return found

    def unless(self, condition: str, facts: Facts) -> Facts:
        """Facts, none where a condition holds."""
        if facts is None or not condition or condition == "FALSE":
            return facts
        return lambda: f"CASE WHEN {condition} THEN {self.empty()} ELSE {facts()} END"

    # --- combinations --------------------------------------------------------------------------------

    def strict(self, term: Term, parts: Sequence[Term], lacking: str = "") -> Term:
        """`term` with the outcomes of its parts; `lacking` is missing where all parts have a value and it has none."""
        na = self.first_na(parts)
        facts = self.facts_of(parts)
        if lacking:
            inner = facts
            own = lacking if lacking.startswith(("[", "array(")) else self.facts_list(lacking)
            if inner is None:
                sql = term.sql
                facts = lambda: f"CASE WHEN {sql} IS NULL THEN {own} ELSE {self.empty()} END"  # noqa: E731
            else:
                valued = " AND ".join(self.has_value(part) for part in parts if not part.sure)
                sql = term.sql
                facts = lambda: (  # noqa: E731
                    f"CASE WHEN {sql} IS NOT NULL THEN {self.empty()} WHEN {valued} THEN {own} ELSE {inner()} END"
                )
        if na:
            facts = self.unless(f"{na} IS NOT NULL", facts)
        return replace(term, na=na, facts=facts)

    def joined(self, items: Sequence[Term], deciding: bool) -> Term:
        """且 (deciding: FALSE) or 或 (deciding: TRUE)."""
        kept: list[Term] = []
        for item in items:
            if item.is_const and item.const is deciding:
                return item
            if not item.is_const:
                kept.append(item)
        if not kept:
            return self.const(not deciding, BoolT())
        if len(kept) == 1:
            return kept[0]
        word = " OR " if deciding else " AND "
        sql = "(" + word.join(item.sql for item in kept) + ")"
        na = self.first_na(kept)
        facts = self.facts_of(kept)
        if na:
            doubts = " OR ".join(self.is_open(item) for item in kept if item.open)
            na = f"CASE WHEN {sql} IS NULL" + (f" AND NOT ({doubts})" if doubts else "") + f" THEN {na} END"
        facts = self.unless(f"{sql} IS NOT NULL", facts)
        return Term(BoolT(), sql, na=na, facts=facts)

    def negation(self, term: Term) -> Term:
        if term.is_const:
            return self.const(not term.const, BoolT())
        return replace(term, sql=f"(NOT {term.sql})")

    def agree(self, one: Term, two: Term) -> str:
        """Whether two outcomes are the same result, never NULL."""
        found = f"({self.equal(one, two)} IS TRUE)"
        if one.na and two.na:
            return f"({found} OR ({one.na} IS NOT NULL AND {two.na} IS NOT NULL))"
        return found

    def equal(self, one: Term, two: Term) -> str:
        """A value equal to another, NULL where either has none."""
        if isinstance(one.kind, AnyT) or isinstance(two.kind, AnyT):
            return self.dialect.cast("NULL", self.dialect.truth)
        if isinstance(one.kind, NumberT):
            return self.numbers.compare("==", one, two)
        if isinstance(one.kind, EnumT) and not same_members(one.kind, two.kind):
            return f"({self.member_text(one)} = {self.member_text(two)})"
        return f"({one.sql} = {two.sql})"

    def if_else(self, condition: Term, then: Term, otherwise: Term, kind: Type) -> Term:
        """若: an open condition gives what both branches agree on; one that does not apply, 不适用 by the same test."""
        if condition.is_const:
            return then if condition.const else otherwise
        sure = self.choice(kind, [(condition.sql, then)], otherwise)
        if condition.sure:
            return sure
        then, otherwise = self.fitted([then, otherwise], kind)
        agreed = self.agree(then, otherwise)
        when = condition.sql
        sql = f"CASE WHEN {when} THEN {then.sql} WHEN NOT {when} THEN {otherwise.sql} WHEN {agreed} THEN {then.sql} END"
        over = ""
        if then.over or otherwise.over:
            over = f"CASE WHEN NOT {when} THEN {otherwise.over} ELSE {then.over} END"
        one, two = then.na or "NULL", otherwise.na or "NULL"
        na = ""
        if then.na or otherwise.na or condition.na:
            na = f"CASE WHEN {when} THEN {one} WHEN NOT {when} THEN {two}"
            if then.na and otherwise.na:
                na += f" WHEN {agreed} THEN {one}"
            elif condition.na:
                na += f" WHEN {agreed} THEN NULL"
            na += f" ELSE {condition.na} END" if condition.na else " END"

        def facts() -> str:
            parts = [part.facts() for part in (condition, then, otherwise) if part.facts]
            first = then.facts() if then.facts else self.empty()
            second = otherwise.facts() if otherwise.facts else self.empty()
            found = f"CASE WHEN {when} THEN {first} WHEN NOT {when} THEN {second} WHEN {agreed}"
            if condition.na:
                found += f" OR {condition.na} IS NOT NULL"
            return f"{found} THEN {self.empty()} ELSE {self.dialect.joined(parts)} END"

        open_ = condition.open or then.open or otherwise.open
        return replace(
            sure, sql=sql, over=over, na=na, facts=facts if open_ else None, const=NOTHING, pack=None
        )

    def choice(self, kind: Type, arms: Sequence[tuple[str, Term]], other: Term) -> Term:
        """The first term whose condition (SQL, FALSE or NULL if not) holds, else the other."""
        terms = self.fitted([*(term for _, term in arms), other], kind)
        conditions = [condition for condition, _ in arms]
        *chosen, last = terms

        def case(texts: Sequence[str], rest: str) -> str:
            if set(texts) == {rest}:
                return rest
            whens = [f"WHEN {when} THEN {text}" for when, text in zip(conditions, texts, strict=True)]
            return f"CASE {' '.join(whens)} ELSE {rest} END"

        if all(term.sql == last.sql and term.na == last.na and term.over == last.over for term in terms):
            sql, na, over = last.sql, last.na, last.over
        else:
            sql = case([term.sql for term in chosen], last.sql)
            na = over = ""
            if any(term.na for term in terms):
                na = case([term.na or "NULL" for term in chosen], last.na or "NULL")
            if any(term.over for term in terms):
                over = case([term.over for term in chosen], last.over)
        facts: Facts = None
        if any(term.open for term in terms):
            texts = [term.facts or self.empty for term in terms]
            facts = lambda: case([text() for text in texts[:-1]], texts[-1]())  # noqa: E731
        first = terms[0]
        packs = {term.pack for term in terms}
        origins = {term.rows_of for term in terms}
        return Term(
            first.kind if not isinstance(first.kind, AnyT) else last.kind,
            sql, na=na, facts=facts, den=first.den, over=over,
            low=min(term.low for term in terms), high=max(term.high for term in terms),
            over_high=max(term.over_high for term in terms),
            pack=packs.pop() if len(packs) == 1 else None, name=first.name or last.name,
            rows_of=origins.pop() if len(origins) == 1 else "",
        )  # fmt: skip

    def fitted(self, terms: Sequence[Term], kind: Type) -> list[Term]:
        """Terms of one type as values of one SQL type: over one den, members numbered alike, NULLs typed."""
        real = [term for term in terms if not isinstance(term.kind, AnyT)]
        if isinstance(kind, AnyT):
            kind = real[0].kind if real else kind
        found: list[Term] = []
        if isinstance(kind, NumberT):
            bounds = real or [Term(kind, "NULL")]
            low = min(t.low for t in bounds)
            terms = [
                term
                if not isinstance(term.kind, AnyT)
                else replace(term, kind=kind, sql="NULL", low=low, high=low)
                for term in terms
            ]
            return self.numbers.alike(terms)
        for term in terms:
            if isinstance(term.kind, AnyT) and not isinstance(kind, AnyT):
                first = real[0] if real else Term(kind, "NULL")
                term = replace(term, kind=kind, sql=self.null(kind), low=first.low, high=first.high)
            elif isinstance(kind, EnumT):
                term = self.recoded(term, kind)
            found.append(term)
        return found

    # --- members -------------------------------------------------------------------------------------

    def recoded(self, term: Term, kind: EnumT) -> Term:
        """A member by its rank in another enum."""
        if not isinstance(term.kind, EnumT) or same_members(term.kind, kind):
            if isinstance(term.kind, TextT):
                return self.ranked(term, kind, {member: member for member in kind.members})
            return replace(term, kind=kind) if isinstance(term.kind, EnumT) else term
        if term.is_const:
            return self.const(term.const, kind) if term.const in kind.members else self.none(kind)
        arms = [
            f"WHEN {at} THEN {kind.rank(member)}"
            for at, member in enumerate(term.kind.members)
            if member in kind.members
        ]
        return replace(
            term, kind=kind, sql=f"CASE {term.sql} {' '.join(arms)} END", low=0, high=len(kind.members) - 1
        )

    def ranked(self, term: Term, kind: EnumT, words: dict[str, str]) -> Term:
        """A text as the rank of the member that it names."""
        ranks = {member: at for at, member in enumerate(kind.members)}
        sql = self.dialect.code_of(term.sql, {word: ranks[member] for word, member in words.items()})
        return replace(term, kind=kind, sql=sql, low=0, high=max(len(kind.members) - 1, 0), const=NOTHING)

    def member_text(self, term: Term) -> str:
        """A member as its text."""
        if not isinstance(term.kind, EnumT):
            return term.sql
        if term.is_const:
            return self.dialect.text(term.const)
        texts = [self.dialect.text(member) for member in term.kind.members]
        arms = " ".join(f"WHEN {at} THEN {text}" for at, text in enumerate(texts))
        return f"CASE {term.sql} {arms} END"

    @staticmethod
    def is_list(kind: Type) -> bool:
        return isinstance(kind, SeriesT | RecordsT)
