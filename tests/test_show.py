"""`show`: the policy as a document, in three forms; the official text beside it; what either leaves out."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main
from engine.render.table import wrap
from engine.source import display_width
from engine.yaml_nodes import read_text, read_yaml

ROOT = Path(__file__).parent.parent
POLICIES = ("--policies", str(ROOT / "policies"))
PLACES = sorted(path.stem for path in (ROOT / "tests" / "places").glob("*.yaml") if ".cases" not in path.name)

POLICY = """格式: 1
政策: {编号: p-1, 系列: p, 名称: 补贴办法, 文号: 甲办〔2024〕1号, 施行: 2024-01-01, 标识: 工号}
字段:
  工号: {类型: 文字}
  工龄: {类型: 整数, 单位: 年, 范围: [0, 60], 提供: 人事科, 依据: 第二条}
参数:
  每年数额: {值: 30, 单位: 元/年, 依据: 第二条（一）}
规则:
  工龄补贴:
    依据: 第二条（一）
    公式: 工龄 * 每年数额
条文:
  第一条: {处理: 宣示, 理由: 目的}
  第二条: {处理: 计算}
  第三条: {处理: 宣示, 理由: 解释权}
"""
TEXT = """补贴办法
第一章 总则
第一条　为了 <b>鼓励</b> 长期工作，制定本办法。
第二条　按工龄发给补贴：
（一）每满一年30元；
（二）补贴按年发给，
按照第一条的目的使用。
第三条　本办法由人事科解释。
"""


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p-1.yaml").write_text(POLICY, "utf-8")
    (tmp_path / "text.txt").write_text(TEXT, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str, code: int = 0) -> tuple[str, str]:
    outcome = CliRunner().invoke(main, ["show", *words], terminal_width=100)
    assert outcome.exit_code == code, outcome.output
    return outcome.stdout, outcome.stderr


def test_text_of_a_small_policy(office: Path) -> None:
    shown, said = run("--as-of", "2024-06-01", "--text", "text.txt")
    assert "W8" not in said
    at = shown.index("第二条（计算）")
    assert shown[at : shown.index("第三条（")] == (
        "第二条（计算）\n\n"
        "  │ 第二条 按工龄发给补贴：\n"
        "  │ （一）每满一年30元；\n"
        "  │ （二）补贴按年发给，\n"
        "  │ 按照第一条的目的使用。\n\n"
        "· 工龄补贴（结果，元，计算日的状态，第二条（一））\n"
        "  公式：工龄 * 每年数额\n"
        "  意思：工龄乘以每年数额\n"
        "  用到：每年数额、工龄\n\n"
        "· 每年数额（参数，30.00 元/年，第二条（一））\n"
        "  用于：工龄补贴\n\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("第三条　本办法", "（三）本办法", "W872] 「条文」写了「第三条」，正文里没有"),
        ("第三条　本", "第三条　新\n第四条　本", "W871] 正文的「第四条」在「条文」里没有处理"),
        ("（一）每满一年30元；\n", "", "W872] 依据写了「第二条（一）」，正文里没有"),
        ("第二条　按", "第五条　按", "W873] 「第五条」前面是第 1 条，中间缺条文"),
    ],
)
def test_text_and_treatment_are_compared(office: Path, old: str, new: str, expected: str) -> None:
    (office / "text.txt").write_text(TEXT.replace(old, new), "utf-8")
    _, said = run("--as-of", "2024-06-01", "--text", "text.txt")
    assert expected in said


def test_items_are_compared_where_only_items_are_treated(office: Path) -> None:
    changed = POLICY.replace("  第二条: {处理: 计算}", "  第二条（一）: {处理: 计算}")
    (office / "policies" / "p-1.yaml").write_text(changed, "utf-8")
    _, said = run("--as-of", "2024-06-01", "--text", "text.txt")
    assert "text.txt:6:1" in said
    assert said.count("W87") == 1
    assert "正文的「第二条（二）」在「条文」里没有处理" in said


def test_a_word_document_gives_the_same_as_text(office: Path) -> None:
    docx = pytest.importorskip("docx")
    written = docx.Document()
    for line in TEXT.splitlines():
        written.add_paragraph(line)
    written.save("text.docx")
    assert (
        run("--as-of", "2024-06-01", "--text", "text.docx")[0]
        == run("--as-of", "2024-06-01", "--text", "text.txt")[0]
    )


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("a.txt", "没有条文的文字".encode(), "没有找到「第一条」这样开头的条文"),
        ("a.docx", b"PK\x03\x04broken", "读不出文字"),
        ("a.doc", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "读不出文字"),
        ("a.txt", b"", "没有找到「第一条」这样开头的条文"),
        ("missing.txt", None, "找不到文件"),
    ],
)
def test_a_text_that_is_none(office: Path, name: str, raw: bytes | None, expected: str) -> None:
    if raw is not None:
        Path(name).write_bytes(raw)
    shown, said = run("--as-of", "2024-06-01", "--text", name, code=1)
    assert f"E771] {expected}" in said
    assert "工龄补贴" in shown


def test_markdown_keeps_marks_of_the_text_as_text(office: Path) -> None:
    shown, _ = run("--as-of", "2024-06-01", "--text", "text.txt", "--format", "markdown")
    assert r"\<b\>鼓励\</b\>" in shown
    assert "**公式**：`工龄 * 每年数额`" in shown


def test_html_keeps_marks_of_the_text_as_text(office: Path) -> None:
    shown, _ = run("--as-of", "2024-06-01", "--text", "text.txt", "--format", "html")
    assert "&lt;b&gt;鼓励&lt;/b&gt;" in shown


def test_file_is_named_by_its_suffix_and_kept(office: Path) -> None:
    run("--as-of", "2024-06-01", "-o", "p.md")
    assert Path("p.md").read_text("utf-8").startswith("# 补贴办法\n")
    _, said = run("--as-of", "2024-06-01", "-o", "p.md", code=2)
    assert "已经存在" in said
    _, said = run("--as-of", "2024-06-01", "-o", "p.pdf", code=2)
    assert "不能写出" in said


@pytest.mark.parametrize("place", ["jiayuguan-shequ", *(f"tests/places/{name}.yaml" for name in PLACES)])
def test_every_link_leads_somewhere_and_everything_stands_once(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    shown, _ = run(
        place, "--as-of", "2026-06-01", *(POLICIES if "/" not in place else ()), "--format", "html"
    )
    anchors = re.findall(r' id="([^"]*)"', shown)
    links = {unescape(link) for link in re.findall(r'href="#([^"]*)"', shown)}
    assert links
    assert links - {unescape(anchor) for anchor in anchors} == set()
    assert sorted(anchors) == sorted(set(anchors))
    for name in declared(place if "/" in place else "policies/jiaban-2021-47.yaml"):
        assert name in unescape(re.sub("<[^>]*>", "", shown))


def declared(path: str) -> list[str]:
    """Names written in a policy file, read without the engine's idea of them."""
    source, _ = read_text(ROOT / path)
    assert source is not None
    root, _ = read_yaml(source)
    sections = ("字段", "参数", "表", "口径", "规则", "集体", "情形", "程序", "条文")
    return [
        " ".join(entry.key.text.split())
        for section in root.entries  # type: ignore[union-attr]
        if section.key.text in sections
        for entry in section.value.entries  # type: ignore[union-attr]
    ]


def test_lines_are_wrapped_by_width() -> None:
    assert wrap("甲乙丙，丁 abc def", 8) == ["甲乙丙，", "丁 abc", "def"]
    assert wrap("甲乙丙丁，戊", 8) == ["甲乙丙丁，", "戊"]
    assert wrap("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert wrap("", 4) == []
    assert all(display_width(line) <= 20 for line in wrap("第二十四条按工龄 each year pays 三十元" * 5, 20))
