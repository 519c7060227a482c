"""Tables and constants: written cells and keys → typed ones. Whether rows leave gaps is asked in `engine.validate`."""

from __future__ import annotations

from collections.abc import Callable

from engine.diagnostics import Diagnostic, place_of
from engine.names import normalize, suggest
from engine.nodes import Mapping, Node, Scalar, Sequence
from engine.policy import Band, Constant, NoCell, ParamDecl, ParamName, RowDecl, TableDecl, Undecided
from engine.program import Row, Table
from engine.types import AnyT, BoolT, DateT, EnumT, NumberT, TextT, Type, describe
from engine.units import common
from engine.values import format_number, parse_date, parse_number

_LOWER = {"满": True, "超过": False}
_UPPER = {"不满": False, "不超过": True}

Params = Callable[[str], ParamDecl | None]


def read_constant(text: str, kind: Type) -> Constant | None:
    """A word of the file as a value of a type, or None."""
    word = normalize(text)
    match kind:
        case NumberT():
            return parse_number(word)
        case DateT():
            return parse_date(word) if len(word) == 10 and word[4] == "-" else None
        case BoolT():
            return {"是": True, "否": False}.get(word)
        case EnumT(members):
            return next((m for m in members if m == text.strip() or normalize(m) == word), None)
        case TextT():
            return text.strip() or None
        case AnyT():
            number = parse_number(word)
            return number if number is not None else text.strip()
    return None


def show(constant: Constant) -> str:
    """A constant as an officer writes it."""
    if isinstance(constant, bool):
        return "是" if constant else "否"
    if isinstance(constant, Undecided):
        return "信息不足"
    if isinstance(constant, NoCell):
        return "不适用"
    if isinstance(constant, ParamName):
        return constant.name
    if isinstance(constant, str):
        return constant
    if hasattr(constant, "isoformat"):
        return str(constant.isoformat())
    return format_number(constant)


def show_band(band: Band) -> str:
    parts = []
    if band.low is not None:
        parts.append(("满" if band.low_included else "超过") + show(band.low))
    if band.high is not None:
        parts.append(("不超过" if band.high_included else "不满") + show(band.high))
    return "".join(parts)


class TableReader:
    """One table's nodes → `Table`, collecting every mistake."""

    def __init__(self, decl: TableDecl, keys: tuple[tuple[str, Type], ...], params: Params) -> None:
        self.decl, self.keys, self.params = decl, keys, params
        self.columns = {name: kind or NumberT() for name, kind in decl.columns}
        self.diagnostics: list[Diagnostic] = []

    def bad(self, node: Node, message: str, hint: str = "") -> None:
        """E350: a key, band or cell that is no value of its type."""
        self.diagnostics.append(Diagnostic("E350", message, place_of(node.source, node.span), hint))

    def read(self) -> Table:
        rows = tuple(self.row(at, row) for at, row in enumerate(self.decl.rows))
        if self.decl.mode == "累进" and (
            len(self.keys) != 1 or not isinstance(self.keys[0][1], NumberT | AnyT)
        ):
            self.bad(self.decl.key, "累进的表只有一个键，键是数")
        exact: dict[tuple[Constant, ...], int] | None = {}
        for at, row in enumerate(rows):
            single = [m[0] for m in row.matches if m is not None and len(m) == 1]
            plain = len(single) == len(row.matches) and not any(
                isinstance(m, Band | ParamName) for m in single
            )
            if not plain or tuple(single) in (exact or {}):
                exact = None
                break
            assert exact is not None
            exact[tuple(single)] = at
        if self.decl.mode in ("合计", "累进"):
            exact = None
        return Table(self.decl, self.keys, self.columns, rows, exact)

    def row(self, at: int, decl: RowDecl) -> Row:
        written = dict(decl.keys)
        matches = tuple(
            self.match(written[name], kind) if name in written else None for name, kind in self.keys
        )
        cells: dict[str, Constant] = {}
        for name, node in decl.cells:
            kind = self.columns.get(name)
            if kind is not None:
                cells[name] = self.cell(node, kind)
        for name in self.columns:
            if name not in cells:
                label = f"栏目「{name}」" if name else "「值」"
                self.bad(decl.key, f"这一行没有{label}", "没有这个数请写 不适用 或 信息不足")
                cells[name] = Undecided()
        label = "，".join(
            "、".join(show_band(m) if isinstance(m, Band) else show(m) for m in alternatives)
            for alternatives in matches
            if alternatives is not None
        )
        return Row(matches, cells, label or f"第{at + 1}行", decl)

    def match(self, node: Node, kind: Type) -> tuple[Constant | Band, ...]:
        if isinstance(node, Sequence):
            return tuple(part for item in node.items for part in self.match(item, kind))
        if isinstance(node, Mapping):
            return (self.band(node, kind),)
        found = self.constant(node, kind, "键")
        return () if found is None else (found,)

    def band(self, node: Mapping, kind: Type) -> Band:
        if not isinstance(kind, NumberT | DateT | AnyT) and not (isinstance(kind, EnumT) and kind.ordered):
            self.bad(node, f"{describe(kind)}的键不能分段", "只有数、日期和有序的选项可以写 满、不满")
        low = high = None
        low_in, high_in = True, False
        for entry in node.entries:
            word = normalize(entry.key.text)
            value = self.constant(entry.value, kind, "界限") if isinstance(entry.value, Scalar) else None
            if word in _LOWER:
                low, low_in = value, _LOWER[word]
            elif word in _UPPER:
                high, high_in = value, _UPPER[word]
            else:
                self.bad(
                    entry.key,
                    f"「{word}」不是界限用词",
                    "可用：满（含）、超过（不含）、不满（不含）、不超过（含）",
                )
        return Band(low, low_in, high, high_in)

    def cell(self, node: Node, kind: Type) -> Constant:
        if not isinstance(node, Scalar):
            self.bad(node, "这里应为一个值")
            return Undecided()
        word = normalize(node.text)
        if word == "不适用":
            return NoCell()
        if word == "信息不足":
            return Undecided()
        found = self.constant(node, kind, "格")
        return Undecided() if found is None else found

    @staticmethod
    def unfit(param: ParamDecl, word: str, kind: Type) -> tuple[str, str]:
        """Why a 参数 cannot stand where a value of a type is due, and advice; ("", "") if it can."""
        if param.by_year is not None:
            return f"参数「{word}」是逐年的，这里应为一个值", "表里可以写单个的或按日期的参数"
        if isinstance(param.type, NumberT) and isinstance(kind, NumberT):
            if common(param.type.unit, kind.unit) is None:
                return f"参数「{word}」的单位是{param.type.unit}，这里应为{kind.unit}", ""
        elif param.type != kind and not isinstance(kind, AnyT) and not isinstance(param.type, AnyT):
            return f"参数「{word}」是{describe(param.type)}，这里应为{describe(kind)}", ""
        return "", ""

    def constant(self, node: Scalar, kind: Type, role: str) -> Constant | None:
        found = read_constant(node.text, kind)
        if found is not None:
            return found
        word = normalize(node.text)
        param = self.params(word)
        if param is not None:
            wrong, advice = self.unfit(param, word, kind)
            if wrong:
                self.bad(node, wrong, advice)
                return None
            return ParamName(word)
        hint = suggest(word, kind.members) if isinstance(kind, EnumT) else ""
        if isinstance(kind, EnumT) and not hint:
            hint = f"可用：{'、'.join(kind.members[:12])}"
        self.bad(node, f"「{node.text.strip()}」不是{describe(kind)}，不能作{role}", hint)
        return None
