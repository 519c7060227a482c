"""A policy and those it refers to → a checked program: names and types first, then what is wrong between the parts."""

from __future__ import annotations

from engine.diagnostics import Diagnostic, has_errors, in_order
from engine.policy import Policy
from engine.program import Program
from engine.registry import Registry
from engine.resolve import Resolver
from engine.validate import validate


def build(policy: Policy, registry: Registry) -> tuple[Program | None, list[Diagnostic]]:
    """The program of a policy of `registry`, with everything that the static checks find; None if any of it is an error."""
    program, found = Resolver(registry).program(policy)
    if program is None or has_errors(found):
        return None, in_order(found)
    found = in_order([*found, *validate(program)])
    return (None if has_errors(found) else program), found
