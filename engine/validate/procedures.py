"""Names under 程序 of rules, 情形 and 集体 against the procedures that are declared (E435)."""

from __future__ import annotations

from engine.diagnostics import Diagnostic, place_of
from engine.names import normalize, suggest
from engine.program import Program
from engine.validate.ranges import Bounds


def check_procedures(program: Program, bounds: Bounds) -> list[Diagnostic]:
    """E435: a procedure that is not declared."""
    policy = program.policy
    written = [
        decl.procedure for family in (policy.rules, policy.grounds, policy.groups) for decl in family.values()
    ]
    found = []
    for scalar in written:
        if scalar is None or normalize(scalar.text) in policy.procedures:
            continue
        hint = suggest(scalar.text, policy.procedures) or "请在「程序」里写出它的步骤"
        place = place_of(scalar.source, scalar.span)
        found.append(Diagnostic("E435", f"没有程序「{normalize(scalar.text)}」", place, hint))
    return found
