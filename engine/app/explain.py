"""`explain`: a person's results in a roster, with everything that they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from engine.app.evaluate import Request, prepare
from engine.choose import Folder, Misuse
from engine.diagnostics import Diagnostic
from engine.explain.explanation import explain as explain_results
from engine.explain.model import Explanation
from engine.explain.steps import Show
from engine.names import suggest
from engine.program import Program
from engine.records.model import Roster


@dataclass(frozen=True, slots=True)
class Explained:
    """Explanations of one person's results; without a `program` or `roster`, `diagnostics` say why there are none.

    `agreed`: how many of them are what a file of results has too.
    """

    as_of: date
    diagnostics: tuple[Diagnostic, ...]
    program: Program | None = None
    roster: Roster | None = None
    readings: Mapping[str, str] = field(default_factory=dict)
    explanations: tuple[Explanation, ...] = ()
    agreed: int = 0


def explain(folder: Folder, request: Request, id_: str, show: Show) -> Explained | Misuse:
    """The whole of `explain`; `request.only` names the results, all of them if it is empty. `show` writes a value."""
    run = prepare(folder, request)
    if isinstance(run, Misuse):
        return run
    program, roster = run.program, run.roster
    if program is None or roster is None:
        return Explained(request.as_of, run.diagnostics, program)
    ids = [record.id for record in roster.records]
    if id_ not in ids:
        return _nobody(id_, ids, roster, program)
    names = [*run.results, *(run.groups if request.only else ())]
    told = tuple(explain_results(program, roster, request.as_of, run.readings, id_, names, show))
    return Explained(request.as_of, (), program, roster, run.readings, told)


def _nobody(id_: str, ids: list[str], roster: Roster, program: Program) -> Misuse:
    """Nobody of this 标识 was evaluated."""
    what = program.policy.meta.identifier
    for row in roster.rejected:
        if row.id == id_:
            return Misuse(
                f"{what}「{id_}」的记录有错误，已退回（{row.place}）",
                "改正以后才能计算，错误用 guizhang eval 查看",
            )
    return Misuse(f"名册里没有{what}「{id_}」", suggest(id_, ids) or f"名册有 {len(ids)} 条记录")
