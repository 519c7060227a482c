"""`explain` of a row that a bulk run wrote, or of a record of a roster that is read in place.

The record is taken from the roster by its 标识 and interpreted again; what comes out must be what the file of results has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from engine import __version__
from engine.app.evaluate import Request, program_of, read, settle
from engine.app.explain import Explained
from engine.bulk import lookup, written
from engine.bulk.files import first_line, inside, is_bulk
from engine.bulk.receipt import Receipt, fingerprint, read_receipt, receipt_path
from engine.choose import Folder, Misuse, choose_policy
from engine.diagnostics import Diagnostic, Place, in_order
from engine.explain.explanation import explain as explain_results
from engine.explain.steps import Show
from engine.names import normalize, suggest
from engine.program import Program
from engine.values import Grounds, NotApplicable, Unknown


def is_for_rows(path: Path) -> bool:
    """Whether a file is a roster that is read in place, or results with a receipt that is theirs."""
    receipt = read_receipt(receipt_path(path)) if receipt_path(path).exists() else None
    return is_bulk(path) or (receipt is not None and path.name in receipt.files)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be explained: whose results, by what, out of which roster."""

    program: Program
    as_of: date
    readings: Mapping[str, str]
    roster: Path
    names: tuple[str, ...]
    id: str
    said: tuple[Diagnostic, ...] = ()
    receipt: Receipt | None = None
    output: Path | None = None


def explain(
    folder: Folder, request: Request, id_: str, show: Show, given: Sequence[str] = ()
) -> Explained | Misuse:
    """The whole of `explain`. `given`: options of the command line that a receipt has its own answer to."""
    path = request.roster
    assert isinstance(path, Path)
    asked: _Asked | Explained | Misuse
    if receipt_path(path).exists() and (path.suffix.lower() == ".parquet" or not path.is_dir()):
        if given:
            return Misuse(
                f"结果文件里写明了怎样算的，不必写 {'、'.join(given)}", "要换一种算法，请用名册重新计算"
            )
        asked = _of_results(folder, request, path, id_)
    elif path.suffix.lower() == ".parquet" and written.is_results(path):
        said = f"结果旁边没有「{receipt_path(path).name}」，不知道是怎样算的"
        return _refused(request.as_of, "E797", said, path, "它和结果一起写出，要放在同一个文件夹里")
    else:
        asked = _of_roster(folder, request, path, id_)
    if not isinstance(asked, _Asked):
        return asked
    try:
        return _explained(asked, show)
    except (duckdb.Error, OSError) as error:
        return _refused(asked.as_of, "E701", f"读不了：{first_line(error)}", path, "请检查文件是否完整")


def _refused(as_of: date, code: str, said: str, path: Path, hint: str = "") -> Explained:
    return Explained(as_of, (Diagnostic(code, said, Place(str(path)), hint),))


# --- what is asked ---------------------------------------------------------------------------------------


def _of_roster(folder: Folder, request: Request, path: Path, id_: str) -> _Asked | Explained | Misuse:
    """A record of a roster, under what the command line says."""
    run = settle(
        folder, request.policy, request.as_of, request.readings, request.only, internal=request.internal
    )
    if isinstance(run, Misuse):
        return run
    if run.program is None:
        return Explained(request.as_of, run.diagnostics)
    wanted = (*run.results, *(run.groups if request.only else ()))
    return _Asked(run.program, request.as_of, run.readings, path, wanted, id_, run.diagnostics)


def _of_results(folder: Folder, request: Request, path: Path, id_: str) -> _Asked | Explained | Misuse:
    """A row of results, as its receipt says that it was computed."""
    receipt = read_receipt(receipt_path(path))
    if receipt is None:
        return _refused(request.as_of, "E797", "不是批量计算写出的记录", receipt_path(path), "请重新计算")
    as_of = date.fromisoformat(receipt.as_of)
    if path.name not in receipt.files:
        return _refused(as_of, "E797", f"「{receipt_path(path).name}」说的不是这个文件", path, "请重新计算")
    ((policy_id, sha256),) = receipt.policy.items()
    chosen, diagnostics = choose_policy(folder, request.policy or policy_id, as_of)
    if isinstance(chosen, Misuse):
        return _refused(
            as_of,
            "E797",
            f"政策文件夹里没有算出这些结果的政策「{policy_id}」",
            path,
            "请用 --policies 或 --policy 指明",
        )
    program, found = program_of(folder, chosen) if chosen is not None else (None, [])
    if program is None:
        return Explained(as_of, tuple(in_order([*diagnostics, *found])))
    if changed := _changed(program, policy_id, sha256, receipt):
        said = f"政策「{'」「'.join(changed)}」在计算以后改过，不能再解释这些结果"
        return _refused(as_of, "E797", said, path, "请用原来的政策文件，或重新计算")
    names = [*receipt.results, *receipt.groups]
    wanted = tuple(
        dict.fromkeys(
            normalize(n) for w in request.only for n in w.replace("，", ",").split(",") if n.strip()
        )
    )
    for name in wanted:
        if name not in names:
            return Misuse(f"结果文件里没有「{name}」", suggest(name, names) or f"有的是：{'、'.join(names)}")
    roster = Path(receipt.roster.path)
    roster = roster if roster.is_absolute() else Path(_tidy(path.parent / roster))
    if not roster.exists():
        said = f"找不到当时的名册「{roster}」"
        return _refused(as_of, "E797", said, path, "请把名册放回原处，或重新计算")
    remarks = [d for d in diagnostics if d.severity == "error"] + _moved_on(roster, receipt)
    names_ = wanted or tuple(receipt.results)
    return _Asked(program, as_of, receipt.readings, roster, names_, id_, tuple(remarks), receipt, path)


def _tidy(path: Path) -> str:
    """Without the steps back that a path from one folder to another has, where they can be taken."""
    whole = path.resolve()
    try:
        return str(whole.relative_to(Path.cwd()))
    except ValueError:
        return str(whole)


def _changed(program: Program, policy_id: str, sha256: str, receipt: Receipt) -> list[str]:
    """Policies that are no longer those that the results were computed with."""
    own = program.policy
    found = [] if (own.meta.id, own.sha256) == (policy_id, sha256) else [policy_id]
    now = {v.policy.meta.id: v.policy.sha256 for use in program.uses.values() for v in use.versions}
    return found + [name for name in {**receipt.uses, **now} if receipt.uses.get(name) != now.get(name)]


def _moved_on(roster: Path, receipt: Receipt) -> list[Diagnostic]:
    """W797: a roster that is not as it was."""
    now = fingerprint(roster, inside(roster) if roster.is_dir() else [roster])
    then = receipt.roster
    if (now.files, now.size, now.sha256) == (then.files, then.size, then.sha256):
        return []
    hint = "下面按现在的名册重算，再与结果核对"
    return [Diagnostic("W797", "名册在计算以后改过", Place(str(roster)), hint)]


# --- the explanation ---------------------------------------------------------------------------------------


def _explained(asked: _Asked, show: Show) -> Explained | Misuse:
    row = None
    if asked.receipt is not None and asked.output is not None:
        receipt = asked.receipt
        row = written.row_of(asked.output, receipt.identifier, receipt.columns, normalize(asked.id))
    taken = _taken(asked)
    if taken.diagnostics:
        return Explained(asked.as_of, (*asked.said, *taken.diagnostics), asked.program)
    roster, wanted = taken.roster, normalize(asked.id)
    record = next((r for r in roster.records if normalize(r.id) == wanted), None) if roster else None
    if roster is None or (
        record is None and not any(normalize(r.id or "") == wanted for r in roster.rejected)
    ):
        return _nobody(asked, row)
    if record is None:
        said = _left_out(asked, taken.told, row)
        return Explained(asked.as_of, (*asked.said, *said), asked.program, roster, asked.readings)
    names, left = _explainable(asked, row, taken.too_large or {})
    told = tuple(explain_results(asked.program, roster, asked.as_of, asked.readings, record.id, names, show))
    found, agreed = [*asked.said, *left], 0
    if asked.receipt is not None:
        outcomes = {one.name: one.steps[0].outcome for one in told if one.name in asked.receipt.results}
        differing = _compared(asked, row, outcomes, record.id)
        found += differing
        agreed = 0 if row is None else len(outcomes) - len(differing)
    return Explained(asked.as_of, tuple(found), asked.program, roster, asked.readings, told, agreed)


def _taken(asked: _Asked) -> lookup.Taken:
    """The part of the roster that matters; the whole of one that is not read in place."""
    policy = asked.program.policy
    if is_bulk(asked.roster) or asked.roster.suffix.lower() in (".csv", ".tsv"):
        names = {name: name in policy.groups for name in asked.names}
        with TemporaryDirectory() as scratch:
            return lookup.take(
                asked.roster, asked.program, asked.as_of, asked.readings, asked.id, names, Path(scratch)
            )
    whole, said = read(asked.roster, policy)
    if whole is None:
        return lookup.Taken(tuple(said))
    places = {str(r.place) for r in whole.rejected if normalize(r.id or "") == normalize(asked.id)}
    mine = [d for d in said if d.severity == "error" and any(str(d.place).startswith(p) for p in places)]
    return lookup.Taken(roster=whole, told=tuple(mine))


def _left_out(asked: _Asked, told: Sequence[Diagnostic], row: written.WrittenRow | None) -> list[Diagnostic]:
    """A record with mistakes: what they are, and that there is no result to explain."""
    what = asked.program.policy.meta.identifier
    said = f"{what}「{asked.id}」的记录有错误，没有计算"
    if row is not None:
        said += "，结果文件里却有"
        return [*told, Diagnostic("E798", said, Place(str(asked.output)), "名册在计算以后改过，请重新计算")]
    return [*told, Diagnostic("E799", said, Place(str(asked.roster)), "改正以后才能计算")]


def _nobody(asked: _Asked, row: written.WrittenRow | None) -> Explained | Misuse:
    what = asked.program.policy.meta.identifier
    if row is not None:
        said = f"名册里没有{what}「{asked.id}」，结果文件里却有"
        return _refused(asked.as_of, "E798", said, asked.roster, "名册在计算以后改过，请重新计算")
    return Misuse(f"名册里没有{what}「{asked.id}」", "请核对，大小写和前面的 0 也要一样")


def _explainable(
    asked: _Asked, row: written.WrittenRow | None, too_large: Mapping[str, int]
) -> tuple[list[str], list[Diagnostic]]:
    """Results whose groups were taken; of the others it is said what the file has (W798)."""
    names, said = [], []
    shapes = dict.fromkeys(asked.program.policy.fields, "plain")
    for name in asked.names:
        is_group = name in asked.program.policy.groups
        rest = (
            []
            if not too_large
            else lookup.groups_of(asked.program, asked.as_of, asked.readings, shapes, name, is_group)
        )
        large = [group for group in rest if group in too_large]
        if not large:
            names.append(name)
            continue
        fact = f"「{name}」用到集体「{large[0]}」，他的组有 {too_large[large[0]]:,} 条记录，太多，没有重算"
        has = f"结果文件里是 {written.words(row, name)}" if row is not None and not is_group else ""
        said.append(Diagnostic("W798", fact, Place(str(asked.roster)), has))
    return names, said


def _compared(
    asked: _Asked, row: written.WrittenRow | None, outcomes: Mapping[str, Any], id_: str
) -> list[Diagnostic]:
    """E798: results of the file that are not what the record gives now."""
    assert asked.receipt is not None
    place = Place(str(asked.output), locator=id_)
    if row is None:
        said = f"名册里的{asked.receipt.identifier}「{id_}」可以计算，结果文件里却没有"
        return [Diagnostic("E798", said, place, _why(asked))]
    found = []
    for name, outcome in outcomes.items():
        if not written.agrees(row, name, outcome):
            said = f"「{name}」在结果文件里是 {written.words(row, name)}，逐人重算是 {_words(outcome)}"
            found.append(Diagnostic("E798", said, replace(place, locator=f"{id_}.{name}"), _why(asked)))
    return found


def _why(asked: _Asked) -> str:
    assert asked.receipt is not None
    if any(d.code == "W797" for d in asked.said):
        return "名册在计算以后改过，请重新计算"
    if asked.receipt.version != __version__:
        return f"结果是用 {asked.receipt.version} 版算的，现在是 {__version__} 版；请重新计算"
    return "名册和政策都没有改过，这是软件的缺陷，请不要使用这个结果，并附上命令和文件报告"


def _words(outcome: Any) -> str:
    match outcome:
        case NotApplicable(reason):
            return f"不适用（{reason}）"
        case Unknown(missing):
            return f"信息不足（缺 {'、'.join(missing)}）"
        case Grounds(holding, waiting):
            facts = "、".join(dict.fromkeys(fact for _, asked in waiting for fact in asked))
            return (
                "，".join(filter(None, ("、".join(holding), f"信息不足（缺 {facts}）" if facts else "")))
                or "无"
            )
    return written.shown(outcome)
