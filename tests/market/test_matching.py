"""Why a provider cannot take a group, by its record. What is missing there is unknown: neither able nor ruled out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.clients.console.market_models import PROVIDER, ProviderRecord
from akash_mcp.ids import ProviderAddress
from akash_mcp.market.matching import Kind, Match, Wanted, match
from akash_mcp.market.prices import PriceRange
from akash_mcp.market.ranking import Requirements
from akash_mcp.money import Usd
from akash_mcp.sdl import Attribute, Endpoint, GroupSpec, ResourceUnit, Storage

OWNER = ProviderAddress("akash1" + "a" * 38)
GI = 2**30
RECORD: dict[str, Any] = {
    "owner": OWNER,
    "isOnline": True,
    "isValidVersion": True,
    "isAudited": True,
    "featEndpointIp": True,
    "reclamationWindow": 86_400,
    "gpuModels": [{"vendor": "nvidia", "model": "a100", "ram": "80Gi", "interface": "SXM4"}],
    "attributes": [
        {"key": "region", "value": "us-west", "auditedBy": ["akash1auditor"]},
        {"key": "capabilities/storage/1/class", "value": "beta3", "auditedBy": ["akash1auditor"]},
    ],
    "stats": {
        "cpu": {"active": 0, "pending": 0, "available": 64_000},
        "memory": {"active": 0, "pending": 0, "available": 256 * GI},
        "gpu": {"active": 1, "pending": 0, "available": 7},
        "storage": {
            "ephemeral": {"active": 0, "pending": 0, "available": 1024 * GI},
            "persistent": {"active": 0, "pending": 0, "available": 512 * GI},
        },
    },
}


def record(**changed: Any) -> ProviderRecord:
    return PROVIDER.validate_python({**RECORD, **changed})


def group(**changed: Any) -> GroupSpec:
    unit: dict[str, Any] = {
        "id": 1,
        "cpu": 1000,
        "cpu_attributes": (),
        "memory": GI,
        "storage": (Storage("default", GI, ()),),
        "gpu": 0,
        "gpu_attributes": (),
        "endpoints": (),
        "count": 1,
        "price": Decimal(1000),
        "denom": "uact",
    }
    own = {key: value for key, value in changed.items() if key in unit}
    rest = {
        "attributes": (),
        "all_of": (),
        "any_of": (),
        **{k: v for k, v in changed.items() if k not in unit},
    }
    return GroupSpec(name="akash", resources=(ResourceUnit(**{**unit, **own}),), **rest)


def wanted(price: PriceRange | None = None, notice: int | None = None, **policy: Any) -> Wanted:
    return Wanted(
        policy=Requirements(hours=Decimal(24), **policy), price_range=lambda _: price, notice=notice
    )


def volume(size: int = GI, kind: str = "", persistent: str = "") -> Storage:
    told = {"class": kind, "persistent": persistent}
    return Storage("data", size, tuple(Attribute(key, value) for key, value in told.items() if value))


def gpu(*keys: str, count: int = 1) -> dict[str, Any]:
    return {
        "gpu": count,
        "gpu_attributes": tuple(Attribute(f"vendor/nvidia/model/{key}", "true") for key in keys),
    }


def against(found: Match) -> list[Kind]:
    return [each.kind for each in found.obstacles]


RULED_OUT: dict[str, tuple[dict[str, Any], dict[str, Any], list[Kind]]] = {
    "attribute": ({}, {"attributes": (Attribute("region", "mars"),)}, [Kind.ATTRIBUTE]),
    "auditor": ({}, {"all_of": ("akash1other",)}, [Kind.AUDITOR]),
    "model": ({}, gpu("h100"), [Kind.GPU_MODEL]),
    "ram": ({}, gpu("a100/ram/40Gi"), [Kind.GPU_FORM]),
    "interface": ({}, gpu("a100/interface/pcie"), [Kind.GPU_FORM]),
    "no GPUs at all": (
        {"gpuModels": [], "stats": {**RECORD["stats"], "gpu": {"active": 0, "pending": 0, "available": 0}}},
        gpu("a100"),
        [Kind.GPU_MODEL, Kind.GPUS],
    ),
    "GPUs": ({}, gpu("a100", count=8), [Kind.GPUS]),
    "CPU": ({}, {"cpu": 8_000, "count": 9}, [Kind.CPU]),
    "memory": ({}, {"memory": 257 * GI}, [Kind.MEMORY]),
    "disk": ({}, {"storage": (volume(1025 * GI),)}, [Kind.DISK]),
    "persistent disk": (
        {},
        {"storage": (volume(513 * GI, persistent="true", kind="beta3"),)},
        [Kind.PERSISTENT],
    ),
    "class": ({}, {"storage": (volume(persistent="true", kind="beta9"),)}, [Kind.STORAGE_CLASS]),
    "volumes": ({}, {"storage": tuple(volume() for _ in range(5))}, [Kind.VOLUMES]),
    "leased IP": ({"featEndpointIp": False}, {"endpoints": (Endpoint(2, 1),)}, [Kind.LEASED_IP]),
    "offline": ({"isOnline": False}, {}, [Kind.OFFLINE]),
    "old version": ({"isValidVersion": False}, {}, [Kind.OFFLINE]),
    "not audited": ({"isAudited": False}, {}, [Kind.NOT_AUDITED]),
}


@pytest.mark.parametrize(("of_provider", "of_group", "kinds"), RULED_OUT.values(), ids=RULED_OUT)
def test_each_requirement_rules_out_by_itself(
    of_provider: dict[str, Any], of_group: dict[str, Any], kinds: list[Kind]
) -> None:
    found = match(record(**of_provider), group(**of_group), wanted())
    assert sorted(against(found)) == sorted(kinds)
    assert found.unknown == ()


MET = {
    "nothing": {},
    "any GPU": gpu(),
    "any model": gpu("*"),
    "sxm is any sxm": gpu("a100/ram/80Gi/interface/sxm"),
    "one of several": gpu("h100", "a100"),
    "region by a star": {"attributes": (Attribute("region", "US-*"),)},
    "its auditor": {"all_of": ("akash1auditor",)},
    "an auditor in anyOf, which the Console adds its own to": {"any_of": ("akash1nobody",)},
    "memory as a disk": {"storage": (volume(2000 * GI, kind="ram", persistent="false"),)},
    "a leased IP": {"endpoints": (Endpoint(2, 1),)},
}


@pytest.mark.parametrize("of_group", MET.values(), ids=MET)
def test_what_is_met_rules_nobody_out(of_group: dict[str, Any]) -> None:
    assert match(record(), group(**of_group), wanted(notice=3600)) == Match(OWNER)


UNKNOWN: dict[str, tuple[list[str], dict[str, Any], dict[str, Any]]] = {
    "no stats": (["what it has free"], {"stats": None}, {}),
    "stats without what is free": (["what it has free"], {"stats": {"cpu": {}, "memory": {}}}, {}),
    "no GPU models": (["its GPU models"], {"gpuModels": []}, gpu("a100")),
    "no attributes": (["its attributes"], {"attributes": []}, {"attributes": (Attribute("a", "b"),)}),
    "no classes": (
        ["its storage classes"],
        {"attributes": []},
        {"storage": (volume(persistent="true", kind="beta3"),)},
    ),
}


@pytest.mark.parametrize(("unknown", "of_provider", "of_group"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_a_record_does_not_tell_is_unknown(
    unknown: list[str], of_provider: dict[str, Any], of_group: dict[str, Any]
) -> None:
    found = match(record(**of_provider), group(**of_group), wanted())
    assert found.obstacles == ()
    assert list(found.unknown) == unknown


@pytest.mark.parametrize("field", ["isOnline", "isValidVersion", "isAudited", "featEndpointIp"])
def test_a_missing_yes_or_no_is_neither(field: str) -> None:
    told = {key: value for key, value in RECORD.items() if key != field}
    found = match(PROVIDER.validate_python(told), group(endpoints=(Endpoint(2, 1),)), wanted())
    assert found.obstacles == ()
    assert len(found.unknown) == 1


def test_the_users_policy_rules_out() -> None:
    other = ProviderAddress("akash1" + "b" * 38)
    assert against(match(record(), group(), wanted(allowed=frozenset({other})))) == [Kind.ALLOWED]
    assert against(match(record(), group(), wanted(denied=frozenset({OWNER})))) == [Kind.DENIED]
    assert against(match(record(), group(), wanted(failed={OWNER: "why"}))) == [Kind.FAILED]


def test_prices_rule_out_only_where_they_are_known() -> None:
    dear = PriceRange(Usd(5), Usd(9))
    assert against(match(record(), group(), wanted(dear))) == [Kind.CEILING]
    assert against(match(record(), group(price=Decimal(10**6)), wanted(dear, max_usd_per_hour=Usd(1)))) == [
        Kind.RATE_LIMIT
    ]
    assert (
        against(match(record(), group(price=Decimal(1)), wanted(None, max_usd_per_hour=Usd("0.001")))) == []
    )


def test_notice_is_compared_where_it_is_told() -> None:
    assert against(match(record(), group(), wanted(notice=86_401))) == [Kind.NOTICE]
    assert match(record(reclamationWindow=None), group(), wanted(notice=60)).unknown == (
        "the notice that it gives",
    )


SIZES = st.integers(0, 2**44)


@given(cpu=SIZES, memory=SIZES, disk=SIZES, gpus=st.integers(0, 20), count=st.integers(1, 60), less=st.data())
def test_who_asks_for_less_is_never_ruled_out_by_more(
    cpu: int, memory: int, disk: int, gpus: int, count: int, less: st.DataObject
) -> None:
    more = group(cpu=cpu, memory=memory, storage=(volume(disk),), count=count, **gpu("a100", count=gpus))
    smaller = group(
        cpu=less.draw(st.integers(0, cpu)),
        memory=less.draw(st.integers(0, memory)),
        storage=(volume(less.draw(st.integers(0, disk))),),
        count=less.draw(st.integers(1, count)),
        **gpu("a100", count=less.draw(st.integers(0, gpus))),
    )
    assert match(record(), smaller, wanted()).kinds <= match(record(), more, wanted()).kinds
