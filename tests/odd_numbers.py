"""Numbers as somebody might write them who means harm, for whatever takes an amount of money."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

ENDLESS = (
    "1e-999990",
    "1e999990",
    "1e26",
    "1e-10",
    "-1e-999990",
    "9" * 5000,
    "0." + "1" * 5000,
    "1000000000.01",
    "5." + "0" * 39,  # 41 characters
)

HOSTILE: tuple[Any, ...] = (
    *ENDLESS, "sNaN", "NaN123", "-Infinity", "\u0663", "1_000", " 5 ", "5.", ".5", "+1", "1e+2", "0e999999999", "-0e-9",
    "0." + "0" * 5000 + "1", "1e-9999999999999999", "1E18", "1e61", "\uff15", "5\x00", "5e", "0x5", "5,00", "$5", "",
    Decimal("1e-999990"), Decimal("1e999990"), Decimal("sNaN"), Decimal("-0"), Decimal(10) ** 18, 10**18, 10**5000,
    -(10**5000), 0.1 + 0.2, 1e308, 5e-324, float("nan"), True, None, b"5", [], {},
)  # fmt: skip


def odd_number(chance: random.Random) -> Any:
    """A number as somebody might write it who means harm: text, an int, a `Decimal` or a float."""
    digits = "".join(chance.choices("0123456789", k=chance.choice((1, 3, 20, 45, 400))))
    text = chance.choice(("", "-", "+")) + digits
    if chance.random() < 0.6:
        text += "." + "".join(chance.choices("0123456789", k=chance.choice((0, 2, 17, 40, 400))))
    if chance.random() < 0.6:
        text += f"e{chance.choice((-1, 1)) * 10 ** chance.randrange(16) * chance.randrange(10)}"
    if chance.random() < 0.2:
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice(" _,\u0663\u202e.eE-x\x00") + text[at:]
    if chance.random() < 0.5:
        return text
    try:
        return chance.choice((Decimal, float, lambda _: int(digits)))(text)
    except (ArithmeticError, ValueError):
        return text
