"""Formula text → tokens. Mistakes of the keyboard are named with the character to write."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.names import WORDS, is_name, normalize

_TOKEN = re.compile(
    r"""(?P<blank>\s+)
    |(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}(?!\w))
    |(?P<number>[0-9]+(?:\.[0-9]+)?%?(?![\w.]))
    |(?P<text>"[^"\n]*")
    |(?P<name>[^\W\d]\w*)
    |(?P<mark>==|!=|<=|>=|&&|\|\||[-+*/<>()\[\],.])
    |(?P<badnumber>[0-9][\w.%]*)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)

_KEYBOARD = {
    "：": "去掉冒号",
    "，": "半角逗号「,」",
    "（": "半角括号「(」",
    "）": "半角括号「)」",
    "【": "半角方括号「[」",
    "】": "半角方括号「]」",
    "［": "半角方括号「[」",
    "］": "半角方括号「]」",
    "＞": "「>」",
    "＜": "「<」",
    "＝": "「==」",
    "≥": "「>=」",
    "≧": "「>=」",
    "≤": "「<=」",
    "≦": "「<=」",
    "≠": "「!=」",
    "×": "「*」",
    "·": "「*」，名称里请不用间隔号",
    "＊": "「*」",
    "÷": "「/」",
    "／": "「/」",
    "＋": "「+」",
    "－": "「-」",
    "—": "「-」",
    "–": "「-」",
    "−": "「-」",
    "％": "半角「%」",
    "“": '半角引号「"」',
    "”": '半角引号「"」',
    "‘": '半角双引号「"」',
    "’": '半角双引号「"」',
    "'": '双引号「"」',
    "、": "半角逗号「,」",
    "；": "去掉分号，一个公式只写一个式子",
    ";": "去掉分号，一个公式只写一个式子",
    "。": "去掉句号",
    "！": "「非」",
    "!": "「非」，不等于写「!=」",
    "=": "「==」",
    "＆": "「且」",
    "｜": "「或」",
    "．": "半角点「.」",
    "＂": '半角引号「"」',
    "＇": '半角双引号「"」',
    "&": "「且」",
    "|": "「或」",
    "^": "改用乘法，乘方不能用",
    "%": "把「%」紧跟在数字后面",
    ":": "去掉冒号",
}
_ENGLISH = {
    "and": "且",
    "or": "或",
    "not": "非",
    "in": "属于",
    "if": "若 … 则 … 否则 …",
    "then": "则",
    "else": "否则",
    "True": "是",
    "False": "否",
    "true": "是",
    "false": "否",
    "None": "信息不足",
    "null": "信息不足",
    "lambda": "",
    "for": "",
}


_NOT_A_NAME = "名称只用汉字、字母、数字和「_」；选项里有别的字符时请加引号"
_GLUED = re.compile(r"([0-9]+(?:\.[0-9]+)?%?)(" + "|".join(WORDS) + ")")
_DAY = re.compile(r"[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日")


@dataclass(frozen=True, slots=True)
class Token:
    """`kind`: date, number, text, name, mark or end; `text` normalised; offsets in the formula's text."""

    kind: str
    text: str
    start: int
    end: int


class FormulaError(Exception):
    """Raised and caught inside `engine.expr` only."""

    def __init__(self, code: str, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.start, self.end, self.hint = code, message, start, end, hint


def tokenize(text: str) -> list[Token]:
    """Tokens with an end token last; raises FormulaError."""
    tokens: list[Token] = []
    for found in _TOKEN.finditer(text):
        kind, raw, start, end = str(found.lastgroup), found.group(), found.start(), found.end()
        if kind == "blank":
            continue
        if kind == "name":
            raw = normalize(raw)
            if raw in _ENGLISH:
                write = _ENGLISH[raw]
                hint = f"请写「{write}」" if write else "公式里没有这种写法"
                raise FormulaError("E320", f"「{raw}」不是公式里的词", start, end, hint)
            if not is_name(raw):
                raise FormulaError("E320", f"「{text[start:end]}」不能作名称", start, end, _NOT_A_NAME)
        elif kind == "number":
            digits = raw.rstrip("%").split(".")[0]
            if len(digits) > 1 and digits.startswith("0"):
                raise FormulaError(
                    "E320", f"数字「{raw}」前面多了 0", start, end, f"请写「{raw.lstrip('0') or '0'}」"
                )
            if len(raw) > 40:
                raise FormulaError("E320", "数字太长", start, end, "最多 40 位")
        elif kind == "badnumber":
            raise _bad_number(raw, start, end)
        elif kind == "mark" and raw in ("&&", "||"):
            write = "且" if raw == "&&" else "或"
            raise FormulaError("E320", f"「{raw}」不是公式里的运算符", start, end, f"请写「{write}」")
        elif kind == "other":
            raise _wrong_character(raw, start, end)
        tokens.append(Token(kind, raw, start, end))
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def _bad_number(raw: str, start: int, end: int) -> FormulaError:
    """E320: figures run into letters: a unit, an exponent, a separator."""
    if raw.endswith(".") or ".." in raw:
        hint = "小数点后面要有数字"
    elif "_" in raw:
        hint = "数字里不用分隔符"
    elif glued := _GLUED.match(raw):
        hint = f"运算词两边要空格，请写「{glued[1]} {glued[2]} …」"
    elif _DAY.match(raw):
        hint = "日期写作 2021-05-27"
    else:
        hint = "数字不带单位，带单位的数请写成参数；名称不能以数字开头"
    return FormulaError("E320", f"「{raw}」不是数字", start, end, hint)


def _wrong_character(raw: str, start: int, end: int) -> FormulaError:
    """E320: a character formulas do not have, with the one to write."""
    if raw == '"':
        return FormulaError("E320", "引号没有闭合", start, end, '请补上另一个「"」')
    write = _KEYBOARD.get(raw)
    if write is None and raw.isdigit():
        write = "半角数字"
    if write is None:
        return FormulaError("E320", f"公式里不能有「{raw}」", start, end)
    verb = "请" if write.startswith(("去掉", "把", "改用")) else "请写"
    return FormulaError("E320", f"公式里不能有「{raw}」", start, end, verb + write)
