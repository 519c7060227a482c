"""Regulations of very different shape, as policy files only: matrices, step tables, indices, brackets, floors, quotas.

Each folder of `tests/places` stands for one place; nothing in the engine knows any of their words.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from engine.build import build
from engine.registry import load_file, load_folder, policy_files
from engine.render.diagnostics import render
from engine.testing.cases import cases_paths, read_cases
from engine.testing.run import run_cases

PLACES = Path(__file__).parent / "places"
FOLDERS = sorted(path for path in PLACES.iterdir() if path.is_dir())
FILES = [file for folder in FOLDERS for file in policy_files(folder)]

WARNINGS: dict[str, list[str]] = {}


def said(diagnostics):
    return "\n".join(render(d) for d in diagnostics)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_folder_loads_as_lines_of_versions(folder):
    registry, found = load_folder(folder)
    assert not found, said(found)
    assert not registry.broken
    assert len(registry.policies) == len(policy_files(folder)) > 0


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_policy_has_no_mistakes_and_its_cases_pass(file):
    policy, found = load_file(file)
    assert policy is not None, said(found)
    registry, _ = load_folder(file.parent)
    program, found = build(policy, registry)
    assert [d.code for d in found] == WARNINGS.get(policy.meta.id, []), said(found)
    assert program is not None
    paths = [path for _, path in cases_paths(policy, file)]
    assert paths == [file.with_name(f"{policy.meta.id}.cases.yaml")]
    cases, found = read_cases(paths[0])
    assert cases is not None, said(found)
    tested, _, wrong = run_cases(program, cases)
    assert tested.total > 0
    assert not tested.failed, said([*found, *wrong])


@pytest.mark.parametrize(
    ("folder", "series", "day", "expected"),
    [
        ("zhufang", "zhufang", date(2012, 6, 30), None),
        ("zhufang", "zhufang", date(2012, 7, 1), "zhufang-2012"),
        ("zhufang", "zhufang", date(2021, 2, 28), "zhufang-2012"),
        ("zhufang", "zhufang", date(2021, 3, 1), "zhufang-2021"),
        ("shengshi", "sheng-jintie", date(2022, 3, 31), "sheng-jintie-2018"),
        ("shengshi", "sheng-jintie", date(2022, 4, 1), "sheng-jintie-2022"),
    ],
)
def test_version_is_chosen_by_day(folder, series, day, expected):
    registry, _ = load_folder(PLACES / folder)
    found = registry.in_force(series, day)
    assert (found and found.meta.id) == expected
