"""格式 of texts: numbers that carry their own check, and what an identity number says of its holder.

Leaves comparing it with other fields to `engine.records.row`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from engine.names import normalize
from engine.records.problems import Bad, bad_birth, bad_check, wrong_form

IDENTITY, MOBILE, CREDIT = "居民身份证号", "手机号码", "统一社会信用代码"

_CREDIT_CLASS = "0-9A-HJ-NPQRTUWXY"
#: The characters of each in order, as (class, how many); letters may be small, all may be full-width.
FORMS: dict[str, tuple[tuple[str, int], ...]] = {
    IDENTITY: (("0-9", 17), ("0-9X", 1)),
    MOBILE: (("1", 1), ("3-9", 1), ("0-9", 9)),
    CREDIT: ((_CREDIT_CLASS, 2), ("0-9", 6), (_CREDIT_CLASS, 10)),
}
_COMPILED = {
    name: re.compile("".join(f"[{chars}]{{{count}}}" for chars, count in form) + r"\Z")
    for name, form in FORMS.items()
}

_CREDIT_ORDER = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def identity_check(body: str) -> str:
    """The 18th character for the first 17 digits (GB 11643, ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * (2 ** (17 - at) % 11) for at, digit in enumerate(body))
    return "10X98765432"[total % 11]


def credit_check(body: str) -> str:
    """The 18th character for the first 17 (GB 32100, weights 3^i mod 31)."""
    total = sum(_CREDIT_ORDER.index(char) * pow(3, at, 31) for at, char in enumerate(body))
    return _CREDIT_ORDER[-total % 31]


def read_identity(raw: str) -> str | Bad:
    """居民身份证号 of GB 11643: 18 characters, a day of birth that exists, the check character."""
    text = normalize(raw).upper()
    if not _COMPILED[IDENTITY].match(text):
        return wrong_form(raw, IDENTITY, " 18 位，前 17 位是数字，末位是数字或 X")
    if birth_of(text) is None:
        return bad_birth(raw, text[6:14])
    return text if identity_check(text[:17]) == text[17] else bad_check(raw, IDENTITY)


def read_mobile(raw: str) -> str | Bad:
    text = normalize(raw)
    return text if _COMPILED[MOBILE].match(text) else wrong_form(raw, MOBILE, " 1 开头的 11 位数字")


def read_credit(raw: str) -> str | Bad:
    """统一社会信用代码 of GB 32100: 18 characters without I O S V Z, the check character."""
    text = normalize(raw).upper()
    if not _COMPILED[CREDIT].match(text):
        return wrong_form(raw, CREDIT, " 18 位数字或大写字母（不含 I O S V Z）")
    return text if credit_check(text[:17]) == text[17] else bad_check(raw, CREDIT)


READERS: dict[str, Callable[[str], str | Bad]] = {
    IDENTITY: read_identity,
    MOBILE: read_mobile,
    CREDIT: read_credit,
}


def birth_of(number: str) -> date | None:
    """Day of birth in an identity number; None if there is no such day."""
    try:
        day = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    return day if day.year >= 1800 else None


def sex_of(number: str) -> str:
    """男 for an odd 17th digit, 女 for an even one."""
    return "男" if int(number[16]) % 2 else "女"
