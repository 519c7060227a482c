"""`show --resolved` and `new`: a 修订 written out keeps the base's text and means the same; a new file begins as a sound one."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cli import main
from engine.app.check import check
from engine.build import build
from engine.diff.changes import plain
from engine.diff.meaning import meaning_fingerprint, meanings
from engine.diff.resolved import by_itself, resolved_text, splice
from engine.folder import open_folder, registry_for
from engine.loader import load, read
from engine.nodes import Entry, Mapping, Node, Scalar, Sequence
from engine.registry import load_file, load_folder, policy_files, whole_of
from engine.source import SourceText
from engine.versions import check_versions

ROOT = Path(__file__).parent.parent
NEAR = policy_files(ROOT / "policies")
REVISIONS = sorted((ROOT / "tests" / "revisions").glob("*.yaml"))
BASE = (ROOT / "policies" / "jiaban-2021-47.yaml").read_text("utf-8")


def comments(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith("#")]


@pytest.mark.parametrize("path", REVISIONS, ids=lambda p: p.stem)
def test_a_resolved_amendment_says_what_it_makes(path: Path) -> None:
    _, whole, drafts = whole_of(path, NEAR)
    assert whole is not None
    assert isinstance(whole.root, Mapping)
    text = resolved_text(drafts)
    assert text is not None
    again = read(SourceText("r.yaml", text))
    assert again.found == ()
    assert plain(again.root) == plain(by_itself(whole.root))
    assert comments(text) == comments(BASE)


@pytest.mark.parametrize("path", REVISIONS, ids=lambda p: p.stem)
def test_a_resolved_amendment_means_the_same(path: Path) -> None:
    folder = open_folder(ROOT / "policies", ROOT)
    amended, _ = load_file(path, near=NEAR)
    text = resolved_text(whole_of(path, NEAR)[2])
    assert amended is not None
    assert text is not None
    written, _ = load(SourceText("r.yaml", text))
    assert written is not None
    prints = []
    for policy in (amended, written):
        program, problems = build(policy, registry_for(policy, path, folder)[0], advice=False)
        assert program is not None, problems
        prints.append(meaning_fingerprint(meanings(program)))
    assert prints[0] == prints[1]


def test_untouched_lines_stay_as_they_were() -> None:
    text = resolved_text(whole_of(ROOT / "tests/revisions/raised-base.yaml", NEAR)[2])
    assert text is not None
    before, after = BASE.splitlines(), text.splitlines()
    assert "  基本工资标准: {值: 2300, 单位: 元/月, 依据: 第二十四条（一）}" in after
    assert [line for line in after if line not in before] == [
        "  编号: jiaban-2024-33",
        "  文号: 嘉办字〔2024〕33号",
        "  印发: 2024-08-15",
        "  施行: 2024-01-01",
        "  基本工资标准: {值: 2300, 单位: 元/月, 依据: 第二十四条（一）}",
    ]


# ---- splicing, as a law ------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        "甲",
        "乙丙",
        "1.5",
        "若 a > 1 则 x, y",
        "a: b",
        "有 # 号",
        "- 横",
        "[x",
        "'引'",
        '"',
        "两\n行",
        " 空 ",
        "~",
    ]
)


def trees(depth: int) -> st.SearchStrategy[Any]:
    if depth == 0:
        return WORDS
    inner = trees(depth - 1)
    keys = st.sampled_from(["一", "二", "三", "四", "五"])
    return st.one_of(
        WORDS, st.dictionaries(keys, inner, min_size=1, max_size=4), st.lists(inner, min_size=1, max_size=3)
    )


def node_of(value: Any, flow: bool) -> Node:
    source = SourceText("", "")
    span = read(SourceText("", "x: 1")).root.span  # type: ignore[union-attr]
    if isinstance(value, dict):
        entries = (Entry(Scalar(key, "", source, span), node_of(part, flow)) for key, part in value.items())
        return Mapping(tuple(entries), flow, source, span)
    if isinstance(value, list):
        return Sequence(tuple(node_of(part, flow) for part in value), flow, source, span)
    return Scalar(value, "" if value in ("甲", "乙丙", "1.5") else '"', source, span)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["甲", "乙", "丙"]), trees(3), min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(["甲", "乙", "丙"]), trees(3), min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_splicing_any_text_makes_it_say_the_new_tree(old: Any, new: Any, flow: bool, flow_new: bool) -> None:
    from engine.diff.resolved import written_out

    text = (
        written_out(node_of(old, flow))
        if not flow
        else f"顶: {json.dumps(old, ensure_ascii=False)}\n末: 完\n"
    )
    root = read(SourceText("a.yaml", text)).root
    assert root is not None
    target = node_of(new if not flow else {"顶": new, "末": "完"}, flow_new)
    if isinstance(target, Mapping):
        target = Mapping(target.entries, False, target.source, target.span)
    spliced = splice(text, root, target)
    again = read(SourceText("b.yaml", spliced))
    assert again.root is not None, (text, spliced, again.found)
    assert plain(again.root) == plain(target), (text, spliced)


# ---- new -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("full", [False, True])
def test_a_new_version_begins_sound(tmp_path: Path, full: bool) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    for path in NEAR:
        shutil.copy(path, folder)
    args = [
        "new",
        "jiaban-2025-9",
        "--policies",
        str(folder),
        "--effective",
        "2025-01-01",
        "--number",
        "嘉办字〔2025〕9号",
    ]
    done = CliRunner().invoke(
        main, [*args, *(["--full"] if full else []), "-o", str(folder / "jiaban-2025-9.yaml")]
    )
    assert done.exit_code == 0, done.output
    assert [d for d in check(None, [folder]).diagnostics if d.code not in ("E751",)] == []
    registry, _ = load_folder(folder)
    found = registry.in_force("jiayuguan-shequ", date(2025, 1, 1))
    assert found is not None
    assert (found.meta.id, found.meta.number) == ("jiaban-2025-9", "嘉办字〔2025〕9号")
    assert (found.meta.relation == "修订") is not full


def test_resolved_on_the_command_line(tmp_path: Path) -> None:
    out = tmp_path / "合并.yaml"
    args = ["show", str(REVISIONS[0]), "--resolved", "--policies", str(ROOT / "policies"), "-o", str(out)]
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 0, done.output
    assert out.read_text("utf-8").startswith("# 由 嘉办字〔2021〕47号（jiaban-2021-47）、")
    assert CliRunner().invoke(main, args).exit_code == 2  # not over what is there


def test_a_base_with_line_ends_of_windows_keeps_its_comments(tmp_path: Path) -> None:
    base, change = tmp_path / "jiaban-2021-47.yaml", tmp_path / REVISIONS[0].name
    base.write_bytes(BASE.replace("\n", "\r\n").encode("utf-8"))
    for path in REVISIONS:
        shutil.copy(path, change)
        text = resolved_text(whole_of(change)[2])
        assert text == resolved_text(whole_of(path, NEAR)[2])


@pytest.mark.parametrize("full", [False, True])
def test_a_new_version_takes_any_number(tmp_path: Path, full: bool) -> None:
    (tmp_path / "甲.yaml").write_text(PLAIN, "utf-8")
    number = '甲发 #3: "x"\n系列: 丁'
    args = ["new", "乙", "--policies", str(tmp_path), "--effective", "2021-01-01", "--number", number]
    done = CliRunner().invoke(main, [*args, *(["--full"] if full else []), "-o", str(tmp_path / "乙.yaml")])
    assert done.exit_code == 0, done.output
    registry, problems = load_folder(tmp_path)
    assert problems == []
    found = registry.in_force("甲", date(2021, 1, 1))
    assert found is not None
    assert (found.meta.number, found.meta.series) == (number, "甲")


def test_the_examples_of_a_draft_are_what_its_level_may_change(tmp_path: Path) -> None:
    base = (
        PLAIN.replace("名称: 甲", "名称: 甲, 层级: 省")
        + "参数:\n  省定: {值: 1}\n  市定: {值: 信息不足, 授权: 市}\n规则: {和: {公式: 省定 + 市定}}\n"
    )
    city = (
        "格式: 1\n政策: {编号: 市, 细化: 甲, 名称: 市, 层级: 市, 施行: 2020-02-01}\n参数: {市定: {值: 2}}\n"
    )
    (tmp_path / "甲.yaml").write_text(base, "utf-8")
    (tmp_path / "市.yaml").write_text(city, "utf-8")
    args = ["new", "市二", "--policies", str(tmp_path), "--policy", "市", "--effective", "2021-01-01"]
    draft = CliRunner().invoke(main, args).output
    assert "#   市定: {值: 2}" in draft
    assert "公式" not in draft
    (tmp_path / "市二.yaml").write_text(
        draft.replace("# 参数:\n#  ", "参数:\n ").replace("值: 2}", "值: 3}"), "utf-8"
    )
    assert [d for d in check(None, [tmp_path]).diagnostics if d.severity == "error"] == []


def test_a_draft_says_when_the_version_before_it_ends(tmp_path: Path) -> None:
    base = PLAIN.replace("施行: 2020-01-01", "施行: 2020-01-01, 失效: 2024-12-31")
    (tmp_path / "甲.yaml").write_text(base, "utf-8")
    args = ["new", "乙", "--policies", str(tmp_path), "--effective", "2021-01-01"]
    assert "\n  # 失效: 2024-12-31   # 甲 的失效日期；" in CliRunner().invoke(main, args).output


# ---- versions ----------------------------------------------------------------------------------------------

PLAIN = "格式: 1\n政策: {编号: 甲, 名称: 甲, 文号: 甲发1号, 施行: 2020-01-01, 标识: 工号}\n字段: {工号: {类型: 文字}}\n"


def folder_of(tmp_path: Path, *texts: str) -> Any:
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.yaml").write_text(text, "utf-8")
    return load_folder(tmp_path)[0]


def test_a_policy_repealed_by_another(tmp_path: Path) -> None:
    other = PLAIN.replace("编号: 甲", "编号: 乙").replace("2020", "2022").replace("甲发1号", "乙发1号")
    registry = folder_of(tmp_path, PLAIN, other.replace("标识", "废止文件: 甲发1号, 标识"))
    assert registry.in_force("甲", date(2021, 12, 31)) is not None
    assert registry.in_force("甲", date(2022, 1, 1)) is None
    assert registry.in_force("乙", date(2022, 1, 1)) is not None


def test_with_a_repealed_policy_go_its_amendments(tmp_path: Path) -> None:
    amended = "格式: 1\n政策: {编号: 丙, 修订: 甲, 文号: 甲发3号, 施行: 2021-01-01}\n"
    other = (
        PLAIN.replace("编号: 甲", "编号: 乙, 废止文件: 甲发1号")
        .replace("2020", "2022")
        .replace("甲发1号, 施行", "乙发1号, 施行")
    )
    registry = folder_of(tmp_path, PLAIN, amended, other)
    assert [d.code for d in check_versions(registry)] == []
    for day, versions in ((date(2020, 12, 31), "甲"), (date(2021, 12, 31), "丙"), (date(2022, 1, 1), "")):
        found = registry.in_force("甲", day)
        assert (found.meta.id if found else "") == versions
    own = folder_of(tmp_path, PLAIN, amended, other.replace("废止文件: 甲发1号", "废止文件: 甲发3号"))
    assert own.in_force("甲", date(2022, 1, 1)) is None  # never the version before it
    assert {p.meta.id: p.meta.expires for p in own.policies}["甲"] is None


def test_a_repeal_issued_later_was_not_known(tmp_path: Path) -> None:
    """Effective 1 January 2022, issued in May 2023: until then the repealed policy was in force without end."""
    other = (
        PLAIN.replace("编号: 甲", "编号: 乙, 印发: 2023-05-01")
        .replace("2020", "2022")
        .replace("甲发1号", "乙发1号")
    )
    registry = folder_of(tmp_path, PLAIN, other.replace("标识", "废止文件: 甲发1号, 标识"))
    day = date(2022, 6, 1)
    assert registry.in_force("甲", day) is None
    assert registry.known_on(date(2023, 4, 30)).in_force("甲", day) is not None
    assert registry.known_on(date(2023, 5, 1)).in_force("甲", day) is None


def test_a_base_with_an_end_overlaps_its_amendment(tmp_path: Path) -> None:
    base = PLAIN.replace("施行: 2020-01-01", "施行: 2020-01-01, 失效: 2024-12-31")
    registry = folder_of(tmp_path, base, "格式: 1\n政策: {编号: 丙, 修订: 甲, 施行: 2021-01-01}\n")
    problem = check_versions(registry)[0]
    assert problem.code == "E411"
    assert problem.hint.endswith("；修订后仍到期失效的，写在修订里")


def test_what_was_known_on_a_day(tmp_path: Path) -> None:
    later = PLAIN.replace("编号: 甲", "编号: 乙, 系列: 甲").replace(
        "施行: 2020-01-01", "施行: 2021-01-01, 印发: 2021-08-01"
    )
    registry = folder_of(tmp_path, PLAIN, later)
    day = date(2021, 3, 1)
    assert registry.in_force("甲", day).meta.id == "乙"
    assert registry.known_on(date(2021, 7, 31)).in_force("甲", day).meta.id == "甲"


def test_the_schema_of_amendments_is_that_of_policies_without_what_is_required() -> None:
    policy = json.loads((ROOT / "schemas/policy.schema.json").read_text("utf-8"))
    amendment = json.loads((ROOT / "schemas/amendment.schema.json").read_text("utf-8"))
    assert amendment == loosened(policy)


def loosened(schema: dict[str, Any]) -> dict[str, Any]:
    """What an amendment may leave out is not required; what it writes keeps its shape, and so do the items of lists,
    which are replaced as wholes."""
    in_lists = set(re.findall(r'"items": \{"\$ref": "#/\$defs/(\w+)"\}', json.dumps(schema)))

    def without(part: Any) -> Any:
        if isinstance(part, list):
            return [without(item) for item in part]
        if not isinstance(part, dict):
            return part
        gone = ["required", "allOf", "oneOf", "not", "minProperties"]
        if set(part.get("if", ())) != {"type"}:  # on what else is written, which the base may have written
            gone += ["if", "then", "else"]
        return {
            key: part[key] if key in ("enum", "items", *in_lists) else without(value)
            for key, value in part.items()
            if key not in gone or isinstance(value, bool)
        }

    found: dict[str, Any] = without(schema)
    found["$id"] = schema["$id"].replace("policy", "amendment")
    found["title"] = "规章：修订或细化文件"
    found["description"] = "只写改动的政策文件：「政策」里写明修订或细化哪一版。"
    found["required"] = ["格式", "政策"]
    found["properties"]["政策"]["required"] = ["编号", "施行"]
    found["properties"]["政策"]["oneOf"] = [{"required": ["修订"]}, {"required": ["细化"]}]
    return found
