"""The JSON Schemas: valid, complete, explained in Chinese, at one with the loader; and every message they lead to."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

import engine.loading.commas
import engine.schema
from engine import resources
from engine.diagnostics import Diagnostic
from engine.loader import load
from engine.loading.document import LEVELS, TREATMENTS
from engine.loading.fields import FORMATS
from engine.nodes import Entry, Mapping, Node, Scalar, Sequence
from engine.schema import MAX_PROBLEMS, check_structure
from engine.source import SourceText
from engine.yaml_nodes import read_yaml

ROOT = Path(__file__).parent.parent
NAMES = ("policy", "cases")
POLICIES = sorted(
    path for path in (ROOT / "policies").glob("*.yaml") if not path.name.endswith(".cases.yaml")
)
CASES = sorted([*(ROOT / "policies").glob("*.cases.yaml"), *(ROOT / "tests/sample").rglob("*.cases.yaml")])

HEAD = """\
格式: 1
政策: {编号: a, 名称: 甲, 施行: 2021-05-27, 标识: 工号}
"""


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / f"schemas/{name}.schema.json").read_text("utf-8"))
    return loaded


def root_of(text: str) -> Node:
    root, found = read_yaml(SourceText("p.yaml", text))
    assert root is not None, found
    return root


def subschemas(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from subschemas(inner)


# ---- the schemas themselves -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_valid(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_key_is_explained(name: str) -> None:
    whole = schema(name)
    for part in subschemas(whole):
        if "enum" in part.get("properties", {}) or not isinstance(part.get("properties"), dict):
            continue
        if "additionalProperties" not in part:
            continue  # a condition, not a declaration
        for key, value in part["properties"].items():
            target = value
            while "description" not in target and "$ref" in target:
                target = whole["$defs"][target["$ref"].removeprefix("#/$defs/")]
            assert re.search(r"[\u4e00-\u9fff]", target.get("description", "")), key


@pytest.mark.parametrize("name", NAMES)
def test_unknown_keys_are_refused_everywhere(name: str) -> None:
    """A mapping is either a declaration, which is closed, or a map of names, whose values have a schema."""
    for part in subschemas(schema(name)):
        if "object" in part.get("type", ()):
            assert "additionalProperties" in part, part


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_checks_stands_beside_a_reference(name: str) -> None:
    for part in subschemas(schema(name)):
        if "$ref" in part:
            assert set(part) <= {"$ref", "description", "examples"}


def test_closed_words_are_those_of_the_loader() -> None:
    enums = {tuple(part["enum"]) for part in subschemas(schema("policy")) if "enum" in part}
    assert {LEVELS, TREATMENTS, FORMATS} <= enums


# ---- the list of keys -------------------------------------------------------------------------------------

#: Words of the list that stand for a name or a value, and keys that only language.md has (bands, keys in place).
PLACEHOLDERS = {
    "引用": {"别名", "系列"},
    "选项组": {"是", "否"},
    "口径": {"名"},
    "情形": {"标号"},
    "条文": {"条"},
}
ELSEWHERE = {
    "字段": {"出生", "性别"},
    "表": {"满", "超过", "不满", "不超过", "选项", "有序", "别名", "范围"},
}


def listed_keys() -> dict[str, set[str]]:
    """Section → keys of docs/decisions/0001-keys.md."""
    text = (ROOT / "docs/decisions/0001-keys.md").read_text("utf-8")
    bullets = dict(re.findall(r"^- (\S+): (.*)$", text, re.MULTILINE))
    bullets["cases"] = re.findall(r"^Cases file \(.*?\): (.*)$", text, re.MULTILINE)[0]
    keys = {}
    for section, line in bullets.items():
        written = re.sub(r"\([^)]*\)", "", " ".join(re.findall(r"`([^`]*)`", line)))
        keys[section] = set(re.findall(r"[\u4e00-\u9fff]+", written)) - PLACEHOLDERS.get(section, set())
    return keys


def keys_below(part: Any, whole: dict[str, Any], seen: set[str]) -> set[str]:
    """Every key that a schema declares, references followed."""
    keys: set[str] = set()
    for inner in subschemas(part):
        keys |= set(inner.get("properties", {}))
        target = inner.get("$ref", "").removeprefix("#/$defs/")
        if target and target not in seen:
            seen.add(target)
            keys |= keys_below(whole["$defs"][target], whole, seen)
    return keys


def test_keys_are_those_of_the_list() -> None:
    policy, cases, listed = schema("policy"), schema("cases"), listed_keys()
    assert set(policy["properties"]) == listed.pop("top")
    assert set(cases["items"]["properties"]) == listed.pop("cases")
    assert set(listed) == set(policy["properties"]) - {"格式"}
    assert listed.pop("用例") == listed.pop("删除") == set()
    for section, keys in listed.items():
        found = keys_below(policy["properties"][section], policy, set())
        assert found - ELSEWHERE.get(section, set()) == (keys | {"说明"}) - ELSEWHERE.get(section, set()), (
            section
        )


# ---- good files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*POLICIES, *CASES], ids=lambda path: path.name)
def test_real_files_have_no_error(path: Path) -> None:
    name = "cases" if path in CASES else "policy"
    assert check_structure(root_of(path.read_text("utf-8")), name) == []


@pytest.mark.parametrize("path", [*POLICIES, *CASES], ids=lambda path: path.name)
def test_an_editor_sees_no_error(path: Path) -> None:
    seen = yaml.load(path.read_text("utf-8"), EditorLoader)
    checker = Draft202012Validator(schema("cases" if path in CASES else "policy"))
    assert [error.message for error in checker.iter_errors(with_text_keys(seen))] == []


class EditorLoader(yaml.SafeLoader):
    """The safe loader, but dates are texts, as they are in JSON."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def with_text_keys(value: Any) -> Any:
    """Keys are texts in JSON, years too."""
    if isinstance(value, dict):
        return {str(key): with_text_keys(inner) for key, inner in value.items()}
    return [with_text_keys(inner) for inner in value] if isinstance(value, list) else value


# ---- mistakes ---------------------------------------------------------------------------------------------

#: Code, fragment with the place in ⟦⟧, message, hint. Fragments follow HEAD unless they begin with 「格式」.
BAD_POLICIES = [
    ("E201", "⟦规侧⟧:\n  甲: {公式: 1}\n", "没有「规侧」这个键", "是否想写「规则」？"),
    ("E201", "规则:\n  甲: {⟦公试⟧: 1}\n", "没有「公试」这个键", "是否想写「公式」？"),
    ("E201", "集体:\n  甲: {按: [], ⟦分佩⟧: {总额: 1}}\n", "没有「分佩」这个键", "是否想写「分配」？"),
    (
        "E201",
        "表:\n  甲: {按: 乙, 行: [{乙: {⟦大于⟧: 5}}]}\n",
        "没有「大于」这个键",
        "可用：满、超过、不满、不超过",
    ),
    ("E202", "格式: 1\n⟦政策⟧: {编号: a, 名称: 甲, 施行: 2021-05-27}\n", "「政策」缺少「标识」", ""),
    ("E202", "规则:\n  ⟦甲⟧: {依据: 第一条}\n", "「公式」和「校验」要写一个", ""),
    ("E202", "规则:\n  ⟦甲⟧: {公式: 1, 周期: 一次}\n", "周期为一次的规则缺少「触发日」", ""),
    ("E202", "规则:\n  甲: {公式: 1, 例外: [⟦{⟧当: 乙}]}\n", "这里缺少「则」", ""),
    ("E202", "集体:\n  ⟦甲⟧: {按: []}\n", "「公式」「校验」和「分配」要写一个", ""),
    ("E202", "表:\n  ⟦甲⟧: {按: 乙}\n", "「值」和「行」要写一个", ""),
    ("E202", "字段:\n  ⟦甲⟧: {}\n", "「类型」和「选项」要写一个", ""),
    ("E202", "字段:\n  ⟦甲⟧: {类型: 逐年}\n", "类型为逐年的字段缺少「值」", ""),
    ("E202", "字段:\n  ⟦甲⟧: {类型: 记录}\n", "类型为记录的字段缺少「栏目」", ""),
    ("E202", "条文:\n  ⟦第一条⟧: {处理: 宣示}\n", "处理为宣示的条文缺少「理由」", ""),
    ("E202", "条文:\n  ⟦第一条⟧: {处理: [计算, 裁量]}\n", "处理为裁量的条文缺少「裁量」", ""),
    ("E202", "情形:\n  甲: {任一: {⟦（一）⟧: {名称: 乙}}}\n", "「（一）」缺少「当」", ""),
    (
        "E204",
        "规则:\n  甲: {适用: {⟦乙⟧, 丙}, 公式: 1}\n",
        "花括号里的「乙」后面没有「: 值」",
        "列表用方括号，写作 [甲, 乙]；含逗号的公式请加引号",
    ),
    (
        "E204",
        "规则:\n  甲: {适用: [乙], ⟦丙⟧, 公式: 1}\n",
        "花括号里的「丙」后面没有「: 值」",
        "列表用方括号，写作 [甲, 乙]；含逗号的公式请加引号",
    ),
    (
        "E205",
        "规则:\n  甲: {公式: ⟦四舍五入(乙, 1)⟧, 单位: 元}\n",
        "逗号把公式切断了",
        "公式请加引号，或另起一行写",
    ),
    (
        "E205",
        "规则:\n  甲: {公式: ⟦段数(乙, 值 == 丙, 3)⟧}\n",
        "逗号把公式切断了",
        "公式请加引号，或另起一行写",
    ),
    (
        "E205",
        "集体:\n  甲: {按: [], 校验: 是, 列示: {上限: ⟦取大(1, 2)⟧}}\n",
        "逗号把公式切断了",
        "公式请加引号，或另起一行写",
    ),
    ("E205", "参数:\n  甲: {值: 1, 说明: ⟦一, 二⟧}\n", "逗号把文字切断了", "文字请加引号，或另起一行写"),
    ("E205", "参数:\n  甲: {值: ⟦1,000⟧, 单位: 元}\n", "逗号把数切断了", "数里不写千分位的逗号"),
    ("E206", "规则: ⟦[甲]⟧\n", "「规则」应写「键: 值」，这里写成了列表", ""),
    ("E206", "规则:\n  甲: ⟦1⟧\n", "「甲」应写「键: 值」，这里只写了「1」", ""),
    (
        "E206",
        "规则:\n  ⟦甲:乙⟧\n",
        "「规则」应写「键: 值」，这里只写了「甲:乙」",
        "键后面写半角冒号加空格「: 」",
    ),
    (
        "E206",
        "规则:\n  甲: {公式: ⟦[1, 2]⟧}\n",
        "「公式」应写一个公式，这里写成了列表",
        "公式里有逗号、括号时请整个加引号，或写在「|」之后",
    ),
    (
        "E206",
        "规则:\n  甲: {公式: 1, 例外: ⟦{当: 是, 则: 0}⟧}\n",
        "「例外」应写列表，这里写成了「键: 值」",
        "",
    ),
    (
        "E206",
        "字段:\n  甲: {选项: ⟦乙⟧}\n",
        "「选项」应写选项的列表，这里只写了「乙」",
        "选项写作 [甲, 乙]",
    ),
    ("E206", "字段:\n  甲: {类型: 数, 小数位: ⟦1.5⟧}\n", "「1.5」不是整数", ""),
    ("E206", "字段:\n  甲: {类型: 数, 小数位: ⟦-1⟧}\n", "「-1」不是整数", ""),
    (
        "E206",
        "格式: 1\n政策: {编号: a, 名称: 甲, 施行: ⟦2021年5月27日⟧, 标识: 工号}\n",
        "「2021年5月27日」不是日期",
        "日期写作 2021-05-27",
    ),
    (
        "E206",
        "格式: 1\n政策: {编号: a, 名称: 甲, 施行: ⟦2021⟧, 标识: 工号}\n",
        "「2021」不是日期",
        "日期写作 2021-05-27",
    ),
    ("E207", "规则:\n  ⟦甲⟧:\n", "「甲」没有填写", "这里应写「键: 值」"),
    ("E207", "规则:\n  甲: {公式: 1, ⟦周期⟧: }\n", "「周期」没有填写", "可用：月、季、半年、年、一次"),
    ("E207", "引用:\n  ⟦甲⟧: ~\n", "「甲」没有填写", "这里应写系列的名称，或 {政策: 系列}"),
    (
        "E208",
        "格式: ⟦2⟧\n政策: {编号: a, 名称: 甲, 施行: 2021-05-27, 标识: 工号}\n",
        "「格式」不能写「2」",
        "写作「格式: 1」",
    ),
    (
        "E208",
        "规则:\n  甲: {公式: 1, 内部: ⟦yes⟧}\n",
        "「内部」不能写「yes」",
        "真假只写「是」或「否」",
    ),
    ("E208", "规则:\n  甲: {公式: 1, 授权: ⟦村⟧}\n", "「授权」不能写「村」", "可用：省、市、区县"),
    ("E208", "规则:\n  甲: {公式: 1, 周期: ⟦每月⟧}\n", "「周期」不能写「每月」", "是否想写「月」？"),
    ("E208", "规则:\n  甲: {校验: 是, 级别: ⟦严重⟧}\n", "「级别」不能写「严重」", "可用：错误、须说明、提示"),
    ("E208", "条文:\n  第一条: {处理: [计算, ⟦宣传⟧]}\n", "这里不能写「宣传」", "是否想写「宣示」？"),
    ("E209", "字段:\n  甲: {选项: ⟦[]⟧}\n", "「选项」至少写 1 项", "选项写作 [甲, 乙]"),
    (
        "E209",
        "字段:\n  甲: {类型: 数, 范围: ⟦[1, 2, 3]⟧}\n",
        "「范围」至多写 2 项",
        "范围写作 [最小, 最大]，一边不限时写 ~",
    ),
    ("E209", "情形:\n  甲: {任一: ⟦{}⟧}\n", "「任一」至少写 1 项", ""),
]
BAD_CASES = [
    ("E201", "- {名称: 甲, 计算日: 2024-12-31, ⟦结论⟧: {乙: 1}}\n", "没有「结论」这个键", None),
    ("E202", "- ⟦{⟧名称: 甲}\n", "这里缺少「计算日」", ""),
    ("E206", "⟦名称: 甲⟧\n", "文件应写列表，这里写成了「键: 值」", ""),
    ("E206", "- {名称: 甲, 计算日: ⟦2024/12/31⟧}\n", "「2024/12/31」不是日期", "日期写作 2021-05-27"),
    (
        "E206",
        "- {名称: 甲, 计算日: 2024-12-31, 名册: a.csv, 结果: {A1: ⟦1⟧}}\n",
        "「A1」应写「结果: 值」，这里只写了「1」",
        "",
    ),
    (
        "E206",
        "- {名称: 甲, 计算日: 2024-12-31, 记录: {}, 结果: {乙: ⟦{丙: 1}⟧}}\n",
        "「乙」应写一个值或列表，这里写成了「键: 值」",
        "",
    ),
    ("E206", "- {名称: 甲, 计算日: 2024-12-31, 诊断: [⟦E7⟧]}\n", "「E7」不是编号", "编号写作 E702"),
    (
        "E210",
        "- {名称: 甲, 计算日: 2024-12-31, ⟦记录⟧: {}, 名册: a.csv}\n",
        "「记录」和「名册」只能写一个",
        "",
    ),
]
BAD = [*(("policy", *row) for row in BAD_POLICIES), *(("cases", *row) for row in BAD_CASES)]


def marked(name: str, fragment: str) -> tuple[str, int, int, int]:
    """A whole file around a fragment; line, column and length of its mark (to the end of its line)."""
    text = fragment if name == "cases" or fragment.startswith("格式") else HEAD + fragment
    start, end = text.index("⟦"), text.index("⟧")
    line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
    return text.replace("⟦", "").replace("⟧", ""), line, column, end - start - 1


@pytest.mark.parametrize(("name", "code", "fragment", "message", "hint"), BAD)
def test_mistakes(name: str, code: str, fragment: str, message: str, hint: str | None) -> None:
    text, line, column, length = marked(name, fragment)
    found = check_structure(root_of(text), name)
    assert [(d.code, d.message) for d in found] == [(code, message)]
    place = found[0].place
    assert place is not None
    assert (place.line, place.column, place.length) == (line, column, length)
    assert hint is None or found[0].hint == hint
    if name == "policy":
        rest = [
            d for d in load(SourceText("p.yaml", text))[1] if d.code != "E311"
        ]  # the fragment has no 字段
        assert rest == found


def test_every_code_has_an_example() -> None:
    documented = f"{engine.schema.__doc__} {engine.loading.commas.__doc__}"
    assert set(re.findall(r"E2\d\d", documented)) - {"E211"} == {code for _, code, *_ in BAD}


def test_all_mistakes_of_a_file_in_order() -> None:
    text = HEAD + "规则:\n  甲: {公式: f(1, 2), 内部: 对}\n  乙: {}\n字断: {}\n参数:\n  丙: {}\n"
    found = [(d.code, d.place.line) for d in check_structure(root_of(text), "policy") if d.place]
    assert found == [("E205", 4), ("E208", 4), ("E202", 5), ("E201", 6), ("E202", 8)]


@pytest.mark.parametrize(
    "text",
    [
        "口径:\n  甲: {采用: 乙, 读法: {乙: {说明: 一}, 丙: }}\n",  # a colon without a value is no piece
        "条文: {第一条(一): {处理: 计算}, 第二条（二）: {处理: 计算}}\n",
        "集体:\n  甲: {按: [], 公式: '取大(1, 2)'}\n",
        "规则:\n",
        "字段:\n  甲: {类型: 数, 小数位: '2', 范围: [0, ~], 依据: , 说明: 12}\n",
    ],
)
def test_no_mistake(text: str) -> None:
    assert check_structure(root_of(HEAD + text), "policy") == []


# ---- whatever is written ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(6))
def test_no_tree_raises(name: str, seed: int) -> None:
    chance = random.Random(seed)
    for path in [*POLICIES, *CASES]:
        root = root_of(path.read_text("utf-8"))
        for rate in (0.001, 0.02, 0.3):
            found = check_structure(mutated(root, chance, rate), name)
            assert len(found) <= MAX_PROBLEMS + 1
            assert all(d.code.startswith("E") and d.place and not d.message.endswith("。") for d in found)


def mutated(node: Node, chance: random.Random, rate: float) -> Node:
    place = node.source, node.span
    if chance.random() < rate:
        words = (
            "",
            "~",
            "²",
            "9" * 60,
            "-0.5",
            "逐年",
            "记录",
            "（）",
            "是",
            "f(1",
            "１２",
            "宣示",
            "\ud800",
        )
        strange: tuple[Node, ...] = (
            Scalar(chance.choice(words), chance.choice(("", "'", "|")), *place),
            Sequence((), True, *place),
            Mapping((), True, *place),
            Sequence((node, node), True, *place),
        )
        return chance.choice(strange)
    match node:
        case Mapping(entries, flow):
            kept = [
                Entry(e.key, mutated(e.value, chance, rate)) for e in entries if chance.random() > rate / 4
            ]
            if chance.random() < rate:
                kept.append(Entry(Scalar(chance.choice(("甲)", "公试", "授权", "")), "", *place), node))
            return Mapping(tuple(kept), flow != (chance.random() < rate), *place)
        case Sequence(items, flow):
            return Sequence(tuple(mutated(item, chance, rate) for item in items), flow, *place)
    return node


def test_any_depth() -> None:
    node = root_of("甲\n")
    for _ in range(20_000):
        node = Sequence((node,), True, node.source, node.span)
    assert [d.code for d in check_structure(node, "policy")] == ["E206"]
    table = root_of(HEAD + "表:\n  甲: {按: 乙, 值: " + "{丙: " * 36 + "1" + "}" * 36 + "}\n")
    assert check_structure(table, "policy") == []


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "规则:\n" + "".join(f"  甲{n}: {{公试: 1}}\n" for n in range(3000)),
        HEAD + "".join(f"键{n}: 1\n" for n in range(3000)),
        HEAD + "规则:\n" + "".join(f"  甲{n}: {{公式: f(1, 2)}}\n" for n in range(3000)),
    ],
)
def test_bounded(text: str) -> None:
    found: list[Diagnostic] = check_structure(root_of(text), "policy")
    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1].code == "E114"


# ---- where the files are ----------------------------------------------------------------------------------


def test_resources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert resources.schemas_dir() == ROOT / "schemas"
    assert resources.policies_dir() == ROOT / "policies"
    (tmp_path / "engine/_data/schemas").mkdir(parents=True)
    monkeypatch.setattr(resources, "files", lambda _: tmp_path / "engine")
    assert resources.schemas_dir() == tmp_path / "engine/_data/schemas"
    assert resources.policies_dir() == tmp_path / "policies"
