"""A 修订 written out: the text of its base with the changes put in, everything else, comments too, as it was.

The result stands by itself and means what the 修订 means. `splice` puts changes of nodes into the text that the nodes
were read from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from engine import nodes
from engine.diff.changes import Change, Path, plain
from engine.loader import Draft, Whole, alone, laid_over, read
from engine.names import normalize
from engine.nodes import Entry, Mapping, Node, Scalar
from engine.source import SourceText

INDENT = 2
_UNSAFE = re.compile(r"[,\[\]{}\n\r\t]|: |:$| #|^[-?:!&*|>'\"%@`#~]|^\s|\s$")


def resolved_text(drafts: Sequence[Draft]) -> str | None:
    """The whole policy that a base and the files laid over it, in their order, make, as the text of one file."""
    if not drafts:
        return None
    text = drafts[0].source.text.replace("\r\n", "\n")
    whole = alone(read(SourceText(drafts[0].source.name, text)))
    if whole is None:
        return None
    for draft in drafts[1:]:
        laid = laid_over(draft, whole)
        if laid is None or not isinstance(laid.root, Mapping):
            return None
        target = by_itself(laid.root)
        text = splice(text, whole.root, target)
        again = read(SourceText(drafts[0].source.name, text))
        if again.found or plain(again.root) != plain(target):
            text = written_out(target)
            again = read(SourceText(drafts[0].source.name, text))
        assert again.root is not None
        whole = Whole(again.root, laid.sha256, laid.names)
    return text


def written_out(node: Node) -> str:
    """A whole tree in block style, for a text into which changes could not be put."""
    return _value(node, -INDENT).lstrip("\n") + "\n"


def by_itself(root: Mapping) -> Mapping:
    """A laid-over policy without the word of what it was laid over."""
    entries = []
    for entry in root.entries:
        if normalize(entry.key.text) == "政策" and isinstance(entry.value, Mapping):
            meta = entry.value
            kept = tuple(inner for inner in meta.entries if normalize(inner.key.text) not in ("修订", "细化"))
            entry = Entry(entry.key, Mapping(kept, meta.flow, meta.source, meta.span))
        entries.append(entry)
    return Mapping(tuple(entries), root.flow, root.source, root.span)


def splice(text: str, old: Node, new: Node) -> str:
    """`text`, from which `old` was read, so changed that it says `new`, whatever the order of keys."""
    pieces: dict[tuple[int, int], str] = {}
    found = list(_differences(old, new, ()))
    if any(not change.path for change in found):
        return written_out(new)
    for start, end, words in _pieces(text, old, sorted(found, key=lambda change: -len(change.path))):
        pieces[start, end] = pieces.get((start, end), "") + words
    for (start, end), words in sorted(pieces.items(), reverse=True):
        text = text[:start] + words + text[end:]
    return text


def _differences(old: Node, new: Node, path: Path) -> Iterator[Change]:
    """Changes of entries; a list, or a mapping of which nothing stays, as a whole."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        before = {normalize(entry.key.text): entry for entry in old.entries}
        after = {normalize(entry.key.text): entry for entry in new.entries}
        if before.keys() & after.keys():
            for name, entry in after.items():
                if name in before:
                    yield from _differences(before[name].value, entry.value, (*path, name))
                else:
                    yield Change((*path, name), None, entry.value, entry.key)
            for name, entry in before.items():
                if name not in after:
                    yield Change((*path, name), entry.value, None, entry.key)
            return
    if plain(old) != plain(new):
        yield Change(path, old, new)


def _node_at(node: Node | None, path: Path) -> Node | None:
    for step in path:
        node = node.get(step) if isinstance(node, Mapping) and isinstance(step, str) else None
    return node


def _pieces(text: str, old: Node, found: Sequence[Change]) -> Iterator[tuple[int, int, str]]:
    """(from, to, words): what to put where."""
    gone: dict[int, set[int]] = {}
    for change in found:
        owner = _node_at(old, change.path[:-1])
        if not isinstance(owner, Mapping):
            continue
        if change.after is None:
            names = [normalize(entry.key.text) for entry in owner.entries]
            gone.setdefault(id(owner), set()).add(names.index(str(change.path[-1])))
    for change in found:
        owner = _node_at(old, change.path[:-1])
        if not isinstance(owner, Mapping):
            continue
        depth = _column(text, owner.entries[0].key.span.start) if owner.entries else 0
        if change.before is not None and change.after is not None:
            yield _replaced(text, change.before, change.after, owner, depth)
        elif change.after is not None and change.key is not None:
            yield _added(text, owner, change.key, change.after, depth, gone.get(id(owner), set()))
    for owner in _mappings(old):
        if id(owner) in gone:
            yield from _removed(text, owner, gone[id(owner)])


def _mappings(node: Node) -> Iterator[Mapping]:
    if isinstance(node, Mapping):
        yield node
        for entry in node.entries:
            yield from _mappings(entry.value)
    elif isinstance(node, nodes.Sequence):
        for item in node.items:
            yield from _mappings(item)


def _replaced(text: str, before: Node, after: Node, owner: Mapping, depth: int) -> tuple[int, int, str]:
    start, end = before.span.start, _end(text, before)
    flow = owner.flow or (not isinstance(before, Scalar) and before.flow)
    words = _flow(after) if flow else _value(after, depth)
    if before.span.start == before.span.end or text[start - 1] == ":":
        words = f" {words.lstrip(' ')}" if not words.startswith("\n") else words
    if words.startswith("\n"):
        start -= len(text[:start]) - len(text[:start].rstrip(" \n"))
    elif not isinstance(before, Scalar) and not before.flow and not flow:
        lead = len(text[:start]) - len(text[:start].rstrip(" \n"))
        start, words = start - lead, f" {words}"
    return start, end, words


def _end(text: str, node: Node) -> int:
    """Where a node's own text ends, without the line breaks and comments that follow it."""
    end = node.span.end
    if isinstance(node, Scalar) and node.style not in ("|", ">"):
        return end
    if isinstance(node, Scalar) or not node.flow:
        inner: list[Node] = []
        if isinstance(node, Mapping):
            inner = [entry.value for entry in node.entries]
            inner += [entry.key for entry in node.entries[-1:]]
        elif isinstance(node, nodes.Sequence):
            inner = list(node.items)
        if inner:
            return max(_end(text, part) for part in inner)
        return node.span.start + len(text[node.span.start : end].rstrip())
    return end


def _added(
    text: str, owner: Mapping, key: Scalar, value: Node, depth: int, gone: set[int]
) -> tuple[int, int, str]:
    if owner.flow:
        at = owner.span.end - 1
        at -= len(text[:at]) - len(text[:at].rstrip())
        stays = len(owner.entries) > len(gone)
        return at, at, f"{', ' if stays else ''}{_key(key)}: {_flow(value)}"
    last = owner.entries[-1]
    at = max(_end(text, last.value), last.key.span.end)
    at = _line_end(text, at)
    return at, at, f"\n{' ' * depth}{_key(key)}:{_after_colon(value, depth)}"


def _removed(text: str, owner: Mapping, numbers: set[int]) -> Iterator[tuple[int, int, str]]:
    """Whole lines of a block; of a flow mapping each run of entries with one of the commas beside it."""
    entries = owner.entries
    ends = [max(_end(text, entry.value), entry.key.span.end) for entry in entries]
    for number in sorted(numbers):
        start = entries[number].key.span.start
        if not owner.flow:
            yield start - _column(text, start), min(_line_end(text, ends[number]) + 1, len(text)), ""
        elif number - 1 not in numbers:
            last = number
            while last + 1 in numbers:
                last += 1
            if number:
                yield ends[number - 1], ends[last], ""
            else:
                yield start, entries[last + 1].key.span.start, ""


def _column(text: str, at: int) -> int:
    return at - (text.rfind("\n", 0, at) + 1)


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


# --- writing nodes -----------------------------------------------------------------------------------------


def _key(key: Scalar) -> str:
    return _flow(key)


def _after_colon(value: Node, depth: int) -> str:
    words = _value(value, depth)
    return words if words.startswith("\n") else f" {words}"


def _value(node: Node, depth: int) -> str:
    """A value in block style for a key at column `depth`: on the key's line, or from the next line on."""
    match node:
        case Scalar(text=text, style=style) if style in ("|", ">") and "\n" in text.rstrip("\n"):
            lines = text.rstrip("\n").split("\n")
            mark = "|" if text.endswith("\n") else "|-"
            room = " " * (depth + INDENT)
            return f"{mark}\n" + "\n".join(f"{room}{line}" if line else "" for line in lines)
        case Scalar():
            return _scalar(node, flow=False)
        case _ if node.flow:
            return _flow(node)
        case nodes.Sequence(items=items):
            room = " " * (depth + INDENT)
            return "".join(f"\n{room}- {_item(item, depth + 2 * INDENT)}" for item in items) or " []"
        case Mapping(entries=entries):
            room = " " * (depth + INDENT)
            return (
                "".join(
                    f"\n{room}{_key(entry.key)}:{_after_colon(entry.value, depth + INDENT)}"
                    for entry in entries
                )
                or " {}"
            )
    raise AssertionError(node)


def _item(node: Node, depth: int) -> str:
    """An item of a block list whose own keys stand at column `depth`."""
    if isinstance(node, Mapping) and not node.flow:
        room = "\n" + " " * depth
        return room.join(f"{_key(entry.key)}:{_after_colon(entry.value, depth)}" for entry in node.entries)
    return _value(node, depth).lstrip(" ")


def _flow(node: Node) -> str:
    match node:
        case Scalar():
            return _scalar(node, flow=True)
        case nodes.Sequence(items=items):
            return f"[{', '.join(map(_flow, items))}]"
        case Mapping(entries=entries):
            return f"{{{', '.join(f'{_key(entry.key)}: {_flow(entry.value)}' for entry in entries)}}}"
    raise AssertionError(node)


def word(text: str) -> str:
    """A word of a user's as it can stand behind a key."""
    return text if not _UNSAFE.search(text) else json.dumps(text, ensure_ascii=False)


def _scalar(node: Scalar, flow: bool) -> str:
    """A word as written if it can stand here so, else between quotes."""
    if node.style == "" and (not flow or not _UNSAFE.search(node.text)) and "\n" not in node.text:
        return node.text
    if node.style == "'" and "\n" not in node.text:
        return "'" + node.text.replace("'", "''") + "'"
    return json.dumps(node.text, ensure_ascii=False)
