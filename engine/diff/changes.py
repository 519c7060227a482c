"""What differs between two trees of nodes, as changes that make one out of the other. Knows nothing of policies.

Mappings are compared key by key, lists item by item: items are matched by what names them (`label`), in their order.
`apply(changes(a, b), a)` says what `b` says, whatever the order of keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from engine import nodes
from engine.names import normalize
from engine.nodes import Entry, Mapping, Node, Scalar


@dataclass(frozen=True, slots=True)
class Item:
    """A place in a list: its number (from 0) in the old and in the new list; None where it is in one only."""

    old: int | None
    new: int | None


Path = tuple[str | Item, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """At a path of the new tree (of the old one where it only stands there): what stood there, what stands there now.

    `renamed` is the new key of an entry whose path is under its old key: what is inside is compared further.
    """

    path: Path
    before: Node | None
    after: Node | None
    key: Scalar | None = None
    renamed: Scalar | None = None

    @property
    def place(self) -> Node | None:
        """Where the change is written: in the new text, else in the old one."""
        return self.after or self.renamed or self.before


#: Names an item of a list among its siblings: by the path of the list and the item.
Label = Callable[[Path, Node], Any]
#: Entries that were renamed: path of the mapping → old key → new key.
Renames = dict[Path, dict[str, str]]


def plain(node: Node | None) -> Any:
    """A node as words, lists and dictionaries: equal for nodes that say the same, whatever the order of keys."""
    match node:
        case None:
            return None
        case Scalar(text=text):
            return text
        case nodes.Sequence(items=items):
            return [plain(item) for item in items]
    return {normalize(entry.key.text): plain(entry.value) for entry in node.entries}


def changes(old: Node, new: Node, label: Label, renames: Renames | None = None) -> list[Change]:
    """Every change from one tree to the other, in the order of the new one, what is gone last in its mapping."""
    return list(_between(old, new, (), label, renames or {}))


def _between(old: Node, new: Node, path: Path, label: Label, renames: Renames) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _mappings(old, new, path, label, renames)
    elif isinstance(old, nodes.Sequence) and isinstance(new, nodes.Sequence):
        yield from _lists(old, new, path, label, renames)
    elif plain(old) != plain(new):
        yield Change(path, old, new)


def _mappings(old: Mapping, new: Mapping, path: Path, label: Label, renames: Renames) -> Iterator[Change]:
    before = {normalize(entry.key.text): entry for entry in old.entries}
    to_old = {name: was for was, name in renames.get(path, {}).items()}
    seen = set()
    for entry in new.entries:
        name = normalize(entry.key.text)
        was = to_old.get(name, name)
        found = before.get(was)
        if found is None:
            yield Change((*path, name), None, entry.value, entry.key)
            continue
        seen.add(was)
        if was != name:
            yield Change((*path, was), None, None, found.key, entry.key)
        yield from _between(found.value, entry.value, (*path, name), label, renames)
    for name, entry in before.items():
        if name not in seen:
            yield Change((*path, name), entry.value, None, entry.key)


def _lists(
    old: nodes.Sequence, new: nodes.Sequence, path: Path, label: Label, renames: Renames
) -> Iterator[Change]:
    keys = (
        [_hashable(label(path, item)) for item in old.items],
        [_hashable(label(path, item)) for item in new.items],
    )
    for tag, i, i_end, j, j_end in _matched(*keys):
        paired = (
            min(i_end - i, j_end - j)
            if tag == "equal" or _alike(old.items[i:i_end], new.items[j:j_end])
            else 0
        )
        for step in range(paired):
            at = (*path, Item(i + step, j + step))
            yield from _between(old.items[i + step], new.items[j + step], at, label, renames)
        for number in range(i + paired, i_end):
            yield Change((*path, Item(number, None)), old.items[number], None)
        for number in range(j + paired, j_end):
            yield Change((*path, Item(None, number)), None, new.items[number])


def _matched(old: Sequence[Any], new: Sequence[Any]) -> list[tuple[str, int, int, int, int]]:
    """Opcodes from old to new that pair the same items as those from new to old."""
    if repr(old) <= repr(new):
        return list(SequenceMatcher(None, old, new, autojunk=False).get_opcodes())
    turned = {"insert": "delete", "delete": "insert"}
    back = SequenceMatcher(None, new, old, autojunk=False).get_opcodes()
    return [(turned.get(tag, tag), i, i_end, j, j_end) for tag, j, j_end, i, i_end in back]


def _alike(old: Sequence[Node], new: Sequence[Node]) -> bool:
    """Whether items between matched ones can be told as changed, not as replaced: mappings, one for one."""
    return len(old) == len(new) and all(isinstance(node, Mapping) for node in (*old, *new))


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(sorted((key, _hashable(inner)) for key, inner in value.items()))
    return tuple(_hashable(inner) for inner in value) if isinstance(value, list | tuple) else value


def apply(found: Iterable[Change], old: Node) -> Node:
    """The new tree, from the old one and its changes. Of a mapping all of which comes or goes it is enough to say what
    is in it."""
    by_step: dict[str | Item, list[Change]] = {}
    for change in found:
        if not change.path:
            return change.after or old
        by_step.setdefault(change.path[0], []).append(change)
    if isinstance(old, Mapping):
        return _apply_mapping(by_step, old)
    if isinstance(old, nodes.Sequence):
        return _apply_list(by_step, old)
    return old


def _inner(found: Iterable[Change]) -> list[Change]:
    return [Change(c.path[1:], c.before, c.after, c.key, c.renamed) for c in found]


def _apply_mapping(by_step: dict[str | Item, list[Change]], old: Mapping) -> Mapping:
    entries = []
    for entry in old.entries:
        name = normalize(entry.key.text)
        own = by_step.pop(name, [])
        key = next((c.renamed for c in own if c.renamed is not None and len(c.path) == 1), None)
        if key is not None:
            own = [c for c in own if c.renamed is None or len(c.path) > 1]
            own += by_step.pop(normalize(key.text), [])
        gone = any(len(c.path) == 1 and c.after is None for c in own)
        value = apply(_inner(own), entry.value)
        if not gone and (_entries(value) or not _entries(entry.value) or not own):
            entries.append(Entry(key or entry.key, value))
    for step, own in by_step.items():
        for change in own:
            if len(change.path) == 1 and change.after is not None and change.key is not None:
                entries.append(Entry(change.key, change.after))
        inside = [change for change in own if len(change.path) > 1 and change.key is not None]
        if inside and isinstance(step, str) and (first := inside[0].key) is not None:
            added = apply(_inner(inside), Mapping((), old.flow, first.source, first.span))
            entries.append(Entry(Scalar(step, first.style, first.source, first.span), added))
    return Mapping(tuple(entries), old.flow, old.source, old.span)


def _entries(node: Node) -> bool:
    """Whether a node is anything but an empty mapping."""
    return not isinstance(node, Mapping) or bool(node.entries)


def _apply_list(by_step: dict[str | Item, list[Change]], old: nodes.Sequence) -> nodes.Sequence:
    gone = {step.old for step in by_step if isinstance(step, Item) and step.new is None}
    within = {
        step.old: own
        for step, own in by_step.items()
        if isinstance(step, Item) and None not in (step.old, step.new)
    }
    items = [
        apply(_inner(within.get(number, ())), item)
        for number, item in enumerate(old.items)
        if number not in gone
    ]
    new = [
        (step.new, own[0].after)
        for step, own in by_step.items()
        if isinstance(step, Item) and step.old is None
    ]
    for number, node in sorted((n, node) for n, node in new if n is not None and node is not None):
        items.insert(number, node)
    return nodes.Sequence(tuple(items), old.flow, old.source, old.span)
