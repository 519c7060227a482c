"""How time is taken: interleaved rounds, medians, medians of the ratios of one round; whole processes with their memory.

As a program, `python timing.py COMMAND…` runs a command and prints its seconds, CPU seconds and peak memory in bytes. It
loads nothing else, because a process is charged with the memory of the one that started it.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds, `cpu` of all cores and not a number where it is not known; `peak` in bytes where it was taken."""

    wall: float
    cpu: float
    peak: int | None = None


def timed(work: Callable[[], object]) -> Spent:
    """One run in this process. What it gives is dropped after the clock has stopped."""
    gc.collect()
    start, start_cpu = time.perf_counter(), time.process_time()
    kept = work()
    spent = Spent(time.perf_counter() - start, time.process_time() - start_cpu)
    del kept
    return spent


def timed_elsewhere(work: Callable[[], object]) -> Spent:
    """The same for work that another process does: its CPU seconds are not known here."""
    return Spent(timed(work).wall, float("nan"))


def in_rounds(
    takes: Mapping[str, Callable[[], Spent]], rounds: int, most: float = float("inf")
) -> dict[str, list[Spent]]:
    """Every round takes each once, beginning with another one each time; name → what each round took.

    One that has used up `most` seconds sits out the rounds that are left.
    """
    found: dict[str, list[Spent]] = {name: [] for name in takes}
    names = list(takes)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            if sum(one.wall for one in found[name]) < most:
                found[name].append(takes[name]())
    return found


def median(spent: Sequence[Spent]) -> float:
    """Seconds."""
    return statistics.median(one.wall for one in spent)


def ratio(over: Sequence[Spent], under: Sequence[Spent]) -> float:
    """The median of the ratios of each round that both took part in."""
    return statistics.median(a.wall / b.wall for a, b in zip(over, under, strict=False))


def compared(
    title: str, ours: Callable[[], object], theirs: Callable[[], object], rounds: int, reach: float
) -> None:
    """One line: medians of interleaved rounds, and the median of their ratios."""
    ours(), theirs()
    takes = {"ours": lambda: timed(ours), "theirs": lambda: timed(theirs)}
    found = in_rounds(takes, rounds)
    one, two = (median(side) * 1000 for side in found.values())
    told = ratio(found["ours"], found["theirs"])
    print(f"{title:<58} {one:8.1f} ms {two:8.1f} ms   {told:5.2f}×  (reach ≤ {reach}×)")


def as_installed(folder: Path) -> dict[str, str]:
    """The environment of somebody who has run the command before: modules compiled and policies checked."""
    kept = {"PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "GUIZHANG_CACHE": str(folder / "policies")}
    there = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**there, **kept, "PYTHONHASHSEED": "0"}


def weighed(command: Sequence[str], cwd: str | os.PathLike[str], env: Mapping[str, str]) -> Spent:
    """A whole process, from its start to its end, with its peak memory."""
    launched = [sys.executable, "-S", "-E", os.path.abspath(__file__), *command]
    done = subprocess.run(launched, cwd=cwd, env=env, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return Spent(**json.loads(done.stdout.splitlines()[-1]))


def run_and_tell(command: Sequence[str]) -> int:
    start = time.perf_counter()
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(command, stdout=nowhere)
        if hasattr(os, "wait4"):
            _, status, usage = os.wait4(process.pid, 0)
            code = process.returncode = os.waitstatus_to_exitcode(status)
            told = {"cpu": usage.ru_utime + usage.ru_stime}
            told["peak"] = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        else:  # Windows tells no peak
            code, told = process.wait(), {"cpu": float("nan"), "peak": None}
    print(json.dumps({"wall": time.perf_counter() - start, **told}))
    return code


if __name__ == "__main__":
    sys.exit(run_and_tell(sys.argv[1:]))
