"""The README's commands, run as they stand, print what the README says; its setup line is what .ci/run does."""

from __future__ import annotations

import doctest
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
UPDATE = os.environ.get("GUIZHANG_UPDATE") == "1"

BLOCK = re.compile(r"```console\n\$ guizhang (.*)\n((?:.*\n)*?)```")
COMMANDS = BLOCK.findall(README.read_text(encoding="utf-8"))


def printed(command: str) -> str:
    """What a terminal shows: diagnostics, then results."""
    outcome = CliRunner().invoke(main, command.split(), terminal_width=120)
    return re.sub(r"[ \t]+$", "", outcome.stderr + outcome.stdout, flags=re.MULTILINE)


@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_command_prints_what_the_readme_shows(
    command: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    found = printed(command)
    if UPDATE:
        text = README.read_text(encoding="utf-8")
        README.write_text(
            text.replace(f"$ guizhang {command}\n{shown}```", f"$ guizhang {command}\n{found}```"), "utf-8"
        )
        return
    assert found == shown


def test_there_are_commands_to_run() -> None:
    assert len(COMMANDS) == 3


def test_python_session_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testfile(str(README), module_relative=False, encoding="utf-8")
    assert (failed, tried > 5) == (0, True)


def test_setup_and_test_lines_are_what_continuous_integration_runs() -> None:
    lines = re.findall(r"```sh\n(.*)\n```", README.read_text(encoding="utf-8"))
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert len(lines) == 2
    assert all(line in run for line in lines)
