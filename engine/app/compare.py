"""`diff`: two versions of one regulation, chosen, checked and compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.app.evaluate import program_of
from engine.choose import Folder, Misuse, choose_policy
from engine.diagnostics import Diagnostic, in_order, place_of
from engine.diff.edits import difference
from engine.diff.model import Difference
from engine.nodes import Node
from engine.policy import Policy
from engine.program import Program
from engine.registry import policy_files, whole_of


@dataclass(frozen=True, slots=True)
class Compared:
    """Without a `difference`, `diagnostics` say why."""

    diagnostics: tuple[Diagnostic, ...]
    old: Program | None = None
    new: Program | None = None
    difference: Difference | None = None


def compare(folder: Folder, old: str, new: str, as_of: date) -> Compared | Misuse:
    """What the version `new` changes against `old`, each a 编号, a path, or a 系列 (its version in force on a day)."""
    said: list[Diagnostic] = []
    sides: list[tuple[Node, Program]] = []
    for word in (old, new):
        chosen, found = choose_policy(folder, word, as_of, whenever=True)
        if isinstance(chosen, Misuse):
            return chosen
        said += found
        if chosen is None:
            continue
        program, found = program_of(folder, chosen)
        said += found
        root = root_of(chosen.policy, folder)
        if program is not None and root is not None:
            sides.append((root, program))
    if len(sides) < 2:
        return Compared(tuple(in_order(said)))
    before, after = sides
    if not one_regulation(before[1].policy, after[1].policy):
        said.append(_two_regulations(before[1].policy, after[1].policy))
        return Compared(tuple(in_order(said)))
    return Compared(tuple(in_order(said)), before[1], after[1], difference(before, after))


def root_of(policy: Policy, folder: Folder) -> Node | None:
    """A policy as nodes, with what it amends."""
    _, whole, _ = whole_of(Path(policy.source.name), policy_files(folder.path))
    return whole.root if whole is not None else None


def one_regulation(one: Policy, other: Policy) -> bool:
    """Whether two policies are versions or drafts of one regulation: of one 系列, or made of a common file."""
    ids = [{meta.id for meta in policy.layers.values()} for policy in (one, other)]
    return one.meta.series == other.meta.series or bool(ids[0] & ids[1])


def _two_regulations(old: Policy, new: Policy) -> Diagnostic:
    """E448: a comparison of what has nothing in common."""
    fact = f"「{old.meta.id}」和「{new.meta.id}」不是同一部规定：系列分别为「{old.meta.series}」和「{new.meta.series}」"
    place = place_of(new.meta.key.source, new.meta.key.span)
    return Diagnostic("E448", fact, place, "只能比较同一系列的版本，或修订同一个文件的方案")
