"""What is wrong between the well-typed parts of a policy: one check per file, all of one shape.

`ERRORS` and `ADVICE` are the whole list. A check reads a `Program` and the intervals of its formulas, and returns
diagnostics. Codes: E422–E435, W802–W805.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.diagnostics import Diagnostic, in_order
from engine.program import Program
from engine.validate.always import check_always
from engine.validate.citations import check_citations
from engine.validate.conflicts import check_conflicts
from engine.validate.division import check_division
from engine.validate.money import check_money
from engine.validate.procedures import check_procedures
from engine.validate.ranges import Bounds
from engine.validate.tables import check_tables
from engine.validate.unused import check_unused

Check = Callable[[Program, Bounds], list[Diagnostic]]

#: What makes a policy unusable.
ERRORS: tuple[Check, ...] = (check_money, check_tables, check_conflicts, check_citations, check_procedures)
#: What its author should look at.
ADVICE: tuple[Check, ...] = (check_division, check_always, check_unused)


def validate(program: Program, advice: bool = True) -> list[Diagnostic]:
    """Everything that the checks find in one policy, in the order of its file; without `advice` only errors."""
    bounds = Bounds(program)
    checks = (*ERRORS, *ADVICE) if advice else ERRORS
    return in_order(found for check in checks for found in check(program, bounds))
