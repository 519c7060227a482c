"""A policy as a page: what it is, article by article how each is treated and computed, what an office must supply.

Every declaration stands once, under the article that its 依据 names first; elsewhere it is referred to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from engine.app.show import Shown
from engine.citations import parse_citation
from engine.names import normalize
from engine.needs import needs_of
from engine.nodes import Scalar
from engine.policy import (
    Band,
    Constant,
    Declaration,
    FieldDecl,
    GroundsDecl,
    GroupDecl,
    ParamDecl,
    Policy,
    ProcedureDecl,
    ProvisionDecl,
    ReadingDecl,
    RuleDecl,
    Step,
    TableDecl,
    UseDecl,
)
from engine.program import Program, Row
from engine.records.record_schema import description
from engine.render.cells import is_money
from engine.render.page import (
    Block,
    Formula,
    Heading,
    Items,
    Page,
    Paragraph,
    Picture,
    Quote,
    Ref,
    Table,
    Target,
    Word,
    Words,
    joined,
)
from engine.render.picture import Box, dependency_picture
from engine.tables import show as show_constant
from engine.tables import show_band
from engine.types import NumberT, Type, describe
from engine.values import format_number
from engine.words import say

_PERIODS = {"月": "按月", "季": "按季", "半年": "按半年", "年": "按年", "一次": "一次性", "": "计算日的状态"}
_MODES = {
    "唯一": "",
    "首个": "从上到下，用第一个符合的行",
    "合计": "符合的行都算，合计",
    "累进": "按段累进：每段只对落在该段的部分按该段的数计算，再合计",
}


def show_page(shown: Shown) -> Page:
    """The whole document; `shown` must have a program."""
    assert shown.program is not None
    return _Document(shown.program, shown).page()


class _Document:
    def __init__(self, program: Program, shown: Shown) -> None:
        self.program, self.policy, self.shown = program, program.policy, shown
        policy = self.policy
        self.articles = {name: parse_citation(decl.name) for name, decl in policy.provisions.items()}
        families: tuple[Sequence[Declaration], ...] = (
            list(policy.uses.values()),
            list(policy.rules.values()),
            list(policy.grounds.values()),
            list(policy.groups.values()),
            list(policy.readings.values()),
            list(policy.tables.values()),
            list(policy.params.values()),
        )
        self.declared = [decl for family in families for decl in family]
        self.procedures = list(policy.procedures.values())
        self.homes: dict[str, list[Declaration]] = {}
        for decl in (*self.declared, *self.procedures):
            self.homes.setdefault(self.home(decl), []).append(decl)
        self.needs = {
            decl.name: sorted(needs_of(program, decl.name), key=self.rank) for decl in self.declared
        }
        self.users: dict[str, list[str]] = {}
        for name, needed in self.needs.items():
            for other in needed:
                self.users.setdefault(other, []).append(name)

    def rank(self, name: str) -> int:
        names = list(self.policy.declarations)
        return names.index(name) if name in names else len(names)

    def home(self, decl: Declaration) -> str:
        """The 条文 under which a declaration stands: the most particular that has its first own article; "" none."""
        own = [article for article in parse_citation(decl.article) if article.is_own]
        if not own:
            return ""
        fitting = [
            (sum(map(bool, (a.paragraph, a.item, a.sub))), name)
            for name, articles in self.articles.items()
            for a in articles
            if a.covers(own[0])
        ]
        return max(fitting, key=lambda pair: pair[0])[1] if fitting else ""

    def ref(self, name: str) -> Word:
        """A name that leads to where it stands."""
        if name in self.policy.fields:
            return Ref(name, _anchor("字段", name))
        if name in self.policy.declarations:
            return Ref(name, _anchor("", name))
        return name

    def page(self) -> Page:
        policy = self.policy
        blocks: list[Block] = [Heading(1, policy.meta.title)]
        blocks += self.about()
        blocks += self.results()
        blocks += self.uses()
        blocks.append(Heading(2, "逐条说明", "条文"))
        for name, decl in policy.provisions.items():
            blocks += self.provision(name, decl)
        left = self.homes.get("", [])
        if left:
            blocks.append(Heading(3, "没有写本文件条文的规定", "其他"))
            for one in left:
                blocks += self.declaration(one)
        blocks += self.readings()
        blocks += self.fields()
        blocks += self.picture()
        return Page(policy.meta.title, tuple(blocks))

    # --- the parts that overlook the whole

    def about(self) -> Iterator[Block]:
        meta = self.policy.meta
        rows = [
            ("编号", meta.id),
            ("文号", meta.number),
            ("发文机关", "、".join(meta.issuers)),
            ("层级", meta.level),
            ("印发", str(meta.issued or "")),
            ("施行", str(meta.effective)),
            ("失效", str(meta.expires or "")),
            ("废止文件", "、".join(meta.repeals)),
            (meta.relation or "修订", _base_of(self.policy)),
            ("系列", meta.series),
            ("标识", meta.identifier),
            ("政策文件", self.policy.source.name),
            ("文件指纹", self.policy.sha256[:16]),
        ]
        yield Table(("政策", ""), tuple(row for row in rows if row[1]))

    def results(self) -> Iterator[Block]:
        yield Heading(2, "能算出什么", "结果")
        policy, found = self.policy, []
        for name in (*self.program.results, *self.program.groups):
            decl = policy.declarations[name]
            kind = "校验" if getattr(decl, "is_check", False) else "情形" if name in policy.grounds else ""
            if name in policy.groups:
                by = "、".join(self.program.groups_by_name[name].by)
                kind = f"集体{kind}（{f'按{by}' if by else '全体'}）"
            period = _PERIODS[decl.period] if isinstance(decl, RuleDecl) and not kind else kind
            found.append((self.ref(name), self.type_of(name), period, decl.article))
        yield Table(("结果", "内容", "性质", "依据"), tuple(found))

    def uses(self) -> Iterator[Block]:
        if not self.policy.uses:
            return
        yield Heading(2, "引用的其他政策", "引用")
        for alias, use in self.program.uses.items():
            yield Heading(4, alias, _anchor("", alias), use.decl.article)
            rows = [
                (
                    p.policy.meta.title,
                    p.policy.meta.id,
                    str(p.policy.meta.effective),
                    str(p.policy.meta.expires or ""),
                )
                for p in use.versions
            ]
            yield Table(("政策", "编号", "施行", "失效"), tuple(rows))
            if use.decl.fields:
                mapped = tuple((f"对方的“{key.text}”", _one_line(scalar)) for key, scalar in use.decl.fields)
                yield Table(("字段", "由本政策的"), mapped)
            yield from _note(use.decl)
            yield from self.links(alias)

    def readings(self) -> Iterator[Block]:
        readings = self.policy.readings
        if not readings:
            return
        yield Heading(2, "有不同理解的地方", "口径")
        yield Paragraph(
            "条文可以有不止一种理解的，都列在这里；采用哪一种写在政策文件里，运行时可以用 --reading 换一种来比较。"
        )
        yield Table(
            ("口径", "问题", "采用", "其他读法"),
            tuple(
                (
                    self.ref(name),
                    _joined_text(decl.question),
                    decl.adopted,
                    "、".join(option.name for option in decl.options if option.name != decl.adopted),
                )
                for name, decl in readings.items()
            ),
        )

    def fields(self) -> Iterator[Block]:
        yield Heading(2, "名册要提供的事实", "字段")
        yield Paragraph("没有填写的事实一律按信息不足处理，不当作零或否；写了缺省的除外。")
        owners = dict.fromkeys(decl.owner for decl in self.policy.fields.values())
        for owner in owners:
            chosen = [decl for decl in self.policy.fields.values() if decl.owner == owner]
            if len(owners) > 1:
                yield Heading(3, f"每个{owner}一份" if owner else "每人一份")
            yield Table(("字段", "怎样填", "缺省", "用于"), tuple(self.field(decl) for decl in chosen))

    def field(self, decl: FieldDecl) -> tuple[Words, ...]:
        words = description(decl)
        default = _one_line(decl.default) if decl.default is not None else ""
        users = [self.ref(name) for name in self.users.get(decl.name, ())[:6]]
        more = len(self.users.get(decl.name, ())) > 6
        used: tuple[Word, ...] = (*joined(users), " 等") if more else joined(users)
        if not used:
            used = ("登记" if decl.register else "",)
        return (Target(decl.name, _anchor("字段", decl.name)), words, default, used)

    def picture(self) -> Iterator[Block]:
        kinds = {**dict.fromkeys(self.policy.rules, "rule"), **dict.fromkeys(self.policy.grounds, "rule")}
        kinds |= dict.fromkeys(self.policy.groups, "group") | dict.fromkeys(self.policy.readings, "reading")
        kinds |= dict.fromkeys(self.policy.uses, "reading")
        kinds |= dict.fromkeys(self.program.results, "result")
        boxes = [Box(name, kind, _anchor("", name)) for name, kind in kinds.items()]
        svg = dependency_picture(
            boxes, {name: [other for other in self.needs.get(name, ()) if other in kinds] for name in kinds}
        )
        if svg:
            yield Heading(2, "什么依赖什么", "依赖")
            yield Paragraph(
                "箭头从被用到的指向用到它的；蓝色是结果，紫色是口径和引用，橙色是集体。字段、参数和表不画，见各项的“用到”。"
            )
            yield Picture(
                svg, "依赖关系的图见 HTML 格式（--format html）；各项的“用到”和“用于”写明了同样的内容。"
            )

    # --- article by article

    def provision(self, name: str, decl: ProvisionDecl) -> Iterator[Block]:
        yield Heading(3, _shown_name(decl), _anchor("条", name), "、".join(decl.treatments))
        if self.shown.wording is not None:
            lines = tuple(line for line in self.wording(name))
            if lines:
                yield Quote(lines)
        if decl.reason:
            yield Paragraph(_joined_text(decl.reason))
        if decl.decided_by:
            yield Paragraph(_joined_text(decl.decided_by), "裁量")
        yield from _note(decl)
        here = self.homes.get(name, [])
        names = {one.name for one in here if not isinstance(one, ProcedureDecl)}
        others = [self.see(normalize(see.text)) for see in decl.sees if normalize(see.text) not in names]
        other = [word for word in others if word]
        if other:
            yield Paragraph(joined(other), "见")
        for one in here:
            yield from self.declaration(one)

    def wording(self, name: str) -> Iterator[str]:
        """The lines of a 条文's own place, without those of items that have a 条文 of their own."""
        assert self.shown.wording is not None
        own = self.articles[name]
        finer = [a for other, places in self.articles.items() if other != name for a in places]
        for provision in self.shown.wording.provisions:
            mine = any(article.covers(provision.article) for article in own)
            taken = any(
                other.covers(provision.article)
                and any(article.covers(other) and article != other for article in own)
                for other in finer
            )
            if mine and not taken:
                yield from provision.lines

    def see(self, word: str) -> Word:
        if word in self.policy.procedures and word not in self.policy.declarations:
            return Ref(word, _anchor("程序", word))
        return self.ref(word)

    def declaration(self, decl: Declaration) -> Iterator[Block]:
        match decl:
            case RuleDecl():
                yield from self.rule(decl)
            case ReadingDecl():
                yield from self.reading(decl)
            case ParamDecl():
                yield from self.param(decl)
            case TableDecl():
                yield from self.table(decl)
            case GroundsDecl():
                yield from self.grounds(decl)
            case GroupDecl():
                yield from self.group(decl)
            case ProcedureDecl():
                yield from self.procedure(decl)
            case UseDecl():
                yield Paragraph((self.ref(decl.name), "（引用的政策）"), "见")

    def head(self, decl: Declaration, what: str, *more: str) -> Heading:
        anchor = _anchor("程序" if isinstance(decl, ProcedureDecl) else "", decl.name)
        by = self.policy.amended_by(decl)
        amended = f"由{by.number or by.id}{by.relation}" if by is not None else ""
        return Heading(
            4, decl.name, anchor, "，".join(word for word in (what, *more, decl.article, amended) if word)
        )

    def rule(self, decl: RuleDecl) -> Iterator[Block]:
        checked = self.program.rules[decl.name]
        what = f"校验，{decl.level}" if decl.is_check else "内部规则" if decl.internal else "结果"
        kind = "" if decl.is_check else self.type_of(decl.name)
        yield self.head(decl, what, kind, "" if decl.is_check or decl.internal else _PERIODS[decl.period])
        yield from self.scope(checked.scope, decl.reason)
        if checked.trigger is not None and decl.trigger is not None:
            yield Formula(_one_line(decl.trigger), say(checked.trigger), "触发日")
        for exception, (when, then) in zip(decl.exceptions, checked.exceptions, strict=True):
            name = exception.label or "例外"
            note = f"{name}（{exception.citation.text}）" if exception.citation else name
            yield Paragraph(note, "例外")
            yield Formula(_one_line(exception.when), say(when), "当")
            yield Formula(_one_line(exception.then), say(then), "则")
        label = "应当" if decl.is_check else "其余" if decl.exceptions else "公式"
        yield Formula(_one_line(decl.formula), say(checked.formula), label)
        yield from self.end(decl, decl.procedure)

    def reading(self, decl: ReadingDecl) -> Iterator[Block]:
        checked = self.program.readings[decl.name]
        yield self.head(decl, "口径")
        yield Paragraph(_joined_text(decl.question), "问题")
        yield Paragraph(f"{decl.adopted}。{_joined_text(decl.basis)}", "采用")
        rows = []
        for option in decl.options:
            expr = checked.options.get(option.name)
            rows.append(
                (
                    "采用" if option.name == decl.adopted else "",
                    option.name,
                    _joined_text(option.note),
                    "" if option.formula is None else _one_line(option.formula),
                    "" if expr is None else say(expr),
                )
            )
        if decl.has_formulas:
            yield Table(("", "读法", "说明", "公式", "意思"), tuple(rows))
        else:
            yield Table(("", "读法", "说明"), tuple(row[:3] for row in rows))
        yield from self.end(decl)

    def param(self, decl: ParamDecl) -> Iterator[Block]:
        values = [(f"{entry.since} 起" if entry.since else "", entry) for entry in decl.values]
        values += [(f"{year} 年", entry) for year, entry in decl.by_year or ()]
        if len(values) == 1 and not values[0][0]:
            yield self.head(decl, f"参数，{_figure(values[0][1].value, decl.type)}")
        else:
            yield self.head(decl, "参数")
            yield Table(
                ("何时", "值", "依据"),
                tuple(
                    (when, _figure(entry.value, decl.type), entry.citation.text if entry.citation else "")
                    for when, entry in values
                ),
                frozenset({1}),
            )
        yield from self.end(decl)

    def table(self, decl: TableDecl) -> Iterator[Block]:
        checked = self.program.tables[decl.name]
        units = {
            name: f"（{kind.unit}）" if isinstance(kind, NumberT) and not kind.unit.is_bare else ""
            for name, kind in checked.columns.items()
        }
        yield self.head(decl, "表", _MODES[decl.mode])
        cited = any(row.decl.citation for row in checked.rows)
        titles = (
            *(name for name, _ in checked.keys),
            *(f"{name or '值'}{unit}" for name, unit in units.items()),
            *(("依据",) if cited else ()),
        )
        rows = []
        for row in checked.rows:
            cells = tuple(_cell(row.cells[name], kind) for name, kind in checked.columns.items())
            article = (row.decl.citation.text if row.decl.citation else "",) if cited else ()
            rows.append((*_matches(row), *cells, *article))
        first = len(checked.keys)
        right = {first + at for at, kind in enumerate(checked.columns.values()) if isinstance(kind, NumberT)}
        yield Table(titles, tuple(rows), frozenset(right))
        yield from self.end(decl)

    def grounds(self, decl: GroundsDecl) -> Iterator[Block]:
        checked = self.program.grounds[decl.name]
        yield self.head(decl, "情形")
        yield from self.scope(checked.scope)
        yield Table(
            ("", "情形", "条件", "意思", "依据"),
            tuple(
                (
                    f"（{ground.label}）",
                    ground.title,
                    _one_line(ground.when),
                    say(expr),
                    ground.citation.text if ground.citation else "",
                )
                for ground, expr in checked.grounds
            ),
        )
        yield from self.end(decl, decl.procedure)

    def group(self, decl: GroupDecl) -> Iterator[Block]:
        checked = self.program.groups_by_name[decl.name]
        by = f"按{'、'.join(checked.by)}" if checked.by else "全体"
        what = f"集体校验，{decl.level}" if decl.is_check else "集体分配" if decl.shares else "集体"
        yield self.head(decl, f"{what}，{by}", "" if decl.is_check else self.type_of(decl.name))
        yield from self.scope(checked.scope)
        if decl.member is not None and checked.member is not None:
            yield Formula(_one_line(decl.member), say(checked.member), "成员")
        if decl.formula is not None and checked.formula is not None:
            yield Formula(_one_line(decl.formula), say(checked.formula), "应当" if decl.is_check else "公式")
        if decl.shares is not None and checked.total is not None and checked.weight is not None:
            yield Formula(_one_line(decl.shares.total), say(checked.total), "总额")
            yield Formula(_one_line(decl.shares.weight), say(checked.weight), "按此分配")
            yield Paragraph(f"分到 {format_number(checked.step)}，零头按最大余数补足，合计等于总额", "零头")
        for (_, scalar), (name, expr) in zip(decl.shown, checked.shown, strict=True):
            yield Formula(_one_line(scalar), say(expr), f"列示“{name}”")
        yield from self.end(decl, decl.procedure)

    def procedure(self, decl: ProcedureDecl) -> Iterator[Block]:
        yield self.head(decl, "程序")
        if decl.steps:
            yield Items(tuple(map(_step, decl.steps)), True)
        for route, expr in self.program.procedures[decl.name].routes:
            label = route.label or "分流"
            yield Paragraph(f"{label}{f'（{route.citation.text}）' if route.citation else ''}", "分流")
            yield Formula(_one_line(route.when), say(expr), "当")
            yield Items(tuple(map(_step, route.steps)), True)
        yield from _note(decl)

    def scope(self, names: Sequence[str], reason: str = "") -> Iterator[Block]:
        if names:
            refs: list[Word] = [self.ref(name) for name in names]
            tail = f"（否则不适用：{reason}）" if reason else ""
            yield Paragraph((*joined(refs, " 且 "), tail), "适用")

    def end(self, decl: Declaration, procedure: Scalar | None = None) -> Iterator[Block]:
        if procedure is not None:
            yield Paragraph(self.see(normalize(procedure.text)), "程序")
        yield from _note(decl)
        yield from self.links(decl.name)

    def links(self, name: str) -> Iterator[Block]:
        needed = [self.ref(other) for other in self.needs.get(name, ())]
        if needed:
            yield Paragraph(joined(needed), "用到")
        users = [self.ref(other) for other in self.users.get(name, ())]
        if users:
            yield Paragraph(joined(users), "用于")

    def type_of(self, name: str) -> str:
        kind = self.program.types.get(name)
        if isinstance(kind, NumberT):
            return str(kind.unit) if not kind.unit.is_bare else "数"
        return describe(kind) if kind is not None else "情形" if name in self.policy.grounds else ""


def _base_of(policy: Policy) -> str:
    """The documents that a policy is laid over, the nearest first."""
    below = [meta for meta in reversed(policy.layers.values()) if meta.id != policy.meta.id]
    return "、".join(f"{meta.id}（{meta.number}）" if meta.number else meta.id for meta in below)


def _anchor(family: str, name: str) -> str:
    return (f"{family}-{name}" if family else name).replace(" ", "_")


def _shown_name(decl: ProvisionDecl) -> str:
    return " ".join(decl.key.text.split())


def _one_line(scalar: Scalar) -> str:
    return " ".join(scalar.text.split())


def _joined_text(text: str) -> str:
    """Words written on several lines as one paragraph; no blank between wide characters."""
    return "".join(line.strip() for line in text.splitlines())


def _note(decl: Declaration) -> Iterator[Block]:
    if decl.note:
        yield Paragraph(_joined_text(decl.note), "说明")


def _step(step: Step) -> str:
    deadline = f"（{step.deadline}）" if step.deadline else ""
    note = f"：{_joined_text(step.note)}" if step.note else ""
    return f"{f'{step.actor}：' if step.actor else ''}{step.action}{deadline}{note}"


def _cell(value: Constant, kind: Type) -> str:
    return format_number(value, 2) if is_money(kind) and _is_number(value) else show_constant(value)


def _is_number(value: Constant) -> bool:
    return isinstance(value, int | Fraction) and not isinstance(value, bool)


def _figure(value: Constant, kind: Type) -> str:
    unit = (
        f" {kind.unit}" if isinstance(kind, NumberT) and not kind.unit.is_bare and _is_number(value) else ""
    )
    return _cell(value, kind) + unit


def _matches(row: Row) -> Iterable[str]:
    for alternatives in row.matches:
        if alternatives is None:
            yield "任意"
        else:
            yield "、".join(show_band(m) if isinstance(m, Band) else show_constant(m) for m in alternatives)
