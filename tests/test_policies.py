"""The real policies: checked without a remark, and all their cases pass with everything covered."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.app.check import check
from engine.folder import open_folder
from engine.testing import run

ROOT = Path(__file__).parent.parent
POLICIES = ROOT / "policies"


@pytest.fixture(scope="module")
def tested() -> run.Tested:
    return run.run_files(open_folder(POLICIES, ROOT), [])


def test_policies_have_no_remarks() -> None:
    checked = check(None, [POLICIES])
    assert [d.message for d in checked.diagnostics] == []


def test_every_case_passes(tested: run.Tested) -> None:
    assert [d.message for d in tested.diagnostics] == []
    assert [file.failed for file in tested.files if file.failed] == []


def test_every_policy_has_cases(tested: run.Tested) -> None:
    assert len(tested.files) == 4
    assert all(file.total for file in tested.files)
