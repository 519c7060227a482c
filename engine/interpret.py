"""The typed tree, evaluated for one record at a time, with what it rested on (language §3–§7).

`Interpreter` is simpleeval's evaluator with a handler of its own for every node of `engine.expr.tree`; simpleeval's parser
and its handlers for Python nodes are not used. Figures of groups are asked of a `Groups` (engine.groups).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any, Protocol

from simpleeval import SimpleEval  # type: ignore[import-untyped]

from engine.diagnostics import Diagnostic, place_of
from engine.expr import tree
from engine.expr.functions import FUNCTIONS
from engine.facts import State, fact_on, missing
from engine.policy import Band, Constant, Dated, NoCell, ParamName, RuleDecl, Undecided
from engine.program import CheckedGrounds, CheckedRule, CheckedUse, Program, Row, Table
from engine.records.model import DatedFact
from engine.results import Trace, Use
from engine.tables import show
from engine.types import EnumT
from engine.values import Grounds, NotApplicable, Rows, Series, Unknown, exact, unknown

MAX_BITS = 4096
OUTCOMES = frozenset((NotApplicable, Unknown))

#: Values that compare quickly and by content, so that their uses can be shared.
_PLAIN = frozenset((bool, int, str, date))
_SAME = ("==", "!=")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Groups(Protocol):
    """Figures over many records."""

    def figure(self, name: str, state: State) -> Any: ...
    def over_members(self, node: tree.Members, state: State) -> Any: ...


class NoGroups:
    """A record given alone: there is no roster to compute a group from."""

    def figure(self, name: str, state: State) -> Any:
        return missing("名册")

    def over_members(self, node: tree.Members, state: State) -> Any:
        return missing("名册")


def first_outcome(values: Iterable[Any]) -> NotApplicable | Unknown | None:
    """不适用 before 信息不足, the latter with the facts of all; None if all are values."""
    absent: list[Unknown] = []
    for value in values:
        kind = type(value)
        if kind is NotApplicable:
            return value  # type: ignore[no-any-return]
        if kind is Unknown:
            absent.append(value)
    return unknown(*absent) if absent else None


def agree(left: Any, right: Any) -> bool:
    """Whether two outcomes are the same result: 不适用 agrees with 不适用, 信息不足 with nothing."""
    one, two = type(left), type(right)
    if one is Unknown or two is Unknown:
        return False
    if one is NotApplicable or two is NotApplicable:
        return one is two
    return bool(left == right)


def still_possible(conditions: list[Unknown], outcomes: list[Any]) -> Any:
    """The one outcome under unknown conditions if all still possible agree, else what is missing in any of them."""
    if all(agree(outcomes[0], other) for other in outcomes):
        return outcomes[0]
    return unknown(*conditions, *(value for value in outcomes if type(value) is Unknown))


def reason_of(rule: RuleDecl) -> str:
    """Why a condition of 适用 keeps a rule from a record, with its article."""
    text = rule.reason or f"不符合「{rule.name}」"
    return f"{rule.article}：{text}" if rule.article else text


class Interpreter(SimpleEval):  # type: ignore[misc]
    """One program on one day. Set `state` to a record's `State` and ask for names with `value_of`."""

    def __init__(
        self,
        program: Program,
        as_of: date,
        readings: Mapping[str, str],
        units: Mapping[str, Mapping[str, Mapping[str, Any]]],
        data_date: date | None,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(operators={}, functions={}, names={})
        self.program = program
        self.policy = program.policy
        self.as_of = as_of
        self.law = as_of
        self.data_date = data_date or as_of
        self.units = units
        self.readings = {
            name: readings.get(name, reading.decl.adopted) for name, reading in program.readings.items()
        }
        self.given_readings = readings
        self.reasons = {name: NotApplicable(reason_of(rule)) for name, rule in self.policy.rules.items()}
        self.cited = {decl.name: decl.article for decl in self.policy.declarations.values()}
        self.kept: dict[tuple[str, str, Any], Use] = {}
        self.groups: Groups = groups or NoGroups()
        self.diagnostics: list[Diagnostic] = []
        self.children: dict[tuple[str, str], Interpreter] = {}
        self.state = State(lambda _: None, None)
        self.columns: list[Mapping[str, Any]] = []
        self.constants: dict[tuple[str, date], Use] = {}
        self.nodes: dict[type, Callable[[Any], Any]] = {
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

    def _eval(self, node: tree.Expr) -> Any:
        return self.nodes[type(node)](node)

    def value(self, node: tree.Expr) -> Any:
        """A typed formula for the current record or group."""
        return self.nodes[type(node)](node)

    # --- names -----------------------------------------------------------------------------------

    def within(self, state: State, work: Callable[[], Any]) -> Any:
        """Do `work` for another record (or group), with what was under way put aside."""
        kept, columns, law = self.state, self.columns, self.law
        self.state, self.columns, self.law = state, [], self.as_of
        try:
            return work()
        finally:
            self.state, self.columns, self.law = kept, columns, law

    def release(self, states: Iterable[State]) -> None:
        """Let go of records, so that what was computed for them goes with the last result that needs it."""
        for state in states:
            state.children.clear()
        self.groups, self.state = NoGroups(), State(lambda _: None, None)

    def value_of(self, name: str) -> Any:
        """The outcome of a rule, 情形, 口径 or group figure for the current record."""
        return self.used(name).value

    def used(self, name: str) -> Use:
        """The use of a name by a formula: computed once per record and law's day."""
        memo = self.state.memo
        key: Any = name if self.law is self.as_of else (name, self.law)
        found: Use | None = memo.get(key)
        if found is not None:
            return found
        state, columns = self.state, self.columns
        outer, state.uses = state.uses, []
        self.columns = []
        rule = self.program.rules.get(name)
        if rule is not None:
            found = self.shared("规则", name, "", self.rule(rule))
        elif name in self.program.readings:
            found = Use("口径", name, self.readings[name], self.reading(name), self.cited[name])
        elif name in self.program.grounds:
            found = Use("规则", name, "", self.grounds(self.program.grounds[name]))
        else:
            found = Use("集体", name, "", self.groups.figure(name, state), self.cited[name])
        state.traces[name] = Trace(name, found.value, tuple(state.uses))
        state.uses = outer
        self.columns = columns
        memo[key] = found
        return found

    def shared(self, kind: str, name: str, detail: str, value: Any) -> Use:
        """The use of a value that many records have, made once: most of a trace is the same for all."""
        if type(value) not in _PLAIN:
            return Use(kind, name, detail, value)
        key = (name, detail, value)
        found = self.kept.get(key)
        if found is None:
            found = self.kept[key] = Use(kind, name, detail, value)
        return found

    def applicability(self, scope: tuple[str, ...]) -> NotApplicable | Unknown | None:
        """None if every condition of 适用 holds; asked once per record for rules of one 适用."""
        if not scope:
            return None
        key: Any = scope if self.law is self.as_of else (scope, self.law)
        known = self.state.memo.get(key)
        if known is None:
            known = self.state.memo[key] = self.conditions(scope)
        outcome, uses = known
        self.state.uses += uses
        return outcome

    def conditions(self, scope: tuple[str, ...]) -> tuple[NotApplicable | Unknown | None, list[Use]]:
        """The outcome of 适用 and what it used: the first false decides, then an unknown one."""
        absent: list[Unknown] = []
        passed_on: NotApplicable | None = None
        uses: list[Use] = []
        for name in scope:
            value = self.value_of(name)
            uses.append(self.shared("规则", name, "适用", value))
            if value is False:
                return self.reasons[name], uses
            if type(value) is Unknown:
                absent.append(value)
            elif type(value) is NotApplicable and passed_on is None:
                passed_on = value
        return (unknown(*absent) if absent else passed_on), uses

    def rule(self, rule: CheckedRule) -> Any:
        """适用, 例外, 公式, 触发日, in this order: what 适用 closes is not entered."""
        closed = self.applicability(rule.scope)
        return self.opened(rule) if closed is None else closed

    def opened(self, rule: CheckedRule) -> Any:
        """A rule whose 适用 holds."""
        if rule.trigger is None:
            return self.body(rule)
        trigger = self._eval(rule.trigger)
        kind = type(trigger)
        if kind is NotApplicable or (kind is not Unknown and trigger > self.as_of):
            return 0
        if kind is Unknown:
            return still_possible([trigger], [self.body(rule), 0])
        return self.under(trigger, lambda: self.body(rule))

    def under(self, law: date, work: Callable[[], Any]) -> Any:
        """Do `work` with the parameters and versions of a day."""
        kept, self.law = self.law, law
        try:
            return work()
        finally:
            self.law = kept

    def body(self, rule: CheckedRule) -> Any:
        if not rule.exceptions:
            return self._eval(rule.formula)
        if rule.decl.first_wins:
            return self.first_exception(rule)
        held: list[tuple[int, Any]] = []
        waiting: list[tuple[Unknown, tree.Expr]] = []
        for number, (when, then) in enumerate(rule.exceptions, 1):
            holds = self._eval(when)
            if holds is True:
                value = self._eval(then)
                held.append((number, value))
                self.applied(rule, number, value)
            elif type(holds) is Unknown:
                waiting.append((holds, then))
        known = [(number, value) for number, value in held if type(value) is not Unknown]
        if any(not agree(known[0][1], value) for _, value in known):
            return self.conflict(rule, [number for number, _ in known])
        outcomes = [value for _, value in held] or [self._eval(rule.formula)]
        if waiting:
            outcomes += [self._eval(then) for _, then in waiting]
            return still_possible([holds for holds, _ in waiting], outcomes)
        return outcomes[0] if len(outcomes) == 1 else still_possible([], outcomes)

    def first_exception(self, rule: CheckedRule) -> Any:
        """例外方式: 首个."""
        waiting: list[Unknown] = []
        outcomes: list[Any] = []
        for number, (when, then) in enumerate(rule.exceptions, 1):
            holds = self._eval(when)
            if holds is True:
                value = self._eval(then)
                self.applied(rule, number, value)
                outcomes.append(value)
                break
            if type(holds) is Unknown:
                waiting.append(holds)
                outcomes.append(self._eval(then))
        else:
            outcomes.append(self._eval(rule.formula))
        return still_possible(waiting, outcomes) if waiting else outcomes[0]

    def applied(self, rule: CheckedRule, number: int, value: Any) -> None:
        written = rule.decl.exceptions[number - 1]
        citation = written.citation.text if written.citation else ""
        self.state.uses.append(Use("例外", rule.decl.name, written.label or f"例外{number}", value, citation))

    def conflict(self, rule: CheckedRule, numbers: list[int]) -> Unknown:
        """E501: two exceptions hold for one record and give different outcomes; not said while 适用 is open."""
        shown = "、".join(map(str, numbers))
        who = f"{self.state.record.id} 的" if self.state.record else ""
        scalar = rule.decl.exceptions[numbers[-1] - 1].when
        self.diagnostics.append(
            Diagnostic(
                "E501",
                f"{who}「{rule.decl.name}」的例外 {shown} 同时成立而结果不同",
                place_of(scalar.source, scalar.span),
                "请补充条件使它们不同时成立，或写 例外方式: 首个",
            )
        )
        return Unknown((f"例外冲突：{shown}",))

    def grounds(self, checked: CheckedGrounds) -> Any:
        closed = self.applicability(checked.scope)
        return self.any_of(checked) if closed is None else closed

    def any_of(self, checked: CheckedGrounds) -> Grounds:
        """The grounds that hold, and those that wait for facts."""
        holding: list[str] = []
        waiting: list[tuple[str, tuple[str, ...]]] = []
        for ground, when in checked.grounds:
            value = self._eval(when)
            if value is True:
                holding.append(ground.label)
                citation = ground.citation.text if ground.citation else ""
                self.state.uses.append(Use("情形", checked.decl.name, ground.label, True, citation))
            elif type(value) is Unknown:
                waiting.append((ground.label, value.missing))
        return Grounds(tuple(holding), tuple(waiting))

    def reading(self, name: str) -> Any:
        chosen = self.readings[name]
        expr = self.program.readings[name].options[chosen]
        return chosen if expr is None else self._eval(expr)

    def field(self, name: str) -> Any:
        """A fact on 计算日: given, by default, or 信息不足."""
        return self.fact(name).value

    def fact(self, name: str) -> Use:
        """The use of a field by a formula, looked up once per record."""
        fields = self.state.fields
        found: Use | None = fields.get(name)
        if found is not None:
            return found
        decl = self.policy.fields[name]
        fact = self.raw(name)
        if isinstance(fact, Unknown | NotApplicable):
            value: Any = fact
        else:
            value = fact_on(decl, fact, self.as_of, self.data_date)
            if value is None:
                value = self.default(name)
        found = fields[name] = self.shared("字段", name, "", value)
        return found

    def whole(self, name: str) -> Any:
        """A fact for another policy: by date where it was given so, else as on 计算日."""
        value, raw = self.field(name), self.raw(name)
        return raw if type(raw) is DatedFact and raw.on(self.as_of) is not None else value

    def raw(self, name: str) -> Any:
        """The fact as given (None: missing); of a unit through the record's field that names the unit."""
        decl = self.policy.fields[name]
        if not decl.owner or self.state.facts(name) is not None:
            return self.state.facts(name)
        unit = self.field(decl.owner)
        if isinstance(unit, Unknown | NotApplicable):
            return unit
        return self.units.get(decl.owner, {}).get(unit, {}).get(name)

    def default(self, name: str) -> Any:
        expr = self.program.defaults.get(name)
        if expr is None:
            return missing(name)
        self.state.defaults[name] = None
        value = self._eval(expr)
        self.state.uses.append(Use("缺省", name, "", value))
        return value

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

    def param(self, name: str) -> Any:
        """A 参数 on the law's day."""
        key = (name, self.law)
        use = self.constants.get(key)
        if use is None:
            decl = self.policy.params[name]
            current: Dated | None = None
            for dated in decl.values:
                if dated.since is None or dated.since <= self.law:
                    current = dated
            value, detail, citation = self.settle(name, current)
            use = self.constants[key] = Use("参数", name, detail, value, citation)
        self.state.uses.append(use)
        return use.value

    def settle(self, name: str, dated: Dated | None) -> tuple[Any, str, str]:
        decl = self.policy.params[name]
        if dated is None:
            return missing(name), "", decl.article
        citation = dated.citation.text if dated.citation else decl.article
        detail = dated.since.isoformat() if dated.since else ""
        value = dated.value
        if isinstance(value, Undecided):
            value = missing(name)
        elif isinstance(value, NoCell):
            value = NotApplicable(f"{citation}：「{name}」不适用" if citation else f"「{name}」不适用")
        return value, detail, citation

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

    def other_policy(self, use: CheckedUse, name: str) -> tuple[Any, str]:
        """A result of another policy's version in force on the law's day, computed on this record's facts."""
        program = use.on(self.law)
        alias = use.decl.name
        if program is None:
            return NotApplicable(f"{use.decl.series} 在 {self.law} 没有施行的版本"), ""
        version = program.policy.meta.id
        if name not in program.types or program.policy.declared(name) is None:
            return NotApplicable(f"{version} 没有「{name}」"), version
        child = self.children.get((alias, version))
        if child is None:
            prefix = f"{alias}."
            readings = {
                key.removeprefix(prefix): chosen
                for key, chosen in self.given_readings.items()
                if key.startswith(prefix)
            }
            child = Interpreter(program, self.as_of, readings, {}, self.data_date)
            child.diagnostics = self.diagnostics
            self.children[alias, version] = child
        state = self.state.children.get((alias, version))
        if state is None:
            state = State(self.their_facts(use, self.state), self.state.record)
            self.state.children[alias, version] = state
        law = self.law
        value = child.within(state, lambda: child.under(law, lambda: child.value_of(name)))
        if isinstance(value, Grounds):
            value = value.truth()
        for default in state.defaults:
            self.state.defaults.setdefault(f"{alias}.{default}")
        return value, version

    def their_facts(self, use: CheckedUse, state: State) -> Callable[[str], Any]:
        def fact(name: str) -> Any:
            expr = use.fields.get(name)
            if expr is not None:
                return self.within(state, lambda: self._eval(expr))
            if name in self.policy.fields:
                return self.within(state, lambda: self.whole(name))
            return None

        return fact

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
        return self.extreme(left, node.type, node.largest) if left else values[0]

    @staticmethod
    def extreme(values: list[Any], kind: Any, largest: bool) -> Any:
        choose = max if largest else min
        return choose(values, key=kind.rank) if isinstance(kind, EnumT) else choose(values)

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
        value, label, citation = self.find(table, tuple(keys), node.column)
        self.state.uses.append(Use("表", node.table, label, value, citation or self.cited[node.table]))
        return value

    def find(self, table: Table, keys: tuple[Any, ...], column: str) -> tuple[Any, str, str]:
        """A table's figure for full keys, the label of its row, and the row's own 依据."""
        written = [show(key) for key in keys] + ([column] if column else [])
        name = f"{table.decl.name}[{', '.join(written)}]"
        if table.decl.mode == "累进":
            return self.progressive(table, keys[0], column, name), "", ""
        if table.exact is not None:
            at = table.exact.get(keys)
            rows = [] if at is None else [table.rows[at]]
        else:
            rows = []
            for row in table.rows:
                hit = self.hits(table, row, keys)
                if isinstance(hit, Unknown | NotApplicable):
                    return hit, "", ""
                if hit:
                    rows.append(row)
                    if table.decl.mode == "首个":
                        break
        if table.decl.mode == "合计":
            cells = [self.cell(row.cells[column], name) for row in rows]
            outcome = first_outcome(cells)
            return (
                (outcome if outcome is not None else exact(sum(cells))),
                "；".join(r.label for r in rows),
                "",
            )
        if len(rows) != 1:
            return missing(name), "", ""
        row = rows[0]
        return (
            self.cell(row.cells[column], name),
            row.label,
            row.decl.citation.text if row.decl.citation else "",
        )

    def cell(self, constant: Constant, name: str) -> Any:
        if isinstance(constant, ParamName):
            return self.param(constant.name)
        if isinstance(constant, Undecided):
            return missing(name)
        if isinstance(constant, NoCell):
            return NotApplicable(f"「{name}」不适用")
        return constant

    def hits(self, table: Table, row: Row, keys: tuple[Any, ...]) -> Any:
        """Whether a row's keys take these keys in; an outcome if that hangs on an unsettled parameter."""
        absent: list[Any] = []
        for key, alternatives, (_, kind) in zip(keys, row.matches, table.keys, strict=True):
            if alternatives is None:
                continue
            rank = kind.rank if isinstance(kind, EnumT) else None
            unsettled: list[Any] = []
            for match in alternatives:
                found = self.in_band(match, key, rank) if isinstance(match, Band) else self.same(match, key)
                if found is True:
                    break
                if found is not False:
                    unsettled.append(found)
            else:
                if not unsettled:
                    return False
                absent += unsettled
        return first_outcome(absent) if absent else True

    def same(self, match: Constant, key: Any) -> Any:
        value = self.cell(match, "")
        return value if isinstance(value, Unknown | NotApplicable) else value == key

    def in_band(self, band: Band, key: Any, rank: Callable[[str], int] | None) -> Any:
        low = None if band.low is None else self.cell(band.low, "")
        high = None if band.high is None else self.cell(band.high, "")
        outcome = first_outcome((low, high))
        low = None if isinstance(low, Unknown | NotApplicable) else low
        high = None if isinstance(high, Unknown | NotApplicable) else high
        if rank is not None:
            key = rank(key)
            low, high = (None if low is None else rank(low)), (None if high is None else rank(high))
        if low is not None and (key < low or (key == low and not band.low_included)):
            return False
        if high is not None and (key > high or (key == high and not band.high_included)):
            return False
        return True if outcome is None else outcome

    def progressive(self, table: Table, key: Any, column: str, name: str) -> Any:
        """累进: each band's part of the key times its value, summed."""
        total: Any = 0
        for row in table.rows:
            for match in row.matches[0] or ():
                if not isinstance(match, Band):
                    continue
                low = 0 if match.low is None else self.cell(match.low, name)
                high = key if match.high is None else self.cell(match.high, name)
                value = self.cell(row.cells[column], name)
                if key <= low if not isinstance(low, Unknown | NotApplicable) else False:
                    continue
                outcome = first_outcome((low, high, value))
                if outcome is not None:
                    return outcome
                total += (min(key, high) - low) * value
                self.state.uses.append(Use("表", table.decl.name, row.label, value))
        return exact(total)

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


def bounded(number: Any) -> Any:
    """A product or ratio, exact; 信息不足 where it has grown beyond any real figure."""
    if number.numerator.bit_length() > MAX_BITS or number.denominator.bit_length() > MAX_BITS:
        return Unknown(("数值过大",))
    return exact(number)


def run_lengths(years: list[int]) -> list[int]:
    """Lengths of the runs of adjacent years in an ascending list."""
    runs: list[int] = []
    previous: int | None = None
    for year in years:
        if previous is not None and year == previous + 1:
            runs[-1] += 1
        else:
            runs.append(1)
        previous = year
    return runs


def combine(function: str, pairs: list[tuple[Any, Any]], kind: Any, name: str) -> Any:
    """合计 最大 最小 平均 个数 of the values whose condition holds; 不适用 left out, 信息不足 passed on."""
    absent: list[Unknown] = []
    values: list[Any] = []
    for holds, value in pairs:
        if type(value) is NotApplicable:
            continue
        if type(holds) is Unknown:
            absent.append(holds)
        if type(value) is Unknown:
            absent.append(value)
        else:
            values.append(value)
    if absent:
        return unknown(*absent)
    if function == "合计":
        return exact(sum(values))
    if function == "个数":
        return len(set(values))
    if not values:
        return missing(name)
    if function == "平均":
        return exact(Fraction(sum(values)) / len(values))
    return Interpreter.extreme(values, kind, function == "最大")
