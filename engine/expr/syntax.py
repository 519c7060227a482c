"""What a formula says, before names and types are known. Equality ignores positions; spans count the formula's text."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import date

from engine.source import Span
from engine.values import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class _At:
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NumberLit(_At):
    value: Number


@dataclass(frozen=True, slots=True)
class DateLit(_At):
    value: date


@dataclass(frozen=True, slots=True)
class TruthLit(_At):
    value: bool


@dataclass(frozen=True, slots=True)
class TextLit(_At):
    value: str


@dataclass(frozen=True, slots=True)
class Name(_At):
    name: str


@dataclass(frozen=True, slots=True)
class OutcomeLit(_At):
    """不适用 or 信息不足 as a branch."""

    word: str


@dataclass(frozen=True, slots=True)
class Dotted(_At):
    """别名.结果."""

    alias: str
    name: str


@dataclass(frozen=True, slots=True)
class Call(_At):
    function: str
    args: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Index(_At):
    target: Syntax
    keys: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Negative(_At):
    operand: Syntax


@dataclass(frozen=True, slots=True)
class Not(_At):
    operand: Syntax


@dataclass(frozen=True, slots=True)
class Arithmetic(_At):
    op: str
    left: Syntax
    right: Syntax


@dataclass(frozen=True, slots=True)
class Comparison(_At):
    """first ops[0] rest[0] ops[1] rest[1] …"""

    first: Syntax
    ops: tuple[str, ...]
    rest: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Logic(_At):
    """All joined by one word, 且 or 或."""

    op: str
    items: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Among(_At):
    operand: Syntax
    members: tuple[Syntax, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Conditional(_At):
    condition: Syntax
    then: Syntax
    otherwise: Syntax


Syntax = (
    NumberLit
    | DateLit
    | TruthLit
    | TextLit
    | Name
    | OutcomeLit
    | Dotted
    | Call
    | Index
    | Negative
    | Not
    | Arithmetic
    | Comparison
    | Logic
    | Among
    | Conditional
)


def children(node: Syntax) -> tuple[Syntax, ...]:
    """The parts of a node, left to right."""
    match node:
        case Call(args=args):
            return args
        case Index(target=target, keys=keys):
            return (target, *keys)
        case Negative(operand=operand) | Not(operand=operand):
            return (operand,)
        case Arithmetic(left=left, right=right):
            return (left, right)
        case Comparison(first=first, rest=rest):
            return (first, *rest)
        case Logic(items=items):
            return items
        case Among(operand=operand, members=members):
            return (operand, *members)
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
    return ()


def names_in(root: Syntax, with_columns: Container[str] = ()) -> list[str]:
    """Every bare name a formula mentions, in order, repeats kept; `with_columns` are the tables whose last index is a
    栏目 and so no name."""
    found: list[str] = []
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, Name):
            found.append(node.name)
        elif isinstance(node, Dotted):
            found.append(node.alias)
        parts = children(node)
        if isinstance(node, Index) and isinstance(node.target, Name) and node.target.name in with_columns:
            parts = parts[:-1]
        pending.extend(reversed(parts))
    return found
