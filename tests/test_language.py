"""What formulas mean: pairs of formula and value in tests/language/*.txt, worked out by hand from the language's rules.

The shape of a pair is told in `tests.language_cases`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.diagnostics import Diagnostic
from engine.expr.functions import FUNCTIONS
from engine.values import NotApplicable, Unknown
from tests.language_cases import (
    FOLDER,
    Pair,
    all_pairs,
    build_pairs,
    marked,
    outcomes,
    read_pairs,
    read_value,
)

PAIRS = list(all_pairs())


@cache
def computed(file: str) -> tuple[dict[int, Any], dict[int, list[Diagnostic]]]:
    """Outcomes and mistakes of one file, by the number of the pair."""
    pairs = read_pairs(FOLDER / file)
    program, mistakes = build_pairs(pairs)
    return outcomes(program, pairs, mistakes), mistakes


def described(mistakes: list[Diagnostic]) -> str:
    return "；".join(f"{d.code} {d.message} | {d.hint} | ^{marked(d)}" for d in mistakes)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{Path(pair.file).stem}:{pair.line}")
def test_formula(pair: Pair) -> None:
    values, mistakes = computed(pair.file)
    at = read_pairs(FOLDER / pair.file).index(pair)
    found = mistakes.get(at, [])
    if pair.is_mistake:
        message, *rest = (part.strip() for part in pair.expected.split(" | "))
        assert len(found) == 1, described(found) or values.get(at)
        assert f"{found[0].code} {found[0].message}" == message
        for part in rest:
            assert (marked(found[0]) if part.startswith("^") else found[0].hint) == part.removeprefix("^")
        return
    assert not found, described(found)
    value = values[at]
    word, _, rest_of = pair.expected.partition(" ")
    if word == "不适用":
        assert isinstance(value, NotApplicable), value
        assert rest_of in ("", value.reason)
    elif word == "信息不足":
        assert isinstance(value, Unknown), value
        assert not rest_of or set("、".join(value.missing).split("、")) == set(rest_of.split("、"))
    else:
        assert not isinstance(value, Unknown | NotApplicable), value
        expected = read_value(pair.expected)
        assert value == expected
        assert isinstance(value, bool) == isinstance(expected, bool)
        assert not (hasattr(value, "denominator") and value.denominator == 1 and not isinstance(value, int))


@pytest.mark.parametrize("file", sorted({pair.file for pair in PAIRS}))
def test_no_mistake_lies_outside_the_pairs(file: str) -> None:
    assert described(computed(file)[1].get(-1, [])) == ""


def test_every_built_in_has_a_pair() -> None:
    formulas = [pair.formula for pair in PAIRS if not pair.is_mistake]
    assert [name for name in FUNCTIONS if not any(f"{name}(" in formula for formula in formulas)] == []


def test_every_code_of_formulas_has_a_pair() -> None:
    text = (FOLDER.parent.parent / "engine/expr/messages.py").read_text(encoding="utf-8")
    codes = set(re.findall(r'"(E3\d\d)"', text))
    shown = {pair.expected[:4] for pair in PAIRS if pair.is_mistake}
    assert codes - shown == set()
