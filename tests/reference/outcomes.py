"""The three outcomes of a question put to incomplete facts: a value, 不适用, 信息不足 with what is missing.

Questions are functions, so that what is decided is not looked into: the missing facts are those met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Answer = Any
Question = Callable[[], Answer]


@dataclass(frozen=True)
class Missing:
    """信息不足."""

    facts: frozenset[str]


@dataclass(frozen=True)
class NotApplicable:
    """不适用."""


def missing(*facts: str) -> Missing:
    return Missing(frozenset(facts))


def facts_of(answers: Iterable[Answer]) -> frozenset[str]:
    """What all of them miss."""
    return frozenset(fact for answer in answers if isinstance(answer, Missing) for fact in answer.facts)


def compute(how: Callable[..., Answer], *answers: Answer) -> Answer:
    """`how` of the answers, if none of them is open."""
    if any(isinstance(answer, NotApplicable) for answer in answers):
        return NotApplicable()
    if any(isinstance(answer, Missing) for answer in answers):
        return Missing(facts_of(answers))
    return how(*answers)


def every(*questions: Question) -> Answer:
    """且: one 否 decides, whatever is open before it; nothing after it is asked."""
    open_ = []
    for question in questions:
        answer = question()
        if answer is False:
            return False
        if answer is not True:
            open_.append(answer)
    return Missing(facts_of(open_)) if open_ else True


def any_of(*questions: Question) -> Answer:
    """或: one 是 decides."""
    return negate(every(*(lambda question=question: negate(question()) for question in questions)))


def negate(answer: Answer) -> Answer:
    return answer if isinstance(answer, Missing) else not answer


def choose(condition: Answer, then: Question, otherwise: Question) -> Answer:
    """若: with an open condition the answer is open, unless both ways lead to the same value."""
    if condition is True:
        return then()
    if condition is False:
        return otherwise()
    ways = [then(), otherwise()]
    if ways[0] == ways[1] and not isinstance(ways[0], Missing):
        return ways[0]
    return Missing(facts_of([condition, *ways]))
