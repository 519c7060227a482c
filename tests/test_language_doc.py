"""docs/语言.md, run: its complete examples load and pass their cases, its table of built-ins gives the results it says."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine.build import build
from engine.evaluation import evaluate
from engine.expr.functions import FUNCTIONS
from engine.folder import open_folder
from engine.loader import load
from engine.records.reader import roster_of
from engine.render.cells import text_value
from engine.source import SourceText
from engine.testing import run
from engine.versions import Registry

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "语言.md").read_text(encoding="utf-8")
KEYS = (ROOT / "docs" / "decisions" / "0001-keys.md").read_text(encoding="utf-8")
POLICIES = re.findall(r"<!-- 完整例子 -->\n```yaml\n(.*?)```", TEXT, re.DOTALL)
CASES = re.findall(r"<!-- 用例: (\S+) -->\n```yaml\n(.*?)```", TEXT, re.DOTALL)
TABLE = re.findall(r"^\| `[^`]+` \| [^|]+ \| `([^`]+)` \| ([^|]+) \|$", TEXT, re.MULTILINE)

FACTS: dict[str, Any] = {
    "工号": "1",
    "考核": {"2020": "合格", "2021": "优秀", "2022": "合格", "2023": "优秀", "2024": "优秀"},
    "职称": {"2020-07-01": "初级", "2022-07-01": "中级"},
    "请假": [
        {"类别": "病假", "天数": "5"},
        {"类别": "病假", "天数": "2.5"},
        {"类别": "事假", "天数": "2"},
        {"类别": "事假", "天数": "4.5"},
    ],
}
POLICY = """格式: 1
政策: {编号: a, 名称: 甲, 施行: 2020-01-01, 标识: 工号}
选项组:
  等次: {选项: [不合格, 合格, 优秀], 有序: 是}
  级别: {选项: [初级, 中级, 高级], 有序: 是}
字段:
  工号: {类型: 文字}
  考核: {类型: 逐年, 值: 等次}
  职称: {类型: 级别}
  请假: {类型: 记录, 栏目: {类别: {选项: [病假, 事假]}, 天数: {类型: 数, 小数位: 1}}}
  备注: {类型: 文字}
  奖金: {类型: 数}
规则:
  否定: {公式: 否, 不适用说明: 不发}
  津贴: {适用: [否定], 公式: 3}
  结果:
    公式: |
      FORMULA
"""


def test_examples_load_and_their_cases_pass(tmp_path: Path) -> None:
    assert len(POLICIES) == len(CASES) == 3
    for text in POLICIES:
        name = re.search(r"编号: ([\w-]+)", text)
        assert name is not None
        (tmp_path / f"{name[1]}.yaml").write_text(text, encoding="utf-8")
    for name_, text in CASES:
        (tmp_path / f"{name_}.cases.yaml").write_text(text, encoding="utf-8")
    tested = run.run_files(open_folder(tmp_path, tmp_path), [])
    assert [d.message for d in tested.diagnostics] == []
    assert sum(file.total for file in tested.files) == 7


@pytest.mark.parametrize(("formula", "result"), TABLE, ids=[formula for formula, _ in TABLE])
def test_built_ins_give_what_the_table_says(formula: str, result: str) -> None:
    policy, found = load(SourceText("a.yaml", POLICY.replace("FORMULA", formula)))
    assert policy is not None, found
    program, found = build(policy, Registry((policy,)))
    assert program is not None, [d.message for d in found]
    roster, found = roster_of([FACTS], {}, date(2024, 12, 31), policy, "a")
    assert roster is not None, found
    evaluation = evaluate(program, roster, date(2024, 12, 31))
    assert text_value(evaluation.records[0].outcomes["结果"]) == result.strip()


def test_every_built_in_and_every_key_is_there() -> None:
    assert [name for name in FUNCTIONS if f"`{name}(" not in TEXT] == []
    keys = {
        key for line in KEYS.splitlines() if line.startswith("- ") for key in re.findall(r"[一-鿿]+", line)
    }
    spoken = {"别名", "系列", "名", "年", "标号", "条", "的"}
    missing = sorted(key for key in keys - spoken if key not in TEXT)
    assert missing == [], missing
