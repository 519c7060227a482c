"""Text → positioned YAML nodes, from PyYAML's event stream.

Scalars keep their raw text: the declared type reads them later. Duplicate keys, anchors, tags, merge keys,
several documents, and anything beyond the bounds of size and depth are refused. Nothing here raises for a bad file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from engine.diagnostics import Diagnostic, Place, place_of
from engine.names import normalize
from engine.nodes import Entry, Mapping, Node, Scalar, Sequence
from engine.source import SourceText, Span

MAX_BYTES = 4_000_000
MAX_DEPTH = 40
MAX_NODES = 400_000

_Loader: Any = getattr(yaml, "CLoader", None) or yaml.Loader
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\ufeff\ud800-\udfff]")


class _Refused(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic


def read_text(path: Path, name: str | None = None) -> tuple[SourceText | None, list[Diagnostic]]:
    """A policy or cases file as text: UTF-8, with or without BOM, bounded in size."""
    label = name or str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except IsADirectoryError:
        return None, [Diagnostic("E101", "这是文件夹，不是文件", Place(label))]
    except OSError as error:
        fact = "找不到文件" if isinstance(error, FileNotFoundError) else f"文件打不开（{error.strerror}）"
        return None, [Diagnostic("E101", fact, Place(label), "请检查路径和权限")]
    return decode(raw, label)


def decode(raw: bytes, name: str) -> tuple[SourceText | None, list[Diagnostic]]:
    """Bytes → text; says the line and byte where it is no UTF-8 (E103), or that it is too large (E102)."""
    if len(raw) > MAX_BYTES:
        return None, [Diagnostic("E102", f"文件超过 {MAX_BYTES // 1_000_000} MB 的上限", Place(name))]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        hint = "请用编辑器另存为 UTF-8 编码"
        return None, [Diagnostic("E103", f"第 {line} 行不是 UTF-8 编码的文字", Place(name, line), hint)]
    return SourceText(name, text), []


def read_yaml(source: SourceText) -> tuple[Node | None, list[Diagnostic]]:
    """A text → its one YAML document as nodes; None with E1 diagnostics if it is none."""
    bad = _FORBIDDEN.search(source.text)
    if bad:
        shown = f"U+{ord(bad.group()):04X}"
        message = f"含有不允许的控制字符 {shown}"
        return None, [
            Diagnostic("E104", message, place_of(source, Span(bad.start(), bad.end())), "请删去这个字符")
        ]
    builder = _Builder(source)
    try:
        node = builder.document(yaml.parse(source.text, Loader=_Loader))
    except _Refused as refused:
        return None, [*builder.diagnostics, refused.diagnostic]
    except yaml.MarkedYAMLError as error:
        return None, [*builder.diagnostics, _syntax_error(source, error)]
    except yaml.YAMLError as error:
        return None, [*builder.diagnostics, Diagnostic("E105", f"YAML 读不下去：{_short(str(error))}")]
    if any(d.code == "E106" for d in builder.diagnostics):
        return node, builder.diagnostics
    return node, builder.diagnostics


def _short(text: str) -> str:
    return " ".join(text.split())[:80]


_TAB = "found character '\\t'"
_SYNTAX = (
    (_TAB, "缩进里有制表符", "请改用空格缩进"),
    (
        "found character that cannot start any token",
        "这里不能以这个字符开头",
        "若是公式或文字，请整个加引号，或写在「|」之后",
    ),
    (
        "mapping values are not allowed",
        "这里不能再出现冒号",
        "文字中含冒号时请加引号；也可能是上一行缩进不对",
    ),
    ("could not find expected ':'", "这一行缺少冒号", "键后面要写「: 」（半角冒号加空格）"),
    ("did not find expected key", "缩进与上下行对不齐，或括号前多了内容", "同一层的键要左对齐"),
    ("did not find expected '-' indicator", "列表项没有对齐", "同一列表的「- 」要左对齐"),
    (
        "did not find expected ',' or",
        "方括号或花括号没有写完",
        "「{…}」里含括号的公式请加引号，或另起一行写；也请检查「]」「}」和逗号",
    ),
    ("while scanning an anchor", "不使用 YAML 锚点", "文字以「&」开头时请加引号"),
    ("found unexpected end of stream", "引号没有闭合", "请补上引号"),
    ("unexpected end", "文件在这里突然结束", "请检查引号和括号是否闭合"),
    ("found undefined tag", "不使用 YAML 标签", "请删去「!」"),
    ("found undefined alias", "不使用 YAML 别名", "文字以「*」开头时请加引号"),
    ("block sequence entries are not allowed", "列表项不能写在这里", "「- 」应另起一行"),
    ("while scanning a directive", "不使用 YAML 指令", "以「%」开头的文字请加引号"),
)


def _syntax_error(source: SourceText, error: yaml.MarkedYAMLError) -> Diagnostic:
    """E105: the text is no YAML; the fact in Chinese at the parser's place."""
    raw = f"{error.context or ''} {error.problem or ''}"
    mark = error.problem_mark or error.context_mark
    offset = source.offset(mark.line, mark.column) if mark else 0
    if source.text[offset : offset + 1] == "\t":
        raw = _TAB
    for needle, message, hint in _SYNTAX:
        if needle in raw:
            return Diagnostic("E105", message, place_of(source, Span(offset, offset + 1)), hint)
    return Diagnostic(
        "E105", "YAML 写法有误", place_of(source, Span(offset, offset + 1)), "请检查缩进、冒号、引号和括号"
    )


class _Builder:
    """Events → nodes with an explicit stack, so that depth is bounded before anything recurses."""

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self.count = 0

    def span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self.source.offset(start.line, start.column), self.source.offset(end.line, end.column))

    def refuse(self, code: str, message: str, event: Any, hint: str = "") -> _Refused:
        return _Refused(Diagnostic(code, message, place_of(self.source, self.span(event)), hint))

    def document(self, events: Iterator[Any]) -> Node | None:
        root: Node | None = None
        stack: list[tuple[Any, list[Node]]] = []
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self.refuse(
                        "E107", "一个文件只写一份政策，这里又开始了一份", event, "请删去「---」"
                    )
                continue
            if isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
                opened, items = stack.pop()
                node = self.close(opened, items, event)
            elif isinstance(event, yaml.AliasEvent):
                raise self.refuse("E108", "不使用 YAML 别名", event, "文字以「*」开头时请加引号")
            elif isinstance(event, yaml.NodeEvent):
                self.check(event, len(stack))
                if not isinstance(event, yaml.ScalarEvent):
                    stack.append((event, []))
                    continue
                style = event.style if event.style and event.style in "'\"|>" else ""
                node = Scalar(event.value, style, self.source, self.span(event))
            else:
                continue
            if stack:
                stack[-1][1].append(node)
            else:
                root = node
        return root

    def check(self, event: Any, depth: int) -> None:
        self.count += 1
        if depth > MAX_DEPTH:
            raise self.refuse("E109", f"嵌套超过 {MAX_DEPTH} 层", event)
        if self.count > MAX_NODES:
            raise self.refuse("E110", f"文件内容超过 {MAX_NODES} 项", event)
        if event.anchor:
            raise self.refuse("E108", "不使用 YAML 锚点", event, "文字以「&」开头时请加引号")
        implicit = event.implicit if isinstance(event.implicit, tuple) else (event.implicit,)
        if event.tag and not any(implicit):
            raise self.refuse("E111", "不使用 YAML 标签", event, "文字以「!」开头时请加引号")

    def close(self, opened: Any, items: list[Node], event: Any) -> Node:
        span = Span(self.span(opened).start, self.span(event).end)
        if isinstance(opened, yaml.SequenceStartEvent):
            return Sequence(tuple(items), bool(opened.flow_style), self.source, span)
        entries: list[Entry] = []
        seen: dict[str, Scalar] = {}
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, Scalar):
                place = place_of(self.source, key.span)
                raise _Refused(Diagnostic("E112", "键只能是一个词", place, "「{」「[」开头的键请加引号"))
            name = normalize(key.text)
            if name == "<<" and not key.style:
                raise _Refused(Diagnostic("E108", "不使用 YAML 合并键", place_of(self.source, key.span)))
            if name in seen:
                first = place_of(self.source, seen[name].span)
                self.diagnostics.append(
                    Diagnostic(
                        "E106",
                        f"「{name}」写了两次，第一次在第 {first.line} 行",
                        place_of(self.source, key.span),
                        "请删去一处，或改用不同的名称",
                        (("第一次写在这里", first),),
                    )
                )
                continue
            seen[name] = key
            entries.append(Entry(key, value))
        return Mapping(tuple(entries), bool(opened.flow_style), self.source, span)
