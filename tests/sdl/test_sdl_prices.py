"""The ceiling of an SDL, and prices out of proportion."""

from __future__ import annotations

from decimal import Decimal

import pytest
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


GPU = "        gpu: {units: %d, attributes: {vendor: {nvidia: [%s]}}}\n  placement:"


def priced(amount: str, models: str, units: int = 1) -> list[str]:
    """The messages of D11 about a replica with so many GPUs of one of these models."""
    report = changed(("amount: 1000", f"amount: {amount}"), ("  placement:", GPU % (units, models)))
    return [f"{found.message} {found.fix}" for found in report.warnings if found.rule == "D11"]


def test_a_ceiling_far_below_what_the_gpu_costs_is_a_warning_with_its_price_and_date() -> None:
    (warning,) = priced("100", "{model: h100, ram: 80Gi}")
    assert "a replica may cost only $43.13 a month; providers ask about $1980.90 for its size" in warning
    assert "one h100 alone was listed from $1979.63 (20 September 2026)" in warning
    assert warning.endswith("write amount: 9186")
    assert not priced("9186", "{model: h100, ram: 80Gi}")


def test_each_gpu_of_a_replica_is_paid_for() -> None:
    assert not priced("4000", "{model: h100}")
    assert priced("4000", "{model: h100}", units=8)


def test_of_alternatives_the_cheapest_says_what_is_too_low_and_the_dearest_what_is_too_high() -> None:
    assert not priced("400", "{model: h100}, {model: t4}")
    (low,) = priced("10", "{model: h100}, {model: t4}")
    assert "one t4 alone" in low
    assert not priced("40000", "{model: h100}, {model: t4}")
    assert priced("40000", "{model: t4}")


def test_a_gpu_that_is_not_listed_may_cost_as_much_as_any() -> None:
    for models in ("{model: a40}", "{model: t4}, {model: a40}"):
        assert not priced("90000", models)
        assert priced("200000", models)
    (low,) = priced("10", "{model: a40}")
    assert "the cheapest GPU of any kind was listed at $21.92 (20 September 2026)" in low


def test_any_gpu_is_measured_by_the_cheapest() -> None:
    gpu = "        gpu: {units: 1, attributes: {vendor: {nvidia: }}}\n  placement:"
    for amount, warns in (("10", True), ("100", False)):
        report = changed(("amount: 1000", f"amount: {amount}"), ("  placement:", gpu))
        assert any(found.rule == "D11" for found in report.warnings) is warns


IP = [
    ("- global: true", "- {global: true, ip: mine}"),
    ("deployment:", "endpoints: {mine: {kind: ip}}\ndeployment:"),
]
DISK = "          - {name: data, size: %s, attributes: {persistent: true, class: beta3}}\n"
LASTING = ("          size: 1Gi\n", "          - size: 1Gi\n" + DISK % "200Gi")
MOUNT = ("    expose:", "    params: {storage: {data: {mount: /data}}}\n    expose:")


@pytest.mark.parametrize(
    ("changes", "enough", "named"),
    [
        (IP, 12, "a leased IP alone costs about $5.00 of that by their default price list"),
        ([LASTING, MOUNT], 19, 'the disk "data" alone costs about $8.00 of that by their default price list'),
        ([*IP, LASTING, MOUNT], 31, 'a leased IP and the disk "data" alone cost about $13.00 of that'),
    ],
)
def test_a_ceiling_below_an_ip_or_a_lasting_disk_is_a_warning_that_names_it(
    changes: list[tuple[str, str]], enough: int, named: str
) -> None:
    assert changed(*changes, ("amount: 1000", f"amount: {enough}")).warnings == ()
    (warning,) = changed(*changes, ("amount: 1000", f"amount: {enough - 1}")).warnings
    assert (warning.rule, warning.judge) == ("D11", "market")
    assert named in warning.message
