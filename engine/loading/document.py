"""政策 引用 程序 条文 用例: what the file is, what it rests on, and what surrounds the figures."""

from __future__ import annotations

from engine.loading import problems
from engine.loading.kinds import Loading
from engine.loading.section import Section, read_entries, read_items, read_scalar
from engine.names import normalize
from engine.nodes import Entry, Node, Scalar
from engine.policy import FieldDecl, Meta, ProcedureDecl, ProvisionDecl, Route, Step, UseDecl
from engine.types import TextT

LEVELS = ("国家", "省", "市", "区县")
TREATMENTS = ("计算", "校验", "程序", "裁量", "引用", "版本", "宣示")


def read_meta(node: Node | None, root: Node, loading: Loading) -> Meta | None:
    """政策; None if what identifies and dates the version cannot be read."""
    section = Section(node, loading.found, node or root)
    complete = [section.require(key) for key in ("编号", "名称", "施行", "标识")]
    effective, expires, issued = section.day("施行"), section.day("失效"), section.day("印发")
    key = section.scalar("编号")
    level = section.choice("层级", LEVELS)
    start, end = section.get("施行"), section.get("失效")
    if effective and expires and expires < effective and start and end:
        loading.found.append(problems.expires_early(end, str(effective), start))
    identifier = section.word("标识")
    if not all(complete) or key is None or effective is None:
        return None
    return Meta(
        id=normalize(key.text),
        series=section.word("系列") or normalize(key.text),
        title=section.text("名称"),
        number=section.text("文号"),
        issuers=section.texts("发文机关"),
        level=level,
        issued=issued,
        effective=effective,
        expires=expires,
        repeals=section.texts("废止文件"),
        identifier=identifier,
        key=key,
        base=section.word("修订") or section.word("细化"),
        relation="修订" if section.has("修订") else "细化" if section.has("细化") else "",
        written_expires=expires,
    )


def check_identifier(node: Node | None, fields: dict[str, FieldDecl], loading: Loading) -> None:
    """标识 is a field of text: numbers lose their zeros."""
    section = Section(node, [], node) if node is not None else None
    scalar = section.scalar("标识") if section else None
    if scalar is None:
        return
    decl = fields.get(normalize(scalar.text))
    if decl is None:
        loading.found.append(problems.unknown_field(scalar, "标识", scalar.text, fields))
    elif not isinstance(decl.type, TextT) or decl.owner:
        loading.found.append(problems.unfit_field(scalar, "标识", decl.name, "文字"))


def read_uses(node: Node | None, loading: Loading) -> dict[str, UseDecl]:
    """引用: 「别名: 系列」, or {政策, 字段, …}."""
    uses = {}
    for entry in read_entries(node, loading.found):
        name = normalize(entry.key.text)
        if isinstance(entry.value, Scalar):
            series = read_scalar(entry.value, loading.found)
            if series is None:
                loading.found.append(problems.missing_key(entry.key, "政策"))
            else:
                uses[name] = UseDecl(
                    name=name, key=entry.key, series=normalize(series.text), series_key=series
                )
            continue
        section = loading.section(entry)
        series = section.scalar("政策")
        fields = tuple(_read_mapped(section))
        if series is None:
            section.require("政策")
            continue
        uses[name] = UseDecl(
            name=name,
            key=entry.key,
            citation=section.citation,
            note=section.note,
            series=normalize(series.text),
            series_key=series,
            fields=fields,
        )
    return uses


def _read_mapped(section: Section) -> list[tuple[Scalar, Scalar]]:
    pairs = []
    for entry in section.entries("字段"):
        formula = read_scalar(entry.value, section.found, "公式")
        if formula is not None:
            pairs.append((entry.key, formula))
    return pairs


def read_procedures(node: Node | None, loading: Loading) -> dict[str, ProcedureDecl]:
    """程序: their names may be titles."""
    procedures = {}
    for entry in read_entries(node, loading.found):
        name, section = normalize(entry.key.text), loading.section(entry)
        routes = (_read_route(item, loading) for item in section.items("分流"))
        procedures[name] = ProcedureDecl(
            name=name,
            key=entry.key,
            citation=section.citation,
            note=section.note,
            steps=_read_steps(section.get("步骤"), loading),
            routes=tuple(route for route in routes if route is not None),
        )
    return procedures


def _read_steps(node: Node | None, loading: Loading) -> tuple[Step, ...]:
    steps = []
    for item in read_items(node, loading.found):
        section = Section(item, loading.found, item)
        steps.append(Step(section.text("主体"), section.text("事项"), section.text("时限"), section.note))
    return tuple(steps)


def _read_route(item: Node, loading: Loading) -> Route | None:
    section = Section(item, loading.found, item)
    when = section.formula("当")
    steps = _read_steps(section.get("步骤"), loading)
    if when is None:
        section.require("当")
        return None
    return Route(when, steps, section.text("名称"), section.citation)


def read_provisions(node: Node | None, loading: Loading) -> dict[str, ProvisionDecl]:
    """条文 with their treatment."""
    provisions = {}
    for entry in read_entries(node, loading.found):
        decl = _read_provision(entry, loading)
        provisions[decl.name] = decl
    return provisions


def _read_provision(entry: Entry, loading: Loading) -> ProvisionDecl:
    section = loading.section(entry)
    section.require("处理")
    treatments = []
    for scalar in section.scalars("处理"):
        word = normalize(scalar.text)
        if word in TREATMENTS:
            treatments.append(word)
        else:
            loading.found.append(problems.not_choice(scalar, scalar.text, TREATMENTS))
    if "宣示" in treatments:
        section.require("理由", "处理为宣示的条文")
    if "裁量" in treatments:
        section.require("裁量", "处理为裁量的条文")
    return ProvisionDecl(
        name=normalize(entry.key.text),
        key=entry.key,
        note=section.note,
        treatments=tuple(dict.fromkeys(treatments)),
        reason=section.text("理由"),
        sees=section.scalars("见"),
        decided_by=section.text("裁量"),
    )
