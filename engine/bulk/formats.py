"""格式 and 对照 of texts as checks in SQL: what `engine.records.formats` says of one number, said of a column.

A text that these do not know for good is only looked at once more by the reader of records, so they may be strict.
"""

from __future__ import annotations

from engine.compile.dialects import Dialect
from engine.records.formats import CREDIT, FORMS, IDENTITY, MOBILE

_CREDIT_ORDER = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def is_formed(d: Dialect, kind: str, word: str) -> str:
    """Whether a text in capitals has a format, its check character included; NULL of NULL."""
    shape = "".join(f"[{chars}]{{{count}}}" for chars, count in FORMS[kind])
    formed = d.full_match(word, shape)
    match kind:
        case k if k == IDENTITY:
            more = f"{birth_in(d, word)} >= DATE '1800-01-01' AND {_identity_check(d, word)}"
        case k if k == CREDIT:
            more = _credit_check(word)
        case k:
            assert k == MOBILE
            return formed
    return f"CASE WHEN {formed} THEN COALESCE({more}, FALSE) WHEN {word} IS NOT NULL THEN FALSE END"


def birth_in(d: Dialect, number: str) -> str:
    """Day of birth in an identity number; NULL if there is no such day."""
    year, month, day = (f"substr({number}, {at}, {count})" for at, count in ((7, 4), (11, 2), (13, 2)))
    return d.try_cast(f"{year} || '-' || {month} || '-' || {day}", d.day)


def sex_in(number: str) -> str:
    return f"CASE WHEN substr({number}, 17, 1) IN ('1', '3', '5', '7', '9') THEN '男' WHEN {number} IS NOT NULL THEN '女' END"


def _identity_check(d: Dialect, word: str) -> str:
    """GB 11643: weights 2^(17 - i) mod 11 over the first 17 digits."""
    body = d.try_cast(f"substr({word}, 1, 17)", d.whole[64])
    total = " + ".join(
        f"({d.divide(body, str(10 ** (16 - at)), 64)}) % 10 * {2 ** (17 - at) % 11}" for at in range(17)
    )
    return f"substr('10X98765432', CAST(({total}) % 11 AS INTEGER) + 1, 1) = substr({word}, 18, 1)"


def _credit_check(word: str) -> str:
    """GB 32100: weights 3^i mod 31 over the first 17 characters."""
    total = " + ".join(
        f"(instr('{_CREDIT_ORDER}', substr({word}, {at + 1}, 1)) - 1) * {pow(3, at, 31)}" for at in range(17)
    )
    last = f"CAST((31 - ({total}) % 31) % 31 AS INTEGER) + 1"
    return f"substr('{_CREDIT_ORDER}', {last}, 1) = substr({word}, 18, 1)"
