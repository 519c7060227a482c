"""One case run and compared: a failure is a diagnostic E75x or E76x at the expected value in the cases file.

E753 口径, E754 names, E755 名册 not found, E756 a 诊断 that did not come, E757 data refused, E758 no such
record, E760 a value, E761 missing facts, E762 citations, E763 uses, E764 no such group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.diagnostics import Diagnostic, Place, place_of
from engine.evaluation import evaluate
from engine.names import normalize, suggest
from engine.nodes import Mapping as MappingNode
from engine.nodes import Node, Scalar
from engine.policy import ReadingDecl
from engine.program import Program
from engine.records.model import Roster
from engine.records.reader import read_roster, roster_of
from engine.results import Evaluation, GroupResult, RecordResult
from engine.testing.cases import Case, Expected, plain, scalars
from engine.testing.compare import agrees, article_list, cited, computed, written
from engine.testing.coverage import Part
from engine.testing.reach import Reach, reach_of_group, reach_of_result
from engine.values import Grounds, Unknown

_WHOLE = "全体"


class CaseRun:
    """One case: roster, evaluation, then every kind of assertion in the order of the file's keys."""

    def __init__(self, program: Program, case: Case, path: Path) -> None:
        self.program, self.case, self.path = program, case, path
        self.diagnostics: list[Diagnostic] = []
        self.reached: set[Part] = set()

    def fail(self, code: str, message: str, place: Place, hint: str = "") -> None:
        where = f"用例「{self.case.name}」"
        self.diagnostics.append(Diagnostic(code, message, place, f"{where}；{hint}" if hint else where))

    def run(self) -> None:
        readings = self._readings()
        self._known_names()
        if readings is None or self.diagnostics:
            return
        roster, found = self._roster()
        evaluation: Evaluation | None = None
        if roster is not None:
            evaluation = evaluate(
                self.program, roster, self.case.as_of, readings, only=self._asked(), internal=True
            )
            found = [*found, *evaluation.diagnostics]
        self._refusals(found, roster)
        if evaluation is None:
            return
        for expected in self.case.results:
            self._result(expected, evaluation)
        for expected in self.case.missing:
            self._missing(expected, evaluation)
        for expected in self.case.citations:
            self._citations(expected, evaluation)
        for expected in self.case.used:
            self._used(expected, evaluation)
        for name, unit, node in self.case.groups:
            self._group(name, unit, node, evaluation)

    # --- what the case asks for

    def _readings(self) -> dict[str, str] | None:
        decls = self.program.policy.readings
        readings = {name: decl.adopted for name, decl in decls.items()}
        for key, value in self.case.readings:
            name, option = normalize(key.text), normalize(value.text)
            decl = self._reading_decl(name)
            if decl is None:
                self.fail("E753", f"没有口径「{name}」", place_of(key.source, key.span), suggest(name, decls))
                continue
            options = [o.name for o in decl.options]
            if option not in options:
                hint = suggest(option, options) or f"可选：{'、'.join(options)}"
                self.fail(
                    "E753", f"口径「{name}」没有读法「{option}」", place_of(value.source, value.span), hint
                )
                continue
            readings[name] = option
        return None if self.diagnostics else readings

    def _reading_decl(self, name: str) -> ReadingDecl | None:
        """A 口径 of this policy, or of one that it refers to (别名.口径) on the case's day."""
        alias, dot, inner = name.partition(".")
        if not dot:
            return self.program.policy.readings.get(name)
        other = dict(self.program.uses_on(self.case.as_of)).get(alias)
        return other.readings.get(inner) if other is not None else None

    def _known_names(self) -> None:
        policy = self.program.policy
        known = [*policy.rules, *policy.grounds, *policy.groups, *policy.readings]
        expected = (*self.case.results, *self.case.missing, *self.case.citations, *self.case.used)
        keys = [*(e.key for e in expected), *(key for key, _, _ in self.case.groups)]
        for key in dict.fromkeys(keys):
            name = normalize(key.text)
            if name not in known:
                self.fail(
                    "E754",
                    f"没有结果「{name}」",
                    place_of(key.source, key.span),
                    suggest(name, known) or f"可以写的有：{'、'.join(known)}",
                )

    def _asked(self) -> list[str]:
        """Everything that a person or group can have, so that traces reach all of it."""
        policy = self.program.policy
        return [*policy.rules, *policy.grounds, *policy.groups]

    def _roster(self) -> tuple[Roster | None, list[Diagnostic]]:
        case, policy = self.case, self.program.policy
        units: dict[str, Any] = plain(case.units) if case.units is not None else {}
        if isinstance(case.roster, Scalar):
            found = self._roster_file(case.roster.text.strip())
            if found is None:
                place = place_of(case.roster.source, case.roster.span)
                self.fail(
                    "E755",
                    f"找不到名册「{case.roster.text}」",
                    place,
                    "路径从用例文件所在的文件夹或项目的根算起",
                )
                return None, []
            roster, diagnostics = read_roster(found, policy)
            if roster is None:
                return None, diagnostics
            extra, more = roster_of([], units, case.data_date, policy, str(self.path))
            if extra is not None and units:
                roster = replace(roster, units={**roster.units, **_merged(roster.units, extra.units)})
            if case.data_date is not None:
                roster = replace(roster, data_date=case.data_date)
            return roster, [*diagnostics, *more]
        if case.roster is not None:
            records = [plain(item) for item in case.roster.items]
        else:
            records = [plain(case.record)] if case.record is not None else []
        roster, diagnostics = roster_of(records, units, case.data_date, policy, str(self.path))
        single = case.record is not None and case.units is None and case.roster is None
        if roster is not None:
            roster = replace(roster, single=single)
        return roster, diagnostics

    def _roster_file(self, name: str) -> Path | None:
        folder = self.path.resolve().parent
        tried = [folder, *folder.parents, Path.cwd()]
        return next((base / name for base in tried if (base / name).is_file()), None)

    # --- assertions

    def _refusals(self, found: Iterable[Diagnostic], roster: Roster | None) -> None:
        """诊断: the codes expected are there; errors that no case expects are a failure."""
        in_place = not isinstance(self.case.roster, Scalar)
        errors = [d for d in found if d.severity == "error" or (in_place and d.code == "W801")]
        codes = {d.code for d in found}
        wanted = {normalize(code.text) for code in self.case.refused}
        for code in self.case.refused:
            if normalize(code.text) not in codes:
                got = f"，得到的是 {'、'.join(sorted(codes))}" if codes else "，这条记录没有被退回"
                self.fail("E756", f"应有诊断 {code.text}{got}", place_of(code.source, code.span))
        for error in errors:
            if error.code not in wanted:
                self.fail("E757", f"数据有误：{error.message}", self._record_place(error), error.hint)

    def _record_place(self, error: Diagnostic) -> Place:
        """The value in the case that a roster's reader found wrong, as near as can be told."""
        locator = error.place.locator if error.place else ""
        for node in (self.case.record, self.case.roster, self.case.units):
            found = _entry_named(node, locator)
            if found is not None:
                return place_of(found.source, found.span)
        return self.case.place

    def _person(self, expected: Expected, evaluation: Evaluation) -> RecordResult | None:
        if expected.person is None:
            if evaluation.records:
                return evaluation.records[0]
            if not self.diagnostics and not self.case.refused:
                self.fail("E758", "没有可以计算的记录", expected.place)
            return None
        wanted = normalize(expected.person.text)
        for result in evaluation.records:
            if normalize(result.record.id) == wanted:
                return result
        ids = [result.record.id for result in evaluation.records]
        place = place_of(expected.person.source, expected.person.span)
        self.fail("E758", f"名册里没有「{wanted}」，或这条记录被退回", place, suggest(wanted, ids))
        return None

    def _result(self, expected: Expected, evaluation: Evaluation) -> None:
        result = self._person(expected, evaluation)
        if result is None:
            return
        reach = reach_of_result(self.program, result, expected.name)
        self.reached |= reach.parts
        outcome = result.outcomes.get(expected.name)
        if not agrees(expected.node, outcome):
            message = f"「{expected.name}」应为 {written(expected.node)}，算得 {computed(outcome)}"
            self.fail("E760", message, expected.place, _working(result, expected.name))

    def _missing(self, expected: Expected, evaluation: Evaluation) -> None:
        result = self._person(expected, evaluation)
        if result is None:
            return
        wanted = {_fact(word.text) for word in scalars(expected.node)}
        outcome = result.outcomes.get(expected.name)
        missing: set[str] = set()
        if isinstance(outcome, Unknown):
            missing = {_fact(fact) for fact in outcome.missing}
        elif isinstance(outcome, Grounds):
            missing = {_fact(fact) for _, facts in outcome.open for fact in facts}
        if missing != wanted:
            got = "、".join(sorted(missing)) or f"没有缺少信息，值为 {computed(outcome)}"
            self.fail(
                "E761", f"「{expected.name}」缺的应为 {'、'.join(sorted(wanted))}，实为 {got}", expected.place
            )

    def _reach(self, expected: Expected, evaluation: Evaluation) -> Reach | None:
        result = self._person(expected, evaluation)
        if result is None:
            return None
        reach = reach_of_result(self.program, result, expected.name)
        self.reached |= reach.parts
        return reach

    def _citations(self, expected: Expected, evaluation: Evaluation) -> None:
        reach = self._reach(expected, evaluation)
        if reach is None:
            return
        for word in scalars(expected.node):
            if cited(word.text, reach.citations):
                message = f"「{expected.name}」应依据 {word.text.strip()}，所依据的条文里没有"
                hint = f"依据了：{article_list(sorted(reach.citations))}"
                self.fail("E762", message, place_of(word.source, word.span), hint)

    def _used(self, expected: Expected, evaluation: Evaluation) -> None:
        reach = self._reach(expected, evaluation)
        if reach is None:
            return
        for word in scalars(expected.node):
            wanted = "".join(normalize(word.text).split())
            if wanted not in reach.names:
                message = f"「{expected.name}」应用到「{word.text.strip()}」，计算时没有用到"
                hint = suggest(wanted, reach.names)
                self.fail("E763", message, place_of(word.source, word.span), hint)

    def _group(self, name: Scalar, unit: Scalar, node: Node, evaluation: Evaluation) -> None:
        rule = normalize(name.text)
        groups = [group for group in evaluation.groups if group.name == rule]
        wanted = normalize(unit.text)
        named = {"/".join(map(normalize, group.key.values())) or _WHOLE: group for group in groups}
        group = named.get(wanted)
        if group is None:
            hint = suggest(wanted, named) or (
                f"有：{'、'.join(named)}" if named else "这次没有这个集体的结果"
            )
            self.fail("E764", f"「{rule}」没有「{wanted}」的结果", place_of(unit.source, unit.span), hint)
            return
        self.reached |= reach_of_group(self.program, evaluation, rule)
        if isinstance(node, MappingNode):
            for entry in node.entries:
                self._figure(rule, wanted, normalize(entry.key.text), entry.key, entry.value, group)
        else:
            label = next((word for word in ("结论", "值", "总额") if word in group.figures), "值")
            self._figure(rule, wanted, label, unit, node, group)

    def _figure(self, rule: str, unit: str, label: str, key: Scalar, node: Node, group: GroupResult) -> None:
        if group.not_applicable is not None:
            if not (isinstance(node, Scalar) and normalize(node.text) == "不适用"):
                message = f"「{rule}」（{unit}）应为 {written(node)}，算得 不适用（{group.not_applicable}）"
                self.fail("E760", message, place_of(node.source, node.span))
            return
        if label not in group.figures:
            hint = suggest(label, group.figures) or f"有：{'、'.join(group.figures)}"
            self.fail("E764", f"「{rule}」没有列示「{label}」", place_of(key.source, key.span), hint)
            return
        outcome = group.figures[label]
        if not agrees(node, outcome):
            message = f"「{rule}」（{unit}）的「{label}」应为 {written(node)}，算得 {computed(outcome)}"
            self.fail("E760", message, place_of(node.source, node.span))


def _fact(text: str) -> str:
    return "".join(normalize(text).split())


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Units of two sources, the second's facts over the first's."""
    found: dict[str, Any] = {}
    for kind, units in new.items():
        known = dict(old.get(kind, {}))
        for unit, facts in units.items():
            known[unit] = {**known.get(unit, {}), **facts}
        found[kind] = known
    return found


def _entry_named(node: Node | None, locator: str) -> Node | None:
    """The value in a record whose key ends the locator of a diagnostic."""
    if isinstance(node, MappingNode):
        for entry in node.entries:
            if locator.endswith(normalize(entry.key.text)):
                return entry.value
    return None


def _working(result: RecordResult, name: str) -> str:
    """What a result was computed from, for the reader of a failure."""
    trace = result.traces.get(name)
    shown = (
        [f"{use.name}{f'[{use.detail}]' if use.detail else ''} = {computed(use.value)}" for use in trace.uses]
        if trace
        else []
    )
    return f"用到 {'，'.join(list(dict.fromkeys(shown))[:8])}" if shown else ""
