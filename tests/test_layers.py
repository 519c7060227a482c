"""The shape of the program: imports point up the list of layers, never down, and the engine knows no regulation."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from engine.expr.functions import FUNCTIONS
from engine.names import RESERVED
from engine.yaml_nodes import Mapping, Node, Scalar, Sequence, read_text, read_yaml

ROOT = Path(__file__).parent.parent

#: Lowest first: a module imports from its own layer and from those above it in this list. A name ending in `.` is a
#: package with all its modules.
LAYERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("text with places, one Diagnostic, names", ("source", "diagnostics", "names", "resources")),
    ("types, units, exact values", ("types", "units", "values")),
    ("YAML text → nodes", ("nodes", "yaml_nodes")),
    ("what a file declares, versions of it, how it cites", ("policy", "versions", "citations")),
    ("the formula language: text → syntax → typed tree, and back", ("expr.",)),
    ("nodes → Policy, a file or a folder at a time", ("schema", "loading.", "amend", "loader", "registry")),
    ("a checked policy as data, and its tables", ("program", "tables", "needs")),
    (
        "Policy → Program, names and types first, then what is wrong between parts",
        ("resolve", "validate.", "build"),
    ),
    ("rosters as typed facts", ("records.",)),
    (
        "facts → outcomes, of one record and of groups",
        ("results", "facts", "outcomes", "lookup", "declared", "interpret", "groups", "evaluation"),
    ),
    ("the typed tree as SQL", ("compile.",)),
    ("rosters of millions, read in place", ("bulk.",)),
    (
        "one record's outcome told step by step; the official text by articles",
        ("words", "explain.", "wording"),
    ),
    ("two versions or two readings compared", ("diff.",)),
    ("what is due month by month, what was paid", ("payroll.",)),
    ("which policy runs, and what is kept from the last time", ("choose", "folder", "cache")),
    ("a policy's own cases", ("testing.",)),
    ("use cases, one a verb", ("app.",)),
    ("results → text, JSON, tables", ("render.",)),
)


@cache
def modules() -> dict[str, Path]:
    """Module name without `engine.` → file; a package by its `__init__`."""
    found = {}
    for path in sorted((ROOT / "engine").rglob("*.py")):
        parts = path.relative_to(ROOT / "engine").with_suffix("").parts
        name = ".".join(parts).removesuffix("__init__").rstrip(".")
        if name:
            found[name] = path
    return found


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def layer_of(module: str) -> int | None:
    for number, (_, members) in enumerate(LAYERS):
        for member in members:
            if module == member.rstrip(".") or (member.endswith(".") and module.startswith(member)):
                return number
    return None


def imports(path: Path) -> set[str]:
    """Modules of engine/ that a file imports, at whatever place."""
    return imports_in(tree_of(path)) - {""}


def imports_in(root: ast.AST) -> set[str]:
    """Modules of engine/ that a piece of code imports; others by their own name if it is a function."""
    found = set()
    for node in ast.walk(root):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "engine":
            base = node.module.removeprefix("engine").lstrip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                found.add(inner if inner in modules() else base)
        elif isinstance(node, ast.Import | ast.ImportFrom) and not isinstance(root, ast.Module):
            found |= {getattr(node, "module", None) or alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.removeprefix("engine.") for a in node.names if a.name.startswith("engine.")}
    return found


def test_every_module_has_a_layer_and_every_layer_modules() -> None:
    assert [name for name in modules() if layer_of(name) is None] == []
    listed = [member for _, members in LAYERS for member in members]
    assert [member for member in listed if member.rstrip(".") not in modules()] == []


def test_imports_point_up() -> None:
    down = []
    for module, path in modules().items():
        for used in sorted(imports(path)):
            own, other = layer_of(module), layer_of(used)
            if own is not None and other is not None and other > own:
                down.append(f"{module} ({LAYERS[own][0]}) imports {used} ({LAYERS[other][0]})")
    assert down == []


def test_no_module_needs_itself() -> None:
    needs = {module: imports(path) - {module} - LATE.get(module, set()) for module, path in modules().items()}
    TopologicalSorter(needs).prepare()  # raises CycleError with the modules on the circle


#: Imports inside functions, module → what it imports late. Each is the reading and checking of files, which a run on
#: policies kept from an earlier one starts without, or what only some rosters or messages need.
LATE: dict[str, set[str]] = {
    "app.bulk": {"bulk.spark"},
    "app.evaluate": {"build"},
    "cache": {"folder"},
    "choose": {"folder", "resources"},
    "compile.frame": {"validate.formulas"},
    "records.reader": {"records.workbook_source", "records.yaml_source"},
    "records.workbook_file": {"python_calamine"},
    "wording": {"docx"},
}


def late_imports(path: Path) -> set[str]:
    functions = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    inner = [node for node in ast.walk(tree_of(path)) if isinstance(node, functions)]
    return {module for function in inner for module in imports_in(function)}


def test_no_import_inside_a_function_but_those_listed() -> None:
    found = {module: late_imports(path) for module, path in modules().items()}
    assert {module: late for module, late in found.items() if late} == LATE


def test_only_the_command_line_knows_terminals() -> None:
    found = []
    for module, path in modules().items():
        if module.startswith("render"):
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
                if any(
                    name.split(".")[0] in ("click", "rich", "curses", "getpass", "logging") for name in names
                ):
                    found.append(f"{module}:{node.lineno} imports {names}")
            elif isinstance(node, ast.Name) and node.id in ("print", "input"):
                found.append(f"{module}:{node.lineno} {node.id}")
            elif isinstance(node, ast.Attribute) and node.attr in (
                "stdout",
                "stderr",
                "stdin",
                "get_terminal_size",
            ):
                found.append(f"{module}:{node.lineno} {node.attr}")
    assert found == []


# --- the engine knows no regulation -------------------------------------------------------------------------------

#: Words of a policy that are words of the language, of its messages or of Chinese at large too.
COMMON = frozenset(
    [
        "工号",
        "姓名",
        "性别",
        "男",
        "女",
        "年",
        "月",
        "人数",
        "街道",
        "社区",
        "无",
        "在职",
        "合格",
        "优秀",
        "出生日期",
        "身份证号",
        "当年",
        "当期",
        "不限",
        "施行日",
    ]
)
DECLARING = ("选项组", "字段", "参数", "表", "口径", "规则", "集体", "情形", "程序", "引用")


def words_of_policy() -> set[str]:
    """Names and options that the first policy declares, but for words of the language."""
    source, _ = read_text(ROOT / "policies/jiaban-2021-47.yaml")
    assert source is not None
    root, _ = read_yaml(source)
    assert isinstance(root, Mapping)
    words: set[str] = set()
    for section in DECLARING:
        node = root.get(section)
        for entry in node.entries if isinstance(node, Mapping) else ():
            words.add(entry.key.text)
            words |= options(entry.value)
    return {word for word in words if len(word) > 1} - RESERVED - set(FUNCTIONS) - COMMON


def options(node: Node) -> set[str]:
    """Options and 读法 written in a declaration."""
    if not isinstance(node, Mapping):
        return set()
    listed, readings = node.get("选项"), node.get("读法")
    found = (
        {item.text for item in listed.items if isinstance(item, Scalar)}
        if isinstance(listed, Sequence)
        else set()
    )
    return found | (
        {entry.key.text for entry in readings.entries} if isinstance(readings, Mapping) else set()
    )


def texts_of(path: Path) -> str:
    """A module's names and texts, without comments and docstrings."""
    text = path.read_text(encoding="utf-8")
    told = set()
    for node in ast.walk(tree_of(path)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            told |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    kept = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NAME, tokenize.STRING) and token.start[0] not in told:
            kept.append(token.string)
    return "\n".join(kept)


@pytest.mark.parametrize("module", sorted(modules()))
def test_the_engine_has_no_word_of_a_policy(module: str) -> None:
    text = texts_of(modules()[module])
    found = [word for word in sorted(words_of_policy()) if re.search(re.escape(word), text)]
    assert found == []


def test_the_words_of_a_policy_are_read() -> None:
    assert {"学历工资标准", "聘用制人员", "年终奖", "辞退情形"} <= words_of_policy()
