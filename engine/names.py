"""Names: how they are written, normalised and, when misspelt, guessed."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

WORDS = ("且", "或", "非", "属于", "不属于", "若", "则", "否则")
RESERVED = frozenset((*WORDS, "是", "否", "计算日", "值", "年份", "信息不足", "不适用", "上值", "递推"))
_NAME = re.compile(
    r"[A-Za-z_\u3400-\u4dbf\u4e00-\u9fff\u3007][A-Za-z0-9_\u3400-\u4dbf\u4e00-\u9fff\u3007]*\Z"
)
_ENGLISH = frozenset(
    [
        "False",
        "None",
        "True",
        "and",
        "as",
        "assert",
        "async",
        "await",
        "break",
        "class",
        "continue",
        "def",
        "del",
        "elif",
        "else",
        "except",
        "finally",
        "for",
        "from",
        "global",
        "if",
        "import",
        "in",
        "is",
        "lambda",
        "nonlocal",
        "not",
        "or",
        "pass",
        "raise",
        "return",
        "try",
        "while",
        "with",
        "yield",
    ]
)


def normalize(text: str) -> str:
    """NFKC without surrounding blanks, so that （六） equals (六) and full-width letters equal half-width ones."""
    return unicodedata.normalize("NFKC", text).strip()


def is_name(text: str) -> bool:
    """Whether `text` (normalised) can be written in a formula as a name."""
    return bool(_NAME.match(text)) and text not in _ENGLISH


def suggest(wrong: str, known: Iterable[str]) -> str:
    """「是否想写「…」？」 for the closest known name, or an empty text if none is close."""
    wrong = normalize(wrong)
    names = list(dict.fromkeys(known))
    best = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6 if len(wrong) > 2 else 0.5)
    if not best:
        longer = [n for n in names if len(wrong) >= 2 and (wrong in n or (len(n) >= 2 and n in wrong))]
        best = sorted(longer, key=lambda n: abs(len(n) - len(wrong)))[:1]
    return f"是否想写「{best[0]}」？" if best else ""


def misspelt(word: str, known: Iterable[str]) -> str:
    """The known name that `word` (normalised) is likely to be a slip of the pen of, or "". Stricter than `suggest`, for
    words that may well be meant: names that differ in numbers only are two names."""
    names = [name for name in known if name != word and _DIGITS.sub("", name) != _DIGITS.sub("", word)]
    return next(
        (
            name
            for name in difflib.get_close_matches(word, names, n=3, cutoff=0.5)
            if difflib.SequenceMatcher(None, word, name).ratio() >= 0.75
            or (len(name) == len(word) and sum(a != b for a, b in zip(name, word, strict=True)) == 1)
        ),
        "",
    )


_DIGITS = re.compile(r"[0-9〇一二三四五六七八九十百]+")
