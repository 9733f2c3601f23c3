"""Money is exact, finite and never negative."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.money import NotMoney, Usd, usd_per_hour, usd_per_month

amounts = st.decimals(min_value=0, max_value=10**9, places=6).map(Usd)


@pytest.mark.parametrize(
    "wrong", [0.1, True, None, "NaN", "Infinity", "-Infinity", "-0.01", -1, "", "1,5", "five", b"1"]
)
def test_text_that_is_not_money_is_refused(wrong: Any) -> None:
    with pytest.raises(NotMoney):
        Usd(wrong)


@given(amounts, amounts)
def test_sums_are_exact_and_differences_never_negative(one: Usd, other: Usd) -> None:
    assert (one + other) - other == one
    if one < other:
        with pytest.raises(NotMoney):
            one - other


@given(st.integers(min_value=0, max_value=10**18))
def test_uact_go_there_and_back(uact: int) -> None:
    assert Usd.from_uact(uact).uact == uact


@given(amounts)
def test_its_text_is_money_again_and_never_an_exponent(amount: Usd) -> None:
    assert "E" not in amount.plain()
    assert abs(Usd(amount.plain()).amount - amount.amount) <= max(Decimal("0.005"), amount.amount / 100)


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "$0.00"), ("5", "$5.00"), ("0.5", "$0.50"), ("1234.567", "$1234.57"), ("0.0034249", "$0.00342"),
     ("0.01", "$0.01"), ("0.0000173", "$0.0000173"), ("-0", "$0.00")],
)  # fmt: skip
def test_a_small_amount_keeps_three_digits(amount: str, text: str) -> None:
    assert str(Usd(amount)) == text


def test_a_price_in_uact_per_block_is_what_console_shows() -> None:
    """One uact a block is 431,249 uact a month at 6.098 s a block and 30.437 days a month."""
    assert usd_per_month(1).amount.quantize(Decimal("0.000001")) == Decimal("0.431249")
    assert usd_per_hour("1000").amount.quantize(Decimal("0.0001")) == Decimal("0.5904")
