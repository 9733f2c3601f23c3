"""Money is exact, finite and never negative."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.money import (
    HOURS_PER_MONTH,
    ZERO,
    NotMoney,
    Usd,
    hours_paid_for,
    told_apart,
    uact_per_block,
    usd_per_hour,
    usd_per_hour_at_most,
    usd_per_month,
)

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
    [("0", "$0.00"), ("5", "$5.00"), ("0.5", "$0.50"), ("1234.567", "$1234.57"), ("0.0034249", "$0.00343"),
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
    ("amount", "cost", "left"),
    [
        ("0", "0.00", "0.00"),
        ("1.00", "1.00", "1.00"),
        ("1.000001", "1.01", "1.00"),
        ("1.999999", "2.00", "1.99"),
        ("0.9999", "1.00", "0.999"),
        ("0.59036", "0.591", "0.59"),
        ("0.0099999", "0.01", "0.00999"),
        ("0.014", "0.014", "0.014"),
        ("0.0012349", "0.00124", "0.00123"),
        ("0.00120", "0.0012", "0.0012"),
        ("1e-30", "0." + "0" * 29 + "1", "0." + "0" * 29 + "1"),
    ],
)
def test_a_cost_is_rounded_up_and_what_is_left_down(amount: str, cost: str, left: str) -> None:
    assert Usd(amount).plain() == cost
    assert str(Usd(amount)) == f"${cost}"
    assert Usd(amount).rounded_down() == f"${left}"


@given(amounts)
def test_no_text_is_better_than_the_amount(amount: Usd) -> None:
    assert Usd(str(amount)[1:]) >= amount >= Usd(amount.rounded_down()[1:])
    assert Usd(amount.precise()) >= amount


@pytest.mark.parametrize(
    ("over", "limit", "texts"),
    [
        ("10.004", "10", ("$10.004", "$10.00")),
        ("0.5904", "0.5901", ("$0.5904", "$0.5901")),
        ("12", "10", ("$12.00", "$10.00")),
        ("0.2", "0.199", ("$0.20", "$0.199")),
        ("5", "5", ("$5.00", "$5.00")),
        ("1.000000000000000000000000000001", "1", ("$1.000000000000000000000000000001", "$1.00")),
    ],
)
def test_amounts_that_differ_never_look_the_same(over: str, limit: str, texts: tuple[str, ...]) -> None:
    assert told_apart(Usd(over), Usd(limit)) == texts


wide = st.decimals(min_value=0, max_value=10**17, places=25).map(Usd)


@given(st.lists(st.one_of(amounts, wide), min_size=1, max_size=5))
def test_any_amounts_are_told_apart(several: list[Usd]) -> None:
    texts = told_apart(*several)
    assert len(set(texts)) == len({usd.amount for usd in several})
    assert all(Usd(text[1:]) >= usd for text, usd in zip(texts, several, strict=True))


prices = st.decimals(min_value=Decimal("1e-18"), max_value=10**12, places=18, allow_nan=False).filter(bool)


@given(prices)
def test_a_price_goes_to_a_rate_and_back(price: Decimal) -> None:
    assert uact_per_block(usd_per_hour(price)) == price


@given(st.lists(prices.filter(lambda price: price <= 10**7), min_size=1, max_size=4))
def test_the_rates_of_groups_are_together_no_more_than_their_rate_together(several: list[Decimal]) -> None:
    each = [usd_per_hour(price) for price in several]
    together = usd_per_hour(sum(several, Decimal(0)))
    assert sum(each, ZERO) <= together
    assert uact_per_block(sum(each, ZERO)) == uact_per_block(together)


def test_an_hour_costs_at_most_600_blocks() -> None:
    assert usd_per_hour_at_most(1000) == Usd("0.6")
    assert usd_per_hour(1000) < usd_per_hour_at_most(1000)


@given(amounts, prices)
def test_whole_hours_at_the_true_rate_never_pass_the_amount(amount: Usd, price: Decimal) -> None:
    hours = hours_paid_for(amount, uact_per_block(usd_per_hour(price)))
    if hours < 10**6:
        assert usd_per_hour_at_most(price) * int(hours) <= amount


def test_six_dollars_pay_for_ten_hours_of_a_thousand_uact() -> None:
    assert hours_paid_for(Usd(6), uact_per_block(usd_per_hour(1000))) == 10


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


HOSTILE: tuple[Any, ...] = (
    *ENDLESS, "sNaN", "NaN123", "-Infinity", "\u0663", "1_000", " 5 ", "5.", ".5", "+1", "1e+2", "0e999999999", "-0e-9",
    "0." + "0" * 5000 + "1", "1e-9999999999999999", "1E18", "1e61", "\uff15", "5\x00", "5e", "0x5", "5,00", "$5", "",
    Decimal("1e-999990"), Decimal("1e999990"), Decimal("sNaN"), Decimal("-0"), Decimal(10) ** 18, 10**18, 10**5000,
    -(10**5000), 0.1 + 0.2, 1e308, 5e-324, float("nan"), True, None, b"5", [], {},
)  # fmt: skip


@pytest.mark.parametrize(
    "build", [Usd, Usd.parse, Usd.from_uact, usd_per_hour, usd_per_hour_at_most, Usd(7).__mul__]
)
def test_no_number_stops_or_crashes_what_builds_money(build: Callable[[Any], Usd]) -> None:
    """10,000 numbers of every kind: each is money that can be reckoned with and written, or `NotMoney`, at once."""
    longest = 0.0
    for written in (*HOSTILE, *(odd_number(random.Random(seed)) for seed in range(10_000))):
        began = time.perf_counter()
        try:
            amount = build(written)
            shown = [
                *(str(amount), amount.rounded_down(), amount.precise(), amount.exact()),
                *told_apart(amount, Usd(1)),
            ]
            assert amount + Usd(1) > amount
            assert (amount + Usd(1)) - Usd(1) == amount
            assert amount.uact <= amount.uact_at_most
        except NotMoney as refusal:
            shown = [str(refusal)]
        assert max(map(len, shown)) < 120
        longest = max(longest, time.perf_counter() - began)
    assert longest < 0.1


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
