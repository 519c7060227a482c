"""A policy file: text → nodes → checked structure → `Policy`. Each part is read in `engine.loading`.

Formulas are not looked into. A `Policy` comes back with its mistakes wherever it can be dated and identified,
so that one run can go on to find what is wrong further down: callers look at diagnostics before they compute.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from engine.diagnostics import Diagnostic, has_errors, in_order, place_of
from engine.loading import problems
from engine.loading.constants import read_params
from engine.loading.document import check_identifier, read_meta, read_procedures, read_provisions, read_uses
from engine.loading.fields import read_fields
from engine.loading.kinds import Loading, read_option_groups
from engine.loading.namespace import Named, check_names
from engine.loading.rules import read_grounds, read_groups, read_readings, read_rules
from engine.loading.section import Section, read_entries
from engine.loading.tables import read_tables
from engine.names import normalize
from engine.nodes import Node
from engine.policy import Policy
from engine.schema import check_structure
from engine.source import SourceText, Span
from engine.yaml_nodes import read_yaml

MAX_PROBLEMS = 500

#: Keys missing or of the wrong shape: what the schema has said already, once it has found anything.
_SHAPE = ("E221", "E222", "E223", "E224")


def load(source: SourceText) -> tuple[Policy | None, list[Diagnostic]]:
    """A policy file with everything that is wrong in it; None if its YAML cannot be read, or it has no identity or date.

    A declaration that could not be read is among the `lost`, so that its uses are not mistakes of their own.
    """
    root, found = read_yaml(source)
    if root is None:
        start = place_of(source, Span(0, 0))
        return None, _bounded(found or [problems.empty_file(start)])
    structure = check_structure(root, "policy")
    faulty = frozenset(problem.place.line for problem in structure if problem.place)
    policy, more = build(root, source, faulty)
    if structure:
        more = [p for p in more if p.code not in _SHAPE and not (p.place and p.place.line in faulty)]
    problems_found = _bounded([*found, *structure, *more])
    if policy is not None and has_errors(problems_found):
        policy = replace(policy, sound=False)
    return policy, problems_found


def build(
    root: Node, source: SourceText, faulty: frozenset[int] = frozenset()
) -> tuple[Policy | None, list[Diagnostic]]:
    """Nodes of the right structure → `Policy`; None if the version has no identity or date."""
    loading = Loading([])
    top = Section(root, loading.found, root)
    meta = read_meta(top.get("政策"), root, loading)
    options = read_option_groups(top.get("选项组"), loading)
    uses = read_uses(top.get("引用"), loading)
    fields = read_fields(top.get("字段"), loading)
    check_identifier(top.get("政策"), fields, loading)
    params = read_params(top.get("参数"), loading)
    tables = read_tables(top.get("表"), loading)
    readings = read_readings(top.get("口径"), loading)
    rules = read_rules(top.get("规则"), loading)
    groups = read_groups(top.get("集体"), loading)
    grounds = read_grounds(top.get("情形"), loading)
    procedures = read_procedures(top.get("程序"), loading)
    provisions = read_provisions(top.get("条文"), loading)
    cases = top.scalars("用例")
    declared: list[Named] = [
        *(("引用", use) for use in uses.values()),
        *(("字段", decl) for decl in fields.values()),
        *(("参数", param) for param in params.values()),
        *(("表", table) for table in tables.values()),
        *(("口径", reading) for reading in readings.values()),
        *(("规则", rule) for rule in rules.values()),
        *(("集体", group) for group in groups.values()),
        *(("情形", ground) for ground in grounds.values()),
    ]
    found = [*loading.found, *check_names(declared, options, loading.words)]
    written = {normalize(entry.key.text) for key in _NAMING for entry in read_entries(top.get(key), [])}
    if meta is None:
        return None, found
    policy = Policy(
        source=source,
        sha256=hashlib.sha256(source.text.encode("utf-8")).hexdigest(),
        meta=meta,
        uses=uses,
        enums={name: kind.type for name, kind in loading.groups.items()},
        fields=fields,
        params=params,
        tables=tables,
        readings=readings,
        rules=rules,
        groups=groups,
        grounds=grounds,
        procedures=procedures,
        provisions=provisions,
        cases=cases,
        lost=frozenset(written - {decl.name for _, decl in declared}),
        faulty=faulty,
    )
    return policy, found


_NAMING = ("引用", "字段", "参数", "表", "口径", "规则", "集体", "情形")


def _bounded(found: list[Diagnostic]) -> list[Diagnostic]:
    """In the order of the file, and not without end."""
    ordered = in_order(found)
    if len(ordered) <= MAX_PROBLEMS:
        return ordered
    return [*ordered[:MAX_PROBLEMS], problems.too_many(MAX_PROBLEMS, ordered[MAX_PROBLEMS].place)]
