"""docs/手册: its files, edits and commands run in order in one empty folder, and print what the pages say."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main

ROOT = Path(__file__).parent.parent
HANDBOOK = ROOT / "docs" / "手册"
PAGES = sorted(HANDBOOK.glob("[0-9]-*.md"))
UPDATE = os.environ.get("GUIZHANG_UPDATE") == "1"
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    kind: str
    name: str
    text: str

    def do(self) -> str:
        """Writes the file, edits it, or runs the command; what a terminal shows."""
        if self.kind == "diff":
            path = Path(self.name)
            old, new = (
                "".join(f"{line[1:]}\n" for line in self.text.splitlines() if line[0] in marks)
                for marks in (" -", " +")
            )
            before = path.read_text("utf-8")
            if old:
                assert before.count(old) == 1, f"{self.name} has not once:\n{old}"
            path.write_text(before.replace(old, new) if old else before + new, "utf-8")
        elif self.kind == "console":
            shown = []
            for command in re.findall(r"^\$ (.*)$", self.text, re.MULTILINE):
                words = command.split()
                assert words[0] == "guizhang"
                outcome = CliRunner().invoke(main, words[1:], terminal_width=100, prog_name="guizhang")
                printed = outcome.stderr + outcome.stdout
                printed = re.sub(r"[ \t]+$", "", printed, flags=re.MULTILINE)
                shown.append(f"$ {command}\n{printed}")
            return "".join(shown)
        elif self.name:
            Path(self.name).parent.mkdir(exist_ok=True)
            Path(self.name).write_text(self.text, "utf-8")
        return self.text


def blocks(page: Path) -> Iterator[Block]:
    for kind, name, text in FENCE.findall(page.read_text("utf-8")):
        yield Block(kind, name, text)


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for earlier in PAGES[: PAGES.index(page)]:
        for block in blocks(earlier):
            block.do()
    text = page.read_text("utf-8")
    for block in blocks(page):
        shown = block.do()
        if UPDATE:
            text = text.replace(f"```{block.kind}\n{block.text}```", f"```{block.kind}\n{shown}```", 1)
        else:
            assert shown == block.text
    if UPDATE:
        page.write_text(text, "utf-8")


def test_every_page_is_in_the_contents() -> None:
    contents = (HANDBOOK / "README.md").read_text("utf-8")
    assert re.findall(r"\]\((\d-[^)]*)\)", contents) == [page.name for page in PAGES]


def test_links_lead_to_files() -> None:
    for page in (*PAGES, HANDBOOK / "README.md", ROOT / "docs" / "语言.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
