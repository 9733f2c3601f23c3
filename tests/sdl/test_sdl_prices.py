"""The ceiling of an SDL, and prices out of proportion."""

from __future__ import annotations

from decimal import Decimal

from sdl_data import changed

from akash_mcp.money import usd_per_hour, usd_per_month


def test_the_ceiling_is_every_replica_at_its_price() -> None:
    report = changed(("count: 1", "count: 3"), ("amount: 1000", "amount: 2.5"))
    assert report.groups[0].price == Decimal("7.5")
    assert report.ceiling_usd_hour == usd_per_hour(Decimal("7.5"))
    assert report.ceiling_usd_month == usd_per_month(Decimal("7.5"))


def test_a_million_uact_a_block_is_431249_dollars_a_month() -> None:
    report = changed(("amount: 1000", "amount: 1000000"))
    assert str(report.ceiling_usd_month) == "$431249.07"
    (warning,) = report.warnings
    assert (warning.rule, warning.line, warning.column) == ("D11", 25, 19)


def test_a_price_that_the_chain_refuses_has_no_ceiling() -> None:
    for amount in ("10000001", "1e22", "'1" + "0" * 80 + "'"):
        report = changed(("amount: 1000", f"amount: {amount}"))
        assert report.ceiling_usd_month is None
        assert not report.ok


def test_a_price_below_what_providers_ask_is_a_warning() -> None:
    report = changed(("amount: 1000", "amount: 1"), ("units: 0.5", "units: 64"))
    assert [(warning.rule, warning.fix) for warning in report.warnings] == [("D11", "write amount: 477")]


def test_the_denom_is_forced_and_the_amount_kept() -> None:
    for denom in ("uakt", "ibc/170C677610AC31DF0904FFE09CD3B5C657492170E7E52372E48756B71E56F2F1", "", "5"):
        unit = changed(("denom: uact", f"denom: {denom}")).groups[0].resources[0]
        assert (unit.denom, unit.price) == ("uact", Decimal(1000))
