"""Money that a change moves, and which way a change goes, on a small policy whose figures can be added up by eye.

Three of four people are in service. 1: ten years, certified; 2: three years; 3: six years, certified; 4: left.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
import pytest

from engine.app.compare import Asked, Compared, compare, readings_impact, with_impact, with_witnesses
from engine.choose import Misuse
from engine.diff.impact import Impact
from engine.diff.model import Edit
from engine.diff.witness import GroupWitness
from engine.evaluation import evaluate
from engine.folder import open_folder
from engine.program import Program
from engine.records.reader import roster_of
from engine.render.diff import diff_page, readings_page
from engine.render.diff_json import diff_object
from engine.render.page import Table
from engine.render.page_text import page_text
from tests.test_diff import ROOT, SCHEMA, written

DAY = date(2024, 12, 31)
BASE = """\
格式: 1
政策: {编号: jia-2024, 系列: jia, 名称: 甲办法, 印发: 2024-01-01, 施行: 2024-01-01, 标识: 工号}
字段:
  工号: {类型: 文字}
  岗位: {选项: [管理, 一般]}
  工龄: {类型: 整数, 单位: 年, 范围: [0, 50]}
  在岗: {类型: 是否}
  持证: {类型: 是否}
参数:
  津贴标准: {值: 1200, 单位: 元}
  奖标准: {值: 600, 单位: 元}
  月补: {值: 100, 单位: 元/月}
  老补: {值: 300, 单位: 元/月}
  取证奖: {值: 1000, 单位: 元}
规则:
  在岗人员: {内部: 是, 公式: 在岗, 不适用说明: 不在岗, 依据: 第一条}
  持证人员: {内部: 是, 公式: 持证, 不适用说明: 无证, 依据: 第一条}
  津贴: {适用: [在岗人员], 周期: 年, 单位: 元, 公式: 津贴标准, 依据: 第二条}
  奖金: {适用: [在岗人员], 周期: 年, 单位: 元, 公式: 奖标准, 依据: 第三条}
  工龄补贴: {适用: [在岗人员], 周期: 月, 单位: 元/月, 公式: 若 工龄 >= 5 则 老补 否则 月补, 依据: 第四条}
  证补: {适用: [在岗人员], 周期: 月, 单位: 元/月, 公式: 若 持证 则 月补 否则 0, 依据: 第四条}
  证书补: {内部: 是, 适用: [在岗人员, 持证人员], 单位: 元/月, 公式: 老补, 依据: 第四条}
  月合计: {适用: [在岗人员], 周期: 月, 单位: 元/月, 公式: 工龄补贴 + 证补, 依据: 第四条}
  优待: {适用: [在岗人员], 公式: 持证 且 工龄 >= 5, 依据: 第五条}
  取证奖励: {适用: [在岗人员], 周期: 一次, 单位: 元, 触发日: 2024-06-01, 公式: 若 持证 则 取证奖 否则 0, 依据: 第五条}
  达标: {适用: [在岗人员], 校验: 工龄 >= 1, 依据: 第六条}
情形:
  退出情形:
    依据: 第七条
    适用: [在岗人员]
    任一: {（一）: {当: 工龄 > 40, 依据: 第七条（一）}}
条文:
  第一条: {处理: 计算, 见: [在岗人员]}
  第二条: {处理: 计算, 见: [津贴]}
  第三条: {处理: 计算, 见: [津贴]}
  第四条: {处理: 计算, 见: [工龄补贴]}
  第五条: {处理: 计算, 见: [优待]}
  第六条: {处理: 校验, 见: [达标]}
  第七条: {处理: 计算, 见: [退出情形]}
"""
ROSTER = "工号,岗位,工龄,在岗,持证\n1,管理,10,是,是\n2,一般,3,是,否\n3,一般,6,是,是\n4,一般,6,否,是\n"


def revised(tmp_path: Path, *changes: tuple[str, str], base: str = BASE, roster: str = ROSTER) -> Compared:
    """The base against itself with words replaced; with the impact on the roster."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "jia-2024.yaml").write_text(base, encoding="utf-8")
    text = base.replace("jia-2024", "jia-2025").replace("2024-01-01, 标识", "2025-01-01, 标识")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (tmp_path / "jia-2025.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "名册.csv").write_text(roster, encoding="utf-8")
    folder = open_folder(tmp_path / "policies", tmp_path)
    found = compare(folder, "jia-2024", str(tmp_path / "jia-2025.yaml"), DAY)
    assert isinstance(found, Compared)
    assert found.difference is not None, found.diagnostics
    found = with_impact(found, Asked(roster=tmp_path / "名册.csv", as_of=DAY))
    assert isinstance(found, Compared)
    return found


def impact_of(found: Compared) -> Impact:
    assert found.impact is not None
    jsonschema.Draft202012Validator(SCHEMA).validate(diff_object(found))
    return found.impact


def edits_of(found: Compared) -> list[Edit]:
    assert found.difference is not None
    return [edit for edit in found.difference.edits if edit.section != "政策"]


# ---- money ----------------------------------------------------------------------------------------------


def test_another_period_is_compared_by_the_year(tmp_path: Path) -> None:
    """1200元 a year and 100元 a month are the same money: neither loses."""
    found = revised(
        tmp_path,
        ("津贴标准: {值: 1200, 单位: 元}", "津贴标准: {值: 100, 单位: 元/月}"),
        ("周期: 年, 单位: 元, 公式: 津贴标准", "周期: 月, 单位: 元/月, 公式: 津贴标准"),
    )
    impact = impact_of(found)
    assert (impact.whole.yearly, impact.whole.gain, impact.whole.lose) == (0, 0, 0)
    assert impact.whole.sums["月"] == (400 + 100 + 400, 400 + 100 + 400 + 3 * 100)
    assert impact.whole.sums["年"] == (3 * (1200 + 600), 3 * 600)
    (total,) = [total for total in impact.totals if total.name == "津贴"]
    assert (dict(total.counts), total.change) == ({"改变": 3, "不变": 1}, None)
    assert "津贴 1200.00（元，每年） → 100.00（元/月，每月）" in page_text(diff_page(found), 200)


def test_a_result_that_is_gone_is_money_lost(tmp_path: Path) -> None:
    found = revised(
        tmp_path,
        ("  奖标准: {值: 600, 单位: 元}\n", ""),
        ("  奖金: {适用: [在岗人员], 周期: 年, 单位: 元, 公式: 奖标准, 依据: 第三条}\n", ""),
    )
    impact = impact_of(found)
    assert (impact.whole.yearly, impact.whole.lose) == (-3 * 600, 3)
    assert impact.roots["年"] == (("津贴", "奖金"), ("津贴",))
    (first, *_) = impact.largest(10)
    assert [(article, name, before, after) for article, name, before, after, _ in first.reasons] == [
        ("", "奖标准", 600, None),
        ("第三条", "奖金", 600, None),
    ]


def test_a_result_that_comes_is_money_gained(tmp_path: Path) -> None:
    rule = "  房补: {适用: [在岗人员], 周期: 月, 单位: 元/月, 公式: 老补, 依据: 第三条}\n  优待:"
    impact = impact_of(revised(tmp_path, ("  优待:", rule)))
    assert (impact.whole.yearly, impact.whole.gain) == (12 * 3 * 300, 3)


def test_a_part_taken_out_of_a_sum_is_still_paid(tmp_path: Path) -> None:
    impact = impact_of(revised(tmp_path, ("公式: 工龄补贴 + 证补", "公式: 工龄补贴")))
    assert impact.roots["月"] == (("月合计",), ("证补", "月合计"))
    assert (impact.whole.sums["月"], impact.whole.yearly, impact.whole.lose) == ((900, 900), 0, 0)


def test_what_only_decides_about_an_amount_is_no_part_of_it(tmp_path: Path) -> None:
    """A subsidy for those whose allowance is below a limit does not contain the allowance."""
    formula = "若 津贴 > 奖标准 则 奖标准 否则 0"
    impact = impact_of(revised(tmp_path, ("公式: 奖标准, 依据", f"公式: {formula}, 依据")))
    assert impact.roots["年"] == (("津贴", "奖金"), ("津贴", "奖金"))


def test_what_is_paid_once_has_gainers_too(tmp_path: Path) -> None:
    found = revised(tmp_path, ("取证奖: {值: 1000", "取证奖: {值: 2000"))
    impact = impact_of(found)
    assert (impact.whole.yearly, impact.whole.once, impact.whole.gain) == (0, 2 * 1000, 2)
    assert impact.whole.sums["一次"] == (2000, 4000)
    assert [(person.id, person.once()) for person in impact.largest(10)] == [("1", 1000), ("3", 1000)]
    text = page_text(diff_page(found), 200)
    assert "收入增加 2 人、减少 0 人" in text
    assert "每人一次性和其他变化的分布（元）（没有变化的 2 人不在图里）\n\n1000元 2 人" in text


def test_sums_are_the_sums_of_people(tmp_path: Path) -> None:
    impact = impact_of(
        revised(tmp_path, ("月补: {值: 100", "月补: {值: 150"), ("取证奖: {值: 1000", "取证奖: {值: 900"))
    )
    assert (
        impact.whole.yearly == sum(Fraction(person.yearly() or 0) for person in impact.people) == 12 * 3 * 50
    )
    assert impact.whole.once == sum(Fraction(person.once() or 0) for person in impact.people) == -200
    for parts in impact.parts.values():
        assert sum(Fraction(part.once) for part in parts) == -200


def test_what_neither_side_knows_is_not_unchanged(tmp_path: Path) -> None:
    """The one without 持证 may gain 300 or not; what 持证 does not touch is known to stay."""
    roster = ROSTER.replace("2,一般,3,是,否", "2,一般,3,是,")
    found = revised(tmp_path, ("否则 0, 依据: 第四条", "否则 老补, 依据: 第四条"), roster=roster)
    impact = impact_of(found)
    counts = {total.name: dict(total.counts) for total in impact.totals}
    assert counts["证补"] == {"不变": 3, "仍信息不足": 1}
    assert counts["取证奖励"] == {"不变": 4}
    assert (impact.unsettled, len(impact.changed), impact.whole.open) == (1, 0, 1)
    text = page_text(diff_page(found), 200)
    assert "有变化 0 人；没有变化 3 人；两边都信息不足、看不出有没有变化 1 人" in text
    assert "每个人的每一项结果都没有变化" not in text
    assert "有变化的 0 人" not in text


# ---- classes --------------------------------------------------------------------------------------------

SCOPE = "适用: [在岗人员], 校验"
RIGHT = "优待: {适用: [在岗人员], 公式: 持证 且 工龄 >= 5"
PAY = "公式: 津贴标准"
OLDER = "公式: 若 工龄 >= 5 则 老补 否则 月补"


@pytest.mark.parametrize(
    ("changes", "kind", "effect"),
    [
        # the same conditions the other way round
        ([(RIGHT, "优待: {适用: [在岗人员], 公式: 工龄 >= 5 且 持证")], "等价改写", ""),
        # a right for fewer people
        ([(RIGHT, RIGHT.replace("5", "6"))], "收紧", "优待更难成立"),
        ([(RIGHT, RIGHT.replace("员]", "员, 持证人员]"))], "收紧", "优待适用的人减少"),
        # a 校验 that asks more, and one that asks fewer people
        ([("校验: 工龄 >= 1", "校验: 工龄 >= 2")], "收紧", "达标更难成立"),
        ([(SCOPE, SCOPE.replace("员]", "员, 持证人员]"))], "放宽", "达标适用的人减少"),
        # a 情形 that covers fewer people
        ([("适用: [在岗人员]\n", "适用: [在岗人员, 持证人员]\n")], "放宽", "退出情形适用的人减少"),
        # a literal that decides is no amount; one that is paid is
        ([(OLDER, OLDER.replace("5", "10"))], "收紧", "工龄补贴只减不增；月合计只减不增"),
        ([(OLDER, OLDER.replace("5", "3"))], "放宽", "工龄补贴只增不减；月合计只增不减"),
        (
            [(OLDER, OLDER.replace("工龄 >= 5", "工龄 >= 5 且 持证"))],
            "收紧",
            "工龄补贴只减不增；月合计只减不增",
        ),
        # an exception that gives less than the rule, or more; one whose condition some have no answer to; two at odds
        ([(PAY, f"{PAY}, 例外: [{{当: 工龄 < 3, 则: 0}}]")], "收紧", "津贴只减不增"),
        ([(PAY, f"{PAY}, 例外: [{{当: 优待, 则: 津贴标准 * 2}}]")], "放宽", "津贴只增不减"),
        ([(PAY, f"{PAY}, 例外: [{{当: 工龄 < 3, 则: 奖标准 * 工龄}}]")], "结构变化", ""),
        ([(PAY, f"{PAY}, 例外: [{{当: 证书补 > 0, 则: 0}}]")], "结构变化", ""),
        ([("则 月补 否则 0", "则 月补 否则 50 * 月补")], "结构变化", ""),
        ([(OLDER, OLDER.replace("5 则 老补 否则 月补", "9 则 月补 否则 老补"))], "结构变化", ""),
        ([(OLDER, OLDER.replace("老补 否则", "老补 * 2 否则"))], "结构变化", ""),
    ],
)
def test_which_way_a_change_goes(
    tmp_path: Path, changes: list[tuple[str, str]], kind: str, effect: str
) -> None:
    (edit,) = edits_of(revised(tmp_path, *changes))
    assert (edit.kind, edit.effect) == (kind, effect)


def test_a_figure_that_gets_a_day_is_a_figure(tmp_path: Path) -> None:
    (edit,) = edits_of(revised(tmp_path, ("月补: {值: 100", "月补: {值: {2024-01-01: 100, 2025-01-01: 150}")))
    assert edit.kind == "参数调整"


def test_a_reading_that_no_version_adopts_moves_nothing() -> None:
    found = amended(
        "口径: {工伤医疗期除外: {读法: {病假和事假: {公式: 病假六个月 > 病假上限 且 非 工伤医疗期}}}}"
    )
    assert found.difference is not None
    (edit,) = [edit for edit in found.difference.edits if edit.section == "口径"]
    assert (edit.kind, edit.effect) == ("结构变化", "没有采用的读法，改按「病假和事假」时才有影响")
    assert found.witnesses is not None
    assert (found.witnesses.found, found.witnesses.none) == ((), ("年终奖",))
    assert "未找到差异：年终奖" in page_text(diff_page(found), 200)


def test_a_figure_of_a_group_may_be_called_as_a_word_is(tmp_path: Path) -> None:
    """「说明」 as a label of 列示 is a figure, not a note."""
    group = "\n集体:\n  人员: {按: 岗位, 依据: 第一条, 列示: {说明: 人数()}, 校验: 人数() <= 9}\n情形:\n"
    text = BASE.replace("\n情形:\n", group)
    (edit,) = edits_of(revised(tmp_path, ("说明: 人数()", "说明: 人数() + 1"), base=text))
    assert edit.kind == "结构变化"


@pytest.mark.parametrize(
    ("formula", "kind"),
    [
        ("工龄补贴 + 证补", "收紧"),
        # less of what is taken away would be more, but who is not covered has no figure at all
        ("工龄补贴 - 证补", "收紧"),
        # what stands in for a figure, or is the least of those there are, may be more than it was
        ("工龄补贴 + 不适用时(证补, 老补)", "无法判断"),
        ("取小(工龄补贴, 证补)", "无法判断"),
        ("若 适用于(证补) 则 月补 否则 老补", "无法判断"),
    ],
)
def test_who_is_covered_moves_apart_from_how_much(tmp_path: Path, formula: str, kind: str) -> None:
    """Both versions have the formula; the new one narrows who gets 证补."""
    text = BASE.replace("公式: 工龄补贴 + 证补", f"公式: '{formula}'")
    change = ("证补: {适用: [在岗人员]", "证补: {适用: [在岗人员, 持证人员]")
    (edit,) = edits_of(revised(tmp_path, change, base=text))
    assert edit.kind == kind


# ---- readings, examples, days ---------------------------------------------------------------------------


def test_a_reading_whose_money_is_not_known_does_not_read_as_nought() -> None:
    """Eight leavers have no grade: what 按合格 gives them is not known to be nothing; 45 lack other facts either way."""
    run = readings_impact(open_folder(ROOT / "policies", ROOT), None, ROOT / "examples" / "roster.csv", DAY)
    assert not isinstance(run, Misuse)
    (table,) = [block for block in readings_page(run).blocks if isinstance(block, Table)]
    rows = {(str(row[0]), str(row[2])): [str(cell) for cell in row[3:8]] for row in table.rows}
    assert rows["离岗无等次者年终奖", "按合格"] == ["8", "0", "？", "", "53"]
    # the one whose 绩效系数 is not filled in has no 月工资合计 either way
    assert rows["连续优秀上调", "仅一次"] == ["20", "0", "-73200.00", "", "1"]
    assert rows["取证奖励对象", "聘用制"] == ["36", "0", "", "-7000.00", "1"]
    # 辞退情形 of whom no ground is known to hold any longer, and some may
    assert rows["年度旷工", "滚动十二个月"][:2] == ["184", "158"]


@pytest.mark.parametrize(
    ("change", "name", "people", "others", "figures"),
    [
        # 15% of five is 0.75, 20% is 1; of fewer both are 0
        ("参数: {优秀比例上限: {值: 15%}}", "优秀比例", 5, 0, {"上限": (1, 0)}),
        # 25% of four is 1, 20% is 0.8
        ("参数: {优秀比例上限: {值: 25%}}", "优秀比例", 4, 0, {"上限": (0, 1)}),
        # sixteen are not fewer than sixteen
        ("集体: {社区定员: {校验: 人数() < 社区定员标准}}", "社区定员", 16, 0, {"结论": (True, False)}),
        # nobody has a share of at least 1
        (
            "集体: {绩效工资分配: {分配: {总额: 绩效工资标准 * 人数(绩效系数 >= 1)}}}",
            "绩效工资分配",
            1,
            0,
            {"总额": (500, 0)},
        ),
        # one 优秀 of four: 20% is none, 25% is one; of fewer both are none
        (
            "集体: {优秀比例: {校验: 计入优秀人数 <= 向下取整(优秀基数人数 * 25%)}}",
            "优秀比例",
            4,
            1,
            {"结论": (False, True)},
        ),
    ],
)
def test_a_group_has_a_roster_on_which_it_differs(
    change: str, name: str, people: int, others: int, figures: dict[str, tuple[Any, Any]]
) -> None:
    """The smallest there is; read and evaluated by itself, as an officer's roster would be, it differs just so."""
    found = amended(change)
    assert found.witnesses is not None
    (roster,) = [roster for roster in found.witnesses.groups if roster.name == name]
    assert {shift.label: (shift.before, shift.after) for shift in roster.shifts} == figures
    assert (roster.people, roster.others) == (people, others)
    for program, side in ((found.old, 0), (found.new, 1)):
        assert program is not None
        records, units = _as_written(program, roster)
        read, problems = roster_of(records, units, found.witnesses.as_of, program.policy, "举例")
        assert read is not None, problems
        told = evaluate(program, read, found.witnesses.as_of, only=[name])
        (group,) = [group for group in told.groups if group.name == name]
        assert {label: group.figures[label] for label in figures} == {
            label: pair[side] for label, pair in figures.items()
        }
    text = page_text(diff_page(found), 200)
    assert f"同组 {people} 人" in text


def _as_written(program: Program, roster: GroupWitness) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A roster's records as texts, and the facts of their units."""
    records, units = [], {}
    for number in range(1, roster.people + 1):
        facts = {**roster.record, **(roster.other if number <= roster.others else {})}
        own: dict[str, Any] = {"工号": str(number)}
        for field, value in facts.items():
            owner = program.policy.fields[field].owner
            if owner:
                units.setdefault(owner, {}).setdefault(facts[owner], {})[field] = written(value)
            elif value is not None:
                own[field] = written(value)
        records.append(own)
    return records, units


def test_every_input_that_a_change_depends_on_has_a_table() -> None:
    """取证奖励 by certificate, its day, the day of joining, and being in service: by status and by the day of leaving."""
    found = amended("参数: {取证奖励标准: {值: 1500}}")
    assert found.witnesses is not None
    (witness,) = found.witnesses.found
    fields = {along.field for along in witness.along}
    assert fields >= {"社会工作者职业水平证书", "证书取得日期", "参加社区工作日期", "人员状态"}
    for along in witness.along:
        assert {"初级", "中级"}.isdisjoint(str(value) for value, _, _ in along.rows)


def test_another_day_is_no_matter_of_words() -> None:
    found = amended("条文: {第六条: {处理: 宣示, 理由: 九项职责}}")
    assert found.difference is not None
    kinds = {edit.name: edit.kind for edit in found.difference.edits if edit.section == "政策"}
    assert (kinds["施行"], kinds["编号"], found.difference.kind) == ("参数调整", "仅文字", "仅文字")
    assert "施行、失效的日期不同" in page_text(diff_page(found), 200)


def amended(change: str) -> Compared:
    """The real policy and an amendment of it, from a day later than the one of computing; with examples."""
    with TemporaryDirectory() as place:
        path = Path(place) / "草案.yaml"
        meta = "编号: jiaban-2025-9, 修订: jiaban-2021-47, 系列: 草案, 印发: 2024-12-20, 施行: 2025-01-01"
        path.write_text(f"格式: 1\n政策: {{{meta}}}\n{change}\n", encoding="utf-8")
        found = compare(open_folder(ROOT / "policies", ROOT), "jiaban-2021-47", str(path), DAY)
    assert isinstance(found, Compared)
    assert found.difference is not None, found.diagnostics
    found = with_witnesses(found, DAY)
    jsonschema.Draft202012Validator(SCHEMA).validate(diff_object(found))
    return found
