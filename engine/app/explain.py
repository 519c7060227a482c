"""`explain`: a person's results in a roster, with everything that they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from engine.app.evaluate import Request, choose_names, choose_readings, program_of, read
from engine.choose import Folder, Misuse, choose_policy
from engine.diagnostics import Diagnostic, in_order
from engine.explain.explanation import explain as explain_results
from engine.explain.model import Explanation
from engine.explain.steps import Show
from engine.names import suggest
from engine.program import Program
from engine.records.model import Roster


@dataclass(frozen=True, slots=True)
class Explained:
    """Explanations of one person's results; without a `program` or `roster`, `diagnostics` say why there are none."""

    as_of: date
    diagnostics: tuple[Diagnostic, ...]
    program: Program | None = None
    roster: Roster | None = None
    readings: Mapping[str, str] = field(default_factory=dict)
    explanations: tuple[Explanation, ...] = ()


def explain(folder: Folder, request: Request, id_: str, show: Show) -> Explained | Misuse:
    """The whole of `explain`; `request.only` names the results, all of them if it is empty. `show` writes a value."""
    chosen, diagnostics = choose_policy(folder, request.policy, request.as_of)
    if isinstance(chosen, Misuse):
        return chosen
    if chosen is None:
        return Explained(request.as_of, tuple(in_order(diagnostics)))
    program, found = program_of(folder, chosen)
    if program is None:
        return Explained(request.as_of, tuple(in_order([*diagnostics, *found])))
    readings = choose_readings(program, request.readings, request.as_of)
    if isinstance(readings, Misuse):
        return readings
    names = choose_names(program, request.only, request.internal)
    if isinstance(names, Misuse):
        return names
    roster, remarks = read(request.roster, program.policy)
    if roster is None:
        return Explained(request.as_of, (*diagnostics, *remarks), program)
    ids = [record.id for record in roster.records]
    if id_ not in ids:
        return _nobody(id_, ids, roster, program)
    shown = names[0] if request.only else program.results
    told = explain_results(
        program, roster, request.as_of, readings, id_, [*shown, *(names[1] if request.only else ())], show
    )
    explanations = tuple(told)
    return Explained(request.as_of, tuple(diagnostics), program, roster, readings, explanations)


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
