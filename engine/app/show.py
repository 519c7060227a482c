"""`show`: one version of a policy, checked, with its official text if that is supplied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.app.evaluate import program_of
from engine.choose import Folder, Misuse, choose_policy
from engine.diagnostics import Diagnostic, in_order
from engine.program import Program
from engine.wording import Wording, compare_wording, read_wording


@dataclass(frozen=True, slots=True)
class Shown:
    """Without a `program`, `diagnostics` say why; they say too where the text and 条文 differ."""

    as_of: date
    diagnostics: tuple[Diagnostic, ...]
    program: Program | None = None
    wording: Wording | None = None


def show(folder: Folder, word: str | None, as_of: date, text: Path | None = None) -> Shown | Misuse:
    """The policy that `word` means on a day, and the official text in the file `text`."""
    chosen, diagnostics = choose_policy(folder, word, as_of)
    if isinstance(chosen, Misuse):
        return chosen
    if chosen is None:
        return Shown(as_of, tuple(in_order(diagnostics)))
    program, found = program_of(folder, chosen)
    said = [*diagnostics, *found]
    if program is None or text is None:
        return Shown(as_of, tuple(in_order(said)), program)
    wording, remarks = read_wording(text)
    said += remarks
    if wording is not None:
        said += compare_wording(program.policy, wording)
    return Shown(as_of, tuple(in_order(said)), program, wording)
