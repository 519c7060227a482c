"""A run of `eval` as a report in text: head, people, findings, groups, missing facts, totals, counts.

Which units totals are given for is read from the policy: the fields by which some 集体 groups records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from engine.app.evaluate import Run
from engine.app.missing import Missing, missing_facts
from engine.program import Program
from engine.records.model import DatedFact, Record
from engine.render.cells import NOT_APPLICABLE, UNKNOWN, is_money, text_value
from engine.render.json_results import figure_types
from engine.render.table import Column, blocks, clean, cut, lines
from engine.results import GroupResult, RecordResult
from engine.types import NumberT, TextT
from engine.validate.intervals import End
from engine.values import Grounds, NotApplicable, Unknown, format_number, missing_of

_NO_UNIT, _WHOLE = "（未填）", "全体"
_LISTED = 12
_SAMPLES = 3


def results_text(run: Run, width: int = 120, people: bool = True) -> str:
    """The report; `people` False leaves out the line per person."""
    program, roster, evaluation = run.program, run.roster, run.evaluation
    if program is None:
        return ""
    parts = [_head(run, program)]
    if roster is None or evaluation is None:
        return "\n".join(parts[0])
    results = evaluation.records
    if people and roster.single and len(results) == 1:
        parts.append(_single(run, program, results[0]))
    elif people and results:
        parts += _people(run, program, results, width)
    parts.append(_findings(results))
    for name in dict.fromkeys(group.name for group in evaluation.groups):
        parts += _groups(program, name, [g for g in evaluation.groups if g.name == name], width)
    if not (roster.single and len(results) == 1):
        parts.append(_missing(run, program))
        parts += _totals(run, program, results, width)
    counts = f"读入 {roster.read} 条：计算 {len(results)}，退回 {len(roster.rejected)}"
    parts.append([counts])
    return "\n\n".join("\n".join(part) for part in parts if part)


def _head(run: Run, program: Program) -> list[str]:
    meta = program.policy.meta
    named = "，".join(text for text in (meta.id, meta.number, f"{meta.effective} 施行") if text)
    found = [f"政策：{clean(meta.title)}（{clean(named)}）", f"计算日：{run.as_of}"]
    uses = [
        f"{alias} = {used.meta.id if used else '当日没有施行的版本'}"
        for alias, used in program.uses_on(run.as_of)
    ]
    if uses:
        found.append(f"引用：{'、'.join(uses)}")
    if run.readings:
        adopted = {name: decl.adopted for name, decl in program.policy.readings.items()}
        changed = [f"{n} = {option}" for n, option in run.readings.items() if option != adopted.get(n)]
        rest = f"其余 {len(run.readings) - len(changed)}" if changed else f"{len(run.readings)}"
        listed = f"{'、'.join(changed)}（改选），" if changed else ""
        found.append(f"口径：{listed}{rest} 项按政策采用的读法")
    return found


def shown_names(run: Run, results: Sequence[RecordResult]) -> list[str]:
    """Results with a figure per person: those asked for, and groups that people have a figure of."""
    with_figure = {name for result in results for name in result.outcomes}
    return [*run.results, *(name for name in run.groups if name in with_figure)]


def title_field(program: Program, records: Sequence[Record]) -> str | None:
    """A text kept for the register only, such as a person's name: shown beside the identifier."""
    for name, decl in program.policy.fields.items():
        known = decl.register and isinstance(decl.type, TextT) and not decl.format and not decl.owner
        if (
            known
            and name != program.policy.meta.identifier
            and any(name in record.facts for record in records)
        ):
            return name
    return None


def _fixed(program: Program, results: Sequence[RecordResult]) -> list[Column]:
    ids = tuple(clean(result.record.id) or str(result.record.row) for result in results)
    columns = [Column(program.policy.meta.identifier, ids)]
    if title := title_field(program, [result.record for result in results]):
        columns.append(
            Column(title, tuple(cut(clean(str(r.record.facts.get(title, ""))), 16) for r in results))
        )
    return columns


def _people(run: Run, program: Program, results: Sequence[RecordResult], width: int) -> list[list[str]]:
    types = program.result_types
    columns = []
    for name in shown_names(run, results):
        cells = tuple(cut(clean(text_value(r.outcomes.get(name), types.get(name))), 30) for r in results)
        columns.append(Column(name, cells, right=isinstance(types.get(name), NumberT)))
    found = blocks(_fixed(program, results), columns, width)
    found[-1].append(f"（{NOT_APPLICABLE} 不适用，{UNKNOWN} 信息不足）")
    return found


def _single(run: Run, program: Program, result: RecordResult) -> list[str]:
    """One record given alone: a line per result, with reasons and missing facts."""
    names = shown_names(run, [result])
    values, notes = [], []
    for name in names:
        outcome, kind = result.outcomes.get(name), program.result_types.get(name)
        values.append(text_value(outcome, kind))
        unit = str(kind.unit) if isinstance(kind, NumberT) and not kind.unit.is_bare else ""
        if isinstance(outcome, NotApplicable):
            notes.append(f"不适用：{clean(outcome.reason)}")
        elif isinstance(outcome, Unknown) or (isinstance(outcome, Grounds) and outcome.open):
            notes.append(f"信息不足：{clean('、'.join(missing_of(outcome)))}")
        else:
            notes.append(unit)
    title = f"{program.policy.meta.identifier}：{clean(result.record.id) or '（未填）'}"
    table = [Column("结果", tuple(names)), Column("值", tuple(values), right=True), Column("", tuple(notes))]
    defaults = [f"按缺省值计算的字段：{'、'.join(result.defaults)}"] if result.defaults else []
    return [title, *lines(table), *defaults]


def _people_list(ids: Sequence[str]) -> str:
    listed = "、".join(ids[:_LISTED])
    return listed if len(ids) <= _LISTED else f"{listed} 等 {len(ids)} 人"


def _findings(results: Sequence[RecordResult]) -> list[str]:
    """Findings of 校验 by rule and level: who, and what decided it for the first few."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for result in results:
        for finding in result.findings:
            texts = found.setdefault((finding.rule, finding.level), {})
            texts.setdefault(finding.text, []).append(clean(result.record.id))
    if not found:
        return []
    people = {key: [id_ for ids in texts.values() for id_ in ids] for key, texts in found.items()}
    body = []
    for (rule, level), texts in sorted(found.items(), key=lambda item: -len(people[item[0]])):
        ids = people[rule, level]
        body.append(f"  {rule}（{level}）{len(ids)} 人：{_people_list(sorted(ids))}")
        common = sorted(texts.items(), key=lambda item: -len(item[1]))
        for text, those in common[:_SAMPLES]:
            body.append(
                f"    {clean(text)}"
                + (
                    f"：{_people_list(those[:3])}等 {len(those)} 人"
                    if len(those) > 3
                    else f"：{'、'.join(those)}"
                )
            )
        if len(common) > _SAMPLES:
            body.append(f"    …另有 {sum(len(those) for _, those in common[_SAMPLES:])} 人")
    return [f"校验发现 {sum(map(len, people.values()))} 处", *body]


def _groups(program: Program, name: str, groups: Sequence[GroupResult], width: int) -> list[list[str]]:
    types = figure_types(program, name)
    by = program.groups_by_name[name].by
    labels = list(dict.fromkeys(label for group in groups for label in group.figures))
    fixed = [Column(field, tuple(clean(group.key.get(field, "")) for group in groups)) for field in by]
    fixed = fixed or [Column("范围", (_WHOLE,) * len(groups))]
    columns = []
    for label in labels:
        cells = tuple(
            NOT_APPLICABLE
            if g.not_applicable is not None
            else clean(text_value(g.figures.get(label), types.get(label)))
            for g in groups
        )
        columns.append(Column(label, cells, right=isinstance(types.get(label), NumberT)))
    if any(group.finding for group in groups):
        columns.append(Column("校验", tuple(group.finding or "" for group in groups)))
    missing = Counter(
        fact for group in groups for value in group.figures.values() for fact in set(missing_of(value))
    )
    reasons = dict.fromkeys(group.not_applicable for group in groups if group.not_applicable)
    found = blocks(fixed, columns, width)
    found[0].insert(0, f"集体：{name}")
    if missing:
        found[-1].append(f"  信息不足，缺：{'、'.join(clean(fact) for fact, _ in missing.most_common())}")
    found[-1] += [f"  不适用：{clean(reason)}" for reason in reasons]
    return found


def _missing(run: Run, program: Program) -> list[str]:
    """Missing facts by how many results they hold up, with what is known of the money."""
    ranked = missing_facts(run)
    if not ranked:
        return []
    columns = [
        Column("缺少的信息", tuple(cut(clean(entry.fact), 60) for entry in ranked)),
        Column("人数", tuple(str(entry.people) for entry in ranked), right=True),
        Column("待定结果", tuple(str(entry.open) for entry in ranked), right=True),
        Column(
            "其中金额", tuple("；".join(_stake(*part) for part in entry.money.items()) for entry in ranked)
        ),
        Column("影响", tuple(_held_up(entry, program) for entry in ranked)),
    ]
    return lines(columns)


def _stake(unit: str, amount: tuple[End, End]) -> str:
    """「0.00～1500.00 元」; 「2000.00 元/月以上」 where there is no most."""
    low, high = (None if isinstance(end, float) else format_number(end, 2) for end in amount)
    if low is not None and high is not None:
        return f"{low} {unit}" if low == high else f"{low}～{high} {unit}"
    return (
        f"{low} {unit}以上"
        if low is not None
        else f"{high} {unit}以下"
        if high is not None
        else f"{unit}，无界"
    )


def _held_up(entry: Missing, program: Program) -> str:
    """The results that wait for a fact, those in money first."""
    names = sorted(entry.results, key=lambda name: not is_money(program.result_types.get(name)))
    more = f"等 {len(names)} 项" if len(names) > _SAMPLES else ""
    return "、".join(names[:_SAMPLES]) + more


def _money_names(run: Run, program: Program, results: Sequence[RecordResult]) -> list[str]:
    """Results in money that each person has an amount of; a group's common figure is no one's amount."""
    return [
        name
        for name in shown_names(run, results)
        if is_money(program.result_types.get(name))
        and (name not in program.groups_by_name or program.groups_by_name[name].total is not None)
    ]


def _sum(name: str, results: Sequence[RecordResult]) -> tuple[int | Fraction, int, int]:
    """Total, how many have an amount, how many are 信息不足."""
    total: int | Fraction = 0
    having = missing = 0
    for result in results:
        outcome: Any = result.outcomes.get(name)
        if isinstance(outcome, Unknown):
            missing += 1
        elif not isinstance(outcome, NotApplicable) and outcome is not None:
            total += outcome
            having += 1
    return total, having, missing


def _totals(run: Run, program: Program, results: Sequence[RecordResult], width: int) -> list[list[str]]:
    names = _money_names(run, program, results)
    if not names or not results:
        return []
    sums = [_sum(name, results) for name in names]
    units = [kind.unit for name in names if isinstance(kind := program.result_types[name], NumberT)]
    overall = lines(
        [
            Column("合计", tuple(names)),
            Column("单位", tuple(str(unit) for unit in units)),
            Column("金额", tuple(format_number(total, 2) for total, _, _ in sums), right=True),
            Column("有数额人数", tuple(str(having) for _, having, _ in sums), right=True),
            Column("信息不足人数", tuple(str(missing) for _, _, missing in sums), right=True),
        ]
    )
    if run.roster is not None and run.roster.rejected:
        overall.append(f"（退回的 {len(run.roster.rejected)} 条不在合计内）")
    found = [overall]
    for by in dict.fromkeys(group.by for group in program.groups_by_name.values() if group.by):
        found += _totals_by(by, names, run, results, width)
    return found


def unit_of(record: Record, by: Sequence[str], run: Run) -> tuple[str, ...]:
    """The unit that a record belongs to on the day."""
    found = []
    for name in by:
        fact = record.facts.get(name)
        if isinstance(fact, DatedFact):
            fact = fact.on(run.as_of)
        found.append(clean(text_value(fact)) if fact is not None else _NO_UNIT)
    return tuple(found)


def _totals_by(
    by: tuple[str, ...], names: Sequence[str], run: Run, results: Sequence[RecordResult], width: int
) -> list[list[str]]:
    members: dict[tuple[str, ...], list[RecordResult]] = {}
    for result in results:
        members.setdefault(unit_of(result.record, by, run), []).append(result)
    units = sorted(members)
    fixed = [Column(name, tuple(unit[i] for unit in units)) for i, name in enumerate(by)]
    columns = []
    for name in names:
        cells = []
        for unit in units:
            total, having, missing = _sum(name, members[unit])
            amount = format_number(total, 2) if having else NOT_APPLICABLE if not missing else UNKNOWN
            cells.append(f"{amount}（缺 {missing}）" if missing else amount)
        columns.append(Column(name, tuple(cells), right=True))
    found = blocks(fixed, columns, width)
    found[0].insert(0, f"按{'、'.join(by)}合计（「缺」是信息不足的人数，不在合计内）")
    return found
