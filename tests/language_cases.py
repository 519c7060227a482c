"""The pairs of tests/language: a formula and what it gives, one a line, on a small policy and its people.

    公式 => 值                      an exact number, a date, 是, 否, a member
    公式 => 不适用 [原因]
    公式 => 信息不足 甲、乙          with exactly these facts
    公式 => E301 句子 | 提示 | ^所标  the mistake; advice and marked text where they matter

「@ 计算日: 2024-02-29；单位: 元」 holds for the lines below it until the next 「@」. With 按 (and 成员) the line is the
公式 of a 集体, and the value what the first person's own group has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from engine.diagnostics import Diagnostic, Place
from engine.evaluation import evaluate
from engine.loader import load
from engine.names import normalize
from engine.nodes import Mapping, Node, Scalar, Sequence
from engine.policy import FieldDecl, Policy
from engine.program import Program
from engine.records.model import DatedFact, Record, Roster
from engine.registry import load_file
from engine.resolve import Resolver
from engine.source import SourceText
from engine.tables import read_constant
from engine.types import RecordsT, SeriesT
from engine.values import Rows, Series, Unknown, parse_date
from engine.versions import Registry
from engine.yaml_nodes import read_text, read_yaml

FOLDER = Path(__file__).parent / "language"
AS_OF = "2024-12-31"


@dataclass(frozen=True)
class Pair:
    file: str
    line: int
    formula: str
    expected: str
    settings: tuple[tuple[str, str], ...]

    @property
    def is_mistake(self) -> bool:
        return self.expected[:1] == "E" and self.expected[1:4].isdigit()

    @property
    def as_of(self) -> date:
        day = parse_date(dict(self.settings).get("计算日", AS_OF))
        assert day is not None
        return day


def read_pairs(path: Path) -> list[Pair]:
    settings: tuple[tuple[str, str], ...] = ()
    pairs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("@"):
            parts = [part.split(":", 1) for part in line[1:].split("；") if part.strip()]
            settings = tuple((key.strip(), value.strip()) for key, value in parts)
            continue
        formula, arrow, expected = line.rpartition(" => ")
        assert arrow, f"{path.name}:{number}: no =>"
        pairs.append(Pair(path.name, number, formula.strip(), expected.strip(), settings))
    return pairs


# --- the policy with the formulas as rules ----------------------------------------------------------------------


def policy_text(pairs: list[Pair]) -> tuple[str, dict[int, int]]:
    """The small policy with a rule 式n for every pair, and which lines of it belong to which pair."""
    rules: list[str] = []
    groups: list[str] = []
    for at, pair in enumerate(pairs):
        settings = {key: value for key, value in pair.settings if key != "计算日"}
        keys = [f"    {key}: {value}" for key, value in settings.items()]
        written = ["    公式: |-", f"      {pair.formula}"]
        if "按" in settings:
            groups += [f"  集{at}:", *keys, *written]
            rules += [f"  式{at}:", "    内部: 是", f"    公式: 集{at}"]
        else:
            rules += [f"  式{at}:", "    内部: 是", *keys, *written]
    text = (FOLDER / "policy.yaml").read_text(encoding="utf-8")
    text = text.replace("\n规则:\n", "\n".join(["", "规则:", *rules, ""]), 1)
    text = text.replace("\n集体:\n", "\n".join(["", "集体:", *groups, ""]), 1)
    owner: dict[int, int] = {}
    current: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("  式", "  集")) and line.strip().strip("式集:").isdigit():
            current = int(line.strip().strip("式集:"))
        elif not line.startswith("    "):
            current = None
        if current is not None:
            owner[number] = current
    return text, owner


def build_pairs(pairs: list[Pair]) -> tuple[Program, dict[int, list[Diagnostic]]]:
    """The program of a file's pairs, and the mistakes of each."""
    text, owner = policy_text(pairs)
    policy, found = load(SourceText("policy.yaml", text))
    assert policy is not None, found
    used = [load_file(FOLDER / name)[0] for name in ("shangji.yaml", "tingyong.yaml")]
    registry = Registry((policy, *(p for p in used if p is not None)))
    program, more = Resolver(registry).program(policy)
    assert program is not None, more
    mistakes: dict[int, list[Diagnostic]] = {}
    for diagnostic in dict.fromkeys([*found, *more]):
        if diagnostic.severity == "error":
            assert diagnostic.place is not None
            mistakes.setdefault(owner.get(diagnostic.place.line, -1), []).append(diagnostic)
    return program, mistakes


# --- the people --------------------------------------------------------------------------------------------------


def read_roster(policy: Policy) -> Roster:
    """record.yaml by the types of the policy's fields: what the readers of rosters give, without them."""
    source, _ = read_text(FOLDER / "record.yaml", "record.yaml")
    assert source is not None
    root, found = read_yaml(source)
    assert isinstance(root, Sequence)
    assert not found
    records = []
    for row, node in enumerate(root.items, 1):
        assert isinstance(node, Mapping)
        facts = {
            normalize(e.key.text): fact(policy.fields[normalize(e.key.text)], e.value) for e in node.entries
        }
        records.append(Record(str(facts["工号"]), row, facts, Place("record.yaml", row)))
    units = {"街道": {"东街": {"街道定员": 4}}}
    return Roster("record.yaml", "", parse_date(AS_OF), tuple(records), (), units)


def fact(decl: FieldDecl, node: Node) -> Any:
    kind = decl.type
    if isinstance(kind, SeriesT):
        assert isinstance(node, Mapping)
        items = [(int(e.key.text), constant(e.value, kind.item)) for e in node.entries]
        return Series(tuple(sorted(items)), decl.name)
    if isinstance(kind, RecordsT):
        assert isinstance(node, Sequence)
        return Rows(tuple(row(decl, kind, item) for item in node.items), decl.name)
    if isinstance(node, Mapping):
        dated = [(parse_date(e.key.text), constant(e.value, kind)) for e in node.entries]
        return DatedFact(tuple((day, value) for day, value in dated if day is not None))
    return constant(node, kind)


def row(decl: FieldDecl, kind: RecordsT, node: Node) -> dict[str, Any]:
    assert isinstance(node, Mapping)
    written = {normalize(e.key.text): e.value for e in node.entries}
    return {
        name: constant(written[name], column) if name in written else Unknown((f"{decl.name}.{name}",))
        for name, column in kind.columns
    }


def constant(node: Node, kind: Any) -> Any:
    assert isinstance(node, Scalar)
    value = read_constant(node.text, kind)
    assert value is not None, node.text
    return value


# --- what came out ------------------------------------------------------------------------------------------------


def outcomes(program: Program, pairs: list[Pair], mistakes: dict[int, list[Diagnostic]]) -> dict[int, Any]:
    """Outcome of every pair without a mistake, for the first person."""
    roster = read_roster(program.policy)
    days: dict[date, list[int]] = {}
    for at, pair in enumerate(pairs):
        if at not in mistakes:
            days.setdefault(pair.as_of, []).append(at)
    found: dict[int, Any] = {}
    for day, numbers in days.items():
        result = evaluate(program, roster, day, only=[f"式{at}" for at in numbers]).records[0]
        found |= {at: result.outcomes[f"式{at}"] for at in numbers}
    return found


def read_value(text: str) -> Any:
    """A value as a fixture writes it."""
    if text in ("是", "否"):
        return text == "是"
    if (day := parse_date(text)) is not None:
        return day
    try:
        return Fraction(text)
    except ValueError:
        return text


def marked(diagnostic: Diagnostic) -> str:
    place = diagnostic.place
    assert place is not None
    assert place.excerpt is not None
    return place.excerpt[place.column - 1 : place.column - 1 + place.length]


def all_pairs() -> Iterator[Pair]:
    for path in sorted(FOLDER.glob("*.txt")):
        yield from read_pairs(path)
