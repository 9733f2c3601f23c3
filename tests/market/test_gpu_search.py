"""Who has which GPUs free, from records alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.clients.console.market_models import (
    GPU_PRICES,
    GPUS,
    PLACEMENT,
    GpuPrice,
    PlacementOptions,
    ProviderRecord,
)
from akash_mcp.ids import ProviderAddress, bech32_encode
from akash_mcp.market import gpu_search
from akash_mcp.market.gpu_search import (
    GpuCount,
    GpuKind,
    GpuSearch,
    GpuWanted,
    Others,
    count_by_kind,
    free_gpus,
    kinds_of,
    kinds_within,
    others,
    prices_by_kind,
    search_gpus,
)
from akash_mcp.money import Usd

H100 = GpuKind("h100", "80Gi", "sxm")
T4 = GpuKind("t4", "16Gi", "pcie")
A100_40 = GpuKind("a100", "40Gi", "pcie")
GERMAN = {"ipRegion": "Hesse", "ipCountry": "Germany", "ipCountryCode": "DE"}


def address(number: int) -> ProviderAddress:
    return ProviderAddress(bech32_encode("akash", number.to_bytes(20, "big")))


def gpu(kind: GpuKind) -> dict[str, str]:
    return {"vendor": kind.vendor, "model": kind.model, "ram": kind.ram, "interface": kind.interface.upper()}


def provider(number: int, *kinds: GpuKind, free: Any = 4, **facts: Any) -> ProviderRecord:
    return ProviderRecord.model_validate(
        {
            "owner": address(number),
            "isOnline": True,
            "isAudited": True,
            "isValidVersion": True,
            "gpuModels": [gpu(kind) for kind in kinds],
            "stats": {"gpu": {"active": 0, "pending": 0, "available": free}},
            **facts,
        }
    )


def price(kind: GpuKind, low: Any, high: Any, median: Any = None, currency: str = "USD") -> GpuPrice:
    told = {"currency": currency, "min": low, "max": high, "med": median}
    read: list[GpuPrice] = GPU_PRICES.validate_python([{**gpu(kind), "price": told}])
    return read[0]


def addresses(search: GpuSearch) -> list[str]:
    return [found.record.owner for found in search.providers]


PRICES = prices_by_kind([price(H100, 2.0, 3.5, 2.4), price(T4, "0.1", "0.2")])


# ── who counts ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"isOnline": False}, gpu_search.OFFLINE),
        ({"isOnline": None}, gpu_search.OFFLINE),
        ({"isValidVersion": False}, gpu_search.OLD_VERSION),
        ({"isAudited": False}, gpu_search.NOT_AUDITED),
        ({"isAudited": None}, gpu_search.NOT_AUDITED),
        ({"stats": None}, gpu_search.NOT_KNOWN),
        ({"stats": {}}, gpu_search.NOT_KNOWN),
        ({"free": None}, gpu_search.NOT_KNOWN),
        ({"free": "1e999999999"}, gpu_search.NOT_KNOWN),
        ({"free": 0}, gpu_search.TOO_FEW),
        ({"free": -3}, gpu_search.TOO_FEW),
    ],
)
def test_who_cannot_be_leased_from_is_left_out_and_counted(facts: dict[str, Any], why: str) -> None:
    found = search_gpus(GpuWanted(), [provider(1, H100, **facts), provider(2, H100)], PRICES)
    assert addresses(found) == [address(2)]
    assert found.left_out == {why: 1}
    assert (found.kinds[0].providers, found.kinds[0].free) == (1, 4)


def test_the_users_policy_and_the_region_leave_out() -> None:
    records = [provider(1, H100), provider(2, H100, **GERMAN), provider(3, H100, **GERMAN)]
    found = search_gpus(GpuWanted(places=frozenset({"germany"})), records, PRICES, ruled_out=[address(3)])
    assert addresses(found) == [address(2)]
    assert found.left_out == {gpu_search.ELSEWHERE: 1, gpu_search.RULED_OUT: 1}


def test_who_has_no_such_gpu_is_not_counted_at_all() -> None:
    found = search_gpus(GpuWanted(model="h100"), [provider(1, T4, isOnline=False), provider(2)], PRICES)
    assert (found.kinds, found.providers, found.left_out) == ((), (), {})


def test_those_with_most_free_come_first() -> None:
    found = search_gpus(GpuWanted(), [provider(1, H100, free=2), provider(2, H100, free=9)], PRICES)
    assert addresses(found) == [address(2), address(1)]


# ── how many ────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_has_other_models_too_tells_only_how_many_at_most() -> None:
    found = search_gpus(GpuWanted(model="h100"), [provider(1, H100, T4), provider(2, H100)], PRICES)
    assert [(each.free, each.exact) for each in found.providers] == [(4, True), (4, False)]
    assert (found.kinds[0].providers, found.kinds[0].free) == (2, 4)


def test_a_model_that_cannot_be_read_may_have_what_is_free() -> None:
    odd = provider(1, H100, GpuKind("an odd\nname"))
    assert kinds_of(odd) == (H100,)
    assert [each.exact for each in search_gpus(GpuWanted(), [odd], PRICES).providers] == [False]


def test_of_two_kinds_together_neither_is_certain() -> None:
    found = search_gpus(GpuWanted(), [provider(1, H100, T4)], PRICES)
    assert [each.exact for each in found.providers] == [True]
    assert [kind.free for kind in found.kinds] == [0, 0]


def test_as_many_in_all_are_not_as_many_on_one_node() -> None:
    records = [provider(1, H100, free=16), provider(2, H100, free=8), provider(3, H100, free=7)]
    known = search_gpus(GpuWanted(count=8), records, PRICES, fitting={address(2)})
    assert addresses(known) == [address(2)]
    assert known.left_out == {gpu_search.NOT_ON_ONE_NODE: 1, gpu_search.TOO_FEW: 1}
    unknown = search_gpus(GpuWanted(count=8), records, PRICES)
    assert addresses(unknown) == [address(1), address(2)]


@pytest.mark.parametrize(
    ("variants", "most"),
    [
        ([{"memory": "80Gi", "interface": "sxm5", "maxNodeFreeUnits": 6}], 6),
        ([{"memory": "40Gi", "interface": "sxm5", "maxNodeFreeUnits": 6}], None),
        ([{"memory": None, "interface": None, "maxNodeFreeUnits": 6}], None),
        ([{"memory": "80Gi", "interface": "sxm5"}], None),
        ([], None),
    ],
)
def test_the_most_on_one_node_is_told_of_just_this_kind(
    variants: list[dict[str, Any]], most: int | None
) -> None:
    model = {"name": "H100", "maxNodeFreeUnits": 8, "availableUnits": 20, "variants": variants}
    told: PlacementOptions = PLACEMENT.validate_python({"gpus": [{"vendor": "nvidia", "models": [model]}]})
    found = search_gpus(GpuWanted(), [provider(1, H100)], PRICES, placement=told)
    assert found.kinds[0].most_on_one_node == most


# ── which ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (GpuWanted(), True),
        (GpuWanted(model="a100"), True),
        (GpuWanted(model="h100"), False),
        (GpuWanted(gib=40), True),
        (GpuWanted(gib=80), False),
        (GpuWanted(least_gib=40), True),
        (GpuWanted(least_gib=41), False),
        (GpuWanted(interface="pcie"), True),
        (GpuWanted(interface="sxm"), False),
    ],
)
def test_a_kind_is_what_is_looked_for_or_not(wanted: GpuWanted, taken: bool) -> None:
    assert wanted.takes(A100_40) is taken


def test_an_unknown_memory_or_interface_is_not_one_that_was_asked_for() -> None:
    bare = GpuKind("a100")
    assert GpuWanted(model="a100").takes(bare)
    for wanted in (GpuWanted(gib=40), GpuWanted(least_gib=1), GpuWanted(interface="sxm")):
        assert not wanted.takes(bare)


def test_kinds_are_named_as_an_sdl_names_them() -> None:
    assert kinds_of(provider(1, GpuKind("H100", "80Gi", "sxm5"))) == (H100,)
    assert str(H100) == "h100 80Gi sxm"
    assert H100.attribute == "vendor/nvidia/model/h100/ram/80Gi/interface/sxm"
    assert GpuKind("t4").attribute == "vendor/nvidia/model/t4"


def kinds(found: Others) -> list[GpuKind]:
    return [each.kind for each in found.kinds]


def test_where_nothing_is_found_there_are_others() -> None:
    records = [provider(1, H100), provider(2, T4)]
    assert kinds(others(GpuWanted(model="h100", count=99), records, PRICES)) == [H100]
    assert kinds(others(GpuWanted(model="l40s"), records, PRICES)) == [T4, H100]
    assert kinds(others(GpuWanted(), [provider(1, H100, isOnline=False)], PRICES)) == []


def test_what_is_there_at_another_price_is_told_before_what_is_elsewhere() -> None:
    records = [provider(1, H100, **GERMAN), provider(2, T4, A100_40)]
    wanted = GpuWanted(places=frozenset({"germany"}), max_usd_per_hour=Usd(1))
    search = search_gpus(wanted, records, PRICES)
    assert (search.dearer, search.without_price) == ((H100,), ())
    other = others(wanted, records, PRICES)
    assert (kinds(other), other.differ_in_price) == ([H100], True)
    assert other.kinds[0].price is not None
    elsewhere = others(GpuWanted(model="t4", places=frozenset({"germany"})), records, PRICES)
    assert (kinds(elsewhere), elsewhere.differ_in_price) == ([T4], False)


# ── prices ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_cheapest_kind_comes_first_and_one_without_a_price_last() -> None:
    found = search_gpus(GpuWanted(), [provider(1, A100_40), provider(2, H100), provider(3, T4)], PRICES)
    assert [each.kind for each in found.kinds] == [T4, H100, A100_40]
    assert found.kinds[2].price is None


def test_what_costs_more_and_what_has_no_price_is_left_out_and_named() -> None:
    records = [provider(1, A100_40), provider(2, H100), provider(3, T4)]
    found = search_gpus(GpuWanted(max_usd_per_hour=Usd("0.5")), records, PRICES)
    assert [each.kind for each in found.kinds] == [T4]
    assert (found.dearer, found.without_price) == ((H100,), (A100_40,))


def test_the_highest_price_is_for_all_of_them_together() -> None:
    wanted = GpuWanted(model="t4", count=4, max_usd_per_hour=Usd("0.39"))
    assert search_gpus(wanted, [provider(1, T4)], PRICES).dearer == (T4,)


@pytest.mark.parametrize(
    "told",
    [
        price(T4, None, 1),
        price(T4, 1, None),
        price(T4, 0, 1),
        price(T4, -1, 1),
        price(T4, 2, 1),
        price(T4, "NaN", 1),
        price(T4, 1, "1e30"),
        price(T4, 1, 2, currency="uakt"),
        GpuPrice.model_validate({**gpu(T4), "price": None}),
    ],
)
def test_a_price_that_nobody_can_mean_is_unknown(told: GpuPrice) -> None:
    assert prices_by_kind([told]) == {}


def test_prices_of_one_kind_are_joined() -> None:
    both = prices_by_kind([price(H100, 2, 3, 2.5), price(GpuKind("h100", "80Gi", "sxm5"), 1, 2.5, 2)])[H100]
    assert (both.low, both.high, both.median) == (Usd(1), Usd(3), None)


def test_a_count_that_is_not_told_is_no_count() -> None:
    kind = {"model": "h100", "ram": "80Gi", "interface": "SXM5"}
    rows = [{**kind, "allocatable": 8, "allocated": 3}, {**kind, "allocatable": 8}]
    told = {"total": {}, "details": {"nvidia": rows, "amd": [{**kind, "allocatable": 1, "allocated": 5}]}}
    counted = count_by_kind(GPUS.validate_python(told))
    assert counted == {H100: GpuCount(8, 5), GpuKind("h100", "80Gi", "sxm", "amd"): GpuCount(1, 0)}


# ── rules that hold for every market ────────────────────────────────────────────────────────────────────────

KINDS = st.lists(st.sampled_from([H100, T4, A100_40, GpuKind("a100")]), max_size=3)
FLAG = st.sampled_from([True, True, True, False, None])


@st.composite
def records(draw: st.DrawFn) -> list[ProviderRecord]:
    count = draw(st.integers(0, 8))
    return [
        provider(
            number,
            *draw(KINDS),
            free=draw(st.sampled_from([None, 0, 1, 4, 8, 64])),
            isOnline=draw(FLAG),
            isAudited=draw(FLAG),
            isValidVersion=draw(FLAG),
            **draw(st.sampled_from([{}, GERMAN])),
        )
        for number in range(count)
    ]


WANTED = st.builds(
    GpuWanted,
    model=st.sampled_from(["", "h100", "a100"]),
    least_gib=st.sampled_from([None, 16, 80]),
    count=st.sampled_from([1, 4, 8]),
    places=st.sampled_from([frozenset(), frozenset({"germany"})]),
    max_usd_per_hour=st.sampled_from([None, Usd("0.5"), Usd(100)]),
)


@given(WANTED, records())
def test_every_provider_with_such_a_gpu_is_told_once_or_left_out_once(
    wanted: GpuWanted, market: list[ProviderRecord]
) -> None:
    found = search_gpus(wanted, market, PRICES)
    affordable, _, _ = kinds_within(wanted, market, PRICES)
    having = [r for r in market if any(k in affordable for k in kinds_of(r))]
    assert len(found.providers) + sum(found.left_out.values()) == len(having)
    assert len(set(addresses(found))) == len(found.providers)


@given(WANTED, records())
def test_nothing_unknown_is_ever_free(wanted: GpuWanted, market: list[ProviderRecord]) -> None:
    found = search_gpus(wanted, market, PRICES)
    for each in found.providers:
        record = each.record
        assert record.is_online
        assert record.is_audited
        assert record.is_valid_version
        assert each.free == free_gpus(record)
        assert each.free >= wanted.count
    certain = sum(each.free for each in found.providers)
    assert sum(kind.free for kind in found.kinds) <= certain


@given(WANTED, records(), st.randoms())
def test_the_order_of_the_records_has_no_influence(
    wanted: GpuWanted, market: list[ProviderRecord], random: Any
) -> None:
    shuffled = list(market)
    random.shuffle(shuffled)
    assert search_gpus(wanted, shuffled, PRICES) == search_gpus(wanted, market, PRICES)


@given(WANTED, records(), st.decimals(Decimal("0.01"), Decimal(10), places=2))
def test_a_higher_limit_never_shows_fewer(
    wanted: GpuWanted, market: list[ProviderRecord], more: Decimal
) -> None:
    low = GpuWanted(model=wanted.model, count=wanted.count, max_usd_per_hour=Usd(more))
    high = GpuWanted(model=wanted.model, count=wanted.count, max_usd_per_hour=Usd(more * 2))
    shown = set(addresses(search_gpus(low, market, PRICES)))
    assert shown <= set(addresses(search_gpus(high, market, PRICES)))
