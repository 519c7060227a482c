"""Policy files and folders of them, read into a `Registry`; a 修订 or 细化 is laid over its base, found by 编号."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from engine.amend import AMENDS, added, both_touch, word_of
from engine.diagnostics import Diagnostic, Place, place_of
from engine.loader import Draft, Whole, alone, laid_over, load_whole, read
from engine.names import suggest
from engine.nodes import Mapping, Scalar
from engine.policy import Policy
from engine.versions import Registry, check_versions, policy_files, with_repeals
from engine.yaml_nodes import read_text

__all__ = ["Registry", "load_file", "load_files", "load_folder", "policy_files", "whole_of"]


def load_file(
    path: Path, name: str | None = None, near: Iterable[Path] = ()
) -> tuple[Policy | None, list[Diagnostic]]:
    """One file. The base of a 修订 is looked for in its own folder, then among the files `near`."""
    draft, found = _read(path, name)
    if draft is None:
        return None, found
    policy, more = _shelf_of(draft, path, near).load(draft)
    return policy, [*found, *more]


def whole_of(path: Path, near: Iterable[Path] = ()) -> tuple[Draft | None, Whole | None, list[Draft]]:
    """A file as nodes, as the whole policy it makes, and the files it is made of from its base to itself."""
    draft, _ = _read(path)
    if draft is None:
        return None, None, []
    shelf = _shelf_of(draft, path, near)
    whole, _ = shelf.whole(draft)
    by_name = {other.source.name: other for other in shelf.drafts}
    return draft, whole, [by_name[name] for name, _ in whole.names] if whole else []


def load_folder(folder: Path) -> tuple[Registry, list[Diagnostic]]:
    """Every policy of a folder, with what is wrong in each file and between the versions of a 系列."""
    if not folder.is_dir():
        return Registry(()), [Diagnostic("E101", "找不到政策文件夹", Place(str(folder)))]
    return load_files(policy_files(folder))


def load_files(paths: Iterable[Path]) -> tuple[Registry, list[Diagnostic]]:
    policies: list[Policy] = []
    broken: list[str] = []
    diagnostics: list[Diagnostic] = []
    drafts: list[tuple[Path, Draft | None]] = []
    for path in paths:
        draft, found = _read(path)
        diagnostics += found
        drafts.append((path, draft))
    shelf = _Shelf([draft for _, draft in drafts if draft is not None])
    for path, draft in drafts:
        policy, found = shelf.load(draft) if draft is not None else (None, [])
        diagnostics += found
        if policy is None:
            broken.append(str(path))
        else:
            policies.append(policy)
    registry = Registry(with_repeals(policies), tuple(broken))
    return registry, [*diagnostics, *check_versions(registry)]


def _read(path: Path, name: str | None = None) -> tuple[Draft | None, list[Diagnostic]]:
    source, found = read_text(path, name)
    return (read(source) if source is not None else None), found


def _shelf_of(draft: Draft, path: Path, near: Iterable[Path]) -> _Shelf:
    """A file with those among which its base may be; nothing more is read for a file that stands by itself."""
    if draft.based is None:
        return _Shelf([draft])
    beside = {p.resolve(): p for p in (*near, *policy_files(path.parent)) if p.resolve() != path.resolve()}
    read_too = (_read(p)[0] for p in beside.values())
    return _Shelf([draft, *(other for other in read_too if other is not None)])


class _Shelf:
    """Files read once each. A base is the file of its 编号; of several changes of one base that take effect on one
    day, each is laid over the one before it (by 印发, then 编号)."""

    def __init__(self, drafts: Iterable[Draft]) -> None:
        self.drafts = list(drafts)
        self.by_id: dict[str, Draft] = {}
        self.loaded: dict[str, tuple[Policy | None, list[Diagnostic]]] = {}
        self.wholes: dict[str, tuple[Whole | None, list[Diagnostic]]] = {}
        for draft in self.drafts:
            self.by_id.setdefault(word_of(draft.root, "编号"), draft)

    def load(self, draft: Draft) -> tuple[Policy | None, list[Diagnostic]]:
        """A policy with everything that is wrong in it and not already in what it is laid over."""
        name = draft.source.name
        if name not in self.loaded:
            whole, found = self.whole(draft)
            policy, more = load_whole(whole, draft.source) if whole is not None else (None, [])
            based = draft.based
            if based is not None and whole is not None:
                known, own = self._said_of_base(draft), word_of(draft.root, "编号")
                more = [in_amendment(p, own, based.relation, based.word) for p in more if p not in known]
                more = [self._of_added(p, draft) for p in more]
            self.loaded[name] = policy, [*draft.found, *found, *more]
        return self.loaded[name]

    def _of_added(self, problem: Diagnostic, draft: Draft) -> Diagnostic:
        """What a declaration lacks that only an amendment of one in the base could lack says so."""
        base = self.base_of(draft)
        below = self.whole(base)[0] if base is not None else None
        if problem.code != "E202" or below is None or problem.hint:
            return problem
        if not (isinstance(below.root, Mapping) and isinstance(draft.root, Mapping)):
            return problem
        for section, entry in added(below.root, draft.root):
            if place_of(entry.key.source, entry.key.span) == problem.place:
                known = below.root.get(section)
                names = [e.key.text.strip() for e in known.entries] if isinstance(known, Mapping) else []
                name = entry.key.text.strip()
                hint = f"原文件没有「{section}.{name}」，新增的要写完整；{suggest(name, names)}".rstrip("；")
                return replace(problem, hint=hint)
        return problem

    def _said_of_base(self, draft: Draft) -> set[Diagnostic]:
        base = self.base_of(draft)
        return set(self.load(base)[1]) if base is not None else set()

    def whole(self, draft: Draft, above: tuple[str, ...] = ()) -> tuple[Whole | None, list[Diagnostic]]:
        """The nodes that a file and everything below it make. E440 a base that is not there, E441 a circle."""
        name = draft.source.name
        if name not in self.wholes:
            self.wholes[name] = self._make(draft, (*above, word_of(draft.root, "编号")))
        return self.wholes[name]

    def _make(self, draft: Draft, chain: tuple[str, ...]) -> tuple[Whole | None, list[Diagnostic]]:
        based = draft.based
        if based is None:
            return alone(draft), []
        place = place_of(based.word.source, based.word.span)
        if based.id in chain:
            circle = " → ".join((*chain[chain.index(based.id) :], based.id))
            same = "每个版本用不同的编号" if based.id == word_of(draft.root, "编号") else ""
            return None, [Diagnostic("E441", f"{based.relation}绕成了圈：{circle}", place, same)]
        base = self.base_of(draft)
        if base is None or base.root is None:
            fact = (
                f"找不到所{based.relation}的「{based.id}」" if base is None else f"「{based.id}」的文件有错误"
            )
            named = next((d for d in self.drafts if word_of(d.root, "文号") == based.id), None)
            hint = f"这里写编号：{word_of(named.root, '编号')}" if named is not None else ""
            hint = hint or suggest(based.id, [known for known in self.by_id if known])
            beside = "原文件应与它放在同一个文件夹里，或在政策文件夹里"
            return None, [Diagnostic("E440", fact, place, hint or beside)]
        below, found = self.whole(base, chain)
        if below is None:
            problem = Diagnostic("E440", f"所{based.relation}的「{based.id}」本身有错误", place)
            return None, [*found, problem] if found and found[0].code == "E441" else [problem]
        return laid_over(draft, below), [*self._meets(draft, base)]

    def base_of(self, draft: Draft) -> Draft | None:
        """The file that this one is laid over."""
        based = draft.based
        if based is None:
            return None
        before = [other for other in self._same_day(draft) if _turn(other) < _turn(draft)]
        return max(before, key=_turn) if before else self.by_id.get(based.id)

    def _same_day(self, draft: Draft) -> list[Draft]:
        """Other 修订 of the same base, of the same 系列, that take effect on the same day."""
        based = draft.based
        if based is None or based.relation != AMENDS:
            return []
        return [
            other
            for other in self.drafts
            if other is not draft
            and other.based is not None
            and (other.based.relation, other.based.id) == (AMENDS, based.id)
            and all(word_of(other.root, key) == word_of(draft.root, key) for key in ("施行", "系列"))
        ]

    def _meets(self, draft: Draft, base: Draft) -> Iterable[Diagnostic]:
        """E444: two changes of one day of the same thing."""
        for other in self._same_day(draft):
            if _turn(other) >= _turn(draft):
                continue
            if not (isinstance(draft.root, Mapping) and isinstance(other.root, Mapping)):
                continue
            for path, node in both_touch(draft.root, other.root):
                fact = f"「{word_of(other.root, '编号')}」同日施行，也改了「{'.'.join(path)}」"
                hint = f"请只留一处；或写「修订: {word_of(other.root, '编号')}」，在它的基础上再改"
                yield Diagnostic("E444", fact, place_of(node.source, node.span), hint)


def _turn(draft: Draft) -> tuple[str, str]:
    return word_of(draft.root, "印发"), word_of(draft.root, "编号")


def in_amendment(problem: Diagnostic, id_: str, relation: str, word: Scalar) -> Diagnostic:
    """A mistake that shows in the text of a base only once a file is laid over it says so; `word` is in that file."""
    if problem.place is None or problem.place.file == word.source.name or not relation:
        return problem
    told = (f"由「{id_}」{relation}后才有", place_of(word.source, word.span))
    return Diagnostic(problem.code, problem.message, problem.place, problem.hint, (*problem.related, told))
