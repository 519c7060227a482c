"""One record's evaluation retold: every rule that a result rests on as a `Step`, each value with its origin.

Nothing is computed in another way than `engine.interpret` does: parts of formulas are put to the same interpreter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from weakref import WeakKeyDictionary

from engine.explain.model import Alternative, Condition, Formula, Origin, Step
from engine.expr import tree
from engine.facts import State
from engine.groups import RosterGroups
from engine.interpret import Interpreter
from engine.nodes import Node, Scalar
from engine.policy import Declaration
from engine.program import CheckedGroup, Program
from engine.types import BOOL, NumberT, Type
from engine.units import BARE
from engine.values import NotApplicable, Unknown
from engine.words import say

Show = Callable[[Any, Type], str]

#: Nodes that stand in a formula as one value.
LEAVES = (
    tree.AsOf,
    tree.Field,
    tree.Param,
    tree.ParamYear,
    tree.Rule,
    tree.Reading,
    tree.GroundsTrue,
    tree.Group,
    tree.Use,
    tree.Lookup,
    tree.YearOf,
    tree.Aggregate,
    tree.Members,
    tree.Select,
    tree.Latest,
    tree.Run,
    tree.OnDay,
    tree.FirstDay,
    tree.Probe,
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a formula shows whoever it is about: its line, its sentence, the values in it (`outer`: not in another)."""

    line: str
    sentence: str
    outer: tuple[tree.Expr, ...]
    leaves: tuple[tuple[tree.Expr, str], ...]
    node: tree.Expr


_PARTS: WeakKeyDictionary[Program, dict[tuple[int, str], Parts]] = WeakKeyDictionary()


def parts_of(program: Program, scalar: Scalar, node: tree.Expr) -> Parts:
    """The parts of a formula of a program, worked out once."""
    known = _PARTS.setdefault(program, {})
    found = known.get((id(node), scalar.text))
    if found is None:
        found = known[id(node), scalar.text] = parts_in(scalar.text, node)
    return found


def parts_in(text: str, node: tree.Expr) -> Parts:
    """The line, sentence and values of a formula."""
    leaves = [part for part in tree.walk(node) if isinstance(part, LEAVES)]
    outer: list[tree.Expr] = []
    for part in sorted(leaves, key=lambda leaf: (leaf.span.start, -leaf.span.end)):
        if not outer or part.span.start >= outer[-1].span.end:
            outer.append(part)
    shown = [
        (part, " ".join(text[part.span.start : part.span.end].split()))
        for part in leaves
        if part in outer or not any(isinstance(inner, tree.Column) for inner in tree.walk(part))
    ]
    return Parts(" ".join(text.split()), say(node), tuple(outer), tuple(shown), node)


class Teller:
    """Steps of one record under one program; `prefix` is 「别名.」 for a policy that another refers to."""

    def __init__(
        self,
        run: Interpreter,
        state: State,
        show: Show,
        prefix: str = "",
        steps: dict[str, Step] | None = None,
    ) -> None:
        self.run, self.state, self.show, self.prefix = run, state, show, prefix
        self.program, self.policy = run.program, run.policy
        self.steps: dict[str, Step] = {} if steps is None else steps

    # --- values -----------------------------------------------------------------------------------

    def value(self, node: tree.Expr, law: date | None = None) -> Any:
        def work() -> Any:
            self.run.law = law or self.run.basis
            return self.run.value(node)

        return self.run.within(self.state, work)

    def formula(
        self, scalar: Scalar, node: tree.Expr, law: date | None = None, parts: Parts | None = None
    ) -> Formula:
        """A formula with what its parts came to; `parts` of one that is not the program's own."""
        parts = parts or parts_of(self.program, scalar, node)
        pieces, at = [], 0
        for part in parts.outer:
            pieces += [scalar.text[at : part.span.start], self.show(self.value(part, law), part.type)]
            at = part.span.end
        filled = "".join([*pieces, scalar.text[at:]])
        origins: dict[str, Origin] = {}
        for part, text in parts.leaves:
            if text not in origins:
                origins[text] = self.origin(part, text, law)
        outcome = self.value(node, law)
        values = tuple(origins.values())
        return Formula(parts.line, " ".join(filled.split()), parts.sentence, outcome, node.type, values)

    # --- where a value comes from --------------------------------------------------------------------

    def origin(self, node: tree.Expr, text: str, law: date | None) -> Origin:
        value = self.value(node, law)
        kind, source, step = self.source(node, value)
        return Origin(kind, text, value, node.type, source, step)

    def source(self, node: tree.Expr, value: Any) -> tuple[str, str, str]:
        """Kind, origin in words, and the step that explains it."""
        match node:
            case tree.AsOf():
                return "计算日", "", ""
            case tree.Field(name=name) | tree.OnDay(field=name) | tree.FirstDay(field=name):
                return self.field_source(name, value)
            case tree.Param(name=name) | tree.ParamYear(name=name):
                return "参数", self.param_source(name), ""
            case tree.Lookup(table=name):
                return "表", self.table_source(node), ""
            case (
                tree.Rule(name=name)
                | tree.Reading(name=name)
                | tree.GroundsTrue(name=name)
                | tree.Group(name=name)
            ):
                return self.named_source(name)
            case tree.Use(alias=alias, name=name):
                return self.use_source(alias, name)
            case tree.YearOf(series=source) | tree.Latest(source=source):
                return "逐年", self.inner_source(source), ""
            case tree.Aggregate(source=source) | tree.Select(source=source) | tree.Run(source=source):
                return "逐年", self.inner_source(source), ""
            case tree.Probe(operand=operand):
                return "判断", self.inner_source(operand), ""
            case tree.Members():
                return "集体", "成员合计", ""
        return "计算", "", ""

    def inner_source(self, node: tree.Expr) -> str:
        value = self.value(node)
        kind, source, _ = self.source(node, value)
        return source or kind

    def field_source(self, name: str, value: Any) -> tuple[str, str, str]:
        decl = self.policy.fields[name]
        if isinstance(value, Unknown):
            provided = f"，由{decl.provider}提供" if decl.provider else ""
            return "字段", f"未填{provided}", ""
        if name in self.state.defaults:
            written = decl.default.text.strip() if decl.default else ""
            return "缺省", f"没有填，按缺省 {written}", ""
        if decl.owner:
            return (
                "单位",
                f"{decl.owner}「{self.run.within(self.state, lambda: self.run.field(decl.owner))}」的事实",
                "",
            )
        record = self.state.record
        return "字段", f"名册 {record.place}" if record else "名册", ""

    def amended(self, *nodes: Node | None) -> str:
        """「（由某号修订）」 for what a 修订 or 细化 wrote, "" for what stood in the first base."""
        for node in nodes:
            by = self.policy.document(node)
            if node is not None and by.relation:
                return f"（由{by.number or by.id}{by.relation}）"
        return ""

    def cited(self, citation: Scalar | None, written: Node) -> str:
        """The 依据 of a part of a declaration, and who amended it."""
        by = self.amended(written)
        return f"{citation.text.strip()}{by}" if citation else by.strip("（）")

    def article(self, decl: Declaration, *formulas: Scalar | None) -> str:
        """The 依据 of a declaration, and who amended it."""
        return f"{decl.article}{self.amended(*(formulas or (decl.key,)))}"

    def param_source(self, name: str) -> str:
        decl = self.policy.params[name]
        use = self.run.constants.get((name, self.run.law)) or self.run.constants.get((name, self.run.basis))
        since = f"，{use.detail} 起" if use and use.detail else ""
        dated = next((d for d in decl.values if use and str(d.since or "") == use.detail), None)
        by = self.amended(dated.node if dated else decl.key)
        return f"{(use.citation if use else '') or decl.article or '参数'}{by}{since}"

    def table_source(self, node: tree.Lookup) -> str:
        table = self.program.tables[node.table]
        keys = [self.value(key) for key in node.keys]
        article = table.decl.article or "表"
        if any(isinstance(key, Unknown | NotApplicable) for key in keys):
            return article
        _, label, citation = self.run.within(
            self.state, lambda: self.run.lookup.find(table, tuple(keys), node.column)
        )
        row = next((row for row in table.rows if row.label == label), None)
        cells = dict(row.decl.cells) if row else {}
        by = self.amended(cells.get(node.column))
        return f"{citation or article}{by}" + (f"，「{label}」一行" if label else "")

    def named_source(self, name: str) -> tuple[str, str, str]:
        self.tell(name)
        decl = self.policy.declarations[name]
        family = self.family(name)
        chosen = f"，采用「{self.run.readings[name]}」" if family == "口径" else ""
        return family, f"{decl.article or family}{chosen}", self.prefix + name

    def use_source(self, alias: str, name: str) -> tuple[str, str, str]:
        use = self.program.uses[alias]
        program = use.on(self.run.law)
        if program is None:
            return "引用", f"{use.decl.series} 当日没有施行的版本", ""
        version = program.policy.meta.id
        child, state = self.run.children.get((alias, version)), self.state.children.get((alias, version))
        meta = program.policy.meta
        if child is None or state is None:
            return "引用", f"{meta.title}（{version}）", ""
        inner = Teller(child, state, self.show, f"{self.prefix}{alias}.", self.steps)
        inner.tell(name)
        return "引用", f"《{meta.title}》（{version}）", f"{inner.prefix}{name}"

    # --- steps ------------------------------------------------------------------------------------

    def family(self, name: str) -> str:
        policy = self.policy
        for family, members in (("规则", policy.rules), ("口径", policy.readings), ("情形", policy.grounds)):
            if name in members:
                return family
        return "集体"

    def tell(self, name: str) -> Step:
        """The step of a name, and before it is returned those of everything that it rests on."""
        key = self.prefix + name
        if key in self.steps:
            return self.steps[key]
        decl = self.policy.declarations[name]
        outcome = self.run.within(self.state, lambda: self.run.value_of(name))
        kind = self.program.types.get(name, NumberT(BARE))
        family = self.family(name)
        self.steps[key] = Step(key, family, kind, outcome, self.article(decl), decl.note)
        match family:
            case "规则":
                step = self.rule(name, key, outcome)
            case "口径":
                step = self.reading(name, key, outcome)
            case "情形":
                step = self.grounds(name, key, outcome)
            case _:
                step = self.group(self.program.groups_by_name[name], key, outcome)
        self.steps[key] = step
        return step

    def scope(self, names: tuple[str, ...]) -> tuple[Condition, ...]:
        found = []
        for name in names:
            step = self.tell(name)
            rule = self.policy.rules[name]
            found.append(Condition(self.prefix + name, step.outcome, rule.article, rule.reason, step.formula))
        return tuple(found)

    def rule(self, name: str, key: str, outcome: Any) -> Step:
        rule = self.program.rules[name]
        scope = self.scope(rule.scope)
        article = self.article(rule.decl, rule.decl.formula)
        step = Step(key, "规则", rule.type, outcome, article, rule.decl.note, scope=scope)
        if any(condition.outcome is False for condition in scope):
            return step
        law, trigger = None, None
        if rule.trigger is not None and rule.decl.trigger is not None:
            trigger = self.formula(rule.decl.trigger, rule.trigger)
            if isinstance(trigger.outcome, date) and trigger.outcome <= self.run.as_of:
                law = trigger.outcome
        exceptions: list[Condition] = []
        for (when, then), written in zip(rule.exceptions, rule.decl.exceptions, strict=True):
            condition = self.formula(written.when, when, law)
            result = self.formula(written.then, then, law) if condition.outcome is True else None
            label = written.label or f"例外{len(exceptions) + 1}"
            by = self.cited(written.citation, written.when)
            exceptions.append(Condition(label, condition.outcome, by, "", condition, result))
        return Step(
            key,
            "规则",
            rule.type,
            outcome,
            article,
            rule.decl.note,
            self.formula(rule.decl.formula, rule.formula, law),
            scope,
            tuple(exceptions),
            trigger,
        )

    def reading(self, name: str, key: str, outcome: Any) -> Step:
        reading = self.program.readings[name]
        chosen = self.run.readings[name]
        alternatives, formula = [], None
        for option in reading.decl.options:
            expr = reading.options[option.name]
            value = option.name if expr is None else self.value(expr)
            adopted = option.name == reading.decl.adopted
            alternatives.append(Alternative(option.name, option.note, adopted, option.name == chosen, value))
            if option.name == chosen and expr is not None and option.formula is not None:
                formula = self.formula(option.formula, expr)
        decl = reading.decl
        return Step(
            key,
            "口径",
            reading.type,
            outcome,
            decl.article,
            decl.question,
            formula,
            alternatives=tuple(alternatives),
        )

    def grounds(self, name: str, key: str, outcome: Any) -> Step:
        checked = self.program.grounds[name]
        scope = self.scope(checked.scope)
        found = []
        if not any(condition.outcome is False for condition in scope):
            for ground, when in checked.grounds:
                formula = self.formula(ground.when, when)
                by = self.cited(ground.citation, ground.when)
                found.append(Condition(f"（{ground.label}）", formula.outcome, by, ground.title, formula))
        decl = checked.decl
        return Step(key, "情形", BOOL, outcome, decl.article, decl.note, scope=scope, grounds=tuple(found))

    def group(self, group: CheckedGroup, key: str, outcome: Any) -> Step:
        """A group's formula, and its figures as its member meets them: how many there are, how a share comes about."""
        decl = group.decl
        step = Step(key, "集体", group.type, outcome, decl.article, decl.note)
        groups = self.run.groups
        if not isinstance(groups, RosterGroups):
            return step
        places = groups.values(self.state, group.by)
        if any(isinstance(place, Unknown | NotApplicable) for place in places):
            return step
        inner = Teller(self.run, groups.state_of(group, tuple(places)), self.show, self.prefix, self.steps)
        scope = inner.scope(group.scope)
        if any(condition.outcome is False for condition in scope):
            return replace(step, scope=scope)
        written, node = (decl.shares.total, group.total) if decl.shares else (decl.formula, group.formula)
        formula = inner.formula(written, node) if written is not None and node is not None else None
        return replace(
            step, scope=scope, formula=formula, figures=tuple(groups.told(group, tuple(places), self.state))
        )
