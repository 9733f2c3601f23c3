"""What a group was let for: from recent bids for its GPUs and public price lists for the rest."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.clients.console.market_models import GpuPrice
from akash_mcp.market.prices import PriceRange, group_range, price_of, unpriced
from akash_mcp.money import HOURS_PER_MONTH, Usd, an_hour_of
from akash_mcp.sdl.output.groups import Attribute, Endpoint, GroupSpec, ResourceUnit, Storage
from akash_mcp.sdl.output.orders import LEASED_IP, SHARED_HTTP
from akash_mcp.sdl.rules.price_lists import EARLIER, TODAY

GIB = 2**30
HALF_A_CENT = Usd("0.005")


def gpu_price(model: str, low: object, high: object, ram: str = "80Gi", interface: str = "sxm5") -> GpuPrice:
    return GpuPrice.model_validate(
        {
            "vendor": "nvidia",
            "model": model,
            "ram": ram,
            "interface": interface,
            "price": {"currency": "USD", "min": low, "max": high, "avg": low, "med": low},
        }
    )


H100 = gpu_price("h100", 2.1, "2.71")
H100_PCIE = gpu_price("h100", 1.8, 2, interface="PCIe")
A100 = gpu_price("a100", 1.15, 1.71)
PRICES = [H100, H100_PCIE, A100]


def unit(*gpus: str, **changed: Any) -> ResourceUnit:
    one = ResourceUnit(
        id=1,
        cpu=1000,
        cpu_attributes=(),
        memory=GIB,
        storage=(Storage("default", GIB, ()),),
        gpu=1 if gpus else 0,
        gpu_attributes=tuple(Attribute(f"vendor/nvidia/model/{gpu}", "true") for gpu in gpus),
        endpoints=(Endpoint(SHARED_HTTP, 0),),
        count=1,
        price=Decimal(1000),
        denom="uact",
    )
    return replace(one, **changed)


def group(*units: ResourceUnit) -> GroupSpec:
    return GroupSpec("dc", (), (), (), units)


def ranged(*units: ResourceUnit, prices: list[GpuPrice] = PRICES) -> PriceRange:
    found = group_range(group(*units), prices)
    assert found is not None
    return found


def test_without_a_gpu_it_lies_between_the_two_default_price_lists() -> None:
    found = ranged(unit(cpu=2000, memory=4 * GIB), prices=[])
    assert found.low == an_hour_of(Usd("1.60") * 2 + Usd("0.80") * 4 + Usd("0.02") + Usd("0.05"))
    assert found.high > found.low


def test_each_disk_and_each_way_in_has_its_own_price() -> None:
    disk = Storage("data", 100 * GIB, (Attribute("class", "beta2"), Attribute("persistent", "true")))
    whole = unit(storage=(*unit().storage, disk), endpoints=(Endpoint(LEASED_IP, 1),))
    assert ranged(whole).low == an_hour_of(Usd("1.60") + Usd("0.80") + Usd("0.02") + Usd(3) + Usd("5.05"))


def test_a_gpu_costs_what_was_bid_for_its_kind() -> None:
    rest = ranged(unit())
    for gpu, low, high in (
        ("h100", "1.8", "2.71"),
        ("h100/ram/80Gi/interface/sxm", "2.1", "2.71"),
        ("h100/interface/sxm5", "2.1", "2.71"),
        ("h100/interface/pcie", "1.8", "2"),
        ("*", "1.15", "2.71"),
    ):
        assert ranged(unit(gpu)) == rest + PriceRange(Usd(low), Usd(high) + HALF_A_CENT)


def test_alternatives_reach_from_the_cheapest_to_the_dearest() -> None:
    assert ranged(unit("h100", "a100")) == ranged(unit()) + PriceRange(Usd("1.15"), Usd("2.71") + HALF_A_CENT)


def test_a_gpu_without_attributes_is_any() -> None:
    assert ranged(unit(gpu=1)) == ranged(unit("*"))


@pytest.mark.parametrize(
    "price",
    [
        None,
        {},
        {"min": None, "max": None},
        {"min": 0, "max": 0},
        {"min": 0, "max": 2},
        {"min": -1, "max": 2},
        {"min": 2, "max": None},
        {"min": 3, "max": 2},
        {"min": "NaN", "max": "NaN"},
        {"min": 1, "max": "1e30"},
        {"currency": "uakt", "min": 500000, "max": 600000},
    ],
)
def test_what_is_not_a_price_is_unknown_and_never_free(price: object) -> None:
    unknown = GpuPrice.model_validate({"vendor": "nvidia", "model": "h100", "price": price})
    assert price_of(unknown) is None
    assert group_range(group(unit("h100")), [unknown]) is None
    assert unpriced(group(unit("h100")), [unknown]) == ("h100",)


def test_what_has_no_price_is_named() -> None:
    odd = unit(storage=(Storage("data", GIB, (Attribute("class", "nvme\u202e"),)),))
    wanted = group(unit("h100", "t4/ram/16Gi"), unit(gpu=1), odd)
    assert group_range(wanted, []) is None
    assert unpriced(wanted, []) == ("h100", "t4 16gi", "any GPU", "storage class nvme")
    assert unpriced(wanted, PRICES) == ("t4 16gi", "storage class nvme")


def test_an_alternative_without_a_price_leaves_the_range_of_the_others() -> None:
    assert ranged(unit("t4", "a100")) == ranged(unit("a100"))


NUMBERS = ("cpu", "memory", "gpu", "count")
SIZES = st.fixed_dictionaries(
    {
        "cpu": st.integers(10, 384_000),
        "memory": st.integers(2**20, 2**41),
        "gpu": st.integers(0, 24),
        "count": st.integers(1, 50),
    }
)


@given(SIZES, st.sampled_from(NUMBERS), st.integers(1, 10**6))
def test_more_of_anything_never_costs_less(size: dict[str, int], number: str, more: int) -> None:
    small = ranged(unit("h100", **size))
    large = ranged(unit("h100", **{**size, number: size[number] + more}))
    assert small.low < large.low
    assert small.high < large.high


@given(st.integers(0, 2**45), st.integers(1, 2**45), st.sampled_from(["", "ram", "beta1", "beta2", "beta3"]))
def test_a_larger_disk_never_costs_less(size: int, more: int, kind: str) -> None:
    small, large = (
        ranged(unit(storage=(Storage("data", each, (Attribute("class", kind),) if kind else ()),)))
        for each in (size, size + more)
    )
    assert small.low < large.low
    assert small.high < large.high


@given(SIZES)
def test_the_low_end_is_never_above_the_high_end(size: dict[str, int]) -> None:
    found = ranged(unit("*", **size))
    assert found.low <= found.high


@given(SIZES, st.integers(1, 50))
def test_so_many_replicas_cost_what_they_cost_one_by_one(size: dict[str, int], count: int) -> None:
    one = {**size, "count": 1}
    assert ranged(unit("h100", **{**size, "count": count})) == ranged(*[unit("h100", **one)] * count)


@given(st.permutations([H100, H100_PCIE, A100]), SIZES)
def test_the_order_of_prices_and_units_changes_nothing(order: list[GpuPrice], size: dict[str, int]) -> None:
    units = [unit("h100", **size), unit("a100"), unit()]
    assert ranged(*units) == ranged(*units[::-1], prices=order)


@given(SIZES, st.decimals("0.01", "50", places=2), st.decimals("0", "50", places=2))
def test_a_dearer_bid_never_makes_it_cheaper(size: dict[str, int], low: Decimal, more: Decimal) -> None:
    price = gpu_price("h100", low, low + more)
    dearer = gpu_price("h100", low + more, low + more + 1)
    before = ranged(unit("h100", **size), prices=[price])
    after = ranged(unit("h100", **size), prices=[dearer])
    assert (before.low, before.high) <= (after.low, after.high)


@given(SIZES)
def test_nothing_is_rounded_down(size: dict[str, int]) -> None:
    found = ranged(unit(**{**size, "gpu": 0}))
    for end, prices in ((found.low, TODAY), (found.high, EARLIER)):
        month = (
            prices.core * size["cpu"] / 1000
            + prices.endpoint
            + (prices.memory_gb * size["memory"] + prices.ephemeral_gb * GIB) / prices.gb
        )
        assert end.amount * HOURS_PER_MONTH >= month * size["count"] * (1 - Decimal("1e-25"))
        assert end.amount * HOURS_PER_MONTH <= month * size["count"] * (1 + Decimal("1e-20"))
