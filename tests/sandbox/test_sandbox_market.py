"""Who bids on what: the market that a seed makes, and the rules of its bidding engines."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from akash_mcp.ids import parse_provider
from akash_mcp.sandbox.bidders import offered_gpu_attributes, quote
from akash_mcp.sandbox.sellers import AUDITOR, GI, OTHER_AUDITOR, Seller, sellers
from akash_mcp.sdl import Attribute, Endpoint, GroupSpec, ResourceUnit, Storage

MARKET = sellers(7, 10)
PLAIN = next(s for s in MARKET if s.gpu is None and s.audited)
H100 = next(s for s in MARKET if s.gpu and s.gpu.model == "h100")

UNIT = ResourceUnit(
    id=1,
    cpu=1000,
    cpu_attributes=(),
    memory=GI,
    storage=(Storage("default", GI, ()),),
    gpu=0,
    gpu_attributes=(),
    endpoints=(Endpoint(0, 0),),
    count=1,
    price=Decimal(10_000),
    denom="uact",
)


def group(
    unit: ResourceUnit = UNIT, *, attributes: dict[str, str] | None = None, any_of: str = AUDITOR
) -> GroupSpec:
    wanted = tuple(Attribute(k, v) for k, v in (attributes or {}).items())
    return GroupSpec("g", attributes=wanted, all_of=(), any_of=(any_of,), resources=(unit,))


def gpu_unit(*keys: str, count: int = 1) -> ResourceUnit:
    return replace(UNIT, gpu=count, gpu_attributes=tuple(Attribute(key, "true") for key in keys))


def price(seller: Seller, spec: GroupSpec, used: tuple[ResourceUnit, ...] = ()) -> Decimal | None:
    return quote(seller, spec, list(used), Decimal(1))


def test_the_same_seed_makes_the_same_market() -> None:
    again = sellers(7, 10)
    assert [s.provider.owner for s in again] == [s.provider.owner for s in MARKET]
    assert [s.margin for s in again] == [s.margin for s in MARKET]
    assert [s.provider.owner for s in sellers(8, 10)] != [s.provider.owner for s in MARKET]


def test_a_market_has_something_of_everything() -> None:
    assert {s.audited for s in MARKET} == {True, False}
    assert {s.storage_class for s in MARKET} >= {"beta1", "beta2", "beta3", None}
    assert any(s.provider.facts["uptime7d"] is None for s in MARKET)
    assert any(s.leased_ips for s in MARKET)
    assert len({s.provider.attributes["region"] for s in MARKET}) >= 6


def test_providers_and_auditors_have_real_addresses() -> None:
    for address in (AUDITOR, OTHER_AUDITOR, *(s.provider.owner for s in sellers(3, 30))):
        assert parse_provider(address) == address


def test_thirty_providers_are_thirty_hosts() -> None:
    assert len({s.provider.facts["name"] for s in sellers(7, 30)}) == 30


def test_a_small_service_costs_a_dollar_or_a_few_a_month() -> None:
    asked = price(PLAIN, group())
    assert asked is not None
    assert 1 < asked * Decimal("431249") / 10**6 < 6
    assert len(f"{asked}".partition(".")[2]) == 18


def test_nobody_bids_above_the_ceiling() -> None:
    assert price(PLAIN, group(replace(UNIT, price=Decimal("0.5")))) is None


def test_nobody_bids_without_the_auditor_that_the_group_names() -> None:
    stranger = next(s for s in MARKET if not s.audited)
    assert price(stranger, group()) is None
    assert price(stranger, group(any_of=OTHER_AUDITOR)) is not None


@pytest.mark.parametrize(
    ("attributes", "bids"),
    [
        ({"host": "akash"}, True),
        ({"region": "us-central"}, True),
        ({"region": "us-*"}, True),
        ({"region": "mars"}, False),
        ({"unheard-of": "true"}, False),
    ],
)
def test_attributes_must_all_be_held(attributes: dict[str, str], bids: bool) -> None:
    assert (price(PLAIN, group(attributes=attributes)) is not None) is bids


@pytest.mark.parametrize(
    ("keys", "bids"),
    [
        (("vendor/nvidia/model/h100",), True),
        (("vendor/nvidia/model/*",), True),
        (("vendor/nvidia/model/a100", "vendor/nvidia/model/h100"), True),
        (("vendor/nvidia/model/h100/ram/80Gi/interface/sxm",), True),
        (("vendor/nvidia/model/h100/ram/80GB",), False),
        (("vendor/nvidia/model/h100/interface/pcie",), False),
        (("vendor/nvidia/model/H100",), False),
        (("vendor/nvidia/model/a100",), False),
        ((), True),
    ],
)
def test_the_gpu_must_be_one_that_is_asked_for(keys: tuple[str, ...], bids: bool) -> None:
    assert (price(H100, group(gpu_unit(*keys))) is not None) is bids


def test_a_provider_without_the_gpu_does_not_bid() -> None:
    assert price(PLAIN, group(gpu_unit("vendor/nvidia/model/*"))) is None


def test_an_offer_names_the_very_model() -> None:
    offered = offered_gpu_attributes(H100, gpu_unit("vendor/nvidia/model/*"))
    assert offered == (Attribute("vendor/nvidia/model/h100/ram/80Gi/interface/sxm5", "true"),)


@pytest.mark.parametrize(("storage_class", "bids"), [("beta2", True), ("beta1", False), ("fast", False)])
def test_the_storage_class_must_be_there(storage_class: str, bids: bool) -> None:
    volume = Storage("data", GI, (Attribute("class", storage_class), Attribute("persistent", "true")))
    unit = replace(UNIT, storage=(*UNIT.storage, volume))
    assert (price(PLAIN, group(unit)) is not None) is bids


def test_five_volumes_are_one_too_many() -> None:
    volumes = tuple(Storage(f"v{n}", GI, ()) for n in range(5))
    assert price(PLAIN, group(replace(UNIT, storage=volumes[:4]))) is not None
    assert price(PLAIN, group(replace(UNIT, storage=volumes))) is None


def test_a_leased_ip_needs_a_provider_that_has_them() -> None:
    unit = replace(UNIT, endpoints=(Endpoint(2, 1),))
    assert {s.leased_ips for s in MARKET if price(s, group(unit, any_of=s.provider.signed_by[0]))} == {True}


def test_a_provider_that_is_full_does_not_bid() -> None:
    whole = replace(UNIT, cpu=H100.node.cpu, count=H100.nodes)
    assert price(H100, group(whole)) is not None
    assert price(H100, group(whole), used=(UNIT,)) is None


def test_a_replica_larger_than_a_machine_gets_no_bid() -> None:
    assert price(PLAIN, group(replace(UNIT, memory=PLAIN.node.memory + 1))) is None
