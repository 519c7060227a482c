"""A policy file: text → nodes → checked structure → `Policy`. Each part is read in `engine.loading`.

Formulas are not looked into. A `Policy` comes back with its mistakes wherever it can be dated and identified,
so that one run can go on to find what is wrong further down: callers look at diagnostics before they compute.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from engine.amend import IMPLEMENTS, Above, Based, based_on, merge, word_of
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
from engine.nodes import Mapping, Node, Scalar
from engine.policy import Meta, Policy
from engine.schema import check_structure
from engine.source import SourceText, Span
from engine.yaml_nodes import read_yaml

MAX_PROBLEMS = 500

#: Keys missing or of the wrong shape: what the schema has said already, once it has found anything.
_SHAPE = ("E221", "E222", "E223", "E224")


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy file as nodes; `root` is None if its YAML cannot be read, and `found` says why."""

    source: SourceText
    root: Node | None
    found: tuple[Diagnostic, ...]

    @property
    def based(self) -> Based | None:
        return based_on(self.root)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole policy as nodes: a file that stands by itself, or one laid over its base. `names` are the files it is
    made of with the 政策 of each, base first; `sha256` is of the file's text, of a laid one of base's hash and text;
    `above` is the higher level's policy that a 细化 among them fills in."""

    root: Node
    sha256: str
    names: tuple[tuple[str, Node], ...]
    found: tuple[Diagnostic, ...] = ()
    above: Above | None = None


def read(source: SourceText) -> Draft:
    """A policy file as nodes, with what is wrong in its YAML."""
    root, found = read_yaml(source)
    if root is None and not found:
        found = [problems.empty_file(place_of(source, Span(0, 0)))]
    return Draft(source, root, tuple(found))


def alone(draft: Draft) -> Whole | None:
    """A file that stands by itself."""
    if draft.root is None:
        return None
    digest = hashlib.sha256(draft.source.text.encode("utf-8")).hexdigest()
    found = [problems.only_in_amendments(word) for word in _deletions(draft.root)]
    return Whole(draft.root, digest, ((draft.source.name, draft.root),), tuple(found))


def laid_over(draft: Draft, base: Whole) -> Whole | None:
    """A 修订 or 细化 laid over its base, with what is wrong between the two."""
    based = draft.based
    if based is None or not isinstance(draft.root, Mapping) or not isinstance(base.root, Mapping):
        return None
    above = base.above
    if based.relation == IMPLEMENTS:
        above = Above(based.id, base.root, word_of(draft.root, "层级"))
    root, found = merge(base.root, draft.root, based, above)
    digest = hashlib.sha256(f"{base.sha256}\n{draft.source.text}".encode()).hexdigest()
    return Whole(root, digest, (*base.names, (draft.source.name, root)), tuple(found), above)


def load(source: SourceText) -> tuple[Policy | None, list[Diagnostic]]:
    """A policy file that stands by itself, with everything that is wrong in it; None if its YAML cannot be read, or it
    has no identity or date."""
    draft = read(source)
    whole = alone(draft)
    policy, found = load_whole(whole, source) if whole else (None, [])
    return policy, _bounded([*draft.found, *found])


def load_whole(whole: Whole, source: SourceText) -> tuple[Policy | None, list[Diagnostic]]:
    """The policy that nodes say, with everything that is wrong in them.

    A declaration that could not be read is among the `lost`, so that its uses are not mistakes of their own.
    """
    structure = check_structure(whole.root, "policy")
    faulty = frozenset((problem.place.file, problem.place.line) for problem in structure if problem.place)
    policy, more = build(whole, source, faulty)
    if structure:
        more = [
            p
            for p in more
            if p.code not in _SHAPE and not (p.place and (p.place.file, p.place.line) in faulty)
        ]
    found = _bounded([*whole.found, *structure, *more])
    if policy is not None and has_errors(found):
        policy = replace(policy, sound=False)
    return policy, found


def _deletions(root: Node) -> list[Scalar]:
    if not isinstance(root, Mapping):
        return []
    return [entry.key for entry in root.entries if normalize(entry.key.text) == "删除"]


def build(
    whole: Whole, source: SourceText, faulty: frozenset[tuple[str, int]] = frozenset()
) -> tuple[Policy | None, list[Diagnostic]]:
    """Nodes of the right structure → `Policy`; None if the version has no identity or date."""
    root, loading = whole.root, Loading([])
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
        sha256=whole.sha256,
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
        layers=_layers(whole, meta),
    )
    return policy, found


def _layers(whole: Whole, own: Meta) -> dict[str, Meta]:
    """The files that a policy is made of, with what each is."""
    found = {}
    for name, root in whole.names[:-1]:
        loading = Loading([])
        meta = read_meta(Section(root, [], root).get("政策"), root, loading)
        if meta is not None:
            found[name] = meta
    return {**found, whole.names[-1][0]: own}


_NAMING = ("引用", "字段", "参数", "表", "口径", "规则", "集体", "情形")


def _bounded(found: list[Diagnostic]) -> list[Diagnostic]:
    """In the order of the file, and not without end."""
    ordered = in_order(found)
    if len(ordered) <= MAX_PROBLEMS:
        return ordered
    return [*ordered[:MAX_PROBLEMS], problems.too_many(MAX_PROBLEMS, ordered[MAX_PROBLEMS].place)]
