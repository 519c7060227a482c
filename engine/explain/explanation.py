"""Explanations of a person's results in a roster: steps, what is in the way, what to obtain, what follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from engine.evaluation import prepared
from engine.explain.model import Explanation, Procedure, Step
from engine.explain.open import Ahead, unmet, wanted
from engine.explain.steps import Show, Teller
from engine.interpret import Interpreter
from engine.names import normalize
from engine.nodes import Scalar
from engine.program import Program
from engine.records.model import Roster
from engine.values import Grounds, Unknown, missing_of


def explain(
    program: Program,
    roster: Roster,
    as_of: date,
    readings: Mapping[str, str],
    id_: str,
    names: Sequence[str],
    show: Show,
) -> Iterator[Explanation]:
    """Each named result of one person of the roster; nothing if no accepted record has this 标识.

    `show` writes a value of a type in a formula. Groups are computed over the whole roster, as in `evaluate`.
    """
    with prepared(program, roster, as_of, readings) as (run, states):
        state = next((s for s in states if s.record is not None and s.record.id == id_), None)
        if state is None or state.record is None:
            return

        def another(day: date) -> Interpreter:
            found = Interpreter(program, day, readings, roster.units, roster.data_date or as_of)
            if day == as_of:
                found.groups = run.groups
            return found

        ahead = Ahead(another, state.record, as_of)
        for name in names:
            teller = Teller(run, state, show)
            first = teller.tell(name)
            rest = [step for key, step in teller.steps.items() if key != name]
            missing = missing_of(first.outcome)
            yield Explanation(
                state.record.id,
                name,
                (first, *rest),
                tuple(unmet(teller, name, ahead)),
                tuple(wanted(teller, name, missing, another)),
                procedure(teller, first),
            )


def procedure(teller: Teller, step: Step) -> Procedure | None:
    """The 程序 that follows a check that fails, grounds that hold, or an amount that is due."""
    policy, program = teller.policy, teller.program
    decl = policy.rules.get(step.name) or policy.grounds.get(step.name)
    written: Scalar | None = decl.procedure if decl else None
    if written is None or normalize(written.text) not in program.procedures:
        return None
    rule = policy.rules.get(step.name)
    outcome = step.outcome
    if isinstance(outcome, Grounds):
        follows = bool(outcome.holding)
    elif rule is not None and rule.is_check:
        follows = outcome is False
    else:
        follows = not isinstance(outcome, Unknown) and bool(outcome) and step.formula is not None
    if not follows:
        return None
    checked = program.procedures[normalize(written.text)]
    open_, chosen, label, article = [], checked.decl.steps, "", checked.decl.article
    for route, when in checked.routes:
        value = teller.value(when)
        if isinstance(value, Unknown):
            open_.append(f"{route.label or route.when.text.strip()}（缺 {'、'.join(value.missing)}）")
        if value is True:
            chosen, label = route.steps, route.label or route.when.text.strip()
            article = route.citation.text.strip() if route.citation else article
            break
    steps = tuple((part.actor, part.action, part.deadline) for part in chosen)
    return Procedure(checked.decl.name, article, label, steps, tuple(open_))
