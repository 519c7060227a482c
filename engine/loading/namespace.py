"""Names of a policy file: writable in formulas, not reserved, each used once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.diagnostics import Diagnostic
from engine.expr.functions import FUNCTIONS
from engine.loading import problems
from engine.loading.kinds import TYPE_WORDS
from engine.names import RESERVED, is_name, normalize
from engine.nodes import Scalar
from engine.policy import Declaration, FieldDecl

Named = tuple[str, Declaration]


def check_names(
    declared: Iterable[Named], options: Mapping[str, Scalar], words: Iterable[tuple[str, Scalar]]
) -> list[Diagnostic]:
    """`declared` share one namespace; `options` are 选项组; `words` are options, columns and 读法."""
    found: list[Diagnostic] = []
    first: dict[str, Named] = {}
    for family, decl in sorted(declared, key=lambda pair: pair[1].key.span.start):
        found += check_name(decl.key, decl.name)
        if isinstance(decl, FieldDecl):
            found += (problem for column in decl.columns for problem in check_name(column.key, column.name))
        earlier = first.setdefault(decl.name, (family, decl))
        if earlier[1] is not decl:
            found.append(problems.name_taken(decl.key, decl.name, family, earlier[1].key, earlier[0]))
    for name, key in options.items():
        found += [problems.reserved(key, name, False)] if name in TYPE_WORDS else check_name(key, name)
    for what, scalar in words:
        taken = first.get(normalize(scalar.text))
        if taken is not None:
            found.append(problems.word_taken(scalar, what, taken[1].name, taken[1].key, taken[0]))
    return found


def check_name(key: Scalar, name: str) -> list[Diagnostic]:
    """Whether a formula can write a name and means this by it."""
    if name in RESERVED or name in FUNCTIONS:
        return [problems.reserved(key, name, name in FUNCTIONS)]
    return [] if is_name(name) else [problems.not_a_name(key, key.text)]
