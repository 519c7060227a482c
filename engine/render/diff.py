"""A comparison of versions as a page: edits article by article, what they do to a roster, the draft of the amending text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import groupby
from typing import Any

from engine.app.compare import Compared, ReadingsRun
from engine.citations import parse_citation
from engine.diff.impact import ONCE, PER_YEAR, STATUSES, Impact, Part, Person, Shift, Total
from engine.diff.model import CLASSES, Difference, Edit
from engine.diff.witness import GroupWitness, Refused, Witnesses, shown
from engine.program import Program
from engine.render.cells import is_money, text_value
from engine.render.charts import bar_chart, histogram
from engine.render.json_results import figure_types
from engine.render.page import Block, Formula, Heading, Items, Page, Paragraph, Picture, Table, Words
from engine.render.text_results import title_field
from engine.types import Type
from engine.values import Number, format_number
from engine.words import say

MOST_PEOPLE, LARGEST, MOST_WORDS = 200, 10, 160

_KINDS = {
    "仅文字": "含义不变，只改了说明、依据、名称等文字",
    "等价改写": "换了写法，算出来的相同",
    "参数调整": "只调整数额，不改变谁适用",
    "放宽": "条件更容易满足，或数额只增不减",
    "收紧": "条件更难满足，情形更容易成立，或数额只减不增",
    "结构变化": "增减了规则、条件、选项或程序，或改了算法",
    "无法判断": "不能从写法断定方向，请看举例和名册影响",
}


def diff_page(compared: Compared) -> Page:
    """The whole document; `compared` must have a difference."""
    difference = compared.difference
    assert difference is not None
    title = f"{difference.old.meta.id} → {difference.new.meta.id}"
    blocks = [
        Heading(1, f"版本比较：{title}"),
        *_head(difference, bool(compared.readings)),
        *_edits(difference, compared),
    ]
    if compared.witnesses is not None:
        blocks += _witnesses(compared.witnesses, compared)
    if compared.impact is not None:
        blocks += _impact(compared, compared.impact)
    return Page(f"版本比较：{title}", tuple(blocks))


def _head(difference: Difference, readings: bool) -> Iterator[Block]:
    rows = [
        (label, read(difference.old.meta), read(difference.new.meta))
        for label, read in _META
        if read(difference.old.meta) or read(difference.new.meta)
    ]
    yield Table(("", "旧", "新"), tuple(rows))
    if not difference.edits:
        if readings:
            yield Paragraph("同一个版本，只比较读法", "结论")
            return
        same = "两个版本完全相同" if difference.same_words else "只有键的先后或注释不同，含义相同"
        yield Paragraph(same, "结论")
        return
    counts = Counter(edit.kind for edit in _real(difference))
    if difference.same_meaning:
        yield Paragraph(
            "含义指纹相同：在同一个计算日，任何记录按两个版本算出来的结果都相同，只改了文字", "结论"
        )
        if (difference.old.meta.effective, difference.old.meta.expires) != (
            difference.new.meta.effective,
            difference.new.meta.expires,
        ):
            yield Paragraph("施行、失效的日期不同，从哪天起用哪个版本也就不同")
    else:
        listed = "，".join(f"{kind} {counts[kind]} 处" for kind in CLASSES if counts[kind])
        yield Paragraph(f"{difference.kind}（{listed}）", "结论")
        yield Items(tuple(f"{kind}：{_KINDS[kind]}" for kind in CLASSES if counts[kind]))


_META = (
    ("编号", lambda meta: meta.id),
    ("名称", lambda meta: meta.title),
    ("文号", lambda meta: meta.number),
    ("印发", lambda meta: str(meta.issued or "")),
    ("施行", lambda meta: str(meta.effective)),
    ("失效", lambda meta: str(meta.expires or "")),
    ("修订", lambda meta: meta.base),
)


def _real(difference: Difference) -> list[Edit]:
    """Edits but those of what the version itself is, which stand at the head."""
    return [edit for edit in difference.edits if edit.section not in ("政策", "用例", "格式")]


def article_of(edit: Edit) -> str:
    """The article that an edit stands under."""
    if not edit.articles:
        return "没有写依据的"
    first = edit.articles[0]
    if first.document:
        return first.document
    return str(type(first)(number=first.number, inserted=first.inserted, annex=first.annex))


def _edits(difference: Difference, compared: Compared) -> Iterator[Block]:
    edits = _real(difference)
    telling = [edit for edit in edits if edit.kind != "仅文字"]
    worded = [edit for edit in edits if edit.kind == "仅文字"]
    if telling:
        yield Heading(2, "改动")
    for article, own in groupby(telling, key=article_of):
        yield Heading(3, article)
        for edit in own:
            yield from _edit(edit, compared)
    sentences = tuple(dict.fromkeys(edit.sentence for edit in telling if edit.sentence))
    if sentences:
        yield Heading(2, "修改条文的写法（草稿）")
        yield Items(sentences, ordered=True)
    if worded:
        yield Heading(2, f"只改文字的 {len(worded)} 处")
        yield Items(
            tuple(
                f"{_what(edit)}：{_cut(edit.before) or '（无）'} → {_cut(edit.after) or '（无）'}"
                for edit in worded
            )
        )


def _what(edit: Edit) -> str:
    return (
        f"{edit.section}「{edit.name}」{f' {edit.part}' if edit.part else ''}" if edit.name else edit.section
    )


def _edit(edit: Edit, compared: Compared) -> Iterator[Block]:
    yield Heading(4, f"{edit.action}{_what(edit)}", aside=edit.kind)
    if edit.old is not None and edit.new is not None:
        yield Paragraph(_moved(edit))
    elif edit.action == "改名":
        yield Paragraph(f"{edit.before} → {edit.after}")
    else:
        if edit.before:
            yield from _side(edit, edit.before, "旧", compared.old)
        if edit.after:
            yield from _side(edit, edit.after, "新", compared.new)
    if edit.effect:
        yield Paragraph(edit.effect, "效果")
    if edit.reaches:
        yield Paragraph("、".join(edit.reaches), "影响到")


def _side(edit: Edit, text: str, label: str, program: Program | None) -> Iterator[Block]:
    """One side of an edit: of a rule its formula with the sentence, else what is written."""
    rule = program.rules.get(edit.name) if program is not None and edit.section == "规则" else None
    path = edit.change.path[2:]
    if rule is not None and path in ((), ("公式",), ("校验",)):
        yield Formula(" ".join(rule.decl.formula.text.split()), say(rule.formula), label)
    else:
        yield Paragraph(_cut(text), label)


def _moved(edit: Edit) -> str:
    """「2000 → 2300 元/月，增加 300（15%）」."""
    before = f"{edit.before}{f' {edit.old_unit}' if edit.old_unit and edit.old_unit != edit.unit else ''}"
    words = f"{before} → {edit.after}{f' {edit.unit}' if edit.unit else ''}"
    shift = edit.shift
    if shift is None:
        return f"{words}（单位不同）"
    by, part = shift
    if isinstance(edit.old, date):
        return f"{words}，{'推后' if by > 0 else '提前'} {abs(by)} 天"
    percent = f"（{per_cent(part)}）" if part is not None else ""
    if edit.before.endswith("%") and edit.after.endswith("%"):
        by, percent = by * 100, f" 个百分点{percent}"
    return f"{words}，{'增加' if by > 0 else '减少'} {format_number(abs(by))}{percent}"


def per_cent(part: Fraction) -> str:
    """A share as per cent, to two digits at most."""
    number = Fraction(round(part * 10000), 100)
    return f"{format_number(abs(number) if number.denominator != 1 else abs(number.numerator))}%"


def _cut(text: str) -> str:
    return text if len(text) <= MOST_WORDS else f"{text[:MOST_WORDS]}…"


# --- a roster --------------------------------------------------------------------------------------------


def _impact(compared: Compared, impact: Impact) -> Iterator[Block]:
    program, rosters = compared.new, compared.rosters
    assert program is not None
    assert rosters is not None
    yield Heading(2, "对名册的影响", aside=f"{rosters[1].file}，计算日 {impact.as_of}")
    for name, (before, after) in compared.readings.items():
        yield Paragraph(f"{before} → {after}", f"口径 {name}")
    effective = program.policy.meta.effective
    if impact.as_of < effective:
        yield Paragraph(f"计算日早于新版的施行日期 {effective}，这里按新版已经施行来算")
    yield Paragraph(_counts(impact, rosters[0].rejected, rosters[1].rejected))
    changed = [total for total in impact.totals if set(total.counts) - {"不变"}]
    if not changed:
        yield Paragraph("每个人的每一项结果都没有变化")
        yield from _groups(impact, program)
        return
    yield from _sums(impact)
    yield Heading(3, "各项结果")
    yield _totals_table(changed)
    rest = [total.name for total in impact.totals if total not in changed]
    if rest:
        yield Paragraph("、".join(rest), "没有变化的")
    yield from _charts(impact)
    for name, parts in impact.parts.items():
        if any(part.yearly or part.once or part.gain or part.lose or part.open for part in parts):
            yield Heading(3, f"按{name}")
            yield _parts_table(name, parts, impact)
    yield from _groups(impact, program)
    yield from _largest(impact, program)
    yield from _people(impact, program)


def _counts(impact: Impact, old: Sequence[Any], new: Sequence[Any]) -> str:
    whole = impact.whole
    still = len(impact.people) - len(impact.changed) - impact.unsettled
    parts = [f"比较 {len(impact.people)} 人", f"有变化 {len(impact.changed)} 人", f"没有变化 {still} 人"]
    if impact.unsettled:
        parts.append(f"两边都信息不足、看不出有没有变化 {impact.unsettled} 人")
    if impact.roots:
        parts.append(f"收入增加 {whole.gain} 人、减少 {whole.lose} 人")
        if whole.open:
            parts.append(f"{whole.open} 人的变化因信息不足算不出，不在变化合计里")
    for ids, words in ((impact.only_old, "只有旧版能算"), (impact.only_new, "只有新版能算")):
        if ids:
            shown = "、".join(ids[:5]) + ("…" if len(ids) > 5 else "")
            parts.append(f"{words} {len(ids)} 人（{shown}）")
    if old or new:
        parts.append(f"退回：旧版 {len(old)} 行，新版 {len(new)} 行")
    return "；".join(parts)


def _sums(impact: Impact) -> Iterator[Block]:
    """Sums per 周期 and for a year, over those without a gap."""
    whole = impact.whole
    rows = [
        (
            f"{period_title(period)}（{_summed(*impact.roots[period])}）",
            *(money(x) for x in (before, after, Fraction(after) - Fraction(before))),
        )
        for period, (before, after) in whole.sums.items()
    ]
    if rows:
        if any(period in PER_YEAR for period in whole.sums):
            rows.append(
                (
                    "折合全年（一次性和其他的除外）" if has_once(impact) else "折合全年",
                    "",
                    "",
                    money(whole.yearly),
                )
            )
        yield Table(("合计（元）", "旧", "新", "变化"), tuple(rows), frozenset((1, 2, 3)))


def period_title(period: str) -> str:
    return f"每{period}" if period in PER_YEAR else "一次性" if period else "其他"


def _summed(old: Sequence[str], new: Sequence[str]) -> str:
    """What a sum is of; on either side, if it is not the same."""
    if old == new:
        return "、".join(new)
    return f"旧：{'、'.join(old) or '无'}；新：{'、'.join(new) or '无'}"


def has_once(impact: Impact) -> bool:
    """Whether anything that no year repeats is paid."""
    return any(period in ONCE for period in impact.roots)


def _totals_table(totals: Iterable[Total]) -> Table:
    totals = list(totals)
    shown = [status for status in STATUSES if any(total.counts.get(status) for total in totals)]
    rows = []
    for total in totals:
        figures = [number_text(x, total.type) for x in (total.before, total.after, total.change)]
        rows.append((total.name, *figures, *(str(total.counts.get(status, 0)) for status in shown)))
    titles = ("结果", "旧合计", "新合计", "变化", *(f"{status}（人）" for status in shown))
    return Table(titles, tuple(rows), frozenset(range(1, len(titles))))


def _charts(impact: Impact) -> Iterator[Block]:
    """Of the year's changes; if there are none, of the changes of what is paid once."""
    once = not any(person.yearly() for person in impact.people)
    what, unit = ("一次性和其他", "元") if once else ("全年", "元/年")
    changes = [person.once() if once else person.yearly() for person in impact.people]
    moved = [change for change in changes if change]
    if moved:
        svg, words = histogram(moved, unit)
        still = changes.count(0)
        yield Heading(
            3, f"每人{what}变化的分布（{unit}）", aside=f"没有变化的 {still} 人不在图里" if still else ""
        )
        yield Picture(svg, words)
    for name, parts in impact.parts.items():
        rows = [(part.value, part.once if once else part.yearly) for part in parts]
        if any(value for _, value in rows):
            svg, words = bar_chart(rows, unit)
            yield Heading(3, f"{what}变化按{name}（{unit}）")
            yield Picture(svg, words)
            return


def _parts_table(name: str, parts: Sequence[Part], impact: Impact) -> Table:
    """Of the 周期 only those in which anything changes."""
    periods = [
        period
        for period in impact.roots
        if any(part.sums[period][0] != part.sums[period][1] for part in parts)
    ]
    titles = [name, "人数", "增加", "减少", "信息不足"]
    titles += [f"{period_title(period)}{side}" for period in periods for side in ("旧", "新", "变化")]
    rows = []
    for part in parts:
        cells = [part.value, str(part.people), str(part.gain), str(part.lose), str(part.open)]
        for period in periods:
            before, after = part.sums[period]
            cells += [money(before), money(after), money(Fraction(after) - Fraction(before))]
        rows.append((*cells, money(part.yearly)))
    return Table((*titles, "全年变化"), tuple(rows), frozenset(range(1, len(titles) + 1)))


def _groups(impact: Impact, program: Program) -> Iterator[Block]:
    """Figures of groups that differ."""
    if not impact.groups:
        return
    yield Heading(3, f"集体的变化（{len(impact.groups)} 项）")
    rows = []
    for shift in impact.groups[:MOST_PEOPLE]:
        kind = figure_types(program, shift.name).get(shift.label)
        words = [
            text_value(value, kind) if value is not None else "" for value in (shift.before, shift.after)
        ]
        rows.append((shift.name, "、".join(shift.key), shift.label, *words))
    yield Table(("集体", "组", "项目", "旧", "新"), tuple(rows), frozenset((3, 4)))


def _largest(impact: Impact, program: Program) -> Iterator[Block]:
    largest = impact.largest(LARGEST)
    if not largest:
        return
    yield Heading(3, f"变化最大的 {len(largest)} 人")
    for person in largest:
        once = f"，一次性和其他 {signed(person.once())} 元" if person.once() else ""
        yield Heading(4, who(person, program), aside=f"全年 {signed(person.yearly())} 元{once}")
        rows = [
            (article, name, *("（未用到）" if x is None else text_value(x, kind) for x in (before, after)))
            for article, name, before, after, kind in sorted(
                person.reasons, key=lambda reason: _article_order(reason[0])
            )
        ]
        yield Table(("依据", "项目", "旧", "新"), tuple(rows), frozenset((2, 3)))


def _article_order(cited: str) -> tuple[int, ...]:
    found = parse_citation(cited)
    return (found[0].number, found[0].item, found[0].sub) if found else (10_000,)


def _people(impact: Impact, program: Program) -> Iterator[Block]:
    people = impact.changed
    if not people:
        return
    once = any(person.once() for person in people)
    yield Heading(3, f"有变化的 {len(people)} 人")
    rows: list[tuple[Words, ...]] = []
    for person in people[:MOST_PEOPLE]:
        sums = (signed(person.yearly()), *([signed(person.once())] if once else []))
        rows.append((who(person, program), "；".join(map(shift_words, person.changed)), *sums))
    titles = (program.policy.meta.identifier, "变化", "全年（元）", *(["一次性和其他（元）"] if once else []))
    yield Table(titles, tuple(rows), frozenset((2, 3)))
    if len(people) > MOST_PEOPLE:
        yield Paragraph(
            f"其余 {len(people) - MOST_PEOPLE} 人没有列出；全部在 --format json 和 -o 文件.xlsx 里"
        )


def who(person: Person, program: Program) -> str:
    title = title_field(program, [person.record])
    name = str(person.record.facts.get(title, "")) if title else ""
    return f"{person.id} {name}".strip()


def shift_words(shift: Shift) -> str:
    before, after = text_value(shift.before, shift.type), text_value(shift.after, shift.type)
    if shift.measures is not None:
        before, after = (
            f"{text}（{measure}）" for text, measure in zip((before, after), shift.measures, strict=True)
        )
    return f"{shift.name} {before} → {after}"


def number_text(value: Number | None, kind: Type | None) -> str:
    if value is None:
        return ""
    return format_number(value, 2) if is_money(kind) else format_number(value)


def money(value: Number | Fraction) -> str:
    return format_number(value, 2)


def signed(value: Number | None) -> str:
    """「+3600.00」; 「？」 where a figure is missing."""
    if value is None:
        return "？"
    return f"{'+' if value > 0 else ''}{money(value)}"


# --- witnesses --------------------------------------------------------------------------------------------


def _witnesses(found: Witnesses, compared: Compared) -> Iterator[Block]:
    program = compared.new
    assert program is not None
    yield Heading(2, "举例：两个版本结果不同的记录", aside=f"计算日 {found.as_of}")
    if found.found or found.none:
        yield Paragraph(
            f"从一条普通的记录出发，让 {found.varied} 项事实逐项、再成组地取遍两个版本里的界限（及其两侧）、选项和日期，"
            f"共试了 {found.tried} 条记录；每个例子都用两个版本各算过"
        )
    elif not found.groups and not found.alone:
        yield Paragraph("改动没有影响到任何一项结果，没有例子可举")
    if found.alone:
        yield Paragraph(f"{'、'.join(found.alone)}（只有一个版本有的集体）", "没有找例子的")
    for witness in found.found:
        kind = program.types.get(witness.result)
        outcome = f"{outcome_text(witness.before, kind)} → {outcome_text(witness.after, kind)}"
        yield Heading(3, witness.result, aside=outcome)
        if witness.facts:
            away = "，".join(f"{name} {shown(value)}" for name, value in witness.facts.items())
            yield Paragraph(away, "与普通记录不同的")
        yield Paragraph(
            "；".join(f"{name} {shown(value)}" for name, value in witness.record.items()), "这条记录"
        )
        for along in witness.along:
            rows = tuple((shown(at), outcome_text(a, kind), outcome_text(b, kind)) for at, a, b in along.rows)
            yield Table((f"只改「{along.field}」", "旧", "新"), rows, frozenset((1, 2)))
    for roster in found.groups:
        yield from _small_roster(roster, program)
    if found.none:
        same = compared.difference is not None and compared.difference.same_meaning
        yield Paragraph("、".join(found.none), "无差异" if same else "未找到差异")


def _small_roster(found: GroupWitness, program: Program) -> Iterator[Block]:
    """The people on whom a 集体 comes out differently, and its figures."""
    yield Heading(3, found.name, aside=f"同组 {found.people} 人，由少到多试出来的")
    yield Paragraph(_facts(found.record), "每个人" if not found.others else "每个人（另有说明的除外）")
    if found.others:
        yield Paragraph(_facts(found.other), f"其中 {found.others} 人不同的")
    types = figure_types(program, found.name)
    rows = tuple(
        (shift.label, *(text_value(side, types.get(shift.label)) for side in (shift.before, shift.after)))
        for shift in found.shifts
    )
    yield Table(("项目", "旧", "新"), rows, frozenset((1, 2)))


def _facts(facts: Mapping[str, Any]) -> str:
    return "；".join(f"{name} {shown(value)}" for name, value in facts.items())


def outcome_text(outcome: Any, kind: Type | None) -> str:
    return f"退回（{outcome.field}）" if isinstance(outcome, Refused) else text_value(outcome, kind)


# --- readings ----------------------------------------------------------------------------------------------


def readings_page(run: ReadingsRun) -> Page:
    """Every reading that was not adopted, and what it would change."""
    program, roster = run.program, run.roster
    assert program is not None
    assert roster is not None
    title = f"各种读法的影响：{program.policy.meta.id}"
    rows = []
    for found in run.found:
        impact, whole = found.impact, found.impact.whole
        touched = [total.name for total in impact.totals if total.changed]
        touched += dict.fromkeys(shift.name for shift in impact.groups)
        open_ = sum(any(s.status == "新信息不足" for s in person.shifts) for person in impact.people)
        unsure = sum(person.gain() is None or person.unsettled for person in impact.people)
        yearly = _at_stake(whole.yearly, [person.yearly() for person in impact.changed])
        once = _at_stake(whole.once, [person.once() for person in impact.changed])
        rows.append(
            (
                found.reading,
                program.policy.readings[found.reading].adopted,
                found.option,
                str(len(impact.changed)),
                str(open_),
                yearly if any(period in PER_YEAR for period in impact.roots) else "",
                once if has_once(impact) else "",
                str(unsure),
                "、".join(touched) or "—",
            )
        )
    titles = (
        "口径",
        "采用",
        "改按",
        "影响人数",
        "新信息不足",
        "全年（元）",
        "一次性等（元）",
        "算不出",
        "变化的结果",
    )
    counts = f"{roster.file}，计算日 {run.as_of}：读入 {roster.read} 条，退回 {len(roster.rejected)} 条。每次只改一个口径，其余按采用的读法；算不出的人（旧或新信息不足）不在金额里"
    blocks = (Heading(1, title), Paragraph(counts), Table(titles, tuple(rows), frozenset((3, 4, 5, 6, 7))))
    return Page(title, blocks)


def _at_stake(change: Number, changes: Sequence[Number | None]) -> str:
    """A sum of changes; 「？」 where it is nought only because those who change have no figure."""
    return "？" if not change and None in changes else signed(change)
