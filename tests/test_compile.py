"""The statement and the interpreter give the same: value, reason and missing facts, on formulas, records and rosters made
by chance, on series of every shape, on groups, and on the city's policy."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.build import build
from engine.compile.plan import compiled
from engine.compile.terms import CannotCompile
from engine.diagnostics import Place
from engine.evaluation import evaluate
from engine.loader import load
from engine.program import Program
from engine.records.model import DatedFact, Record, Roster
from engine.records.reader import roster_of
from engine.registry import load_folder
from engine.source import SourceText
from engine.types import RecordsT, SeriesT
from engine.values import Rows, Series, parse_number
from engine.versions import Registry
from examples.generate import workers
from tests import typed_formulas as typed
from tests.bulk_rosters import due, fill, outcomes

duckdb = pytest.importorskip("duckdb", reason="needs DuckDB (pip install '.[bulk]')")
ROOT = Path(__file__).parent.parent
DAY = date(2024, 12, 31)


def tries(count: int) -> settings:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    return settings(
        max_examples=count, deadline=None, suppress_health_check=slow, derandomize=True, database=None
    )


def program_of(text: str) -> Program:
    policy, found = load(SourceText("t.yaml", text))
    assert policy is not None, found
    program, more = build(policy, Registry((policy,)))
    assert program is not None, [*found, *more]
    return program


def roster(people: Sequence[Mapping[str, Any]], single: bool = True) -> Roster:
    place = Place("r")
    records = [Record(str(n), n, {"工号": str(n), **facts}, place) for n, facts in enumerate(people, 1)]
    return Roster("r", "", None, tuple(records), (), {}, single)


def compare(program: Program, found: Roster, names: Sequence[str], day: date = DAY, **more: Any) -> int:
    """Every outcome of every record on both sides; how many there were."""
    with duckdb.connect() as con:
        shapes = fill(con, program.policy, [(record.row, record.facts) for record in found.records])
        plan = compiled(program, day, more.get("readings", {}), names, shapes)
        rows = outcomes(con, plan, names)
    told = evaluate(program, found, day, more.get("readings", {}), only=names)
    for result in told.records:
        for name in names:
            assert rows[result.record.id][name] == due(result.outcomes[name]), (name, result.record.facts)
    return len(told.records) * len(names)


@tries(60)
@given(st.randoms(use_true_random=False))
def test_formulas_of_every_kind(chance: random.Random) -> None:
    nodes = [typed.formula(chance, chance.choice("数数真真日等"), 3) for _ in range(25)]
    people = []
    for _ in range(6):
        facts = typed.facts(chance)
        if "年甲" in facts:
            facts["年甲"] = Series(tuple(sorted(facts["年甲"].items())), "年甲")
        people.append(facts)
    rules = "".join(f"  式{at}: {{公式: '{typed.written(node)}'}}\n" for at, node in enumerate(nodes))
    program = program_of(typed.POLICY + rules)
    shapes = dict.fromkeys(program.policy.fields, "plain")
    names, refused = [], 0
    for at in range(len(nodes)):
        try:  # numbers of more than 38 digits are refused, each by itself
            compiled(program, typed.AS_OF, {}, [f"式{at}"], shapes)
            names.append(f"式{at}")
        except CannotCompile:
            refused += 1
    assert refused < 5
    compare(program, roster(people), names, typed.AS_OF)


# --- series -------------------------------------------------------------------------------------------------

SERIES = """格式: 1
政策: {编号: s, 名称: 测试, 施行: 1900-01-01, 标识: 工号}
选项组:
  等次: {选项: [未定, 差, 中, 良, 优], 有序: 是}
字段:
  工号: {类型: 文字}
  等: {类型: 逐年, 值: 等次}
  分: {类型: 逐年, 值: {单位: 次}}
  起: {类型: 整数, 范围: [1900, 2100]}
  真: {类型: 是否}
  界: {类型: 等次}
参数:
  段长: {值: 3}
规则:
  往年: {公式: '选取(等, 年份 < 年(计算日))', 内部: 是}
  定等: {公式: '选取(等, 值 != 未定)', 内部: 是}
  段甲: {公式: '段数(等, 值 == 优, 段长)'}
  段乙: {公式: '段数(往年, 值 >= 良, 2)'}
  段丙: {公式: '段数(等, 值 >= 中, 3, 1999)'}
  段丁: {公式: '段数(等, 值 属于 [优, 差], 1)'}
  滚: {公式: '滚动段数(等, 值 >= 良, 段长)'}
  连: {公式: '连续(定等, 值 == 差)'}
  连乙: {公式: '连续(等, 值 >= 中 且 真)'}
  数甲: {公式: '次数(等, 年份 >= 起 且 值 >= 良)'}
  数乙: {公式: '次数(等, 值 != 优 或 年份 == 起)'}
  数丙: {公式: '次数(往年, 非 (值 == 优) 且 年份 > 2010)'}
  数丁: {公式: '次数(等, 值 >= 界)'}
  数戊: {公式: '次数(选取(等, 年份 < 起))'}
  全: {公式: '次数(等)'}
  近: {公式: 最近(等), 类型: 等次}
  近定: {公式: 最近(定等), 类型: 等次}
  某年: {公式: '等[起]', 类型: 等次}
  今年: {公式: '等[年(计算日)]', 类型: 等次}
  有: {公式: '有值(等) 且 次数(等) > 0'}
  分和: {公式: '合计(分, 值, 年份 >= 起)'}
  分均: {公式: '平均(分, 值)'}
  分大: {公式: '最大(分, 值, 值 < 60)'}
  分今: {公式: '分[2024]'}
"""
SERIES_NAMES = [
    "段甲",
    "段乙",
    "段丙",
    "段丁",
    "滚",
    "连",
    "连乙",
    "数甲",
    "数乙",
    "数丙",
    "数丁",
    "数戊",
    "全",
    "近",
    "近定",
    "某年",
    "今年",
    "有",
    "分和",
    "分均",
    "分大",
    "分今",
]

years = st.one_of(st.integers(2015, 2027), st.integers(1975, 2027), st.integers(1800, 2999))
grades = st.sampled_from(["未定", "差", "中", "良", "优", "优"])


@st.composite
def careers(draw: st.DrawFn) -> tuple[tuple[int, str], ...]:
    """Adjacent years, years with gaps, no years, and years that no word holds."""
    first, length = draw(st.integers(1980, 2026)), draw(st.integers(0, 48))
    if draw(st.booleans()):
        spread = {first + at: draw(grades) for at in range(min(length, 2028 - first))}
        for year in draw(st.lists(st.integers(1980, 2027), max_size=4)):
            spread.pop(year, None)
    else:
        spread = draw(st.dictionaries(years, grades, max_size=12))
    return tuple(sorted(spread.items()))


def test_the_series_of_the_fixture_are_packed_and_not() -> None:
    program = program_of(SERIES)
    plan = compiled(program, DAY, {}, SERIES_NAMES, {"等": "plain", "分": "plain", "起": "plain"})
    text = "".join(relation.sql for relation in plan.relations)
    assert "bit_count" in text
    assert "list_transform" in text


@tries(60)
@given(
    st.lists(
        st.tuples(careers(), st.integers(1975, 2030), st.randoms(use_true_random=False)),
        min_size=8,
        max_size=8,
    )
)
def test_series_of_every_shape(made: list[tuple[Any, int, random.Random]]) -> None:
    people = []
    for items, year, chance in made:
        facts: dict[str, Any] = {"等": Series(items, "等"), "起": year, "真": chance.random() < 0.5}
        facts["界"] = chance.choice(["差", "中", "优"])
        scores = {
            y: parse_number(f"{chance.randint(-1000, 1000) / 10}") for y, _ in items if chance.random() < 0.8
        }
        facts["分"] = Series(tuple(scores.items()), "分")
        people.append({name: fact for name, fact in facts.items() if chance.random() < 0.85})
    compare(program_of(SERIES), roster(people), SERIES_NAMES)


def test_a_series_need_not_be_sorted() -> None:
    program = program_of(SERIES)
    items = ((2022, "优"), (2019, "优"), (2021, "优"), (1985, "良"), (2020, "差"))
    with duckdb.connect() as con:
        shapes = fill(
            con, program.policy, [(1, {"工号": "1", "等": Series(items, "等"), "起": 2020, "真": True})]
        )
        rows = outcomes(con, compiled(program, DAY, {}, SERIES_NAMES, shapes), SERIES_NAMES)
    record = {"等": Series(tuple(sorted(items)), "等"), "起": 2020, "真": True}
    told = evaluate(program, roster([record]), DAY, only=SERIES_NAMES).records[0]
    assert {name: rows["1"][name] for name in SERIES_NAMES} == {n: due(v) for n, v in told.outcomes.items()}


# --- rows, dates, tables, once, exceptions, other policies -------------------------------------------------------

LAW = """格式: 1
政策: {编号: l, 名称: 测试, 施行: 1900-01-01, 标识: 工号}
选项组:
  档: {选项: [低, 中, 高], 有序: 是}
字段:
  工号: {类型: 文字}
  名: {类型: 文字}
  学: {类型: 档}
  证: {类型: 日期}
  年数: {类型: 数, 小数位: 2, 范围: [0, 100]}
  月数: {类型: 整数, 单位: 月, 范围: [0, 12], 年度: 是}
  缺省数: {类型: 整数, 范围: [0, 9], 缺省: 7}
  假: {类型: 记录, 栏目: {类: {选项: [病, 事]}, 起: {类型: 日期}, 天: {类型: 数, 小数位: 1, 范围: [0, 400], 缺省: 1}}}
参数:
  标准: {单位: 元, 值: {2020-01-01: {值: 100}, 2022-07-01: {值: 250}, 2024-03-01: 不适用}}
  逐年额: {类型: 逐年, 单位: 元, 值: {2023: 10, 2024: 信息不足}}
  界: {值: {2000-01-01: {值: 5}, 2023-01-01: {值: 10}}}
表:
  段: {按: {键: {类型: 数}}, 单位: 元, 行: [{键: {不满: 界}, 值: 1}, {键: {满: 界, 不满: 50}, 值: 不适用}, {键: {满: 50}, 值: 信息不足}]}
  加: {按: [学, 年数], 方式: 合计, 单位: 元, 行: [{学: 低, 年数: {满: 1}, 值: 1}, {学: [低, 高], 值: 10}, {学: 高, 年数: {超过: 3, 不超过: 9}, 值: 100}]}
  进: {按: {键: {类型: 数}}, 方式: 累进, 行: [{键: {满: 0, 不满: 10}, 值: 3%}, {键: {满: 10, 不满: 界二}, 值: 10%}, {键: {满: 界二}, 值: 20%}]}
  首: {按: [学], 方式: 首个, 行: [{学: {满: 中}, 值: 2}, {值: 9}]}
规则:
  界二: {公式: 30}
  成人: {公式: 学 >= 中, 不适用说明: 不够}
  一次: {公式: 标准, 周期: 一次, 触发日: 证, 单位: 元}
  一次乙: {公式: 标准 * 2, 周期: 一次, 触发日: '若 学 == 低 则 加年(证, 1) 否则 加月(证, 1)', 单位: 元, 适用: [成人]}
  表甲: {公式: '段[年数]', 单位: 元}
  表乙: {公式: '加[学, 年数]', 单位: 元}
  表丁: {公式: '首[学]'}
  今年额: {公式: '逐年额[年(计算日)]', 单位: 元}
  去年额: {公式: '逐年额[年(证)]', 单位: 元}
  病天: {公式: '合计(假, 天, 类 == 病)'}
  病次: {公式: '次数(假, 类 == 病 且 起 >= 证)'}
  最长: {公式: '最大(假, 天)'}
  平均天: {公式: '平均(假, 天, 类 == 事)'}
  首次: {公式: '最小(假, 起)'}
  比: {公式: 年数 / 月数}
  整: {公式: '四舍五入(年数 / 月数, 2)'}
  负整: {公式: '四舍五入(0 - 年数 / 8, 1)'}
  叉: {公式: 1, 例外: [{当: 年数 > 5, 则: 2}, {当: 月数 * 年数 > 20 , 则: 3}, {当: 年数 > 90, 则: 2}]}
  叉首: {公式: 1, 例外方式: 首个, 例外: [{当: 年数 > 5, 则: 2}, {当: 学 == 高, 则: 3}]}
  次日: {公式: '加天(月末(证), 1)'}
  名等: {公式: '名 == "甲''乙\\"'}
  缺: {公式: 缺省数 + 1}
情形:
  情: {任一: {（一）: {名称: 一, 当: 年数 > 10}, （二）: {名称: 二, 当: 学 == 高}, （三）: {名称: 三, 当: 证 < 2020-01-01}}}
""".replace(
    "  进: {按: {键: {类型: 数}}, 方式: 累进, 行: [{键: {满: 0, 不满: 10}, 值: 3%}, {键: {满: 10, 不满: 界二}, 值: 10%}, {键: {满: 界二}, 值: 20%}]}\n",
    "  进: {按: {键: {类型: 数}}, 方式: 累进, 行: [{键: {满: 0, 不满: 10}, 值: 3%}, {键: {满: 10, 不满: 30}, 值: 10%}, {键: {满: 30}, 值: 20%}]}\n",
).replace("  界二: {公式: 30}\n", "  表丙: {公式: '进[年数]'}\n")


def law_facts(chance: random.Random) -> dict[str, Any]:
    days = [
        date(2019, 12, 31),
        date(2020, 1, 1),
        date(2020, 2, 29),
        date(2022, 6, 30),
        date(2022, 7, 1),
        date(2024, 3, 1),
        date(2025, 1, 1),
    ]
    rows = tuple(
        {
            "类": chance.choice("病事"),
            "起": chance.choice(days),
            "天": chance.choice([1, 3, parse_number("2.5")]),
        }
        for _ in range(chance.randint(0, 3))
    )
    facts = {
        "名": chance.choice(["甲'乙\\", "乙", ""]) or "丙",
        "学": chance.choice(["低", "中", "高"]),
        "证": chance.choice(days),
        "年数": parse_number(
            chance.choice(["0", "0.05", "4.99", "5", "9", "10", "10.01", "30", "50", "95", "2.5"])
        ),
        "月数": chance.randint(0, 12),
        "缺省数": chance.randint(0, 9),
        "假": Rows(rows, "假"),
    }
    return {name: fact for name, fact in facts.items() if chance.random() < 0.85}


@tries(40)
@given(st.randoms(use_true_random=False))
def test_law_of_every_kind(chance: random.Random) -> None:
    program = program_of(LAW)
    names = [*program.policy.rules, *program.policy.grounds]
    compare(program, roster([law_facts(chance) for _ in range(12)]), names)


def test_facts_of_a_year_belong_to_it() -> None:
    program = program_of(LAW)
    with duckdb.connect() as con:
        shapes = fill(con, program.policy, [(1, {"工号": "1", "年数": 6, "月数": 3})])
        for year, ratio in ((2024, 2), (2023, frozenset({"月数"}))):
            plan = compiled(program, date(year, 12, 31), {}, ["比"], shapes, data_date=DAY)
            assert outcomes(con, plan, ["比"])["1"]["比"] == ratio


DATED = """格式: 1
政策: {编号: d, 名称: 测试, 施行: 1900-01-01, 标识: 工号}
选项组:
  档: {选项: [无, 初, 中, 高], 有序: 是}
字段:
  工号: {类型: 文字}
  证: {类型: 档}
  数: {类型: 数, 小数位: 1, 范围: [0, 99]}
  某日: {类型: 日期}
  真: {类型: 是否}
规则:
  现: {公式: 证, 类型: 档}
  那时: {公式: '取值(证, 某日)', 类型: 档}
  月初时: {公式: '取值(数, 加天(月初(计算日), -1))'}
  首次: {公式: '首日(证, 值 >= 中)'}
  首次乙: {公式: '首日(数, 值 > 5 且 真)'}
"""


@tries(60)
@given(st.randoms(use_true_random=False))
def test_values_by_date(chance: random.Random) -> None:
    days = [
        date(2018, 7, 1),
        date(2020, 2, 29),
        date(2023, 1, 1),
        date(2024, 11, 30),
        date(2024, 12, 31),
        date(2025, 6, 1),
    ]
    people = []
    for _ in range(10):
        ranks = sorted(chance.sample(days, chance.randint(1, 4)))
        facts: dict[str, Any] = {
            "证": DatedFact(tuple((day, chance.choice(["无", "初", "中", "高"])) for day in ranks)),
            "数": DatedFact(tuple((day, chance.choice([1, 5, 6, parse_number("5.1")])) for day in ranks)),
            "某日": chance.choice(days),
            "真": chance.random() < 0.6,
        }
        people.append({name: fact for name, fact in facts.items() if chance.random() < 0.85})
    program = program_of(DATED)
    compare(program, roster(people), [*program.policy.rules])


# --- what is refused ------------------------------------------------------------------------------------------


def test_what_could_overflow_is_refused_with_its_place() -> None:
    rules = "规则: {大: {公式: '数 * 数 * 数 * 数'}}\n"
    program = program_of(
        "格式: 1\n政策: {编号: o, 名称: 测试, 施行: 1900-01-01, 标识: 工号}\n字段: {工号: {类型: 文字}, 数: {类型: 数}}\n"
        + rules
    )
    with pytest.raises(CannotCompile) as caught:
        compiled(program, DAY, {}, ["大"], {"数": "plain"})
    assert "38 位" in caught.value.said
    assert caught.value.place is not None
    assert caught.value.place.line == 4


# --- the city's policy, with its groups -------------------------------------------------------------------------


def city() -> Program:
    registry, _ = load_folder(ROOT / "policies")
    policy = next(policy for policy in registry.policies if policy.meta.id == "jiaban-2021-47")
    program, found = build(policy, registry)
    assert program is not None, found
    return program


READINGS: list[dict[str, str]] = [
    {},
    {"绩效工资口径": "个人系数", "优秀比例基数": "全市", "病假六个月": "连续"},
    {
        "取证奖励次数": "每级一次",
        "连续优秀上调": "逐年滚动",
        "考核结果生效": "当年",
        "未定等次年终奖": "不发",
    },
]


@pytest.mark.parametrize("at", range(len(READINGS)))
def test_the_city_as_the_interpreter_has_it(at: int) -> None:
    program = city()
    given_ = workers(1500, at + 1, data_date=DAY)
    found, _ = roster_of(given_["记录"], given_["单位"], DAY, program.policy, "r")
    assert found is not None
    names = [
        n
        for n in (*program.policy.rules, *program.policy.grounds)
        if not isinstance(program.types[n], SeriesT | RecordsT)
    ]
    now = [
        (r.row, {n: f.on(DAY) if isinstance(f, DatedFact) else f for n, f in r.facts.items()})
        for r in found.records
    ]
    with duckdb.connect() as con:
        shapes = fill(con, program.policy, now)
        units = with_units(con, program, found)
        plan = compiled(program, DAY, READINGS[at], names, shapes, units=units)
        rows = outcomes(con, plan, names)
    records = tuple(
        Record(r.id, r.row, facts, r.place) for r, (_, facts) in zip(found.records, now, strict=True)
    )
    whole = Roster(found.file, "", found.data_date, records, found.rejected, found.units)
    compared = 0
    for result in evaluate(program, whole, DAY, READINGS[at], only=names).records:
        for name in names:
            assert rows[result.record.id][name] == due(result.outcomes[name]), (result.record.id, name)
            compared += 1
    assert compared > 50_000


def with_units(con: Any, program: Program, found: Roster) -> dict[str, tuple[str, Mapping[str, str]]]:
    """A table of units beside the roster, as `compiled` takes it."""
    made: dict[str, tuple[str, Mapping[str, str]]] = {}
    for owner, units in found.units.items():
        facts = [decl for decl in program.policy.fields.values() if decl.owner == owner]
        columns = ", ".join(f'"{decl.name}" BIGINT' for decl in facts)
        con.execute(f'CREATE TABLE "单位·{owner}" ("{owner}" VARCHAR, {columns})')
        for unit, known in units.items():
            con.execute(
                f'INSERT INTO "单位·{owner}" VALUES (?, {", ".join("?" for _ in facts)})',
                [unit, *(known.get(d.name) for d in facts)],
            )
        made[owner] = (f"单位·{owner}", {decl.name: "plain" for decl in facts})
    return made
