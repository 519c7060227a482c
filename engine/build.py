"""A policy and those it refers to → a checked program: names and types first, then what is wrong between the parts."""

from __future__ import annotations

from engine.diagnostics import Diagnostic, has_errors, in_order
from engine.policy import Policy
from engine.program import Program
from engine.resolve import Resolver
from engine.validate import validate
from engine.versions import Registry


def build(policy: Policy, registry: Registry, advice: bool = True) -> tuple[Program | None, list[Diagnostic]]:
    """The program of a policy of `registry`, with everything that the static checks find; None if any of it is an error.

    Without `advice` warnings are not looked for: a policy in use has had them when it was checked.
    """
    program, found = Resolver(registry).program(policy)
    if program is not None and not policy.lost:
        found = [*found, *validate(program, advice)]
    if has_errors(found):  # a name may seem unused because the formula that uses it has a mistake
        found = [problem for problem in found if problem.code != "W803"]
    sound = program is not None and policy.sound and not policy.lost and not has_errors(found)
    return (program if sound else None), in_order(found)
