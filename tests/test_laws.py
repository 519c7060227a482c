"""Laws that hold for every formula, file, number and day, tried on what hypothesis makes up."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.build import build
from engine.diagnostics import Diagnostic, Place
from engine.evaluation import evaluate
from engine.expr.lexer import FormulaError, tokenize
from engine.expr.parse import parse_formula, parse_text
from engine.expr.unparse import unparse
from engine.groups import largest_remainder
from engine.loader import load
from engine.nodes import Scalar
from engine.policy import Policy
from engine.program import Program
from engine.records.model import Record, Roster
from engine.registry import load_file
from engine.resolve import Resolver
from engine.source import SourceText, Span
from engine.units import ANY, BARE, common, divide, multiply, parse_unit
from engine.values import (
    Grounds,
    NotApplicable,
    Series,
    Unknown,
    add_days,
    add_months,
    add_years,
    exact,
    format_number,
    full_months,
    full_years,
    parse_number,
    round_down,
    round_half_up,
    round_up,
)
from engine.versions import Registry
from engine.yaml_nodes import decode
from tests import typed_formulas as typed
from tests.language_cases import AS_OF, FOLDER, Pair, all_pairs, build_pairs, read_roster
from tests.syntax_trees import trees

ROOT = Path(__file__).parent.parent
FORMULAS = sorted({pair.formula for pair in all_pairs()})
PARSED = [
    text for text in FORMULAS if parse_formula(Scalar(text, "", SourceText("f", text), Span(0, len(text))))[0]
]


def tries(count: int) -> settings:
    slow = [
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.large_base_example,
    ]
    return settings(
        max_examples=count, deadline=None, suppress_health_check=slow, derandomize=True, database=None
    )


def check_places(diagnostics: Iterable[Diagnostic], sources: dict[str, SourceText]) -> None:
    """Every place lies inside its file, and marks at least one character of a line that is there."""
    for diagnostic in diagnostics:
        for place in (diagnostic.place, *(place for _, place in diagnostic.related)):
            if place is not None and place.file in sources and place.line:
                check_place(place, sources[place.file])


def check_place(place: Place, source: SourceText) -> None:
    assert place.line <= len(source.line_starts)
    if place.excerpt is None:
        return
    assert place.excerpt == source.line_text(place.line)
    assert 1 <= place.column <= len(place.excerpt) + 1
    assert 1 <= place.length <= max(1, len(place.excerpt) - place.column + 1)


# --- syntax ---------------------------------------------------------------------------------------------------------


@tries(400)
@given(trees)
def test_parsing_what_was_written_gives_the_same_tree(tree: Any) -> None:
    text = unparse(tree)
    assert parse_text(text) == tree
    assert unparse(parse_text(text)) == text


@pytest.mark.parametrize("text", PARSED)
def test_formulas_of_the_fixtures_are_written_again(text: str) -> None:
    tree = parse_text(text)
    assert parse_text(unparse(tree)) == tree


_BLANKS = st.sampled_from((" ", "  ", "\n", "\n\n  ", "\t", "　", " \r\n "))


@tries(200)
@given(st.sampled_from(PARSED), st.data())
def test_blanks_and_line_breaks_mean_nothing(text: str, data: st.DataObject) -> None:
    tokens = tokenize(text)[:-1]
    parts = [token.text for token in tokens]
    between = data.draw(st.lists(_BLANKS, min_size=len(parts), max_size=len(parts)))
    assert parse_text(
        "".join(blank + part for blank, part in zip(between, parts, strict=True))
    ) == parse_text(text)


def mutated(text: str, chance: random.Random) -> str:
    """A formula with a few characters or words lost, doubled, swapped or put in."""
    words = re.findall(r"\w+|\s+|.", text, re.DOTALL)
    extra = (
        "若",
        "则",
        "否则",
        "且",
        "或",
        "非",
        "属于",
        "(",
        ")",
        "[",
        "]",
        ",",
        "==",
        "-",
        "%",
        '"',
        "，",
        "1e9",
        "不适用",
    )
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(words) + 1)
        match chance.randrange(4):
            case 0:
                words.insert(at, chance.choice(extra))
            case 1:
                del words[at : at + chance.randint(1, 2)]
            case 2:
                words[at:at] = words[max(0, at - 2) : at]
            case 3 if words:
                words[at : at + 1] = [
                    chr(chance.choice((0, 9, 10, 34, 92, 0x2028, 0xFF08, 0x1F600, 0x4E94, 0x0301)))
                ]
    return "".join(words)


@tries(150)
@given(
    st.lists(st.one_of(st.text(max_size=30), st.sampled_from(FORMULAS)), min_size=1, max_size=8), st.randoms()
)
def test_any_text_as_a_formula_comes_back(texts: list[str], chance: random.Random) -> None:
    for text in [*texts, *(mutated(text, chance) for text in texts)]:
        source = SourceText("f", text)
        tree, found = parse_formula(Scalar(text, "", source, Span(0, len(text))))
        assert (tree is None) == bool(found)
        assert {d.code for d in found} <= {"E320", "E321"}
        check_places(found, {"f": source})


@pytest.mark.parametrize(
    "text",
    [
        *(
            "(" * 100_000,
            "[" * 100_000,
            "-" * 100_000,
            "若 " * 100_000,
            "非 " * 50_000,
            "甲[" * 50_000,
            "甲.甲." * 50_000,
        ),
        *(
            "1 + " * 900 + "1",
            "甲 且 " * 900 + "甲",
            "1 < " * 900 + "1",
            "f(" * 39 + "1" + ")" * 39,
            "1" * 4_000,
        ),
        *(
            "甲" * 4_000,
            "非" * 3_999,
            "且" * 4_000,
            "党员且" * 1_300,
            '"' * 3_999,
            "%" * 4_000,
            "2021-01-01" * 400,
            "１" * 4_000,
        ),
        *(
            "若 1 则 " * 700 + "1",
            "若 1 则 1 否则 " * 300 + "1",
            "甲[1]" * 700,
            "a属于" * 900,
            "1 属于 [" * 500,
            "--" * 1_500 + "1",
        ),
    ],
    ids=lambda text: f"{text[:8]}…{len(text)}",
)
def test_monstrous_formulas_end_soon(text: str) -> None:
    start = time.perf_counter()
    pairs = [Pair("", 1, text, "", ())]
    _, mistakes = build_pairs(pairs)
    assert all(d.severity == "error" for found in mistakes.values() for d in found)
    assert time.perf_counter() - start < 2


def quoted(text: str) -> str:
    """Any text as a YAML scalar in quotes."""
    plain = (
        char if char.isascii() and char.isprintable() and char not in '"\\' else f"\\U{ord(char):08X}"
        for char in text
    )
    return f'"{"".join(plain)}"'


def policy_with(formulas: list[str]) -> tuple[Policy | None, SourceText, list[Diagnostic]]:
    """The small policy with formulas as quoted scalars, so that any text can stand there."""
    rules = "".join(f"  式{at}: {{内部: 是, 公式: {quoted(text)}}}\n" for at, text in enumerate(formulas))
    text = (FOLDER / "policy.yaml").read_text(encoding="utf-8").replace("\n规则:\n", f"\n规则:\n{rules}", 1)
    source = SourceText("policy.yaml", text)
    policy, found = load(source)
    return policy, source, found


@cache
def others() -> tuple[Policy, ...]:
    loaded = (load_file(FOLDER / name)[0] for name in ("shangji.yaml", "tingyong.yaml"))
    return tuple(policy for policy in loaded if policy is not None)


def checked(formulas: list[str]) -> Program | None:
    policy, source, found = policy_with(formulas)
    if policy is None:
        return None
    program, more = Resolver(Registry((policy, *others()))).program(policy)
    check_places([*found, *more], {"policy.yaml": source})
    return program


@tries(25)
@given(st.lists(trees, min_size=5, max_size=15))
def test_any_syntax_is_checked_without_raising(found: list[Any]) -> None:
    assert checked([unparse(tree) for tree in found]) is not None


@tries(40)
@given(st.lists(st.sampled_from(FORMULAS), min_size=20, max_size=20), st.randoms(use_true_random=False))
def test_mutated_formulas_are_checked_without_raising(formulas: list[str], chance: random.Random) -> None:
    checked([mutated(text, chance) for text in formulas])


# --- meaning ----------------------------------------------------------------------------------------------------------


def agrees(value: Any, due: Any) -> bool:
    """An outcome of the engine against one of `typed_formulas`, missing facts as a set."""
    if isinstance(due, typed.Missing):
        return isinstance(value, Unknown) and set(value.missing) == due.facts
    if due is typed.NO:
        return isinstance(value, NotApplicable)
    return type(value) is not Unknown and value == due and isinstance(value, bool) == isinstance(due, bool)


@tries(100)
@given(st.randoms(use_true_random=False))
def test_the_interpreter_means_what_the_language_says(chance: random.Random) -> None:
    formulas = [typed.formula(chance, chance.choice("数数真真日等"), 3) for _ in range(25)]
    people = [typed.facts(chance) for _ in range(4)]
    rules = "".join(f"  式{at}: {{公式: '{typed.written(node)}'}}\n" for at, node in enumerate(formulas))
    policy, found = load(SourceText("typed.yaml", typed.POLICY + rules))
    assert policy is not None, found
    program, more = Resolver(Registry((policy,))).program(policy)
    assert program is not None
    assert [(d.code, d.message, d.place.excerpt if d.place else "") for d in [*found, *more]] == []
    records = []
    for row, facts in enumerate(people, 1):
        given_ = {name: fact for name, fact in facts.items() if name != "年甲"}
        if "年甲" in facts:
            given_["年甲"] = Series(tuple(sorted(facts["年甲"].items())), "年甲")
        records.append(Record(str(row), row, given_, Place("r", row)))
    roster = Roster("r", "", None, tuple(records), (), {})
    names = [f"式{at}" for at in range(len(formulas))]
    for facts, result in zip(people, evaluate(program, roster, typed.AS_OF, only=names).records, strict=True):
        for name, node in zip(names, formulas, strict=True):
            value, due = result.outcomes[name], typed.meaning(node, facts)
            assert agrees(value, due), f"{typed.written(node)} 于 {facts}: {value}, 应为 {due}"


# --- files --------------------------------------------------------------------------------------------------------------


@cache
def real_files() -> tuple[bytes, ...]:
    paths = [*sorted((ROOT / "policies").glob("*.yaml")), FOLDER / "policy.yaml"]
    paths += sorted((ROOT / "tests/policies/good").glob("*/*.yaml"))
    return tuple(path.read_bytes() for path in paths if not path.name.endswith(".cases.yaml"))


def taken(raw: bytes) -> list[Diagnostic]:
    """Everything that loading and checking say of some bytes; places are looked at."""
    source, found = decode(raw, "x.yaml")
    if source is None:
        assert found
        return found
    policy, more = load(source)
    found = [*found, *more]
    if policy is None:
        assert any(d.severity == "error" for d in found)
    else:
        found += build(policy, Registry((policy, *others())))[1]
    check_places(found, {"x.yaml": source})
    return found


_META = (
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b": ",
    b"- ",
    b"&a ",
    b"*a",
    b"!x ",
    b"|",
    b">",
    b"%",
    b"@",
    b"`",
    b'"',
    b"'",
)
_META += (
    b"#",
    b"?",
    b"? ",
    b"<<: ",
    b"\t",
    b"\n",
    b"\r",
    b"---\n",
    b"~",
    b"\xff",
    b"\x00",
    "，".encode(),
    b"9" * 60,
    b"1e999",
)


def spoilt(raw: bytes, chance: random.Random) -> bytes:
    """A file cut off, with lines lost, doubled, moved or indented, or with YAML's own characters put in."""
    for _ in range(chance.randint(1, 3)):
        lines = raw.split(b"\n")
        at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(12):
            case 0:
                raw = raw[: chance.randrange(len(raw) + 1)]
                continue
            case 1:
                del lines[at : at + chance.randint(1, 3)]
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines.insert(other, lines[at])
            case 4:
                lines[at] = b" " * chance.randrange(5) + lines[at].lstrip()
            case 5:
                place = chance.randrange(len(raw) + 1)
                raw = raw[:place] + chance.choice(_META) + raw[place:]
                continue
            case 6:
                place = chance.randrange(len(raw) + 1)
                raw = raw[:place] + raw[place + chance.randint(1, 4) :]
                continue
            case 7:
                lines[at] = re.sub(rb"\d+", b"9" * chance.choice((1, 20, 45, 4000)), lines[at])
            case _:
                words = re.findall(r"\w+", raw.decode("utf-8", "replace"))
                if words:
                    one, two = (chance.choice(words).encode() for _ in range(2))
                    raw = raw.replace(one, two, chance.randint(1, 3))
                continue
        raw = b"\n".join(lines)
    return raw


@tries(300)
@given(st.sampled_from(range(len(real_files()))), st.randoms(use_true_random=False))
def test_spoilt_policies_come_back_with_diagnostics(number: int, chance: random.Random) -> None:
    start = time.perf_counter()
    taken(spoilt(real_files()[number], chance))
    assert time.perf_counter() - start < 3


@tries(100)
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
@example(b"\xef\xbb\xbf")
@example("\ufffe".encode())
@example(b"a: \xe2\x80\xa8b")
@example(b"? a\n: b")
@example(b"{[a]: b}")
@example(b"a: *b")
@example(b"%YAML 1.1\n---\na: b")
def test_any_bytes_come_back_with_diagnostics(raw: bytes) -> None:
    assert taken(raw)


_BOMB = b"a: &a [x, x]\n" + b"".join(
    b"%c: &%c [*%c, *%c]\n" % (98 + i, 98 + i, 97 + i, 97 + i) for i in range(20)
)


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"[" * 1_000_000,
            b"{" * 1_000_000,
            b"- " * 500_000,
            b"a: " * 300_000,
            b"[a, " * 250_000,
            b"? " * 500_000,
        ),
        *(
            b'"' * 1_000_001,
            b"'" * 1_000_000,
            b"\n" * 1_000_000,
            b" " * 1_000_000,
            b"#" * 1_000_000,
            b"\t" * 1_000_000,
        ),
        *(
            b"".join(b" " * n + b"a:\n" for n in range(1_000)),
            b"a: " + b"9" * 1_000_000,
            b"a" * 1_000_000 + b": b",
            _BOMB,
        ),
        *(
            b"a: b\n" * 200_000,
            b"".join(b"k%d: v\n" % n for n in range(150_000)),
            b"--- a\n" * 100_000,
            b"x" * 5_000_000,
        ),
        *(
            "字段: {" + "甲: {类型: 数}, " * 1 + "}" * 100_000,
            "参数:\n" + "".join(f"  p{n}: {{值: x}}\n" for n in range(9_000)),
        ),
    ],
    ids=lambda raw: f"{raw[:6]!r}…{len(raw)}",
)
def test_monstrous_files_end_soon(raw: bytes | str) -> None:
    start = time.perf_counter()
    found = taken(raw if isinstance(raw, bytes) else raw.encode())
    assert 0 < len(found) <= 1_000
    assert time.perf_counter() - start < 6


# --- order of keys ----------------------------------------------------------------------------------------------------------


def shuffled(text: str, chance: random.Random) -> str:
    """A policy with its sections, and the entries of each, in another order."""
    sections: list[list[list[str]]] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            sections.append([[line]])
        elif line.startswith("  ") and not line.startswith("   "):
            sections[-1].append([line])
        else:
            sections[-1][-1].append(line)
    chance.shuffle(sections)
    for section in sections:
        entries = section[1:]
        chance.shuffle(entries)
        section[1:] = entries
    return "".join(f"{line}\n" for section in sections for entry in section for line in entry)


def comparable(value: Any) -> Any:
    match value:
        case Unknown(missing):
            return ("信息不足", frozenset(missing))
        case NotApplicable(reason):
            return ("不适用", reason)
        case Grounds(holding, waiting):
            return (holding, {label: frozenset(facts) for label, facts in waiting})
    return value


def everything(text: str) -> dict[Any, Any]:
    policy, found = load(SourceText("policy.yaml", text))
    assert policy is not None, found
    program, _ = Resolver(Registry((policy, *others()))).program(policy)
    assert program is not None
    as_of = date.fromisoformat(AS_OF)
    result = evaluate(program, read_roster(policy), as_of, internal=True)
    values: dict[Any, Any] = {
        (r.record.id, name): comparable(value) for r in result.records for name, value in r.outcomes.items()
    }
    for group in result.groups:
        for label, value in group.figures.items():
            values[group.name, tuple(group.key.values()), label] = comparable(value)
    values["诊断"] = frozenset(d.message for d in result.diagnostics)
    return values


@tries(15)
@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_no_result(chance: random.Random) -> None:
    text = (FOLDER / "policy.yaml").read_text(encoding="utf-8")
    assert everything(shuffled(text, chance)) == unshuffled()


@cache
def unshuffled() -> dict[Any, Any]:
    return everything((FOLDER / "policy.yaml").read_text(encoding="utf-8"))


# --- sharing out ----------------------------------------------------------------------------------------------------------------

weights = st.lists(
    st.one_of(st.integers(0, 2000), st.fractions(0, 3, max_denominator=1000)), min_size=1, max_size=12
).filter(any)


@tries(200)
@given(
    st.integers(0, 10**7),
    weights,
    st.sampled_from((Fraction(1, 100), Fraction(1, 10), 1, 10, Fraction(1, 3))),
)
def test_shares_add_up_and_stay_within_a_step_of_their_quota(steps: int, parts: list[Any], step: Any) -> None:
    given_ = {f"{at:03d}": exact(Fraction(weight)) for at, weight in enumerate(parts)}
    shares = largest_remainder(steps, given_, step)
    whole = sum(map(Fraction, parts))
    assert sum(map(Fraction, shares.values())) == steps * Fraction(step)
    for id_, weight in given_.items():
        quota = steps * Fraction(step) * weight / whole
        assert abs(shares[id_] - quota) < step
        assert shares[id_] >= 0
        assert (Fraction(shares[id_]) / Fraction(step)).denominator == 1
        if weight == 0:
            assert shares[id_] == 0
    backwards = dict(reversed(given_.items()))
    assert largest_remainder(steps, backwards, step) == shares


@tries(100)
@given(st.integers(0, 1000), weights)
def test_who_weighs_more_gets_no_less(steps: int, parts: list[Any]) -> None:
    given_ = {f"{at:03d}": exact(Fraction(weight)) for at, weight in enumerate(parts)}
    shares = largest_remainder(steps, given_, 1)
    for one, weight in given_.items():
        for two, other in given_.items():
            if weight > other or (weight == other and one < two):
                assert shares[one] >= shares[two]


# --- numbers --------------------------------------------------------------------------------------------------------------------

numbers = st.one_of(
    st.integers(-(10**6), 10**6),
    st.fractions(-1000, 1000),
    st.integers(-4000, 4000).map(lambda n: Fraction(n, 2000)),
).map(lambda number: exact(Fraction(number)))
digits = st.integers(-3, 6)


@tries(300)
@given(numbers, digits)
@example(Fraction(5, 2), 0)
@example(Fraction(-1005, 1000), 2)
@example(45, -1)
def test_rounding(number: Any, places: int) -> None:
    step = Fraction(10) ** -places
    half, low, high = (f(number, places) for f in (round_half_up, round_down, round_up))
    for rounded in (half, low, high):
        assert (Fraction(rounded) / step).denominator == 1
        assert (
            round_half_up(rounded, places)
            == round_down(rounded, places)
            == round_up(rounded, places)
            == rounded
        )
        assert type(rounded) is int or rounded.denominator > 1
    assert low <= number < low + step
    assert high - step < number <= high
    assert abs(half - number) <= step / 2
    assert round_half_up(-number, places) == -half
    assert round_down(-number, places) == -high
    if abs(half - number) == step / 2:
        assert abs(half) > abs(number)


@tries(200)
@given(st.decimals(-(10**9), 10**9, places=6))
def test_numbers_are_written_as_they_are_read(number: Any) -> None:
    value = exact(Fraction(number))
    assert parse_number(format_number(value)) == value


units = st.sampled_from(("元", "元/月", "元/年", "元/人", "月", "年", "人", "月/年", "次", "元/人/月")).map(
    parse_unit
)


@tries(200)
@given(units | st.just(BARE), units | st.just(BARE))
def test_units(left: Any, right: Any) -> None:
    assert common(left, left) == left
    assert (common(left, right) is None) == (common(right, left) is None)
    assert multiply(left, right) == multiply(right, left)
    assert divide(left, left) == BARE
    assert multiply(left, BARE) == divide(left, BARE) == common(left, ANY) == left
    if left.is_money and right.is_money:
        assert multiply(left, right) is None
        assert (divide(left, right) is None) == (common(left, right) is None) == (left != right)
    elif left.is_money:
        product = multiply(left, right)
        assert product is not None
        assert product.is_money


# --- days ------------------------------------------------------------------------------------------------------------------------

days = st.dates(date(1900, 1, 1), date(2100, 12, 31)) | st.sampled_from(
    [
        date(2020, 2, 29),
        date(2021, 1, 31),
        date(2000, 2, 29),
        date(2021, 12, 31),
        date(2021, 3, 1),
        date(2021, 2, 28),
    ]
)


@tries(300)
@given(days, st.integers(0, 120))
@example(date(2020, 2, 29), 1)
def test_years_added_are_full_on_their_day(day: date, years: int) -> None:
    due = add_years(day, years)
    assert full_years(day, due) == years
    if years:
        assert full_years(day, due - timedelta(days=1)) == years - 1
    assert (due.month, due.day) in ((day.month, day.day), (3, 1))


@tries(300)
@given(days, st.integers(-600, 600))
@example(date(2021, 1, 31), 1)
def test_months_added_keep_the_day_or_end_the_month(day: date, months: int) -> None:
    due = add_months(day, months)
    assert (due.year * 12 + due.month) - (day.year * 12 + day.month) == months
    assert due.day == day.day or (due.day < day.day and (due + timedelta(days=1)).day == 1)
    if months >= 0:
        assert full_months(day, due) == (months if due.day == day.day else months - 1)


@tries(300)
@given(days, days, st.integers(-4000, 4000))
def test_full_periods(start: date, end: date, more: int) -> None:
    assert full_years(start, end) == -full_years(end, start)
    assert full_months(start, end) == -full_months(end, start)
    assert full_years(start, start) == full_months(start, start) == 0
    assert full_years(start, end) == typed.counted(start, end, 12)
    assert full_months(start, end) == typed.counted(start, end, 1)
    later = end + timedelta(days=abs(more))
    assert full_years(start, later) >= full_years(start, end)
    assert full_months(start, later) >= full_months(start, end)
    assert add_days(start, (end - start).days) == end
    if start <= end:
        assert full_months(start, end) // 12 == full_years(start, end)


@tries(100)
@given(st.text(max_size=40))
def test_tokens_cover_their_text(text: str) -> None:
    try:
        tokens = tokenize(text)
    except FormulaError as error:
        inside = 0 <= error.start <= len(text)
        if inside:
            return
        raise
    at = 0
    for token in tokens:
        assert at <= token.start <= token.end <= len(text)
        assert not text[at : token.start].strip()
        at = token.end
