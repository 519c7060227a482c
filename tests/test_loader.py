"""A policy file → `Policy`: what is read, one example per mistake with its place, and that nothing raises."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from engine.diagnostics import Diagnostic, in_order
from engine.loader import MAX_PROBLEMS, Whole, build, load
from engine.nodes import Mapping, Node, Scalar, Sequence
from engine.policy import NoCell, Policy, Undecided
from engine.source import SourceText
from engine.types import ANYTYPE, BOOL, DATE, TEXT, EnumT, NumberT, RecordsT, SeriesT
from engine.units import Unit
from engine.yaml_nodes import read_yaml

HEAD = """\
格式: 1
政策: {编号: shi-2021, 名称: 某办法, 施行: 2021-05-27, 标识: 工号}
"""
FIELDS = "字段:\n  工号: {类型: 文字}\n"

GOOD = """\
格式: 1
政策:
  编号: shi-2021
  系列: shi
  名称: 某办法
  文号: 某办〔2021〕1号
  发文机关: [甲委, 乙府]
  层级: 市
  印发: 2021-05-20
  施行: 2021-05-27
  失效: 2026-05-26
  废止文件: 旧办法
  标识: 工号
引用:
  国家退休: guojia-tuixiu
  省办法: {政策: gansu, 字段: {岗位: "若 书记 则 正职 否则 副职"}, 依据: 第二条}
选项组:
  等次: {选项: [不合格, 合格, 优秀], 有序: 是, 别名: {优等: 优秀}}
  性别选项: {选项: [男, 女]}
字段:
  工号: {类型: 文字, 列名: [编号, 员工号]}
  街道: {类型: 文字}
  出生日期: {类型: 日期, 范围: [1940-01-01, ~]}
  性别: {类型: 性别选项, 别名: {男性: 男}}
  学历: {选项: [大专, 2年以上, 本科], 有序: 是, 缺省: 大专, 依据: 第四条, 提供: 本人}
  身份证号: {类型: 文字, 格式: 居民身份证号, 对照: {出生: 出生日期, 性别: 性别}, 用途: 登记}
  考核: {类型: 逐年, 值: 等次}
  得分: {类型: 逐年, 值: 数, 单位: 分, 小数位: 1, 范围: [0, 100]}
  评语: {类型: 逐年, 值: {选项: [好, 差]}}
  病假: {类型: 数, 单位: 月, 小数位: 1, 范围: [0, 12], 年度: 是}
  请假: {类型: 记录, 栏目: {类别: {选项: [病假类, 事假类]}, 天数: {类型: 整数}}}
  名额: {类型: 整数, 对象: 街道, 缺省: 0}
  书记: {类型: 是否}
参数:
  标准: {值: 2000, 单位: 元/月, 依据: 第三条}
  比例: {值: 1/3}
  起算: {值: 2021-05-27}
  补发: {值: 是}
  门槛: {值: 优秀, 类型: 等次}
  待定: {值: 信息不足, 单位: 元}
  最低工资:
    单位: 元/月
    值:
      2023-11-01: {值: 2020, 依据: 公告}
      2021-09-01: 1820
      2025-01-01: 不适用
  缴费年限: {类型: 逐年, 单位: 年, 值: {2031: 16, 2030: 15.5}}
表:
  学历工资: {按: 学历, 单位: 元/月, 值: {大专: 200, 2年以上: 250, 本科: 标准}}
  双键:
    按: [学历, {等次: {选项: [高, 低]}}]
    值: {大专: {高: 1, 低: 2}, 2年以上: {高: 1, 低: 2}, 本科: {高: 3, 低: 不适用}}
  医疗期:
    按: [{类型: 整数, 范围: [1, 18]}]
    栏目: {期限: {单位: 月}, 等级: {选项: [甲等, 乙等]}}
    方式: 首个
    行:
      - {键: {不满: 10}, 期限: 3, 等级: 甲等, 依据: 第九条}
      - {期限: 9, 等级: 乙等, 说明: 其余}
  按栏目:
    按: 学历
    栏目: {上限: {}, 下限: {类型: 整数}}
    值: {大专: {上限: 2, 下限: 1}, 2年以上: {上限: 2, 下限: 1}, 本科: {上限: 4, 下限: 3}}
口径:
  上调:
    采用: 每满三年
    读法: {每满三年: {公式: 1, 说明: 重新计数, 理由: 文义}, 仅一次: {公式: 2}}
  统筹: {采用: 社区（统筹）, 读法: {社区（统筹）: {说明: 甲}, 街道统筹: }}
规则:
  在册: {校验: 书记, 级别: 须说明, 依据: 第三条}
  工资:
    依据: 第三条
    适用: 在册
    周期: 月
    依据日: 期初
    单位: 元/月
    公式: 标准
    例外方式: 首个
    例外: [{当: 书记, 则: 0, 名称: 书记例外}]
  奖励: {周期: 一次, 触发日: 起算, 类型: 等次, 公式: 优秀}
集体:
  优秀比例: {按: 街道, 成员: 在册, 校验: 人数() > 0, 列示: {人数: 人数()}}
  分配额: {按: [], 单位: 元/月, 分配: {总额: 标准, 权重: 病假, 精确到: 0.01}}
情形:
  辞退情形:
    任一:
      （一）: {名称: 刑事处罚, 当: 书记}
      二、: {当: 书记, 依据: 第九条}
    程序: 辞退（含解聘）
程序:
  辞退（含解聘）:
    步骤: [{主体: 社区, 事项: 申请, 时限: 三日}]
    分流: [{当: 书记, 步骤: [{主体: 党委, 事项: 处理}]}]
条文:
  第一条: {处理: 宣示, 理由: 目的}
  第三条: {处理: [计算, 裁量], 裁量: 街道, 见: [工资]}
用例: [a.cases.yaml, b.cases.yaml]
"""


def read(text: str) -> tuple[Policy | None, list[Diagnostic]]:
    """Without the schema: the loader must cope with every shape by itself."""
    source = SourceText("p.yaml", text)
    root, found = read_yaml(source)
    assert root is not None, found
    policy, more = build(Whole(root, "", ((source.name, root),)), source)
    return policy, in_order([*found, *more])


@pytest.fixture(scope="module")
def good() -> Policy:
    policy, found = load(SourceText("p.yaml", GOOD))
    assert found == []
    assert policy is not None
    return policy


def test_minimal() -> None:
    policy, found = load(SourceText("p.yaml", HEAD + FIELDS))
    assert found == []
    assert policy is not None
    assert policy.meta.series == "shi-2021"
    assert policy.meta.issued is None
    assert list(policy.fields) == ["工号"]


def test_meta_and_uses(good: Policy) -> None:
    meta = good.meta
    assert (meta.id, meta.series, meta.level, meta.identifier) == ("shi-2021", "shi", "市", "工号")
    assert (meta.issued, meta.effective, meta.expires) == (
        date(2021, 5, 20),
        date(2021, 5, 27),
        date(2026, 5, 26),
    )
    assert (meta.issuers, meta.repeals) == (("甲委", "乙府"), ("旧办法",))
    assert good.uses["国家退休"].series == "guojia-tuixiu"
    assert [(key.text, formula.text) for key, formula in good.uses["省办法"].fields] == [
        ("岗位", "若 书记 则 正职 否则 副职")
    ]
    assert [case.text for case in good.cases] == ["a.cases.yaml", "b.cases.yaml"]
    assert len(good.sha256) == 64


def test_fields(good: Policy) -> None:
    fields = good.fields
    grades = EnumT(("不合格", "合格", "优秀"), True)
    assert fields["工号"].headings == ("编号", "员工号")
    assert (fields["出生日期"].type, fields["出生日期"].range) == (DATE, (date(1940, 1, 1), None))
    assert fields["性别"].member("男性") == "男"
    assert fields["学历"].type == EnumT(("大专", "2年以上", "本科"), True)
    assert fields["学历"].type.name == "学历"
    assert fields["学历"].article == "第四条"
    assert [(part, to.text) for part, to in fields["身份证号"].agrees] == [
        ("出生", "出生日期"),
        ("性别", "性别"),
    ]
    assert fields["身份证号"].register
    assert fields["考核"].type == SeriesT(grades)
    assert fields["考核"].member("优等") == "优秀"
    assert (fields["得分"].type, fields["得分"].range) == (SeriesT(NumberT(Unit("分"))), (0, 100))
    assert fields["评语"].type == SeriesT(EnumT(("好", "差")))
    assert (fields["病假"].yearly, fields["病假"].decimals) == (True, 1)
    assert fields["请假"].type == RecordsT((("类别", EnumT(("病假类", "事假类"))), ("天数", NumberT())))
    assert (fields["名额"].owner, fields["名额"].integer, fields["名额"].decimals) == ("街道", True, 0)
    assert good.enums["等次"] == grades


def test_params(good: Policy) -> None:
    params = good.params
    assert params["标准"].type == NumberT(Unit("元", ("月",)))
    assert params["比例"].values[0].value == Fraction(1, 3)
    assert (params["起算"].type, params["起算"].values[0].value) == (DATE, date(2021, 5, 27))
    assert (params["补发"].type, params["补发"].values[0].value) == (BOOL, True)
    assert params["门槛"].values[0].value == "优秀"
    assert params["待定"].values[0].value == Undecided()
    dated = params["最低工资"].values
    assert [(d.since, d.value) for d in dated] == [
        (date(2021, 9, 1), 1820),
        (date(2023, 11, 1), 2020),
        (date(2025, 1, 1), NoCell()),
    ]
    assert dated[1].citation is not None
    assert dated[1].citation.text == "公告"
    years = params["缴费年限"].by_year
    assert years is not None
    assert [(year, d.value) for year, d in years] == [(2030, Fraction(31, 2)), (2031, 16)]
    assert params["缴费年限"].type == NumberT(Unit("年"))


def shown(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else "…"


def test_tables(good: Policy) -> None:
    tables = good.tables
    rows = [
        ([(name, shown(node)) for name, node in row.keys], [(name, shown(node)) for name, node in row.cells])
        for row in (*tables["学历工资"].rows, *tables["双键"].rows[-1:], *tables["按栏目"].rows[-1:])
    ]
    assert rows == [
        ([("学历", "大专")], [("", "200")]),
        ([("学历", "2年以上")], [("", "250")]),
        ([("学历", "本科")], [("", "标准")]),
        ([("学历", "本科"), ("等次", "低")], [("", "不适用")]),
        ([("学历", "本科")], [("上限", "4"), ("下限", "3")]),
    ]
    medical = tables["医疗期"]
    assert [name for name, _ in medical.keys] == ["键"]
    assert medical.columns == (("期限", NumberT(Unit("月"))), ("等级", EnumT(("甲等", "乙等"))))
    assert medical.mode == "首个"
    assert medical.rows[0].citation is not None
    assert (medical.rows[1].keys, medical.rows[1].note) == ((), "其余")


def test_rules_and_readings(good: Policy) -> None:
    rules = good.rules
    assert (rules["在册"].is_check, rules["在册"].level) == (True, "须说明")
    pay = rules["工资"]
    assert (pay.period, pay.law_day, pay.unit, pay.first_wins) == ("月", "期初", Unit("元", ("月",)), True)
    assert [scalar.text for scalar in pay.scope] == ["在册"]
    assert (pay.exceptions[0].label, pay.exceptions[0].then.text) == ("书记例外", "0")
    assert rules["奖励"].trigger is not None
    assert (rules["奖励"].type, rules["奖励"].unit) == (good.enums["等次"], None)
    reading = good.readings["上调"]
    assert reading.has_formulas
    assert reading.options[0].note == "重新计数；理由：文义"
    assert good.readings["统筹"].adopted == "社区(统筹)"
    assert [option.name for option in good.readings["统筹"].options] == ["社区(统筹)", "街道统筹"]


def test_groups_grounds_and_the_rest(good: Policy) -> None:
    assert good.groups["优秀比例"].is_check
    assert [(label.text, formula.text) for label, formula in good.groups["优秀比例"].shown] == [
        ("人数", "人数()")
    ]
    shares = good.groups["分配额"].shares
    assert shares is not None
    assert (good.groups["分配额"].by, shares.step) == ((), Fraction(1, 100))
    assert [ground.label for ground in good.grounds["辞退情形"].grounds] == ["一", "二"]
    procedure = good.procedures["辞退(含解聘)"]
    assert (procedure.steps[0].deadline, procedure.routes[0].steps[0].actor) == ("三日", "党委")
    assert good.provisions["第三条"].treatments == ("计算", "裁量")
    assert good.provisions["第三条"].decided_by == "街道"


TABLE = "  乙: {按: 工号, 值: {丙: 1}}\n"
GROUP = "选项组:\n  等次: {选项: [高, 低], 别名: {上: 高}}\n"

#: Fragments with the place of the mistake in ⟦⟧; those with 政策 or 字段 of their own replace the usual ones.
BAD = [
    ("E221", "规则:\n  甲: {公式: ⟦[1, 2]⟧}\n"),
    ("E221", "规则: ⟦[甲]⟧\n"),
    ("E221", "字段:\n  工号: {类型: 文字}\n  甲: {选项: ⟦乙⟧}\n"),
    ("E221", "规则:\n  甲: {公式: 1, 例外: ⟦{当: 是, 则: 0}⟧}\n"),
    ("E221", "参数:\n  甲: {类型: 逐年, 值: ⟦15⟧}\n"),
    ("E222", "规则:\n  ⟦甲⟧: {公式: 1, 周期: 一次}\n"),
    ("E222", "参数:\n  ⟦甲⟧: {单位: 元}\n"),
    ("E222", "条文:\n  ⟦第一条⟧: {处理: 宣示}\n"),
    ("E222", "集体:\n  ⟦甲⟧: {按: , 公式: 人数()}\n"),
    ("E222", "字段:\n  工号: {类型: 文字}\n  ⟦甲⟧: {类型: 逐年}\n"),
    ("E223", "政策: {编号: a, 名称: 甲, 施行: ⟦2021-02-30⟧, 标识: 工号}\n"),
    ("E223", "政策: {编号: a, 名称: 甲, 施行: 2021-02-03, 印发: ⟦2021年2月3日⟧, 标识: 工号}\n"),
    ("E223", "参数:\n  甲: {值: {⟦2021⟧: 15}}\n"),
    ("E223", "参数:\n  甲: {值: {⟦大专⟧: 15}}\n"),
    ("E224", "规则:\n  甲: {公式: 1, 内部: ⟦true⟧}\n"),
    ("E225", "字段:\n  工号: {类型: 文字}\n  甲: {类型: 数, 小数位: ⟦1.5⟧}\n"),
    ("E225", "字段:\n  工号: {类型: 文字}\n  甲: {类型: 数, 范围: [⟦很少⟧, 5]}\n"),
    ("E225", "集体:\n  甲: {按: [], 分配: {总额: 1, 权重: 1, 精确到: ⟦0⟧}}\n"),
    ("E226", "参数:\n  甲: {类型: 逐年, 值: {⟦第一年⟧: 15}}\n"),
    ("E227", "参数:\n  甲: {值: 15, 单位: ⟦元每月!⟧}\n"),
    ("E228", "政策: {编号: a, 名称: 甲, 施行: 2021-02-03, 标识: 工号, 层级: ⟦县⟧}\n"),
    ("E228", "表:\n  甲: {按: 工号, 方式: ⟦第一个⟧, 值: {乙: 1}}\n"),
    ("E229", "字段:\n  工号: {类型: 文字, ⟦单位⟧: 元}\n"),
    ("E229", "字段:\n  工号: {类型: 文字}\n  甲: {类型: 整数, ⟦小数位⟧: 1}\n"),
    ("E229", "字段:\n  工号: {类型: 文字, ⟦对照⟧: {出生: 工号}}\n"),
    ("E229", "字段:\n  工号: {类型: 文字}\n  甲: {类型: 逐年, 值: 数, ⟦年度⟧: 是}\n"),
    ("E229", "规则:\n  甲: {公式: 1, ⟦触发日⟧: 计算日}\n"),
    ("E229", "规则:\n  甲: {公式: 1, ⟦级别⟧: 提示}\n"),
    ("E229", "规则:\n  甲: {公式: 1, ⟦例外方式⟧: 首个}\n"),
    ("E229", "规则:\n  甲: {公式: 1, ⟦依据日⟧: 期初}\n"),
    ("E229", "表:\n  甲: {按: 工号, ⟦单位⟧: 元, 栏目: {上限: {}}, 值: {乙: {上限: 1}}}\n"),
    ("E231", "字段:\n  工号: {类型: 文字}\n  甲: {类型: 数, 范围: ⟦[5, 1]⟧}\n"),
    ("E231", "字段:\n  工号: {类型: 文字}\n  甲: {类型: 数, 范围: ⟦[5]⟧}\n"),
    ("E232", "参数:\n  甲: {值: ⟦2000元⟧, 单位: 元}\n"),
    ("E232", "参数:\n  甲: {值: ⟦1 + 2⟧}\n"),
    ("E232", "参数:\n  甲: {值: ⟦优秀⟧}\n"),
    ("E232", "参数:\n  甲: {值: ⟦1.5⟧, 类型: 整数}\n"),
    ("E232", "选项组:\n  等次: {选项: [高, 低]}\n参数:\n  甲: {值: ⟦中⟧, 类型: 等次}\n"),
    ("E233", "表:\n  甲: {按: [工号, 学历], 值: {乙: ⟦1⟧, 丙: 2}}\n"),
    ("E233", "表:\n  甲: {按: 工号, 值: {乙: ⟦{丙: 1}⟧}}\n"),
    ("E233", "表:\n  甲: {按: 工号, 栏目: {上限: {}}, 值: {乙: ⟦1⟧}}\n"),
    ("E234", "表:\n  甲: {按: 工号, 行: [{工号: 乙, ⟦数值⟧: 1}]}\n"),
    ("E234", "表:\n  甲: {按: 工号, 栏目: {上限: {}}, 值: {乙: {⟦上线⟧: 1}}}\n"),
    ("E235", "表:\n  甲: {按: ⟦[]⟧, 行: [{值: 1}]}\n"),
    ("E235", "表:\n  甲: {按: [{选项: [乙], ⟦名称⟧: 丙}], 行: [{值: 1}]}\n"),
    ("E236", "政策: {编号: a, 名称: 甲, 施行: 2021-05-27, 失效: ⟦2021-05-26⟧, 标识: 工号}\n"),
    ("E237", "口径:\n  ⟦甲⟧: {采用: 乙, 读法: {乙: {公式: 1}, 丙: {说明: 无}}}\n"),
    ("E238", "规则:\n  ⟦甲⟧: {公式: 1, 校验: 是}\n"),
    ("E238", "集体:\n  ⟦甲⟧: {按: []}\n"),
    ("E238", "表:\n  ⟦甲⟧: {按: 工号}\n"),
    ("E239", "选项组:\n  等次: {选项: [高, ⟦''⟧]}\n"),
    ("E302", "规则:\n  ⟦2号规则⟧: {公式: 1}\n"),
    ("E302", "引用:\n  ⟦省·办法⟧: sheng\n"),
    ("E302", "选项组:\n  ⟦等次（新）⟧: {选项: [高, 低]}\n"),
    ("E302", "字段:\n  工号: {类型: 文字}\n  甲: {类型: 记录, 栏目: {⟦1列⟧: {类型: 数}}}\n"),
    ("E302", "情形:\n  甲: {任一: {⟦（）⟧: {当: 是}}}\n"),
    ("E303", "规则:\n  ⟦计算日⟧: {公式: 1}\n"),
    ("E303", "参数:\n  ⟦合计⟧: {值: 1}\n"),
    ("E303", "选项组:\n  ⟦日期⟧: {选项: [高, 低]}\n"),
    ("E304", "参数:\n  甲: {值: 1}\n规则:\n  ⟦甲⟧: {公式: 1}\n"),
    ("E304", "规则:\n  甲: {公式: 1}\n引用:\n  ⟦甲⟧: sheng\n"),
    ("E305", "选项组:\n  等次: {选项: [⟦甲⟧, 低]}\n规则:\n  甲: {公式: 1}\n"),
    ("E305", "字段:\n  工号: {类型: 文字}\n  甲: {类型: 记录, 栏目: {⟦乙⟧: {类型: 数}}}\n表:\n" + TABLE),
    ("E305", "口径:\n  甲: {采用: 乙, 读法: {乙: {说明: 无}, ⟦丙⟧: }}\n规则:\n  丙: {公式: 1}\n"),
    ("E305", "表:\n  甲: {按: [{选项: [⟦丙⟧]}], 值: {丙: 1}}\n规则:\n  丙: {公式: 1}\n"),
    ("E306", "字段:\n  工号: {类型: 文字}\n  甲: {类型: ⟦文本⟧}\n"),
    ("E306", "规则:\n  甲: {公式: 1, 类型: ⟦逐年⟧}\n"),
    ("E306", "字段:\n  工号: {类型: 文字}\n  甲: {类型: 记录, 栏目: {乙: {类型: ⟦记录⟧}}}\n"),
    ("E307", "选项组:\n  等次: {选项: [高（一）, '⟦高(一)⟧']}\n"),
    ("E308", "选项组:\n  等次: {选项: [高, 低], 别名: {⟦高⟧: 低}}\n"),
    ("E308", GROUP + "字段:\n  工号: {类型: 文字}\n  甲: {类型: 等次, 别名: {⟦上⟧: 低}}\n"),
    ("E309", "选项组:\n  等次: {选项: [高, 低], 别名: {上: ⟦中⟧}}\n"),
    ("E310", "口径:\n  甲: {采用: ⟦每满三⟧, 读法: {每满三年: {公式: 1}, 仅一次: {公式: 2}}}\n"),
    ("E311", "字段:\n  工号: {类型: 文字}\n  甲: {类型: 数, 对象: ⟦街到⟧}\n  街道: {类型: 文字}\n"),
    ("E311", "政策: {编号: a, 名称: 甲, 施行: 2021-05-27, 标识: ⟦编码⟧}\n"),
    ("E312", "字段:\n  工号: {类型: 文字}\n  甲: {类型: 数, 对象: ⟦乙⟧}\n  乙: {类型: 数}\n"),
    ("E312", "字段:\n  工号: {类型: 文字, 格式: 居民身份证号, 对照: {出生: ⟦甲⟧}}\n  甲: {类型: 数}\n"),
    ("E313", "情形:\n  甲: {任一: {（一）: {当: 是}, ⟦一⟧: {当: 否}}}\n"),
    ("E313", "表:\n  甲: {按: [工号, ⟦工号⟧], 行: [{值: 1}]}\n"),
    ("E313", "表:\n  甲: {按: 工号, 栏目: {⟦工号⟧: {}, 上限: {}}, 值: {乙: {上限: 1}}}\n"),
]  # fmt: skip


def marked(fragment: str) -> tuple[str, int, int]:
    """A whole file around a fragment, with line and column of its mark."""
    text = "格式: 1\n" if fragment.startswith("政策:") else HEAD
    text += fragment if "字段:\n" in fragment else fragment + FIELDS
    at = text.index("⟦")
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    if text[at - 1] == "'":
        column -= 1
    return text.replace("⟦", "").replace("⟧", ""), line, column


@pytest.mark.parametrize(("code", "fragment"), BAD)
def test_mistakes(code: str, fragment: str) -> None:
    text, line, column = marked(fragment)
    _, found = read(text)
    assert [(d.code, d.place.line, d.place.column) for d in found if d.place] == [(code, line, column)]
    assert not found[0].message.endswith("。")
    _, refused = load(SourceText("p.yaml", text))
    assert refused


def test_hints() -> None:
    hints = {
        fragment: read(marked(fragment)[0])[1][0].hint
        for _, fragment in BAD
        if any(word in fragment for word in ("街到", "每满三⟧", "上线", "2000元", "⟦2021⟧", "⟦文本⟧"))
    }
    assert list(hints.values()) == [
        "按年份的参数请写「类型: 逐年」",
        "单位写在「单位」里，这里只写数",
        "是否想写「上限」？",
        "是否想写「文字」？",
        "是否想写「每满三年」？",
        "是否想写「街道」？",
    ]


def test_one_remark_about_depth() -> None:
    text = HEAD + FIELDS + "表:\n  甲: {按: [工号, 乙], 值: {子: 1, 丑: 2, 寅: 3}}\n"
    assert [d.code for d in read(text)[1]] == ["E233"]


def test_related_places() -> None:
    _, found = read(HEAD + FIELDS + "参数:\n  甲: {值: 1}\n规则:\n  甲: {公式: 1}\n")
    assert [(text, place.line) for text, place in found[0].related] == [("参数写在这里", 6)]


def test_mistakes_keep_the_policy_whole() -> None:
    """What could not be read stays declared, so that nobody reports its name as unknown."""
    policy, found = read(HEAD + FIELDS + "  甲: {类型: 没有的}\n参数:\n  乙: {值: 优秀}\n")
    assert [d.code for d in found] == ["E306", "E232"]
    assert policy is not None
    assert policy.fields["工号"].type == TEXT
    assert policy.fields["甲"].type == ANYTYPE
    assert policy.params["乙"].values[0].value == Undecided()


def test_empty_and_broken_files() -> None:
    for text, code in (("", "E113"), ("# 空\n", "E113"), ("格式: [1", "E105")):
        policy, found = load(SourceText("p.yaml", text))
        assert policy is None
        assert [(d.code, d.place.line if d.place else 0) for d in found] == [(code, 1)]


def test_bounded() -> None:
    text = HEAD + FIELDS + "".join(f"  {n}号: {{类型: 文字}}\n" for n in range(MAX_PROBLEMS + 50))
    found = load(SourceText("p.yaml", text))[1]
    assert len(found) <= MAX_PROBLEMS + 1


def samples() -> Iterator[str]:
    yield GOOD
    for path in sorted((Path(__file__).parent.parent / "policies").glob("*.yaml")):
        if not path.name.endswith(".cases.yaml"):
            yield path.read_text(encoding="utf-8")


def in_file(text: str, found: list[Diagnostic]) -> bool:
    lines = SourceText("p.yaml", text).line_starts
    return all(d.place is None or 0 <= d.place.line <= len(lines) for d in found)


@pytest.mark.parametrize("seed", range(8))
def test_mutated_text_never_raises(seed: int) -> None:
    chance = random.Random(seed)
    for text in samples():
        for _ in range(25):
            broken = mutate_text(text, chance)
            _, found = load(SourceText("p.yaml", broken))
            assert in_file(broken, found)


def mutate_text(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    for _ in range(chance.randint(1, 4)):
        at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(5):
            case 0:
                del lines[at]
            case 1:
                lines[at], lines[other] = lines[other], lines[at]
            case 2:
                lines[at] = lines[at].replace(": ", chance.choice((":", "： ", ": [", ": {", ": ~ #")), 1)
            case 3:
                lines[at] = lines[at][: chance.randint(0, len(lines[at]))]
            case _:
                lines[at] += chance.choice((" 一", ",", "]", "}", ": 1", "\t", "²", "9" * 60, "0001-01-01"))
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(8))
def test_mutated_nodes_never_raise(seed: int) -> None:
    """Every shape in every place, past the schema."""
    chance = random.Random(seed)
    for text in samples():
        source = SourceText("p.yaml", text)
        root, _ = read_yaml(source)
        assert root is not None
        for _ in range(40):
            changed = mutate_node(root, chance, 0.02)
            _, found = build(Whole(changed, "", ((source.name, changed),)), source)
            assert in_file(text, found)


def mutate_node(node: Node, chance: random.Random, rate: float) -> Node:
    if chance.random() < rate:
        place = node.source, node.span
        words = ("", "~", "²", "-1", "9" * 60, "1/0", "0000-00-00", "逐年", "记录", "（）", "是")
        strange: tuple[Node, ...] = (
            Scalar(chance.choice(words), "", *place),
            Sequence((), True, *place),
            Mapping((), True, *place),
            Sequence((node, node), True, *place),
        )
        return chance.choice(strange)
    match node:
        case Mapping(entries, flow, source, span):
            kept = tuple(
                type(entry)(entry.key, mutate_node(entry.value, chance, rate))
                for entry in entries
                if chance.random() > rate / 4
            )
            return Mapping(kept, flow, source, span)
        case Sequence(items, flow, source, span):
            return Sequence(tuple(mutate_node(item, chance, rate) for item in items), flow, source, span)
    return node
