"""The HTML pages as a browser shows them: nothing is fetched, nothing fails, links lead somewhere, boxes do not overlap.

Needs chromium (Debian: apt-get install chromium); skipped, and said so, where there is none.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli import main

ROOT = Path(__file__).parent.parent
POLICIES = ("--policies", str(ROOT / "policies"))
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="没有 chromium：没有在浏览器里打开网页")

#: Runs in the page after it is laid out; the result goes into the title.
PROBE = """<script>addEventListener('load',()=>{
const boxes=[...document.querySelectorAll('svg.dep rect')].map(r=>r.getBoundingClientRect());
let overlaps=0;boxes.forEach((a,i)=>boxes.slice(i+1).forEach(b=>{
 if(a.left<b.right&&b.left<a.right&&a.top<b.bottom&&b.top<a.bottom)overlaps++}));
const dead=[...document.querySelectorAll('a')].map(a=>decodeURIComponent((a.getAttribute('href')||'').slice(1)))
 .filter(id=>!document.getElementById(id));
const spilt=[...document.querySelectorAll('svg.dep a')].filter(a=>a.querySelector('text').getBBox().width>
 a.querySelector('rect').getBBox().width).length;
document.title='PROBE'+JSON.stringify({errors:window.failures,boxes:boxes.length,overlaps,dead,spilt,
 texts:[...document.querySelectorAll('svg[role=img] text')].filter(t=>{const b=t.getBBox();return b.x<0||b.x+b.width>720}).length,
 fetched:performance.getEntriesByType('resource').length,wide:document.documentElement.scrollWidth>innerWidth,
 text:document.body.innerText});
});</script>"""
CATCH = "<script>window.failures=[];addEventListener('error',e=>failures.push(e.message))</script>"


def opened(page: str, folder: Path) -> dict[str, Any]:
    path = folder / "page.html"
    path.write_text(page.replace("<head>", f"<head>{CATCH}").replace("</body>", f"{PROBE}</body>"), "utf-8")
    assert BROWSER is not None
    words = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--window-size=1200,900",
        f"--user-data-dir={folder / 'profile'}",
    ]
    outcome = subprocess.run(
        [BROWSER, *words, "--dump-dom", path.as_uri()], capture_output=True, timeout=120, check=True
    )
    title = re.search(r"<title>PROBE(.*?)</title>", outcome.stdout.decode("utf-8"), re.DOTALL)
    assert title, outcome.stdout[:500]
    found: dict[str, Any] = json.loads(html.unescape(title[1]))
    assert found["errors"] == []
    assert found["fetched"] == 0
    assert found["dead"] == []
    return found


def printed(*words: str) -> str:
    outcome = CliRunner().invoke(main, [*words, *POLICIES])
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def test_a_policy_as_a_page(tmp_path: Path) -> None:
    found = opened(printed("show", "jiayuguan-shequ", "--as-of", "2024-12-31", "--format", "html"), tmp_path)
    assert found["boxes"] > 50
    assert (found["overlaps"], found["spilt"], found["wide"]) == (0, 0, False)
    for words in ("第三十二条", "基本工资标准", "2000.00 元/月", "什么依赖什么", "名册要提供的事实"):
        assert words in found["text"]


def test_an_explanation_as_a_page(tmp_path: Path) -> None:
    roster = str(ROOT / "examples" / "roster.json")
    words = ("explain", roster, "JYG0000003", "--as-of", "2024-12-31")
    found = opened(printed(*words, "--format", "html"), tmp_path)
    told = json.loads(printed(*words, "--format", "json"))
    assert found["wide"] is False
    for one in told["explanations"]:
        value = one["outcome"].get("value")
        assert one["result"] in found["text"]
        if isinstance(value, str):
            assert f"{one['result']}：{value}" in found["text"]


def test_a_comparison_as_a_page(tmp_path: Path) -> None:
    revision = str(ROOT / "tests" / "revisions" / "raised-base.yaml")
    roster = str(ROOT / "examples" / "roster.json")
    words = ("diff", "jiaban-2021-47", revision, "--roster", roster, "--as-of", "2024-12-31", "--examples")
    found = opened(printed(*words, "--format", "html"), tmp_path)
    told = json.loads(printed(*words, "--format", "json"))
    assert (found["texts"], found["wide"]) == (0, False)
    assert told["impact"]["yearly"] in found["text"]
    for person in told["impact"]["largest"]:
        assert person["id"] in found["text"]
    for words in (
        "将第二十四条第（一）项中的“2000元”修改为“2300元”。",
        "举例：两个版本结果不同的记录",
        "按街道",
    ):
        assert words in found["text"]
