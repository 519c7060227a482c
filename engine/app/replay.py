"""`replay`: every entry of a ledger computed again with the policy, the readings, the day and the roster that it names.

What a ledger must say, and when its policies are no longer those of the folder, is `payroll.ledger` and `app.payroll`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from engine.app.evaluate import read
from engine.app.payroll import as_recorded
from engine.choose import Folder, known_on
from engine.diagnostics import Diagnostic, Place, has_errors, in_order
from engine.evaluation import evaluate
from engine.payroll.ledger import Entry, Ledger, Origin, read_ledger
from engine.payroll.periods import read_period
from engine.payroll.statement import days_of, fingerprint
from engine.program import Program
from engine.records.model import Roster
from engine.values import NotApplicable, Unknown

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Differing:
    """An entry that comes out differently: what the ledger says, what is computed now, and why, if it can be told."""

    entry: Entry
    line: int
    now: Any
    why: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """`checked` entries were computed again, of which `found` came out differently."""

    diagnostics: tuple[Diagnostic, ...]
    ledger: Ledger | None = None
    checked: int = 0
    found: tuple[Differing, ...] = ()


@dataclass(frozen=True, slots=True)
class _Basis:
    """What entries of one origin and policy are computed with. `same`: the roster's file is that of the ledger."""

    program: Program
    roster: Roster
    readings: Mapping[str, str]
    same: bool


def replay(
    folder: Folder, path: Path, roster: Path | None = None, progress: Progress | None = None
) -> Replayed:
    """Every entry of a ledger again; `roster` stands for those that the ledger names. Nothing is computed (E789) if a policy
    that entries rest on is gone or means something else."""
    ledger, problems = read_ledger(path)
    if ledger is None:
        return Replayed(tuple(problems))
    bases: dict[tuple[int, str], _Basis] = {}
    said: list[Diagnostic] = []
    for at, origin in enumerate(ledger.head.origins):
        then = known_on(folder, date.fromisoformat(origin.known_on) if origin.known_on else None)
        own = [entry for entry in ledger.entries if entry.origin == at]
        for id_ in dict.fromkeys(entry.policy for entry in own):
            basis, more = _basis(then, ledger, at, id_, roster or _beside(path, origin.roster))
            said += more
            if basis is not None:
                bases[at, id_] = basis
    said = list(dict.fromkeys(said))
    if has_errors(said):
        return Replayed(tuple(in_order(said)), ledger)
    differing = sorted(_differing(ledger, bases, progress), key=lambda one: one.line)
    return Replayed(tuple(in_order(said)), ledger, len(ledger.entries), tuple(differing))


def _beside(path: Path, file: str) -> Path:
    """The roster as the ledger names it, else beside the ledger."""
    named = Path(file)
    return named if named.is_file() or not (path.parent / named.name).is_file() else path.parent / named.name


def _basis(
    folder: Folder, ledger: Ledger, at: int, id_: str, source: Path
) -> tuple[_Basis | None, list[Diagnostic]]:
    origin = ledger.head.origins[at]
    recorded = as_recorded(folder, ledger, at, id_)
    assert recorded is not None  # asked only for policies that entries name
    program, remark = recorded
    said = [remark] if remark is not None else []
    if program is None:
        return None, said
    said += _referred_remarks(folder, ledger, origin)
    roster, more = read(source, program.policy)
    said += more
    if roster is None:
        return None, said
    same = roster.sha256 == origin.roster_sha256
    if not same:
        fact = f"名册「{source}」与记账时的不同"
        said.append(Diagnostic("W781", fact, Place(ledger.path, 1), "用 --roster 可以指定当时的名册"))
    given = origin.data_date
    roster = replace(roster, data_date=date.fromisoformat(given) if given else roster.data_date)
    readings = {
        name: origin.policies[id_].readings.get(name, decl.adopted)
        for name, decl in program.policy.readings.items()
    }
    return _Basis(program, roster, readings | dict(origin.policies[id_].readings), same), said


def _referred_remarks(folder: Folder, ledger: Ledger, origin: Origin) -> Iterator[Diagnostic]:
    """W783: policies that were referred to and have another file now."""
    now = {policy.meta.id: policy.sha256 for policy in folder.registry.policies}
    for id_, sha256 in origin.referred.items():
        if now.get(id_) != sha256:
            fact = (
                f"引用的政策「{id_}」的文件与记账时不同"
                if id_ in now
                else f"政策文件夹里没有引用的政策「{id_}」"
            )
            yield Diagnostic("W783", fact, Place(ledger.path, 1))


def _differing(
    ledger: Ledger, bases: Mapping[tuple[int, str], _Basis], progress: Progress | None
) -> Iterator[Differing]:
    jobs: dict[tuple[int, str, date, date], list[int]] = {}
    for at, entry in enumerate(ledger.entries):
        period = read_period(entry.period)
        assert period is not None
        day = date.fromisoformat(entry.trigger) if entry.trigger else period.last
        jobs.setdefault((entry.origin, entry.policy, day, date.fromisoformat(entry.law)), []).append(at)
    for number, ((origin, id_, day, law), own) in enumerate(jobs.items()):
        if progress is not None:
            progress(number, len(jobs))
        yield from _of_job(ledger, bases[origin, id_], day, law, own)


def _of_job(ledger: Ledger, basis: _Basis, day: date, law: date, own: Sequence[int]) -> Iterator[Differing]:
    """Entries of one origin, policy, day and law's day."""
    program = basis.program
    names = tuple(
        dict.fromkeys(ledger.entries[at].rule for at in own if ledger.entries[at].rule in program.rules)
    )
    results = evaluate(program, basis.roster, day, basis.readings, only=names, basis=law).records
    by_id = {result.record.id: result for result in results}
    triggers = {
        name: days_of(program, basis.roster, day, basis.readings, law, formula)
        for name in names
        if (formula := program.rules[name].trigger) is not None
    }
    for at in own:
        entry, line = ledger.entries[at], ledger.lines[at]
        result = by_id.get(entry.id)
        if result is None:
            yield Differing(entry, line, None, "名册里没有这个人")
            continue
        due = _due(program, entry, triggers.get(entry.rule, {}).get(entry.id))
        now: Any = result.outcomes[entry.rule] if due else NotApplicable("现在没有这一项")
        if not _agrees(entry, now):
            yield Differing(
                entry, line, now if due else None, _why(basis, entry, fingerprint(result.record), due)
            )


def _due(program: Program, entry: Entry, trigger: date | None) -> bool:
    """Whether the policy has the figure for that period, and a 一次 for that day."""
    period = read_period(entry.period)
    rule = program.rules.get(entry.rule)
    if rule is None or period is None:
        return False
    if rule.decl.period == "一次":
        return not entry.trigger or (trigger is not None and str(trigger) == entry.trigger)
    return rule.decl.period == period.kind and not entry.trigger


def _why(basis: _Basis, entry: Entry, inputs: str, due: bool) -> str:
    if inputs != entry.inputs:
        return "这个人在名册里的事实变了"
    if not basis.same:
        return "名册变了（别人的或单位的事实）"
    return "" if due else "没有这一项，或触发日不同"


def _agrees(entry: Entry, now: Any) -> bool:
    if entry.kind == "补发":
        due = (entry.was or 0) + (entry.amount or 0)
        return bool(now == due) if not isinstance(now, NotApplicable | Unknown) else due == 0
    if isinstance(now, NotApplicable):
        return entry.status == "不适用"
    if isinstance(now, Unknown):
        return entry.status == "信息不足"
    return entry.status == "值" and bool(entry.amount == now)
