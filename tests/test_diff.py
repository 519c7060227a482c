"""Two versions compared: edits, classes, amending sentences and impact of a family of invented revisions; and laws.

Expected figures come from the regulation and from the roster by hand: 300元 more a month for everybody of 聘用制 in service.
"""

from __future__ import annotations

import csv
import json
import random
import re
from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engine.app.compare import Asked, Compared, compare, readings_impact, with_impact, with_witnesses
from engine.choose import Folder, Misuse
from engine.diff.changes import apply, plain
from engine.diff.edits import difference
from engine.diff.impact import same
from engine.diff.model import Difference, Edit
from engine.diff.witness import Refused, differ
from engine.evaluation import evaluate
from engine.folder import open_folder
from engine.nodes import Entry, Mapping, Node, Scalar, Sequence
from engine.program import Program
from engine.records.reader import read_roster, roster_of
from engine.registry import policy_files, whole_of
from engine.render.diff import diff_page, readings_page
from engine.render.diff_json import diff_object
from engine.render.page_html import page_html
from engine.render.page_markdown import page_markdown
from engine.render.page_text import page_text
from engine.tables import show
from engine.values import Series

ROOT = Path(__file__).parent.parent
REVISIONS = ROOT / "tests" / "revisions"
BASE, DAY = "jiaban-2021-47", date(2024, 12, 31)
ROSTER = ROOT / "examples" / "roster.csv"
SCHEMA = json.loads((ROOT / "schemas" / "diff.schema.json").read_text("utf-8"))
NAMES = sorted(path.stem for path in REVISIONS.glob("*.yaml"))


@cache
def folder() -> Folder:
    return open_folder(ROOT / "policies", ROOT)


@cache
def compared(name: str) -> Compared:
    found = compare(folder(), BASE, str(REVISIONS / f"{name}.yaml"), DAY)
    assert isinstance(found, Compared)
    assert found.difference is not None, found.diagnostics
    return found


@cache
def affected(name: str) -> Compared:
    found = with_impact(compared(name), Asked(roster=ROSTER, as_of=DAY))
    assert isinstance(found, Compared)
    assert found.impact is not None
    return found


@cache
def with_examples(name: str) -> Compared:
    return with_witnesses(compared(name), DAY)


def edits_of(name: str) -> list[Edit]:
    found = compared(name).difference
    assert found is not None
    return [edit for edit in found.edits if edit.section != "政策"]


def told(name: str) -> list[tuple[str, str, str, str]]:
    """(class, what, part, sentence) of every edit that is more than words."""
    return [
        (edit.kind, f"{edit.action}{edit.section} {edit.name}", edit.part, edit.sentence)
        for edit in edits_of(name)
        if edit.kind != "仅文字"
    ]


# ---- the family of revisions -------------------------------------------------------------------------------


def test_a_raised_figure() -> None:
    assert told("raised-base") == [
        ("参数调整", "修改参数 基本工资标准", "值", "将第二十四条第（一）项中的“2000元”修改为“2300元”。")
    ]
    (edit,) = [edit for edit in edits_of("raised-base") if edit.kind != "仅文字"]
    assert (edit.old, edit.new, edit.unit, edit.shift) == (2000, 2300, "元/月", (300, Fraction(15, 100)))
    assert edit.reaches == ("基本工资", "月工资合计")
    assert [str(article) for article in edit.articles] == ["第二十四条（一）"]


def test_a_moved_threshold() -> None:
    """More people fall under the ground: for them the rule is tighter."""
    assert told("moved-threshold") == [
        ("收紧", "修改参数 累计旷工上限", "值", "将第二十一条第（二）项中的“30天”修改为“20天”。")
    ]
    (edit,) = [edit for edit in edits_of("moved-threshold") if edit.kind != "仅文字"]
    assert (edit.effect, edit.reaches) == ("辞退情形更容易成立", ("辞退情形",))


def test_a_ground_more() -> None:
    found = told("seventh-ground")
    sentence = "第二十一条增加一项，作为第（七）项：“（七）泄露工作秘密或者居民个人信息”。"
    assert ("收紧", "增加情形 辞退情形", "任一 (七)", sentence) in found
    assert {row[1] for row in found} == {"增加情形 辞退情形", "增加字段 泄露秘密或者居民信息"}


def test_an_exception_less() -> None:
    found = {(kind, what, part) for kind, what, part, _ in told("deleted-exception")}
    gone = ("放宽", "删除规则 年终奖", "例外 「病假、事假超过期限不予发放」")
    assert gone in found
    assert {kind for kind, _, _ in found - {gone}} == {"结构变化"}
    (edit,) = [edit for edit in edits_of("deleted-exception") if edit.kind == "放宽"]
    assert edit.effect == "年终奖只增不减"
    sentences = [sentence for *_, sentence in told("deleted-exception") if sentence]
    assert "删去第二十四条第（六）项中“病假、事假超过期限不予发放”的规定。" in sentences


def test_a_split_option() -> None:
    found = told("split-education")
    assert (
        "结构变化",
        "增加表 学历工资标准",
        "[硕士研究生]",
        "在第二十四条第（二）项中增加“硕士研究生”的标准“450元”。",
    ) in found
    assert (
        "结构变化",
        "删除表 学历工资标准",
        "[研究生]",
        "删去第二十四条第（二）项中“研究生”的标准“400元”。",
    ) in found
    assert (
        "结构变化",
        "删除字段 学历",
        "选项 「研究生」",
        "删去第二十四条第（二）项中“研究生”一档。",
    ) in found


def test_a_renamed_rule() -> None:
    assert told("renamed-rule") == [
        ("等价改写", "修改规则 月工资合计", "公式", ""),
        ("等价改写", "改名规则 学历工资", "", "将第二十四条第（二）项中的“学历工资”修改为“学历津贴”。"),
    ]
    found = compared("renamed-rule").difference
    assert found is not None
    assert found.renamed == {"学历工资": "学历津贴"}


def test_a_reading_turned_into_text() -> None:
    whats = [what for _, what, _, _ in told("reading-settled")]
    assert whats == ["修改规则 基本工资", "删除口径 连续优秀上调", "增加规则 优秀上调次数"]
    assert not affected("reading-settled").impact.changed  # type: ignore[union-attr]


def test_another_unit() -> None:
    cells = [edit for edit in edits_of("unit-change") if edit.part == "[优秀]"]
    assert [(e.old, e.old_unit, e.new, e.unit, e.shift, e.kind) for e in cells] == [
        (1500, "元", 125, "元/月", None, "结构变化")
    ]
    assert cells[0].sentence == "将第二十四条第（六）项中“优秀”的标准“1500元”修改为“每月125元”。"


# ---- impact, counted by hand -------------------------------------------------------------------------------


def in_service() -> set[str]:
    """Ids of 聘用制 in service on the day, read from the roster itself."""
    with ROSTER.open(encoding="utf-8-sig", newline="") as stream:
        return {
            row["工号"]
            for row in csv.DictReader(stream)
            if row["人员类别"] == "聘用制"
            and row["参加社区工作日期"] <= "2024-12-31"
            and (row["人员状态"] == "在职" or row["离岗日期"] > "2024-12-31")
        }


def test_a_raise_is_three_hundred_for_everybody_in_service() -> None:
    impact = affected("raised-base").impact
    assert impact is not None
    total = next(total for total in impact.totals if total.name == "基本工资")
    staff = in_service()
    assert (total.counts["增加"], total.change) == (len(staff), 300 * len(staff))
    assert {person.id for person in impact.changed} == staff
    paid = next(total for total in impact.totals if total.name == "月工资合计")
    assert impact.whole.yearly == 12 * 300 * paid.counts["增加"]


@pytest.mark.parametrize("name", NAMES)
def test_totals_are_the_sums_of_people(name: str) -> None:
    impact = affected(name).impact
    assert impact is not None
    for total in impact.totals:
        shifts = [shift for person in impact.people for shift in person.shifts if shift.name == total.name]
        assert sum(total.counts.values()) == len(shifts) == len(impact.people)
        if total.change is not None:
            assert total.change == sum(Fraction(s.change) for s in shifts if s.change is not None)
    for parts in impact.parts.values():
        assert sum(part.people for part in parts) == len(impact.people)
        assert sum(part.yearly for part in parts) == impact.whole.yearly
    yearly = [person.yearly() for person in impact.people]
    assert impact.whole.yearly == sum(change for change in yearly if change is not None)


def test_records_that_only_one_side_accepts_are_listed() -> None:
    found = affected("split-education")
    assert found.impact is not None
    with ROSTER.open(encoding="utf-8-sig", newline="") as stream:
        graduates = {row["工号"] for row in csv.DictReader(stream) if row["学历"] == "研究生"}
    assert graduates
    assert set(found.impact.only_old) == graduates & {p.id for p in affected("raised-base").impact.people}  # type: ignore[union-attr]


def test_a_reading_compared_as_a_version_is() -> None:
    same_version = compare(folder(), BASE, BASE, DAY)
    assert isinstance(same_version, Compared)
    asked = Asked(roster=ROSTER, as_of=DAY, readings=("绩效工资口径=个人系数",))
    found = with_impact(same_version, asked)
    assert isinstance(found, Compared)
    assert found.impact is not None
    assert found.readings == {"绩效工资口径": ("社区统筹", "个人系数")}
    changed = {total.name for total in found.impact.totals if set(total.counts) - {"不变"}}
    assert changed == {"绩效工资", "月工资合计"}


def test_every_reading_has_a_row() -> None:
    run = readings_impact(folder(), None, ROSTER, DAY)
    assert not isinstance(run, Misuse)
    assert run.program is not None
    options = [
        (name, option.name)
        for name, decl in run.program.policy.readings.items()
        for option in decl.options
        if option.name != decl.adopted
    ]
    assert [(found.reading, found.option) for found in run.found] == options
    text = page_text(readings_page(run), 160)
    assert all(name in text for name, _ in options)


# ---- witnesses ----------------------------------------------------------------------------------------------


def alone(program: Program, facts: dict[str, Any], result: str, as_of: date) -> Any:
    """A witness's record, read and evaluated by itself as a roster would be; 「退回」 if it is not accepted."""
    plain_facts = {name: written(value) for name, value in facts.items()}
    known = {name: value for name, value in plain_facts.items() if name in program.policy.fields}
    roster, _ = roster_of([{"工号": "1", **known}, {"工号": "2"}], {}, as_of, program.policy, "举例")
    assert roster is not None
    one = next((record for record in roster.records if record.id == "1"), None)
    if one is None:
        return "退回"
    told = evaluate(program, replace(roster, records=(one,), rejected=()), as_of, only=[result])
    return told.records[0].outcomes[result]


def written(value: Any) -> Any:
    if isinstance(value, Series):
        return {str(year): part for year, part in value.items}
    return {True: "是", False: "否"}[value] if isinstance(value, bool) else show(value)


@pytest.mark.parametrize("name", NAMES)
def test_every_witness_really_differs(name: str) -> None:
    compared_ = with_examples(name)
    found = compared_.witnesses
    assert found is not None
    assert compared_.old is not None
    assert compared_.new is not None
    for witness in found.found:
        if not any(decl.owner for field in witness.record for decl in [compared_.new.policy.fields[field]]):
            before = alone(compared_.old, dict(witness.record), witness.result, found.as_of)
            after = alone(compared_.new, dict(witness.record), witness.result, found.as_of)
            assert (before, after) == (
                "退回" if isinstance(witness.before, Refused) else witness.before,
                "退回" if isinstance(witness.after, Refused) else witness.after,
            )
        assert differ(witness.before, witness.after)
        assert witness.facts.items() <= witness.record.items() | {
            (k, v) for k, v in witness.facts.items() if v is None
        }
    equal = {
        "renamed-rule": {"月工资合计", "学历津贴"},
        "reading-settled": {"基本工资", "月工资合计"},
        "unit-change": {"年终奖"},
    }
    assert set(found.none) == equal.get(name, set())


def test_the_witness_of_a_threshold_stands_at_the_threshold() -> None:
    found = with_examples("moved-threshold").witnesses
    assert found is not None
    (witness,) = found.found
    assert witness.facts == {"本年累计旷工工作日": 21}
    along = next(along for along in witness.along if along.field == "本年累计旷工工作日")
    differing = [value for value, before, after in along.rows if not same(before, after)]
    assert (min(differing), max(differing)) == (21, 30)


def test_a_word_that_one_version_does_not_know() -> None:
    found = with_examples("split-education").witnesses
    assert found is not None
    rows = [
        row
        for witness in found.found
        for along in witness.along
        if along.field == "学历"
        for row in along.rows
    ]
    assert any(isinstance(after, Refused) and value == "研究生" for value, _, after in rows)
    assert any(value == "硕士" and (before, after) == (400, 450) for value, before, after in rows)


# ---- laws -----------------------------------------------------------------------------------------------------


def root_of(name: str) -> Node:
    path = ROOT / "policies" / f"{BASE}.yaml" if name == BASE else REVISIONS / f"{name}.yaml"
    whole = whole_of(path, policy_files(ROOT / "policies"))[1]
    assert whole is not None
    return whole.root


def both_ways(name: str) -> tuple[Difference, Difference]:
    found = compared(name)
    assert found.old is not None
    assert found.new is not None
    assert found.difference is not None
    back = difference((root_of(name), found.new), (root_of(BASE), found.old))
    return found.difference, back


def test_nothing_differs_from_itself() -> None:
    found = compare(folder(), BASE, BASE, DAY)
    assert isinstance(found, Compared)
    assert found.difference is not None
    assert found.difference.edits == ()
    assert (found.difference.kind, found.difference.same_words) == (None, True)


@pytest.mark.parametrize("name", NAMES)
def test_edits_make_the_new_version_of_the_old_and_back(name: str) -> None:
    there, back = both_ways(name)
    assert plain(apply([edit.change for edit in there.edits], root_of(BASE))) == plain(root_of(name))
    assert plain(apply([edit.change for edit in back.edits], root_of(name))) == plain(root_of(BASE))


def test_edits_bring_and_take_whole_sections() -> None:
    """A section that only one version has is told entry by entry; the edits still make one version of the other."""
    found = compared("renamed-rule")
    assert found.old is not None
    assert found.new is not None
    old, new = root_of(BASE), root_of("renamed-rule")
    assert isinstance(old, Mapping)
    less = Mapping(tuple(e for e in old.entries if e.key.text != "程序"), old.flow, old.source, old.span)
    for before, after in ((less, new), (new, less)):
        edits = difference((before, found.old), (after, found.new)).edits
        assert ("程序", "辞退") in {edit.change.path for edit in edits}
        assert plain(apply([edit.change for edit in edits], before)) == plain(after)


MIRROR = {"增加": "删除", "删除": "增加", "收紧": "放宽", "放宽": "收紧"}


def seen(edits: tuple[Edit, ...], mirrored: bool = False) -> list[tuple[Any, ...]]:
    """Edits by what they do to what, as the way back would tell them if `mirrored`."""
    rows = []
    for edit in edits:
        action, kind = (MIRROR.get(word, word) if mirrored else word for word in (edit.action, edit.kind))
        sides = (edit.after, edit.before) if mirrored else (edit.before, edit.after)
        rows.append((edit.section, action, kind, *sides))
    return sorted(rows)


@pytest.mark.parametrize("name", NAMES)
def test_the_way_back_mirrors_the_way_there(name: str) -> None:
    there, back = both_ways(name)
    assert seen(there.edits, mirrored=True) == seen(back.edits)


def shuffled(node: Node, rng: random.Random) -> Node:
    """The same file with the keys of every mapping in another order."""
    if isinstance(node, Mapping):
        entries = [Entry(entry.key, shuffled(entry.value, rng)) for entry in node.entries]
        rng.shuffle(entries)
        return Mapping(tuple(entries), node.flow, node.source, node.span)
    if isinstance(node, Sequence):
        return Sequence(tuple(shuffled(item, rng) for item in node.items), node.flow, node.source, node.span)
    return node


def noted(node: Node) -> Node:
    """The same file with other words in every 说明 and 采用理由."""
    if isinstance(node, Mapping):
        entries = []
        for entry in node.entries:
            value = noted(entry.value)
            if entry.key.text in ("说明", "采用理由") and isinstance(value, Scalar):
                value = Scalar(f"{value.text}（改）", value.style, value.source, value.span)
            entries.append(Entry(entry.key, value))
        return Mapping(tuple(entries), node.flow, node.source, node.span)
    if isinstance(node, Sequence):
        return Sequence(tuple(noted(item) for item in node.items), node.flow, node.source, node.span)
    return node


@pytest.mark.parametrize("change", ["order", "notes"])
def test_order_and_notes_are_words_only(change: str) -> None:
    from engine.app.evaluate import program_of
    from engine.build import build
    from engine.choose import choose_policy
    from engine.loader import Whole, load_whole

    chosen, _ = choose_policy(folder(), BASE, DAY)
    assert chosen is not None
    assert not isinstance(chosen, Misuse)
    program, _ = program_of(folder(), chosen)
    assert program is not None
    root = root_of(BASE)
    other = shuffled(root, random.Random(7)) if change == "order" else noted(root)
    names = ((chosen.policy.source.name, other),)
    policy, problems = load_whole(Whole(other, "", names), chosen.policy.source)
    assert policy is not None, problems
    changed, problems = build(policy, chosen.registry, advice=False)
    assert changed is not None, problems
    found = difference((root, program), (other, changed))
    assert found.same_meaning
    assert not found.same_words
    assert found.kind == "仅文字"
    figures = []
    for side in (program, changed):
        roster, _ = read_roster(ROSTER, side.policy)
        assert roster is not None
        told = evaluate(side, roster, DAY)
        figures.append([(result.record.id, dict(sorted(result.outcomes.items()))) for result in told.records])
    assert figures[0] == figures[1]


# ---- written out ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_object_keeps_to_its_schema(name: str) -> None:
    found = with_witnesses(affected(name), DAY)
    written = json.loads(json.dumps(diff_object(found), ensure_ascii=False))
    jsonschema.Draft202012Validator(SCHEMA).validate(written)


@pytest.mark.parametrize("name", ["raised-base", "split-education"])
def test_pages_in_every_form(name: str) -> None:
    page = diff_page(with_witnesses(affected(name), DAY))
    text, markdown, html = page_text(page, 120), page_markdown(page), page_html(page)
    for part in ("改动", "修改条文的写法（草稿）", "举例", "对名册的影响", "变化最大的"):
        assert part in text
        assert part in markdown
        assert part in html
    assert html.count("<svg") == 2
    assert not re.search(r"(?:src|href)=[\"']?https?:", html)


def test_two_regulations_are_not_compared() -> None:
    found = compare(folder(), BASE, "guojia-tuixiu-1978", DAY)
    assert isinstance(found, Compared)
    assert found.difference is None
    assert [d.code for d in found.diagnostics] == ["E448"]


def test_a_version_that_is_not_there() -> None:
    found = compare(folder(), BASE, "jiaban-2021-74", DAY)
    assert isinstance(found, Misuse)
    assert "jiaban-2021-47" in found.hint


def test_a_field_that_is_not_there() -> None:
    found = with_impact(compared("raised-base"), Asked(roster=ROSTER, as_of=DAY, by=("街到",)))
    assert isinstance(found, Misuse)
    assert "街道" in found.hint


# ---- what orders each kind of change, and which version a word means ------------------------------------------

FORMS = """\
格式: 1
政策: {编号: 甲, 名称: 甲办法, 层级: 省, 施行: 2020-01-01, 标识: 工号}
字段:
  工号: {类型: 文字}
  级别: {选项: [初级, 高级]}
  地区: {选项: [东, 西]}
  工龄: {类型: 整数, 单位: 年, 范围: [0, 60]}
参数:
  比例: {值: 20%, 依据: 第一条}
  封顶: {值: 1200.50, 单位: 元/月, 依据: 第二条第二款}
  截止: {值: 2021-12-31, 类型: 日期, 依据: 第三条（一）2.}
  动: {单位: 元/月, 依据: 附件一, 值: {2020-01-01: {值: 10, 依据: 第四条}, 2021-01-01: {值: 12, 依据: 第四条}}}
  无据: {值: 3, 单位: 元/月}
表:
  二维: {按: [级别, 地区], 单位: 元/月, 值: {初级: {东: 1, 西: 2}, 高级: {东: 3, 西: 4}}, 依据: 第五条之一}
  档:
    按: 工龄
    单位: 元/月
    依据: 第六条（二）
    行:
      - {工龄: {不满: 5}, 值: 10}
      - {工龄: {满: 5}, 值: 20}
规则:
  甲项: {单位: 元/月, 周期: 月, 依据: 第七条, 公式: "取小(四舍五入(二维[级别, 地区] * 比例, 2) + 动 + 无据 + 档[工龄], 封顶)"}
  乙项: {校验: 工龄 < 40, 级别: 提示, 依据: 第八条}
  丙项: {公式: 计算日 <= 截止, 依据: 第九条}
条文:
  第一条: {处理: 计算}
  第二条: {处理: 计算}
  第三条: {处理: 计算}
  第四条: {处理: 计算}
  第五条: {处理: 宣示, 理由: 无}
  第五条之一: {处理: 计算}
  第六条: {处理: 计算}
  第七条: {处理: 计算}
  第八条: {处理: 计算}
  第九条: {处理: 计算}
  附件一: {处理: 宣示, 理由: 无}
"""

FORMS_CHANGED = """\
格式: 1
政策: {编号: 乙, 修订: 甲, 施行: 2021-01-01}
参数:
  比例: {值: 25%}
  封顶: {值: 1300}
  截止: {值: 2022-12-31}
  动: {值: {2021-01-01: {值: 15}, 2022-01-01: {值: 18, 依据: 第四条}}}
  无据: {值: 4}
表:
  二维: {值: {高级: {西: 5}}}
  档:
    行:
      - {工龄: {不满: 6}, 值: 10}
      - {工龄: {满: 6}, 值: 25}
规则:
  乙项: {校验: 工龄 < 45}
  丁项: {公式: 计算日 > 截止, 依据: 第十条}
删除: [规则.丙项]
条文: {第十条: {处理: 计算}, 第九条: {处理: 宣示, 理由: 无}}
"""


def test_sentences_for_every_form_of_figure(tmp_path: Path) -> None:
    """Dated figures, limits and cells of rows, inserted and new articles, and what cites nothing; and 甲, which is the
    编号 of the first version and the 系列 of all, is the first version."""
    (tmp_path / "甲.yaml").write_text(FORMS, "utf-8")
    (tmp_path / "乙.yaml").write_text(FORMS_CHANGED, "utf-8")
    result = compare(open_folder(tmp_path, ROOT), "甲", "乙", date(2024, 12, 31))
    assert isinstance(result, Compared)
    assert result.difference is not None, result.diagnostics
    assert (result.difference.old.meta.id, result.difference.new.meta.id) == ("甲", "乙")
    assert [edit.sentence for edit in result.difference.edits if edit.sentence] == [
        "将第一条中的“20%”修改为“25%”。",
        "将第二条第二款中的“1200.50元”修改为“1300元”。",
        "将第三条第（一）项第2目中的“2021年12月31日”修改为“2022年12月31日”。",
        "将第四条中自2021年1月1日起的“12元”修改为“15元”。",
        "在第四条中增加“自2022年1月1日起18元”。",
        "将第五条之一中“高级，西”的标准“4元”修改为“5元”。",
        "将第六条第（二）项中“工龄不满5年”修改为“工龄不满6年”。",
        "将第六条第（二）项中“工龄满5年”修改为“工龄满6年”。",
        "将第六条第（二）项中“工龄满5”的标准“20元”修改为“25元”。",
        "将第八条中“乙项”的要求修改为“工龄小于45”。",
        "删去第九条关于“丙项”的规定。",
        "增加第十条：“计算日晚于截止”。",
        "将“无据”的“3元”修改为“4元”。",
    ]
    limits = [edit for edit in result.difference.edits if edit.part.endswith(("工龄 满", "工龄 不满"))]
    assert [(edit.unit, edit.kind) for edit in limits] == [("年", "无法判断"), ("年", "无法判断")]


def test_what_a_lower_level_fills_in_is_laid_down(tmp_path: Path) -> None:
    base = FORMS.replace(
        "无据: {值: 3, 单位: 元/月}", "无据: {值: 信息不足, 单位: 元/月, 授权: 市, 依据: 第七条}"
    )
    city = (
        "格式: 1\n政策: {编号: 市, 细化: 甲, 名称: 市, 层级: 市, 施行: 2021-01-01}\n参数: {无据: {值: 3}}\n"
    )
    (tmp_path / "甲.yaml").write_text(base, "utf-8")
    (tmp_path / "市.yaml").write_text(city, "utf-8")
    result = compare(open_folder(tmp_path, ROOT), "甲", "市", date(2024, 12, 31))
    assert isinstance(result, Compared)
    assert result.difference is not None, result.diagnostics
    assert [e.sentence for e in result.difference.edits if e.sentence] == ["将第七条中“无据”确定为“3元”。"]
