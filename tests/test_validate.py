"""Policies as data: every file of tests/policies is loaded, resolved and validated, and says exactly what stands
beside it in `<name>.expected` (good ones: nothing). GUIZHANG_UPDATE=1 rewrites what is expected; read the diff.

A folder with `_` at the end of its name is one case of several files, which use each other.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from engine.build import build
from engine.citations import parse_citation, read_citation
from engine.diagnostics import Diagnostic, Place, in_order
from engine.policy import Policy
from engine.registry import Registry, load_file, load_folder
from engine.source import SourceText
from engine.validate import validate
from engine.validate.intervals import Interval, add, digits_of, divide, hull, meet, multiply

HERE = Path(__file__).parent / "policies"
UPDATE = os.environ.get("GUIZHANG_UPDATE") == "1"


def check(policy: Policy, registry: Registry) -> list[Diagnostic]:
    return build(policy, registry)[1]


def check_path(path: Path) -> list[Diagnostic]:
    """Everything that is wrong in a file, or in a folder of files."""
    if path.is_dir():
        registry, found = load_folder(path)
        return in_order([*found, *(d for policy in registry.policies for d in check(policy, registry))])
    loaded, found = load_file(path, path.name)
    return in_order([*found, *(check(loaded, Registry((loaded,))) if loaded else [])])


def where(place: Place | None, folder: bool) -> str:
    if place is None:
        return ""
    text = f"{place.line}:{place.column}" if place.line else ""
    return f"{Path(place.file).name}:{text}" if folder else text


def written(diagnostic: Diagnostic, folder: bool) -> str:
    """「line:col code message | hint | related line:col」."""
    parts = [f"{where(diagnostic.place, folder)} {diagnostic.code} {diagnostic.message}".strip()]
    parts += [diagnostic.hint] if diagnostic.hint else []
    parts += [f"{words} {where(place, folder)}" for words, place in diagnostic.related]
    return " | ".join(parts)


def cases(kind: str) -> list[Path]:
    found = [path for path in (HERE / kind).glob("*/*") if path.suffix in (".yaml", ".yml")]
    return sorted([*found, *(path for path in (HERE / kind).glob("*/*_") if path.is_dir())])


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", [*cases("good"), *cases("bad")], ids=name)
def test_policy_says_what_is_expected(path: Path) -> None:
    lines = [written(diagnostic, path.is_dir()) for diagnostic in check_path(path)]
    expected = path.with_suffix(".expected") if path.is_file() else path.with_name(f"{path.name}.expected")
    if UPDATE:
        if lines:
            expected.write_text("\n".join(lines) + "\n", encoding="utf-8")
        else:
            expected.unlink(missing_ok=True)
    assert lines == (expected.read_text(encoding="utf-8").splitlines() if expected.exists() else [])


@pytest.mark.parametrize("path", cases("good"), ids=name)
def test_good_policies_have_no_errors(path: Path) -> None:
    assert [d for d in check_path(path) if d.severity == "error"] == []


@pytest.mark.parametrize("path", cases("bad"), ids=name)
def test_bad_policies_say_something(path: Path) -> None:
    assert check_path(path)


@pytest.mark.parametrize("path", cases("bad"), ids=name)
def test_every_place_lies_in_its_file(path: Path) -> None:
    for diagnostic in check_path(path):
        for place in (diagnostic.place, *(place for _, place in diagnostic.related)):
            if place is None or not place.line or place.excerpt is None:
                continue
            assert 1 <= place.column <= len(place.excerpt) + 1
        assert not diagnostic.message.endswith("。")
        assert not diagnostic.hint.endswith("。")


def test_every_expected_file_has_its_policy() -> None:
    for expected in HERE.glob("*/*/*.expected"):
        assert expected.with_suffix(".yaml").exists() or expected.with_suffix("").is_dir(), expected


CITATIONS = (
    ("第二十四条（一）（四）", "第二十四条（一）|第二十四条（四）"),
    ("第二十四条(一)", "第二十四条（一）"),
    ("第24条第（四）项", "第二十四条（四）"),
    ("第二十四条第二款", "第二十四条第二款"),
    ("第二十四条（一）1.2.", "第二十四条（一）1.|第二十四条（一）2."),
    ("第三条第一款（二）、（三）", "第三条第一款（二）|第三条第一款（三）"),
    ("第三条、第四条", "第三条|第四条"),
    ("第三条和第四条", "第三条|第四条"),
    ("第三条至第五条", "第三条|第四条|第五条"),
    ("第十二条之一", "第十二条之一"),
    ("本办法第四条", "第四条"),
    ("附件一、附表二", "附件一|附表二"),
    ("省办法：第四条、第五条；第六条", "省办法：第四条|省办法：第五条|第六条"),
    ("《劳动合同法实施条例》第三条", "《劳动合同法实施条例》：第三条"),
    ("《关于工资、津贴的通知》", "《关于工资、津贴的通知》"),
    ("国发〔1978〕104号", "国发〔1978〕104号"),
    ("省公告", "省公告"),
    ("第一百零三条", "第一百零三条"),
)


@pytest.mark.parametrize(("text", "articles"), CITATIONS)
def test_citations_are_read(text: str, articles: str) -> None:
    found, malformed = read_citation(text)
    assert "|".join(map(str, found)) == articles
    assert not malformed


@pytest.mark.parametrize(("text", "articles"), CITATIONS)
def test_canonical_citations_read_as_themselves(text: str, articles: str) -> None:
    for article in parse_citation(text):
        assert parse_citation(str(article)) == (article,)


@pytest.mark.parametrize(
    "text", ["第二十四（一）", "二十四条", "（一）", "第四条四", "第条", "第十条至第九条"]
)
def test_citations_that_cannot_be_read(text: str) -> None:
    assert read_citation(text)[1]


def test_intervals_hold_every_result() -> None:
    """Laws of arithmetic on intervals, on a grid of small ends."""
    ends = [Interval(low, high) for low in range(-2, 3) for high in range(low, 3)]
    for one in ends:
        for two in ends:
            for a in range(int(one.low), int(one.high) + 1):
                for b in range(int(two.low), int(two.high) + 1):
                    assert not meet(add(one, two), Interval(a + b, a + b)).is_empty
                    assert not meet(multiply(one, two), Interval(a * b, a * b)).is_empty
                    assert not meet(hull([one, two]), Interval(a, a)).is_empty
                    if b:
                        quotient = divide(Interval(a, a), two)
                        assert quotient.low * b <= a <= quotient.high * b or b < 0
            assert multiply(one, two).has_zero == (one.has_zero or two.has_zero)


@pytest.mark.parametrize(("number", "digits"), [(500, -2), (505, 0), (12, 0), (1000, -3)])
def test_digits_of_whole_numbers(number: int, digits: int) -> None:
    assert digits_of(number) == digits


def long_policy(rules: int) -> str:
    """A policy of about ten lines a rule, each with a table, conditions and exceptions."""
    lines = [
        "格式: 1",
        "政策: {编号: long, 名称: 长, 施行: 2021-01-01, 标识: 工号}",
        "字段:",
        "  工号: {类型: 文字}",
        "  等级: {选项: [一级, 二级, 三级, 四级], 有序: 是}",
        "  年限: {类型: 整数, 范围: [0, 60]}",
        "  月数: {类型: 整数, 范围: [0, 12]}",
        "  甲: {类型: 是否}",
        "  入职: {类型: 日期}",
        "  离职: {类型: 日期}",
        "表:",
    ]
    for at in range(rules):
        lines += [
            f"  标准{at}:",
            "    按: [年限, 等级]",
            "    单位: 元/月",
            "    行:",
            f"      - {{年限: {{不满: {at % 9 + 1}}}, 值: 100}}",
            f"      - {{年限: {{满: {at % 9 + 1}}}, 等级: [一级, 二级], 值: 200}}",
            f"      - {{年限: {{满: {at % 9 + 1}}}, 等级: {{满: 三级}}, 值: 300}}",
        ]
    lines += ["规则:", "  在册: {公式: 入职 <= 计算日 且 离职 > 计算日, 不适用说明: 不在册}"]
    for at in range(rules):
        lines += [
            f"  津贴{at}:",
            "    适用: [在册]",
            "    单位: 元/月",
            f"    公式: 四舍五入(标准{at}[年限, 等级] * 月数 / 12, 2)",
            "    例外:",
            "      - {当: 甲 且 等级 >= 三级, 则: 0}",
            "      - {当: 等级 == 一级 且 年限 < 3, 则: 0}",
        ]
    return "\n".join(lines) + "\n"


def test_a_thousand_lines_take_little_time() -> None:
    from engine.loader import load

    policy, found = load(SourceText("long.yaml", long_policy(70)))
    assert policy is not None
    assert found == []
    program, found = build(policy, Registry((policy,)))
    assert program is not None
    assert found == []
    times = []
    for _ in range(3):
        start = time.perf_counter()
        assert validate(program) == []
        times.append(time.perf_counter() - start)
    assert min(times) < 0.3
