"""Units of figures: money per something, counts with a label, bare numbers.

Money is strict, labels of counts cancel a denominator or vanish; nothing is converted (language §3).
"""

from __future__ import annotations

from dataclasses import dataclass

MONEY = "元"


@dataclass(frozen=True, slots=True)
class Unit:
    """`top` is "元", a count's label or ""; `per` are the sorted labels below the line."""

    top: str = ""
    per: tuple[str, ...] = ()

    @property
    def is_money(self) -> bool:
        return self.top == MONEY

    @property
    def is_bare(self) -> bool:
        return not self.top and not self.per

    def __str__(self) -> str:
        return "/".join((self.top or "1", *self.per)) if not self.is_bare else "无单位"


BARE = Unit()
#: The unit of a literal 0, which fits every unit.
ANY = Unit("*")


def parse_unit(text: str) -> Unit | None:
    """「元/月」 → Unit; None if it is no unit."""
    parts = [part.strip() for part in text.split("/")]
    if not parts or any(not part or not part.isalpha() for part in parts):
        return None
    if MONEY in parts[1:] or (MONEY in parts[0] and parts[0] != MONEY):
        return None
    return Unit(parts[0], tuple(sorted(parts[1:])))


def common(left: Unit, right: Unit) -> Unit | None:
    """The unit in which two figures add or compare, or None if they do not."""
    if left == right or right == ANY:
        return left
    if left == ANY:
        return right
    if left.is_money or right.is_money:
        return None
    if left.is_bare:
        return right
    return left if right.is_bare else None


def assignable(declared: Unit, found: Unit) -> bool:
    """Whether a figure in `found` may be given out as `declared`."""
    return common(declared, found) is not None


def _without(labels: tuple[str, ...], label: str) -> tuple[str, ...]:
    position = labels.index(label)
    return labels[:position] + labels[position + 1 :]


def multiply(left: Unit, right: Unit) -> Unit | None:
    """元/月 × 月 = 元; 元/月 × 年 = 元/月; 月 × 人 bare; None for 元 × 元."""
    if left == ANY or right == ANY:
        return ANY
    if left.is_money and right.is_money:
        return None
    if right.is_money or (right.per and not left.per and not left.is_money):
        left, right = right, left
    if right.is_bare:
        return left
    if left.is_bare:
        return right
    if right.top and right.top in left.per:
        rest = _without(left.per, right.top)
        return Unit(left.top, tuple(sorted((*rest, *right.per))))
    if left.is_money:
        return left
    if left.top and left.top in right.per:
        return Unit(right.top, _without(right.per, left.top))
    return BARE


def divide(left: Unit, right: Unit) -> Unit | None:
    """元 ÷ 元 bare; 元/年 ÷ 月/年 = 元/月; 元 ÷ 月 = 元; None where money would go below the line."""
    if left == ANY or right.is_bare or right == ANY:
        return left
    if left == right:
        return BARE
    if right.is_money:
        return None
    shared = [label for label in right.per if label in left.per]
    if shared:
        rest = left.per
        for label in shared:
            rest = _without(rest, label)
        return Unit(left.top, tuple(sorted((*rest, right.top))))
    if left.is_money:
        return left
    return BARE if left.top else left
