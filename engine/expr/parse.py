"""Tokens → syntax, by precedence: 或 且 · 非 · comparison · + - · * / · minus · index and call.

Bounded in length, nodes and depth, so that any text ends in a syntax tree or one diagnostic.
"""

from __future__ import annotations

from datetime import date

from engine.diagnostics import Diagnostic, place_of
from engine.expr.lexer import FormulaError, Token, tokenize
from engine.expr.syntax import (
    Among,
    Arithmetic,
    Call,
    Comparison,
    Conditional,
    DateLit,
    Dotted,
    Index,
    Logic,
    Name,
    Negative,
    Not,
    NumberLit,
    OutcomeLit,
    Syntax,
    TextLit,
    TruthLit,
    children,
)
from engine.names import WORDS
from engine.nodes import Scalar
from engine.source import Span
from engine.values import parse_number

MAX_LENGTH = 4_000
MAX_TOKENS = 3_000
MAX_DEPTH = 40
MAX_TREE = 80
_BETWEEN = ("不属于", "属于", "否则", "则", "且", "或")
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")


def parse_formula(scalar: Scalar) -> tuple[Syntax | None, list[Diagnostic]]:
    """The formula in a scalar → syntax with spans in its text; None with one E320 or E321 diagnostic."""
    try:
        return parse_text(scalar.text), []
    except FormulaError as error:
        start = scalar.offset_at(error.start)
        span = Span(start, max(start + 1, scalar.offset_at(max(error.start, error.end - 1)) + 1))
        return None, [Diagnostic(error.code, error.message, place_of(scalar.source, span), error.hint)]


def parse_text(text: str) -> Syntax:
    """A formula's text → syntax; raises FormulaError (caught by `parse_formula`)."""
    if len(text) > MAX_LENGTH:
        raise FormulaError("E321", f"公式超过 {MAX_LENGTH} 字", 0, 1, "请拆成几条内部规则")
    if not text.strip():
        raise FormulaError("E320", "公式是空的", 0, max(1, len(text)))
    return _Parser(tokenize(text)).formula()


def _depth(root: Syntax) -> int:
    """Levels of a tree, counted without recursion: a long chain of + is as deep as it is long."""
    level, nodes = 0, [root]
    while nodes:
        level += 1
        nodes = [child for node in nodes for child in children(node)]
    return level


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.nodes = 0
        self.depth = 0

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    def step(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        self.nodes += 1
        if self.nodes > MAX_TOKENS:
            raise FormulaError("E321", "公式太长", token.start, token.end, "请拆成几条内部规则")
        return token

    def sees(self, *texts: str) -> bool:
        token = self.now
        return token.kind in ("name", "mark") and token.text in texts

    def span(self, start: int) -> Span:
        return Span(start, self.tokens[self.at - 1].end)

    def error(self, message: str, hint: str = "", token: Token | None = None) -> FormulaError:
        token = token or self.now
        return FormulaError("E320", message, token.start, max(token.end, token.start + 1), hint)

    def glued(self) -> FormulaError | None:
        """An operator word run into what follows it, where an operator is due: 且党员."""
        text = self.now.text if self.now.kind == "name" else ""
        word = next((word for word in _BETWEEN if text.startswith(word) and text != word), None)
        if word is None:
            return None
        hint = f"运算词两边要空格，请写「{word} {text.removeprefix(word)}」"
        return self.error(f"「{text}」前面缺少运算符", hint)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FormulaError(
                "E321", f"括号嵌套超过 {MAX_DEPTH} 层", self.now.start, self.now.end, "请拆成几条内部规则"
            )

    def formula(self) -> Syntax:
        tree = self.expression()
        token = self.now
        if token.kind == "end":
            if _depth(tree) > MAX_TREE:
                raise FormulaError("E321", f"公式的层次超过 {MAX_TREE} 层", 0, 1, "请拆成几条内部规则")
            return tree
        if token.text in (")", "]"):
            raise self.error(f"多了「{token.text}」")
        if token.text in ("则", "否则"):
            raise self.error(f"「{token.text}」前面缺少「若」")
        if token.text in ("且", "或"):
            raise self.error("「且」和「或」并列时要加括号", "例如 (甲 且 乙) 或 丙")
        if token.text == "若":
            raise self.error("「若」放在式子中间时要加括号", "例如 甲 + (若 乙 则 1 否则 0)")
        if token.text == ",":
            raise self.error("逗号只能在括号里")
        hint = "名称不能含空格；两个名称之间要有运算符"
        raise self.glued() or self.error(f"「{token.text}」前面缺少运算符", hint)

    def expression(self) -> Syntax:
        """A whole branch, argument or bracket: the only places where 若 may begin."""
        if not self.sees("若"):
            return self.logic()
        self.deeper()
        start = self.step().start
        condition = self.logic()
        self.expect("则", "「若」后面缺少「则」", "写作 若 条件 则 甲 否则 乙")
        then = self.expression()
        self.expect("否则", "「若 … 则 …」后面缺少「否则」", "「否则」不能省略；不适用时写 否则 不适用")
        otherwise = self.expression()
        self.depth -= 1
        return Conditional(condition, then, otherwise, span=self.span(start))

    def expect(self, text: str, message: str, hint: str = "") -> None:
        if not self.sees(text):
            if text != "]" and self.sees("且", "或") and self.depth < MAX_DEPTH:
                raise self.error("「且」和「或」并列时要加括号", "例如 (甲 且 乙) 或 丙")
            raise self.glued() or self.error(message, hint)
        self.step()

    def logic(self) -> Syntax:
        start = self.now.start
        items = [self.negation()]
        if not self.sees("且", "或"):
            return items[0]
        op = self.now.text
        while self.sees(op):
            self.step()
            items.append(self.negation())
        if self.sees("且", "或"):
            raise self.error("「且」和「或」并列时要加括号", "例如 (甲 且 乙) 或 丙")
        return Logic(op, tuple(items), span=self.span(start))

    def negation(self) -> Syntax:
        if not self.sees("非"):
            return self.comparison()
        self.deeper()
        start = self.step().start
        operand = self.negation()
        self.depth -= 1
        return Not(operand, span=self.span(start))

    def comparison(self) -> Syntax:
        start = self.now.start
        first = self.sum()
        if self.sees("属于", "不属于"):
            negated = self.step().text == "不属于"
            members = self.members()
            return Among(first, members, negated, span=self.span(start))
        ops: list[str] = []
        rest: list[Syntax] = []
        while self.sees(*COMPARISONS):
            ops.append(self.step().text)
            rest.append(self.sum())
        return Comparison(first, tuple(ops), tuple(rest), span=self.span(start)) if ops else first

    def members(self) -> tuple[Syntax, ...]:
        self.expect("[", "「属于」后面要写方括号列表", "例如 属于 [甲, 乙]")
        items: list[Syntax] = []
        while not self.sees("]"):
            items.append(self.sum())
            if self.sees("]"):
                break
            self.expect(",", "列表里缺少逗号或「]」")
            if self.sees("]"):
                raise self.error("逗号后面缺少内容", token=self.tokens[self.at - 1])
        self.step()
        if not items:
            raise self.error("列表是空的", token=self.tokens[self.at - 1])
        return tuple(items)

    def sum(self) -> Syntax:
        start = self.now.start
        left = self.product()
        while self.sees("+", "-"):
            operator = self.step()
            if operator.text == "-":
                self.apart(operator)
            left = Arithmetic(operator.text, left, self.product(), span=self.span(start))
        return left

    def apart(self, minus: Token) -> None:
        """A minus between two parts stands between blanks: 2021-5-27 is no subtraction."""
        before, after = self.tokens[self.at - 2], self.now
        if before.end == minus.start or after.start == minus.end:
            dated = before.kind == after.kind == "number"
            hint = "日期写作 2021-05-27，月和日各两位；" if dated else ""
            raise self.error("减号两边要空格", f"{hint}相减写作 甲 - 乙", minus)

    def product(self) -> Syntax:
        start = self.now.start
        left = self.minus()
        while self.sees("*", "/"):
            operator = self.step()
            if self.sees("*", "/"):
                hint = (
                    "乘方不能用，请改用乘法" if operator.text == "*" else "相除后取整请写 向下取整(甲 / 乙)"
                )
                raise self.error(f"「{operator.text}{self.now.text}」不是公式里的运算符", hint)
            left = Arithmetic(operator.text, left, self.minus(), span=self.span(start))
        return left

    def minus(self) -> Syntax:
        if not self.sees("-"):
            return self.postfix()
        self.deeper()
        start = self.step().start
        operand = self.minus()
        self.depth -= 1
        return Negative(operand, span=self.span(start))

    def postfix(self) -> Syntax:
        start = self.now.start
        node = self.atom()
        while True:
            if self.sees("["):
                self.step()
                self.deeper()
                keys = self.arguments("]")
                self.depth -= 1
                if not keys:
                    raise self.error("方括号里是空的", token=self.tokens[self.at - 1])
                node = Index(node, keys, span=self.span(start))
            elif self.sees("."):
                self.step()
                if not isinstance(node, Name) or self.now.kind != "name":
                    raise self.error("「.」只用于 别名.结果", token=self.tokens[self.at - 1])
                node = Dotted(node.name, self.step().text, span=self.span(start))
            elif self.sees("("):
                raise self.error("这里不能再写括号", "只有内置函数后面可以写括号；相乘请写「*」")
            else:
                return node

    def arguments(self, closing: str) -> tuple[Syntax, ...]:
        items: list[Syntax] = []
        while not self.sees(closing):
            items.append(self.expression())
            if self.sees(closing):
                break
            self.expect(",", f"缺少「{closing}」或逗号")
            if self.sees(closing):
                raise self.error("逗号后面缺少内容", token=self.tokens[self.at - 1])
        self.step()
        return tuple(items)

    def atom(self) -> Syntax:
        token = self.now
        if token.kind == "end":
            raise self.error("公式没有写完")
        if token.kind == "mark" and token.text != "(":
            if token.text == "[":
                raise self.error("列表只能写在「属于」「不属于」后面")
            raise self.error(f"「{token.text}」前面缺少内容")
        if token.kind == "name" and token.text in WORDS:
            if token.text == "若":
                raise self.error("「若」放在式子中间时要加括号", "例如 甲 + (若 乙 则 1 否则 0)")
            if token.text == "非":
                raise self.error("「非」放在比较里面时要加括号", "例如 甲 == (非 乙)")
            raise self.error(f"「{token.text}」前面缺少内容")
        self.step()
        span = Span(token.start, token.end)
        if token.text == "(":
            self.deeper()
            inner = self.expression()
            self.expect(")", "缺少「)」")
            self.depth -= 1
            return inner
        match token.kind:
            case "date":
                try:
                    return DateLit(date.fromisoformat(token.text), span=span)
                except ValueError:
                    raise self.error(f"没有「{token.text}」这一天", token=token) from None
            case "number":
                value = parse_number(token.text)
                assert value is not None
                return NumberLit(value, span=span)
            case "text":
                return TextLit(token.text[1:-1], span=span)
        if self.sees("("):
            self.step()
            self.deeper()
            args = self.arguments(")")
            self.depth -= 1
            return Call(token.text, args, span=self.span(token.start))
        if token.text in ("是", "否"):
            return TruthLit(token.text == "是", span=span)
        if token.text in ("不适用", "信息不足"):
            return OutcomeLit(token.text, span=span)
        return Name(token.text, span=span)
