"""Syntax → typed tree: every name resolved, every type and unit checked, all mistakes of a formula in one pass.

After a mistake the part has type `AnyT`, which fits everywhere, so that one mistake gives one message.
What names stand for is asked of an `Environment`; which of them may stand here is in the `Scope`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

from engine.diagnostics import Diagnostic, Place, place_of
from engine.expr import messages, syntax, tree
from engine.expr.functions import FUNCTIONS, Function
from engine.expr.messages import Mistake
from engine.names import normalize
from engine.nodes import Scalar
from engine.policy import FieldDecl, ParamDecl
from engine.source import Span
from engine.types import (
    ANYTYPE,
    BOOL,
    DATE,
    TEXT,
    AnyT,
    BoolT,
    DateT,
    EnumT,
    NumberT,
    RecordsT,
    SeriesT,
    TextT,
    Type,
    describe,
)
from engine.units import ANY, BARE, common, divide, multiply

NUMBER = NumberT(BARE)
#: The family of a name whose declaration has mistakes of its own: nothing more is said where it is used.
LOST = "缺损"

_OVER_MEMBERS = ("人数", "个数", "合计", "最大", "最小", "平均")
_OVER_SOURCE = ("次数", "合计", "最大", "最小", "平均")
_IN_CONDITIONS = ("值", "年份")
#: Mistakes of one formula that are listed.
MOST_MISTAKES = 50


class Environment(Protocol):
    """What the names of a policy stand for."""

    def family(self, name: str) -> str | None:
        """字段 参数 表 口径 规则 集体 情形 引用, `LOST` for a declaration that could not be read, or None."""

    def type_of(self, name: str) -> Type: ...
    def field(self, name: str) -> FieldDecl: ...
    def param(self, name: str) -> ParamDecl: ...
    def table_keys(self, name: str) -> tuple[tuple[str, Type], ...]: ...
    def table_columns(self, name: str) -> dict[str, Type]: ...
    def group_keys(self, name: str) -> tuple[str, ...]: ...
    def is_personal(self, name: str) -> bool: ...
    def use_results(self, alias: str) -> dict[str, Type]: ...
    def enums_with(self, member: str) -> list[EnumT]: ...
    def names(self) -> Iterable[str]: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a formula stands: `columns` of the aggregates around it, innermost last; `group` the keys of the 集体 in
    whose own figures it stands (None: a record); `condition` inside an aggregate's condition."""

    columns: tuple[dict[str, Type], ...] = ()
    group: tuple[str, ...] | None = None
    condition: bool = False


def unify(left: Type, right: Type) -> Type | None:
    """The type of a place that may hold either, or None."""
    if isinstance(left, AnyT):
        return right
    if isinstance(right, AnyT):
        return left
    if isinstance(left, NumberT) and isinstance(right, NumberT):
        unit = common(left.unit, right.unit)
        return None if unit is None else NumberT(unit)
    return left if left == right else None


def check_formula(
    scalar: Scalar,
    root: syntax.Syntax,
    env: Environment,
    expected: Type | None,
    scope: Scope,
    branch: bool = False,
) -> tuple[tree.Expr, list[Diagnostic]]:
    """A parsed formula → typed tree and its mistakes; `branch` allows 不适用 and 信息不足 at the root."""
    checker = _Checker(scalar, env)
    found = checker.given(root, expected, scope, branch)
    return found, checker.diagnostics


@dataclass(slots=True)
class _Checker:
    scalar: Scalar
    env: Environment
    diagnostics: list[Diagnostic] = field(default_factory=list)
    searched: dict[str, Mistake] = field(default_factory=dict)

    # --- mistakes -----------------------------------------------------------------------------

    def place(self, span: Span) -> Place:
        start = self.scalar.offset_at(span.start)
        end = self.scalar.offset_at(max(span.start, span.end - 1)) + 1
        return place_of(self.scalar.source, Span(start, max(start + 1, end)))

    def bad(self, node: syntax.Syntax, mistake: Mistake) -> tree.Expr:
        if len(self.diagnostics) < MOST_MISTAKES:
            found = Diagnostic(mistake.code, mistake.message, self.place(node.span), mistake.hint)
            if found not in self.diagnostics:
                self.diagnostics.append(found)
        return tree.Const(None, type=ANYTYPE, span=node.span)

    # --- what a place expects -----------------------------------------------------------------

    def given(
        self, node: syntax.Syntax, expected: Type | None, scope: Scope, branch: bool = False
    ) -> tree.Expr:
        """A node where `expected` is due (None: anything); a mismatch is one mistake."""
        found = self.infer(node, expected, scope, branch)
        if expected is None or isinstance(expected, AnyT) or isinstance(found.type, AnyT):
            return found
        if unify(expected, found.type) is None:
            return self.bad(node, self.mismatch(expected, found.type))
        return found

    @staticmethod
    def mismatch(expected: Type, found: Type) -> Mistake:
        if isinstance(expected, NumberT) and isinstance(found, NumberT):
            if expected.unit.is_money and found.unit.is_bare:
                return messages.money_literal(expected)
            return messages.other_unit(expected.unit, found.unit)
        return messages.wrong_type(describe(expected), found)

    def truth(self, node: syntax.Syntax, scope: Scope) -> tree.Expr:
        return self.given(node, BOOL, scope)

    def count(self, node: syntax.Syntax, scope: Scope) -> tree.Expr:
        """A number that is no money."""
        found = self.infer(node, None, scope)
        if isinstance(found.type, AnyT):
            return found
        if not isinstance(found.type, NumberT) or found.type.unit.is_money:
            return self.bad(node, messages.wrong_type("不带金额单位的数", found.type))
        return found

    def single(self, node: syntax.Syntax, expected: Type | None, scope: Scope) -> tree.Expr:
        """A node that must be one value, not a series or rows."""
        found = self.infer(node, expected, scope)
        if isinstance(found.type, SeriesT | RecordsT):
            name = node.name if isinstance(node, syntax.Name) else "这里"
            return self.bad(node, messages.whole_series(name, found.type))
        return found

    def is_memberlike(self, node: syntax.Syntax, scope: Scope) -> bool:
        """Whether only the other side can say what a word is."""
        match node:
            case syntax.TextLit():
                return True
            case syntax.Name(name):
                return self.local(name, scope) is None and self.env.family(name) is None and name != "计算日"
            case syntax.Conditional(_, then, otherwise):
                return self.is_memberlike(then, scope) and self.is_memberlike(otherwise, scope)
            case syntax.OutcomeLit():
                return True
        return False

    def together(
        self, nodes: tuple[syntax.Syntax, ...], expected: Type | None, scope: Scope, branch: bool = False
    ) -> tuple[tuple[tree.Expr, ...], Type]:
        """Nodes of one type: those with a type of their own first, then members of it."""
        found: dict[int, tree.Expr] = {}
        kind: Type = expected or ANYTYPE
        firm: syntax.Syntax | None = None
        order = sorted(range(len(nodes)), key=lambda at: self.is_memberlike(nodes[at], scope))
        for at in order:
            node = nodes[at]
            wanted = None if isinstance(kind, AnyT) else kind
            expr = self.single(node, wanted, scope) if not branch else self.infer(node, wanted, scope, branch)
            joined = unify(kind, expr.type)
            if joined is None:
                if isinstance(kind, NumberT) and isinstance(expr.type, NumberT):
                    expr = self.bad(node, messages.different_units(kind.unit, expr.type.unit))
                else:
                    expr = self.bad(node, messages.different_types(kind, expr.type))
            else:
                kind = joined
                firm = firm or node
            found[at] = expr
        return tuple(found[at] for at in range(len(nodes))), kind

    # --- names --------------------------------------------------------------------------------

    @staticmethod
    def local(name: str, scope: Scope) -> Type | None:
        for columns in reversed(scope.columns):
            if name in columns:
                return columns[name]
        return None

    def member(self, node: syntax.Syntax, word: str, expected: Type | None) -> tree.Expr | None:
        """A word as an enum member, if that is what it can be here."""
        if isinstance(expected, EnumT):
            for candidate in expected.members:
                if candidate == word or normalize(candidate) == normalize(word):
                    return tree.Const(candidate, type=expected, span=node.span)
            return None
        enums = list(dict.fromkeys(self.env.enums_with(word)))
        if expected is None or isinstance(expected, AnyT):
            if len(enums) == 1:
                return tree.Const(word, type=enums[0], span=node.span)
            if enums:
                return self.bad(node, messages.ambiguous_member(word, enums))
        return None

    def name(self, node: syntax.Name, expected: Type | None, scope: Scope) -> tree.Expr:
        name, span = node.name, node.span
        column = self.local(name, scope)
        if column is not None:
            return tree.Column(name, type=column, span=span)
        if name == "计算日":
            return tree.AsOf(type=DATE, span=span)
        family = self.env.family(name)
        if family is None:
            found = self.member(node, name, expected)
            if found is not None:
                return found
            if name in FUNCTIONS:
                return self.bad(node, messages.bare_function(name, FUNCTIONS[name].signature))
            if isinstance(expected, EnumT):
                others = () if self.env.enums_with(name) else self.env.names()
                return self.bad(node, messages.not_member(name, expected, others))
            enums = self.env.enums_with(name)
            if enums and expected is not None:
                return self.bad(node, messages.wrong_type(describe(expected), enums[0]))
            if name in _IN_CONDITIONS:
                return self.bad(node, messages.outside_source(name))
            return self.bad(node, self.unknown(name, scope))
        if family == LOST:
            return self.nothing(node)
        kind = self.env.type_of(name) if family not in ("表", "引用") else ANYTYPE
        match family:
            case "字段":
                return self.field(node, kind, scope)
            case "参数":
                if self.env.param(name).by_year is not None:
                    return self.bad(node, messages.needs_index(name, "逐年的参数"))
                return tree.Param(name, type=kind, span=span)
            case "表":
                return self.bad(node, messages.needs_index(name, "表"))
            case "引用":
                return self.bad(node, messages.bare_alias(name))
            case "集体":
                return self.group(node, kind, scope)
        if scope.group is not None and self.env.is_personal(name):
            return self.bad(node, messages.personal_in_group(name))
        if family == "规则":
            return tree.Rule(name, type=kind, span=span)
        if family == "情形":
            return tree.GroundsTrue(name, type=BOOL, span=span)
        return tree.Reading(name, type=kind, span=span)

    def unknown(self, name: str, scope: Scope) -> Mistake:
        """An undeclared name; the search for what was meant is made once per name."""
        found = self.searched.get(name)
        if found is None:
            known = [*self.env.names(), *_column_names(scope)]
            found = messages.unknown_name(name, [n for n in known if n not in FUNCTIONS])
            self.searched[name] = found
        return found

    def field(self, node: syntax.Name, kind: Type, scope: Scope) -> tree.Expr:
        if scope.group is not None and node.name not in scope.group:
            owner = self.env.field(node.name).owner
            if not owner or owner not in scope.group:
                return self.bad(node, messages.personal_in_group(node.name))
        return tree.Field(node.name, type=kind, span=node.span)

    def group(self, node: syntax.Name, kind: Type, scope: Scope) -> tree.Expr:
        if scope.group is not None and not set(self.env.group_keys(node.name)) <= set(scope.group):
            return self.bad(node, messages.not_finer(node.name))
        return tree.Group(node.name, type=kind, span=node.span)

    # --- one node -----------------------------------------------------------------------------

    def infer(
        self, node: syntax.Syntax, expected: Type | None, scope: Scope, branch: bool = False
    ) -> tree.Expr:
        """The typed tree of a node; `expected` only helps to read members, `given` checks it."""
        span = node.span
        match node:
            case syntax.NumberLit(value):
                return tree.Const(value, type=NumberT(ANY if value == 0 else BARE), span=span)
            case syntax.DateLit(value):
                return tree.Const(value, type=DATE, span=span)
            case syntax.TruthLit(value):
                return tree.Const(value, type=BOOL, span=span)
            case syntax.TextLit(value):
                if isinstance(expected, TextT):
                    return tree.Const(value, type=TEXT, span=span)
                found = self.member(node, value, expected)
                if found is None and isinstance(expected, EnumT):
                    return self.bad(node, messages.not_member(value, expected))
                return found or tree.Const(value, type=TEXT, span=span)
            case syntax.OutcomeLit(word):
                if not branch:
                    return self.bad(node, messages.outcome_place(word))
                return tree.OutcomeConst(word, type=ANYTYPE, span=span)
            case syntax.Name():
                return self.name(node, expected, scope)
            case syntax.Dotted(alias, name):
                return self.dotted(node, alias, name, scope)
            case syntax.Call():
                return self.call(node, expected, scope)
            case syntax.Index():
                return self.index(node, scope)
            case syntax.Negative(operand):
                inner = self.single(operand, None, scope)
                if not isinstance(inner.type, NumberT | AnyT):
                    return self.bad(node, messages.wrong_type("数", inner.type))
                if isinstance(inner, tree.Const) and inner.value is not None:
                    return tree.Const(-inner.value, type=inner.type, span=span)
                return tree.Negate(inner, type=inner.type, span=span)
            case syntax.Not(operand):
                return tree.Not(self.truth(operand, scope), type=BOOL, span=span)
            case syntax.Arithmetic():
                return self.arithmetic(node, scope)
            case syntax.Comparison():
                return self.comparison(node, scope)
            case syntax.Logic(op, items):
                parts = tuple(self.truth(item, scope) for item in items)
                joined = tree.And if op == "且" else tree.Or
                return joined(parts, type=BOOL, span=span)
            case syntax.Among(operand, members, negated):
                left = self.single(operand, None, scope)
                wanted = None if isinstance(left.type, AnyT) else left.type
                right = tuple(self.given(member, wanted, scope) for member in members)
                return tree.Among(left, right, negated, type=BOOL, span=span)
            case syntax.Conditional(condition, then, otherwise):
                test = self.truth(condition, scope)
                (yes, no), kind = self.together((then, otherwise), expected, scope, branch=True)
                if expected is not None and not isinstance(expected, AnyT):
                    kind = unify(yes.type, no.type) or kind
                return tree.If(test, yes, no, type=kind, span=span)

    def dotted(self, node: syntax.Dotted, alias: str, name: str, scope: Scope) -> tree.Expr:
        if self.env.family(alias) == LOST:
            return self.nothing(node)
        if self.env.family(alias) != "引用":
            known = self.local(alias, scope) is not None or alias == "计算日"
            if self.env.family(alias) is None and not known:
                return self.bad(node, messages.unknown_name(alias, self.env.names()))
            return self.bad(node, messages.not_alias(alias))
        results = self.env.use_results(alias)
        if name not in results:
            return (
                self.bad(node, messages.unknown_result(alias, name, results))
                if results
                else self.nothing(node)
            )
        if scope.group is not None:
            return self.bad(node, messages.personal_in_group(f"{alias}.{name}"))
        return tree.Use(alias, name, type=results[name], span=node.span)

    @staticmethod
    def nothing(node: syntax.Syntax) -> tree.Expr:
        """A part whose mistake has been said elsewhere."""
        return tree.Const(None, type=ANYTYPE, span=node.span)

    def arithmetic(self, node: syntax.Arithmetic, scope: Scope) -> tree.Expr:
        left, right = self.single(node.left, None, scope), self.single(node.right, None, scope)
        for part, written in ((left, node.left), (right, node.right)):
            if isinstance(part.type, DateT):
                return self.bad(node, messages.date_arithmetic())
            if not isinstance(part.type, NumberT | AnyT):
                return self.bad(written, messages.wrong_type("数", part.type))
        kind: Type = ANYTYPE
        if isinstance(left.type, NumberT) and isinstance(right.type, NumberT):
            one, two = left.type.unit, right.type.unit
            if node.op in "+-":
                unit = common(one, two)
                if unit is None:
                    return self.bad(node, messages.different_units(one, two))
            else:
                unit = multiply(one, two) if node.op == "*" else divide(one, two)
                if unit is None:
                    if one.is_money and two.is_money and node.op == "/":
                        return self.bad(node, messages.different_units(one, two))
                    return self.bad(node, messages.money_product(node.op))
            kind = NumberT(unit)
        return tree.Arith(node.op, left, right, type=kind, span=node.span)  # type: ignore[arg-type]

    def comparison(self, node: syntax.Comparison, scope: Scope) -> tree.Expr:
        parts, kind = self.together((node.first, *node.rest), None, scope)
        order = kind if isinstance(kind, EnumT) else None
        ordered = isinstance(kind, NumberT | DateT | AnyT) or (order is not None and order.ordered)
        if not ordered and any(op not in ("==", "!=") for op in node.ops):
            return self.bad(node, messages.unordered(kind))
        pairs = tuple(
            tree.Compare(op, parts[at], parts[at + 1], order, type=BOOL, span=node.span)  # type: ignore[arg-type]
            for at, op in enumerate(node.ops)
        )
        return pairs[0] if len(pairs) == 1 else tree.And(pairs, type=BOOL, span=node.span)

    def index(self, node: syntax.Index, scope: Scope) -> tree.Expr:
        target = node.target
        if isinstance(target, syntax.Name) and self.local(target.name, scope) is None:
            family = self.env.family(target.name)
            if family == "表":
                return self.lookup(node, target.name, scope)
            if family == "参数" and self.env.param(target.name).by_year is not None:
                if len(node.keys) != 1:
                    return self.bad(node, messages.key_count(target.name, ["年份"], len(node.keys)))
                year = self.count(node.keys[0], scope)
                return tree.ParamYear(target.name, year, type=self.env.type_of(target.name), span=node.span)
        series = self.infer(target, None, scope)
        if isinstance(series.type, AnyT):
            return series
        if not isinstance(series.type, SeriesT) or len(node.keys) != 1:
            name = target.name if isinstance(target, syntax.Name) else "这里"
            return self.bad(node, messages.bad_index(name))
        year = self.count(node.keys[0], scope)
        return tree.YearOf(series, year, type=series.type.item, span=node.span)

    def lookup(self, node: syntax.Index, table: str, scope: Scope) -> tree.Expr:
        keys, columns = self.env.table_keys(table), self.env.table_columns(table)
        named = "" not in columns
        labels = [name for name, _ in keys] + (["栏目"] if named else [])
        if len(node.keys) != len(labels):
            return self.bad(node, messages.key_count(table, labels, len(node.keys)))
        written, column = node.keys, ""
        if named:
            last = node.keys[-1]
            column = normalize(_word(last))
            if column not in columns:
                return self.bad(last, messages.unknown_column(table, column, columns))
            written = node.keys[:-1]
        exprs = []
        for key, (_, kind) in zip(written, keys, strict=True):
            expr = self.single(key, kind, scope)
            if not isinstance(expr.type, AnyT) and unify(kind, expr.type) is None:
                expr = self.bad(key, self.mismatch(kind, expr.type))
            exprs.append(expr)
        return tree.Lookup(table, tuple(exprs), column, type=columns[column], span=node.span)

    # --- built-ins ----------------------------------------------------------------------------

    def call(self, node: syntax.Call, expected: Type | None, scope: Scope) -> tree.Expr:
        function = FUNCTIONS.get(node.function)
        if function is None:
            declared = self.env.family(node.function) is not None
            names = self.env.names()
            return self.bad(node, messages.unknown_function(node.function, FUNCTIONS, declared, names))
        if scope.condition and function.name in (*_OVER_SOURCE, "人数", "个数", "段数", "连续", "滚动段数"):
            return self.bad(node, messages.nested_aggregate(function.name))
        if function.run is not None:
            return self.plain(node, function, scope)
        low, high = _COUNTS[function.name]
        if not low <= len(node.args) <= high:
            return self.bad(node, messages.argument_count(function.name, function.signature, len(node.args)))
        match function.name:
            case "取大" | "取小":
                args, kind = self.together(node.args, expected, scope)
                if isinstance(expected, NumberT):
                    kind = self.joined(args) or kind
                if isinstance(kind, BoolT | TextT) or (isinstance(kind, EnumT) and not kind.ordered):
                    return self.bad(node, messages.unordered(kind))
                return tree.Extreme(function.name == "取大", args, type=kind, span=node.span)
            case "取值" | "首日":
                return self.dated_field(node, scope)
            case "有值" | "适用于" | "缺省" | "不适用时":
                return self.probe(node, expected, scope)
            case "最近" | "选取" | "连续" | "段数" | "滚动段数":
                return self.series(node, scope)
        return self.aggregate(node, scope)

    @staticmethod
    def joined(args: Iterable[tree.Expr]) -> Type | None:
        kind: Type | None = ANYTYPE
        for arg in args:
            kind = unify(kind, arg.type) if kind is not None else None
        return kind

    def plain(self, node: syntax.Call, function: Function, scope: Scope) -> tree.Expr:
        most = len(function.params)
        if not most - function.optional <= len(node.args) <= most:
            return self.bad(node, messages.argument_count(function.name, function.signature, len(node.args)))
        args: list[tree.Expr] = []
        for at, (arg, kind) in enumerate(zip(node.args, function.params, strict=False)):
            if function.same and at == 0:
                expr = self.single(arg, None, scope)
                if not isinstance(expr.type, NumberT | AnyT):
                    expr = self.bad(arg, messages.wrong_type("数", expr.type))
            elif isinstance(kind, NumberT):
                expr = self.count(arg, scope)
                if function.same and not _is_digits(expr):
                    expr = self.bad(arg, messages.needs_constant())
            else:
                expr = self.given(arg, kind, scope)
            args.append(expr)
        result = args[0].type if function.same else function.result
        assert result is not None
        return tree.Call(function.name, tuple(args), type=result, span=node.span)

    def dated_field(self, node: syntax.Call, scope: Scope) -> tree.Expr:
        first, second = node.args
        if isinstance(first, syntax.Name) and self.env.family(first.name) == LOST:
            return self.nothing(node)
        if not isinstance(first, syntax.Name) or self.env.family(first.name) != "字段":
            return self.bad(first, messages.needs_field(node.function))
        found = self.field(first, self.env.type_of(first.name), scope)
        if isinstance(found.type, AnyT):
            return found
        if isinstance(found.type, SeriesT | RecordsT):
            return self.bad(first, messages.needs_field(node.function))
        if node.function == "取值":
            day = self.given(second, DATE, scope)
            return tree.OnDay(first.name, day, type=found.type, span=node.span)
        inner = replace(scope, columns=(*scope.columns, {"值": found.type}), condition=True)
        return tree.FirstDay(first.name, self.truth(second, inner), type=DATE, span=node.span)

    def probe(self, node: syntax.Call, expected: Type | None, scope: Scope) -> tree.Expr:
        if len(node.args) == 1:
            inner = self.infer(node.args[0], None, scope)
            return tree.Probe(node.function, inner, None, type=BOOL, span=node.span)
        (first, second), kind = self.together(node.args, expected, scope)
        if isinstance(expected, NumberT):
            kind = unify(first.type, second.type) or kind
        return tree.Probe(node.function, first, second, type=kind, span=node.span)

    def source(
        self, node: syntax.Syntax, scope: Scope, series_only: bool = False
    ) -> tuple[tree.Expr, Scope | None]:
        """A 来源 and the scope of what is said over it; None after a mistake."""
        found = self.infer(node, None, scope)
        match found.type:
            case SeriesT(item):
                columns = {"值": item, "年份": NUMBER}
            case RecordsT() as rows if not series_only:
                columns = dict(rows.columns)
            case AnyT():
                return found, None
            case _:
                wanted = "逐年的字段" if series_only else "记录或逐年的字段"
                return self.bad(node, messages.wrong_type(wanted, found.type)), None
        return found, replace(scope, columns=(*scope.columns, columns))

    def series(self, node: syntax.Call, scope: Scope) -> tree.Expr:
        source, inner = self.source(node.args[0], scope, series_only=node.function != "选取")
        if inner is None:
            return self.nothing(node)
        if node.function == "最近":
            assert isinstance(source.type, SeriesT)
            return tree.Latest(source, type=source.type.item, span=node.span)
        condition = self.truth(node.args[1], replace(inner, condition=True))
        if node.function == "选取":
            return tree.Select(source, condition, type=source.type, span=node.span)
        extra = [self.count(arg, scope) for arg in node.args[2:]]
        length = extra[0] if extra else None
        first = extra[1] if len(extra) > 1 else None
        return tree.Run(node.function, source, condition, length, first, type=NUMBER, span=node.span)

    def aggregate(self, node: syntax.Call, scope: Scope) -> tree.Expr:
        name = node.function
        if name in _OVER_MEMBERS and scope.group is not None:
            return self.over_members(node, replace(scope, group=None))
        if name in ("人数", "个数"):
            return self.bad(node, messages.member_function_outside(name))
        source, inner = self.source(node.args[0], scope)
        if inner is None:
            return self.nothing(node)
        value: tree.Expr | None = None
        rest = node.args[1:]
        if name != "次数":
            if not rest:
                return self.bad(
                    node, messages.argument_count(name, FUNCTIONS[name].signature, len(node.args))
                )
            value, rest = self.single(rest[0], None, inner), rest[1:]
            mistake = self.unsummable(name, value)
            if mistake is not None:
                return self.bad(node.args[1], mistake)
        if len(rest) > 1:
            return self.bad(node, messages.argument_count(name, FUNCTIONS[name].signature, len(node.args)))
        condition = self.truth(rest[0], replace(inner, condition=True)) if rest else None
        kind: Type = NUMBER if value is None else value.type
        return tree.Aggregate(name, source, value, condition, type=kind, span=node.span)

    def over_members(self, node: syntax.Call, scope: Scope) -> tree.Expr:
        name, args = node.function, node.args
        if name == "人数":
            if len(args) > 1:
                return self.bad(node, messages.argument_count(name, FUNCTIONS[name].signature, len(args)))
            condition = self.truth(args[0], replace(scope, condition=False)) if args else None
            return tree.Members(name, None, condition, type=NUMBER, span=node.span)
        if len(args) > 2 or (name == "个数" and len(args) > 1):
            return self.bad(node, messages.argument_count(name, FUNCTIONS[name].signature, len(args)))
        value = self.single(args[0], None, scope)
        if name != "个数":
            mistake = self.unsummable(name, value)
            if mistake is not None:
                return self.bad(args[0], mistake)
        condition = self.truth(args[1], scope) if len(args) > 1 else None
        kind = NUMBER if name == "个数" else value.type
        return tree.Members(name, value, condition, type=kind, span=node.span)

    @staticmethod
    def unsummable(name: str, value: tree.Expr) -> Mistake | None:
        kind = value.type
        if isinstance(kind, NumberT | AnyT):
            return None
        if name in ("最大", "最小"):
            ordered = isinstance(kind, DateT) or (isinstance(kind, EnumT) and kind.ordered)
            return None if ordered else messages.unordered(kind)
        return messages.wrong_type("数", kind)


_COUNTS = {
    "取大": (2, 60),
    "取小": (2, 60),
    "取值": (2, 2),
    "首日": (2, 2),
    "有值": (1, 1),
    "适用于": (1, 1),
    "缺省": (2, 2),
    "不适用时": (2, 2),
    "最近": (1, 1),
    "选取": (2, 2),
    "连续": (2, 2),
    "段数": (3, 4),
    "滚动段数": (3, 3),
    "次数": (1, 2),
    "合计": (1, 3),
    "最大": (1, 3),
    "最小": (1, 3),
    "平均": (1, 3),
    "人数": (0, 1),
    "个数": (1, 1),
}


def _is_digits(expr: tree.Expr) -> bool:
    if isinstance(expr.type, AnyT):
        return True
    return isinstance(expr, tree.Const) and isinstance(expr.value, int) and -12 <= expr.value <= 12


def _word(node: syntax.Syntax) -> str:
    """A name, or a text that stands for one."""
    match node:
        case syntax.Name(word) | syntax.TextLit(word):
            return word
    return ""


def _column_names(scope: Scope) -> list[str]:
    return [name for columns in scope.columns for name in columns]
