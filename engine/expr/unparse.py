"""Syntax → the shortest formula text that parses to the same syntax."""

from __future__ import annotations

from typing import assert_never

from engine.expr.syntax import (
    Among,
    Arithmetic,
    Call,
    Comparison,
    Conditional,
    DateLit,
    Dotted,
    Index,
    Logic,
    Name,
    Negative,
    Not,
    NumberLit,
    OutcomeLit,
    Syntax,
    TextLit,
    TruthLit,
)
from engine.values import MAX_DIGITS, format_number

_BRANCH, _LOGIC, _NOT, _COMPARE, _SUM, _PRODUCT, _MINUS, _ATOM = range(8)


def unparse(node: Syntax) -> str:
    """Formula text; parse(unparse(e)) = e for every e that parsing can give."""
    return _write(node, _BRANCH)


def _write(node: Syntax, level: int) -> str:
    text, own = _parts(node)
    return text if own >= level else f"({text})"


def _list(items: tuple[Syntax, ...], level: int) -> str:
    return ", ".join(_write(item, level) for item in items)


def _parts(node: Syntax) -> tuple[str, int]:
    match node:
        case NumberLit(value):
            text = format_number(value)
            return (text if len(text) <= MAX_DIGITS else f"{format_number(value * 100)}%"), _ATOM
        case DateLit(value):
            return value.isoformat(), _ATOM
        case TruthLit(value):
            return "是" if value else "否", _ATOM
        case TextLit(value):
            return f'"{value}"', _ATOM
        case Name(name):
            return name, _ATOM
        case OutcomeLit(word):
            return word, _ATOM
        case Dotted(alias, name):
            return f"{alias}.{name}", _ATOM
        case Call(function, args):
            return f"{function}({_list(args, _BRANCH)})", _ATOM
        case Index(target, keys):
            return f"{_write(target, _ATOM)}[{_list(keys, _BRANCH)}]", _ATOM
        case Negative(operand):
            return f"-{_write(operand, _MINUS)}", _MINUS
        case Not(operand):
            return f"非 {_write(operand, _NOT)}", _NOT
        case Arithmetic(op, left, right):
            own = _SUM if op in "+-" else _PRODUCT
            return f"{_write(left, own)} {op} {_write(right, own + 1)}", own
        case Comparison(first, ops, rest):
            tail = "".join(f" {op} {_write(item, _SUM)}" for op, item in zip(ops, rest, strict=True))
            return _write(first, _SUM) + tail, _COMPARE
        case Logic(op, items):
            return f" {op} ".join(_write(item, _NOT) for item in items), _LOGIC
        case Among(operand, members, negated):
            word = "不属于" if negated else "属于"
            return f"{_write(operand, _SUM)} {word} [{_list(members, _SUM)}]", _COMPARE
        case Conditional(condition, then, otherwise):
            head = f"若 {_write(condition, _LOGIC)} 则 {_write(then, _BRANCH)}"
            return f"{head} 否则 {_write(otherwise, _BRANCH)}", _BRANCH
    assert_never(node)
