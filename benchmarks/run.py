"""What the engine costs, as ratios against plain simpleeval and bare imports, in interleaved rounds.

    python benchmarks/run.py [--rounds 5] [--workers 1000]

Prints medians and ratios for this machine. Every round first checks that both sides give the same figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.job import AS_OF, READINGS, RESULTS, ROOT, program_of_the_city
from benchmarks.plain import Plain, plain_facts
from benchmarks.timing import as_installed, compared
from benchmarks.zen_peer import Zen
from engine.app import compare, payroll
from engine.app import evaluate as app_evaluate
from engine.evaluation import evaluate
from engine.explain.explanation import explain
from engine.folder import open_folder
from engine.policy import Policy
from engine.program import Program
from engine.records.model import Record, Roster
from engine.records.reader import roster_of
from engine.render.cells import text_value
from engine.values import Grounds, NotApplicable
from examples.generate import workers

LETTERS = "一二三四五六"


def complete_roster(policy: Policy, plain: Plain, count: int) -> tuple[Roster, list[dict[str, Any]]]:
    """`count` generated workers for whom every fact the formulas ask for is given, for both sides."""
    given = workers(3 * count, 1, missing_rate=0.0, data_date=AS_OF)
    roster, found = roster_of(given["记录"], given["单位"], AS_OF, policy, "benchmark")
    assert roster is not None, found
    records: list[Record] = []
    facts: list[dict[str, Any]] = []
    for record in roster.records:
        known = plain_facts(policy, record)
        try:
            plain.run(known, AS_OF)
        except (AttributeError, KeyError, TypeError):  # a fact that is not given
            continue
        records.append(record)
        facts.append(known)
        if len(records) == count:
            break
    return Roster("benchmark", "", AS_OF, tuple(records), (), roster.units), facts


#: What commands keep between their runs: modules compiled, policies checked.
_KEPT = tempfile.TemporaryDirectory()


def same_figures(program: Program, roster: Roster, plain: Plain, facts: Sequence[Mapping[str, Any]]) -> int:
    """How many figures both sides give; a difference ends the run."""
    evaluation = evaluate(program, roster, AS_OF, READINGS, only=program.results)
    compared = 0
    for result, known in zip(evaluation.records, facts, strict=True):
        values = plain.run(known, AS_OF)
        for name, outcome in result.outcomes.items():
            if name not in values:
                continue
            ours = None if isinstance(outcome, NotApplicable) else outcome
            theirs = values[name]
            if isinstance(outcome, Grounds) and theirs is not None:
                theirs = tuple(label for label, held in zip(LETTERS, theirs, strict=True) if held)
                ours = outcome.holding
            assert ours == theirs, (result.record.id, name, ours, theirs)
            compared += 1
    return compared


def process(*command: str) -> Callable[[], object]:
    env = as_installed(Path(_KEPT.name))

    def run() -> object:
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=env)

    return run


def against_zen(program: Program, roster: Roster, facts: Sequence[Mapping[str, Any]], rounds: int) -> None:
    """One worker in a warm process with everything kept: what each figure rests on, then the whole explanation."""
    decision = Zen()
    given = [decision.given(known, AS_OF) for known in facts]
    evaluation = evaluate(program, roster, AS_OF, READINGS, only=RESULTS)
    for result, known in zip(evaluation.records, given, strict=True):
        theirs = decision.run(known)
        for name, outcome in result.outcomes.items():
            ours = None if isinstance(outcome, NotApplicable) else outcome
            assert ours == theirs[name] or round(ours * 100) == round(theirs[name] * 100), (
                name,
                ours,
                theirs,
            )
    ones = [Roster("one", "", AS_OF, (record,), (), roster.units) for record in roster.records[:50]]
    readings = {name: decl.adopted for name, decl in program.policy.readings.items()} | READINGS

    def explained() -> None:
        for one in ones:
            list(explain(program, one, AS_OF, readings, one.records[0].id, RESULTS, text_value))

    def traced() -> list[object]:
        return [evaluate(program, one, AS_OF, READINGS, only=RESULTS) for one in ones]

    def theirs_traced() -> list[object]:
        return [decision.run(known) for known in given[:50]]

    compared("50 times one worker with traces / zen with trace", traced, theirs_traced, rounds, 1.5)
    compared("50 times one worker explained / zen with trace", explained, theirs_traced, rounds, 1.5)


def versions(count: int, rounds: int) -> None:
    """Two versions compared over a roster against evaluating it once; a year's statement against one month's."""
    folder = open_folder(ROOT / "policies", ROOT)
    with tempfile.TemporaryDirectory() as place:
        roster = Path(place) / "roster.json"
        given = workers(count, 1, data_date=AS_OF)
        roster.write_text(json.dumps(given, ensure_ascii=False, default=str), "utf-8")
        revision = str(ROOT / "tests" / "revisions" / "raised-base.yaml")

        def impact() -> object:
            found = compare.compare(folder, "jiaban-2021-47", revision, AS_OF)
            assert isinstance(found, compare.Compared)
            told = compare.with_impact(found, compare.Asked(roster=roster, as_of=AS_OF))
            assert isinstance(told, compare.Compared)
            assert told.impact is not None
            return told

        def once() -> object:
            return app_evaluate.evaluate(folder, app_evaluate.Request(roster=roster, as_of=AS_OF))

        def stated(period: str) -> Callable[[], object]:
            def run() -> object:
                found = payroll.state(folder, payroll.Request(roster=roster, period=period))
                assert isinstance(found, payroll.Stated)
                assert found.statement is not None
                return found

            return run

        compared("diff with impact / evaluating once", impact, once, rounds, 2.5)
        compared("a year's statement / one month's", stated("2024"), stated("2024-06"), rounds, 13)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1000)
    given = parser.parse_args()
    program, plain = program_of_the_city(), Plain()
    roster, facts = complete_roster(program.policy, plain, given.workers)
    print(
        f"{len(roster.records)} workers, {same_figures(program, roster, plain, facts)} figures the same on both sides"
    )
    compared(
        "results with traces / plain simpleeval parsed once",
        lambda: evaluate(program, roster, AS_OF, READINGS, only=program.results),
        lambda: [plain.run(known, AS_OF) for known in facts],
        given.rounds,
        2.5,
    )
    compared(
        "the same with groups and pools shared / plain simpleeval",
        lambda: evaluate(program, roster, AS_OF),
        lambda: [plain.run(known, AS_OF) for known in facts],
        given.rounds,
        2.5,
    )
    if find_spec("zen"):
        against_zen(program, roster, facts, given.rounds)
    else:
        print("zen-engine is not installed (pip install '.[peers]'): not compared")
    versions(given.workers, given.rounds)
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "one.json"
        one.write_text(json.dumps(json.loads((ROOT / "examples" / "one.json").read_text("utf-8"))), "utf-8")
        compared(
            "one worker, command line / import click, yaml, simpleeval",
            process(sys.executable, "cli.py", "eval", str(one), "--as-of", "2024-12-31", "--format", "json"),
            process(sys.executable, "-c", "import click, yaml, simpleeval"),
            given.rounds,
            4,
        )
    compared(
        "check the policy / import click, yaml, jsonschema",
        process(sys.executable, "cli.py", "check", "policies/jiaban-2021-47.yaml"),
        process(sys.executable, "-c", "import click, yaml, jsonschema"),
        given.rounds,
        4,
    )


if __name__ == "__main__":
    main()
