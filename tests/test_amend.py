"""修订 and 细化: what a file laid over another makes, who said what, and every way in which the two can disagree."""

from __future__ import annotations

import random
import shutil
from datetime import date
from pathlib import Path

import pytest

from engine.app.check import check
from engine.diagnostics import Diagnostic
from engine.registry import load_file, load_files, load_folder
from engine.values import Number
from engine.versions import Registry

ROOT = Path(__file__).parent.parent
POLICIES = sorted(p for p in (ROOT / "policies").glob("*.yaml") if not p.name.endswith(".cases.yaml"))
REVISIONS = sorted((ROOT / "tests" / "revisions").glob("*.yaml"))

BASE = """\
格式: 1
政策: {编号: 甲, 名称: 甲办法, 文号: 甲发〔2020〕1号, 层级: 省, 施行: 2020-01-01, 标识: 工号}
字段:
  工号: {类型: 文字}
  级别: {选项: [初级, 高级]}
参数:
  标准: {值: 100, 单位: 元}   # 每人
  浮动: {值: 信息不足, 单位: 元, 范围: [10, 50], 授权: 市}
表:
  补贴: {按: 级别, 单位: 元, 值: {初级: 10, 高级: 20}}
规则:
  应发:
    单位: 元
    公式: 标准 + 补贴[级别] + 浮动
    例外:
      - {当: 级别 == 初级, 则: 标准}
"""

HEAD = "格式: 1\n政策: {编号: 乙, 修订: 甲, 施行: 2021-01-01}\n"


def found(folder: Path, **files: str) -> list[Diagnostic]:
    """What checking a folder of these files says."""
    for name, text in {"甲": BASE, **files}.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return list(check(None, [folder]).diagnostics)


def codes(diagnostics: list[Diagnostic]) -> list[str]:
    return [d.code for d in diagnostics]


def value_of(folder: Path, id_: str, param: str) -> Number:
    registry, _ = load_folder(folder)
    policy = next(p for p in registry.policies if p.meta.id == id_)
    found: Number = policy.params[param].values[0].value
    return found


@pytest.mark.parametrize("path", REVISIONS, ids=lambda p: p.stem)
def test_every_revision_of_the_family_checks(path: Path) -> None:
    errors = [d for d in check(None, [path], ROOT / "policies").diagnostics if d.severity == "error"]
    assert errors == []


def test_an_amendment_is_the_base_with_its_changes(tmp_path: Path) -> None:
    change = (
        HEAD
        + "参数: {标准: {值: 130}, 新数: {值: 5, 单位: 元}}\n规则: {应发: {公式: 标准 + 新数 + 浮动}}\n删除: [表.补贴, 规则.应发.例外, 字段.级别]\n"
    )
    assert codes(found(tmp_path, 乙=change)) == []
    registry, _ = load_folder(tmp_path)
    policy = next(p for p in registry.policies if p.meta.id == "乙")
    assert (policy.meta.series, policy.meta.title, policy.meta.number, policy.meta.base) == (
        "甲",
        "甲办法",
        "",
        "甲",
    )
    assert list(policy.params) == ["标准", "浮动", "新数"]
    assert policy.params["标准"].values[0].value == 130
    assert policy.params["标准"].type.unit is not None
    assert policy.tables == {}
    assert policy.rules["应发"].exceptions == ()
    assert policy.document(policy.params["标准"].values[0].node).id == "乙"
    assert policy.document(policy.params["浮动"].values[0].node).id == "甲"


def test_an_amendment_of_an_amendment(tmp_path: Path) -> None:
    third = "格式: 1\n政策: {编号: 丙, 修订: 乙, 施行: 2022-01-01}\n参数: {浮动: {值: 20}}\n"
    assert codes(found(tmp_path, 乙=HEAD + "参数: {标准: {值: 130}}\n", 丙=third)) == []
    assert (value_of(tmp_path, "丙", "标准"), value_of(tmp_path, "丙", "浮动")) == (130, 20)


def test_two_of_one_day_that_touch_different_things_both_hold(tmp_path: Path) -> None:
    other = HEAD.replace("乙", "戊") + "参数: {浮动: {值: 20}}\n"
    assert codes(found(tmp_path, 乙=HEAD + "参数: {标准: {值: 130}}\n", 戊=other)) == []
    registry, _ = load_folder(tmp_path)
    in_force = registry.in_force("甲", date(2021, 1, 1))
    assert in_force is not None
    assert in_force.meta.id == "戊"
    assert (value_of(tmp_path, "戊", "标准"), value_of(tmp_path, "戊", "浮动")) == (130, 20)


BAD = [
    ("E440", HEAD.replace("修订: 甲", "修订: 甲甲"), "找不到所修订的「甲甲」"),
    ("E440", HEAD.replace("修订: 甲", "修订: 丙"), "所修订的「丙」本身有错误"),
    ("E441", HEAD.replace("修订: 甲", "修订: 乙"), "修订绕成了圈：乙 → 乙"),
    ("E442", HEAD + "删除: [规则.应付]\n", "要删除的「规则.应付」在原文件里没有"),
    ("E442", HEAD + "删除: [政策]\n", "要删除的「政策」在原文件里没有"),
    ("E443", HEAD.replace("2021", "2019"), "施行日期早于它所修订的「甲」的施行日期 2020-01-01"),
    ("E446", HEAD + "参数:\n", "「参数」是空的，原文件里有内容"),
    ("E221", HEAD + "删除: {规则: 应发}\n", "这里应为一个值"),
    ("E221", HEAD + "删除: [{规则: 应发}]\n", "这里应为一个值"),
    ("E202", HEAD.replace("格式: 1\n", ""), "文件缺少「格式」"),
    ("E440", HEAD.replace("修订: 甲", "修订: 甲发〔2020〕1号"), "找不到所修订的「甲发〔2020〕1号」"),
    ("E210", HEAD.replace("修订: 甲", "修订: 甲, 细化: 甲"), "「修订」和「细化」只能写一个"),
    ("E445", HEAD.replace("修订: 甲", "修订: 甲, 层级: 区县"), "修订「甲」的文件，层级不能低于它（省）"),
    ("E201", HEAD + "参数: {标准: {直: 1}}\n", "没有「直」这个键"),
    ("E202", HEAD + "规则: {新规则: {单位: 元}}\n", "「公式」和「校验」要写一个"),
    ("E301", HEAD + "删除: [参数.标准]\n", "未声明的名称「标准」"),
    (
        "E445",
        HEAD.replace("修订", "细化") + "参数: {浮动: {值: 20}}\n",
        "细化「甲」的文件，层级应低于它（省）",
    ),
]


@pytest.mark.parametrize(
    ("code", "text", "message"), BAD, ids=[f"{code}-{n}" for n, (code, *_) in enumerate(BAD)]
)
def test_what_is_wrong_is_said(tmp_path: Path, code: str, text: str, message: str) -> None:
    problems = [
        d for d in found(tmp_path, 乙=text, 丙="格式: 1\n政策: {编号: 丙, 修订: 丁}\n") if d.code == code
    ]
    assert any(message in d.message for d in problems), problems
    assert problems[0].place is not None


def test_circles_of_two(tmp_path: Path) -> None:
    other = HEAD.replace("编号: 乙, 修订: 甲", "编号: 丙, 修订: 乙")
    problems = found(tmp_path, 乙=HEAD.replace("修订: 甲", "修订: 丙"), 丙=other)
    assert {d.code for d in problems} <= {"E440", "E441"}
    assert "E441" in codes(problems)


def test_two_of_one_day_that_touch_one_thing(tmp_path: Path) -> None:
    other = HEAD.replace("乙", "戊") + "参数: {标准: {值: 140}}\n"
    problems = found(tmp_path, 乙=HEAD + "参数: {标准: {值: 130}}\n", 戊=other)
    assert codes(problems) == ["E444"]
    assert "「乙」同日施行，也改了「参数.标准.值」" in problems[0].message


def test_changes_left_behind(tmp_path: Path) -> None:
    other = HEAD.replace("乙", "丙").replace("2021", "2022") + "参数: {浮动: {值: 20}}\n"
    assert codes(found(tmp_path, 乙=HEAD + "参数: {标准: {值: 130}}\n", 丙=other)) == ["W813"]
    repealing = other.replace("修订: 甲", "修订: 甲, 废止文件: 乙")
    assert codes(found(tmp_path, 丙=repealing)) == []


def test_mistakes_that_only_show_in_the_base_name_the_amendment(tmp_path: Path) -> None:
    problem = found(tmp_path, 乙=HEAD + "删除: [参数.标准]\n")[0]
    assert problem.place is not None
    assert problem.place.file.endswith("甲.yaml")
    assert problem.related[-1][0] == "由「乙」修订后才有"


def test_a_deletion_in_a_file_that_stands_by_itself(tmp_path: Path) -> None:
    assert codes(found(tmp_path, 丙=BASE.replace("编号: 甲", "编号: 丙") + "删除: [参数.标准]\n")) == ["E447"]


CITY = "格式: 1\n政策: {编号: 市甲, 细化: 甲, 名称: 市办法, 层级: 市, 施行: 2020-06-01}\n"


def test_a_lower_level_fills_in_what_is_left_to_it(tmp_path: Path) -> None:
    city = (
        CITY
        + "参数: {浮动: {值: 30}, 市补: {值: 3, 单位: 元}}\n规则: {市补应发: {单位: 元, 公式: 应发 + 市补}}\n"
    )
    assert codes(found(tmp_path, 市=city)) == []
    registry, _ = load_folder(tmp_path)
    policy = next(p for p in registry.policies if p.meta.id == "市甲")
    assert (policy.meta.series, policy.meta.relation) == ("市甲", "细化")
    assert value_of(tmp_path, "市甲", "浮动") == 30


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ("参数: {标准: {值: 30}}\n", "E445", "「甲」没有把「参数.标准」授权给市"),
        ("参数: {浮动: {授权: 区县}}\n", "E445", "授权填写「参数.浮动」，没有授权改它的「授权」"),
        ("删除: [规则.应发]\n", "E445", "没有把「规则.应发」授权给市"),
        ("参数: {浮动: {值: 60}}\n", "E240", "「60」超出了允许的范围"),
        ("参数: {浮动: {值: 60, 范围: [10, 90]}}\n", "E445", "授权填写「参数.浮动」，没有授权改它的「范围」"),
        ("参数: {浮动: {值: 60}}\n删除: [参数.浮动.范围]\n", "E445", "没有授权改它的「范围」"),
        ("参数: {浮动: {值: 60, 单位: 元}}\n删除: [参数.浮动]\n", "E445", "没有授权删去它"),
        ("删除: [条文]\n", "E445", "没有把「条文」授权给市"),
    ],
)
def test_a_lower_level_keeps_to_what_is_left_to_it(
    tmp_path: Path, change: str, code: str, message: str
) -> None:
    base = BASE + "条文: {第一条: {处理: 宣示, 理由: 无}}\n"
    problems = [d for d in found(tmp_path, 甲=base, 市=CITY + change) if d.severity == "error"]
    assert codes(problems) == [code]
    assert message in problems[0].message


def test_what_a_lower_level_amends_of_its_own_stays_within_what_is_left_to_it(tmp_path: Path) -> None:
    """A 修订 of a 细化 reaches no further than the 细化 could."""
    city = CITY + "参数: {浮动: {值: 30}, 市补: {值: 3, 单位: 元}}\n规则: {市发: {公式: 应发 + 市补}}\n"
    second = "格式: 1\n政策: {编号: 市乙, 修订: 市甲, 施行: 2021-06-01}\n"
    within = second + "参数: {浮动: {值: 40}, 市补: {值: 4}}\n"
    assert codes(found(tmp_path, 市=city, 市二=within)) == []
    assert (value_of(tmp_path, "市乙", "浮动"), value_of(tmp_path, "市乙", "市补")) == (40, 4)
    beyond = found(tmp_path, 市=city, 市二=second + "参数: {标准: {值: 999}}\n")
    assert codes(beyond) == ["E445"]
    assert "「甲」没有把「参数.标准」授权给市" in beyond[0].message


def test_a_lower_level_that_fills_in_an_outdated_version(tmp_path: Path) -> None:
    city = CITY + "参数: {浮动: {值: 30}}\n"
    raised = HEAD + "参数: {标准: {值: 130}}\n"
    problems = found(tmp_path, 乙=raised, 市=city)
    assert codes(problems) == ["W814"]
    assert problems[0].message == "2021-01-01 起「甲」施行的是「乙」，它细化的还是「甲」"
    follows = city.replace("编号: 市甲, 细化: 甲", "编号: 市乙, 系列: 市甲, 细化: 乙").replace(
        "2020-06", "2021-01"
    )
    assert codes(found(tmp_path, 乙=raised, 市=city, 市二=follows)) == []


@pytest.mark.parametrize(
    ("change", "meant"),
    [
        ("规则: {应法: {单位: 元, 公式: 标准}}\n", "应发"),
        ("规则: {应法: {单位: 元, 公式: 标准}, 另: {单位: 元, 公式: 应法}}\n", ""),
        ("规则: {应法: {单位: 元, 公式: 标准, 依据: 附件一}}\n", ""),
        ("规则: {应发二: {单位: 元, 公式: 标准}}\n", ""),
        ("规则: {实发: {单位: 元, 公式: 标准}}\n删除: [规则.应发]\n", ""),
    ],
)
def test_a_new_name_that_may_be_a_misspelt_one(tmp_path: Path, change: str, meant: str) -> None:
    problems = [d for d in found(tmp_path, 乙=HEAD + change) if d.code == "W815"]
    assert [f"「{meant}」不变" in d.message for d in problems] == ([True] if meant else [])


def test_an_incomplete_new_name_says_that_the_base_lacks_it(tmp_path: Path) -> None:
    problem = found(tmp_path, 乙=HEAD + "规则: {应付: {单位: 元}}\n")[0]
    assert (problem.code, problem.hint) == (
        "E202",
        "原文件没有「规则.应付」，新增的要写完整；是否想写「应发」？",
    )
    assert problem.place is not None
    assert problem.place.file.endswith("乙.yaml")


def test_what_is_missing_in_an_amendment_is_said_there(tmp_path: Path) -> None:
    problem = found(tmp_path, 乙=HEAD.replace(", 施行: 2021-01-01", ""))[0]
    assert (problem.code, problem.message) == ("E202", "「政策」缺少「施行」")
    assert problem.place is not None
    assert problem.place.file.endswith("乙.yaml")


def test_a_deleted_key_may_end_in_a_dot(tmp_path: Path) -> None:
    articles = "条文:\n  第一条: {处理: 宣示, 理由: 无}\n  第一条（一）1.: {处理: 宣示, 理由: 无}\n"
    deletion = HEAD + "删除: [条文.第一条（一）1., 条文.第一条.理由]\n条文: {第一条: {处理: 程序}}\n"
    assert codes(found(tmp_path, 甲=BASE + articles, 乙=deletion)) == []
    registry, _ = load_folder(tmp_path)
    assert list(registry.policies[0].provisions) == ["第一条"]


LATE = "格式: 1\n政策: {编号: 乙, 修订: 甲, 施行: 2021-01-01, 印发: 2021-08-01}\n参数: {标准: {值: 130}}\n"
MEANWHILE = (
    "格式: 1\n政策: {编号: 丙, 修订: 甲, 施行: 2021-05-01, 印发: 2021-04-15}\n参数: {浮动: {值: 20}}\n"
)
BOTH = "格式: 1\n政策: {编号: 丁, 修订: 丙, 施行: 2021-05-01, 印发: 2021-08-01}\n参数: {标准: {值: 130}}\n"


def test_a_change_that_reaches_back_beyond_another(tmp_path: Path) -> None:
    """乙, issued in August for January on, would be lost from May, when 丙 of April takes effect."""
    lost = found(tmp_path, 乙=LATE, 丙=MEANWHILE)
    assert codes(lost) == ["W813"]
    assert lost[0].hint == (
        "乙 印发在后：请另写一个修订「丙」的文件，施行也写 2021-05-01，印发写 2021-08-01，把那些修改写进去"
    )
    assert codes(found(tmp_path, 乙=LATE, 丙=MEANWHILE, 丁=BOTH)) == []
    registry, _ = load_folder(tmp_path)
    june = date(2021, 6, 1)
    assert in_force_on(registry, june) == "丁"
    assert in_force_on(registry.known_on(june), june) == "丙"


def test_an_amendment_checked_alone_says_what_it_brings_about(tmp_path: Path) -> None:
    """The officer who drafts 乙 hears that 丙, in the folder in use, would undo it from May on."""
    folder, draft = tmp_path / "政策", tmp_path / "草稿" / "乙.yaml"
    for path in (folder, draft.parent):
        path.mkdir()
    found(folder, 丙=MEANWHILE)
    draft.write_text(LATE, "utf-8")
    problems = check(None, [draft], folder).diagnostics
    assert [(d.code, d.place.file) for d in problems if d.place] == [("W813", str(folder / "丙.yaml"))]
    draft.write_text(LATE.replace("2021-01-01", "2020-01-01").replace("2021-08-01", "2020-01-01"), "utf-8")
    (folder / "甲.yaml").write_text(
        BASE.replace("施行: 2020-01-01", "施行: 2020-01-01, 失效: 2020-12-31"), "utf-8"
    )
    assert "E411" in codes(list(check(None, [draft], folder).diagnostics))


def test_nothing_is_laid_over_what_was_issued_later(tmp_path: Path) -> None:
    """On a day between, one would be known and the other not."""
    problems = found(tmp_path, 乙=LATE, 丙=MEANWHILE.replace("修订: 甲", "修订: 乙"))
    assert codes(problems) == ["E449"]
    assert problems[0].message == "它（2021-04-15）早于所修订的「乙」的印发日期 2021-08-01"


def in_force_on(registry: Registry, day: date) -> str:
    found = registry.in_force("甲", day)
    return found.meta.id if found else ""


def test_a_file_by_path_finds_its_base_beside_it_or_in_the_folder(tmp_path: Path) -> None:
    beside = tmp_path / "政策"
    beside.mkdir()
    (beside / "甲.yaml").write_text(BASE, "utf-8")
    draft = tmp_path / "乙.yaml"
    draft.write_text(HEAD + "参数: {标准: {值: 130}}\n", "utf-8")
    assert codes(load_file(draft)[1]) == ["E440"]
    assert codes(load_file(draft, near=[beside / "甲.yaml"])[1]) == []
    shutil.copy(draft, beside)
    assert codes(load_file(beside / "乙.yaml")[1]) == []


def test_the_fingerprint_rests_on_both_texts(tmp_path: Path) -> None:
    change = HEAD + "参数: {标准: {值: 130}}\n"
    found(tmp_path, 乙=change)
    files = [tmp_path / "甲.yaml", tmp_path / "乙.yaml"]
    first = load_files(files)[0].policies[1].sha256
    (tmp_path / "甲.yaml").write_text(BASE + "# 注\n", "utf-8")
    second = load_files(files)[0].policies[1].sha256
    (tmp_path / "乙.yaml").write_text(change + "# 注\n", "utf-8")
    assert len({first, second, load_files(files)[0].policies[1].sha256}) == 3


def test_damaged_amendments_are_told_of_and_never_raise(tmp_path: Path) -> None:
    """Pieces cut out of and repeated in an amendment, and in its base."""
    rng = random.Random(11)
    good = (
        CITY.replace("细化", "修订")
        + "参数: {标准: {值: 130}}\n规则:\n  应发: {公式: 标准}\n删除: [规则.应发.例外, 表.补贴]\n"
    )
    for round_ in range(120):
        texts = [BASE, good]
        which = round_ % 2
        text = texts[which]
        start = rng.randrange(len(text))
        end = min(len(text), start + rng.randrange(1, 25))
        texts[which] = text[:start] + (text[start:end] * rng.choice([0, 2])) + text[end:]
        (tmp_path / "甲.yaml").write_text(texts[0], "utf-8")
        (tmp_path / "乙.yaml").write_text(texts[1], "utf-8")
        for problem in check(None, [tmp_path]).diagnostics:
            assert problem.code[0] in "EW"
            assert problem.code != "E901"


def test_every_code_of_amendments_has_an_example() -> None:
    here = Path(__file__).read_text("utf-8")
    for code in (
        "E240",
        "E440",
        "E441",
        "E442",
        "E443",
        "E444",
        "E445",
        "E446",
        "E447",
        "E449",
        "W813",
        "W814",
        "W815",
    ):
        assert f'"{code}"' in here
