"""What the names of a program stand for on one record: rules with their 适用, 例外 and 触发日, readings, facts, parameters,
results of other policies. Each is computed once per record and law's day, with what it used (language §4, §7, §8).

Formulas are evaluated by the handlers of `engine.interpret`; figures of groups are asked of a `Groups` (engine.groups).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, Protocol

from simpleeval import SimpleEval  # type: ignore[import-untyped]

from engine.diagnostics import Diagnostic, place_of
from engine.expr import tree
from engine.facts import State, fact_on, missing
from engine.lookup import Lookup
from engine.outcomes import agree, still_possible
from engine.policy import Dated, NoCell, RuleDecl, Undecided
from engine.program import CheckedGrounds, CheckedRule, CheckedUse, Program
from engine.records.model import DatedFact
from engine.results import Trace, Use
from engine.values import Grounds, NotApplicable, Unknown, unknown

#: Values that compare quickly and by content, so that their uses can be shared.
_PLAIN = frozenset((bool, int, str, date))


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


def reason_of(rule: RuleDecl) -> str:
    """Why a condition of 适用 keeps a rule from a record, with its article."""
    text = rule.reason or f"不符合「{rule.name}」"
    return f"{rule.article}：{text}" if rule.article else text


class Declared(SimpleEval):  # type: ignore[misc]
    """One program on one day. Set `state` to a record's `State` and ask for names with `value_of`.

    `nodes` is the handler of each node kind, which `engine.interpret` fills in. Facts go by `as_of`, the law by `basis`
    (by default the same day), within a 一次 rule by its 触发日.
    """

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
        super().__init__(operators={}, functions={}, names={})
        self.program = program
        self.policy = program.policy
        self.as_of = as_of
        self.law = self.basis = basis or as_of
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
        self.children: dict[tuple[str, str], Declared] = {}
        self.state = State(lambda _: None, None)
        self.columns: list[Mapping[str, Any]] = []
        self.constants: dict[tuple[str, date], Use] = {}
        self.nodes: dict[type, Callable[[Any], Any]] = {}
        self.lookup = Lookup(self.param, lambda use: self.state.uses.append(use))

    def _eval(self, node: tree.Expr) -> Any:
        return self.nodes[type(node)](node)

    def value(self, node: tree.Expr) -> Any:
        """A typed formula for the current record or group."""
        return self.nodes[type(node)](node)

    # --- names -----------------------------------------------------------------------------------

    def within(self, state: State, work: Callable[[], Any]) -> Any:
        """Do `work` for another record (or group), with what was under way put aside."""
        kept, columns, law = self.state, self.columns, self.law
        self.state, self.columns, self.law = state, [], self.basis
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
        key: Any = name if self.law is self.basis else (name, self.law)
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
        key: Any = scope if self.law is self.basis else (scope, self.law)
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

    # --- parameters -------------------------------------------------------------------------------

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

    # --- other policies -----------------------------------------------------------------------------

    def other_policy(self, use: CheckedUse, name: str) -> tuple[Any, str]:
        """A result of another policy's version in force on the law's day, computed on this record's facts."""
        program = use.on(self.law)
        alias = use.decl.name
        if program is None:
            return NotApplicable(f"{use.decl.series} 在 {self.law} 没有施行的版本"), ""
        version = program.policy.meta.id
        if name not in program.types or program.policy.declared(name) is None:
            return missing(f"{alias}.{name}"), version
        child = self.children.get((alias, version))
        if child is None:
            prefix = f"{alias}."
            readings = {
                key.removeprefix(prefix): chosen
                for key, chosen in self.given_readings.items()
                if key.startswith(prefix)
            }
            child = type(self)(program, self.as_of, readings, {}, self.data_date)
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
