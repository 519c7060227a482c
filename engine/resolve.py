"""Policy → Program: formulas parsed, put in the order of their needs, and typed one after another.

Owns names, dependencies and cycles of one policy and of the policies it uses. Typing of one formula is
`engine.expr.check`; what may be wrong between well-typed parts is `engine.validate`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from engine.diagnostics import Diagnostic, place_of
from engine.expr import messages, syntax, tree
from engine.expr.check import LOST, Scope, check_formula
from engine.expr.functions import FUNCTIONS
from engine.expr.parse import parse_formula
from engine.names import normalize, suggest
from engine.needs import needed_fields
from engine.nodes import Mapping, Node, Scalar, Sequence
from engine.policy import FieldDecl, ParamDecl, Policy, TableDecl
from engine.program import (
    CheckedGrounds,
    CheckedGroup,
    CheckedProcedure,
    CheckedReading,
    CheckedRule,
    CheckedUse,
    Program,
    Table,
)
from engine.source import Span
from engine.tables import TableReader
from engine.types import (
    ANYTYPE,
    BOOL,
    DATE,
    AnyT,
    BoolT,
    EnumT,
    NumberT,
    RecordsT,
    SeriesT,
    TextT,
    Type,
    describe,
)
from engine.units import BARE, Unit, assignable, multiply, parse_unit
from engine.versions import Registry

MAX_CHAIN = 80


@dataclass(slots=True)
class Resolver:
    """Programs of a registry, each made once; policies that use each other in a circle are an error."""

    registry: Registry
    done: dict[str, tuple[Program | None, list[Diagnostic]]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def program(self, policy: Policy) -> tuple[Program | None, list[Diagnostic]]:
        """The program of a policy (None if a policy it uses cannot be had), with every mistake found on the way."""
        key = policy.source.name
        if key not in self.done:
            self.open.append(policy.meta.series)
            program, found = _PolicyResolver(policy, self).run()
            self.done[key] = (
                program,
                [d for d in found if not d.place or (d.place.file, d.place.line) not in policy.faulty],
            )
            self.open.pop()
        return self.done[key]


class _PolicyResolver:
    """One policy. Is the `Environment` of its own formulas."""

    def __init__(self, policy: Policy, resolver: Resolver) -> None:
        self.policy, self.resolver = policy, resolver
        self.diagnostics: list[Diagnostic] = []
        self.syntax: dict[int, syntax.Syntax | None] = {}
        self.mentioned: dict[str, set[str]] = {}
        self.types: dict[str, Type] = {}
        self.tables: dict[str, Table] = {}
        self.table_headers: dict[str, tuple[tuple[str, Type], ...]] = {}
        self.defaults: dict[str, tree.Expr] = {}
        self.readings: dict[str, CheckedReading] = {}
        self.rules: dict[str, CheckedRule] = {}
        self.groups: dict[str, CheckedGroup] = {}
        self.grounds: dict[str, CheckedGrounds] = {}
        self.uses: dict[str, CheckedUse] = {}
        self.personal: set[str] = set()
        self.members: dict[str, list[EnumT]] = {}
        self.with_columns = policy.tables_with_columns

    # --- what names stand for (Environment) -------------------------------------------------------

    def family(self, name: str) -> str | None:
        p = self.policy
        for label, table in (
            ("字段", p.fields),
            ("规则", p.rules),
            ("参数", p.params),
            ("表", p.tables),
            ("口径", p.readings),
            ("集体", p.groups),
            ("情形", p.grounds),
            ("引用", p.uses),
        ):
            if name in table:
                return label
        return LOST if name in p.lost else None

    def type_of(self, name: str) -> Type:
        return self.types.get(name, ANYTYPE)

    def field(self, name: str) -> FieldDecl:
        return self.policy.fields[name]

    def param(self, name: str) -> ParamDecl:
        return self.policy.params[name]

    def table_keys(self, name: str) -> tuple[tuple[str, Type], ...]:
        return self.table_headers.get(name) or tuple(
            (key, ANYTYPE) for key, _ in self.policy.tables[name].keys
        )

    def table_columns(self, name: str) -> dict[str, Type]:
        """What a lookup gives: the cells' types; of 累进 a part of the key times a cell."""
        decl = self.policy.tables[name]
        columns = {column: kind or NumberT() for column, kind in decl.columns}
        key = next((kind for _, kind in self.table_keys(name)), None)
        if decl.mode != "累进" or not isinstance(key, NumberT):
            return columns
        for column, kind in columns.items():
            unit = multiply(key.unit, kind.unit) if isinstance(kind, NumberT) else None
            columns[column] = ANYTYPE if unit is None else NumberT(unit)
        return columns

    def group_keys(self, name: str) -> tuple[str, ...]:
        return tuple(normalize(key.text) for key in self.policy.groups[name].by)

    def is_personal(self, name: str) -> bool:
        return name in self.personal

    def use_results(self, alias: str) -> dict[str, Type]:
        use = self.uses.get(alias)
        found: dict[str, Type] = {}
        for version in use.versions if use else ():
            names = [*version.rules, *version.readings, *version.grounds]
            found.update({name: version.types[name] for name in names})
        return found

    def enums_with(self, member: str) -> list[EnumT]:
        return self.members.get(normalize(member), [])

    def names(self) -> Iterable[str]:
        p = self.policy
        yield from (*p.fields, *p.params, *p.tables, *p.readings, *p.rules, *p.groups, *p.grounds, *p.uses)
        yield from self.members
        yield from FUNCTIONS
        yield "计算日"

    # --- steps -----------------------------------------------------------------------------------

    def run(self) -> tuple[Program | None, list[Diagnostic]]:
        """Declared types, formulas, order, then each declaration in that order."""
        self.declare()
        self.parse_all()
        ready = self.resolve_uses()
        order = self.order()
        for name in order:
            self.resolve(name)
        procedures = self.resolve_procedures()
        self.check_uses()
        if not ready:
            return None, self.diagnostics
        program = Program(
            policy=self.policy,
            types=self.types,
            defaults=self.defaults,
            tables=self.tables,
            readings=self.readings,
            rules=self.rules,
            groups_by_name=self.groups,
            grounds=self.grounds,
            procedures=procedures,
            uses=self.uses,
            personal=frozenset(self.personal),
            order=tuple(order),
        )
        return program, self.diagnostics

    def bad(self, code: str, node: Node, message: str, hint: str = "") -> None:
        found = Diagnostic(code, message, place_of(node.source, node.span), hint)
        if found not in self.diagnostics:
            self.diagnostics.append(found)

    def declare(self) -> None:
        """Types that stand in the declarations themselves."""
        p = self.policy
        kinds: list[Type] = list(p.enums.values())
        for name, decl in p.fields.items():
            self.types[name] = decl.type
            kinds += [decl.type, *(column.type for column in decl.columns)]
            if not decl.owner:
                self.personal.add(name)
        for name, param in p.params.items():
            self.types[name] = param.type
            kinds.append(param.type)
        for table in p.tables.values():
            kinds += [kind for _, kind in table.columns if kind is not None]
            for _, node in table.keys:
                key_kind = self.written_type(node)
                kinds += [key_kind] if key_kind else []
        for name, reading in p.readings.items():
            if not reading.has_formulas:
                chosen = EnumT(tuple(option.name for option in reading.options), False, name)
                self.types[name] = chosen
                kinds.append(chosen)
        for rule in p.rules.values():
            kinds += [rule.type] if rule.type else []
        for kind in kinds:
            inner = kind.item if isinstance(kind, SeriesT) else kind
            if isinstance(inner, EnumT):
                for member in inner.members:
                    owners = self.members.setdefault(normalize(member), [])
                    if inner not in owners:
                        owners.append(inner)

    def scalars(self) -> Iterable[tuple[str, Scalar]]:
        """Every formula with the name that needs it ("" for what nothing depends on)."""
        p = self.policy
        for name, decl in p.fields.items():
            if decl.default is not None:
                yield name, decl.default
        for name, reading in p.readings.items():
            for option in reading.options:
                if option.formula is not None:
                    yield name, option.formula
        for name, rule in p.rules.items():
            yield name, rule.formula
            for exception in rule.exceptions:
                yield name, exception.when
                yield name, exception.then
            for scalar in (rule.trigger, rule.paid_on):
                if scalar is not None:
                    yield name, scalar
        for name, group in p.groups.items():
            for scalar in (group.member, group.formula):
                if scalar is not None:
                    yield name, scalar
            for _, shown in group.shown:
                yield name, shown
            if group.shares is not None:
                yield name, group.shares.total
                yield name, group.shares.weight
        for name, grounds in p.grounds.items():
            for ground in grounds.grounds:
                yield name, ground.when
        for name, use in p.uses.items():
            for _, formula in use.fields:
                yield name, formula
        for procedure in p.procedures.values():
            for route in procedure.routes:
                yield "", route.when

    def parse_all(self) -> None:
        for owner, scalar in self.scalars():
            root, found = parse_formula(scalar)
            self.syntax[id(scalar)] = root
            self.diagnostics += found
            if root is not None:
                self.mentioned.setdefault(owner, set()).update(syntax.names_in(root, self.with_columns))

    def order(self) -> list[str]:
        """Names so that what a formula needs comes before it; E401 for each cycle, which is then cut open."""
        p = self.policy
        needs: dict[str, set[str]] = {}
        for name, mentioned in self.mentioned.items():
            if name:
                needs[name] = {other for other in mentioned if self.family(other) not in (None, LOST)}
        for name, rule in p.rules.items():
            needs.setdefault(name, set()).update(self.scope_names(rule.scope))
        for name, group in p.groups.items():
            needs.setdefault(name, set()).update([*self.scope_names(group.scope), *self.group_keys(name)])
        for name, grounds in p.grounds.items():
            needs.setdefault(name, set()).update(self.scope_names(grounds.scope))
        for name, table in p.tables.items():
            words = [normalize(node.text) for _, node in table.keys if isinstance(node, Scalar)]
            needs.setdefault(name, set()).update(
                word for word in words if self.family(word) not in (None, LOST)
            )
        for name in (*p.fields, *p.params):
            needs.setdefault(name, set())
        while True:
            try:
                order = list(TopologicalSorter(needs).static_order())
                break
            except CycleError as error:
                circle = list(error.args[1])
                self.cycle(circle)
                for one, two in itertools.pairwise(circle):
                    needs[two].discard(one)
        self.check_chain(order, needs)
        return order

    def cycle(self, circle: list[str]) -> None:
        """E401: declarations that need each other."""
        names = list(reversed(circle))
        start = min(range(len(names) - 1), key=lambda at: list(self.policy_names()).index(names[at]))
        ring = [*names[start:-1], *names[: start + 1]]
        decl = self.policy.declared(ring[0])
        assert decl is not None
        self.bad("E401", decl.key, f"互相依赖，算不出来：{' → '.join(ring)}", "请拆开其中一步")

    def policy_names(self) -> Iterable[str]:
        p = self.policy
        yield from (*p.fields, *p.params, *p.tables, *p.readings, *p.rules, *p.groups, *p.grounds, *p.uses)

    def check_chain(self, order: list[str], needs: dict[str, set[str]]) -> None:
        """E402: a chain of needs too long to be read by anyone, or evaluated in bounded depth."""
        depth: dict[str, int] = {}
        for name in order:
            depth[name] = 1 + max((depth.get(need, 0) for need in needs.get(name, ())), default=0)
            if depth[name] == MAX_CHAIN + 1:
                decl = self.policy.declared(name)
                assert decl is not None
                self.bad("E402", decl.key, f"「{name}」一环套一环超过 {MAX_CHAIN} 层")

    @staticmethod
    def scope_names(scope: tuple[Scalar, ...]) -> list[str]:
        return [normalize(scalar.text) for scalar in scope]

    # --- one declaration ---------------------------------------------------------------------------

    def resolve(self, name: str) -> None:
        p = self.policy
        if name in p.rules:
            self.resolve_rule(name)
        elif name in p.readings:
            self.resolve_reading(name)
        elif name in p.groups:
            self.resolve_group(name)
        elif name in p.grounds:
            self.resolve_grounds(name)
        elif name in p.tables:
            self.resolve_table(p.tables[name])
        elif name in p.uses:
            self.resolve_use_fields(name)
        elif name in p.fields and p.fields[name].default is not None:
            self.resolve_default(p.fields[name])
        root_names = self.names_used(name)
        if name not in p.fields and any(used in self.personal for used in root_names):
            self.personal.add(name)

    def names_used(self, name: str) -> set[str]:
        if name in self.policy.groups:
            group = self.policy.groups[name]
            return {name} if group.shares else set()
        if name in self.policy.uses:
            return set(self.personal)
        used = set(self.mentioned.get(name, ()))
        for scope in (self.policy.rules, self.policy.grounds):
            if name in scope:
                used.update(self.scope_names(scope[name].scope))
        return used

    def formula(
        self, scalar: Scalar, expected: Type | None, scope: Scope | None = None, branch: bool = False
    ) -> tree.Expr:
        root = self.syntax[id(scalar)]
        if root is None:
            return tree.Const(None, type=ANYTYPE, span=Span(0, 0))
        found, diagnostics = check_formula(scalar, root, self, expected, scope or Scope(), branch)
        self.diagnostics += diagnostics
        return found

    def expected(self, kind: Type | None, unit: object) -> Type | None:
        if isinstance(unit, Unit):
            return NumberT(unit)
        return kind

    def conditions(self, scope: tuple[Scalar, ...], group: bool = False) -> tuple[str, ...]:
        """适用: names of truth rules (E403 otherwise), of 集体 without personal facts."""
        found = []
        for scalar in scope:
            name = normalize(scalar.text)
            kind = self.types.get(name)
            rule = self.policy.rules.get(name)
            if name in self.policy.lost:
                continue
            if rule is None or (kind is not None and not isinstance(kind, BoolT | AnyT)):
                known = [
                    n for n, r in self.policy.rules.items() if isinstance(self.types.get(n, BOOL), BoolT)
                ]
                fact = "不是规则" if rule is None else f"是{describe(self.types[name])}，不是是否"
                self.bad(
                    "E403",
                    scalar,
                    f"适用里的「{name}」{fact}",
                    suggest(name, known) or "适用里写结果为是否的规则的名称",
                )
                continue
            if group and name in self.personal:
                self.bad(
                    "E403", scalar, f"集体的适用不能用个人的事实，「{name}」用了", "成员条件请写在「成员」里"
                )
                continue
            found.append(name)
        return tuple(found)

    def resolve_rule(self, name: str) -> None:
        rule = self.policy.rules[name]
        scope = self.conditions(rule.scope)
        expected = BOOL if rule.is_check else self.expected(rule.type, rule.unit)
        if expected is not None:
            self.types[name] = expected
        formula = self.formula(rule.formula, expected, branch=not rule.is_check)
        kind = expected or formula.type
        if expected is None and isinstance(formula.type, NumberT) and formula.type.unit.top == "*":
            kind = NumberT(BARE)
        if expected is None and only_outcomes(formula):
            self.untyped(rule.formula)
        self.types[name] = kind
        thing = None if isinstance(kind, AnyT) else kind
        exceptions = tuple(
            (self.formula(e.when, BOOL), self.formula(e.then, thing, branch=True)) for e in rule.exceptions
        )
        trigger = None if rule.trigger is None else self.formula(rule.trigger, DATE)
        paid_on = None if rule.paid_on is None else self.formula(rule.paid_on, DATE)
        self.check_visible(name, kind)
        self.rules[name] = CheckedRule(rule, kind, formula, exceptions, trigger, scope, paid_on)

    def untyped(self, scalar: Scalar) -> None:
        """E342: a formula of nothing but 不适用 and 信息不足, so that other formulas cannot tell what it is."""
        mistake = messages.undeclared_type()
        self.bad(mistake.code, scalar, mistake.message, mistake.hint)

    def check_visible(self, name: str, kind: Type) -> None:
        """E404: a whole series or rows among the results."""
        rule = self.policy.rules[name]
        if isinstance(kind, SeriesT | RecordsT) and not rule.internal:
            self.bad(
                "E404",
                rule.key,
                f"「{name}」的结果是{describe(kind)}，不是一个值",
                "请加「内部: 是」，或用 最近 次数 等函数",
            )

    def resolve_reading(self, name: str) -> None:
        reading = self.policy.readings[name]
        if not reading.has_formulas:
            self.readings[name] = CheckedReading(
                reading, self.types[name], dict.fromkeys(o.name for o in reading.options)
            )
            return
        expected = self.expected(reading.type, reading.unit)
        options: dict[str, tree.Expr | None] = {}
        kind: Type = expected or ANYTYPE
        for option in reading.options:
            if option.formula is None:
                continue
            expr = self.formula(option.formula, None if isinstance(kind, AnyT) else kind, branch=True)
            if isinstance(kind, AnyT) or (isinstance(kind, NumberT) and kind.unit.top == "*"):
                kind = expr.type
            options[option.name] = expr
        self.types[name] = kind
        self.readings[name] = CheckedReading(reading, kind, options)

    def resolve_grounds(self, name: str) -> None:
        decl = self.policy.grounds[name]
        self.types[name] = BOOL
        grounds = tuple((ground, self.formula(ground.when, BOOL)) for ground in decl.grounds)
        self.grounds[name] = CheckedGrounds(decl, grounds, self.conditions(decl.scope))

    def resolve_group(self, name: str) -> None:
        decl = self.policy.groups[name]
        by = []
        for scalar in decl.by:
            key = normalize(scalar.text)
            if key not in self.policy.fields or not isinstance(self.types.get(key), TextT | EnumT):
                self.bad(
                    "E405",
                    scalar,
                    f"「{key}」不能用来分组",
                    suggest(key, self.policy.fields) or "按 文字 或 选项 的字段分组",
                )
            else:
                by.append(key)
        scope = Scope(group=tuple(by))
        member = None if decl.member is None else self.formula(decl.member, BOOL)
        conditions = self.conditions(decl.scope, group=True)
        shown = tuple((label.text.strip(), self.formula(scalar, None, scope)) for label, scalar in decl.shown)
        unit = self.expected(decl.type, decl.unit)
        if decl.shares is not None:
            total = self.formula(decl.shares.total, unit, scope)
            weight = self.formula(decl.shares.weight, NumberT(BARE))
            kind: Type = unit or total.type
            self.types[name] = kind
            self.groups[name] = CheckedGroup(
                decl, kind, tuple(by), member, None, shown, conditions, total, weight, decl.shares.step
            )
            return
        assert decl.formula is not None
        expected = BOOL if decl.is_check else unit
        formula = self.formula(decl.formula, expected, scope, branch=not decl.is_check)
        kind = expected or formula.type
        if isinstance(kind, NumberT) and kind.unit.top == "*":
            kind = NumberT(BARE)
        self.types[name] = kind
        self.groups[name] = CheckedGroup(decl, kind, tuple(by), member, formula, shown, conditions)

    def resolve_default(self, decl: FieldDecl) -> None:
        assert decl.default is not None
        if isinstance(decl.type, SeriesT | RecordsT):
            self.bad("E406", decl.default, "逐年和记录的字段没有缺省")
            return
        kind = decl.type
        expr = self.formula(decl.default, None if isinstance(kind, NumberT) else kind)
        if isinstance(kind, NumberT) and isinstance(expr.type, NumberT):
            literal = isinstance(expr, tree.Const)
            if not literal and not assignable(kind.unit, expr.type.unit):
                self.bad("E333", decl.default, f"单位不同：{kind.unit}与{expr.type.unit}")
        elif isinstance(kind, NumberT) and not isinstance(expr.type, AnyT):
            self.bad("E332", decl.default, f"这里应为数，写的是{describe(expr.type)}")
        allowed = tree.Const | tree.Field
        if not isinstance(expr, allowed):
            self.bad("E406", decl.default, "缺省应是一个值或另一个字段", "要计算的缺省请写成规则")
            return
        self.defaults[decl.name] = expr

    # --- tables ------------------------------------------------------------------------------------

    def written_type(self, node: Node) -> Type | None:
        """The type of a key written out in the table: {选项: […]} or {类型: 整数, 范围: […]}."""
        if not isinstance(node, Mapping):
            return None
        options = node.get("选项")
        if isinstance(options, Sequence):
            members = tuple(item.text.strip() for item in options.items if isinstance(item, Scalar))
            ordered = node.get("有序")
            return EnumT(members, isinstance(ordered, Scalar) and ordered.text == "是")
        kind = node.get("类型")
        word = normalize(kind.text) if isinstance(kind, Scalar) else ""
        unit = node.get("单位")
        if word in ("整数", "数"):
            parsed = parse_unit(unit.text) if isinstance(unit, Scalar) else BARE
            return NumberT(parsed or BARE)
        plain: dict[str, Type] = {"日期": DATE, "是否": BOOL}
        return plain.get(word) or self.policy.enums.get(word)

    def resolve_table(self, decl: TableDecl) -> None:
        keys = []
        for name, node in decl.keys:
            kind = self.written_type(node)
            if kind is None and isinstance(node, Scalar):
                word = normalize(node.text)
                if word in self.policy.enums:
                    kind = self.policy.enums[word]
                elif word in self.policy.fields or word in self.policy.rules or word in self.policy.readings:
                    kind = self.types.get(word, ANYTYPE)
                else:
                    kind = self.column_type(word)
                if kind is None:
                    known = [*self.policy.fields, *self.policy.rules, *self.policy.enums]
                    self.bad("E351", node, f"表的键「{word}」不是字段、规则或选项组", suggest(word, known))
                    kind = ANYTYPE
            if isinstance(kind, SeriesT):
                kind = kind.item
            if isinstance(kind, TextT | RecordsT) or kind is None:
                self.bad("E351", node, "表的键应是 选项 是否 整数 数 日期", "文字没有穷尽的取值，请改为选项")
                kind = ANYTYPE
            keys.append((name, kind))
        self.table_headers[decl.name] = tuple(keys)
        reader = TableReader(decl, tuple(keys), self.policy.params.get)
        self.tables[decl.name] = reader.read()
        self.diagnostics += reader.diagnostics
        self.check_progressive(decl, tuple(keys))

    def check_progressive(self, decl: TableDecl, keys: tuple[tuple[str, Type], ...]) -> None:
        """E350: 累进 multiplies the key by the cell, so both are numbers, and not both of them money."""
        if decl.mode != "累进" or not keys or not isinstance(keys[0][1], NumberT):
            return
        unit = keys[0][1].unit
        for column, cell in decl.columns:
            name = column or decl.name
            if not isinstance(cell, NumberT | AnyT | None):
                self.bad("E350", decl.key, f"累进的「{name}」应为数，写的是{describe(cell)}")
            elif isinstance(cell, NumberT) and multiply(unit, cell.unit) is None:
                fact = f"累进的「{name}」要与键相乘，两边不能都是金额"
                self.bad("E350", decl.key, fact, "每段的值通常是不带单位的比例")

    def column_type(self, word: str) -> Type | None:
        for decl in self.policy.fields.values():
            for column in decl.columns:
                if column.name == word:
                    return column.type
        return None

    # --- other policies ------------------------------------------------------------------------------

    def resolve_uses(self) -> bool:
        """Programs of every 引用; False if one has mistakes of its own."""
        ready = True
        line = self.resolver.registry.series
        for alias, decl in self.policy.uses.items():
            if decl.series in self.resolver.open:
                circle = " → ".join(
                    [*self.resolver.open[self.resolver.open.index(decl.series) :], decl.series]
                )
                self.bad("E407", decl.series_key, f"政策互相引用：{circle}")
                ready = False
                continue
            versions = line.get(decl.series, ())
            if not versions:
                hint = suggest(decl.series, line) or "引用写系列名，文件要放在同一文件夹"
                self.bad("E408", decl.series_key, f"没有系列为「{decl.series}」的政策", hint)
                ready = False
                continue
            programs: list[Program] = []
            for version in versions:
                program, found = self.resolver.program(version)
                if program is None or any(d.severity == "error" for d in found):
                    self.bad(
                        "E408",
                        decl.series_key,
                        f"引用的政策 {version.meta.id} 有错误，见 {Path(version.source.name).name}",
                    )
                    ready = False
                if program is not None:
                    programs.append(program)
            self.uses[alias] = CheckedUse(decl, tuple(programs), {})
            self.check_same_types(decl.series_key, programs)
        return ready

    def check_same_types(self, key: Scalar, programs: list[Program]) -> None:
        """E409: a result whose type differs between versions of the policy used."""
        first: dict[str, tuple[Type, str]] = {}
        for program in programs:
            for name in program.rules:
                kind = program.types[name]
                known = first.setdefault(name, (kind, program.policy.meta.id))
                if known[0] != kind:
                    message = f"「{name}」在 {known[1]} 是{describe(known[0])}，在 {program.policy.meta.id} 是{describe(kind)}"
                    self.bad("E409", key, message)

    def resolve_use_fields(self, alias: str) -> None:
        use = self.uses.get(alias)
        if use is None:
            return
        fields: dict[str, tree.Expr] = {}
        theirs: dict[str, FieldDecl] = {}
        for version in use.versions:
            theirs.update(version.policy.fields)
        for key, scalar in use.decl.fields:
            name = normalize(key.text)
            decl = theirs.get(name)
            if decl is None:
                self.bad("E412", key, f"「{use.decl.series}」没有字段「{name}」", suggest(name, theirs))
                continue
            fields[name] = self.formula(scalar, decl.type, branch=True)
        self.uses[alias] = replace(use, fields=fields)

    def check_uses(self) -> None:
        """E413: a field of the other policy that its results we use need, and that is neither mapped nor ours."""
        for alias, use in self.uses.items():
            wanted = self.results_used(alias)
            for version in use.versions:
                for name in sorted(wanted - version.types.keys()):
                    if name in self.use_results(alias):
                        fact = f"{version.policy.meta.id} 没有「{name}」，那时为信息不足"
                        self.bad("W812", use.decl.key, fact, "那个版本施行期间用不到时不必理会")
                for name in sorted(needed_fields(version, wanted)):
                    if name in use.fields:
                        continue
                    decl = version.policy.fields[name]
                    ours = self.policy.fields.get(name)
                    if ours is not None and ours.type == decl.type:
                        continue
                    if ours is None and name in version.defaults:
                        continue
                    fact = (
                        "这里没有"
                        if ours is None
                        else f"这里是{describe(ours.type)}，那里是{describe(decl.type)}"
                    )
                    message = f"「{alias}」要用的字段「{name}」{fact}"
                    self.bad("E413", use.decl.key, message, f"请在引用里写 字段: {{{name}: 公式}}")

    def results_used(self, alias: str) -> set[str]:
        found: set[str] = set()
        for root in self.syntax.values():
            pending: list[syntax.Syntax] = [root] if root is not None else []
            while pending:
                node = pending.pop()
                if isinstance(node, syntax.Dotted) and node.alias == alias:
                    found.add(node.name)
                pending.extend(syntax.children(node))
        return found

    def resolve_procedures(self) -> dict[str, CheckedProcedure]:
        found = {}
        for name, decl in self.policy.procedures.items():
            routes = tuple((route, self.formula(route.when, BOOL)) for route in decl.routes)
            found[name] = CheckedProcedure(decl, routes)
        return found


def only_outcomes(expr: tree.Expr) -> bool:
    """Whether every branch of a formula is 不适用 or 信息不足."""
    if isinstance(expr, tree.If):
        return only_outcomes(expr.then) and only_outcomes(expr.otherwise)
    return isinstance(expr, tree.OutcomeConst)
