"""What a checked policy means, declaration by declaration, apart from how it is worded; fingerprints of both.

The meaning of a declaration is all of it that can change an outcome: typed formulas, values, types, order of ranks,
what is shown. Its words (说明, 理由, 依据, 提供, labels) and the order of keys are not. What other policies say that
it refers to is not in it: they are versions of their own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.diff.changes import plain
from engine.nodes import Node, Scalar
from engine.policy import FieldDecl, ProcedureDecl, Step
from engine.program import Program

#: Section and name of a declaration.
Key = tuple[str, str]


def meanings(program: Program) -> dict[Key, str]:
    """Every declaration that can change an outcome, in a form that is equal for equal meaning."""
    policy = program.policy
    found: dict[Key, Any] = {("政策", "标识"): policy.meta.identifier}
    for name, kind in policy.enums.items():
        found["选项组", name] = kind
    for name, field in policy.fields.items():
        found["字段", name] = (*_field(field), program.defaults.get(name))
    for name, param in policy.params.items():
        by_year = (
            [(year, dated.value) for year, dated in param.by_year] if param.by_year is not None else None
        )
        found["参数", name] = (param.type, [(dated.since, dated.value) for dated in param.values], by_year)
    for name, table in program.tables.items():
        rows = [(row.matches, sorted(row.cells.items())) for row in table.rows]
        if table.decl.mode != "首个":
            rows.sort(key=repr)
        found["表", name] = (table.decl.mode, table.keys, sorted(table.columns.items()), rows)
    for name, reading in program.readings.items():
        found["口径", name] = (
            reading.type,
            reading.decl.adopted,
            sorted(reading.options.items(), key=_first),
        )
    for name, rule in program.rules.items():
        decl = rule.decl
        settings = (
            decl.internal,
            decl.period,
            decl.level if decl.is_check else "",
            decl.law_day,
            decl.first_period,
        )
        found["规则", name] = (
            *(rule.type, decl.is_check, rule.scope, rule.formula, rule.trigger, rule.exceptions),
            *(decl.first_wins, settings, _word(decl.paid_on), _word(decl.procedure)),
        )
    for name, group in program.groups_by_name.items():
        decl_ = group.decl
        found["集体", name] = (
            *(group.type, decl_.is_check, group.by, group.member, group.formula, group.scope, decl_.internal),
            *(group.total, group.weight, group.step, sorted(group.shown, key=_first), _word(decl_.procedure)),
            decl_.level if decl_.is_check else "",
        )
    for name, grounds in program.grounds.items():
        held = sorted(((ground.label, when) for ground, when in grounds.grounds), key=_first)
        found["情形", name] = (held, grounds.scope, grounds.decl.internal, _word(grounds.decl.procedure))
    for name, use in program.uses.items():
        found["引用", name] = (use.decl.series, sorted(use.fields.items(), key=_first))
    for name, checked in program.procedures.items():
        found["程序", name] = _procedure(checked.decl, [when for _, when in checked.routes])
    return {key: _ENUM.sub(_options, repr(value)) for key, value in found.items()}


_ENUM = re.compile(r"EnumT\(members=\((.*?)\), ordered=(False|True), name='[^']*'\)")


def _options(found: re.Match[str]) -> str:
    """A type of options: without its name, and without an order where the order of its members says nothing."""
    members = found[1] if found[2] == "True" else ", ".join(sorted(found[1].strip(", ").split(", ")))
    return f"EnumT({members}, {found[2]})"


def meaning_fingerprint(found: Mapping[Key, str]) -> str:
    """SHA-256 of a policy's meanings: equal for policies that give equal outcomes by construction."""
    return _digest(sorted(found.items()))


def reads_alike(old: Mapping[Key, str], new: Mapping[Key, str]) -> bool:
    """Whether two versions read any roster the same way: fields, options and 标识 mean the same."""

    def facts(found: Mapping[Key, str]) -> dict[Key, str]:
        return {key: value for key, value in found.items() if key[0] in ("字段", "选项组", "政策")}

    return facts(old) == facts(new)


def wording_fingerprint(root: Node) -> str:
    """SHA-256 of everything that the file says, in the order in which it says it; comments and blanks apart."""
    return _digest(_ordered(root))


def _field(field: FieldDecl) -> tuple[Any, ...]:
    return (
        *(
            field.type,
            sorted(field.aliases),
            sorted(field.headings),
            field.decimals,
            field.range,
            field.yearly,
        ),
        *(
            field.owner,
            field.format,
            sorted((part, _word(name)) for part, name in field.agrees),
            field.integer,
        ),
        [(column.name, *_field(column)) for column in field.columns],
    )


def _procedure(decl: ProcedureDecl, conditions: Iterable[Any]) -> Any:
    routes = [(when, _steps(route.steps)) for route, when in zip(decl.routes, conditions, strict=True)]
    return _steps(decl.steps), routes


def _steps(steps: Iterable[Step]) -> list[tuple[str, str, str]]:
    return [(step.actor, step.action, step.deadline) for step in steps]


def _word(scalar: Scalar | None) -> str:
    return " ".join(scalar.text.split()) if scalar is not None else ""


def _first(pair: tuple[Any, ...]) -> Any:
    return pair[0]


def _ordered(node: Node | None) -> Any:
    found = plain(node)
    return list(_in_order(found))


def _in_order(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return [(key, list(_in_order(inner))) for key, inner in value.items()]
    return [list(_in_order(inner)) for inner in value] if isinstance(value, list) else [value]


def _digest(value: Any) -> str:
    return hashlib.sha256(repr(value).encode("utf-8")).hexdigest()
