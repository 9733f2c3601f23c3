"""Money is exact, finite and never negative."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.money import HOURS_PER_MONTH, ZERO, NotMoney, Usd, usd_per_hour, usd_per_month

amounts = st.decimals(min_value=0, max_value=10**9, places=6).map(Usd)


@pytest.mark.parametrize(
    "wrong", [0.1, True, None, "NaN", "Infinity", "-Infinity", "-0.01", -1, "", "1,5", "five", b"1"]
)
def test_text_that_is_not_money_is_refused(wrong: Any) -> None:
    with pytest.raises(NotMoney):
        Usd(wrong)


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


@pytest.mark.parametrize(
    "written",
    [*ENDLESS, 10**5000, Decimal("1e-999990")],
    ids=lambda each: f"{each!r:.20}" if isinstance(each, str) else type(each).__name__,
)
def test_an_amount_that_nobody_means_is_refused_at_once(written: Any) -> None:
    with pytest.raises(NotMoney) as refusal:
        Usd.parse(written)
    assert len(str(refusal.value)) < 120


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        (" 5 ", "5"),
        ("0", "0"),
        (10**9, "1e9"),
        ("1e-9", "1e-9"),
        (Decimal("2.50"), "2.5"),
        ("5." + "0" * 38, "5"),
    ],
)
def test_an_amount_is_read_as_it_is_written(written: Any, amount: str) -> None:
    assert Usd.parse(written) == Usd(amount)


@given(
    st.one_of(
        st.text(max_size=30),
        st.integers(),
        st.decimals(),
        st.from_regex(r"\d{1,3}e-?\d{1,9}", fullmatch=True),
    )
)
def test_whatever_is_read_as_money_can_be_shown(written: Any) -> None:
    try:
        amount = Usd.parse(written)
    except NotMoney:
        return
    assert len(str(amount)) < 30
    assert amount.uact >= 0


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


@pytest.mark.parametrize(
    ("usd", "uact"),
    [
        ("0.0000004", 0),
        ("0.0000005", 1),
        ("0.0000014999", 1),
        ("0.0000015", 2),
        ("0.0000025", 3),
        ("1", 1_000_000),
    ],
)
def test_half_a_uact_is_rounded_up(usd: str, uact: int) -> None:
    assert Usd(usd).uact == uact


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1.004999", "1.00"),
        ("1.005", "1.01"),
        ("0.0099999", "0.01"),
        ("0.01", "0.01"),
        ("0.014", "0.01"),
        ("0.015", "0.02"),
        ("0.00994", "0.00994"),
        ("0.009945", "0.00995"),
        ("0.009994", "0.00999"),
        ("0.0012349", "0.00123"),
        ("0.0012350", "0.00124"),
        ("0.00120", "0.0012"),
    ],
)
def test_text_is_rounded_half_up(amount: str, text: str) -> None:
    assert Usd(amount).plain() == text


def test_amounts_are_ordered() -> None:
    one, more = Usd("0.1"), Usd("0.100001")
    assert one < more
    assert one <= Usd("0.10")
    assert more > one
    assert more >= one
    assert not one < Usd("0.10")
    assert not more < one
    assert min(more, one) is one
    assert Usd("0.10") == one


def test_nothing_is_false() -> None:
    assert not Usd(0)
    assert not Usd("-0")
    assert Usd("0.000001")
    assert Usd(0) == ZERO


def test_a_wrong_amount_is_quoted_in_part() -> None:
    with pytest.raises(NotMoney) as wrong:
        Usd("x" * 100)
    assert str(wrong.value) == f"{'x' * 40!r} is not an amount of money"


def test_amounts_are_multiplied_by_numbers() -> None:
    assert Usd("0.25") * 3 == 3 * Usd("0.25") == Usd("0.75")
    assert Usd("0.25") * Decimal("0.5") == Usd("0.125")
    with pytest.raises(NotMoney):
        Usd(1) * -1


def test_a_month_has_as_many_hours_as_console_counts() -> None:
    assert Decimal("730.488") == HOURS_PER_MONTH
    assert usd_per_month(10) == usd_per_hour(10) * HOURS_PER_MONTH
