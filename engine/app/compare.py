"""`diff` and `readings`: two versions, or two readings of one, chosen, checked and compared; and what that does to a
roster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from engine.app.evaluate import choose_readings, program_of, read
from engine.choose import Folder, Misuse, choose_policy, choose_version
from engine.diagnostics import Diagnostic, in_order, place_of
from engine.diff.edits import difference
from engine.diff.group_witness import group_witness
from engine.diff.impact import Impact, Side, impact
from engine.diff.model import Difference
from engine.diff.witness import Search, Witnesses, witnesses
from engine.evaluation import evaluate, undisturbed
from engine.names import normalize, suggest
from engine.needs import closure, users
from engine.nodes import Node
from engine.policy import Policy
from engine.program import Program
from engine.records.model import Roster
from engine.registry import policy_files, whole_of


@dataclass(frozen=True, slots=True)
class Compared:
    """Without a `difference`, `diagnostics` say why. `readings`: 口径 that the two sides read differently, old and new
    reading. `impact` with the rosters as either side read them, if a roster was given and could be read."""

    diagnostics: tuple[Diagnostic, ...]
    old: Program | None = None
    new: Program | None = None
    difference: Difference | None = None
    readings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    impact: Impact | None = None
    rosters: tuple[Roster, Roster] | None = None
    witnesses: Witnesses | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What `diff --roster` was asked: `readings` are those of the new side where both sides are one version, else of
    both."""

    roster: Path | bytes
    as_of: date
    readings: tuple[str, ...] = ()
    by: tuple[str, ...] = ()


Progress = Callable[[int, int], None]


def compare(folder: Folder, old: str, new: str, as_of: date) -> Compared | Misuse:
    """What the version `new` changes against `old`, each a 编号, a path, or a 系列 (its version in force on a day)."""
    said: list[Diagnostic] = []
    sides: list[tuple[Node, Program]] = []
    for word in (old, new):
        chosen, found = choose_version(folder, word, as_of)
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


def with_impact(compared: Compared, asked: Asked, progress: Progress | None = None) -> Compared | Misuse:
    """The comparison with what it does to everybody in a roster."""
    old, new = compared.old, compared.new
    if old is None or new is None or compared.difference is None:
        return compared
    readings = _readings(old, new, asked)
    if isinstance(readings, Misuse):
        return readings
    for name in asked.by:
        if name not in new.policy.fields:
            return Misuse(f"没有字段「{name}」，不能按它分组", suggest(name, new.policy.fields))
    changed = {
        name: (readings[0][name], reading)
        for name, reading in readings[1].items()
        if readings[0].get(name, reading) != reading
    }
    by = users(new)
    reached = compared.difference.reached | closure(changed, lambda used: by.get(used, ()))
    said = list(compared.diagnostics)
    roster, found = read(asked.roster, old.policy)
    alike = compared.difference.reads_alike
    again, more = (roster, []) if alike else read(asked.roster, new.policy)
    said += [*found, *more]
    if roster is None or again is None:
        return replace(compared, diagnostics=tuple(in_order(said)))
    before, found = evaluated(old, roster, asked.as_of, readings[0], _part_of(progress, 0, 2, roster))
    only = [name for name in (*new.results, *new.groups) if name in reached] if alike else None
    after, more = evaluated(new, again, asked.as_of, readings[1], _part_of(progress, 1, 2, roster), only)
    said += [*found, *more]
    if only is not None:
        after = _completed(after, before, set(only))
    by_fields = [normalize(name) for name in asked.by]
    with undisturbed():
        found_impact = impact(before, after, asked.as_of, compared.difference.renamed, by_fields, reached)
    return replace(
        compared,
        diagnostics=tuple(in_order(said)),
        readings=changed,
        impact=found_impact,
        rosters=(roster, again),
    )


def _completed(side: Side, other: Side, known: set[str]) -> Side:
    """A side of which only some results were evaluated, with the others as the other side has them: nothing that they
    rest on differs, and both read the roster the same way."""
    rest = [name for name in other.results if name in side.program.results and name not in known]
    records = tuple(
        replace(result, outcomes={**result.outcomes, **{name: earlier.outcomes[name] for name in rest}})
        for result, earlier in zip(side.evaluation.records, other.evaluation.records, strict=True)
    )
    groups = (*side.evaluation.groups, *(g for g in other.evaluation.groups if g.name not in known))
    evaluation = replace(side.evaluation, records=records, groups=groups)
    return Side(side.program, side.roster, evaluation, side.program.results)


def with_witnesses(compared: Compared, as_of: date, progress: Progress | None = None) -> Compared:
    """The comparison with a concrete record for each result that an edit reaches, of a 集体 a small roster."""
    old, new, found = compared.old, compared.new, compared.difference
    if old is None or new is None or found is None or found.same_meaning:
        return compared
    gone = [name for name in old.results if name not in new.types and name not in found.renamed]
    reached = {name for edit in found.edits for name in edit.reaches}
    results = [name for name in (*new.results, *gone) if name in reached]
    day = max(as_of, new.policy.meta.effective)
    adopted = tuple({name: decl.adopted for name, decl in p.policy.readings.items()} for p in (old, new))
    told = witnesses(old, new, day, (adopted[0], adopted[1]), results, found.renamed, progress)
    was = {now: before for before, now in found.renamed.items()}
    groups = [name for name in new.groups if name in reached]
    shared = [name for name in groups if was.get(name, name) in old.groups_by_name]
    alone = [name for name in groups if name not in shared]
    alone += [name for name in old.groups if name in reached and name not in new.groups_by_name]
    rosters = {
        name: group_witness(Search(old, new, day, (adopted[0], adopted[1]), [name], was), name)
        for name in shared
    }
    told = replace(
        told,
        groups=tuple(roster for roster in rosters.values() if roster is not None),
        none=(*told.none, *(name for name, roster in rosters.items() if roster is None)),
        alone=tuple(alone),
    )
    return replace(compared, witnesses=told)


def evaluated(
    program: Program,
    roster: Roster,
    as_of: date,
    readings: Mapping[str, str],
    progress: Callable[[int], None] | None = None,
    only: Sequence[str] | None = None,
) -> tuple[Side, list[Diagnostic]]:
    """One side's evaluation, of all results and groups or of some."""
    names = tuple(name for name in program.results if only is None or name in only)
    found = evaluate(program, roster, as_of, readings, only=only, progress=progress)
    return Side(program, roster, found, names), list(found.diagnostics)


def _readings(old: Program, new: Program, asked: Asked) -> tuple[dict[str, str], dict[str, str]] | Misuse:
    if old is new:
        chosen = choose_readings(new, asked.readings, asked.as_of)
        plain = choose_readings(new, (), asked.as_of)
        return chosen if isinstance(chosen, Misuse) else (dict(_sure(plain)), chosen)
    found = []
    for program in (old, new):
        own = [
            word
            for word in asked.readings
            if normalize(word).partition("=")[0].strip() in program.policy.readings
        ]
        if program is new:
            own += [word for word in asked.readings if word not in own and not _known(old, word)]
        chosen = choose_readings(program, own, asked.as_of)
        if isinstance(chosen, Misuse):
            return chosen
        found.append(chosen)
    return found[0], found[1]


def _known(program: Program, word: str) -> bool:
    return normalize(word).partition("=")[0].strip() in program.policy.readings


def _sure(readings: dict[str, str] | Misuse) -> dict[str, str]:
    return {} if isinstance(readings, Misuse) else readings


def _part_of(
    progress: Progress | None, number: int, parts: int, roster: Roster
) -> Callable[[int], None] | None:
    """Progress of one of several evaluations of a roster."""
    if progress is None:
        return None
    tell, people = progress, len(roster.records)
    return lambda done: tell(number * people + done, parts * people)


@dataclass(frozen=True, slots=True)
class ReadingImpact:
    """What another reading of a 口径 than the adopted one does to a roster."""

    reading: str
    option: str
    note: str
    impact: Impact


@dataclass(frozen=True, slots=True)
class ReadingsRun:
    """Every reading that was not adopted, with its impact; without a `program` or `roster`, `diagnostics` say why."""

    as_of: date
    diagnostics: tuple[Diagnostic, ...]
    program: Program | None = None
    roster: Roster | None = None
    found: tuple[ReadingImpact, ...] = ()


def readings_impact(
    folder: Folder, word: str | None, source: Path | bytes, as_of: date, progress: Progress | None = None
) -> ReadingsRun | Misuse:
    """What each other reading of each 口径 would change for a roster. Only results that rest on it are evaluated."""
    chosen, said = choose_policy(folder, word, as_of)
    if isinstance(chosen, Misuse):
        return chosen
    if chosen is None:
        return ReadingsRun(as_of, tuple(in_order(said)))
    program, found = program_of(folder, chosen)
    if program is None:
        return ReadingsRun(as_of, tuple(in_order([*said, *found])))
    roster, found = read(source, program.policy)
    said = [*said, *found]
    if roster is None:
        return ReadingsRun(as_of, tuple(in_order(said)), program)
    adopted = {name: decl.adopted for name, decl in program.policy.readings.items()}
    plain, more = evaluated(program, roster, as_of, adopted)
    others = list(_alternatives(program))
    told = []
    for number, (name, option, note, results) in enumerate(others):
        tell = _part_of(progress, number, len(others), roster)
        side, _ = evaluated(program, roster, as_of, {**adopted, name: option}, tell, results)
        before = replace(plain, results=side.results)
        told.append(ReadingImpact(name, option, note, impact(before, side, as_of, {})))
    return ReadingsRun(as_of, tuple(in_order([*said, *more])), program, roster, tuple(told))


def _alternatives(program: Program) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Every reading that is not adopted, with the results that rest on its 口径."""
    by = users(program)
    for name, decl in program.policy.readings.items():
        seen = closure([name], lambda used: by.get(used, ()))
        results = tuple(result for result in (*program.results, *program.groups) if result in seen)
        for option in decl.options:
            if option.name != decl.adopted:
                yield name, option.name, option.note, results
