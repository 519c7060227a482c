"""Every node of the typed tree → a term. What names stand for is `engine.compile.frame`'s, lists and series are
`engine.compile.lists`'.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from engine.compile.arithmetic import SQL_OPERATORS, bits_for
from engine.compile.calls import Calls
from engine.compile.terms import CannotCompile, Term, same_members
from engine.expr import tree
from engine.types import BOOL, AnyT, BoolT, DateT, EnumT, NumberT, TextT, Type
from engine.values import exact

COMPARE = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
#: Digits after the point of a key in a message; a number of more is shown as a fraction.
_SHOWN = 6


class Formulas(Calls):
    """Handlers by kind of node; those left out here raise and are given by subclasses."""

    def of(self, node: tree.Expr) -> Term:
        match node:
            case tree.Const(value=value, type=kind):
                return self.const(value, kind)
            case tree.OutcomeConst(word=word, type=kind):
                if word == "不适用":
                    return self.none(kind, na=self.reason("按公式不适用"))
                return self.none(kind, facts=lambda: self.facts_list("公式写明信息不足"))
            case tree.Negate(operand=x):
                term = self.of(x)
                if term.is_const:
                    return self.const(-term.const, node.type)
                return replace(self.numbers.negative(term, node.type), na=term.na, facts=term.facts)
            case tree.Arith():
                return self.arith(node)
            case tree.Compare():
                return self.compare(node)
            case tree.And(items=items):
                return self.connected(items, False)
            case tree.Or(items=items):
                return self.connected(items, True)
            case tree.Not(operand=x):
                return self.negation(self.of(x))
            case tree.Among():
                return self.among(node)
            case tree.If(condition=condition, then=then, otherwise=otherwise):
                test = self.of(condition)
                if test.is_const:
                    return self.of(then if test.const else otherwise)
                return self.if_else(self.held(test), self.of(then), self.of(otherwise), node.type)
            case tree.Call(function=function, args=args):
                return self.call(function, [self.of(arg) for arg in args], node.type)
            case tree.Extreme():
                return self.extreme([self.of(arg) for arg in node.args], node.largest, node.type)
            case tree.Probe():
                return self.probe(node)
        return self.named_node(node)

    def named_node(self, node: tree.Expr) -> Term:
        raise CannotCompile(f"批量计算不支持这种写法（{type(node).__name__}）", node=node)

    def reason(self, text: str) -> str:
        """The number of a reason for 不适用."""
        raise NotImplementedError

    def held(self, term: Term) -> Term:
        """A term that will be written several times, as columns."""
        if term.is_const:
            return term
        return replace(term, sql=self.share(term.sql), na=self.share(term.na) if term.na else "")

    # --- operators -----------------------------------------------------------------------------------

    def arith(self, node: tree.Arith) -> Term:
        left, right = self.of(node.left), self.of(node.right)
        kind = node.type
        if any(isinstance(one.kind, AnyT) and not one.is_const for one in (left, right)):  # never a value
            return self.strict(self.none(kind), (left, right))
        if left.is_const and right.is_const:
            return self.folded_arith(node.op, left, right, kind)
        match node.op:
            case "+":
                return self.strict(self.numbers.add(left, right, kind), (left, right))
            case "-":
                return self.strict(self.numbers.add(left, right, kind, minus=True), (left, right))
            case "*":
                return self.strict(self.numbers.multiply(left, right, kind), (left, right))
        if right.is_const and right.const == 0:
            return self.strict(self.none(kind), (left, right), "除数为 0")
        if right.is_const:
            return self.strict(self.numbers.divide(left, right, kind), (left, right))
        right = self.held(right)
        divided = self.numbers.divide(left, right, kind)
        divided = replace(divided, over=self.share(divided.over))
        safe = right.low > 0 or right.high < 0
        return self.strict(divided, (left, right), "" if safe else "除数为 0")

    def folded_arith(self, op: str, left: Term, right: Term, kind: Type) -> Term:
        one, two = left.const, right.const
        if op == "/":
            if two == 0:
                return self.none(kind, facts=lambda: self.facts_list("除数为 0"))
            return self.const(exact(Fraction(one) / two), kind)
        run = {"+": operator.add, "-": operator.sub, "*": operator.mul}[op]
        return self.const(exact(run(one, two)), kind)

    def compare(self, node: tree.Compare) -> Term:
        left, right = self.of(node.left), self.of(node.right)
        return self.compared(node.op, left, right, node.order)

    def compared(self, op: str, left: Term, right: Term, order: EnumT | None = None) -> Term:
        if left.is_const and right.is_const:
            one, two = left.const, right.const
            if order is not None and op not in ("==", "!="):
                one, two = order.rank(one), order.rank(two)
            return self.const(bool(COMPARE[op](one, two)), BOOL)
        return self.strict(Term(BOOL, self.compared_sql(op, left, right, order)), (left, right))

    def compared_sql(self, op: str, left: Term, right: Term, order: EnumT | None) -> str:
        if isinstance(left.kind, AnyT) or isinstance(right.kind, AnyT):
            return self.null(BOOL)
        if isinstance(left.kind, NumberT):
            return self.numbers.compare(op, left, right)
        if isinstance(left.kind, EnumT) or isinstance(right.kind, EnumT):
            if order is not None and op not in ("==", "!="):
                left, right = self.recoded(left, order), self.recoded(right, order)
            elif (
                isinstance(left.kind, TextT)
                or isinstance(right.kind, TextT)
                or not same_members(left.kind, right.kind)
            ):
                return f"({self.member_text(left)} {SQL_OPERATORS[op]} {self.member_text(right)})"
        return f"({left.sql} {SQL_OPERATORS[op]} {right.sql})"

    def connected(self, items: Sequence[tree.Expr], deciding: bool) -> Term:
        terms: list[Term] = []
        for item in items:
            term = self.of(item)
            if term.is_const and term.const is deciding:
                return term
            terms.append(term if term.sure else self.held(term))
        return self.joined(terms, deciding)

    def among(self, node: tree.Among) -> Term:
        value = self.held(self.of(node.operand))
        members = [self.of(member) for member in node.members]
        parts = (value, *members)
        if all(part.is_const for part in parts):
            found = value.const in [member.const for member in members]
            return self.const(found is not node.negated, BOOL)
        tests = [self.compared_sql("==", value, member, None) for member in members]
        sql = f"({' OR '.join(tests)})"
        # any member without a value leaves the whole without one, also where another is equal
        gaps = [f"{member.sql} IS NULL" for member in members if not member.sure]
        if gaps:
            sql = f"CASE WHEN {' OR '.join(gaps)} THEN NULL ELSE {sql} END"
        return self.strict(Term(BOOL, f"(NOT {sql})" if node.negated else sql), parts)

    # --- functions of outcomes -----------------------------------------------------------------------

    def extreme(self, terms: Sequence[Term], largest: bool, kind: Type) -> Term:
        """取大 取小: what does not apply is left out, what is missing is not."""
        if all(term.is_const for term in terms):
            values = [term.const for term in terms]
            choose = max if largest else min
            return self.const(
                choose(values, key=kind.rank) if isinstance(kind, EnumT) else choose(values), kind
            )
        word = "GREATEST" if largest else "LEAST"
        never = [t for t in terms if isinstance(t.kind, AnyT) and not t.is_const]
        fitted = [
            self.held(term) for term in self.fitted([t for t in terms if t not in never] or terms, kind)
        ]
        if any(term.over for term in fitted):
            best = fitted[0]
            for term in fitted[1:]:
                better = self.numbers.compare(">" if largest else "<", replace(term, over=term.over), best)
                take = f"({better} OR ({best.sql} IS NULL AND {term.sql} IS NOT NULL))"
                best = self.held(self.choice(kind, [(take, term)], best))
            sql, over, over_high = best.sql, best.over, best.over_high
        else:
            sql = f"{word}({', '.join(term.sql for term in fitted)})" if len(fitted) > 1 else fitted[0].sql
            over, over_high = "", 1
        all_terms = [*fitted, *never]
        doubts = [self.is_open(term) for term in all_terms if term.open]
        na = ""
        if all(term.na for term in all_terms):
            every = " AND ".join(f"{term.na} IS NOT NULL" for term in all_terms)
            na = f"CASE WHEN {every} THEN {terms[0].na} END"
        if doubts:
            sql = f"CASE WHEN {' OR '.join(doubts)} THEN NULL ELSE {sql} END"
        first = fitted[0]
        return Term(
            first.kind, sql, na=na, facts=self.facts_of(all_terms), den=first.den, over=over, over_high=over_high,
            low=min(term.low for term in fitted), high=max(term.high for term in fitted),
        )  # fmt: skip

    def probe(self, node: tree.Probe) -> Term:
        term = self.of(node.operand)
        match node.function:
            case "有值":
                return self.const(True, BOOL) if term.sure else Term(BOOL, self.has_value(term))
            case "适用于":
                if term.sure:
                    return self.const(True, BOOL)
                term = self.held(term)
                no = f"WHEN {term.na} IS NOT NULL THEN FALSE " if term.na else ""
                sql = f"CASE {no}WHEN {term.sql} IS NOT NULL THEN TRUE END"
                return Term(BOOL, sql, facts=term.facts)
        assert node.fallback is not None
        replaced = node.function == "缺省"
        if term.sure or (replaced and not term.open) or (not replaced and not term.na):
            return term
        other = self.of(node.fallback)
        term = self.held(term)
        when = self.is_open(term) if replaced else f"{term.na} IS NOT NULL"
        rest = replace(term, facts=None) if replaced else replace(term, na="")
        return self.choice(node.type, [(when, other)], rest)

    # --- what is shown of values ---------------------------------------------------------------------

    def shown(self, term: Term) -> str:
        """A value in a text, as `engine.tables.show` writes it."""
        match term.kind:
            case EnumT():
                return self.member_text(term)
            case BoolT():
                return f"CASE WHEN {term.sql} THEN '是' ELSE '否' END"
            case DateT():
                return self.dialect.cast(term.sql, self.dialect.string)
            case NumberT():
                return self.shown_number(term)
        return term.sql

    def shown_number(self, term: Term) -> str:
        """The shortest exact decimal, else 「p/q」 in lowest terms."""

        def text(sql: str) -> str:
            return self.dialect.cast(sql, self.dialect.string)

        if term.den == 1 and not term.over:
            return text(term.sql)
        return self.shown_fraction(term)

    def shown_fraction(self, term: Term) -> str:
        string = self.dialect.string
        bits = bits_for(term.low * 10**_SHOWN, max(term.high, term.den * term.over_high) * 10**_SHOWN)
        top = self.numbers.wide(term.sql, term.low, term.high, bits)
        bottom = f"({term.den} * {term.over})" if term.over else str(term.den)
        shared = self.dialect.greatest_divisor(f"ABS({top})", bottom)
        divide = self.dialect.divide
        p, q = divide(top, shared, bits), divide(bottom, shared, bits)
        unit = str(10**_SHOWN)
        scaled = divide(f"ABS({p}) * {unit}", q, bits)
        tail = f"LPAD({self.dialect.cast(f'({scaled}) % {unit}', string)}, {_SHOWN}, '0')"
        sign = f"CASE WHEN {term.sql} < 0 THEN '-' ELSE '' END"
        whole = self.dialect.cast(divide(f"ABS({p})", q, bits), string)
        return (
            f"CASE WHEN {q} = 1 THEN {self.dialect.cast(p, string)} WHEN {unit} % {q} = 0 THEN {sign} || {whole} || '.' || "
            f"REGEXP_REPLACE({tail}, '0+$', '') ELSE {self.dialect.cast(p, string)} || '/' || {self.dialect.cast(q, string)} END"
        )
