"""`template`: which facts the results asked for rest on, so that a roster for them can be handed out and filled in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from engine.app.evaluate import choose_names, program_of
from engine.choose import Folder, Misuse, choose_policy
from engine.diagnostics import Diagnostic, in_order
from engine.expr import tree
from engine.needs import expressions, needs_of
from engine.policy import FieldDecl, Policy
from engine.program import Program
from engine.types import RecordsT, SeriesT


@dataclass(frozen=True, slots=True)
class Template:
    """`columns` stand on the sheet of people, 标识 first; `sheets` join them; `units` are facts by unit field."""

    policy: Policy
    results: tuple[str, ...]
    columns: tuple[FieldDecl, ...]
    sheets: tuple[FieldDecl, ...]
    units: tuple[tuple[FieldDecl, tuple[FieldDecl, ...]], ...]

    @property
    def yearly(self) -> bool:
        """Whether a fact belongs to the year of 数据日期."""
        facts = [decl for _, decls in self.units for decl in decls]
        return any(decl.yearly for decl in (*self.columns, *self.sheets, *facts))


def template(
    folder: Folder, word: str, as_of: date, only: Sequence[str]
) -> tuple[Template | Misuse | None, list[Diagnostic]]:
    """The facts that a policy's results need; all results unless `only` names some."""
    chosen, diagnostics = choose_policy(folder, word, as_of)
    if chosen is None or isinstance(chosen, Misuse):
        return chosen, diagnostics
    program, found = program_of(folder, chosen)
    if program is None:
        return None, in_order([*diagnostics, *found])
    names = choose_names(program, only, internal=False)
    if isinstance(names, Misuse):
        return names, diagnostics
    return template_of(program, (*names[0], *names[1])), diagnostics


def template_of(program: Program, results: Sequence[str]) -> Template:
    """The columns and sheets of a roster for some results."""
    policy = program.policy
    registered = {name for name, decl in policy.fields.items() if decl.register}
    return laid_out(policy, results, fields_behind(program, results) | registered)


def laid_out(policy: Policy, results: Sequence[str], wanted: set[str]) -> Template:
    """Fields by where they stand; 标识, and the unit of every fact of a unit, come along."""
    identifier = policy.meta.identifier
    owners = {policy.fields[name].owner for name in wanted}
    chosen = [decl for name, decl in policy.fields.items() if name in wanted | owners | {identifier}]
    chosen.sort(key=lambda decl: decl.name != identifier)
    personal = [decl for decl in chosen if not decl.owner]
    joined = [decl for decl in personal if isinstance(decl.type, SeriesT | RecordsT)]
    kinds = dict.fromkeys(decl.owner for decl in chosen if decl.owner)
    return Template(
        policy=policy,
        results=tuple(results),
        columns=tuple(decl for decl in personal if not isinstance(decl.type, SeriesT | RecordsT)),
        sheets=tuple(joined),
        units=tuple(
            (policy.fields[kind], tuple(decl for decl in chosen if decl.owner == kind)) for kind in kinds
        ),
    )


def fields_behind(program: Program, results: Iterable[str]) -> set[str]:
    """Fields that results rest on, also through results of other policies: theirs are ours of the same name."""
    seen: set[str] = set()
    pending = list(results)
    asked: dict[str, set[str]] = {}
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        pending.extend(needs_of(program, name))
        for root in expressions(program, name):
            for node in tree.walk(root):
                if isinstance(node, tree.Use) and node.name not in asked.setdefault(node.alias, set()):
                    asked[node.alias].add(node.name)
                    pending.extend(_through(program, node.alias, node.name))
    return {name for name in seen if name in program.policy.fields}


def _through(program: Program, alias: str, result: str) -> set[str]:
    """Our fields that a result of another policy reads under their own names, in any of its versions."""
    use = program.uses[alias]
    theirs = {name for version in use.versions for name in fields_behind(version, [result])}
    return {name for name in theirs if name not in use.fields and name in program.policy.fields}
