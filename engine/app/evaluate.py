"""`eval`: choose the policy, its readings and results; read the roster; evaluate.

Returns data and diagnostics and prints nothing. A `Misuse` is a request that cannot be carried out as asked
(exit 2); what is wrong inside a file is a `Diagnostic` (exit 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from engine.cache import keep
from engine.choose import Chosen, Folder, Misuse, choose_policy
from engine.diagnostics import Diagnostic, in_order
from engine.evaluation import evaluate as evaluate_roster
from engine.names import normalize, suggest
from engine.policy import Policy
from engine.program import Program
from engine.records.model import Roster
from engine.records.reader import read_roster, read_roster_bytes
from engine.results import Evaluation
from engine.values import Grounds, Unknown


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation of a roster. Without a `program` or `roster`, `diagnostics` say why.

    `results` and `groups` are the names shown; `readings` holds every 口径 with the reading applied.
    """

    as_of: date
    diagnostics: tuple[Diagnostic, ...]
    program: Program | None = None
    readings: Mapping[str, str] = field(default_factory=dict)
    roster: Roster | None = None
    evaluation: Evaluation | None = None
    results: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What `eval` was asked. `roster` is a path, or the bytes of standard input."""

    roster: Path | bytes
    as_of: date
    policy: str | None = None
    readings: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    internal: bool = False


def choose_readings(program: Program, given: Sequence[str], as_of: date) -> dict[str, str] | Misuse:
    """「口径=读法」 as written on the command line → every 口径 with the reading that applies."""
    readings = {name: decl.adopted for name, decl in program.policy.readings.items()}
    for word in given:
        name, _, option = (part.strip() for part in normalize(word).partition("="))
        found = _options(program, name, as_of)
        if not option:
            hint = f"可选：{'、'.join(found)}" if found else suggest(name, readings)
            return Misuse(f"--reading 写作 口径=读法，「{word}」里没有读法", hint)
        if found is None:
            listed = f"本政策的口径：{'、'.join(readings)}" if readings else "本政策没有口径"
            return Misuse(f"没有口径「{name}」", suggest(name, readings) or listed)
        if option not in found:
            hint = suggest(option, found) or f"可选：{'、'.join(found)}"
            return Misuse(f"口径「{name}」没有读法「{option}」", hint)
        readings[name] = option
    return readings


def _options(program: Program, name: str, as_of: date) -> list[str] | None:
    """The readings of a 口径 of this policy, or of one that it refers to (别名.口径)."""
    policy: Policy | None = program.policy
    alias, dot, inner = name.partition(".")
    if dot:
        policy, name = dict(program.uses_on(as_of)).get(alias), inner
    decl = policy.readings.get(name) if policy else None
    return [option.name for option in decl.options] if decl else None


def choose_names(
    program: Program, only: Sequence[str], internal: bool
) -> tuple[tuple[str, ...], tuple[str, ...]] | Misuse:
    """The results and groups to show, in the order of the file, or as asked for by --only."""
    policy = program.policy
    personal = [*policy.rules, *policy.grounds]
    if not only:
        return (
            tuple(n for n in personal if internal or n in program.results),
            tuple(n for n in policy.groups if internal or n in program.groups),
        )
    asked = list(
        dict.fromkeys(
            normalize(name) for word in only for name in word.replace("，", ",").split(",") if name.strip()
        )
    )
    for name in asked:
        if name in personal or name in policy.groups:
            continue
        if policy.declared(name) is not None:
            return Misuse(f"「{name}」不是结果", "可以要的是规则、情形和集体")
        return Misuse(
            f"没有结果「{name}」",
            suggest(name, (*personal, *policy.groups)) or f"可以要的有：{'、'.join(program.results)}",
        )
    return tuple(n for n in asked if n not in policy.groups), tuple(n for n in asked if n in policy.groups)


def evaluate(
    folder: Folder, request: Request, progress: Callable[[int, int], None] | None = None
) -> Run | Misuse:
    """The whole of `eval`: policy, readings, names, roster, results."""
    run = prepare(folder, request)
    if isinstance(run, Misuse) or run.program is None or run.roster is None:
        return run
    total = len(run.roster.records)

    def advance(done: int) -> None:
        if progress is not None:
            progress(done, total)

    evaluation = evaluate_roster(
        run.program,
        run.roster,
        request.as_of,
        run.readings,
        only=[*run.results, *run.groups] if request.only else None,
        internal=request.internal,
        progress=advance,
    )
    return replace(run, diagnostics=(*run.diagnostics, *evaluation.diagnostics), evaluation=evaluation)


def prepare(folder: Folder, request: Request) -> Run | Misuse:
    """Everything that an evaluation starts from; without a `program` or `roster`, the diagnostics say why."""
    run = settle(
        folder, request.policy, request.as_of, request.readings, request.only, internal=request.internal
    )
    if isinstance(run, Misuse) or run.program is None:
        return run
    roster, remarks = read(request.roster, run.program.policy)
    return replace(run, roster=roster, diagnostics=(*run.diagnostics, *remarks))


def settle(
    folder: Folder,
    word: str | None,
    as_of: date,
    readings: Sequence[str],
    only: Sequence[str],
    internal: bool,
) -> Run | Misuse:
    """What the words of a request mean, before any roster: the program, its readings, the results and groups to show;
    without a `program`, the diagnostics say why."""
    chosen, diagnostics = choose_policy(folder, word, as_of)
    if isinstance(chosen, Misuse):
        return chosen
    program, found = program_of(folder, chosen) if chosen is not None else (None, [])
    if program is None:
        return Run(as_of, tuple(in_order([*diagnostics, *found])))
    settled = choose_readings(program, readings, as_of)
    if isinstance(settled, Misuse):
        return settled
    names = choose_names(program, only, internal)
    if isinstance(names, Misuse):
        return names
    return Run(as_of, tuple(diagnostics), program, settled, results=names[0], groups=names[1])


def program_of(folder: Folder, chosen: Chosen) -> tuple[Program | None, list[Diagnostic]]:
    """The checked program of a policy, kept with its folder; warnings have been seen when it was checked."""
    kept = folder.programs.get(chosen.policy.source.name)
    if kept is not None and kept.policy is chosen.policy:
        return kept, []
    from engine.build import build  # the whole of checking, not needed for what is kept

    program, found = build(chosen.policy, chosen.registry, advice=False)
    if program is not None and chosen.registry is folder.registry:
        folder.programs[chosen.policy.source.name] = program
        keep(folder)
    return program, [d for d in found if d.severity == "error"]


def read(roster: Path | bytes, policy: Policy) -> tuple[Roster | None, list[Diagnostic]]:
    if isinstance(roster, Path):
        return read_roster(roster, policy)
    return read_roster_bytes(roster, "-", sniff(roster), policy)


def sniff(raw: bytes) -> str:
    """The kind of a roster that came without a file name."""
    if raw.startswith(b"PK\x03\x04"):
        return ".ods" if b"opendocument.spreadsheet" in raw[:200] else ".xlsx"
    if raw.startswith(bytes.fromhex("d0cf11e0a1b11ae1")):
        return ".xls"
    if raw.startswith(b"PAR1"):
        return ".parquet"
    start = raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return ".json" if start in (b"{", b"[") else ".csv"


def needs_attention(run: Run) -> bool:
    """Whether `--strict` refuses: a warning, a finding of a 校验, or 信息不足 anywhere."""

    def is_open(value: Any) -> bool:
        return isinstance(value, Unknown) or (isinstance(value, Grounds) and bool(value.open))

    if run.diagnostics:
        return True
    if run.evaluation is None:
        return False
    return any(
        result.findings or any(is_open(result.outcomes.get(name)) for name in run.results)
        for result in run.evaluation.records
    ) or any(group.finding or any(map(is_open, group.figures.values())) for group in run.evaluation.groups)
