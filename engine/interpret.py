"""The typed tree, evaluated for one record at a time (language §3–§7).

`Interpreter` is simpleeval's evaluator with a handler of its own for every node of `engine.expr.tree`; simpleeval's parser
and its handlers for Python nodes are not used. What names stand for is `engine.declared`, tables are `engine.lookup`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from engine.declared import Declared, Groups
from engine.expr import tree
from engine.expr.functions import FUNCTIONS
from engine.facts import fact_on, missing
from engine.outcomes import (
    OUTCOMES,
    agree,
    bounded,
    combine,
    extreme,
    first_outcome,
    run_lengths,
    still_possible,
)
from engine.program import Program
from engine.records.model import DatedFact
from engine.results import Use
from engine.tables import show
from engine.values import Grounds, NotApplicable, Rows, Series, Unknown, exact, unknown

_SAME = ("==", "!=")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Interpreter(Declared):
    """Handlers for every node of the typed tree."""

    def __init__(
        self,
        program: Program,
        as_of: date,
        readings: Mapping[str, str],
        units: Mapping[str, Mapping[str, Mapping[str, Any]]],
        data_date: date | None,
        groups: Groups | None = None,
        basis: date | None = None,
    ) -> None:
        super().__init__(program, as_of, readings, units, data_date, groups, basis)
        self.nodes = {
            tree.Const: self._const,
            tree.OutcomeConst: self._outcome,
            tree.AsOf: self._as_of,
            tree.Field: self._field,
            tree.Param: self._param,
            tree.ParamYear: self._param_year,
            tree.Rule: self._rule,
            tree.Reading: self._reading,
            tree.GroundsTrue: self._grounds,
            tree.Group: self._group,
            tree.Use: self._use,
            tree.Column: self._column,
            tree.Lookup: self._lookup,
            tree.YearOf: self._year_of,
            tree.Negate: self._negate,
            tree.Arith: self._arith,
            tree.Compare: self._compare,
            tree.And: self._and,
            tree.Or: self._or,
            tree.Not: self._not,
            tree.Among: self._among,
            tree.If: self._if,
            tree.Call: self._call,
            tree.Extreme: self._extreme,
            tree.Aggregate: self._aggregate,
            tree.Members: self._members,
            tree.Select: self._select,
            tree.Latest: self._latest,
            tree.Run: self._run,
            tree.OnDay: self._on_day,
            tree.FirstDay: self._first_day,
            tree.Probe: self._probe,
        }

    # --- leaves ----------------------------------------------------------------------------------

    def _const(self, node: tree.Const) -> Any:
        return node.value

    def _outcome(self, node: tree.OutcomeConst) -> Any:
        return NotApplicable("按公式不适用") if node.word == "不适用" else Unknown(("公式写明信息不足",))

    def _as_of(self, node: tree.AsOf) -> Any:
        return self.as_of

    def _field(self, node: tree.Field) -> Any:
        use = self.state.fields.get(node.name) or self.fact(node.name)
        self.state.uses.append(use)
        return use.value

    def _param(self, node: tree.Param) -> Any:
        return self.param(node.name)

    def _param_year(self, node: tree.ParamYear) -> Any:
        year = self._eval(node.year)
        if isinstance(year, Unknown | NotApplicable):
            return year
        decl = self.policy.params[node.name]
        dated = dict(decl.by_year or ()).get(year)
        if dated is None:
            value: Any = missing(f"{node.name}[{show(year)}]")
        else:
            value = self.settle(node.name, dated)[0]
            if isinstance(value, Unknown):
                value = missing(f"{node.name}[{show(year)}]")
        citation = dated.citation.text if dated and dated.citation else decl.article
        self.state.uses.append(Use("参数", node.name, show(year), value, citation))
        return value

    def _rule(self, node: tree.Rule) -> Any:
        use = self.used(node.name)
        self.state.uses.append(use)
        return use.value

    def _reading(self, node: tree.Reading) -> Any:
        use = self.used(node.name)
        self.state.uses.append(use)
        return use.value

    def _grounds(self, node: tree.GroundsTrue) -> Any:
        value = self.value_of(node.name)
        if isinstance(value, Grounds):
            value = value.truth()
        self.state.uses.append(Use("规则", node.name, "", value))
        return value

    def _group(self, node: tree.Group) -> Any:
        use = self.used(node.name)
        self.state.uses.append(use)
        return use.value

    def _use(self, node: tree.Use) -> Any:
        value, detail = self.other_policy(self.program.uses[node.alias], node.name)
        citation = self.policy.uses[node.alias].article
        self.state.uses.append(Use("引用", f"{node.alias}.{node.name}", detail, value, citation))
        return value

    def _column(self, node: tree.Column) -> Any:
        name = node.name
        for columns in reversed(self.columns):
            if name in columns:
                return columns[name]
        return missing(name)

    # --- operators -------------------------------------------------------------------------------

    def _negate(self, node: tree.Negate) -> Any:
        value = self._eval(node.operand)
        return value if isinstance(value, Unknown | NotApplicable) else -value

    def _arith(self, node: tree.Arith) -> Any:
        nodes = self.nodes
        left, right = nodes[type(node.left)](node.left), nodes[type(node.right)](node.right)
        if type(left) is not int or type(right) is not int:
            outcome = first_outcome((left, right))
            if outcome is not None:
                return outcome
        match node.op:
            case "+":
                return exact(left + right)
            case "-":
                return exact(left - right)
            case "*":
                return bounded(left * right)
        if right == 0:
            return Unknown(("除数为 0",))
        return bounded(Fraction(left) / right)

    def _compare(self, node: tree.Compare) -> Any:
        nodes = self.nodes
        left, right = nodes[type(node.left)](node.left), nodes[type(node.right)](node.right)
        if type(left) in OUTCOMES or type(right) in OUTCOMES:
            return first_outcome((left, right))
        if node.order is not None and node.op not in _SAME:
            left, right = node.order.rank(left), node.order.rank(right)
        return _COMPARE[node.op](left, right)

    def _and(self, node: tree.And) -> Any:
        return self.joined(node.items, False)

    def _or(self, node: tree.Or) -> Any:
        return self.joined(node.items, True)

    def joined(self, items: tuple[tree.Expr, ...], deciding: bool) -> Any:
        """Kleene: a deciding side decides, otherwise 信息不足 before 不适用."""
        absent: list[Unknown] = []
        passed_on: NotApplicable | None = None
        for item in items:
            value = self.nodes[type(item)](item)
            if value is deciding:
                return deciding
            if type(value) is Unknown:
                absent.append(value)
            elif type(value) is NotApplicable and passed_on is None:
                passed_on = value
        if absent:
            return unknown(*absent)
        return not deciding if passed_on is None else passed_on

    def _not(self, node: tree.Not) -> Any:
        value = self._eval(node.operand)
        return value if isinstance(value, Unknown | NotApplicable) else not value

    def _among(self, node: tree.Among) -> Any:
        value = self._eval(node.operand)
        members = [self._eval(member) for member in node.members]
        outcome = first_outcome((value, *members))
        if outcome is not None:
            return outcome
        return (value in members) is not node.negated

    def _if(self, node: tree.If) -> Any:
        condition = self._eval(node.condition)
        if condition is True:
            return self._eval(node.then)
        if condition is False:
            return self._eval(node.otherwise)
        outcomes = [self._eval(node.then), self._eval(node.otherwise)]
        if type(condition) is Unknown:
            return still_possible([condition], outcomes)
        return outcomes[0] if agree(*outcomes) else condition

    # --- functions -------------------------------------------------------------------------------

    def _call(self, node: tree.Call) -> Any:
        nodes = self.nodes
        values = [nodes[type(arg)](arg) for arg in node.args]
        for value in values:
            if type(value) in OUTCOMES:
                return first_outcome(values)
        run = FUNCTIONS[node.function].run
        assert run is not None
        try:
            return run(*values)
        except (ValueError, OverflowError, TypeError):
            return Unknown((f"{node.function}超出日历",))

    def _extreme(self, node: tree.Extreme) -> Any:
        values = [self._eval(arg) for arg in node.args]
        absent = [value for value in values if type(value) is Unknown]
        if absent:
            return unknown(*absent)
        left = [value for value in values if type(value) is not NotApplicable]
        return extreme(left, node.type, node.largest) if left else values[0]

    def _probe(self, node: tree.Probe) -> Any:
        value = self._eval(node.operand)
        match node.function:
            case "有值":
                return not isinstance(value, Unknown | NotApplicable)
            case "适用于":
                return value if type(value) is Unknown else type(value) is not NotApplicable
        assert node.fallback is not None
        replaced = Unknown if node.function == "缺省" else NotApplicable
        return self._eval(node.fallback) if type(value) is replaced else value

    def _on_day(self, node: tree.OnDay) -> Any:
        day = self._eval(node.day)
        if isinstance(day, Unknown | NotApplicable):
            return day
        decl = self.policy.fields[node.field]
        fact = self.raw(node.field)
        if isinstance(fact, Unknown | NotApplicable):
            return fact
        value = fact_on(decl, fact, day, self.data_date)
        value = self.default(node.field) if value is None else value
        self.state.uses.append(Use("字段", node.field, day.isoformat(), value))
        return value

    def _first_day(self, node: tree.FirstDay) -> Any:
        fact = self.raw(node.field)
        if isinstance(fact, Unknown | NotApplicable):
            return fact
        if not isinstance(fact, DatedFact):
            return missing(node.field)
        for since, value in fact.items:
            if since > self.as_of:
                break
            holds = self.over({"值": value}, node.condition)
            if holds is True:
                return since
            if type(holds) is Unknown:
                return holds
        return NotApplicable(f"「{node.field}」到 {self.as_of} 从未达到")

    # --- tables ----------------------------------------------------------------------------------

    def _lookup(self, node: tree.Lookup) -> Any:
        keys = [self._eval(key) for key in node.keys]
        outcome = first_outcome(keys)
        if outcome is not None:
            return outcome
        table = self.program.tables[node.table]
        value, label, citation = self.lookup.find(table, tuple(keys), node.column)
        self.state.uses.append(Use("表", node.table, label, value, citation or self.cited[node.table]))
        return value

    # --- series and rows -------------------------------------------------------------------------

    def over(self, columns: Mapping[str, Any], node: tree.Expr) -> Any:
        self.columns.append(columns)
        found = self.nodes[type(node)](node)
        self.columns.pop()
        return found

    @staticmethod
    def elements(source: Series | Rows) -> list[Mapping[str, Any]]:
        if isinstance(source, Series):
            return [{"年份": year, "值": value} for year, value in source.items]
        return list(source.rows)

    def _select(self, node: tree.Select) -> Any:
        source = self._eval(node.source)
        if isinstance(source, Unknown | NotApplicable):
            return source
        kept: list[int] = []
        absent: list[Unknown] = []
        for at, columns in enumerate(self.elements(source)):
            holds = self.over(columns, node.condition)
            if holds is True:
                kept.append(at)
            elif type(holds) is Unknown:
                absent.append(holds)
        if absent:
            return unknown(*absent)
        if isinstance(source, Series):
            return Series(tuple(source.items[at] for at in kept), source.name)
        return Rows(tuple(source.rows[at] for at in kept), source.name)

    def _latest(self, node: tree.Latest) -> Any:
        source = self._eval(node.source)
        if isinstance(source, Unknown | NotApplicable):
            return source
        return source.items[-1][1] if source.items else missing(source.name)

    def _year_of(self, node: tree.YearOf) -> Any:
        series, year = self._eval(node.series), self._eval(node.year)
        outcome = first_outcome((series, year))
        if outcome is not None:
            return outcome
        for found, value in series.items:
            if found == year:
                return value
        return missing(f"{series.name}[{show(year)}]")

    def _aggregate(self, node: tree.Aggregate) -> Any:
        source = self._eval(node.source)
        if isinstance(source, Unknown | NotApplicable):
            return source
        pairs = []
        for columns in self.elements(source):
            holds = True if node.condition is None else self.over(columns, node.condition)
            if holds is True or type(holds) is Unknown:
                value = 1 if node.value is None else self.over(columns, node.value)
                pairs.append((holds, value))
        return combine("合计" if node.function == "次数" else node.function, pairs, node.type, source.name)

    def _run(self, node: tree.Run) -> Any:
        source = self._eval(node.source)
        extra = [self._eval(part) for part in (node.length, node.first_year) if part is not None]
        outcome = first_outcome((source, *extra))
        if outcome is not None:
            return outcome
        if node.function == "连续":
            return self.current_run(source, node.condition)
        length = extra[0]
        if type(length) is not int or length < 1:
            return Unknown((f"{node.function}的年数应为 1 以上的整数",))
        good: list[int] = []
        absent: list[Unknown] = []
        for year, value in source.items:
            holds = self.over({"年份": year, "值": value}, node.condition)
            if holds is True:
                good.append(year)
            elif type(holds) is Unknown:
                absent.append(holds)
        if absent:
            return unknown(*absent)
        if len(extra) == 2:
            start, years = extra[1], set(good)
            blocks = {(year - start) // length for year in good if year >= start}
            return sum(all(start + block * length + at in years for at in range(length)) for block in blocks)
        runs = run_lengths(good)
        if node.function == "段数":
            return sum(run // length for run in runs)
        return sum(max(0, run - length + 1) for run in runs)

    def current_run(self, series: Series, condition: tree.Expr) -> Any:
        """连续: adjacent years up to the last present."""
        count = 0
        for year, value in reversed(series.items):
            if year != series.items[-1][0] - count:
                break
            holds = self.over({"年份": year, "值": value}, condition)
            if type(holds) is Unknown:
                return holds
            if holds is not True:
                break
            count += 1
        return count

    def _members(self, node: tree.Members) -> Any:
        return self.groups.over_members(node, self.state)
