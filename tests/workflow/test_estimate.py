"""What is reckoned from prices: costs for hours, what pays for them, and what is not known."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.limits import FIRST_RUNTIME_HOURS, MINIMUM_DEPOSIT
from akash_mcp.clients.console.market_models import ComparedPrice, GpuPrice
from akash_mcp.clients.console.market_reader import Spec
from akash_mcp.data import examples_dir
from akash_mcp.errors import InvalidSdl
from akash_mcp.market.prices import PriceRange
from akash_mcp.money import Usd, hours_paid_for, uact_per_block, usd_per_hour
from akash_mcp.workflow.market.prices import CLOUDS, Estimate, groups_of, reckon, sizes_of, summed
from akash_mcp.workflow.paid_hours import limited

SDL = (examples_dir() / "web.yaml").read_text(encoding="utf-8")
WITH_GPU = """\
version: "2.0"
services:
  app:
    image: nginx:1.29.3
    expose: [{port: 80, to: [{global: true}]}]
profiles:
  compute:
    app:
      resources:
        cpu: {units: %s}
        memory: {size: %s}
        storage: [{size: %s}, {name: shm, size: 1Gi, attributes: {class: ram, persistent: false}}]
        gpu: {units: 1, attributes: {vendor: {nvidia: [{model: h100, ram: 80Gi}]}}}
  placement:
    dc: {pricing: {app: {denom: uact, amount: %s}}}
deployment:
  app: {dc: {profile: app, count: 2}}
"""
H100 = GpuPrice.model_validate(
    {
        "vendor": "nvidia",
        "model": "h100",
        "ram": "80Gi",
        "interface": "SXM5",
        "price": {"currency": "USD", "min": 2.1, "max": 2.71},
    }
)


def gpu_sdl(cpu: str = "1", memory: str = "2Gi", storage: str = "10Gi", amount: str = "9000") -> str:
    return WITH_GPU % (cpu, memory, storage, amount)


def reckoned(sdl: str, hours: int = 24, **changed: Any) -> Estimate:
    known: dict[str, Any] = {
        "has_ceiling": True,
        "prices": [H100],
        "compared": {},
        "generation": Generation.REFERENCE,
    }
    return reckon(groups_of(sdl), hours, **{**known, **changed})


def test_the_ceiling_and_the_range_are_of_all_replicas() -> None:
    found = reckoned(gpu_sdl())
    assert found.ceiling == 18_000
    assert found.ceiling_per_hour == usd_per_hour(18_000)
    assert found.likely is not None
    assert Usd("4.2") < found.likely.low < found.likely.high < Usd("5.5")


@pytest.mark.parametrize("prices", [None, [], [GpuPrice(vendor="nvidia", model="h100", ram="80Gi")]])
def test_without_the_price_of_a_gpu_nothing_is_said_to_be_likely(prices: list[GpuPrice] | None) -> None:
    found = reckoned(gpu_sdl(), prices=prices)
    assert found.likely is None
    assert found.unpriced == (() if prices is None else ("h100 80gi",))
    assert found.payment is not None
    assert found.payment.usd_per_hour >= usd_per_hour(18_000)
    assert reckoned(gpu_sdl(), prices=prices, has_ceiling=False).payment is None


def test_what_pays_for_it_follows_the_lower_of_ceiling_and_highest_price() -> None:
    low, high = (reckoned(gpu_sdl(amount=amount)) for amount in ("2000", "900000"))
    assert low.payment is not None
    assert high.payment is not None
    assert high.likely is not None
    assert low.payment.usd_per_hour == Usd(usd_per_hour(4000).precise())
    assert high.payment.usd_per_hour == Usd(high.likely.high.precise())
    assert (low.is_below_the_market, high.is_below_the_market) == (True, False)


@pytest.mark.parametrize("generation", [*Generation, None])
def test_a_deposit_is_never_less_than_a_deployment_takes(generation: Generation | None) -> None:
    found = reckoned(SDL, hours=1, generation=generation)
    assert found.payment is not None
    assert found.payment.deposit == (MINIMUM_DEPOSIT[generation] if generation else Usd(5))


def test_a_run_on_2026_11_begins_with_as_many_hours_as_it_can() -> None:
    found = reckoned(SDL, hours=100, generation=Generation.V2026_11)
    assert found.payment is not None
    assert found.payment.hours == FIRST_RUNTIME_HOURS


RATES = st.decimals("0.0001", "50", places=6).map(Usd)
HOURS = st.integers(1, 8760)


@given(RATES, HOURS)
def test_the_deposit_pays_for_the_hours_at_the_named_rate_and_at_any_lower_one(rate: Usd, hours: int) -> None:
    payment = Estimate(hours=hours, likely=PriceRange(rate, rate)).payment
    assert payment is not None
    assert payment.usd_per_hour >= rate
    named = Usd.parse(payment.deposit.plain())
    assert hours_paid_for(named, uact_per_block(payment.usd_per_hour)) >= hours
    assert hours_paid_for(named, uact_per_block(rate)) >= hours


@given(RATES, st.integers(1, FIRST_RUNTIME_HOURS))
def test_deploy_makes_a_runtime_limit_of_these_hours_of_it(rate: Usd, hours: int) -> None:
    payment = Estimate(hours=hours, likely=PriceRange(rate, rate), generation=Generation.V2026_11).payment
    assert payment is not None
    named = Usd.parse(payment.deposit.plain()), Usd.parse(payment.usd_per_hour.precise())
    assert limited(named[0], uact_per_block(named[1]), hours)[0] == hours


@given(RATES, RATES, HOURS, HOURS)
def test_a_higher_price_and_more_hours_never_cost_less(rate: Usd, more: Usd, hours: int, longer: int) -> None:
    small = Estimate(hours=hours, likely=PriceRange(rate, rate))
    large = Estimate(hours=hours + longer, likely=PriceRange(rate + more, rate + more))
    assert small.payment is not None
    assert large.payment is not None
    assert small.at_most(rate) < large.at_most(rate + more)
    assert small.payment.deposit <= large.payment.deposit


@given(RATES, HOURS)
def test_a_cost_is_never_less_than_its_rate_times_its_hours(rate: Usd, hours: int) -> None:
    assert Estimate(hours=hours).at_most(rate) >= rate * hours


@given(RATES, HOURS, st.decimals("0.5", "1000", places=2).map(Usd))
def test_a_limit_never_pays_for_more_than_it_can(rate: Usd, hours: int, limit: Usd) -> None:
    found = Estimate(hours=hours, likely=PriceRange(rate, rate))
    assert found.payment is not None
    within = found.hours_within(limit)
    assert Estimate(hours=within, likely=found.likely).at_most(found.payment.usd_per_hour) <= limit * (
        1 + Decimal("1e-12")
    )


@pytest.mark.parametrize(
    ("cpu", "memory", "storage", "amount"),
    [
        ("1000m", "2048Mi", "10Gi", "9000"),
        ("'1'", "2147483648B", "10240Mi", "'9000'"),
        ("1.0", "0.001953125Ti", "0.009765625Ti", "9000.000"),
    ],
)
def test_units_do_not_matter(cpu: str, memory: str, storage: str, amount: str) -> None:
    assert reckoned(gpu_sdl(cpu, memory, storage, amount)) == reckoned(gpu_sdl())


def test_replicas_of_one_size_are_compared_once_and_what_is_in_memory_is_memory() -> None:
    assert sizes_of(groups_of(gpu_sdl())) == {Spec(1000, 3 * 2**30, 10 * 2**30): 2}


COMPARED = ComparedPrice.model_validate({"akash": 2.96, "aws": "16.39", "gcp": 13.27, "azure": 17.18})


def test_each_cloud_is_summed_over_all_replicas() -> None:
    sizes = Counter({Spec(1000, 1, 1): 3, Spec(2000, 1, 1): 1})
    assert summed(sizes, [COMPARED, COMPARED])["aws"] == Usd("16.39") * 4


@pytest.mark.parametrize("odd", [0, -1, None, "1e30", "NaN"])
def test_a_cloud_without_a_price_is_left_out_and_never_free(odd: object) -> None:
    told = ComparedPrice.model_validate({"akash": 2.96, "aws": odd, "gcp": 13.27})
    sizes = Counter({Spec(1000, 1, 1): 3, Spec(2000, 1, 1): 1})
    assert set(summed(sizes, [COMPARED, told])) == {"akash", "gcp"}
    assert set(summed(sizes, [COMPARED, COMPARED])) == set(CLOUDS)


def test_prices_of_other_sizes_than_asked_for_are_none() -> None:
    assert summed(Counter({Spec(1000, 1, 1): 3}), [COMPARED, COMPARED]) == {}
    assert summed(Counter({Spec(1000, 1, 1): 3}), []) == {}


@pytest.mark.parametrize(
    "sdl", ["", "services: [", SDL.replace("count: 1", "count: 0"), gpu_sdl(amount="1e22")]
)
def test_what_would_be_refused_has_no_price(sdl: str) -> None:
    with pytest.raises(InvalidSdl, match="would be refused"):
        groups_of(sdl)
