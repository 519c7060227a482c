"""依据 and 条文 against each other: E430 articles that are not there, E431 citations that cannot be read,
E432 articles left out of 条文, E433 见 that names nothing, E434 treatments that point nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from engine.citations import Article, numeral, parse_citation, read_citation
from engine.diagnostics import Diagnostic, place_of
from engine.names import normalize, suggest
from engine.nodes import Scalar
from engine.policy import Declaration, Policy, ProvisionDecl
from engine.program import Program
from engine.source import Span
from engine.validate.formulas import place_in
from engine.validate.ranges import Bounds


def check_citations(program: Program, bounds: Bounds) -> list[Diagnostic]:
    """E430–E434 of one policy."""
    policy = program.policy
    entries = {decl.name: parse_citation(decl.name) for decl in policy.provisions.values()}
    listed = [article for articles in entries.values() for article in articles]
    cited: list[Article] = []
    found: list[Diagnostic] = []
    for scalar in citations(policy):
        articles, malformed = read_citation(scalar.text)
        cited += articles
        found += [_unreadable(scalar, part.text, part.start, part.end) for part in malformed]
        found += [
            _missing(scalar, article, listed) for article in articles if not _is_listed(article, listed)
        ]
    found += _provisions(program, entries, cited)
    found += _left_out(policy, listed)
    return found


def citations(policy: Policy) -> Iterator[Scalar]:
    """Every 依据 of a policy but those of its 条文."""
    families: tuple[dict[str, Declaration], ...] = (
        {**policy.uses},
        {**policy.fields},
        {**policy.params},
        {**policy.tables},
        {**policy.readings},
        {**policy.rules},
        {**policy.groups},
        {**policy.grounds},
        {**policy.procedures},
    )
    written: list[Scalar | None] = [decl.citation for family in families for decl in family.values()]
    for field in policy.fields.values():
        written += [column.citation for column in field.columns]
    for param in policy.params.values():
        written += [entry.citation for entry in (*param.values, *(value for _, value in param.by_year or ()))]
    for table in policy.tables.values():
        written += [row.citation for row in table.rows]
    for reading in policy.readings.values():
        written += [option.citation for option in reading.options]
    for rule in policy.rules.values():
        written += [exception.citation for exception in rule.exceptions]
    for grounds in policy.grounds.values():
        written += [ground.citation for ground in grounds.grounds]
    for procedure in policy.procedures.values():
        written += [route.citation for route in procedure.routes]
    seen: set[int] = set()
    for scalar in written:
        if scalar is not None and id(scalar) not in seen:
            seen.add(id(scalar))
            yield scalar


def _is_listed(article: Article, listed: list[Article]) -> bool:
    """Whether 条文 has the article, an entry that covers it, or entries for its items."""
    if not article.is_own:
        return True
    return any(entry.covers(article) or article.covers(entry) for entry in listed)


def _unreadable(scalar: Scalar, text: str, start: int, end: int) -> Diagnostic:
    """E431: what looks like an article and is none."""
    hint = "写法：第二十四条（一）、第二十四条第二款、附件一、省办法：第四条；其他文件写在《》里"
    return Diagnostic("E431", f"依据「{text}」读不懂", place_in(scalar, Span(start, end)), hint)


def _missing(scalar: Scalar, article: Article, listed: list[Article]) -> Diagnostic:
    """E430: an article of this document that 条文 does not have."""
    number = f"第{numeral(article.number)}条"
    at = scalar.text.find(number)
    place = place_in(scalar, Span(at, at + len(number))) if at >= 0 else place_of(scalar.source, scalar.span)
    if not listed:
        return Diagnostic(
            "E430", f"依据写了「{article}」，文件里没有「条文」", place, "请在「条文」里列出每一条和它的处理"
        )
    known = list(dict.fromkeys(str(entry) for entry in listed))
    last = max((entry.number for entry in listed), default=0)
    hint = f"条文到第{numeral(last)}条为止" if article.number > last else suggest(str(article), known)
    return Diagnostic(
        "E430", f"「条文」里没有「{article}」", place, hint or "请在「条文」里写上这一条，或改正依据"
    )


def _left_out(policy: Policy, listed: list[Article]) -> Iterator[Diagnostic]:
    """E432: numbers missing between the first article and the last."""
    numbers = {article.number for article in listed if article.is_own}
    missing = [n for n in range(min(numbers, default=0), max(numbers, default=0)) if n not in numbers]
    if not missing:
        return
    following = next(
        decl
        for decl in policy.provisions.values()
        if any(a.number > missing[0] for a in parse_citation(decl.name))
    )
    shown = "、".join(f"第{numeral(n)}条" for n in missing[:8]) + ("…" if len(missing) > 8 else "")
    yield Diagnostic(
        "E432", f"「条文」里漏了{shown}", following.place, "没有可计算内容的条文写「处理: 宣示」和「理由」"
    )


def _provisions(
    program: Program, entries: dict[str, tuple[Article, ...]], cited: list[Article]
) -> Iterator[Diagnostic]:
    known = _known(program)
    for decl in program.policy.provisions.values():
        articles = entries[decl.name]
        _, malformed = read_citation(decl.name)
        if malformed or not articles:
            hint = "写法：第六条、第六条（一）、附件一"
            yield Diagnostic("E431", f"条文「{decl.name}」读不懂", decl.place, hint)
        for scalar in decl.sees:
            word = normalize(scalar.text)
            if word not in known:
                place = place_of(scalar.source, scalar.span)
                hint = (
                    suggest(word, known)
                    or "「见」里写规则、集体、情形、程序、表、参数、口径、字段或引用的名称"
                )
                yield Diagnostic("E433", f"「见」所写的「{word}」没有声明", place, hint)
        if _points_nowhere(decl, articles, cited):
            treatment = next(word for word in decl.treatments if word in ("计算", "校验", "引用"))
            hint = "请在「见」里写出规则等的名称，或在规则的「依据」里写这一条"
            yield Diagnostic(
                "E434", f"「{decl.name}」的处理是「{treatment}」，没有说在哪里", decl.place, hint
            )


def _known(program: Program) -> dict[str, None]:
    """Names that 见 may point to, results of other policies as 别名.结果."""
    policy = program.policy
    families: tuple[dict[str, Declaration], ...] = (
        {**policy.rules},
        {**policy.groups},
        {**policy.grounds},
        {**policy.procedures},
        {**policy.tables},
        {**policy.params},
        {**policy.readings},
        {**policy.fields},
        {**policy.uses},
    )
    known = dict.fromkeys(name for family in families for name in family)
    for alias, use in program.uses.items():
        for version in use.versions:
            known.update(dict.fromkeys(f"{alias}.{name}" for name in (*version.rules, *version.grounds)))
    return known


def _points_nowhere(decl: ProvisionDecl, articles: tuple[Article, ...], cited: list[Article]) -> bool:
    """Whether an article that is said to be computed names nothing and is cited by nothing."""
    if decl.sees or not any(word in ("计算", "校验", "引用") for word in decl.treatments):
        return False
    return not any(
        own.covers(other) or other.covers(own) for own in articles for other in cited if other.is_own
    )
