"""Laws of amendments: written out, a random one means what it meant; its schema and the loader refuse the same."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.diff.changes import plain
from engine.diff.meaning import meaning_fingerprint, meanings
from engine.diff.resolved import by_itself, resolved_text
from engine.loader import load, read
from engine.nodes import Mapping, Node, Scalar
from engine.registry import load_file, load_files, policy_files, whole_of
from engine.resolve import Resolver
from engine.schema import check_structure
from engine.source import SourceText
from engine.versions import Registry

ROOT = Path(__file__).parent.parent
BASES = [
    ROOT / "policies" / "jiaban-2021-47.yaml",
    *sorted(p for p in (ROOT / "tests" / "places").rglob("*.yaml") if not p.name.endswith(".cases.yaml")),
]


def paths(node: Node, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Everything below the root that a 修订 may name."""
    if isinstance(node, Mapping):
        for entry in node.entries:
            path = (*above, entry.key.text)
            if path[0] not in ("格式", "政策", "用例"):
                yield path, entry.value
                yield from paths(entry.value, path)


def random_amendment(rng: random.Random, root: Mapping, id_: str) -> str:
    """A 修订 of numbers, words, parts deleted and things added, in block or flow style, with comments."""
    known = dict(paths(root))
    change: dict[str, Any] = {}
    gone: list[str] = []
    for path in rng.sample(sorted(known), min(len(known), 12)):
        node, turn = known[path], rng.random()
        if any(word.startswith(".".join(path)) or ".".join(path).startswith(word) for word in gone):
            continue
        if isinstance(node, Scalar) and node.text.strip().isdecimal():
            written: Any = str(int(node.text) + rng.randrange(1, 9))
        elif path[-1] in ("依据", "说明", "理由", "名称", "采用理由", "问题", "不适用说明"):
            if turn < 0.5 and "." not in "".join(path):
                gone.append(".".join(path))
                continue
            written = rng.choice(["第一条", "有“引号”、：冒号 # 井号", "- 横线开头", "两\n行", "[方括号"])
        elif path[-1] in ("例外", "内部", "首期", "别名") and turn < 0.7:
            gone.append(".".join(path))
            continue
        else:
            continue
        inner = change
        for step in path[:-1]:
            inner = inner.setdefault(step, {})
            if not isinstance(inner, dict):
                break
        else:
            inner[path[-1]] = written
    new = rng.randrange(10**6)
    change.setdefault("参数", {})[f"新数{new}"] = {"值": "5", "单位": "元", "说明": '逗号, 引号" 和 #'}
    change.setdefault("规则", {})[f"新则{new}"] = {
        "公式": f"取大(新数{new}, 0)" if rng.random() < 0.5 else f"新数{new}"
    }
    meta = {"编号": id_, "修订": plain(root.get("政策"))["编号"], "印发": "2098-12-01", "施行": "2099-01-01"}
    whole: dict[str, Any] = {"格式": "1", "政策": meta, **change}
    if gone:
        whole["删除"] = gone
    return "# 改动\n" + "".join(
        f"{key}: {spelt(rng, value, 2)}\n# 后面的注释\n" for key, value in whole.items()
    )


def spelt(rng: random.Random, value: Any, depth: int) -> str:
    """A tree as YAML, each mapping in a style of its own."""
    if isinstance(value, dict) and rng.random() < 0.7:
        room = " " * depth
        return "".join(f"\n{room}{key}: {spelt(rng, part, depth + 2)}   # 注" for key, part in value.items())
    if isinstance(value, str) and (value.isalnum() or (value.count("-") == 2 and value[:4].isdecimal())):
        return value
    return flow(value)


def flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("base", BASES, ids=lambda p: p.stem)
def test_a_random_amendment_written_out_means_the_same(base: Path, tmp_path: Path) -> None:
    rng = random.Random(base.stem)
    near = list(dict.fromkeys([*policy_files(ROOT / "policies"), *policy_files(base.parent)]))
    others = load_files(near)[0].policies
    built = 0
    for number in range(2 if base == BASES[0] else 3):
        root = read(SourceText("b.yaml", base.read_text("utf-8"))).root
        assert isinstance(root, Mapping)
        chain = [tmp_path / f"一{number}.yaml", tmp_path / f"二{number}.yaml"]
        chain[0].write_text(random_amendment(rng, root, f"修{number}"), "utf-8")
        _, first, _ = whole_of(chain[0], near)
        assert first is not None
        assert isinstance(first.root, Mapping)
        chain[1].write_text(random_amendment(rng, first.root, f"再修{number}"), "utf-8")
        for path in chain:
            _, whole, drafts = whole_of(path, near)
            assert whole is not None, path.read_text("utf-8")
            assert isinstance(whole.root, Mapping)
            text = resolved_text(drafts)
            assert text is not None
            again = read(SourceText("r.yaml", text))
            assert again.found == ()
            assert plain(again.root) == plain(by_itself(whole.root))
            amended, _ = load_file(path, near=near)
            written, _ = load(SourceText("r.yaml", text))
            assert amended is not None
            assert written is not None
            prints = []
            for policy in (amended, written):
                kept = tuple(p for p in others if p.meta.series != policy.meta.series)
                program, _ = Resolver(Registry((*kept, policy))).program(policy)
                prints.append(program and meaning_fingerprint(meanings(program)))
            assert prints[0] == prints[1]
            built += prints[0] is not None
    assert built


# ---- the schema of amendments and the loader --------------------------------------------------------------------

WHOLE = """\
格式: 1
政策: {编号: 甲, 名称: 甲办法, 层级: 省, 施行: 2020-01-01, 标识: 工号}
选项组:
  等次: {选项: [低, 高], 有序: 是}
字段:
  工号: {类型: 文字}
  级别: {类型: 等次, 别名: {上: 高}}
  考核: {类型: 逐年, 值: 等次}
  请假: {类型: 记录, 栏目: {天数: {类型: 数, 小数位: 1}}}
  单位名: {类型: 文字}
参数:
  标准: {值: 100, 单位: 元}
  浮动: {单位: 元, 值: {2020-01-01: {值: 10, 依据: 第一条}}}
表:
  补贴: {按: 级别, 单位: 元, 值: {低: 10, 高: 20}}
  档: {按: 级别, 栏目: {甲档: {单位: 元}}, 行: [{级别: 低, 甲档: 1}, {级别: 高, 甲档: 2}]}
口径:
  读: {问题: 甚么, 采用: 一, 采用理由: 无, 读法: {一: {公式: 标准}, 二: {公式: 浮动}}}
规则:
  应发:
    单位: 元
    周期: 月
    公式: 读 + 补贴[级别] + 档[级别, 甲档]
    例外: [{当: 级别 == 低, 则: 标准}]
  请假数: {校验: "合计(请假, 天数) < 3 且 次数(考核) < 3", 级别: 提示}
集体:
  人: {按: 单位名, 公式: 人数(), 列示: {人: 人数()}}
情形:
  退: {任一: {（一）: {名称: 低, 当: 级别 == 低}}, 程序: 办}
程序:
  办: {步骤: [{主体: 局, 事项: 办}], 分流: [{当: 级别 == 高, 步骤: [{主体: 厅, 事项: 办}]}]}
条文:
  第一条: {处理: [计算, 程序], 见: [应发]}
"""


def variants(value: Any) -> Iterator[Any]:
    """A tree with one thing in it that is something else, or called something else."""
    yield from ("甲乙", 7, ["甲"], {"不识": "甲"}, {}, [])
    if isinstance(value, dict):
        for key, part in value.items():
            yield {("不识" if name == key else name): inner for name, inner in value.items()}
            yield from ({**value, key: variant} for variant in variants(part))
    if isinstance(value, list):
        for place, part in enumerate(value):
            yield from ([*value[:place], variant, *value[place + 1 :]] for variant in variants(part))


def test_what_the_schema_of_amendments_refuses_the_loader_refuses(tmp_path: Path) -> None:
    """An editor marks nothing that the engine takes, and marks each unknown key, shape and word that it does not."""
    (tmp_path / "甲.yaml").write_text(WHOLE, "utf-8")
    whole = plain(read(SourceText("甲.yaml", WHOLE)).root)
    own = {"编号": "乙", "修订": "甲", "施行": "2021-01-01", "印发": "2021-01-01", "系列": "丙"}
    seen: dict[bool, int] = {True: 0, False: 0}
    for section in (*whole, "删除"):
        base = {"政策": own, "删除": ["规则.请假数"]}.get(section) or whole[section]
        in_lists = section in ("程序", "规则")  # an item of a list is written whole
        shown = ("E201", "E206", "E208", *(["E202"] if in_lists else []))
        for variant in [base, *variants(base)]:
            text = flow({"格式": 1, "政策": own, section: variant})
            path = tmp_path / "乙.yaml"
            path.write_text(text, "utf-8")
            draft = read(SourceText(str(path), text))
            assert draft.root is not None
            refused = check_structure(draft.root, "amendment")
            errors = [d for d in load_file(path)[1] if d.severity == "error"]
            assert not refused or errors, (text, refused)
            shape = [d for d in errors if d.code in shown and d.place and d.place.file == str(path)]
            assert not shape or refused, (text, shape)
            seen[bool(refused)] += 1
    assert min(seen.values()) > 100
