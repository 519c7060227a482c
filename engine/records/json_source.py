"""JSON bytes → raw records. Numbers stay decimal text; nothing a file holds raises."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from engine.diagnostics import Diagnostic, Place, place_of
from engine.records.problems import bad_file
from engine.records.raw import Doubled, NumberText, RawRoster, sort_out, without_doubles
from engine.source import SourceText, Span

MAX_DEPTH = 40
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_LONE = re.compile("[\ud800-\udfff]")

_SYNTAX = (
    ("Expecting value", "这里应有一个值", "文字要加半角双引号；最后一项后面不写逗号"),
    ("Expecting property name", "这里应有一个加双引号的键", "键要加半角双引号；最后一项后面不写逗号"),
    ("Expecting ':' delimiter", "键后面缺少冒号", "冒号用半角"),
    ("Expecting ',' delimiter", "这里缺少逗号，或括号没有写完", "逗号用半角；引号、括号要成对"),
    ("Unterminated string", "引号没有闭合", "请补上双引号"),
    ("Invalid control character", "引号里有换行或控制字符", "换行写作 \\n"),
    ("Invalid \\", "反斜杠的写法有误", "反斜杠写作 \\\\"),
    ("Extra data", "名册已经结束，后面还有内容", "一个文件只写一份名册"),
)


def read_json(
    raw: bytes, name: str, is_heading: Callable[[str], bool]
) -> tuple[RawRoster | None, list[Diagnostic]]:
    """A list of records, an object with 记录, or one record; None with E701 if the bytes are no such JSON."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        hint = "JSON 用 UTF-8 编码，请用编辑器另存"
        return None, [bad_file(Place(name, line), f"第 {line} 行不是 UTF-8 编码的文字", hint)]
    if not text.strip():
        return None, [bad_file(Place(name), "文件是空的")]
    document, bad = _parse(text, name)
    if bad is not None:
        return None, [bad]
    found = sort_out(document, is_heading)
    if isinstance(found, RawRoster):
        return found, []
    return None, [bad_file(Place(name, locator=found.where), found.said, found.hint)]


def _parse(text: str, name: str) -> tuple[Any, Diagnostic | None]:
    try:
        document = json.loads(
            text,
            object_pairs_hook=without_doubles,
            parse_int=NumberText,
            parse_float=NumberText,
            parse_constant=NumberText,
        )
        return (_whole(document) if _HALF.search(text) else document), None
    except json.JSONDecodeError as error:
        place = place_of(SourceText(name, text), Span(error.pos, error.pos + 1))
        for needle, fact, hint in _SYNTAX:
            if error.msg.startswith(needle):
                return None, bad_file(place, fact, hint)
        return None, bad_file(place, "JSON 写法有误", "请检查引号、逗号和括号")
    except RecursionError:
        return None, bad_file(Place(name), f"嵌套超过 {MAX_DEPTH} 层")


def _whole(value: Any, depth: int = 0) -> Any:
    """Halves of characters (a lone \\ud800) as U+FFFD, which no text field takes."""
    if isinstance(value, str):
        return type(value)(_LONE.sub("\ufffd", value)) if _LONE.search(value) else value
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, list):
        return [_whole(item, depth + 1) for item in value]
    if isinstance(value, dict):
        whole = {_whole(key, depth + 1): _whole(item, depth + 1) for key, item in value.items()}
        return Doubled(whole, tuple(map(_whole, value.keys_twice))) if isinstance(value, Doubled) else whole
    return value
