"""The command line: words of the user → use-cases of `engine.app`; results → stdout, all else → stderr.

Heavy modules are imported by the verb that needs them, because a single record should not wait for the
others. How click speaks Chinese is in `engine.render.command_line`.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.render.command_line import FINE, WRONG, Day, Location, OneOf, Refused, Verbs

if TYPE_CHECKING:
    from engine.app.evaluate import Request, Run
    from engine.app.explain import Explained
    from engine.app.revise import Written
    from engine.choose import Folder, Misuse
    from engine.diagnostics import Diagnostic
    from engine.render.page import Page

# --- what the verbs share

Decorator = Callable[[Any], Any]

_policies = click.option(
    "--policies",
    metavar="文件夹",
    type=click.Path(path_type=Path),
    help="政策文件夹（默认 ./policies，没有则用随软件安装的）",
)
_as_of = click.option("--as-of", metavar="日期", type=Day(), help="计算日（默认今天）")
_period = click.option(
    "--period", metavar="期间", required=True, help="2024、2024-03 或 2024-01..2024-06（按月，首尾都算）"
)
_policy = click.option(
    "--policy", metavar="系列|编号|文件", help="用哪个政策（默认：没有被其他政策引用的那个系列）"
)
_readings = click.option(
    "--reading", "readings", metavar="口径=读法", multiple=True, help="改用一个口径的另一种读法，可写多次"
)
_roster = click.argument("roster", metavar="名册", type=Location())
_force = click.option("--force", is_flag=True, help="覆盖已有的输出文件")


def _format(*forms: str, note: str = "") -> Decorator:
    words = ["text", *forms]
    return click.option(
        "--format",
        "form",
        type=OneOf(words),
        default="text",
        metavar="|".join(words),
        help=f"输出格式（默认 text{note}）",
    )


def _output(help_: str) -> Decorator:
    return click.option("-o", "--output", metavar="文件", type=Location(), help=help_)


_known_on = click.option("--known-on", type=Day(), metavar="日期", help="只看这一天以前（含）印发的文件")
_pay_form = _format("markdown", "html", "json", "jsonl", note="；jsonl 是账")
_pay_output = _output("写到 .txt .md .html .xlsx .csv .json 文件，或写成账 .jsonl")


def _refuse(misuse: Misuse) -> Refused:
    return Refused(misuse.message, misuse.hint)


def _note(text: str) -> None:
    click.echo(text, err=True)


def _say(diagnostics: Iterable[Diagnostic]) -> None:
    from engine.render.diagnostics import render

    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    for diagnostic in diagnostics:
        click.echo(render(diagnostic, colour), err=True, color=colour)


def _open(policies: Path | None, kept: bool = False, known: date | None = None) -> Folder:
    """The policies folder; `kept`: as an earlier run has checked it, if nothing has changed since; `known`: with what had
    been issued by that day."""
    if known is not None:
        from engine.choose import known_on

        return known_on(_open(policies), known)
    if policies is not None and not policies.is_dir():
        raise Refused(f"--policies 指的文件夹「{policies}」不存在")
    if kept:
        from engine.cache import open_kept

        return open_kept(policies, Path.cwd())
    from engine.folder import open_folder

    return open_folder(policies, Path.cwd())


def _exit(diagnostics: Sequence[Diagnostic], strict: bool = False) -> int:
    from engine.diagnostics import has_errors

    return WRONG if has_errors(diagnostics) or (strict and bool(diagnostics)) else FINE


def _check_output(path: Path | None, force: bool, suffixes: tuple[str, ...]) -> None:
    """Refuses before any work is done."""
    if path is None:
        return
    if path.suffix.lower() not in suffixes:
        raise Refused(f"-o 不能写出「{path.suffix or path.name}」格式", f"可以写的有：{'、'.join(suffixes)}")
    from engine.bulk.texts import is_remote

    if is_remote(path):  # whether it is there, only Spark can tell
        return
    if path.exists() and not force:
        raise Refused(f"文件「{path}」已经存在", "要覆盖请加 --force")
    if not path.parent.is_dir():
        raise Refused(f"文件夹「{path.parent}」不存在")


def _write(path: Path, text: str, encoding: str = "utf-8") -> None:
    _write_by(path, lambda temporary: temporary.write_text(text, encoding, newline=""))


def _write_by(path: Path, write: Callable[[Path], object]) -> None:
    """Whole or not at all: `write` fills a temporary file beside it, which is then renamed."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(_mode(path))
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise Refused(f"文件「{path}」写不出（{error.strerror}）", "是否正在别的程序里打开？") from error
        raise
    _note(f"已写出 {path}")


def _mode(path: Path) -> int:
    """The permissions of a file, or those that a new one gets; a temporary file is its owner's alone."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    hidden = os.umask(0)
    os.umask(hidden)
    return 0o666 & ~hidden


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


class _Bar:
    """A progress bar on stderr for a person who waits: only on a terminal, and only for long work."""

    def __init__(self, label: str, long: int = 500) -> None:
        self.label, self.long = label, long
        self.bar: Any = None
        self.done = 0

    def __call__(self, done: int, total: int) -> None:
        if self.bar is None:
            if total < self.long or not sys.stderr.isatty():
                return
            self.bar = click.progressbar(length=total, label=self.label, file=sys.stderr)
            self.bar.__enter__()
        self.bar.update(done - self.done)
        self.done = done

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.__exit__(None, None, None)


# --- verbs


@click.group(
    cls=Verbs,
    options_metavar="[选项]",
    subcommand_metavar="命令 …",
    help="规章：把规定写成数据，按条文计算、解释和核对。",
)
@click.version_option(package_name="guizhang", message="guizhang %(version)s", help="显示版本")
def main() -> None:
    pass


@main.command(options_metavar="[选项]")
@click.argument("paths", metavar="[文件或文件夹]…", nargs=-1, type=click.Path(path_type=Path))
@_policies
@click.option("--strict", is_flag=True, help="有提醒也算不通过")
def check(paths: tuple[Path, ...], policies: Path | None, strict: bool) -> int:
    """检查政策文件和用例文件的写法（默认整个政策文件夹）。"""
    from engine.app.check import check as check_files
    from engine.choose import folder_in_use
    from engine.render.diagnostics import count_words

    folder = None
    if not paths:
        folder = _open(policies)
        _note(f"政策文件夹：{folder.path}（{folder.origin}）")
    checked = check_files(folder, paths, folder_in_use(policies, Path.cwd())[0])
    _say(checked.diagnostics)
    click.echo(f"已检查 {checked.files} 个文件：{count_words(checked.diagnostics)}")
    return _exit(checked.diagnostics, strict)


@main.command("eval", options_metavar="[选项]")
@_roster
@_as_of
@_policy
@_policies
@_known_on
@_readings
@click.option("--only", metavar="名,名", multiple=True, help="只算这些结果")
@click.option("--all", "internal", is_flag=True, help="内部规则也列出")
@_format("json")
@click.option("--strict", is_flag=True, help="有校验发现、信息不足或提醒也算不通过")
@_output("把全部结果写到 .xlsx、.csv、.json 或 .parquet 文件")
@_force
@click.option(
    "--engine",
    type=OneOf(["auto", "interpreter", "duckdb", "spark"]),
    default="auto",
    metavar="引擎",
    help="auto（默认，按人数选择）、interpreter（逐人计算）、duckdb 或 spark（批量计算）",
)
@click.option(
    "--master", metavar="地址", default="", help="Spark 集群，如 yarn、spark://主机:7077（默认本机）"
)
def evaluate(
    roster: Path,
    as_of: date | None,
    policy: str | None,
    policies: Path | None,
    known_on: date | None,
    readings: tuple[str, ...],
    only: tuple[str, ...],
    internal: bool,
    form: str,
    strict: bool,
    output: Path | None,
    force: bool,
    engine: str,
    master: str,
) -> int:
    """按政策计算名册（.xlsx .csv .json .yaml，成批的 .parquet .csv .jsonl 或文件夹；- 为标准输入）。"""
    from engine.app import evaluate as app
    from engine.choose import Misuse
    from engine.render.json_results import results_object

    _check_output(output, force, (".xlsx", ".csv", ".json", ".parquet"))
    quiet = form == "json"
    folder = _open(policies, kept=True, known=known_on)
    day = as_of or date.today()
    source: Path | bytes = sys.stdin.buffer.read() if str(roster) == "-" else roster
    request = app.Request(
        roster=source, as_of=day, policy=policy, readings=readings, only=only, internal=internal
    )
    if _is_columnar(roster, output, engine):
        return _in_bulk(folder, request, output, engine, form, master, force)
    with _Bar("计算") as bar:
        run = app.evaluate(folder, request, bar)
    if isinstance(run, Misuse):
        raise _refuse(run)
    used = f"，政策：{run.program.policy.meta.id}" if run.program else ""
    _note(f"政策文件夹：{folder.path}（{folder.origin}）{used}，计算日：{day}")
    if not quiet:
        _say(run.diagnostics)
    if output is not None and run.evaluation is not None:
        _write_run(output, run)
    if quiet and (output is None or run.evaluation is None):
        click.echo(_json(results_object(run)))
    elif not quiet and run.evaluation is not None:
        from engine.render.text_results import results_text

        click.echo(results_text(run, _width(), people=output is None))
    return WRONG if strict and app.needs_attention(run) else _exit(run.diagnostics)


def _is_columnar(roster: Path, output: Path | None, engine: str) -> bool:
    """Whether a run is for columns rather than for rows: what it reads, what it writes, or the engine asked for."""
    columns = (".parquet", ".pq", ".jsonl", ".ndjson")
    wanted = roster.is_dir() or roster.suffix.lower() in columns or engine in ("duckdb", "spark")
    return wanted or (output is not None and output.suffix.lower() == ".parquet")


def _in_bulk(
    folder: Folder,
    request: Request,
    output: Path | None,
    engine: str,
    form: str,
    master: str,
    force: bool,
) -> int:
    """`eval` of a file that is read in place."""
    try:
        from engine.app import bulk as app
        from engine.bulk.run import all_outputs, interruptible
        from engine.choose import Misuse
        from engine.render.bulk import bulk_object, bulk_text, engine_words

        for path in all_outputs(output)[1:] if output is not None else ():
            _check_output(path, force, (path.suffix,))
        with _Bar("批量计算") as bar, interruptible():
            run = app.run(folder, request, output, engine, bar, master, force)
    except ModuleNotFoundError as error:
        extra = "spark" if engine == "spark" else "bulk"
        raise Refused(f"批量计算还没有安装（缺 {error.name}）", f"请运行 pip install '.[{extra}]'") from error
    if isinstance(run, Misuse):
        raise _refuse(run)
    used = f"，政策：{run.program.policy.meta.id}" if run.program else ""
    _note(f"政策文件夹：{folder.path}（{folder.origin}）{used}，计算日：{request.as_of}")
    if run.engine:
        _note(f"用{engine_words(run)}")
    for path in run.files:
        _note(f"已写出 {path}")
    if form == "json":
        click.echo(_json(bulk_object(run)))
    else:
        _say(run.diagnostics)
        if run.files:
            click.echo(bulk_text(run))
    return _exit(run.diagnostics)


def _write_run(path: Path, run: Run) -> None:
    """All results of a run, in the form that the file's name asks for."""
    match path.suffix.lower():
        case ".xlsx":
            from engine.render.workbook import write_results

            _write_by(path, lambda temporary: write_results(run, temporary))
        case ".csv":
            from engine.render.person_rows import results_csv

            _write(path, results_csv(run), "utf-8-sig")
        case _:
            from engine.render.json_results import results_object

            _write(path, _json(results_object(run)) + "\n")


def _width() -> int:
    """Columns of the terminal; 120 where the output goes to a file."""
    import shutil

    return max(60, shutil.get_terminal_size((120, 24)).columns)


@main.command(options_metavar="[选项]")
@_roster
@click.argument("person", metavar="标识")
@click.argument("results", metavar="[结果]…", nargs=-1)
@_as_of
@_policy
@_policies
@_known_on
@_readings
@_format("json", "html")
@_output("写到 .txt .json .html 文件")
@_force
def explain(
    roster: Path,
    person: str,
    results: tuple[str, ...],
    as_of: date | None,
    policy: str | None,
    policies: Path | None,
    known_on: date | None,
    readings: tuple[str, ...],
    form: str,
    output: Path | None,
    force: bool,
) -> int:
    """说明一个人的结果怎样得来：公式、代入的数、每个数的来处和条文。"""
    from engine.app import explain as app
    from engine.app.evaluate import Request
    from engine.choose import Misuse
    from engine.render.cells import text_value

    form = _form(output, form, {".txt": "text", ".json": "json", ".html": "html"}, force)
    folder = _open(policies, kept=True, known=known_on)
    day = as_of or date.today()
    source: Path | bytes = sys.stdin.buffer.read() if str(roster) == "-" else roster
    request = Request(roster=source, as_of=day, policy=policy, readings=readings, only=results)
    given = [option for option, value in (("--as-of", as_of), ("--reading", readings)) if value]
    told = _explain_in_place(folder, request, person, given)
    if told is None:
        told = app.explain(folder, request, person, text_value)
    if isinstance(told, Misuse):
        raise _refuse(told)
    if form != "json":
        _say(told.diagnostics)
        if told.agreed:
            _note(f"与结果文件核对：{told.agreed} 项一致")
    text = _explained(told, form)
    if told.explanations or (form == "json" and output is None):
        _give(text, output)
    return _exit(told.diagnostics)


def _explain_in_place(
    folder: Folder, request: Request, person: str, given: Sequence[str]
) -> Explained | Misuse | None:
    """`explain` of a row of bulk results or of a roster that is read in place; None for any other."""
    path = request.roster
    if not isinstance(path, Path) or not (
        _is_columnar(path, None, "auto")
        or (path.suffix.lower() == ".csv" and path.with_name(path.stem + ".run.json").exists())
    ):
        return None
    try:
        from engine.app import explain_bulk as app
        from engine.bulk.run import interruptible
        from engine.render.cells import text_value
    except ModuleNotFoundError as error:
        raise Refused(f"批量计算还没有安装（缺 {error.name}）", "请运行 pip install '.[bulk]'") from error
    with interruptible():
        return app.explain(folder, request, person, text_value, given) if app.is_for_rows(path) else None


def _explained(told: Explained, form: str) -> str:
    if form == "json":
        from engine.render.explain_json import explanation_object

        return _json(explanation_object(told))
    if form == "html":
        from engine.render.explain_html import explanation_html

        return explanation_html(told)
    from engine.render.explain_text import explanation_text

    return explanation_text(told)


@main.command("show", options_metavar="[选项]")
@click.argument("policy", metavar="[系列|编号|文件]", required=False)
@_policies
@_as_of
@click.option(
    "--text",
    "official",
    metavar="文件",
    type=click.Path(path_type=Path),
    help="文件正文（.txt 或 .docx）：写在各条旁边，并核对条文有没有遗漏",
)
@click.option(
    "--resolved", is_flag=True, help="给出合并了修订的完整政策文件（YAML），没有改动的地方连注释一起保留"
)
@_format("markdown", "html")
@_output("写到 .txt .md .html 文件")
@_force
def show_policy(
    policy: str | None,
    policies: Path | None,
    as_of: date | None,
    official: Path | None,
    resolved: bool,
    form: str,
    output: Path | None,
    force: bool,
) -> int:
    """把一个政策写成文档：逐条的处理、公式的意思、表、口径、程序和要填的事实。"""
    from engine.app import show as app
    from engine.choose import Misuse
    from engine.render.show import show_page

    if resolved:
        from engine.app.revise import resolved as resolve

        _check_output(output, force, (".yaml", ".yml"))
        return _give_file(resolve(_open(policies), policy, as_of or date.today()), output)
    form = _form(output, form, {".txt": "text", ".md": "markdown", ".html": "html"}, force)
    folder = _open(policies, kept=True)
    day = as_of or date.today()
    shown = app.show(folder, policy, day, official)
    if isinstance(shown, Misuse):
        raise _refuse(shown)
    _note(f"政策文件夹：{folder.path}（{folder.origin}），日期：{day}")
    _say(shown.diagnostics)
    if shown.program is not None:
        _give(_page(show_page(shown), form), output)
    return _exit(shown.diagnostics)


def _give_file(written: Written | Misuse, output: Path | None) -> int:
    """A policy file, to its file or to stdout."""
    from engine.choose import Misuse

    if isinstance(written, Misuse):
        raise _refuse(written)
    _say(written.diagnostics)
    if written.text is not None:
        _give(written.text, output)
    return _exit(written.diagnostics)


@main.command("new", options_metavar="[选项]")
@click.argument("id_", metavar="新编号")
@click.option(
    "--policy", metavar="系列|编号|文件", help="从哪个政策开始（默认：没有被其他政策引用的那个系列）"
)
@_policies
@click.option("--effective", type=Day(), metavar="日期", required=True, help="新版的施行日期")
@click.option("--issued", type=Day(), metavar="日期", help="新版的印发日期")
@click.option("--number", metavar="文号", default="", help="新版的文号")
@click.option("--full", is_flag=True, help="写成完整的文件（默认写成只有改动的修订）")
@_output("写到 .yaml 文件")
@_force
def new(
    id_: str,
    policy: str | None,
    policies: Path | None,
    effective: date,
    issued: date | None,
    number: str,
    full: bool,
    output: Path | None,
    force: bool,
) -> int:
    """从施行中的版本开始起草一个新版：修订（只写改动）或完整的文件。"""
    from engine.app.revise import begin

    _check_output(output, force, (".yaml", ".yml"))
    return _give_file(begin(_open(policies), id_, policy, effective, issued, number, full), output)


def _form(output: Path | None, form: str, forms: dict[str, str], force: bool) -> str:
    """The form of the output: as its file is named, else as asked for."""
    _check_output(output, force, tuple(forms))
    return forms[output.suffix.lower()] if output is not None else form


def _page(page: Page, form: str) -> str:
    match form:
        case "html":
            from engine.render.page_html import page_html

            return page_html(page)
        case "markdown":
            from engine.render.page_markdown import page_markdown

            return page_markdown(page)
        case _:
            from engine.render.page_text import page_text

            return page_text(page, _width())


def _give(text: str, output: Path | None) -> None:
    """To the file, if one is named, else to stdout."""
    if output is None:
        click.echo(text.rstrip("\n"))
    else:
        _write(output, text.rstrip("\n") + "\n")


@main.command("diff", options_metavar="[选项]")
@click.argument("old", metavar="旧版")
@click.argument("new", metavar="新版")
@_policies
@_as_of
@click.option(
    "--roster", metavar="名册", type=click.Path(path_type=Path), help="两个版本各算一遍，列出对每个人的影响"
)
@click.option(
    "--reading",
    "readings",
    metavar="口径=读法",
    multiple=True,
    help="改用另一种读法；旧版和新版是同一个时只改新的一边，用来比较读法",
)
@click.option(
    "--by", metavar="字段", multiple=True, help="影响按哪些字段分组（默认：集体所按的和结果用到的选项）"
)
@click.option("--examples", is_flag=True, help="为每个有变化的结果找一条（集体找一组）两版结果不同的记录")
@_format("markdown", "html", "json")
@_output("写到 .txt .md .html .json .xlsx 文件")
@_force
def diff(
    old: str,
    new: str,
    policies: Path | None,
    as_of: date | None,
    roster: Path | None,
    readings: tuple[str, ...],
    by: tuple[str, ...],
    examples: bool,
    form: str,
    output: Path | None,
    force: bool,
) -> int:
    """比较两个版本（系列、编号或文件）：逐条的改动、类别、影响到哪些结果，以及对一份名册的影响。"""
    from engine.app import compare as app
    from engine.choose import Misuse
    from engine.render.diff import diff_page

    form = _form(output, form, _DIFF_FORMS, force)
    folder = _open(policies, kept=True)
    day = as_of or date.today()
    compared = app.compare(folder, old, new, day)
    if isinstance(compared, Misuse):
        raise _refuse(compared)
    quiet = form == "json" and output is None
    if roster is not None:
        source: Path | bytes = sys.stdin.buffer.read() if str(roster) == "-" else roster
        asked = app.Asked(roster=source, as_of=day, readings=readings, by=by)
        with _Bar("计算") as bar:
            found = app.with_impact(compared, asked, bar)
        if isinstance(found, Misuse):
            raise _refuse(found)
        compared = found
    elif readings:
        raise Refused(
            "--reading 要和 --roster 一起用",
            "例：guizhang diff 编号 编号 --roster 名册.csv --reading 口径=读法",
        )
    if examples:
        with _Bar("找例子", 1) as bar:
            compared = app.with_witnesses(compared, day, bar)
    if not quiet:
        used = f"，计算日：{day}" if roster is not None or examples else ""
        _note(f"政策文件夹：{folder.path}（{folder.origin}）{used}")
        _say(compared.diagnostics)
    if form == "json":
        from engine.render.diff_json import diff_object

        _give(_json(diff_object(compared)), output)
    elif compared.difference is not None and form == "xlsx":
        from engine.render.diff_workbook import write_diff

        assert output is not None
        _write_by(output, lambda temporary: write_diff(compared, temporary))
    elif compared.difference is not None:
        _give(_page(diff_page(compared), form), output)
    return _exit(compared.diagnostics)


@main.command("readings", options_metavar="[选项]")
@_roster
@_policy
@_policies
@_as_of
@_format("markdown", "html")
@_output("写到 .txt .md .html 文件")
@_force
def readings_table(
    roster: Path,
    policy: str | None,
    policies: Path | None,
    as_of: date | None,
    form: str,
    output: Path | None,
    force: bool,
) -> int:
    """列出每个口径换一种读法会影响名册里的哪些人、多少钱。"""
    from engine.app import compare as app
    from engine.choose import Misuse
    from engine.render.diff import readings_page

    form = _form(output, form, {".txt": "text", ".md": "markdown", ".html": "html"}, force)
    folder = _open(policies, kept=True)
    day = as_of or date.today()
    source: Path | bytes = sys.stdin.buffer.read() if str(roster) == "-" else roster
    with _Bar("计算") as bar:
        run = app.readings_impact(folder, policy, source, day, bar)
    if isinstance(run, Misuse):
        raise _refuse(run)
    _note(f"政策文件夹：{folder.path}（{folder.origin}），计算日：{day}")
    _say(run.diagnostics)
    if run.program is not None and run.roster is not None:
        _give(_page(readings_page(run), form), output)
    return _exit(run.diagnostics)


@main.command("sql", options_metavar="[选项]")
@click.argument("policy", metavar="[政策]", required=False)
@_policies
@_as_of
@click.option(
    "--dialect",
    type=OneOf(["duckdb", "spark"]),
    default="duckdb",
    metavar="duckdb|spark",
    help="写成哪一种 SQL（默认 duckdb）",
)
@_readings
@click.option("--only", metavar="名,名", multiple=True, help="只要这些结果")
@click.option("--all", "internal", is_flag=True, help="内部规则也列出")
@_output("写到 .sql 文件")
@_force
def sql_statement(
    policy: str | None,
    policies: Path | None,
    as_of: date | None,
    dialect: str,
    readings: tuple[str, ...],
    only: tuple[str, ...],
    internal: bool,
    output: Path | None,
    force: bool,
) -> int:
    """把政策写成一条 SQL，供数据仓库建视图用；注释里写明要哪些表和列。"""
    from engine.app.sql import sql
    from engine.choose import Misuse
    from engine.render.sql import sql_text

    _check_output(output, force, (".sql",))
    folder = _open(policies, kept=True)
    day = as_of or date.today()
    found = sql(folder, policy, day, dialect, readings, only, internal)
    if isinstance(found, Misuse):
        raise _refuse(found)
    _note(f"政策文件夹：{folder.path}（{folder.origin}），计算日：{day}")
    _say(found.diagnostics)
    if found.program is not None:
        _give(sql_text(found), output)
    return _exit(found.diagnostics)


@main.command("statement", options_metavar="[选项]")
@_roster
@_period
@_policy
@_policies
@_readings
@_known_on
@_pay_form
@_pay_output
@_force
def statement(
    roster: Path,
    period: str,
    policy: str | None,
    policies: Path | None,
    readings: tuple[str, ...],
    known_on: date | None,
    form: str,
    output: Path | None,
    force: bool,
) -> int:
    """按月列出应发：每月按当月施行的版本，年度项目在年底，一次性项目在触发日所在的月。"""
    from engine.app import payroll as app
    from engine.render import payroll as render
    from engine.render import payroll_json, payroll_sheets

    form = _form(output, form, _PAY_FORMS, force)
    folder = _open(policies, kept=True)
    request = _pay_request(roster, period, policy, readings, known_on)
    with _Bar("计算", 2) as bar:
        found = app.state(folder, request, bar)
    if not isinstance(found, app.Stated):
        raise _refuse(found)
    _note(f"政策文件夹：{folder.path}（{folder.origin}），期间：{period}")
    if output is not None or form != "json":
        _say(found.diagnostics)
    if form == "json" and (output is None or found.statement is not None):
        _give(_json(payroll_json.statement_object(found)), output)
    elif found.statement is not None:
        if form == "xlsx" and output is not None:
            _write_by(output, lambda temporary: payroll_sheets.write_statement(found, temporary))
        elif form == "csv" and output is not None:
            _write(output, payroll_sheets.statement_csv(found), "utf-8-sig")
        elif form == "jsonl":
            _give(render.statement_ledger(found), output)
        else:
            _give(_page(render.statement_page(found), form), output)
    return _exit(found.diagnostics)


@main.command("backpay", options_metavar="[选项]")
@_roster
@click.option(
    "--paid",
    metavar="账.jsonl",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="已发的账（statement 或 backpay 写出的 .jsonl），可写多次",
)
@_period
@_policy
@_policies
@_readings
@_known_on
@_pay_form
@_pay_output
@_force
def backpay(
    roster: Path,
    paid: tuple[Path, ...],
    period: str,
    policy: str | None,
    policies: Path | None,
    readings: tuple[str, ...],
    known_on: date | None,
    form: str,
    output: Path | None,
    force: bool,
) -> int:
    """比较应发和账上已发的，列出每人每项每月要补发或扣回的差额；写成 .jsonl 就是包括补发的新账。"""
    from engine.app import payroll as app
    from engine.render import payroll as render
    from engine.render import payroll_json, payroll_sheets

    form = _form(output, form, _PAY_FORMS, force)
    folder = _open(policies, kept=True)
    request = _pay_request(roster, period, policy, readings, known_on)
    with _Bar("计算", 2) as bar:
        found = app.backpay(folder, request, paid, bar)
    if not isinstance(found, app.Backpay):
        raise _refuse(found)
    _note(f"政策文件夹：{folder.path}（{folder.origin}），期间：{period}")
    if output is not None or form != "json":
        _say(found.diagnostics)
    if form == "json" and (output is None or found.settled):
        _give(_json(payroll_json.backpay_object(found)), output)
    elif found.settled:
        if form == "xlsx" and output is not None:
            _write_by(output, lambda temporary: payroll_sheets.write_backpay(found, temporary))
        elif form == "csv" and output is not None:
            _write(output, payroll_sheets.backpay_csv(found), "utf-8-sig")
        elif form == "jsonl":
            _give(render.corrected_ledger(found), output)
        else:
            _give(_page(render.backpay_page(found), form), output)
    return _exit(found.diagnostics)


@main.command("replay", options_metavar="[选项]")
@click.argument("ledger", metavar="账.jsonl", type=click.Path(path_type=Path))
@click.option(
    "--roster", metavar="名册", type=click.Path(path_type=Path), help="用哪份名册（默认：账上写的）"
)
@_policies
@_format("json")
def replay(ledger: Path, roster: Path | None, policies: Path | None, form: str) -> int:
    """把账上的每一条按当时的政策、口径和日期重算一遍，列出不同的。"""
    from engine.app import replay as app
    from engine.render.payroll import replay_page
    from engine.render.payroll_json import replay_object

    folder = _open(policies, kept=True)
    with _Bar("重算", 2) as bar:
        found = app.replay(folder, ledger, roster, bar)
    _note(f"政策文件夹：{folder.path}（{folder.origin}）")
    if form == "json":
        click.echo(_json(replay_object(found)))
    else:
        _say(found.diagnostics)
        if found.ledger is not None and not _exit(found.diagnostics):
            _give(_page(replay_page(found), "text"), None)
    return WRONG if found.found else _exit(found.diagnostics)


def _pay_request(
    roster: Path, period: str, policy: str | None, readings: tuple[str, ...], known_on: date | None
) -> Any:
    from engine.app.payroll import Request

    source: Path | bytes = sys.stdin.buffer.read() if str(roster) == "-" else roster
    return Request(roster=source, period=period, policy=policy, readings=readings, known_on=known_on)


_PAY_FORMS = {
    **{".txt": "text", ".md": "markdown", ".html": "html", ".xlsx": "xlsx"},
    **{".csv": "csv", ".json": "json", ".jsonl": "jsonl"},
}
_DIFF_FORMS = {".txt": "text", ".md": "markdown", ".html": "html", ".json": "json", ".xlsx": "xlsx"}


@main.command("policies", options_metavar="[选项]")
@_policies
@_known_on
@_as_of
@_format("json")
def list_policies(policies: Path | None, known_on: date | None, as_of: date | None, form: str) -> int:
    """列出政策文件夹里的各个版本，以及当日在用的是哪些。"""
    from engine.app import listing
    from engine.render.policies import policies_object, policies_text

    folder = _open(policies, known=known_on)
    day = as_of or date.today()
    _note(f"政策文件夹：{folder.path}（{folder.origin}），日期：{day}")
    listed = listing.versions(folder, day)
    _say(folder.diagnostics)
    click.echo(_json(policies_object(listed)) if form == "json" else policies_text(listed))
    return _exit(folder.diagnostics)


@main.command("test", options_metavar="[选项]")
@click.argument("files", metavar="[用例或政策文件]…", nargs=-1, type=click.Path(path_type=Path))
@_policies
def run_tests(files: tuple[Path, ...], policies: Path | None) -> int:
    """运行政策的用例，并说明哪些规定还没有用例。"""
    from engine.render.cases import tests_text
    from engine.testing.run import run_files

    folder = _open(policies)
    _note(f"政策文件夹：{folder.path}（{folder.origin}）")
    tested = run_files(folder, files)
    _say(tested.diagnostics)
    click.echo(tests_text(tested))
    return _exit(tested.diagnostics)


@main.command(options_metavar="[选项]")
@click.argument("policy", metavar="系列|编号|文件")
@_policies
@_as_of
@_output("写到 .json 文件")
@_force
def schema(policy: str, policies: Path | None, as_of: date | None, output: Path | None, force: bool) -> int:
    """输出一个政策的名册格式（JSON Schema）。"""
    from engine.app import listing
    from engine.choose import Misuse

    _check_output(output, force, (".json",))
    folder = _open(policies)
    _note(f"政策文件夹：{folder.path}（{folder.origin}）")
    found, diagnostics = listing.roster_schema(folder, policy, as_of or date.today())
    if isinstance(found, Misuse):
        raise _refuse(found)
    _say(diagnostics)
    if found is not None:
        if output is None:
            click.echo(_json(found))
        else:
            _write(output, _json(found) + "\n")
    return _exit(diagnostics)


@main.command("template", options_metavar="[选项]")
@click.argument("policy", metavar="系列|编号|文件")
@_policies
@_as_of
@click.option("--only", metavar="名,名", multiple=True, help="只要这些结果需要的列")
@_output("写到 .xlsx 文件")
@_force
def make_template(
    policy: str,
    policies: Path | None,
    as_of: date | None,
    only: tuple[str, ...],
    output: Path | None,
    force: bool,
) -> int:
    """写出一个政策的空白名册（.xlsx），带下拉列表、校验和填写说明。"""
    from engine.app import template as app
    from engine.choose import Misuse

    if output is None:
        raise Refused("没有写明空白名册写到哪个文件", "例如 -o 花名册.xlsx")
    _check_output(output, force, (".xlsx",))
    folder = _open(policies)
    _note(f"政策文件夹：{folder.path}（{folder.origin}）")
    found, diagnostics = app.template(folder, policy, as_of or date.today(), only)
    if isinstance(found, Misuse):
        raise _refuse(found)
    _say(diagnostics)
    if found is not None:
        from engine.render.template import write_template

        template = found
        _write_by(output, lambda temporary: write_template(template, temporary))
    return _exit(diagnostics)


if __name__ == "__main__":
    main()
