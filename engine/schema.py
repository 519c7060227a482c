"""The structure of a file against its JSON Schema, said in Chinese at the key or value it is about.

E201 unknown key, E202 missing key, E206 wrong shape or form, E207 nothing written, E208
none of the words, E209 too few or too many, E210 keys that exclude each other, E211 anything else. E204 and E205
are `engine.loading.commas`'s. Names, types, units and what formulas say are left to the loader and the checker.

A word of the file is read as an editor reads it: a plain number is a number, blank or `~` is null, the rest text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from engine.diagnostics import Diagnostic, in_order, place_of
from engine.loading import problems
from engine.loading.commas import find_pieces
from engine.loading.section import is_blank
from engine.names import normalize, suggest
from engine.nodes import Entry, Mapping, Node, Scalar, Sequence
from engine.resources import schemas_dir
from engine.source import Span
from engine.yaml_nodes import MAX_DEPTH

MAX_PROBLEMS = 200

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,15})(\.[0-9]{1,15})?\Z")
_GLUED = re.compile(r"[\u4e00-\u9fff]:\S")


def check_structure(root: Node, schema_name: str) -> list[Diagnostic]:
    """Every mistake of structure in a file ("policy" or "cases"), one message each, in the order of the file."""
    found, pieces = find_pieces(root, MAX_PROBLEMS)
    errors = islice(_validator(schema_name).iter_errors(_plain(root, 0)), 5 * MAX_PROBLEMS)
    found += islice(_Messages(_Nodes(root, pieces)).of(errors), MAX_PROBLEMS)
    found = in_order(found)
    if len(found) < MAX_PROBLEMS:
        return found
    return [*found[:MAX_PROBLEMS], problems.too_many(MAX_PROBLEMS, found[MAX_PROBLEMS - 1].place)]


@cache
def _validator(schema_name: str) -> Draft202012Validator:
    path = schemas_dir() / f"{schema_name}.schema.json"
    return Draft202012Validator(_inlined(json.loads(path.read_text("utf-8"))))


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with every `$ref` replaced by what it names (which may hold itself): it halves the time."""
    definitions = schema.pop("$defs", {})
    del schema["$id"]

    def replaced(value: Any) -> Any:
        if isinstance(value, list):
            return [replaced(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "$ref" not in value:
            return fill(value)
        while "$ref" in value:
            value = definitions[value["$ref"].rpartition("/")[2]]
        return value

    def fill(value: dict[str, Any]) -> dict[str, Any]:
        for key in value:
            value[key] = replaced(value[key])
        return value

    for definition in definitions.values():
        if "$ref" not in definition:
            fill(definition)
    return fill(schema)


def _plain(node: Node, depth: int) -> Any:
    """A node as JSON has it."""
    if isinstance(node, Scalar):
        if is_blank(node):
            return None
        word = normalize(node.text)
        number = None if node.style else _NUMBER.match(word)
        if number:
            return float(word) if number[1] else int(word)
        return word
    if depth > MAX_DEPTH:
        return None
    if isinstance(node, Sequence):
        return [_plain(item, depth + 1) for item in node.items]
    return {normalize(entry.key.text): _plain(entry.value, depth + 1) for entry in node.entries}


class _Nodes:
    """Nodes by path; `pieces` of what a comma cut, keys or whole mappings, are strange, and all below them."""

    def __init__(self, root: Node, pieces: set[int]) -> None:
        self.root = root
        self.strange = pieces
        self._entries: dict[int, dict[str, Entry]] = {}

    def at(self, path: Iterable[str | int]) -> tuple[Scalar | None, Node, bool]:
        """The key that owns the node of a path (None: a list item, the root), the node, and if it is strange."""
        key, node = None, self.root
        for step in path:
            if isinstance(node, Mapping):
                if id(node) in self.strange:
                    return key, node, True
                entry = self.entries(node)[str(step)]
                key, node = entry.key, entry.value
                if id(key) in self.strange:
                    return key, node, True
            elif isinstance(node, Sequence):
                key, node = None, node.items[int(step)]
        return key, node, id(node) in self.strange

    def entries(self, node: Mapping) -> dict[str, Entry]:
        if id(node) not in self._entries:
            self._entries[id(node)] = {normalize(entry.key.text): entry for entry in node.entries}
        return self._entries[id(node)]


class _Messages:
    """Errors of the schema → diagnostics. A key misspelt is not also missing."""

    def __init__(self, nodes: _Nodes) -> None:
        self.nodes = nodes
        self.guesses: dict[int, set[str]] = {}

    def of(self, errors: Iterable[ValidationError]) -> Iterator[Diagnostic]:
        missing: list[tuple[Scalar | None, Node, ValidationError]] = []
        said: set[int] = set()
        asked: set[tuple[int, int]] = set()
        for error in errors:
            key, node, strange = self.nodes.at(error.absolute_path)
            if strange:
                continue
            if error.validator == "additionalProperties" and isinstance(node, Mapping):
                yield from self.unknown_keys(node, _asked(error)[1]["properties"])
            elif error.validator == "required":
                if (id(node), id(error.validator_value)) not in asked:
                    asked.add((id(node), id(error.validator_value)))
                    missing.append((key, node, error))
            elif id(node) not in said:
                said.add(id(node))
                yield _wrong(key, node, error)
        for key, node, error in missing:
            guessed = self.guesses.get(id(node), set())
            for diagnostic in _missing(key, node, error):
                if not any(f"「{guess}」" in diagnostic.message for guess in guessed):
                    yield diagnostic

    def unknown_keys(self, node: Mapping, known: Iterable[str]) -> Iterator[Diagnostic]:
        """E201, with a guess."""
        written = self.nodes.entries(node)
        known = tuple(known)
        free = [name for name in known if name not in written]
        for name, entry in written.items():
            if name in known or id(entry.key) in self.nodes.strange:
                continue
            place = place_of(entry.key.source, entry.key.span)
            guess = suggest(name, free)
            if guess:
                self.guesses.setdefault(id(node), set()).add(guess.split("「")[1].split("」")[0])
            hint = guess or f"可用：{_listed(free or known)}"
            yield Diagnostic("E201", f"没有{_quoted(name)}这个键", place, hint)


def _missing(key: Scalar | None, node: Node, error: ValidationError) -> Iterator[Diagnostic]:
    """E202: at the key of the declaration, or where it begins."""
    instance, schema, required = _asked(error)
    at = node if key is None else key
    span = Span(at.span.start, at.span.start + 1) if key is None else at.span
    owner = _owner(key, error)
    for name in required:
        if name not in instance:
            message = schema.get("errorMessage") or f"{owner}缺少「{name}」"
            yield Diagnostic("E202", message, place_of(at.source, span))


def _wrong(key: Scalar | None, node: Node, error: ValidationError) -> Diagnostic:
    """E206–E211: a value that is not what its key asks for."""
    instance, schema, limit = _asked(error)
    hint = schema.get("errorMessage", "")
    expected = _expected(schema, error)
    place = place_of(node.source, node.span)
    beside = place if key is None else place_of(key.source, key.span)
    owner = _owner(key, error)
    written = _quoted(node.text) if isinstance(node, Scalar) else ""
    match error.validator:
        case "type" | "enum" | "const" if instance is None and written:
            words = f"可用：{_listed(schema['enum'])}" if "enum" in schema else f"这里应写{expected}"
            return Diagnostic("E207", f"{owner}没有填写", beside, hint or words)
        case "enum" | "const" if written:
            known = [word for word in schema.get("enum", ()) if word is not None]
            hint = hint or suggest(str(instance), known) or f"可用：{_listed(known)}"
            return Diagnostic("E208", f"{owner}不能写{written}", place, hint)
        case "type" if written and "string" not in limit:
            colon = "：" in written or _GLUED.search(written)
            hint = "键后面写半角冒号加空格「: 」" if colon and "object" in limit else hint
            return Diagnostic("E206", f"{owner}应写{expected}，这里只写了{written}", place, hint)
        case "type" | "pattern" | "minimum" | "maximum" if written:
            return Diagnostic("E206", f"{written}不是{expected}", place, hint)
        case "type" | "enum" | "const":
            shape = "列表" if isinstance(node, Sequence) else "「键: 值」"
            return Diagnostic("E206", f"{owner}应写{expected}，这里写成了{shape}", place, hint)
        case "minItems" | "minProperties":
            return Diagnostic("E209", f"{owner}至少写 {limit} 项", place, hint)
        case "maxItems":
            return Diagnostic("E209", f"{owner}至多写 {limit} 项", place, hint)
        case "not":
            return Diagnostic("E210", hint or f"{owner}不能和别的键一起写", beside)
    return Diagnostic("E211", f"{owner}的写法不对", place, hint)


def _asked(error: ValidationError) -> tuple[Any, Any, Any]:
    """What was written, the schema it fails, and the value of the failing keyword."""
    return error.instance, error.schema if isinstance(error.schema, dict) else {}, error.validator_value


def _owner(key: Scalar | None, error: ValidationError) -> str:
    if key is not None:
        return _quoted(key.text)
    return "这里" if error.absolute_path else "文件"


def _expected(schema: Any, error: ValidationError) -> str:
    """What a key asks for: the schema's title, or the shape its types say (the whole file: always the shape)."""
    if "title" in schema and error.absolute_path:
        return str(schema["title"])
    types = schema.get("type", "string")
    if "string" in types:
        return "一个值"
    return "「键: 值」" if "object" in types else "列表"


def _quoted(text: str) -> str:
    word = " ".join(text.split())
    return f"「{word[:40]}{'…' if len(word) > 40 else ''}」"


def _listed(words: Iterable[str]) -> str:
    shown = [str(word) for word in words]
    return "、".join(shown[:12]) + ("…" if len(shown) > 12 else "")
