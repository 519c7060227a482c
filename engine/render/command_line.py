"""Click in Chinese: help pages, usage errors, parameter types, and the one place for exit codes.

Owns how a command line is refused and what happens with an error no one foresaw; knows no verbs.
"""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

import click

from engine.names import suggest
from engine.values import parse_date

FINE, WRONG, USAGE, BUG = 0, 1, 2, 3


class Refused(click.UsageError):
    """A usage error with its advice."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def _usage_words(error: click.UsageError) -> tuple[str, str]:
    """What click found wrong, and advice, in Chinese."""
    match error:
        case Refused(hint=hint):
            return error.message, hint
        case click.NoSuchOption(option_name=name):
            known = [o for p in (error.ctx.command.params if error.ctx else []) for o in p.opts]
            return f"没有选项「{name}」", suggest(name, known)
        case click.exceptions.NoArgsIsHelpError():
            return "", ""
        case click.MissingParameter():
            name = (error.param.human_readable_name if error.param else "") or ""
            kind = "选项" if isinstance(error.param, click.Option) else "参数"
            return f"缺少{kind} {name}", ""
        case click.BadParameter():
            name = error.param.opts[0] if isinstance(error.param, click.Option) else ""
            return f"{name} {error.message}".strip(), ""
        case click.BadOptionUsage(option_name=name):
            return f"选项「{name}」的写法不对", "要取值的选项后面写一个值，开关后面不写值"
    if "unexpected extra argument" in error.message:
        return f"多出了参数{error.message.partition('(')[2].join(('「', '」')).replace(')', '') or ''}", ""
    return error.message, ""


class _Chinese(click.Command):
    """A command whose help is wholly Chinese."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), prefix="用法：")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [row for p in self.get_params(ctx) if (row := p.get_help_record(ctx)) is not None]
        with formatter.section("选项"):
            formatter.write_dl(rows)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = "显示这份说明"
        return option


class Verb(_Chinese):
    pass


class Verbs(_Chinese, click.Group):
    """The group: one place for exit codes, encodings and what no one foresaw."""

    command_class = Verb

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _Chinese.format_options(self, ctx, formatter)
        rows = [(name, self.commands[name].get_short_help_str(70)) for name in self.commands]
        with formatter.section("命令"):
            formatter.write_dl(rows)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise Refused(
                f"没有命令「{args[0]}」",
                suggest(args[0], self.commands) or f"命令有：{'、'.join(self.commands)}",
            )
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **extra: Any) -> Any:
        _speak_utf8()
        extra["standalone_mode"] = False
        extra.setdefault("prog_name", "guizhang")
        try:
            code = super().main(*args, **extra)
            sys.stdout.flush()
        except click.UsageError as error:
            code = _say_usage(error)
        except (click.Abort, KeyboardInterrupt):
            click.echo("已中止", err=True)
            code = WRONG
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = WRONG
        except Exception as error:
            if os.environ.get("GUIZHANG_DEBUG") == "1":
                raise
            click.echo(f"错误[E901] 程序内部错误：{type(error).__name__}: {error}", err=True)
            click.echo(
                "   提示：这是软件的缺陷，请附上命令和文件报告；设 GUIZHANG_DEBUG=1 可看到详情", err=True
            )
            code = BUG
        sys.exit(code or FINE)


def _say_usage(error: click.UsageError) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.ctx.get_help(), err=True)
        return USAGE
    message, hint = _usage_words(error)
    click.echo(f"用法错误：{message}", err=True)
    if hint:
        click.echo(f"   提示：{hint}", err=True)
    path = error.ctx.command_path if error.ctx else "guizhang"
    click.echo(f"   说明：{path} --help", err=True)
    return USAGE


def _speak_utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")


class Day(click.ParamType):  # type: ignore[type-arg]
    """A date written 2024-12-31."""

    name = "日期"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        day = value if isinstance(value, date) else parse_date(str(value))
        if day is None:
            self.fail(f"「{value}」不是日期，应写作 2024-12-31", param, ctx)
        return day


class Location(click.Path):
    """A path, or a URL for Spark; `Path` keeps one slash of a URL, so it has to name its host."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        scheme, mark, rest = str(value).partition(":///")
        if mark and scheme == "file":
            value = f"/{rest}"
        elif mark and scheme.isalnum():
            self.fail(f"「{value}」没有写主机，应写作 {scheme}://主机/{rest}", param, ctx)
        return super().convert(value, param, ctx)


class OneOf(click.Choice[str]):
    """One of a few words."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.choices:
            self.fail(f"「{value}」不是可选的值，可选：{'、'.join(self.choices)}", param, ctx)
        return str(value)
